//! Several processes of the service on one database: any of them takes a call, one decides for a tenant.

use std::time::{Duration, Instant};

use rapport_foundation::role::Role;
use rapport_foundation::testing::{Engine, eventually, on_every_engine};
use rapport_proto::routing::v1 as pb;
use rapport_routing::Config;
use tonic::Code;

use crate::bench::{Bench, reason, request_id};

/// What is lost with a process is decided by another one so much later at most.
const REPLACED_WITHIN: Duration = Duration::from_secs(5);

fn at(address: &str) -> Config {
    Config {
        advertise: address.into(),
        ..Config::default()
    }
}

/// Two replicas that reach each other; where there is one process a database there is nothing to see.
pub(crate) async fn two(test: impl AsyncFn(Bench, Bench)) {
    on_every_engine(Role::Routing, rapport_routing::migrations, async |t| {
        if t.database.engine == Engine::Sqlite {
            return;
        }
        let first = Bench::open(t, at("http://first")).await;
        let second = first.another_with(at("http://second")).await;
        let neighbours = &first.t.house.neighbours;
        neighbours.set_replica("http://first", first.channel.clone());
        neighbours.set_replica("http://second", second.channel.clone());
        Box::pin(test(first, second)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_at_any_replica_is_decided_by_the_owner() {
    two(async |first, second| {
        let queue = first.queue("care").await;
        let agent = second.hire("ana", &queue).await;
        let mut desk = second.desk(&agent).await;
        second.set_status(&agent, pb::AgentStatus::Available).await;
        let ticket = first.ticket(&queue).await;
        let offer = desk.offer().await;
        let item = second.accept(&offer.id).await.unwrap();
        assert_eq!(item.ticket_id, ticket.id);
        first.complete(&item).await;
        let other = second.ticket(&queue).await;
        for replica in [&first, &second] {
            let all = replica.list_tickets(Default::default()).await;
            assert_eq!(all.len(), 2);
            assert_eq!(replica.work_of(&other).await.len(), 1);
            replica.verified().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_the_owners_own_and_nobody_of_another_tenant_gets_through() {
    two(async |first, second| {
        let queue = first.queue("care").await;
        let close = |id: &str| pb::CloseTicketRequest {
            request_id: request_id(),
            ticket_id: id.into(),
            ..Default::default()
        };
        let open = first.ticket(&queue).await;
        let refused = second
            .tickets()
            .close_ticket(second.boss(close(&open.id)))
            .await
            .unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::FailedPrecondition, "TICKET_NOT_RESOLVED")
        );
        let stranger = second
            .tickets()
            .close_ticket(second.stranger(close(&open.id)))
            .await
            .unwrap_err();
        assert_eq!(stranger.code(), Code::NotFound);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_handed_on_once() {
    two(async |first, second| {
        first.queue("care").await;
        // What is known of the owner leads back here.
        let neighbours = &first.t.house.neighbours;
        neighbours.set_replica("http://first", second.channel.clone());
        let queue = pb::CreateQueueRequest {
            request_id: request_id(),
            queue: Some(pb::Queue {
                code: "other".into(),
                display_name: "Other".into(),
                ..Default::default()
            }),
        };
        let refused = second
            .queues()
            .create_queue(second.boss(queue))
            .await
            .unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::Unavailable, "OWNER_CHANGING")
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_is_replaced_at_once_and_what_was_out_stays_out() {
    two(async |mut first, second| {
        let queue = first.queue("care").await;
        let (ana, ben) = (
            first.hire("ana", &queue).await,
            first.hire("ben", &queue).await,
        );
        let mut desk = first.desk(&ana).await;
        first.set_status(&ana, pb::AgentStatus::Available).await;
        first.ticket(&queue).await;
        let offer = desk.offer().await;
        let waiting = first.ticket(&queue).await;
        first.t.env.shutdown.cancel();
        for task in first.tasks.drain(..) {
            task.handle.await.unwrap();
        }
        // Nobody has called: the second decides all the same, for whom nobody decides.
        let mut desk = eventually("a desk at the second", async || {
            let watch = pb::WatchOffersRequest {
                agent_id: ben.id.clone(),
            };
            let opened = second.offers().watch_offers(second.boss(watch)).await;
            Some(opened.ok()?.into_inner())
        })
        .await;
        second.set_status(&ben, pb::AgentStatus::Available).await;
        let theirs = loop {
            let event = desk.message().await.unwrap().unwrap().event;
            if let Some(pb::watch_offers_response::Event::Offer(offer)) = event {
                break offer;
            }
        };
        assert_eq!(theirs.work_item.unwrap().ticket_id, waiting.id);
        assert!(second.accept(&offer.id).await.is_ok(), "it was still out");
        second.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gives_no_sign_of_life_is_replaced_and_decides_no_more() {
    two(async |first, second| {
        let queue = first.queue("care").await;
        let agent = first.hire("ana", &queue).await;
        let mut desk = first.desk(&agent).await;
        first.set_status(&agent, pb::AgentStatus::Available).await;
        first.ticket(&queue).await;
        let offer = desk.offer().await;
        let silent = Instant::now();
        for task in &first.tasks {
            task.handle.abort();
        }
        let ticket = pb::CreateTicketRequest {
            request_id: request_id(),
            ticket: Some(pb::Ticket {
                queue_id: queue.id.clone(),
                ..Default::default()
            }),
            work_channel: 1,
        };
        // It is asked of the first for as long as that one lives, and refused once it knows that it must not decide.
        eventually("somebody decides", async || {
            let asked = second.boss(ticket.clone());
            let answer = second.tickets().create_ticket(asked).await;
            if silent.elapsed() < Duration::from_millis(1_500) {
                return None;
            }
            answer.ok()
        })
        .await;
        assert!(silent.elapsed() < REPLACED_WITHIN, "{:?}", silent.elapsed());
        // Its desks end, and what comes in there is handed on.
        let ended = loop {
            match desk.stream.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the end must be told"),
                Err(status) => break status,
            }
        };
        assert_eq!(ended.code(), Code::Unavailable);
        eventually("handed on", async || first.accept(&offer.id).await.ok()).await;
        second.verified().await;
    })
    .await;
}
