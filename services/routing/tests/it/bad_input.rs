use rapport_proto::routing::v1 as pb;
use rapport_proto::types::v1 as types;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::bench::{Bench, everywhere, request_id};

pub(crate) fn violations(status: &Status) -> Vec<String> {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let bad = status.get_details_bad_request().unwrap();
    bad.field_violations
        .into_iter()
        .map(|v| format!("{} {}", v.field, v.reason))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_wrong_is_told_at_once() {
    everywhere(async |bench: Bench| {
        let ticket = pb::Ticket {
            id: "tkt_x".into(),
            subject: "x".repeat(999),
            description: "a\0b".into(),
            priority: 77,
            queue_id: "nope".into(),
            required_skills: vec!["UPPER".into()],
            customer: Some(types::CustomerRef::default()),
            ..Default::default()
        };
        let request = pb::CreateTicketRequest {
            request_id: "nope".into(),
            ticket: Some(ticket),
            work_channel: 99,
        };
        let refused = bench
            .tickets()
            .create_ticket(bench.boss(request))
            .await
            .unwrap_err();
        assert_eq!(
            violations(&refused),
            [
                "request_id MALFORMED_ID",
                "work_channel UNKNOWN_VALUE",
                "ticket.id SET_BY_SERVICE",
                "ticket.subject TOO_LONG",
                "ticket.description CONTROL_CHARACTER",
                "ticket.priority UNKNOWN_VALUE",
                "ticket.queue_id MALFORMED_ID",
                "ticket.customer.record_id REQUIRED",
                "ticket.customer.customer_id REQUIRED",
                "ticket.required_skills[0] MALFORMED_CODE",
            ]
        );

        let request = pb::CreateQueueRequest {
            request_id: request_id(),
            queue: Some(pb::Queue {
                offer_timeout_s: -1,
                wrap_up_s: 9_999,
                ..Default::default()
            }),
        };
        let refused = bench
            .queues()
            .create_queue(bench.boss(request))
            .await
            .unwrap_err();
        assert_eq!(
            violations(&refused),
            [
                "queue.code REQUIRED",
                "queue.display_name REQUIRED",
                "queue.offer_timeout_s OUT_OF_RANGE",
                "queue.wrap_up_s OUT_OF_RANGE",
            ]
        );

        let twice = pb::ChannelCapacity {
            channel: 1,
            concurrent: 1,
            ..Default::default()
        };
        let request = pb::CreateAgentRequest {
            request_id: String::new(),
            agent: Some(pb::Agent {
                capacities: vec![twice.clone(), twice],
                ..Default::default()
            }),
        };
        let refused = bench
            .agents()
            .create_agent(bench.boss(request))
            .await
            .unwrap_err();
        assert_eq!(
            violations(&refused),
            [
                "request_id REQUIRED",
                "agent.principal REQUIRED",
                "agent.display_name REQUIRED",
                "agent.capacities[1].channel DUPLICATE",
            ]
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_refuses_what_is_malformed() {
    everywhere(async |bench: Bench| {
        let refused = [
            bench
                .tickets()
                .get_ticket(bench.boss(pb::GetTicketRequest::default()))
                .await
                .err(),
            bench
                .tickets()
                .update_ticket(bench.boss(pb::UpdateTicketRequest {
                    update_mask: Some(prost_types::FieldMask {
                        paths: vec!["tenant_id".into()],
                    }),
                    ..Default::default()
                }))
                .await
                .err(),
            bench
                .tickets()
                .resolve_ticket(bench.boss(pb::ResolveTicketRequest::default()))
                .await
                .err(),
            bench
                .tickets()
                .reopen_ticket(bench.boss(pb::ReopenTicketRequest::default()))
                .await
                .err(),
            bench
                .tickets()
                .close_ticket(bench.boss(pb::CloseTicketRequest::default()))
                .await
                .err(),
            bench
                .tickets()
                .list_ticket_changes(bench.boss(pb::ListTicketChangesRequest::default()))
                .await
                .err(),
            bench
                .tickets()
                .add_ticket_note(bench.boss(pb::AddTicketNoteRequest::default()))
                .await
                .err(),
            bench
                .tickets()
                .list_ticket_notes(bench.boss(pb::ListTicketNotesRequest::default()))
                .await
                .err(),
            bench
                .tickets()
                .list_tickets(bench.boss(pb::ListTicketsRequest {
                    page_size: -1,
                    ..Default::default()
                }))
                .await
                .err(),
            bench
                .work_items()
                .get_work_item(bench.boss(pb::GetWorkItemRequest::default()))
                .await
                .err(),
            bench
                .work_items()
                .list_work_items(bench.boss(pb::ListWorkItemsRequest {
                    state: 99,
                    ..Default::default()
                }))
                .await
                .err(),
            bench
                .work_items()
                .complete_work(bench.boss(pb::CompleteWorkRequest::default()))
                .await
                .err(),
            bench
                .work_items()
                .end_wrap_up(bench.boss(pb::EndWrapUpRequest::default()))
                .await
                .err(),
            bench
                .agents()
                .get_agent(bench.boss(pb::GetAgentRequest::default()))
                .await
                .err(),
            bench
                .agents()
                .update_agent(bench.boss(pb::UpdateAgentRequest::default()))
                .await
                .err(),
            bench
                .agents()
                .set_agent_status(bench.boss(pb::SetAgentStatusRequest {
                    status: pb::AgentStatus::NotResponding.into(),
                    ..Default::default()
                }))
                .await
                .err(),
            bench
                .queues()
                .get_queue(bench.boss(pb::GetQueueRequest::default()))
                .await
                .err(),
            bench
                .queues()
                .update_queue(bench.boss(pb::UpdateQueueRequest::default()))
                .await
                .err(),
            bench
                .offers()
                .watch_offers(bench.boss(pb::WatchOffersRequest::default()))
                .await
                .err(),
            bench
                .offers()
                .accept_offer(bench.boss(pb::AcceptOfferRequest::default()))
                .await
                .err(),
            bench
                .offers()
                .reject_offer(bench.boss(pb::RejectOfferRequest::default()))
                .await
                .err(),
        ];
        for (call, refused) in refused.iter().enumerate() {
            let refused = refused
                .as_ref()
                .unwrap_or_else(|| panic!("call {call} was answered"));
            assert!(!violations(refused).is_empty(), "call {call}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_another_tenants_is_not_found() {
    everywhere(async |bench: Bench| {
        let queue = bench.queue("care").await;
        let agent = bench.hire("ana", &queue).await;
        let mut desk = bench.desk(&agent).await;
        bench.set_status(&agent, pb::AgentStatus::Available).await;
        let ticket = bench.ticket(&queue).await;
        let offer = desk.offer().await;
        let item = offer.work_item.clone().unwrap();
        let ids = (
            ticket.id.clone(),
            item.id.clone(),
            agent.id.clone(),
            queue.id.clone(),
        );
        let (ticket_id, work_item_id, agent_id, queue_id) = ids;
        let rid = request_id;
        let named = Some(pb::Queue {
            display_name: "x".into(),
            ..Default::default()
        });
        let mask = Some(prost_types::FieldMask {
            paths: vec!["display_name".into()],
        });
        let refused = [
            bench
                .tickets()
                .get_ticket(bench.stranger(pb::GetTicketRequest {
                    ticket_id: ticket_id.clone(),
                }))
                .await
                .err(),
            bench
                .tickets()
                .update_ticket(bench.stranger(pb::UpdateTicketRequest {
                    request_id: rid(),
                    ticket_id: ticket_id.clone(),
                    ticket: Some(pb::Ticket::default()),
                    update_mask: Some(prost_types::FieldMask {
                        paths: vec!["subject".into()],
                    }),
                    ..Default::default()
                }))
                .await
                .err(),
            bench
                .tickets()
                .resolve_ticket(bench.stranger(pb::ResolveTicketRequest {
                    request_id: rid(),
                    ticket_id: ticket_id.clone(),
                    ..Default::default()
                }))
                .await
                .err(),
            bench
                .tickets()
                .create_ticket(bench.stranger(pb::CreateTicketRequest {
                    request_id: rid(),
                    ticket: Some(pb::Ticket {
                        queue_id: queue_id.clone(),
                        ..Default::default()
                    }),
                    work_channel: 0,
                }))
                .await
                .err(),
            bench
                .work_items()
                .get_work_item(bench.stranger(pb::GetWorkItemRequest {
                    work_item_id: work_item_id.clone(),
                }))
                .await
                .err(),
            bench
                .work_items()
                .complete_work(bench.stranger(pb::CompleteWorkRequest {
                    request_id: rid(),
                    work_item_id: work_item_id.clone(),
                    ..Default::default()
                }))
                .await
                .err(),
            bench
                .work_items()
                .end_wrap_up(bench.stranger(pb::EndWrapUpRequest {
                    request_id: rid(),
                    work_item_id,
                }))
                .await
                .err(),
            bench
                .agents()
                .get_agent(bench.stranger(pb::GetAgentRequest {
                    agent_id: agent_id.clone(),
                }))
                .await
                .err(),
            bench
                .agents()
                .set_agent_status(bench.stranger(pb::SetAgentStatusRequest {
                    request_id: rid(),
                    agent_id: agent_id.clone(),
                    status: pb::AgentStatus::Away.into(),
                    reason: String::new(),
                }))
                .await
                .err(),
            bench
                .offers()
                .watch_offers(bench.stranger(pb::WatchOffersRequest { agent_id }))
                .await
                .err(),
            bench
                .offers()
                .accept_offer(bench.stranger(pb::AcceptOfferRequest {
                    request_id: rid(),
                    offer_id: offer.id.clone(),
                }))
                .await
                .err(),
            bench
                .offers()
                .reject_offer(bench.stranger(pb::RejectOfferRequest {
                    request_id: rid(),
                    offer_id: offer.id.clone(),
                    reason: String::new(),
                }))
                .await
                .err(),
            bench
                .queues()
                .get_queue(bench.stranger(pb::GetQueueRequest {
                    queue_id: queue_id.clone(),
                }))
                .await
                .err(),
            bench
                .queues()
                .update_queue(bench.stranger(pb::UpdateQueueRequest {
                    request_id: rid(),
                    queue_id,
                    queue: named,
                    update_mask: mask,
                    etag: String::new(),
                }))
                .await
                .err(),
        ];
        for (call, refused) in refused.iter().enumerate() {
            let code = refused.as_ref().map(Status::code);
            assert_eq!(code, Some(Code::NotFound), "call {call}: {refused:?}");
        }
        assert_eq!(
            bench.work_item(&item.id).await.state(),
            pb::WorkItemState::Offered
        );
    })
    .await;
}
