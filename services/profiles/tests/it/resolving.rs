//! `ResolveCustomer`.

use std::collections::BTreeSet;

use futures::future::join_all;
use futures::stream::{self, StreamExt as _};
use rapport_foundation::context::PrincipalKind;
use rapport_proto::profiles::v1 as pb;

use crate::desk::{Desk, email, external, handle, on_every_desk, phone, resolve, values};

fn customer_id(resolved: &pb::ResolveCustomerResponse) -> String {
    resolved.customer.clone().unwrap().customer_id
}

fn record_id(resolved: &pb::ResolveCustomerResponse) -> String {
    resolved.customer.clone().unwrap().record_id
}

#[tokio::test]
async fn a_stranger_becomes_a_prospect_and_is_found_again_without_a_write() {
    on_every_desk(async |desk| {
        let mut request = resolve(
            "whatsapp",
            &[handle("WhatsApp", "@Ana"), phone("0812-3456-7890")],
        );
        request.hints = Some(pb::CustomerHints {
            display_name: "Ana Santos".into(),
            language: "fil-ph".into(),
            time_zone: "Asia/Manila".into(),
            region: "ID".into(),
        });
        let first = desk.resolve_customer(request.clone()).await.unwrap();
        assert!(first.created);
        assert_eq!(first.reason(), pb::ResolveReason::Created);
        assert_eq!(first.matched_identifier_id, "");
        let customer = desk.got(&customer_id(&first)).await;
        assert_eq!(customer.display_name, "Ana Santos");
        assert_eq!(customer.lifecycle_stage(), pb::LifecycleStage::Prospect);
        assert_eq!(customer.preferences.clone().unwrap().language, "fil-PH");
        assert_eq!(values(&customer), ["+6281234567890", "ana"]);
        assert_eq!(customer.record_ids, [record_id(&first)]);

        let again = desk.resolve_customer(request).await.unwrap();
        assert!(!again.created);
        assert_eq!(again.reason(), pb::ResolveReason::IdentifierMatched);
        assert_eq!(again.customer, first.customer);
        let strongest = customer
            .identifiers
            .iter()
            .find(|held| held.id == again.matched_identifier_id);
        assert_eq!(
            strongest.unwrap().identifier.clone().unwrap().value,
            "+6281234567890"
        );
        assert_eq!(desk.got(&customer_id(&first)).await.etag, customer.etag);
        desk.holds().await;
    })
    .await;
}

#[tokio::test]
async fn fifty_identical_calls_at_once_create_one_customer() {
    on_every_desk(async |desk| {
        let request = resolve("pbx", &[phone("+6281234567890"), email("ana@example.com")]);
        let answers = join_all((0..50).map(|_| desk.resolve_customer(request.clone()))).await;
        let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
        let customers: BTreeSet<_> = answers.iter().map(customer_id).collect();
        let records: BTreeSet<_> = answers.iter().map(record_id).collect();
        assert_eq!((customers.len(), records.len()), (1, 1));
        assert_eq!(answers.iter().filter(|answer| answer.created).count(), 1);
        let listed = desk
            .list_customers(pb::ListCustomersRequest::default())
            .await
            .unwrap();
        assert_eq!(listed.customers.len(), 1);
        desk.holds().await;
    })
    .await;
}

#[tokio::test]
async fn two_processes_that_race_create_one_customer() {
    on_every_desk(async |desk| {
        // A second service over the same database, as another replica would be.
        let twin = desk.twin().await;
        for round in 0..10 {
            let request = resolve("pbx", &[phone(&format!("+62812345678{round:02}"))]);
            let calls = (0..20).map(|at| {
                let side = if at % 2 == 0 { &desk } else { &twin };
                side.resolve_customer(request.clone())
            });
            let customers: BTreeSet<_> = join_all(calls)
                .await
                .into_iter()
                .map(|answer| customer_id(&answer.unwrap()))
                .collect();
            assert_eq!(customers.len(), 1);
        }
        desk.holds().await;
    })
    .await;
}

#[tokio::test]
async fn identifiers_of_two_customers_never_merge_them() {
    on_every_desk(async |desk| {
        let weak = desk.resolved("web", &[email("ana@example.com")]).await;
        let strong = desk.resolved("pbx", &[phone("+6281234567890")]).await;
        for _ in 0..2 {
            let both = desk
                .resolved("mail", &[email("ana@example.com"), phone("+6281234567890")])
                .await;
            assert_eq!(both.reason(), pb::ResolveReason::StrongestOfSeveral);
            assert_eq!(both.customer, strong.customer);
            assert_eq!(both.possible_same_as_customer_ids, [customer_id(&weak)]);
        }
        let (weak, strong) = (customer_id(&weak), customer_id(&strong));
        assert_eq!(
            desk.got(&weak).await.possible_same_as_customer_ids,
            std::slice::from_ref(&strong)
        );
        assert_eq!(
            desk.got(&strong).await.possible_same_as_customer_ids,
            [weak]
        );
        desk.holds().await;
    })
    .await;
}

#[tokio::test]
async fn a_new_source_adds_a_record_beside_the_one_there() {
    on_every_desk(async |desk| {
        let first = desk.resolved("pbx", &[phone("+6281234567890")]).await;
        let second = desk
            .resolved("mail", &[phone("+6281234567890"), email("ana@example.com")])
            .await;
        assert_eq!(customer_id(&first), customer_id(&second));
        assert_ne!(record_id(&first), record_id(&second));
        assert_eq!(second.reason(), pb::ResolveReason::IdentifierMatched);
        let again = desk
            .resolved("mail", &[email("ana@example.com"), phone("+6281234567890")])
            .await;
        assert_eq!(again.customer, second.customer);
        let customer = desk.got(&customer_id(&first)).await;
        assert_eq!(customer.record_ids, [record_id(&first), record_id(&second)]);
        assert_eq!(values(&customer), ["+6281234567890", "ana@example.com"]);
        desk.holds().await;
    })
    .await;
}

#[tokio::test]
async fn a_shared_device_does_not_make_two_people_one() {
    on_every_desk(async |desk| {
        let device = handle("web", "cookie-1");
        let visitor = desk.resolved("web", std::slice::from_ref(&device)).await;
        let ana = desk
            .resolved("web", &[device.clone(), email("ana@example.com")])
            .await;
        assert_eq!(customer_id(&visitor), customer_id(&ana));
        let ben = desk
            .resolved("web", &[device.clone(), email("ben@example.com")])
            .await;
        assert!(ben.created);
        assert_ne!(customer_id(&ben), customer_id(&ana));
        assert_eq!(ben.possible_same_as_customer_ids, [customer_id(&ana)]);
        let again = desk
            .resolved("web", &[device, email("ben@example.com")])
            .await;
        assert_eq!(again.customer, ben.customer);
        let crm = desk
            .resolved("crm", &[external("crm", "1"), email("ana@example.com")])
            .await;
        assert_eq!(customer_id(&crm), customer_id(&ana));
        let other = desk
            .resolved("crm", &[external("crm", "2"), email("ana@example.com")])
            .await;
        assert_ne!(customer_id(&other), customer_id(&ana));
        desk.holds().await;
    })
    .await;
}

#[tokio::test]
async fn hints_fill_what_is_empty_and_overwrite_nothing() {
    on_every_desk(async |desk| {
        let hinted = |name: &str, language: &str| pb::ResolveCustomerRequest {
            hints: Some(pb::CustomerHints {
                display_name: name.into(),
                language: language.into(),
                ..pb::CustomerHints::default()
            }),
            ..resolve("pbx", &[phone("+6281234567890")])
        };
        let first = desk.resolve_customer(hinted("", "")).await.unwrap();
        desk.resolve_customer(hinted("Ana", "")).await.unwrap();
        desk.resolve_customer(hinted("Somebody Else", "id"))
            .await
            .unwrap();
        desk.resolve_customer(hinted("Somebody Else", "en"))
            .await
            .unwrap();
        let customer = desk.got(&customer_id(&first)).await;
        assert_eq!(customer.display_name, "Ana");
        assert_eq!(customer.preferences.unwrap().language, "id");
        assert_eq!(
            customer.etag, "\"3\"",
            "two of four calls changed something"
        );
    })
    .await;
}

#[tokio::test]
async fn the_deleted_are_not_recognised_and_the_removed_is_free() {
    on_every_desk(async |desk| {
        let first = desk.resolved("pbx", &[phone("+6281234567890")]).await;
        desk.deleted(&customer_id(&first)).await;
        let second = desk.resolved("pbx", &[phone("+6281234567890")]).await;
        assert!(second.created);
        let customer = desk.got(&customer_id(&second)).await;
        let request = pb::RemoveIdentifierRequest {
            request_id: crate::desk::fresh(),
            customer_id: customer.id.clone(),
            identifier_id: customer.identifiers[0].id.clone(),
            etag: customer.etag.clone(),
        };
        desk.remove_identifier(request).await.unwrap();
        let third = desk.resolved("pbx", &[phone("+6281234567890")]).await;
        assert_ne!(customer_id(&third), customer.id);
        desk.holds().await;
    })
    .await;
}

#[tokio::test]
async fn the_source_of_a_connector_is_its_credential() {
    on_every_desk(async |mut desk: Desk| {
        desk.set_caller("connector:line", PrincipalKind::Connector, Some("line"));
        let said = [phone("+6281234567890")];
        let first = desk.resolved("pretended", &said).await;
        let more = [phone("+6281234567890"), email("ana@example.com")];
        let second = desk.resolved("pretended", &more).await;
        let again = desk.resolved("other", &more).await;
        assert_eq!(
            again.customer, second.customer,
            "both are the connector `line`"
        );
        assert_ne!(record_id(&first), record_id(&second));
    })
    .await;
}

#[tokio::test]
async fn a_thousand_strangers_at_once_are_a_thousand_customers() {
    on_every_desk(async |desk| {
        let stranger = |at: usize| {
            [
                phone(&format!("+62812{at:08}")),
                external("crm", &at.to_string()),
            ]
        };
        let call = async |at: usize, known: usize| {
            desk.resolved_in_the_end("import", &stranger(at)[..known])
                .await
        };
        let answers: Vec<_> = stream::iter(0..1000)
            .map(|at| call(at, 2))
            .buffer_unordered(32)
            .collect()
            .await;
        let customers: BTreeSet<_> = answers.iter().map(customer_id).collect();
        assert_eq!(customers.len(), 1000);
        let answers: Vec<_> = stream::iter(0..1000)
            .map(|at| call(at, 1))
            .buffer_unordered(32)
            .collect()
            .await;
        let found: BTreeSet<_> = answers.iter().map(customer_id).collect();
        assert_eq!(found, customers);
        desk.holds().await;
    })
    .await;
}
