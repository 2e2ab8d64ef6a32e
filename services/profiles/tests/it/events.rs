//! What the log tells of each change.

use rapport_foundation::testing::eventually;
use rapport_proto::events::v1::Event;
use rapport_proto::events::v1::event::Data;
use rapport_proto::profiles::v1 as pb;

use crate::desk::{Desk, add, email, fresh, on_every_desk, phone};

/// The first events of the tenant's log, once there are so many.
async fn events(desk: &Desk, count: usize) -> Vec<Event> {
    eventually("the log tells everything", async || {
        let read = desk.request(pb::ReadLogRequest {
            after: None,
            page_size: 1000,
            wait_ms: 1000,
        });
        let events = desk.log().read_log(read).await.unwrap().into_inner().events;
        (events.len() >= count).then_some(events)
    })
    .await
}

#[tokio::test]
async fn every_change_is_told_in_order_with_ids_only() {
    on_every_desk(async |desk| {
        let ana = desk.created("Ana Canary", &[phone("+6281234567890")]).await;
        let ben = desk.created("Ben Canary", &[]).await;
        let added = desk.add_identifier(add(&ben.id, email("canary@example.com"))).await.unwrap();
        let update = pb::UpdateCustomerRequest {
            request_id: fresh(),
            customer_id: ana.id.clone(),
            customer: Some(pb::Customer { family_name: "Canary".into(), ..pb::Customer::default() }),
            update_mask: Some(prost_types::FieldMask { paths: vec!["family_name".into(), "kind".into()] }),
            etag: String::new(),
        };
        desk.update_customer(update).await.unwrap();
        desk.merged(&ana.id, &ben.id).await;
        desk.unmerged(&ana.id, &ben.id).await;
        let remove = pb::RemoveIdentifierRequest {
            request_id: fresh(),
            customer_id: ben.id.clone(),
            identifier_id: added.identifier.unwrap().id,
            etag: String::new(),
        };
        desk.remove_identifier(remove).await.unwrap();
        desk.deleted(&ana.id).await;
        let told = events(&desk, 10).await;
        let kinds: Vec<&str> = told.iter().map(|event| event.r#type.as_str()).collect();
        assert_eq!(
            kinds,
            [
                "customer_created",
                "identifier_added",
                "customer_created",
                "identifier_added",
                "customer_updated",
                "customers_merged",
                "customers_unmerged",
                "identifier_removed",
                "customer_deleted",
                "identifier_removed",
            ]
        );
        let moved = |data: &Option<Data>| match data {
            Some(Data::CustomersMerged(merged)) => merged.moves.clone(),
            Some(Data::CustomersUnmerged(unmerged)) => unmerged.moves.clone(),
            other => panic!("{other:?}"),
        };
        let (merged, unmerged) = (moved(&told[5].data), moved(&told[6].data));
        assert_eq!((merged.len(), unmerged.len()), (1, 1));
        assert_eq!(merged[0].record_id, ben.record_ids[0]);
        assert_eq!((merged[0].customer_id.as_str(), unmerged[0].customer_id.as_str()), (ana.id.as_str(), ben.id.as_str()));
        assert!(matches!(&told[4].data, Some(Data::CustomerUpdated(updated)) if updated.fields == ["family_name"]));
        let text = format!("{told:?}").to_lowercase();
        assert!(!text.contains("canary") && !text.contains("81234567890"));
    })
    .await;
}

#[tokio::test]
async fn resolutions_tell_what_they_created_and_filled() {
    on_every_desk(async |desk| {
        let mut request = crate::desk::resolve("pbx", &[phone("+6281234567890")]);
        desk.resolve_customer(request.clone()).await.unwrap();
        request.hints = Some(pb::CustomerHints {
            language: "id".into(),
            ..pb::CustomerHints::default()
        });
        desk.resolve_customer(request.clone()).await.unwrap();
        desk.resolve_customer(request.clone()).await.unwrap();
        desk.resolved("mail", &[phone("+6281234567890"), email("ana@example.com")])
            .await;
        let told = events(&desk, 4).await;
        let kinds: Vec<&str> = told.iter().map(|event| event.r#type.as_str()).collect();
        assert_eq!(
            kinds,
            [
                "customer_created",
                "identifier_added",
                "customer_updated",
                "identifier_added"
            ]
        );
        assert!(
            told.iter()
                .all(|event| event.aggregate_id == told[0].aggregate_id)
        );
    })
    .await;
}
