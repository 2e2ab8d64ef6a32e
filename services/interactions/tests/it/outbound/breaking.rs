//! Streams that break at every state, leases that end, readers that do not read.

use rapport_foundation::context::{Claims, Context, PrincipalKind};
use rapport_foundation::testing::eventually;
use rapport_interactions::Config;
use rapport_proto::interactions::v1 as pb;
use rapport_proto::interactions::v1::deliver_outbound_response::Message as Heard;
use tonic::Code;

use super::line::Line;
use super::{brisk, comes, fleeting, queue, retry, tells, to, way};
use crate::stage::{on_every_engine, refused};

#[tokio::test]
async fn what_a_broken_stream_had_not_accepted_is_handed_over_again() {
    on_every_engine(brisk(), async |stage| {
        let one = queue(&stage, to("+62811", "halo")).await;
        for attempt in 1..=3 {
            let mut line = Line::open(&stage, 10).await;
            let delivery = line.delivery().await;
            assert_eq!(
                (&delivery.outbound_id, delivery.attempt),
                (&one.id, attempt)
            );
            assert!(!delivery.may_be_repetition);
        }
        // Whoever had it before learns that it is too late, whatever stream it asks on.
        let mut line = Line::open(&stage, 10).await;
        let delivery = line.delivery().await;
        let old = pb::OutboundDelivery {
            attempt: 3,
            ..delivery.clone()
        };
        assert_eq!(
            line.is_withdrawn(&old).await,
            pb::DeliveryWithdrawalReason::LeaseEnded
        );
        line.accepts(&delivery).await;
        line.sent(&delivery, "w").await;
        tells(&stage, &["outbound_queued", "outbound_sent"]).await;
    })
    .await;
}

#[tokio::test]
async fn what_a_broken_stream_had_accepted_is_uncertain_and_waits_for_a_person() {
    on_every_engine(fleeting(), async |stage| {
        let one = queue(&stage, to("+62811", "halo")).await;
        let mut line = Line::open(&stage, 10).await;
        let delivery = line.delivery().await;
        line.accepts(&delivery).await;
        drop(line);
        let uncertain = comes(&stage, &one.id, pb::OutboundState::Uncertain).await;
        assert_eq!(uncertain.reason, "LEASE_ENDED");
        // It may have been sent: nobody gets it, but nothing behind it waits.
        let mut line = Line::open(&stage, 10).await;
        line.hears_nothing().await;
        let behind = queue(&stage, super::into(&one.conversation_id, "dan")).await;
        assert_eq!(line.sends("w-2").await.outbound_id, behind.id);
        retry(&stage, &one.id).await.unwrap();
        let again = line.delivery().await;
        assert_eq!((&again.outbound_id, again.attempt), (&one.id, 2));
        let all = [
            "outbound_queued",
            "outbound_uncertain",
            "outbound_queued",
            "outbound_sent",
        ];
        tells(&stage, &all).await;
    })
    .await;
}

#[tokio::test]
async fn what_is_uncertain_is_handed_over_again_where_repetitions_are_dropped() {
    on_every_engine(fleeting(), async |stage| {
        let one = queue(&stage, to("+62811", "halo")).await;
        let mut line = Line::dropping(&stage, 10).await;
        let delivery = line.delivery().await;
        line.accepts(&delivery).await;
        // The stream lives, but nothing is said of it any more.
        let Heard::Withdrawal(withdrawn) = line.hears().await else {
            panic!("its lease has ended")
        };
        assert_eq!(withdrawn.reason(), pb::DeliveryWithdrawalReason::LeaseEnded);
        let again = line.delivery().await;
        assert_eq!((&again.outbound_id, again.attempt), (&one.id, 2));
        assert!(again.may_be_repetition);
        line.accepts(&again).await;
        assert_eq!(line.sent(&again, "w").await, pb::OutboundState::Sent);
    })
    .await;
}

#[tokio::test]
async fn a_sent_that_comes_late_counts_whoever_brings_it() {
    on_every_engine(fleeting(), async |stage| {
        // After it became uncertain, on another stream.
        let one = queue(&stage, to("+62811", "halo")).await;
        let mut line = Line::open(&stage, 10).await;
        let delivery = line.delivery().await;
        line.accepts(&delivery).await;
        drop(line);
        comes(&stage, &one.id, pb::OutboundState::Uncertain).await;
        let mut line = Line::open(&stage, 10).await;
        assert_eq!(line.sent(&delivery, "w-1").await, pb::OutboundState::Sent);

        // After another attempt was handed over: that one is withdrawn.
        let two = queue(&stage, to("+62822", "halo")).await;
        let delivery = line.delivery().await;
        assert_eq!(delivery.outbound_id, two.id);
        let Heard::Withdrawal(_) = line.hears().await else {
            panic!("its lease has ended")
        };
        let second = line.delivery().await;
        assert_eq!((&second.outbound_id, second.attempt), (&two.id, 2));
        assert_eq!(line.sent(&delivery, "w-2").await, pb::OutboundState::Sent);
        assert_eq!(
            line.is_withdrawn(&second).await,
            pb::DeliveryWithdrawalReason::Sent
        );
        assert_eq!(way(&stage, &two.id).await.message_id, "w-2");
    })
    .await;
}

#[tokio::test]
async fn who_says_that_it_is_still_sending_keeps_it() {
    on_every_engine(fleeting(), async |stage| {
        let one = queue(&stage, to("+62811", "halo")).await;
        let mut line = Line::dropping(&stage, 10).await;
        let delivery = line.delivery().await;
        line.accepts(&delivery).await;
        let until = stage.t.env.clock.now() + std::time::Duration::from_millis(2600);
        while stage.t.env.clock.now() < until {
            line.accepts(&delivery).await;
            assert_eq!(
                way(&stage, &one.id).await.state(),
                pb::OutboundState::Accepted
            );
        }
        assert_eq!(line.sent(&delivery, "w").await, pb::OutboundState::Sent);
    })
    .await;
}

#[tokio::test]
async fn a_connector_that_does_not_read_is_ended_and_nothing_is_lost() {
    // Without patience: the first word that finds no room ends the stream.
    let config = Config {
        slow_reader_ms: 0,
        ..brisk()
    };
    on_every_engine(config, async |stage| {
        const MANY: usize = 150;
        let asked = (0..MANY).map(|n| queue(&stage, to(&format!("+62800{n}"), "halo")));
        futures::future::join_all(asked).await;
        let mut line = Line::open(&stage, 1000).await;
        let count = async |state: pb::OutboundState| {
            let asked = pb::ListOutboundRequest {
                page_size: 1000,
                state: state.into(),
                ..Default::default()
            };
            let page = stage.outbound().list_outbound(stage.asks(asked)).await;
            page.unwrap().into_inner().outbounds.len()
        };
        // More than there is room for answers was handed over, and is back.
        eventually("the stream was ended", async || {
            let asked = pb::ListOutboundRequest {
                page_size: 1000,
                state: pb::OutboundState::Queued.into(),
                ..Default::default()
            };
            let page = stage.outbound().list_outbound(stage.asks(asked)).await;
            let queued = page.unwrap().into_inner().outbounds;
            let tried = queued.iter().filter(|one| one.attempt > 0).count();
            (queued.len() == MANY && tried > 0).then_some(())
        })
        .await;
        let ended = loop {
            match line.next().await {
                Ok(Some(_)) => {}
                ended => break ended,
            }
        };
        refused(ended, Code::ResourceExhausted, "SLOW_READER");
        let mut line = Line::open(&stage, 1).await;
        for n in 0..MANY {
            line.sends(&format!("w-{n}")).await;
        }
        assert_eq!(count(pb::OutboundState::Sent).await, MANY);
    })
    .await;
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    on_every_engine(brisk(), async |stage| {
        let one = queue(&stage, to("+62811", "halo")).await;
        let mut claims = Claims::new(stage.tenant, "whatsapp", PrincipalKind::Connector);
        claims.connector = Some("whatsapp".into());
        claims.token_expires =
            Some(stage.t.env.clock.now() + std::time::Duration::from_millis(600));
        let context = Context::from(claims);
        let request = |words| stage.t.request_as(&context, words);
        let mut line = Line::through(stage.outbound(), request).await;
        line.opening(10, false).await;
        line.delivery().await;
        refused(line.next().await, Code::Unauthenticated, "TOKEN_EXPIRED");
        comes(&stage, &one.id, pb::OutboundState::Queued).await;
    })
    .await;
}

#[tokio::test]
async fn a_service_that_goes_down_hands_nothing_over_and_puts_back_what_it_had() {
    on_every_engine(brisk(), async |stage| {
        let one = queue(&stage, to("+62811", "halo")).await;
        let mut line = Line::open(&stage, 10).await;
        line.delivery().await;
        stage.t.env.shutdown.cancel();
        refused(line.next().await, Code::Unavailable, "GOING_DOWN");
        comes(&stage, &one.id, pb::OutboundState::Queued).await;
        // A stream that begins now ends before anything is handed over.
        let mut line = Line::open(&stage, 10).await;
        refused(line.next().await, Code::Unavailable, "GOING_DOWN");
        assert_eq!(way(&stage, &one.id).await.attempt, 1);
    })
    .await;
}
