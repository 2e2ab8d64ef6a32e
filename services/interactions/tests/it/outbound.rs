//! Messages of ours: queued, handed to connectors, sent once.

mod breaking;
mod delivering;
mod line;
mod queueing;
mod replicas;

use rapport_interactions::{Config, Outbound};
use rapport_proto::interactions::v1 as pb;
use rapport_proto::types::v1 as types;
use tonic::Status;

use crate::stage::{Stage, quick};

/// Settings that let a test wait for milliseconds.
fn brisk() -> Config {
    Config {
        outbound: Outbound {
            look_every_ms: 10,
            retry_first_ms: 10,
            retry_longest_ms: 20,
            ..Outbound::default()
        },
        ..quick()
    }
}

/// Leases that end while a test waits.
fn fleeting() -> Config {
    let config = brisk();
    Config {
        outbound: Outbound {
            lease_ms: 1_200,
            ..config.outbound
        },
        ..config
    }
}

fn text(said: &str) -> pb::Part {
    pb::Part {
        content: Some(pb::part::Content::Text(said.into())),
        ..Default::default()
    }
}

/// A message to somebody by the connector `whatsapp`.
fn to(phone: &str, said: &str) -> pb::QueueOutboundRequest {
    pb::QueueOutboundRequest {
        request_id: uuid(),
        recipient: Some(types::Identifier {
            r#type: types::IdentifierType::Phone.into(),
            value: phone.into(),
            namespace: String::new(),
        }),
        connector: "whatsapp".into(),
        channel: types::Channel::Messaging.into(),
        parts: vec![text(said)],
        ..Default::default()
    }
}

/// A message to a conversation.
fn into(conversation: &str, said: &str) -> pb::QueueOutboundRequest {
    pb::QueueOutboundRequest {
        request_id: uuid(),
        conversation_id: conversation.into(),
        parts: vec![text(said)],
        ..Default::default()
    }
}

fn uuid() -> String {
    uuid::Uuid::now_v7().to_string()
}

async fn try_queue(
    stage: &Stage,
    asked: pb::QueueOutboundRequest,
) -> Result<pb::QueueOutboundResponse, Status> {
    let answer = stage.outbound().queue_outbound(stage.asks(asked)).await?;
    Ok(answer.into_inner())
}

/// Queues a message that must be taken.
async fn queue(stage: &Stage, asked: pb::QueueOutboundRequest) -> pb::Outbound {
    try_queue(stage, asked).await.unwrap().outbound.unwrap()
}

async fn way(stage: &Stage, id: &str) -> pb::Outbound {
    let asked = pb::GetOutboundRequest {
        outbound_id: id.into(),
    };
    let answer = stage.outbound().get_outbound(stage.asks(asked)).await;
    answer.unwrap().into_inner().outbound.unwrap()
}

/// Waits until a message is in a state.
async fn comes(stage: &Stage, id: &str, state: pb::OutboundState) -> pb::Outbound {
    let what = format!("the message is {state:?}");
    rapport_foundation::testing::eventually(&what, async || {
        Some(way(stage, id).await).filter(|one| one.state() == state)
    })
    .await
}

async fn cancel(stage: &Stage, id: &str, request_id: &str) -> Result<pb::Outbound, Status> {
    let asked = pb::CancelOutboundRequest {
        request_id: request_id.into(),
        outbound_id: id.into(),
    };
    let answer = stage.outbound().cancel_outbound(stage.asks(asked)).await?;
    Ok(answer.into_inner().outbound.unwrap())
}

async fn retry(stage: &Stage, id: &str) -> Result<pb::Outbound, Status> {
    let asked = pb::RetryOutboundRequest {
        request_id: uuid(),
        outbound_id: id.into(),
        expire_time: None,
    };
    let answer = stage.outbound().retry_outbound(stage.asks(asked)).await?;
    Ok(answer.into_inner().outbound.unwrap())
}

/// Waits until these are the events about messages of ours, in their order.
async fn tells(stage: &Stage, wanted: &[&str]) {
    let what = format!("{wanted:?} is told");
    rapport_foundation::testing::eventually(&what, async || {
        (told(stage).await == wanted).then_some(())
    })
    .await;
}

/// The events about messages of ours so far.
async fn told(stage: &Stage) -> Vec<String> {
    let events = stage.events().await.into_iter();
    events
        .map(|event| event.r#type)
        .filter(|kind| kind.starts_with("outbound_"))
        .collect()
}
