use rapport_foundation::channel::ELSEWHERE;
use rapport_foundation::testing::eventually;
use rapport_proto::routing::v1 as pb;
use rapport_proto::routing::v1::watch_offers_response::Event;
use tonic::Code;

use crate::bench::{Bench, everywhere, request_id};

/// Ends a service as a restart does.
pub(crate) async fn stop(mut bench: Bench) -> Bench {
    bench.t.env.shutdown.cancel();
    for task in bench.tasks.drain(..) {
        task.handle.await.unwrap();
    }
    bench
}

async fn snapshot(
    bench: &Bench,
    agent: &pb::Agent,
) -> (pb::DeskSnapshot, tonic::Streaming<pb::WatchOffersResponse>) {
    let request = pb::WatchOffersRequest {
        agent_id: agent.id.clone(),
    };
    let mut stream = bench
        .offers()
        .watch_offers(bench.boss(request))
        .await
        .unwrap()
        .into_inner();
    match stream.message().await.unwrap().unwrap().event {
        Some(Event::Snapshot(snapshot)) => (snapshot, stream),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_everything_stands_where_it_stood() {
    everywhere(async |bench: Bench| {
        let queue = bench.queue("care").await;
        let mut names = Vec::new();
        for name in ["ana", "ben", "cy"] {
            let agent = bench.hire(name, &queue).await;
            let mut desk = bench.desk(&agent).await;
            bench.set_status(&agent, pb::AgentStatus::Available).await;
            bench.ticket(&queue).await;
            let offer = desk.offer().await;
            assert_eq!(offer.agent_id, agent.id);
            names.push((agent, desk, offer));
        }
        bench.accept(&names[1].2.id).await.unwrap();
        let accepted = bench.accept(&names[2].2.id).await.unwrap();
        bench.complete(&accepted).await;
        let waiting = bench.ticket(&queue).await;

        let old = stop(bench).await;
        let bench = old.another().await;
        let dan = bench.hire("dan", &queue).await;
        let mut desk = bench.desk(&dan).await;
        bench.set_status(&dan, pb::AgentStatus::Available).await;
        let first = desk.offer().await;
        assert_eq!(
            first.work_item.unwrap().ticket_id,
            waiting.id,
            "what is out is nobody else's"
        );
        let mut kept = Vec::new();
        for (agent, _, offer) in &names {
            let (seen, stream) = snapshot(&bench, agent).await;
            let state = seen.work_items.first().map(pb::WorkItem::state);
            assert_eq!(
                seen.offers.first().map(|o| &o.id),
                state.is_none().then_some(&offer.id)
            );
            kept.push(state);
            drop(stream);
        }
        assert_eq!(
            kept,
            [
                None,
                Some(pb::WorkItemState::Accepted),
                Some(pb::WorkItemState::WrappingUp)
            ]
        );
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_made_before_a_restart_can_be_accepted_after_it() {
    everywhere(async |bench: Bench| {
        let queue = bench.queue("care").await;
        let agent = bench.hire("ana", &queue).await;
        let mut desk = bench.desk(&agent).await;
        bench.set_status(&agent, pb::AgentStatus::Available).await;
        bench.ticket(&queue).await;
        let offer = desk.offer().await;
        let accept = pb::AcceptOfferRequest {
            request_id: request_id(),
            offer_id: offer.id.clone(),
        };
        let old = stop(bench).await;
        let bench = old.another().await;
        let item = bench
            .offers()
            .accept_offer(bench.boss(accept.clone()))
            .await
            .unwrap();
        assert_eq!(
            item.into_inner().work_item.unwrap().state(),
            pb::WorkItemState::Accepted
        );
        let old = stop(bench).await;
        let bench = old.another().await;
        let again = bench
            .offers()
            .accept_offer(bench.boss(accept))
            .await
            .unwrap();
        assert_eq!(
            again.into_inner().work_item.unwrap().agent_id,
            agent.id,
            "a repetition after a restart"
        );
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_owners_never_both_commit() {
    everywhere(async |first: Bench| {
        let queue = first.queue("care").await;
        let agent = first.hire("ana", &queue).await;
        let mut desk = first.desk(&agent).await;
        let second = first.another().await;
        second.ticket(&queue).await;
        let request = pb::CreateTicketRequest {
            request_id: request_id(),
            ticket: Some(pb::Ticket {
                queue_id: queue.id.clone(),
                ..Default::default()
            }),
            work_channel: 1,
        };
        let fenced = first
            .tickets()
            .create_ticket(first.boss(request.clone()))
            .await
            .unwrap_err();
        assert_eq!(fenced.code(), Code::Unavailable);
        // That says nothing against this process: the call is for another.
        assert!(fenced.metadata().contains_key(ELSEWHERE));
        assert_eq!(desk.end().await.code(), Code::Unavailable);
        second
            .tickets()
            .create_ticket(second.boss(request))
            .await
            .unwrap();
        let tickets = second.list_tickets(pb::ListTicketsRequest::default()).await;
        assert_eq!(tickets.len(), 2);
        second.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn verification_finds_what_breaks_a_promise() {
    everywhere(async |bench: Bench| {
        let queue = bench.queue("care").await;
        let agent = bench.hire("ana", &queue).await;
        let mut desk = bench.desk(&agent).await;
        bench.set_status(&agent, pb::AgentStatus::Available).await;
        bench.ticket(&queue).await;
        desk.offer().await;
        bench.verified().await;
        for (promise, sql) in [
            (
                "offered-work-has-its-offer",
                "update offers set outcome = 'rejected' where tenant_id = $1",
            ),
            (
                "solved-tickets-ask-for-nobody",
                "update tickets set state = 'resolved' where tenant_id = $1",
            ),
            (
                "clocks-run-for-open-tickets-only",
                "update ticket_slas set is_open = false, next_at = 1 where tenant_id = $1",
            ),
            (
                "capacity",
                "update agents set usual_capacity = 0, capacity_since = 0 where tenant_id = $1",
            ),
        ] {
            let tamper =
                |s: rapport_foundation::db::Scoped| async move { s.raw_exec(sql, []).await };
            bench.t.env.db.write(bench.tenant, tamper).await.unwrap();
            let found = rapport_routing::verify(&bench.t.env.db).await.unwrap();
            assert!(
                found.iter().any(|breach| breach.what.starts_with(promise)),
                "{promise}: {found:?}"
            );
        }
        // The loop above leaves the store as no engine would; nothing may be stuck on it.
        eventually("the service still answers", async || {
            let request = pb::GetAgentRequest {
                agent_id: agent.id.clone(),
            };
            bench.agents().get_agent(bench.boss(request)).await.ok()
        })
        .await;
    })
    .await;
}
