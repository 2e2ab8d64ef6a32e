use rapport_foundation::testing::eventually;
use rapport_proto::events::v1::OfferEndReason;
use rapport_proto::routing::v1 as pb;
use rapport_proto::routing::v1::watch_offers_response::Event;
use rapport_routing::Config;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::bench::{Bench, everywhere, reason, request_id};

#[tokio::test(flavor = "multi_thread")]
async fn work_goes_from_the_queue_through_an_agents_hands() {
    everywhere(async |bench: Bench| {
        let queue = bench.queue("care").await;
        let agent = bench.hire("ana", &queue).await;
        let mut desk = bench.desk(&agent).await;
        let seen = bench.set_status(&agent, pb::AgentStatus::Available).await;
        assert!(seen.present);
        let ticket = bench.ticket(&queue).await;
        let offer = desk.offer().await;
        let offered = offer.work_item.clone().unwrap();
        assert_eq!(offered.state(), pb::WorkItemState::Offered);
        assert_eq!(
            (&offered.ticket_id, &offer.agent_id),
            (&ticket.id, &agent.id)
        );

        let accept = pb::AcceptOfferRequest {
            request_id: request_id(),
            offer_id: offer.id.clone(),
        };
        let first = bench
            .offers()
            .accept_offer(bench.boss(accept.clone()))
            .await
            .unwrap();
        let again = bench
            .offers()
            .accept_offer(bench.boss(accept))
            .await
            .unwrap();
        let item = first.into_inner().work_item.unwrap();
        assert_eq!(
            Some(&item),
            again.into_inner().work_item.as_ref(),
            "the same answer twice"
        );
        assert_eq!(item.state(), pb::WorkItemState::Accepted);
        let late = bench.accept(&offer.id).await.unwrap_err();
        assert_eq!(
            (late.code(), reason(&late).as_str()),
            (Code::FailedPrecondition, "OFFER_ENDED")
        );
        let read = pb::GetTicketRequest {
            ticket_id: ticket.id.clone(),
        };
        let read = bench
            .tickets()
            .get_ticket(bench.boss(read))
            .await
            .unwrap()
            .into_inner()
            .ticket
            .unwrap();
        assert_eq!(
            (read.state(), &read.owner_agent_id),
            (pb::TicketState::Open, &agent.id)
        );

        assert_eq!(
            bench.complete(&item).await.state(),
            pb::WorkItemState::WrappingUp
        );
        let end = pb::EndWrapUpRequest {
            request_id: request_id(),
            work_item_id: item.id.clone(),
        };
        let done = bench
            .work_items()
            .end_wrap_up(bench.boss(end))
            .await
            .unwrap();
        let done = done.into_inner().work_item.unwrap();
        assert_eq!(
            (done.state(), done.disposition.as_str()),
            (pb::WorkItemState::Completed, "solved")
        );
        let told: Vec<_> = [desk.next().await, desk.next().await, desk.next().await]
            .into_iter()
            .map(|event| match event {
                Event::WorkItem(work) => work.state(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(
            told,
            [
                pb::WorkItemState::Accepted,
                pb::WorkItemState::WrappingUp,
                pb::WorkItemState::Completed
            ]
        );
        let events = bench.log_with("work_item_completed").await;
        for kind in ["offer_made", "offer_accepted", "agent_status_changed"] {
            assert!(
                events.iter().any(|event| event.r#type == kind),
                "{kind} is missing"
            );
        }
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_no_sees_the_work_go_to_another() {
    everywhere(async |bench: Bench| {
        let queue = bench.queue("care").await;
        let (ana, ben) = (
            bench.hire("ana", &queue).await,
            bench.hire("ben", &queue).await,
        );
        let (mut first, mut second) = (bench.desk(&ana).await, bench.desk(&ben).await);
        bench.set_status(&ana, pb::AgentStatus::Available).await;
        bench.set_status(&ben, pb::AgentStatus::Available).await;
        bench.ticket(&queue).await;
        let offer = first.offer().await;
        let reject = pb::RejectOfferRequest {
            request_id: request_id(),
            offer_id: offer.id.clone(),
            reason: "busy".into(),
        };
        bench
            .offers()
            .reject_offer(bench.boss(reject))
            .await
            .unwrap();
        assert_eq!(first.offer_end().await.reason(), OfferEndReason::Rejected);
        let next = second.offer().await;
        assert_eq!(next.work_item.unwrap().id, offer.work_item.unwrap().id);
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_nobody_answers_lapses_by_itself() {
    everywhere(async |bench: Bench| {
        let queue = pb::Queue {
            code: "fast".into(),
            display_name: "Fast".into(),
            offer_timeout_s: 1,
            ..Default::default()
        };
        let queue = bench.queue_like(queue).await;
        let agent = bench.hire("ana", &queue).await;
        let mut desk = bench.desk(&agent).await;
        bench.set_status(&agent, pb::AgentStatus::Available).await;
        bench.ticket(&queue).await;
        let offer = desk.offer().await;
        let end = desk.offer_end().await;
        assert_eq!(
            (end.offer_id.as_str(), end.reason()),
            (offer.id.as_str(), OfferEndReason::Expired)
        );
        let late = bench.accept(&offer.id).await.unwrap_err();
        let info = late.get_details_error_info().unwrap();
        assert_eq!(
            (info.reason.as_str(), info.metadata["end"].as_str()),
            ("OFFER_ENDED", "expired")
        );
        let read = pb::GetAgentRequest {
            agent_id: agent.id.clone(),
        };
        let read = bench
            .agents()
            .get_agent(bench.boss(read))
            .await
            .unwrap()
            .into_inner()
            .agent
            .unwrap();
        assert_eq!(read.status(), pb::AgentStatus::NotResponding);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_whose_last_stream_breaks_loses_offers_and_keeps_what_they_accepted() {
    everywhere(async |bench: Bench| {
        let queue = bench.queue("care").await;
        let (ana, ben) = (
            bench.hire("ana", &queue).await,
            bench.hire("ben", &queue).await,
        );
        let mut first = bench.desk(&ana).await;
        bench.set_status(&ana, pb::AgentStatus::Available).await;
        bench.ticket(&queue).await;
        let kept = bench.accept(&first.offer().await.id).await.unwrap();
        let chat = pb::CreateTicketRequest {
            request_id: request_id(),
            ticket: Some(pb::Ticket {
                queue_id: queue.id.clone(),
                ..Default::default()
            }),
            work_channel: rapport_proto::types::v1::Channel::Chat.into(),
        };
        bench
            .tickets()
            .create_ticket(bench.boss(chat))
            .await
            .unwrap();
        let lost = first.offer().await;
        let other = bench.desk(&ana).await;
        let mut second = bench.desk(&ben).await;
        bench.set_status(&ben, pb::AgentStatus::Available).await;
        drop(first);
        let read = async || {
            let read = pb::GetAgentRequest {
                agent_id: ana.id.clone(),
            };
            bench
                .agents()
                .get_agent(bench.boss(read))
                .await
                .unwrap()
                .into_inner()
                .agent
                .unwrap()
        };
        assert!(
            read().await.present,
            "two streams of one agent are one presence"
        );
        drop(other);
        let taken = second.offer().await;
        assert_eq!(taken.work_item.unwrap().id, lost.work_item.unwrap().id);
        eventually("she is seen to be gone", async || {
            (!read().await.present).then_some(())
        })
        .await;
        let kept = bench.work_item(&kept.id).await;
        assert_eq!(
            (kept.state(), &kept.agent_id),
            (pb::WorkItemState::Accepted, &ana.id)
        );
        let request = pb::WatchOffersRequest {
            agent_id: ana.id.clone(),
        };
        let back = bench.offers().watch_offers(bench.boss(request)).await;
        let snapshot = back.unwrap().into_inner().message().await.unwrap().unwrap();
        match snapshot.event {
            Some(Event::Snapshot(snapshot)) => {
                assert_eq!(
                    snapshot
                        .work_items
                        .iter()
                        .map(|work| &work.id)
                        .collect::<Vec<_>>(),
                    [&kept.id]
                );
                assert_eq!(snapshot.offers.len(), 0);
            }
            other => panic!("{other:?}"),
        }
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_that_does_not_read_is_cut_off_and_holds_nobody_up() {
    rapport_foundation::testing::on_every_engine(
        rapport_foundation::role::Role::Routing,
        rapport_routing::migrations,
        async |t| {
            let config = Config {
                desk_backlog: 2,
                ..Config::default()
            };
            let bench = Bench::open(t, config).await;
            let queue = bench.queue("care").await;
            let agent = bench.hire("ana", &queue).await;
            let mut desk = bench.desk(&agent).await;
            for _ in 0..4 {
                bench.set_status(&agent, pb::AgentStatus::Available).await;
                bench.set_status(&agent, pb::AgentStatus::Away).await;
            }
            let cut = loop {
                match desk.stream.message().await {
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("a cut must be told"),
                    Err(status) => break status,
                }
            };
            assert_eq!(
                (cut.code(), reason(&cut).as_str()),
                (Code::ResourceExhausted, "SLOW_READER")
            );
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_ends_desks_with_a_word_and_every_task() {
    everywhere(async |mut bench: Bench| {
        let queue = bench.queue("care").await;
        let agent = bench.hire("ana", &queue).await;
        let mut desk = bench.desk(&agent).await;
        bench.t.env.shutdown.cancel();
        let ended = loop {
            match desk.stream.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the end must be told"),
                Err(status) => break status,
            }
        };
        assert_eq!(
            (ended.code(), reason(&ended).as_str()),
            (Code::Unavailable, "DRAINING")
        );
        assert!(ended.get_details_retry_info().is_some());
        for task in bench.tasks.drain(..) {
            task.handle.await.unwrap();
        }
    })
    .await;
}
