//! Who it was: known at once, later, or never.

use rapport_foundation::testing::eventually;
use rapport_proto::events::v1::{InteractionLinked, event::Data};
use rapport_proto::interactions::v1 as pb;
use rapport_proto::types::v1 as types;

use crate::stage::{Stage, customer, message, on_every_engine, quick};

async fn linked(stage: &Stage, id: &str) -> InteractionLinked {
    let id = id.to_owned();
    stage
        .event("the link is told", move |data| match data {
            Data::InteractionLinked(linked) => Some(linked.clone()).filter(|linked| {
                linked
                    .interaction
                    .as_ref()
                    .is_some_and(|facts| facts.interaction_id == id)
            }),
            _ => None,
        })
        .await
}

#[tokio::test]
async fn a_customer_is_recognised_and_told() {
    on_every_engine(quick(), async |stage| {
        let logged = stage.log(message("m-1", "+62811", "halo")).await;
        assert_eq!(logged.link_state(), pb::LinkState::Pending);
        let told = linked(&stage, &logged.id).await;
        let expected = stage.fake.customer(stage.tenant, "+62811");
        assert_eq!(told.customer, Some(expected.clone()));
        assert!(!told.pending);
        let facts = told.interaction.unwrap();
        assert_eq!(facts.conversation_id, logged.conversation_id);
        assert!(facts.asks_for_agent);
        assert_eq!(facts.connector, logged.connector);
        assert_ne!(facts.connector, "");

        let read = stage.settled(&logged.id).await;
        assert_eq!(
            (read.link_state(), read.customer),
            (pb::LinkState::Linked, Some(expected.clone()))
        );
        let asked = pb::GetConversationRequest {
            conversation_id: logged.conversation_id,
        };
        let found = stage
            .conversations()
            .get_conversation(stage.asks(asked))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(found.conversation.unwrap().customer, Some(expected));
    })
    .await;
}

#[tokio::test]
async fn one_person_is_asked_for_once_a_batch() {
    on_every_engine(quick(), async |stage| {
        let items: Vec<_> = (0..200)
            .map(|n| pb::StreamInteractionsRequest {
                sequence: n,
                interaction: Some(message(
                    &format!("m-{n}"),
                    &format!("+6281{}", n % 2),
                    "halo",
                )),
                fact: None,
            })
            .collect();
        let request = stage.says(futures::stream::iter(items));
        let mut answers = stage
            .client()
            .stream_interactions(request)
            .await
            .unwrap()
            .into_inner();
        while answers.message().await.unwrap().is_some() {}
        eventually("all are linked", async || {
            let events = stage.events().await;
            let linked = events
                .iter()
                .filter(|event| event.r#type == "interaction_linked")
                .count();
            (linked == 200).then_some(())
        })
        .await;
        assert!(
            stage.fake.asked() < 50,
            "profiles was asked {} times",
            stage.fake.asked()
        );
    })
    .await;
}

#[tokio::test]
async fn while_profiles_is_down_contacts_are_pending_and_linked_once_it_is_back() {
    on_every_engine(quick(), async |stage| {
        stage.fake.set_down(true);
        let mut ids = Vec::new();
        for n in 0..5 {
            ids.push(
                stage
                    .log(message(&format!("m-{n}"), &format!("+6281{n}"), "halo"))
                    .await
                    .id,
            );
        }
        for id in &ids {
            let told = linked(&stage, id).await;
            assert!(told.pending && told.customer.is_none());
            assert_eq!(stage.get(id).await.link_state(), pb::LinkState::Pending);
        }
        stage.fake.set_down(false);
        for (n, id) in ids.iter().enumerate() {
            let wanted = id.clone();
            let told = stage
                .event("the customer is told", move |data| match data {
                    Data::CustomerLinked(linked) => Some(linked.clone()).filter(|linked| {
                        linked
                            .interaction
                            .as_ref()
                            .is_some_and(|facts| facts.interaction_id == wanted)
                    }),
                    _ => None,
                })
                .await;
            assert_eq!(
                told.customer,
                Some(stage.fake.customer(stage.tenant, &format!("+6281{n}")))
            );
            assert_eq!(stage.settled(id).await.link_state(), pb::LinkState::Linked);
        }
        assert!(
            rapport_interactions::verify(&stage.t.env.db)
                .await
                .unwrap()
                .is_empty()
        );
    })
    .await;
}

#[tokio::test]
async fn a_hint_that_cannot_be_does_not_make_a_known_number_anonymous() {
    on_every_engine(quick(), async |stage| {
        let mut input = message("m-1", "+62811", "halo");
        input.hints = Some(pb::ContactHints {
            region: "UK".into(),
            ..Default::default()
        });
        let logged = stage.log(input).await;
        let read = stage.settled(&logged.id).await;
        let expected = stage.fake.customer(stage.tenant, "+62811");
        assert_eq!(read.customer, Some(expected));
    })
    .await;
}

#[tokio::test]
async fn nobody_to_recognise_is_not_pending() {
    on_every_engine(quick(), async |stage| {
        let mut input = message("m-1", "", "a visit");
        input.participants.clear();
        let visit = stage.log(input).await;
        let refused = stage.log(message("m-2", "bad number", "halo")).await;
        for id in [&visit.id, &refused.id] {
            let told = linked(&stage, id).await;
            assert!(!told.pending && told.customer.is_none());
            assert_eq!(
                stage.settled(id).await.link_state(),
                pb::LinkState::Anonymous
            );
        }
        // The first customer counts, and an identifier that cannot be one does not spoil the others.
        let mut input = message("m-3", "bad number", "halo");
        input.participants[0]
            .further_identifiers
            .push(types::Identifier {
                r#type: types::IdentifierType::Email.into(),
                value: "ana@example.com".into(),
                namespace: String::new(),
            });
        input.participants.push(customer("+62899"));
        let logged = stage.log(input).await;
        let read = stage.settled(&logged.id).await;
        assert_eq!(
            read.customer,
            Some(stage.fake.customer(stage.tenant, "ana@example.com"))
        );
    })
    .await;
}
