//! The owner is cut off: from its database while others have it, and from all who call while it has its database.

use std::time::{Duration, Instant};

use rapport_foundation::channel::Channel;
use rapport_foundation::db::DatabaseConfig;
use rapport_foundation::role::Role;
use rapport_foundation::testing::{Engine, Proxy, eventually, on_every_engine};
use rapport_proto::routing::v1 as pb;
use rapport_proto::types::v1 as types;
use rapport_routing::Config;
use tonic::Code;

use crate::bench::{Bench, Teller, reason, request_id};
use crate::intake::{Contact, tickets as told};
use crate::owners::{REPLACED_WITHIN, at, two};

fn asking(queue: &pb::Queue) -> pb::CreateTicketRequest {
    pb::CreateTicketRequest {
        request_id: request_id(),
        ticket: Some(pb::Ticket {
            queue_id: queue.id.clone(),
            ..Default::default()
        }),
        work_channel: 1,
    }
}

fn late() -> pb::CreateQueueRequest {
    pb::CreateQueueRequest {
        request_id: request_id(),
        queue: Some(pb::Queue {
            code: "late".into(),
            display_name: "Late".into(),
            ..Default::default()
        }),
    }
}

/// Two replicas, the first of which reaches the database by a way that can be cut; with this lease.
async fn two_by(lease_ms: u64, test: impl AsyncFn(Bench, Bench, Proxy)) {
    on_every_engine(Role::Routing, rapport_routing::migrations, async |t| {
        if t.database.engine == Engine::Sqlite {
            return;
        }
        let with = |address: &str| Config {
            lease_ms,
            ..at(address)
        };
        let (way, config) = Proxy::before(&t.database.config).await;
        let config = DatabaseConfig {
            acquire_timeout_ms: 1_000,
            ..config
        };
        let behind = t.house.env_on(t.database.by(config), Role::Routing).await;
        let first = Bench::open(behind, with("http://first")).await;
        let second = Bench::of(t, with("http://second"), first.tenant).await;
        let neighbours = &first.t.house.neighbours;
        neighbours.set_replica("http://first", first.channel.clone());
        neighbours.set_replica("http://second", second.channel.clone());
        Box::pin(test(first, second, way)).await;
    })
    .await;
}

/// The owner is cut off with an offer out and a call in flight.
async fn is_replaced(first: Bench, second: Bench, way: Proxy, cut: fn(&Proxy)) {
    let queue = first.queue("care").await;
    let agent = first.hire("ana", &queue).await;
    let mut desk = first.desk(&agent).await;
    first.set_status(&agent, pb::AgentStatus::Available).await;
    first.ticket(&queue).await;
    let offer = desk.offer().await;
    let (epoch, _) = second.lease().await;
    cut(&way);
    let silent = Instant::now();
    // What is decided waits for the database, and whoever asked for it is told in time that nobody knows.
    let (mut queues, asked) = (first.queues(), first.boss(late()));
    let in_flight = tokio::spawn(async move { queues.create_queue(asked).await });
    assert_eq!(desk.end().await.code(), Code::Unavailable);
    let unknown = in_flight.await.unwrap().unwrap_err().code();
    assert_eq!(unknown, Code::Unavailable);
    let ticket = asking(&queue);
    eventually("somebody decides", async || {
        let asked = second.boss(ticket.clone());
        second.tickets().create_ticket(asked).await.ok()
    })
    .await;
    assert!(silent.elapsed() < REPLACED_WITHIN, "{:?}", silent.elapsed());
    assert_eq!(second.lease().await.0, epoch + 1);
    way.restore();
    // Whatever was on its way arrives now. What comes in there is handed on.
    let item = eventually("handed on", async || first.accept(&offer.id).await.ok()).await;
    assert_eq!(item.agent_id, agent.id, "it was still out");
    assert_eq!(
        second.lease().await.0,
        epoch + 1,
        "it is owned by the other"
    );
    let tickets = second.list_tickets(pb::ListTicketsRequest::default()).await;
    assert_eq!(tickets.len(), 2);
    let stored = second.boss(pb::ListQueuesRequest {
        code: "late".into(),
        ..Default::default()
    });
    let stored = second.queues().list_queues(stored).await.unwrap();
    assert_eq!(stored.into_inner().queues, [], "it was in flight");
    second.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_whose_database_answers_no_more_is_replaced_and_commits_nothing_afterwards() {
    two_by(3_000, async |first, second, way| {
        is_replaced(first, second, way, Proxy::hold).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_whose_connections_break_is_replaced_and_commits_nothing_afterwards() {
    two_by(3_000, async |first, second, way| {
        is_replaced(first, second, way, Proxy::cut).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_cut_off_decides_no_more_before_another_does() {
    // A third of it lies between the two: long enough for a slow machine.
    two_by(9_000, async |first, second, way| {
        let queue = first.queue("care").await;
        let agent = first.hire("ana", &queue).await;
        let mut desk = first.desk(&agent).await;
        first.ticket(&queue).await;
        let before = second.lease().await;
        way.hold();
        assert_eq!(desk.end().await.code(), Code::Unavailable);
        assert_eq!(second.lease().await, before);
        eventually("another decides", async || {
            (second.lease().await.0 > before.0).then_some(())
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_nobody_reaches_is_replaced_by_who_is_called() {
    two(async |first, second| {
        let queue = first.queue("care").await;
        let agent = first.hire("ana", &queue).await;
        let mut desk = first.desk(&agent).await;
        first.set_status(&agent, pb::AgentStatus::Available).await;
        first.ticket(&queue).await;
        let offer = desk.offer().await;
        let (epoch, _) = second.lease().await;
        let neighbours = &first.t.house.neighbours;
        neighbours.set_replica("http://first", Channel::late().0);
        let alone = Instant::now();
        let ticket = asking(&queue);
        eventually("somebody decides", async || {
            let asked = second.boss(ticket.clone());
            second.tickets().create_ticket(asked).await.ok()
        })
        .await;
        assert!(alone.elapsed() < REPLACED_WITHIN, "{:?}", alone.elapsed());
        assert_eq!(second.lease().await.0, epoch + 1);
        // It has its database all the while: it hears there that it is replaced.
        assert_eq!(desk.end().await.code(), Code::Unavailable);
        neighbours.set_replica("http://first", first.channel.clone());
        let item = eventually("handed on", async || first.accept(&offer.id).await.ok()).await;
        assert_eq!(item.agent_id, agent.id, "it was still out");
        assert_eq!(second.lease().await.0, epoch + 1);
        second.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_are_called_and_do_not_reach_each_other_leave_each_other_alone() {
    two(async |first, second| {
        let queue = first.queue("care").await;
        first.ticket(&queue).await;
        let (epoch, _) = second.lease().await;
        let neighbours = &first.t.house.neighbours;
        for address in ["http://first", "http://second"] {
            neighbours.set_replica(address, Channel::late().0);
        }
        // For as long as it would take.
        let apart = Instant::now();
        let mut served = 1;
        while apart.elapsed() < REPLACED_WITHIN {
            let asked = second.boss(asking(&queue));
            let refused = second.tickets().create_ticket(asked).await.unwrap_err();
            assert_eq!(refused.code(), Code::Unavailable);
            first.ticket(&queue).await;
            served += 1;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(second.lease().await.0, epoch);
        let tickets = pb::ListTicketsRequest {
            page_size: 100,
            ..Default::default()
        };
        assert_eq!(second.list_tickets(tickets).await.len(), served);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_become_work_wherever_the_owner_was() {
    two(async |first, second| {
        let queue = first.queue("care").await;
        first.ticket(&queue).await;
        let teller = Teller::of(&second, Role::Interactions).await;
        let call = |contact: &Contact| {
            let mut call = contact.facts(types::InteractionKind::Call, types::Channel::Phone);
            call.routing = Some(types::RoutingHint {
                queue: "care".into(),
                ..Default::default()
            });
            contact.linked(call)
        };
        let (before, after) = (Contact::new(), Contact::new());
        teller.tell(first.tenant, &[call(&before)]).await;
        told(&second, &before.of_conversation(), 1).await;
        let silent = Instant::now();
        for task in &first.tasks {
            task.handle.abort();
        }
        teller.tell(first.tenant, &[call(&after)]).await;
        let ticket = told(&second, &after.of_conversation(), 1).await.remove(0);
        assert!(silent.elapsed() < REPLACED_WITHIN, "{:?}", silent.elapsed());
        assert_eq!(second.work_of(&ticket).await.len(), 1);
        second.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_decide_refuses_at_once_while_it_cannot_say_who_does() {
    two_by(3_000, async |first, second, way| {
        let queue = second.queue("care").await;
        way.hold();
        let asked = first.boss(asking(&queue));
        let refused = first.tickets().create_ticket(asked).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable, "{}", reason(&refused));
    })
    .await;
}
