//! A queue that offers work to several at once.

use rapport_proto::events::v1::OfferEndReason;
use rapport_proto::routing::v1 as pb;
use tonic::Code;

use crate::bench::{Bench, everywhere, reason, request_id};
use crate::restart::stop;

async fn broadcasting(bench: &Bench, broadcast: i32) -> pb::Queue {
    let queue = pb::Queue {
        code: "care".into(),
        display_name: "Care".into(),
        offer_timeout_s: 60,
        broadcast,
        ..Default::default()
    };
    bench.queue_like(queue).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_who_accepts_has_it_and_the_others_are_told_that_it_is_taken() {
    everywhere(async |bench: Bench| {
        let care = broadcasting(&bench, 2).await;
        assert_eq!(care.broadcast, 2);
        let mut hired = Vec::new();
        for name in ["ana", "ben", "cy"] {
            let agent = bench.hire(name, &care).await;
            let desk = bench.desk(&agent).await;
            bench.set_status(&agent, pb::AgentStatus::Available).await;
            hired.push((agent, desk));
        }
        let ticket = bench.ticket(&care).await;
        let mut offers = Vec::new();
        for (agent, desk) in hired.iter_mut().take(2) {
            let offer = desk.offer().await;
            let work = offer.work_item.clone().unwrap();
            assert_eq!((&work.agent_id, &work.offer_id), (&agent.id, &offer.id));
            offers.push(offer);
        }
        let active = async |agent: &pb::Agent| {
            let request = pb::GetAgentRequest {
                agent_id: agent.id.clone(),
            };
            let answer = bench.agents().get_agent(bench.boss(request)).await;
            answer
                .unwrap()
                .into_inner()
                .agent
                .unwrap()
                .active_work_items
        };
        for (place, (agent, _)) in hired.iter().enumerate() {
            assert_eq!(active(agent).await, i32::from(place < 2), "{place}");
        }
        bench.verified().await;

        let taken = bench.accept(&offers[1].id).await.unwrap();
        assert_eq!(
            (taken.state(), &taken.agent_id),
            (pb::WorkItemState::Accepted, &hired[1].0.id)
        );
        let end = hired[0].1.offer_end().await;
        assert_eq!(
            (&end.offer_id, end.reason()),
            (&offers[0].id, OfferEndReason::Taken)
        );
        let late = bench.accept(&offers[0].id).await.unwrap_err();
        assert_eq!(
            (late.code(), reason(&late).as_str()),
            (Code::FailedPrecondition, "OFFER_ENDED")
        );
        assert_eq!(active(&hired[0].0).await, 0);
        assert_eq!(bench.work_of(&ticket).await[0].agent_id, hired[1].0.id);
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_offer_is_kept_over_a_restart_and_seen_at_its_own_desk() {
    everywhere(async |bench: Bench| {
        let care = broadcasting(&bench, 3).await;
        let mut hired = Vec::new();
        for name in ["ana", "ben", "cy"] {
            let agent = bench.hire(name, &care).await;
            let desk = bench.desk(&agent).await;
            bench.set_status(&agent, pb::AgentStatus::Available).await;
            hired.push((agent, desk));
        }
        bench.ticket(&care).await;
        let mut offers = Vec::new();
        for (_, desk) in &mut hired {
            offers.push(desk.offer().await.id);
        }
        let bench = stop(bench).await.another().await;
        bench.verified().await;
        let mut streams = Vec::new();
        for ((agent, _), offer) in hired.iter().zip(&offers) {
            let request = pb::WatchOffersRequest {
                agent_id: agent.id.clone(),
            };
            let stream = bench.offers().watch_offers(bench.boss(request)).await;
            let mut stream = stream.unwrap().into_inner();
            let event = stream.message().await.unwrap().unwrap().event.unwrap();
            let pb::watch_offers_response::Event::Snapshot(seen) = event else {
                panic!("{event:?}");
            };
            let out: Vec<_> = seen.offers.iter().map(|offer| &offer.id).collect();
            assert_eq!(out, [offer]);
            streams.push(stream);
        }
        let taken = bench.accept(&offers[2]).await.unwrap();
        assert_eq!(taken.agent_id, hired[2].0.id);
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_queue_offers_to_one_again_the_other_offers_end() {
    everywhere(async |bench: Bench| {
        let care = broadcasting(&bench, 2).await;
        let mut hired = Vec::new();
        for name in ["ana", "ben"] {
            let agent = bench.hire(name, &care).await;
            let mut desk = bench.desk(&agent).await;
            bench.set_status(&agent, pb::AgentStatus::Available).await;
            if name == "ben" {
                bench.ticket(&care).await;
                desk.offer().await;
            }
            hired.push(desk);
        }
        let request = pb::UpdateQueueRequest {
            request_id: request_id(),
            queue_id: care.id.clone(),
            queue: Some(pb::Queue::default()),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["broadcast".into()],
            }),
            ..Default::default()
        };
        let answer = bench.queues().update_queue(bench.boss(request)).await;
        assert_eq!(answer.unwrap().into_inner().queue.unwrap().broadcast, 0);
        let events = bench.log_with("offer_ended").await;
        let ended = events.iter().filter(|event| event.r#type == "offer_ended");
        assert_eq!(ended.count(), 1);
        bench.verified().await;
    })
    .await;
}
