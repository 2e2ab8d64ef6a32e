use rapport_proto::routing::v1 as pb;
use rapport_proto::types::v1 as types;
use tonic::Code;

use crate::bench::{Bench, everywhere, reason, request_id};

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_set_up_found_and_changed() {
    everywhere(async |bench: Bench| {
        let (care, sales) = (bench.queue("care").await, bench.queue("sales").await);
        let made = bench.hire("ana", &care).await;
        assert_eq!(
            (made.status(), made.present),
            (pb::AgentStatus::Offline, false)
        );
        assert_eq!(made.default_capacity, 1);
        let twice = pb::CreateAgentRequest {
            request_id: request_id(),
            agent: Some(pb::Agent {
                principal: "ana".into(),
                display_name: "Ana again".into(),
                ..Default::default()
            }),
        };
        let refused = bench
            .agents()
            .create_agent(bench.boss(twice))
            .await
            .unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::AlreadyExists, "PRINCIPAL_TAKEN")
        );

        let change = pb::UpdateAgentRequest {
            request_id: request_id(),
            agent_id: made.id.clone(),
            agent: Some(pb::Agent {
                skills: vec!["dutch".into()],
                queue_ids: vec![sales.id.clone()],
                capacities: vec![pb::ChannelCapacity {
                    channel: types::Channel::Chat.into(),
                    concurrent: 3,
                    weight: Some(1),
                    ..Default::default()
                }],
                ..Default::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["skills".into(), "queue_ids".into(), "capacities".into()],
            }),
            etag: made.etag.clone(),
        };
        let changed = bench
            .agents()
            .update_agent(bench.boss(change))
            .await
            .unwrap();
        let changed = changed.into_inner().agent.unwrap();
        assert_eq!(
            (changed.display_name.as_str(), changed.skills.len()),
            ("ana", 1)
        );
        let read = pb::GetAgentRequest {
            agent_id: made.id.clone(),
        };
        let read = bench
            .agents()
            .get_agent(bench.boss(read))
            .await
            .unwrap()
            .into_inner()
            .agent
            .unwrap();
        assert_eq!(read, changed);

        bench.hire("ben", &care).await;
        let list = async |request: pb::ListAgentsRequest| {
            let answer = bench
                .agents()
                .list_agents(bench.boss(request))
                .await
                .unwrap();
            answer
                .into_inner()
                .agents
                .into_iter()
                .map(|agent| agent.display_name)
                .collect::<Vec<_>>()
        };
        assert_eq!(list(pb::ListAgentsRequest::default()).await, ["ben", "ana"]);
        let of_sales = pb::ListAgentsRequest {
            queue_id: sales.id,
            ..Default::default()
        };
        assert_eq!(list(of_sales).await, ["ana"]);
        let ben = pb::ListAgentsRequest {
            principal: "ben".into(),
            ..Default::default()
        };
        assert_eq!(list(ben).await, ["ben"]);
        bench.set_status(&made, pb::AgentStatus::Away).await;
        let away = pb::ListAgentsRequest {
            status: pb::AgentStatus::Away.into(),
            ..Default::default()
        };
        assert_eq!(list(away).await, ["ana"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_is_set_up_found_and_changed() {
    everywhere(async |bench: Bench| {
        let made = bench.queue("care").await;
        let twice = pb::CreateQueueRequest {
            request_id: request_id(),
            queue: Some(pb::Queue {
                code: "care".into(),
                display_name: "Care again".into(),
                ..Default::default()
            }),
        };
        let refused = bench
            .queues()
            .create_queue(bench.boss(twice))
            .await
            .unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::AlreadyExists, "QUEUE_CODE_TAKEN")
        );
        let change = pb::UpdateQueueRequest {
            request_id: request_id(),
            queue_id: made.id.clone(),
            queue: Some(pb::Queue {
                offer_timeout_s: 5,
                ..Default::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["offer_timeout_s".into()],
            }),
            etag: made.etag.clone(),
        };
        let changed = bench
            .queues()
            .update_queue(bench.boss(change.clone()))
            .await
            .unwrap();
        let changed = changed.into_inner().queue.unwrap();
        assert_eq!(
            (changed.offer_timeout_s, changed.wrap_up_s),
            (5, made.wrap_up_s)
        );
        let stale = pb::UpdateQueueRequest {
            request_id: request_id(),
            ..change
        };
        let stale = bench
            .queues()
            .update_queue(bench.boss(stale))
            .await
            .unwrap_err();
        assert_eq!(stale.code(), Code::Aborted);
        let by_code = pb::ListQueuesRequest {
            code: "care".into(),
            ..Default::default()
        };
        let listed = bench
            .queues()
            .list_queues(bench.boss(by_code))
            .await
            .unwrap();
        assert_eq!(listed.into_inner().queues, [changed]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_acts_for_themselves_only() {
    everywhere(async |bench: Bench| {
        let care = bench.queue("care").await;
        let (ana, ben) = (
            bench.hire("ana", &care).await,
            bench.hire("ben", &care).await,
        );
        let available = |agent: &pb::Agent| pb::SetAgentStatusRequest {
            request_id: request_id(),
            agent_id: agent.id.clone(),
            status: pb::AgentStatus::Available.into(),
            reason: String::new(),
        };
        bench
            .agents()
            .set_agent_status(bench.agent("ana", available(&ana)))
            .await
            .unwrap();
        let refused = bench
            .agents()
            .set_agent_status(bench.agent("ana", available(&ben)))
            .await
            .unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::PermissionDenied, "NOT_THE_AGENT")
        );
        let watch = pb::WatchOffersRequest {
            agent_id: ben.id.clone(),
        };
        let refused = bench
            .offers()
            .watch_offers(bench.agent("ana", watch))
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);

        let mut desk = bench.desk(&ana).await;
        let ticket = bench.ticket(&care).await;
        let offer = desk.offer().await;
        let accept = pb::AcceptOfferRequest {
            request_id: request_id(),
            offer_id: offer.id.clone(),
        };
        let refused = bench
            .offers()
            .accept_offer(bench.agent("ben", accept.clone()))
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
        bench
            .offers()
            .accept_offer(bench.agent("ana", accept))
            .await
            .unwrap();
        let resolve = pb::ResolveTicketRequest {
            request_id: request_id(),
            ticket_id: ticket.id.clone(),
            ..Default::default()
        };
        let refused = bench
            .tickets()
            .resolve_ticket(bench.agent("ben", resolve.clone()))
            .await
            .unwrap_err();
        assert_eq!(reason(&refused), "WORK_IN_PROGRESS");
        let resolved = bench
            .tickets()
            .resolve_ticket(bench.agent("ana", resolve))
            .await
            .unwrap();
        assert_eq!(resolved.into_inner().ticket.unwrap().owner_agent_id, ana.id);
    })
    .await;
}
