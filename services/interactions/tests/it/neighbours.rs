//! Neighbours as small as a test needs them: a profiles that recognises by value, and logs that say what a test wants.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rapport_foundation::context::Context;
use rapport_foundation::events::{self, Data, Outgoing, Relay};
use rapport_foundation::id::{CustomerId, RecordId, TenantId};
use rapport_foundation::log_service;
use rapport_foundation::role::Role;
use rapport_foundation::service::Task;
use rapport_foundation::testing::{Engine, House, TestEnv, shared_tables};
use rapport_foundation::time::Clock;
use rapport_proto::profiles::v1 as pb;
use rapport_proto::profiles::v1::customer_service_server::{
    CustomerService, CustomerServiceServer,
};
use rapport_proto::types::v1::CustomerRef;
use tonic::{Request, Response, Status};

/// A profiles that knows a customer by each value it was asked for.
#[derive(Clone, Default)]
pub(crate) struct Fake(Arc<State>);

#[derive(Default)]
struct State {
    known: Mutex<HashMap<(TenantId, String), CustomerRef>>,
    down: AtomicBool,
    asked: AtomicUsize,
}

impl Fake {
    pub(crate) fn set_down(&self, down: bool) {
        self.0.down.store(down, Ordering::SeqCst);
    }

    pub(crate) fn asked(&self) -> usize {
        self.0.asked.load(Ordering::SeqCst)
    }

    /// The customer behind a value.
    pub(crate) fn customer(&self, tenant: TenantId, value: &str) -> CustomerRef {
        let now = Clock::system().now();
        let fresh = || CustomerRef {
            customer_id: CustomerId::new(now).to_string(),
            record_id: RecordId::new(now).to_string(),
        };
        let mut known = self.0.known.lock().unwrap();
        known
            .entry((tenant, value.to_owned()))
            .or_insert_with(fresh)
            .clone()
    }

    fn check<T>(&self, request: &Request<T>) -> Result<TenantId, Status> {
        let context = Context::of(request)?;
        assert_eq!(context.principal, "svc_interactions");
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        if self.0.down.load(Ordering::SeqCst) {
            return Err(Status::unavailable("down"));
        }
        Ok(context.tenant)
    }
}

macro_rules! unused {
    ($($method:ident($request:ident) -> $response:ident;)*) => {
        #[tonic::async_trait]
        impl CustomerService for Fake {
            async fn resolve_customer(
                &self,
                request: Request<pb::ResolveCustomerRequest>,
            ) -> Result<Response<pb::ResolveCustomerResponse>, Status> {
                let tenant = self.check(&request)?;
                let asked = request.into_inner();
                assert!(!asked.source.is_empty());
                if asked.identifiers.is_empty() || asked.identifiers.iter().any(|one| one.value.starts_with("bad")) {
                    return Err(Status::invalid_argument("refused"));
                }
                if asked.hints.as_ref().is_some_and(|hints| hints.region == "UK") {
                    return Err(Status::invalid_argument("there is no such region"));
                }
                let customer = Some(self.customer(tenant, &asked.identifiers[0].value));
                Ok(Response::new(pb::ResolveCustomerResponse { customer, ..Default::default() }))
            }

            async fn get_customer(
                &self,
                request: Request<pb::GetCustomerRequest>,
            ) -> Result<Response<pb::GetCustomerResponse>, Status> {
                let tenant = self.check(&request)?;
                let id = request.into_inner().customer_id;
                let known = self.0.known.lock().unwrap();
                let found = known.iter().any(|((owner, _), customer)| *owner == tenant && customer.customer_id == id);
                if !found {
                    return Err(Status::not_found("no such customer"));
                }
                let customer = Some(pb::Customer { id, ..Default::default() });
                Ok(Response::new(pb::GetCustomerResponse { customer }))
            }

            $(async fn $method(&self, _: Request<pb::$request>) -> Result<Response<pb::$response>, Status> {
                Err(Status::unimplemented("not in this test"))
            })*
        }
    };
}

unused! {
    create_customer(CreateCustomerRequest) -> CreateCustomerResponse;
    update_customer(UpdateCustomerRequest) -> UpdateCustomerResponse;
    list_customers(ListCustomersRequest) -> ListCustomersResponse;
    delete_customer(DeleteCustomerRequest) -> DeleteCustomerResponse;
    add_identifier(AddIdentifierRequest) -> AddIdentifierResponse;
    remove_identifier(RemoveIdentifierRequest) -> RemoveIdentifierResponse;
    merge_customers(MergeCustomersRequest) -> MergeCustomersResponse;
    unmerge_customers(UnmergeCustomersRequest) -> UnmergeCustomersResponse;
}

/// A neighbour with a log of its own.
pub(crate) struct Neighbour {
    t: TestEnv,
    _relay: Task,
}

impl Neighbour {
    pub(crate) async fn profiles(house: &House, engine: &Engine, fake: &Fake) -> Self {
        let t = house.env(engine, Role::Profiles, shared_tables).await;
        let log = log_service!(profiles, &t.env);
        t.attach(
            tonic::service::Routes::new(CustomerServiceServer::new(fake.clone())).add_service(log),
        );
        Self::running(t)
    }

    pub(crate) async fn routing(house: &House, engine: &Engine) -> Self {
        let t = house.env(engine, Role::Routing, shared_tables).await;
        let log = log_service!(routing, &t.env);
        t.attach(tonic::service::Routes::new(log));
        Self::running(t)
    }

    pub(crate) async fn loyalty(house: &House, engine: &Engine) -> Self {
        let t = house.env(engine, Role::Loyalty, shared_tables).await;
        let log = log_service!(loyalty, &t.env);
        t.attach(tonic::service::Routes::new(log));
        Self::running(t)
    }

    fn running(t: TestEnv) -> Self {
        let relay = Relay::spawn(t.env.db.clone(), t.env.role, t.env.shutdown.clone());
        Self { t, _relay: relay }
    }

    /// Says that something happened.
    pub(crate) async fn say(&self, tenant: TenantId, aggregate: &str, data: Data) {
        let event = Outgoing::new(self.t.env.clock.now(), aggregate, data);
        let said: Result<(), rapport_foundation::db::Error> = self
            .t
            .env
            .db
            .write(tenant, async |s| events::append(&s, &event).await)
            .await;
        said.unwrap();
    }
}

/// An id that nothing has.
pub(crate) fn unknown<I: rapport_foundation::id::TypedId>() -> String {
    I::from_uuid(CustomerId::new(Clock::system().now()).uuid()).to_string()
}
