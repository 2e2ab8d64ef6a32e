//! For whom an issuer speaks, and what a credential of a tenant never reaches.

use rapport_foundation::id::TenantId;
use rapport_foundation::testing::eventually;
use rapport_gateway::domain::tenant::Tenant;
use rapport_gateway::store::Store;
use rapport_gateway::{ClaimNames, Issuer};
use serde_json::json;

use crate::fixture::{Fixture, Plan, START};
use crate::tokens::{self, AUDIENCE, Key};
use crate::upstream::UNARY;

const LIST_TENANTS: &str = "/rapport.access.v1.TenantService/ListTenants";
/// A tenant's own provider.
const OWN: &str = "https://login.tenant.test";

async fn code(fixture: &Fixture, path: &str, token: &str) -> String {
    let bearer = format!("Bearer {token}");
    let (_, headers) = fixture.answer(path, &[("authorization", &bearer)]).await;
    headers["grpc-status"].to_str().unwrap().to_owned()
}

/// A gateway that also believes another provider, for these tenants.
async fn believing(key: &Key, tenants: Vec<TenantId>) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.json");
    std::fs::write(&file, tokens::set(&[key])).unwrap();
    let mut plan = Plan::default();
    plan.config.auth.issuers.push(Issuer {
        issuer: OWN.into(),
        audiences: vec![AUDIENCE.into()],
        jwks_file: Some(file),
        jwks_url: None,
        tenants,
        claims: ClaimNames::default(),
    });
    plan.open().await
}

#[tokio::test]
async fn a_tenants_own_provider_speaks_for_nobody_else() {
    let key = Key::es256("own");
    let another = TenantId::new(START);
    for (tenants, expected) in [(Vec::new(), "0"), (vec![another], "16")] {
        let fixture = believing(&key, tenants).await;
        let claims = tokens::with(fixture.claims(), "iss", json!(OWN));
        assert_eq!(code(&fixture, UNARY, &key.token(&claims)).await, expected);
        let mut operator = tokens::claims("", &["operator"], fixture.now());
        operator.as_object_mut().unwrap().remove("tenant");
        let operator = tokens::with(operator, "iss", json!(OWN));
        let outcome = code(&fixture, LIST_TENANTS, &key.token(&operator)).await;
        assert_eq!(outcome == "16", expected == "16", "{outcome}");
    }
}

#[tokio::test]
async fn a_tenants_own_provider_speaks_for_its_tenant() {
    let key = Key::es256("own");
    let own = TenantId::new(START);
    let fixture = believing(&key, vec![own]).await;
    let store = Store::new(fixture.env.db.clone());
    let tenant = Tenant::new(own, "Own", fixture.clock.now());
    assert!(store.ensure(&tenant).await.unwrap());
    let of = |tenant: TenantId| {
        let claims = tokens::with(fixture.claims(), "iss", json!(OWN));
        key.token(&tokens::with(claims, "tenant", json!(tenant.to_string())))
    };
    eventually("the tenant is known", async || {
        (code(&fixture, UNARY, &of(own)).await == "0").then_some(())
    })
    .await;
    assert_eq!(fixture.upstream.last().context.tenant, own);
    assert_eq!(code(&fixture, UNARY, &of(fixture.tenant)).await, "16");
}

#[tokio::test]
async fn no_credential_of_a_tenant_reaches_the_installation() {
    let fixture = Fixture::open().await;
    let roles = tokens::claims(&fixture.tenant.to_string(), &["operator"], fixture.now());
    let scopes = tokens::with(fixture.claims(), "scope", json!("access.manage"));
    for claims in [roles, scopes] {
        let token = fixture.key.token(&claims);
        assert_eq!(code(&fixture, LIST_TENANTS, &token).await, "7");
    }
}
