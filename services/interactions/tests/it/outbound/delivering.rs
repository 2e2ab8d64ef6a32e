//! How a message is sent, and what becomes of it.

use rapport_foundation::testing::eventually;
use rapport_interactions::{Config, Outbound};
use rapport_proto::events::v1::event::Data;
use rapport_proto::interactions::v1 as pb;
use rapport_proto::interactions::v1::deliver_outbound_request::Message as Word;
use rapport_proto::interactions::v1::deliver_outbound_response::Message as Heard;
use tonic::Code;

use super::line::Line;
use super::{brisk, cancel, comes, into, queue, retry, tells, text, to, told, uuid, way};
use crate::stage::{Stage, at, message, on_every_engine, refused};

/// A status as the provider tells it.
fn status(of: &str, key: &str, state: pb::DeliveryState) -> pb::FactInput {
    pb::FactInput {
        external_id: of.into(),
        key: key.into(),
        event_time: Some(at(1_700_000_000)),
        fact: Some(pb::fact_input::Fact::Delivery(pb::DeliveryStatus {
            state: state.into(),
            error_code: if state == pb::DeliveryState::Failed {
                "131026".into()
            } else {
                String::new()
            },
            ..Default::default()
        })),
        ..Default::default()
    }
}

async fn tell(stage: &Stage, fact: pb::FactInput) -> pb::RecordFactResponse {
    let asked = pb::RecordFactRequest { fact: Some(fact) };
    let answer = stage.facts().record_fact(stage.says(asked)).await;
    answer.unwrap().into_inner()
}

#[tokio::test]
async fn a_message_is_handed_over_confirmed_sent_and_read() {
    on_every_engine(brisk(), async |stage| {
        let mut asked = message("wamid-0", "+62811", "di mana paket saya");
        asked.thread_key = "chat-7".into();
        let asked = stage.log(asked).await;
        let mut reply = into(&asked.conversation_id, "sudah di Semarang");
        reply.reply_to_interaction_id = asked.id.clone();
        reply.attributes = [("template".to_owned(), "shipped".to_owned())].into();
        reply.subject = "Paket".into();
        let one = queue(&stage, reply).await;

        let mut line = Line::open(&stage, 10).await;
        let delivery = line.delivery().await;
        assert_eq!((&delivery.outbound_id, delivery.attempt), (&one.id, 1));
        assert_eq!(delivery.parts, [text("sudah di Semarang")]);
        assert_eq!(delivery.recipient.as_ref().unwrap().value, "+62811");
        assert_eq!(delivery.recipient_name, "Ana");
        assert_eq!(
            (
                delivery.thread_key.as_str(),
                delivery.reply_to_external_id.as_str()
            ),
            ("chat-7", "wamid-0")
        );
        assert_eq!(delivery.attributes["template"], "shipped");
        assert_eq!(delivery.subject, "Paket");
        assert!(!delivery.may_be_repetition && delivery.lease_ms == 30_000);
        assert_eq!(
            way(&stage, &one.id).await.state(),
            pb::OutboundState::Handed
        );
        // Twice said is once done.
        line.accepts(&delivery).await;
        line.accepts(&delivery).await;
        let accepted = way(&stage, &one.id).await;
        assert_eq!(accepted.state(), pb::OutboundState::Accepted);
        assert!(accepted.lease_end_time.is_some());
        for _ in 0..2 {
            assert_eq!(
                line.sent(&delivery, "wamid-1").await,
                pb::OutboundState::Sent
            );
        }
        let sent = way(&stage, &one.id).await;
        assert_eq!(
            (sent.message_id.as_str(), sent.lease_end_time),
            ("wamid-1", None)
        );

        // The provider's id finds it; so does its own.
        let told_of = tell(
            &stage,
            status("wamid-1", "s-1", pb::DeliveryState::Delivered),
        )
        .await;
        assert_eq!(told_of.interaction_id, one.interaction_id);
        assert_eq!(
            way(&stage, &one.id).await.state(),
            pb::OutboundState::Delivered
        );
        let again = tell(
            &stage,
            status("wamid-1", "s-1", pb::DeliveryState::Delivered),
        )
        .await;
        assert!(again.duplicate && again.interaction_id == one.interaction_id);
        let read = tell(&stage, status(&one.id, "s-2", pb::DeliveryState::Read)).await;
        assert_eq!(read.interaction_id, one.interaction_id);
        let known = stage.get(&one.interaction_id).await;
        assert_eq!(known.outbound.unwrap().state(), pb::OutboundState::Read);
        let state = known.state.unwrap();
        assert_eq!(state.deliveries[0].state(), pb::DeliveryState::Read);
        assert_eq!(state.fact_count, 2);
        tells(&stage, &["outbound_queued", "outbound_sent"]).await;
        let breaches = rapport_interactions::verify(&stage.t.env.db).await.unwrap();
        assert!(breaches.is_empty(), "{breaches:?}");
    })
    .await;
}

#[tokio::test]
async fn what_the_provider_tells_before_the_connector_does_is_not_lost() {
    on_every_engine(brisk(), async |stage| {
        let one = queue(&stage, to("+62811", "halo")).await;
        let mut line = Line::open(&stage, 10).await;
        let delivery = line.delivery().await;
        line.accepts(&delivery).await;
        let early = tell(&stage, status("wamid-1", "s-1", pb::DeliveryState::Read)).await;
        assert_eq!(early.interaction_id, "");
        line.sent(&delivery, "wamid-1").await;
        comes(&stage, &one.id, pb::OutboundState::Read).await;
        let state = stage.get(&one.interaction_id).await.state.unwrap();
        assert_eq!(state.deliveries[0].state(), pb::DeliveryState::Read);
        // Told once more it is the same fact.
        let again = tell(&stage, status("wamid-1", "s-1", pb::DeliveryState::Read)).await;
        assert!(again.duplicate && again.interaction_id == one.interaction_id);
        // What comes back does not come as another contact: the provider echoes what we sent.
        let mut echo = message("wamid-1", "+62811", "halo");
        echo.direction = rapport_proto::types::v1::Direction::Outbound.into();
        let echo = stage.record(echo).await.unwrap();
        assert!(echo.duplicate);
        assert_eq!(echo.interaction.unwrap().id, one.interaction_id);
    })
    .await;
}

#[tokio::test]
async fn what_was_sent_and_does_not_come_has_failed() {
    on_every_engine(brisk(), async |stage| {
        let one = queue(&stage, to("+62811", "halo")).await;
        let mut line = Line::open(&stage, 10).await;
        line.sends("wamid-1").await;
        tell(&stage, status("wamid-1", "s-1", pb::DeliveryState::Failed)).await;
        let failed = way(&stage, &one.id).await;
        assert_eq!(
            (failed.state(), failed.reason.as_str()),
            (pb::OutboundState::Failed, "131026")
        );
        // It was sent: sending it again would be another message.
        refused(
            retry(&stage, &one.id).await,
            Code::FailedPrecondition,
            "OUTBOUND_STATE",
        );
        tells(
            &stage,
            &["outbound_queued", "outbound_sent", "outbound_failed"],
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn failures_are_tried_again_until_it_is_enough_and_a_person_may_begin_anew() {
    let config = brisk();
    let config = Config {
        outbound: Outbound {
            tries: 3,
            ..config.outbound.clone()
        },
        ..config
    };
    on_every_engine(config, async |stage| {
        let one = queue(&stage, to("+62811", "halo")).await;
        let mut line = Line::open(&stage, 10).await;
        for attempt in 1..=3 {
            let delivery = line.delivery().await;
            assert_eq!(
                (&delivery.outbound_id, delivery.attempt),
                (&one.id, attempt)
            );
            // Whether it was accepted before makes no difference.
            if attempt > 1 {
                line.accepts(&delivery).await;
            }
            let expected = if attempt < 3 {
                pb::OutboundState::Queued
            } else {
                pb::OutboundState::Failed
            };
            assert_eq!(
                line.failed(&delivery, "rate.limited", false).await,
                expected
            );
        }
        let failed = way(&stage, &one.id).await;
        assert_eq!(
            (failed.reason.as_str(), failed.failure_count),
            ("rate.limited", 3)
        );
        let reason = stage
            .event("the failure is told", |data| match data {
                Data::OutboundFailed(failed) => Some(failed.reason.clone()),
                _ => None,
            })
            .await;
        assert_eq!(reason, "rate.limited");
        let again = retry(&stage, &one.id).await.unwrap();
        assert_eq!(
            (again.state(), again.failure_count),
            (pb::OutboundState::Queued, 0)
        );
        refused(
            retry(&stage, &one.id).await,
            Code::FailedPrecondition,
            "OUTBOUND_STATE",
        );
        let delivery = line.delivery().await;
        assert_eq!(delivery.attempt, 4);
        let state = line.failed(&delivery, "no-such-number", true).await;
        assert_eq!(state, pb::OutboundState::Failed);
        line.hears_nothing().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_released_goes_to_somebody_else() {
    on_every_engine(brisk(), async |stage| {
        let one = queue(&stage, to("+62811", "halo")).await;
        let mut line = Line::open(&stage, 1).await;
        let delivery = line.delivery().await;
        assert_eq!(line.released(&delivery).await, pb::OutboundState::Queued);
        let again = line.delivery().await;
        assert_eq!((&again.outbound_id, again.attempt), (&one.id, 2));
        // Said once more, of an attempt that is over, it changes nothing.
        assert_eq!(line.released(&delivery).await, pb::OutboundState::Handed);
        line.accepts(&again).await;
    })
    .await;
}

#[tokio::test]
async fn messages_of_one_conversation_come_in_order_and_hold_up_no_other() {
    on_every_engine(brisk(), async |stage| {
        let asked = stage.log(message("m-1", "+62811", "halo")).await;
        let queued = async |said: &str| queue(&stage, into(&asked.conversation_id, said)).await.id;
        let ids = [
            queued("satu").await,
            queued("dua").await,
            queued("tiga").await,
        ];
        let mut later = into(&asked.conversation_id, "nanti");
        let hour = std::time::Duration::from_secs(3600);
        later.send_time = Some((stage.t.env.clock.now() + hour).into());
        let later = queue(&stage, later).await;
        let last = queued("empat").await;
        let other = queue(&stage, to("+62822", "lain")).await;

        let mut line = Line::open(&stage, 10).await;
        let first = line.delivery().await;
        assert_eq!(first.outbound_id, ids[0]);
        let beside = line.delivery().await;
        assert_eq!(beside.outbound_id, other.id);
        line.hears_nothing().await;
        line.accepts(&first).await;
        // What fails for the time being still goes first.
        line.failed(&first, "busy", false).await;
        let again = line.delivery().await;
        assert_eq!((&again.outbound_id, again.attempt), (&ids[0], 2));
        line.accepts(&again).await;
        line.sent(&again, "w-1").await;
        // What is taken back or fails for good makes way.
        let second = line.delivery().await;
        assert_eq!(second.outbound_id, ids[1]);
        line.failed(&second, "gone", true).await;
        let third = line.delivery().await;
        assert_eq!(third.outbound_id, ids[2]);
        cancel(&stage, &ids[2], &uuid()).await.unwrap();
        assert_eq!(line.delivery().await.outbound_id, last);
        assert_eq!(
            line.is_withdrawn(&third).await,
            pb::DeliveryWithdrawalReason::Cancelled
        );
        assert_eq!(
            way(&stage, &later.id).await.state(),
            pb::OutboundState::Queued
        );
    })
    .await;
}

#[tokio::test]
async fn a_message_waits_for_its_time_and_is_given_up_in_time() {
    on_every_engine(brisk(), async |stage| {
        let now = stage.t.env.clock.now();
        let soon = now + std::time::Duration::from_millis(700);
        let mut asked = to("+62811", "nanti");
        asked.send_time = Some(soon.into());
        let waiting = queue(&stage, asked).await;
        let mut asked = to("+62822", "cepat");
        asked.send_time = Some((now + std::time::Duration::from_secs(3600)).into());
        asked.expire_time = Some((now + std::time::Duration::from_secs(3601)).into());
        queue(&stage, asked).await;
        let mut asked = to("+62833", "terlambat");
        asked.expire_time =
            Some((stage.t.env.clock.now() + std::time::Duration::from_millis(200)).into());
        let late = queue(&stage, asked).await;
        let expired = comes(&stage, &late.id, pb::OutboundState::Expired).await;
        assert_eq!(expired.reason, "EXPIRED");
        let mut line = Line::open(&stage, 10).await;
        let delivery = line.delivery().await;
        assert_eq!(delivery.outbound_id, waiting.id);
        assert!(stage.t.env.clock.now() >= soon);
        // A person may still want it.
        retry(&stage, &late.id).await.unwrap();
        assert_eq!(line.delivery().await.outbound_id, late.id);
    })
    .await;
}

#[tokio::test]
async fn what_is_taken_back_is_not_sent() {
    on_every_engine(brisk(), async |stage| {
        let one = queue(&stage, to("+62811", "halo")).await;
        let key = uuid();
        let cancelled = cancel(&stage, &one.id, &key).await.unwrap();
        assert_eq!(cancelled.state(), pb::OutboundState::Cancelled);
        assert_eq!(cancel(&stage, &one.id, &key).await.unwrap(), cancelled);
        refused(
            cancel(&stage, &one.id, &uuid()).await,
            Code::FailedPrecondition,
            "OUTBOUND_STATE",
        );
        let second = queue(&stage, to("+62822", "halo")).await;
        let mut line = Line::open(&stage, 10).await;
        let delivery = line.delivery().await;
        assert_eq!(delivery.outbound_id, second.id);
        line.accepts(&delivery).await;
        refused(
            cancel(&stage, &second.id, &uuid()).await,
            Code::FailedPrecondition,
            "OUTBOUND_STATE",
        );
        line.sent(&delivery, "w").await;
        line.hears_nothing().await;
    })
    .await;
}

#[tokio::test]
async fn a_connector_gets_no_more_at_a_time_than_it_takes() {
    on_every_engine(brisk(), async |stage| {
        for n in 0..5 {
            queue(&stage, to(&format!("+6281{n}"), "halo")).await;
        }
        let mut line = Line::open(&stage, 2).await;
        let (first, second) = (line.delivery().await, line.delivery().await);
        line.hears_nothing().await;
        // One that is sent, or failed, makes room for one; so does a larger window.
        line.accepts(&first).await;
        line.sent(&first, "w-1").await;
        let third = line.delivery().await;
        line.failed(&second, "gone", true).await;
        let fourth = line.delivery().await;
        line.hears_nothing().await;
        line.opening(3, false).await;
        let fifth = line.delivery().await;
        let mut ids = [first, second, third, fourth, fifth].map(|one| one.outbound_id);
        ids.sort();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_understood_is_refused_and_the_stream_goes_on() {
    on_every_engine(brisk(), async |stage| {
        let one = queue(&stage, to("+62811", "halo")).await;
        let mut line = Line::open(&stage, 10).await;
        let delivery = line.delivery().await;
        line.say(Word::Failed(pb::DeliveryFailed {
            outbound_id: "out_x".into(),
            attempt: 0,
            reason: "no words here".into(),
            ..Default::default()
        }))
        .await;
        let Heard::Refusal(refusal) = line.hears().await else {
            panic!("it is refused")
        };
        assert_eq!(refusal.outbound_id, "out_x");
        let error = refusal.error.unwrap();
        let fields: Vec<&str> = error
            .violations
            .iter()
            .map(|one| one.field.as_str())
            .collect();
        assert_eq!(
            fields,
            ["failed.outbound_id", "failed.attempt", "failed.reason"]
        );
        // Of an attempt that never was nothing is known either.
        let wrong = pb::OutboundDelivery {
            attempt: 9,
            ..delivery.clone()
        };
        assert_eq!(
            line.is_withdrawn(&wrong).await,
            pb::DeliveryWithdrawalReason::Unknown
        );
        line.accepts(&delivery).await;
        line.sent(&delivery, "").await;
        assert_eq!(way(&stage, &one.id).await.state(), pb::OutboundState::Sent);

        // Who does not say what it takes gets nothing.
        let mut line = Line::through(stage.outbound(), |words| stage.says(words)).await;
        line.say(Word::Accepted(pb::DeliveryAccepted {
            outbound_id: one.id.clone(),
            attempt: 1,
        }))
        .await;
        refused(line.next().await, Code::InvalidArgument, "INVALID_REQUEST");
        // Nor does who is no connector.
        let nobody = stage.asks(futures::stream::empty::<pb::DeliverOutboundRequest>());
        let nobody = stage.outbound().deliver_outbound(nobody).await;
        refused(
            nobody.map(|_| ()),
            Code::PermissionDenied,
            "CONNECTOR_UNKNOWN",
        );
    })
    .await;
}

#[tokio::test]
async fn a_message_that_is_queued_reaches_a_stream_that_waits() {
    // Without the bell it would be looked for after an hour.
    let config = brisk();
    let config = Config {
        heartbeat_ms: 3_600_000,
        outbound: Outbound {
            look_every_ms: 3_600_000,
            ..config.outbound.clone()
        },
        ..config
    };
    on_every_engine(config, async |stage| {
        let mut line = Line::open(&stage, 10).await;
        for n in 0..3 {
            let one = queue(&stage, to(&format!("+6281{n}"), "halo")).await;
            assert_eq!(line.sends(&format!("w-{n}")).await.outbound_id, one.id);
        }
        eventually("all are told", async || {
            (told(&stage).await.len() == 6).then_some(())
        })
        .await;
    })
    .await;
}
