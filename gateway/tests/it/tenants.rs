//! `rapport.access.v1`, called through the gateway like everything else.

use rapport_foundation::id::TenantId;
use rapport_foundation::testing::engines;
use rapport_gateway::directory::Directory;
use rapport_gateway::store::Store;
use rapport_proto::access::v1::tenant_service_client::TenantServiceClient;
use rapport_proto::access::v1::{
    CreateTenantRequest, GetTenantRequest, ListTenantsRequest, Quota, Rate, Tenant, TenantState,
    UpdateTenantRequest,
};
use serde_json::Value;
use tonic::{Code, Request};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::fixture::{Fixture, Plan};
use crate::tokens;

type Client = TenantServiceClient<rapport_foundation::channel::Channel>;

fn client(fixture: &Fixture) -> Client {
    let url = format!("http://{}", fixture.address);
    TenantServiceClient::new(rapport_foundation::channel::Channel::connect(&url, None).unwrap())
}

fn as_operator<M>(fixture: &Fixture, message: M) -> Request<M> {
    let mut claims = tokens::claims("", &["operator"], fixture.now());
    claims.as_object_mut().unwrap().remove("tenant");
    with(fixture, &claims, message)
}

fn with<M>(fixture: &Fixture, claims: &Value, message: M) -> Request<M> {
    let mut request = Request::new(message);
    let bearer = format!("Bearer {}", fixture.key.token(claims));
    request
        .metadata_mut()
        .insert("authorization", bearer.parse().unwrap());
    request
}

fn create(name: &str) -> CreateTenantRequest {
    CreateTenantRequest {
        request_id: Uuid::now_v7().to_string(),
        display_name: name.into(),
        time_zone: "Asia/Jakarta".into(),
        ..CreateTenantRequest::default()
    }
}

fn reason(status: &tonic::Status) -> String {
    status.get_details_error_info().unwrap().reason
}

#[tokio::test]
async fn an_operator_creates_lists_and_changes_tenants_each_call_once() {
    for engine in engines() {
        let fixture = Plan {
            engine,
            ..Plan::default()
        }
        .open()
        .await;
        let mut client = client(&fixture);
        let wanted = create("Acme");
        let made = client
            .create_tenant(as_operator(&fixture, wanted.clone()))
            .await
            .unwrap()
            .into_inner()
            .tenant
            .unwrap();
        assert_eq!(
            (made.display_name.as_str(), made.etag.as_str(), made.state()),
            ("Acme", "\"1\"", TenantState::Active)
        );
        let again = client
            .create_tenant(as_operator(&fixture, wanted.clone()))
            .await
            .unwrap()
            .into_inner()
            .tenant;
        assert_eq!(
            again.as_ref(),
            Some(&made),
            "a repetition has no second effect"
        );
        let other = CreateTenantRequest {
            display_name: "Other".into(),
            ..wanted.clone()
        };
        let status = client
            .create_tenant(as_operator(&fixture, other))
            .await
            .unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::AlreadyExists, "REQUEST_ID_REUSED")
        );
        let taken = CreateTenantRequest {
            tenant_id: made.id.clone(),
            ..create("Taken")
        };
        let status = client
            .create_tenant(as_operator(&fixture, taken))
            .await
            .unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::AlreadyExists, "ALREADY_EXISTS")
        );

        let first = ListTenantsRequest {
            page_size: 1,
            page_token: String::new(),
        };
        let page = client
            .list_tenants(as_operator(&fixture, first))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(page.tenants.len(), 1);
        let next = ListTenantsRequest {
            page_size: 1,
            page_token: page.next_page_token,
        };
        let page = client
            .list_tenants(as_operator(&fixture, next))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(
            (page.tenants, page.next_page_token.as_str()),
            (vec![made.clone()], "")
        );

        let update = UpdateTenantRequest {
            request_id: Uuid::now_v7().to_string(),
            tenant_id: made.id.clone(),
            tenant: Some(Tenant {
                display_name: "Acme Ltd".into(),
                ..Tenant::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["display_name".into()],
            }),
            etag: made.etag.clone(),
        };
        let changed = client
            .update_tenant(as_operator(&fixture, update.clone()))
            .await
            .unwrap()
            .into_inner()
            .tenant
            .unwrap();
        assert_eq!(
            (
                changed.display_name.as_str(),
                changed.etag.as_str(),
                changed.time_zone.as_str()
            ),
            ("Acme Ltd", "\"2\"", "Asia/Jakarta")
        );
        let stale = UpdateTenantRequest {
            request_id: Uuid::now_v7().to_string(),
            ..update
        };
        let status = client
            .update_tenant(as_operator(&fixture, stale))
            .await
            .unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::Aborted, "ETAG_MISMATCH")
        );
    }
}

#[tokio::test]
async fn a_suspended_tenant_is_shut_out_at_once_and_let_in_again() {
    let fixture = Fixture::open().await;
    let mut client = client(&fixture);
    let token = fixture.token();
    for (state, expected) in [(TenantState::Suspended, "16"), (TenantState::Active, "0")] {
        let update = UpdateTenantRequest {
            request_id: Uuid::now_v7().to_string(),
            tenant_id: fixture.tenant.to_string(),
            tenant: Some(Tenant {
                state: state.into(),
                ..Tenant::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["state".into()],
            }),
            etag: String::new(),
        };
        client
            .update_tenant(as_operator(&fixture, update))
            .await
            .unwrap();
        assert_eq!(fixture.code(&token).await, expected);
    }
}

#[tokio::test]
async fn others_read_their_own_tenant_and_find_no_other() {
    let fixture = Fixture::open().await;
    let mut client = client(&fixture);
    let manager = tokens::claims(&fixture.tenant.to_string(), &["manager"], fixture.now());
    let made = client
        .create_tenant(as_operator(&fixture, create("Other")))
        .await
        .unwrap()
        .into_inner()
        .tenant
        .unwrap();
    let get = |tenant_id: String| GetTenantRequest { tenant_id };
    let own = client
        .get_tenant(with(&fixture, &manager, get(fixture.tenant.to_string())))
        .await
        .unwrap();
    assert_eq!(
        own.into_inner().tenant.unwrap().id,
        fixture.tenant.to_string()
    );
    let nowhere = TenantId::new(fixture.clock.now()).to_string();
    for id in [made.id, nowhere] {
        let status = client
            .get_tenant(with(&fixture, &manager, get(id)))
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
    }
    let status = client
        .list_tenants(with(&fixture, &manager, ListTenantsRequest::default()))
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::PermissionDenied, "SCOPE_MISSING")
    );
}

#[tokio::test]
async fn every_violation_of_a_request_is_told_at_once() {
    let fixture = Fixture::open().await;
    let bad = CreateTenantRequest {
        request_id: "no uuid".into(),
        tenant_id: "cus_x".into(),
        display_name: String::new(),
        time_zone: "Mars/Olympus".into(),
        quota: Some(Quota {
            read: Some(Rate {
                calls_per_second: 0,
                burst: 1,
            }),
            concurrent_calls: -1,
            ..Quota::default()
        }),
    };
    let status = client(&fixture)
        .create_tenant(as_operator(&fixture, bad))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let fields: Vec<_> = status
        .get_details_bad_request()
        .unwrap()
        .field_violations
        .into_iter()
        .map(|violation| violation.field)
        .collect();
    assert_eq!(
        fields,
        [
            "request_id",
            "tenant_id",
            "display_name",
            "time_zone",
            "quota.read.burst",
            "quota.concurrent_calls"
        ]
    );
}

#[tokio::test]
async fn a_quota_is_set_as_a_whole_known_at_once_and_taken_back() {
    for engine in engines() {
        let fixture = Plan {
            engine,
            ..Plan::default()
        }
        .open()
        .await;
        let mut client = client(&fixture);
        let quota = Quota {
            write: Some(Rate {
                calls_per_second: 5,
                burst: 0,
            }),
            concurrent_streams: 3,
            ..Quota::default()
        };
        let update = |quota: Option<Quota>, paths: &[&str]| UpdateTenantRequest {
            request_id: Uuid::now_v7().to_string(),
            tenant_id: fixture.tenant.to_string(),
            tenant: Some(Tenant {
                display_name: "Acme".into(),
                state: TenantState::Active.into(),
                quota,
                ..Tenant::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: paths.iter().map(|path| (*path).to_owned()).collect(),
            }),
            etag: String::new(),
        };
        let mut told = async |request| {
            let answer = client.update_tenant(as_operator(&fixture, request)).await;
            answer.unwrap().into_inner().tenant.unwrap().quota
        };
        let expected = Quota {
            write: Some(Rate {
                calls_per_second: 5,
                burst: 5,
            }),
            ..quota
        };
        assert_eq!(told(update(Some(quota), &["quota"])).await, Some(expected));
        // Who sets everything and knows of no quota takes none away.
        assert_eq!(told(update(None, &[])).await, Some(expected));
        let directory = Directory::new(fixture.clock.clone());
        let store = Store::new(fixture.env.db.clone());
        directory.refresh(&store).await.unwrap();
        let known = directory.quota(fixture.tenant).unwrap();
        let rate = known.write.map(|rate| (rate.calls_per_second, rate.burst));
        assert_eq!(
            (rate, known.concurrent_streams, known.read),
            (Some((5, 5)), Some(3), None)
        );
        assert_eq!(told(update(Some(Quota::default()), &["quota"])).await, None);
        directory.refresh(&store).await.unwrap();
        assert_eq!(directory.quota(fixture.tenant), None);
    }
}
