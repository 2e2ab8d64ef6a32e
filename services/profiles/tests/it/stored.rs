//! What the database holds.

use rapport_foundation::db;
use rapport_proto::profiles::v1 as pb;
use sea_orm::Value;

use crate::desk::{Desk, email, merge, on_every_desk, phone, resolve};

async fn run(desk: &Desk, sql: &str, values: Vec<Value>) -> Result<u64, db::Error> {
    let values = &values;
    desk.env
        .db
        .system_write(|system| async move { system.raw_exec(sql, values.clone()).await })
        .await
}

async fn bytes_of(desk: &Desk, sql: &str) -> Vec<Vec<u8>> {
    let rows = desk
        .env
        .db
        .system_read(|system| async move { system.raw_all(sql, []).await })
        .await
        .unwrap();
    let columns = rows
        .iter()
        .map(|row| row.try_get::<Option<Vec<u8>>>("", "sealed").unwrap());
    columns.flatten().collect()
}

#[tokio::test]
async fn nothing_personal_is_stored_in_clear() {
    on_every_desk(async |desk| {
        let ana = desk
            .created("Canary Santos", &[email("canary@example.com")])
            .await
            .id;
        let ben = desk.created("Ben", &[]).await.id;
        let mut merge = merge(&ana, &ben);
        merge.reason = "the canary sang".into();
        desk.merge_customers(merge).await.unwrap();
        let mut hinted = resolve("pbx", &[phone("+6281234567890")]);
        hinted.hints = Some(pb::CustomerHints {
            display_name: "Canary".into(),
            ..pb::CustomerHints::default()
        });
        desk.resolve_customer(hinted).await.unwrap();
        let mut found = 0;
        for sql in [
            "select display_name as sealed from customers",
            "select display_name as sealed from records",
            "select value as sealed from identifiers",
            "select blind as sealed from identifiers",
            "select reason as sealed from edges",
        ] {
            for sealed in bytes_of(&desk, sql).await {
                let text = String::from_utf8_lossy(&sealed).to_lowercase();
                assert!(
                    !text.contains("canary") && !text.contains("8123456"),
                    "{sql}"
                );
                found += 1;
            }
        }
        assert_eq!(found, 3 + 1 + 2 + 2 + 1);
    })
    .await;
}

#[tokio::test]
async fn a_sealed_value_that_was_moved_to_another_row_does_not_open() {
    on_every_desk(async |desk| {
        let ana = desk.created("Ana", &[]).await;
        let ben = desk.created("Ben", &[]).await;
        let sql = "update customers set display_name = (select display_name from customers where id = $1) where id = $2";
        let ids = [&ana.id, &ben.id].map(|id| {
            let id: rapport_foundation::id::CustomerId = id.parse().unwrap();
            Value::from(id)
        });
        run(&desk, sql, ids.to_vec()).await.unwrap();
        let refused = desk.get_customer(pb::GetCustomerRequest { customer_id: ben.id }).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::DataLoss);
        assert_eq!(desk.got(&ana.id).await, ana);
    })
    .await;
}

#[tokio::test]
async fn the_database_itself_keeps_an_identifier_one_customers() {
    on_every_desk(async |desk| {
        desk.created("Ana", &[phone("+6281234567890")]).await;
        let copy = "insert into identifiers (tenant_id, id, record_id, kind, namespace, blind, value, valid_from) \
                    select tenant_id, $1, record_id, kind, namespace, blind, value, valid_from from identifiers";
        let id = rapport_foundation::id::IdentifierId::new(rapport_foundation::time::Clock::system().now());
        let refused = run(&desk, copy, vec![id.into()]).await;
        assert!(matches!(refused, Err(db::Error::Unique)), "{refused:?}");
        desk.holds().await;
    })
    .await;
}

#[tokio::test]
async fn verification_finds_what_was_tampered_with() {
    on_every_desk(async |desk| {
        let ana = desk.created("Ana", &[phone("+6281234567890")]).await.id;
        let ben = desk.created("Ben", &[]).await.id;
        desk.merged(&ana, &ben).await;
        desk.holds().await;
        for (break_it, mend_it) in [
            (
                "update edges set revoked_at = 1 where basis = 2",
                "update edges set revoked_at = null where basis = 2",
            ),
            (
                "update customers set merged_into = id where state = 2",
                "update customers set merged_into = part_of where state = 2",
            ),
            (
                "update customers set state = 3 where state = 1",
                "update customers set state = 1 where state = 3",
            ),
        ] {
            assert_eq!(run(&desk, break_it, Vec::new()).await.unwrap(), 1);
            let found = rapport_profiles::verify(&desk.env.db).await.unwrap();
            assert!(!found.is_empty(), "{break_it}");
            assert!(found.iter().all(|breach| breach.tenant == desk.tenant));
            run(&desk, mend_it, Vec::new()).await.unwrap();
            desk.holds().await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_was_erased_is_gone_and_the_rest_stays_readable() {
    on_every_desk(async |desk| {
        let ana = desk.created("Ana", &[phone("+6281234567890")]).await;
        let ben = desk.created("Ben", &[]).await;
        let (vault, subject) = (&desk.env.vault, &ana.record_ids[0]);
        let destroyed =
            desk.env.db.write(
                desk.tenant,
                |s| async move { vault.destroy(&s, subject).await },
            );
        assert!(destroyed.await.unwrap());
        let erased = desk.got(&ana.id).await;
        assert_eq!(erased.display_name, "");
        assert!(erased.identifiers.is_empty());
        let listed = desk
            .list_customers(pb::ListCustomersRequest::default())
            .await
            .unwrap();
        assert_eq!(listed.customers, [ben, erased]);
    })
    .await;
}
