//! What is done at the machine, with no gateway between.

use rapport_foundation::context::PrincipalKind;
use rapport_foundation::id::TenantId;
use rapport_foundation::page::PageTokens;
use rapport_foundation::role::Role;
use rapport_foundation::testing::on_every_engine;
use rapport_foundation::time::{Clock, Micros};
use rapport_gateway::console::asked;
use rapport_gateway::domain::tenant::Tenant;
use rapport_gateway::store::Store;
use rapport_gateway::store::audit::{Audit, Order, Query};
use rapport_gateway::{Config, Console, migrations};
use rapport_proto::access::v1::api_key_service_server::ApiKeyService as _;
use rapport_proto::access::v1::{CreateApiKeyRequest, ListApiKeysRequest};

use crate::api_keys::{revoke, rotate};
use crate::staff::{READ, made, new_key};

#[tokio::test]
async fn what_is_done_at_the_machine_stands_in_the_trail() {
    on_every_engine(Role::Gateway, migrations, async |t| {
        let clock = Clock::manual(Micros(1_000_000));
        let tenant = TenantId::new(Micros(1));
        let store = Store::new(t.db.clone());
        let named = Tenant::new(tenant, "A tenant", clock.now());
        store.ensure(&named).await.unwrap();
        let (tokens, config) = (PageTokens::new(&[7; 32]), Config::default());
        let console = Console::open(t.db.clone(), clock, tokens, &config);
        let console = console.await.unwrap();
        let of_tenant = tenant.to_string();
        let create = |scope: &str| CreateApiKeyRequest {
            tenant_id: of_tenant.clone(),
            ..new_key(&[scope])
        };
        let key = console.create_api_key(asked(create(READ))).await.unwrap();
        let id = made(key.get_ref()).id.clone();
        let refused = console.create_api_key(asked(create("access.manage")));
        refused.await.unwrap_err();
        let mut rotated = rotate(&id, 60);
        rotated.tenant_id.clone_from(&of_tenant);
        console.rotate_api_key(asked(rotated)).await.unwrap();
        let mut revoked = revoke(&id);
        revoked.tenant_id.clone_from(&of_tenant);
        console.revoke_api_key(asked(revoked)).await.unwrap();
        let all = ListApiKeysRequest {
            tenant_id: of_tenant.clone(),
            ..ListApiKeysRequest::default()
        };
        console.list_api_keys(asked(all)).await.unwrap();
        console.close().await;

        let trail = Audit::new(t.db.clone());
        let all = Query::default();
        let entries = trail.list(TenantId::nil(), &all, Order::Rising, None, 10);
        let entries = entries.await.unwrap();
        let brief = entries.iter().map(|entry| {
            let call = &entry.call;
            assert_eq!(
                (call.principal.as_str(), call.kind, call.untold),
                ("rapport api-key", PrincipalKind::Operator, false)
            );
            assert_eq!(call.issuer, "rapport.console");
            let names = |id: &str| call.resources.iter().any(|named| named.to_string() == id);
            assert!(names(&of_tenant));
            let method = call.method.rsplit('/').next().unwrap();
            (method, call.outcome, names(&id))
        });
        let expected = [
            ("CreateApiKey", 0, true),
            ("CreateApiKey", 7, false),
            ("RotateApiKey", 0, true),
            ("RevokeApiKey", 0, true),
        ];
        assert_eq!(brief.collect::<Vec<_>>(), expected);
        assert!(
            rapport_gateway::verify(&t.db, &rapport_gateway::Audit::default(), Micros(1_000_000))
                .await
                .unwrap()
                .is_empty()
        );
    })
    .await;
}
