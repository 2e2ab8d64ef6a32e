//! Erasing a customer: that contacts took place stays, and nothing of what was said or by whom.

use rapport_foundation::testing::eventually;
use rapport_proto::events::v1 as events;
use rapport_proto::events::v1::event::Data;
use rapport_proto::interactions::v1 as pb;
use rapport_proto::types::v1 as types;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::dump;
use crate::stage::{Stage, at, message, on_every_engine, quick, refused};

const PHONE: &str = "+62811";

pub(crate) async fn erase(stage: &Stage, customer: &str, request_id: Uuid) -> Result<i64, Status> {
    let asked = pb::EraseCustomerRequest {
        request_id: request_id.to_string(),
        customer_id: customer.into(),
    };
    let answer = stage.privacy().erase_customer(stage.asks(asked)).await?;
    Ok(answer.into_inner().interaction_count)
}

pub(crate) async fn breaches(stage: &Stage) -> Vec<String> {
    let found = rapport_interactions::verify(&stage.t.env.db).await.unwrap();
    found.into_iter().map(|breach| breach.what).collect()
}

async fn know(stage: &Stage, external_id: &str, key: &str) -> pb::RecordFactResponse {
    let fact = pb::FactInput {
        external_id: external_id.into(),
        key: key.into(),
        event_time: Some(at(1_700_000_100)),
        fact: Some(pb::fact_input::Fact::Edit(pb::Edit {
            parts: message("", PHONE, "canary-edit").parts,
        })),
        ..Default::default()
    };
    let asked = stage.says(pb::RecordFactRequest { fact: Some(fact) });
    stage.facts().record_fact(asked).await.unwrap().into_inner()
}

/// How many contacts hold a word, once the index holds everything that was logged.
async fn found(stage: &Stage, word: &str) -> usize {
    let asked = pb::SearchInteractionsRequest {
        query: word.into(),
        ..Default::default()
    };
    let answer = stage.client().search_interactions(stage.asks(asked)).await;
    answer.unwrap().into_inner().hits.len()
}

async fn timeline(stage: &Stage, customer: &str) -> Vec<pb::TimelineEntry> {
    let asked = pb::ListTimelineRequest {
        customer_id: customer.into(),
        ..Default::default()
    };
    let answer = stage.client().list_timeline(stage.asks(asked)).await;
    answer.unwrap().into_inner().entries
}

/// Everything a contact can hold.
fn full(external_id: &str, phone: &str) -> pb::InteractionInput {
    let mut input = message(external_id, phone, "canarytext card 4111 1111 1111 1111");
    input.subject = "canary-subject".into();
    input.thread_key = format!("thread-{phone}");
    input.attributes = [("k".to_owned(), "canary-attribute".to_owned())].into();
    input.raw_payload = b"canary-payload".to_vec().into();
    input.provider = "line".into();
    input.order = Some(types::Order {
        order_id: "canary-order".into(),
        total: Some(types::Amount {
            units: 100,
            code: "IDR".into(),
            exponent: 2,
        }),
        lines: vec![],
    });
    input
}

/// That nothing of it can be read any more.
fn is_empty(interaction: &pb::Interaction) {
    let said = interaction.input.as_ref().unwrap();
    assert_eq!(
        *said,
        pb::InteractionInput {
            external_id: interaction.id.clone(),
            kind: said.kind,
            channel: said.channel,
            direction: said.direction,
            purpose: said.purpose,
            event_time: said.event_time,
            ..Default::default()
        }
    );
    assert_eq!(interaction.state, None);
}

#[tokio::test]
async fn an_erased_customer_leaves_that_contacts_took_place_and_nothing_else() {
    on_every_engine(quick(), async |stage| {
        let first = stage.log(full("canary-external", PHONE)).await;
        stage.settled(&first.id).await;
        know(&stage, "canary-external", "e-1").await;
        let mut other = full("canary-external", PHONE);
        other.parts = message("", PHONE, "canary-conflict").parts;
        refused(
            stage.record(other).await,
            Code::AlreadyExists,
            "EXTERNAL_ID_REUSED",
        );
        // Nobody was recognised in this one yet.
        stage.fake.set_down(true);
        let pending = stage.log(full("canary-pending", PHONE)).await;
        let kept = stage
            .log(message("m-2", "+62822", "marigold canarytext"))
            .await;
        eventually("the index holds everything", async || {
            (found(&stage, "canarytext").await == 3).then_some(())
        })
        .await;
        let customer = stage.fake.customer(stage.tenant, PHONE);

        let id = Uuid::now_v7();
        assert_eq!(erase(&stage, &customer.customer_id, id).await.unwrap(), 2);
        // At once, in the index and in every answer.
        let tables = dump::tables(&stage.t.env.db).await;
        for (table, rows) in &tables {
            assert!(!rows.contains("canary"), "{table}: {rows}");
        }
        assert_eq!(found(&stage, "canarytext").await, 1);
        for erased in [&first, &pending] {
            let read = stage.get(&erased.id).await;
            is_empty(&read);
            assert_eq!(read.customer, None);
        }
        assert!(timeline(&stage, &customer.customer_id).await.is_empty());
        let conflicts = stage
            .client()
            .list_conflicts(stage.asks(pb::ListConflictsRequest::default()))
            .await;
        assert!(conflicts.unwrap().into_inner().conflicts.is_empty());
        assert!(crate::sealing::reveal(&stage, &first.id).await.is_empty());
        let asked = pb::GetConversationRequest {
            conversation_id: first.conversation_id.clone(),
        };
        let matter = stage
            .conversations()
            .get_conversation(stage.asks(asked))
            .await
            .unwrap()
            .into_inner()
            .conversation
            .unwrap();
        assert_eq!(
            (
                matter.interaction_count,
                matter.thread_key.as_str(),
                matter.customer
            ),
            (2, "", None)
        );
        // What is others' is as it was.
        assert_eq!(stage.get(&kept.id).await.input, kept.input);
        let told = stage
            .event("the erasure is told", |data| match data {
                Data::CustomerErased(erased) => Some(erased.clone()),
                _ => None,
            })
            .await;
        assert_eq!(
            told,
            events::CustomerErased {
                customer_id: customer.customer_id.clone(),
                record_ids: vec![customer.record_id.clone()],
                interaction_count: 2,
            }
        );
        // Repeated it has no further effect, and asked again there is nothing left.
        assert_eq!(erase(&stage, &customer.customer_id, id).await.unwrap(), 2);
        assert_eq!(
            erase(&stage, &customer.customer_id, Uuid::now_v7())
                .await
                .unwrap(),
            0
        );
        assert_eq!(breaches(&stage).await, Vec::<String>::new());
        stage.fake.set_down(false);
        assert!(stage.settled(&kept.id).await.customer.is_some());
        for erased in [&first, &pending] {
            let read = stage.settled(&erased.id).await;
            assert_eq!(read.link_state(), pb::LinkState::Anonymous);
        }
    })
    .await;
}

#[tokio::test]
async fn what_comes_later_of_an_erased_customer_is_new_and_what_is_sent_again_is_known() {
    on_every_engine(quick(), async |stage| {
        let first = stage.log(full("m-1", PHONE)).await;
        stage.settled(&first.id).await;
        let customer = stage.fake.customer(stage.tenant, PHONE);
        erase(&stage, &customer.customer_id, Uuid::now_v7())
            .await
            .unwrap();
        // The same again, and something else under its key: nothing of it is kept.
        for again in [full("m-1", PHONE), message("m-1", PHONE, "other")] {
            let answer = stage.record(again).await.unwrap();
            assert!(answer.duplicate);
            is_empty(&answer.interaction.unwrap());
        }
        let known = know(&stage, "m-1", "e-1").await;
        assert_eq!(
            (known.duplicate, known.interaction_id),
            (true, first.id.clone())
        );
        is_empty(&stage.get(&first.id).await);
        let later = stage.log(full("m-2", PHONE)).await;
        assert_ne!(later.conversation_id, first.conversation_id);
        let read = stage.settled(&later.id).await;
        assert_eq!(read.input, later.input);
        assert_eq!(timeline(&stage, &customer.customer_id).await.len(), 1);
        eventually("the later contact is found", async || {
            (found(&stage, "canarytext").await == 1).then_some(())
        })
        .await;
        assert_eq!(breaches(&stage).await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn a_customer_is_erased_on_all_their_records_and_strangers_find_nobody() {
    on_every_engine(quick(), async |stage| {
        for (n, phone) in [PHONE, "+62822"].iter().enumerate() {
            let logged = stage.log(message(&format!("m-{n}"), phone, "halo")).await;
            stage.settled(&logged.id).await;
        }
        let (ana, budi) = (
            stage.fake.customer(stage.tenant, PHONE),
            stage.fake.customer(stage.tenant, "+62822"),
        );
        let merged = events::CustomersMerged {
            customer_id: ana.customer_id.clone(),
            merged_customer_id: budi.customer_id.clone(),
            moves: vec![events::RecordMove {
                record_id: budi.record_id.clone(),
                customer_id: ana.customer_id.clone(),
            }],
        };
        stage
            .profiles
            .say(
                stage.tenant,
                &ana.customer_id,
                Data::CustomersMerged(merged),
            )
            .await;
        eventually("the records are one customer's", async || {
            (timeline(&stage, &ana.customer_id).await.len() == 2).then_some(())
        })
        .await;
        let asked = pb::EraseCustomerRequest {
            request_id: Uuid::now_v7().to_string(),
            customer_id: ana.customer_id.clone(),
        };
        let stranger = stage.privacy().erase_customer(stage.stranger(asked)).await;
        assert_eq!(stranger.unwrap_err().code(), Code::NotFound);
        assert_eq!(
            erase(&stage, &ana.customer_id, Uuid::now_v7())
                .await
                .unwrap(),
            2
        );
        assert!(timeline(&stage, &ana.customer_id).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn contacts_that_come_while_their_customer_is_erased_are_whole_or_empty() {
    on_every_engine(quick(), async |stage| {
        let first = stage.log(full("m-0", PHONE)).await;
        stage.settled(&first.id).await;
        let customer = stage.fake.customer(stage.tenant, PHONE).customer_id;
        let logging = (1..24).map(|n| stage.log(full(&format!("m-{n}"), PHONE)));
        let erasing = (0..3).map(|_| erase(&stage, &customer, Uuid::now_v7()));
        let (logged, erased) = tokio::join!(
            futures::future::join_all(logging),
            futures::future::join_all(erasing)
        );
        for outcome in erased {
            outcome.unwrap();
        }
        for one in &logged {
            let read = stage.settled(&one.id).await;
            if read.input != one.input {
                assert!(read.input.unwrap().parts.is_empty());
            }
        }
        let after = stage.log(full("m-99", PHONE)).await;
        assert_eq!(stage.settled(&after.id).await.input, after.input);
        assert_eq!(breaches(&stage).await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn no_replica_seals_anything_with_a_key_that_another_has_destroyed() {
    on_every_engine(quick(), async |stage| {
        let first = stage.log(full("m-1", PHONE)).await;
        stage.settled(&first.id).await;
        let customer = stage.fake.customer(stage.tenant, PHONE).customer_id;
        let replica = stage.replica().await;
        let record = async |external_id: &str| {
            let asked = pb::RecordInteractionRequest {
                interaction: Some(full(external_id, PHONE)),
            };
            let answer = replica.client().record_interaction(stage.says(asked)).await;
            answer.unwrap().into_inner().interaction.unwrap()
        };
        // Now both hold the key in memory.
        record("m-2").await;
        erase(&stage, &customer, Uuid::now_v7()).await.unwrap();
        let later = record("m-3").await;
        let third = stage.replica().await;
        let asked = pb::GetInteractionRequest {
            interaction_id: later.id.clone(),
        };
        let read = third.client().get_interaction(stage.asks(asked)).await;
        assert_eq!(
            read.unwrap().into_inner().interaction.unwrap().input,
            later.input
        );
    })
    .await;
}
