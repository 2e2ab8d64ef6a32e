//! The service opened over a fresh database, and short ways to call it.

use rapport_foundation::channel::Channel;
use rapport_foundation::context::{Claims, Context, PrincipalKind};
use rapport_foundation::id::TenantId;
use rapport_foundation::role::Role;
use rapport_foundation::testing::{self, TestEnv};
use rapport_profiles::{Config, migrations, open};
use rapport_proto::profiles::v1 as pb;
use rapport_proto::profiles::v1::customer_service_client::CustomerServiceClient;
use rapport_proto::profiles::v1::log_service_client::LogServiceClient;
use rapport_proto::types::v1::{Identifier, IdentifierType};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

pub(crate) struct Desk {
    pub(crate) env: TestEnv,
    pub(crate) tenant: TenantId,
    pub(crate) context: Context,
    channel: Channel,
}

/// Runs a test on every engine.
pub(crate) async fn on_every_desk(test: impl AsyncFn(Desk)) {
    testing::on_every_engine(Role::Profiles, migrations, async |env| {
        test(Desk::open(env).await).await;
    })
    .await;
}

macro_rules! calls {
    ($($name:ident($request:ident) -> $response:ident;)*) => {
        $(pub(crate) async fn $name(&self, request: pb::$request) -> Result<pb::$response, Status> {
            let request = self.request(request);
            Ok(self.client().$name(request).await?.into_inner())
        })*
    };
}

impl Desk {
    async fn open(env: TestEnv) -> Self {
        let config = Config {
            default_region: "ID".into(),
            ..Config::default()
        };
        let service = open(env.env.clone(), config).await.unwrap();
        let channel = env.attach(service.routes);
        let tenant = testing::tenant();
        let context = testing::context(tenant, &[]);
        Self {
            env,
            tenant,
            context,
            channel,
        }
    }

    /// Another process over the same database.
    pub(crate) async fn twin(&self) -> Self {
        let house = self.env.house.clone();
        let env = house
            .env_on(std::sync::Arc::clone(&self.env.database), Role::Profiles)
            .await;
        Self {
            tenant: self.tenant,
            context: self.context.clone(),
            ..Self::open(env).await
        }
    }

    /// The same service for someone of another tenant.
    pub(crate) fn of_stranger(self) -> Self {
        let tenant = testing::tenant();
        Self {
            tenant,
            context: testing::context(tenant, &[]),
            ..self
        }
    }

    pub(crate) fn set_tenant(&mut self, tenant: TenantId) {
        self.tenant = tenant;
        self.context = testing::context(tenant, &[]);
    }

    pub(crate) fn set_caller(
        &mut self,
        principal: &str,
        kind: PrincipalKind,
        connector: Option<&str>,
    ) {
        let mut claims = Claims::new(self.tenant, principal, kind);
        claims.connector = connector.map(str::to_owned);
        self.context = claims.into();
    }

    pub(crate) fn request<M>(&self, message: M) -> Request<M> {
        self.env.request_as(&self.context, message)
    }

    pub(crate) fn client(&self) -> CustomerServiceClient<Channel> {
        CustomerServiceClient::new(self.channel.clone())
    }

    pub(crate) fn log(&self) -> LogServiceClient<Channel> {
        LogServiceClient::new(self.channel.clone())
    }

    calls! {
        resolve_customer(ResolveCustomerRequest) -> ResolveCustomerResponse;
        create_customer(CreateCustomerRequest) -> CreateCustomerResponse;
        get_customer(GetCustomerRequest) -> GetCustomerResponse;
        update_customer(UpdateCustomerRequest) -> UpdateCustomerResponse;
        list_customers(ListCustomersRequest) -> ListCustomersResponse;
        delete_customer(DeleteCustomerRequest) -> DeleteCustomerResponse;
        add_identifier(AddIdentifierRequest) -> AddIdentifierResponse;
        remove_identifier(RemoveIdentifierRequest) -> RemoveIdentifierResponse;
        merge_customers(MergeCustomersRequest) -> MergeCustomersResponse;
        unmerge_customers(UnmergeCustomersRequest) -> UnmergeCustomersResponse;
    }

    pub(crate) async fn resolved(
        &self,
        source: &str,
        identifiers: &[Identifier],
    ) -> pb::ResolveCustomerResponse {
        self.resolve_customer(resolve(source, identifiers))
            .await
            .unwrap()
    }

    /// As a client that comes again when it is told to: on a busy machine a deadline may pass.
    pub(crate) async fn resolved_in_the_end(
        &self,
        source: &str,
        identifiers: &[Identifier],
    ) -> pb::ResolveCustomerResponse {
        testing::eventually("the customer is resolved", async || {
            match self.resolve_customer(resolve(source, identifiers)).await {
                Ok(resolved) => Some(resolved),
                Err(status) => {
                    let again = [
                        Code::Unavailable,
                        Code::DeadlineExceeded,
                        Code::ResourceExhausted,
                    ];
                    assert!(again.contains(&status.code()), "{status:?}");
                    None
                }
            }
        })
        .await
    }

    pub(crate) async fn created(&self, name: &str, identifiers: &[Identifier]) -> pb::Customer {
        let created = self
            .create_customer(create(name, identifiers))
            .await
            .unwrap();
        created.customer.unwrap()
    }

    pub(crate) async fn got(&self, customer_id: &str) -> pb::Customer {
        let customer_id = customer_id.to_owned();
        let got = self
            .get_customer(pb::GetCustomerRequest { customer_id })
            .await
            .unwrap();
        got.customer.unwrap()
    }

    pub(crate) async fn merged(&self, remaining: &str, merged: &str) -> pb::Customer {
        let done = self
            .merge_customers(merge(remaining, merged))
            .await
            .unwrap();
        done.customer.unwrap()
    }

    pub(crate) async fn unmerged(
        &self,
        split: &str,
        restored: &str,
    ) -> (pb::Customer, pb::Customer) {
        let done = self
            .unmerge_customers(unmerge(split, restored))
            .await
            .unwrap();
        (done.customer.unwrap(), done.restored_customer.unwrap())
    }

    pub(crate) async fn deleted(&self, customer_id: &str) -> pb::Customer {
        let request = pb::DeleteCustomerRequest {
            request_id: fresh(),
            customer_id: customer_id.into(),
            etag: String::new(),
        };
        self.delete_customer(request)
            .await
            .unwrap()
            .customer
            .unwrap()
    }

    pub(crate) async fn holds(&self) {
        assert_eq!(rapport_profiles::verify(&self.env.db).await.unwrap(), []);
    }
}

pub(crate) fn fresh() -> String {
    Uuid::now_v7().to_string()
}

fn identifier(kind: IdentifierType, value: &str, namespace: &str) -> Identifier {
    Identifier {
        r#type: kind.into(),
        value: value.into(),
        namespace: namespace.into(),
    }
}

pub(crate) fn phone(value: &str) -> Identifier {
    identifier(IdentifierType::Phone, value, "")
}

pub(crate) fn email(value: &str) -> Identifier {
    identifier(IdentifierType::Email, value, "")
}

pub(crate) fn handle(namespace: &str, value: &str) -> Identifier {
    identifier(IdentifierType::Handle, value, namespace)
}

pub(crate) fn external(namespace: &str, value: &str) -> Identifier {
    identifier(IdentifierType::External, value, namespace)
}

pub(crate) fn resolve(source: &str, identifiers: &[Identifier]) -> pb::ResolveCustomerRequest {
    pb::ResolveCustomerRequest {
        identifiers: identifiers.to_vec(),
        hints: None,
        source: source.into(),
        seen_time: None,
    }
}

pub(crate) fn create(name: &str, identifiers: &[Identifier]) -> pb::CreateCustomerRequest {
    pb::CreateCustomerRequest {
        request_id: fresh(),
        customer: Some(pb::Customer {
            display_name: name.into(),
            ..pb::Customer::default()
        }),
        identifiers: identifiers.to_vec(),
        region: String::new(),
    }
}

pub(crate) fn merge(remaining: &str, merged: &str) -> pb::MergeCustomersRequest {
    pb::MergeCustomersRequest {
        request_id: fresh(),
        customer_id: remaining.into(),
        merged_customer_id: merged.into(),
        reason: "Same voice on the telephone".into(),
        etag: String::new(),
    }
}

pub(crate) fn unmerge(split: &str, restored: &str) -> pb::UnmergeCustomersRequest {
    pb::UnmergeCustomersRequest {
        request_id: fresh(),
        customer_id: split.into(),
        merged_customer_id: restored.into(),
        reason: "Two sisters".into(),
        etag: String::new(),
    }
}

pub(crate) fn add(customer_id: &str, identifier: Identifier) -> pb::AddIdentifierRequest {
    pb::AddIdentifierRequest {
        request_id: fresh(),
        customer_id: customer_id.into(),
        identifier: Some(identifier),
        etag: String::new(),
    }
}

/// The stable reason of a refusal.
pub(crate) fn reason(status: &Status) -> String {
    status.get_details_error_info().unwrap().reason
}

/// One machine-readable detail of a refusal.
pub(crate) fn detail(status: &Status, key: &str) -> String {
    status.get_details_error_info().unwrap().metadata[key].clone()
}

/// The violations of a refused request: field and reason.
pub(crate) fn violations(status: &Status) -> Vec<(String, String)> {
    assert_eq!(status.code(), tonic::Code::InvalidArgument, "{status:?}");
    let bad = status.get_details_bad_request().unwrap();
    let mut found: Vec<_> = bad
        .field_violations
        .into_iter()
        .map(|violation| (violation.field, violation.reason))
        .collect();
    found.sort();
    found
}

/// The values a customer is known by, sorted.
pub(crate) fn values(customer: &pb::Customer) -> Vec<String> {
    let mut values: Vec<String> = customer
        .identifiers
        .iter()
        .map(|held| held.identifier.clone().unwrap().value)
        .collect();
    values.sort();
    values
}
