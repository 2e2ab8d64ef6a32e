//! Many tickets changed at once.

use rapport_proto::routing::v1 as pb;
use rapport_proto::types::v1 as types;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::bench::{Bench, everywhere, reason, request_id};
use crate::history::changes;

/// That tickets become urgent.
fn urgent(ids: &[&pb::Ticket]) -> pb::BulkUpdateTicketsRequest {
    pb::BulkUpdateTicketsRequest {
        request_id: request_id(),
        ticket_ids: ids.iter().map(|ticket| ticket.id.clone()).collect(),
        ticket: Some(pb::Ticket {
            priority: types::Priority::Urgent.into(),
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["priority".into()],
        }),
        reason: "a storm".into(),
        ..Default::default()
    }
}

impl Bench {
    async fn bulk_update(
        &self,
        request: &pb::BulkUpdateTicketsRequest,
    ) -> Result<pb::BulkUpdateTicketsResponse, Status> {
        let asked = self.boss(request.clone());
        let answer = self.bulk().bulk_update_tickets(asked).await?;
        Ok(answer.into_inner())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tickets_are_changed_each_once_and_each_refusal_is_told() {
    everywhere(async |bench: Bench| {
        let queue = bench.queue("care").await;
        let mut tickets = Vec::new();
        for _ in 0..70 {
            tickets.push(bench.ticket(&queue).await);
        }
        let cancel = pb::CancelTicketRequest {
            request_id: request_id(),
            ticket_id: tickets[3].id.clone(),
            ..Default::default()
        };
        bench
            .tickets()
            .cancel_ticket(bench.boss(cancel))
            .await
            .unwrap();
        let request = urgent(&tickets.iter().collect::<Vec<_>>());
        let first = bench.bulk_update(&request).await.unwrap();
        assert_eq!((first.results.len(), first.updated_count), (70, 69));
        let refusal = first.results[3].refusal.clone().unwrap();
        assert_eq!(
            (refusal.code, refusal.reason.as_str()),
            (Code::FailedPrecondition.into(), "TICKET_CLOSED")
        );
        let named = first.results.iter().map(|result| &result.ticket_id);
        assert!(
            named.eq(tickets.iter().map(|ticket| &ticket.id)),
            "in their order"
        );
        // Whatever became of them since: a repetition, wherever it is decided, changes nothing.
        let low = pb::Ticket {
            priority: types::Priority::Low.into(),
            ..Default::default()
        };
        bench.set(&tickets[5], low, &["priority"]).await.unwrap();
        let other = bench.another().await;
        let again = other.bulk_update(&request).await.unwrap();
        assert_eq!(again, first);
        assert_eq!(
            bench.read(&tickets[5]).await.priority(),
            types::Priority::Low
        );
        let told = changes(&bench, &tickets[0].id, "priority").await;
        assert_eq!((told.len(), told[0].reason.as_str()), (1, "a storm"));
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_changes_what_it_was_expected_to_find_and_nothing_else() {
    everywhere(async |bench: Bench| {
        let (care, other) = (bench.queue("care").await, bench.queue("other").await);
        let mut tickets = Vec::new();
        for _ in 0..3 {
            tickets.push(bench.ticket(&care).await);
        }
        let elsewhere = bench.ticket(&other).await;
        let of_care = |expected| pb::BulkUpdateTicketsRequest {
            filter: Some(pb::TicketFilter {
                queue_id: care.id.clone(),
                ..Default::default()
            }),
            expected_count: expected,
            ..urgent(&[])
        };
        for wrong in [2, 4] {
            let refused = bench.bulk_update(&of_care(wrong)).await.unwrap_err();
            let info = refused.get_details_error_info().unwrap();
            assert_eq!(info.reason, "TICKET_COUNT_DIFFERS");
            assert_eq!(info.metadata["count"], "3");
        }
        assert_eq!(
            bench.read(&tickets[0]).await.priority(),
            types::Priority::Normal
        );
        let mut moves = of_care(3);
        moves.ticket.as_mut().unwrap().queue_id = other.id.clone();
        moves
            .update_mask
            .as_mut()
            .unwrap()
            .paths
            .push("queue_id".into());
        let first = bench.bulk_update(&moves).await.unwrap();
        assert_eq!(first.updated_count, 3);
        // It is about the same tickets, although the filter finds none of them any more.
        assert_eq!(bench.bulk_update(&moves).await.unwrap(), first);
        for ticket in &tickets {
            let now = bench.read(ticket).await;
            assert_eq!(
                (now.priority(), &now.queue_id),
                (types::Priority::Urgent, &other.id)
            );
        }
        let untouched = bench.read(&elsewhere).await;
        assert_eq!(untouched.etag, elsewhere.etag);
        let reused = pb::BulkUpdateTicketsRequest {
            expected_count: 4,
            ..moves
        };
        let reused = bench.bulk_update(&reused).await.unwrap_err();
        assert_eq!(reason(&reused), "REQUEST_ID_REUSED");
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_bulk_update_is_told_all_at_once() {
    everywhere(async |bench: Bench| {
        let queue = bench.queue("care").await;
        let ticket = bench.ticket(&queue).await;
        let filter = pb::TicketFilter {
            state: 99,
            ..Default::default()
        };
        let violated = [
            (
                pb::BulkUpdateTicketsRequest::default(),
                vec!["request_id", "ticket_ids", "update_mask", "ticket"],
            ),
            (
                pb::BulkUpdateTicketsRequest {
                    filter: Some(filter),
                    update_mask: Some(prost_types::FieldMask {
                        paths: vec!["subject".into()],
                    }),
                    ..urgent(&[&ticket])
                },
                vec![
                    "ticket_ids",
                    "expected_count",
                    "filter.state",
                    "update_mask",
                ],
            ),
            (
                pb::BulkUpdateTicketsRequest {
                    filter: Some(pb::TicketFilter::default()),
                    expected_count: 1,
                    ..urgent(&[])
                },
                vec!["filter"],
            ),
            (
                pb::BulkUpdateTicketsRequest {
                    expected_count: 1,
                    ..urgent(&[&ticket; 1_001])
                },
                vec!["ticket_ids", "expected_count"],
            ),
        ];
        for (wrong, fields) in violated {
            let refused = bench.bulk_update(&wrong).await.unwrap_err();
            let details = refused.get_details_bad_request().unwrap();
            let named: Vec<_> = details
                .field_violations
                .iter()
                .map(|v| v.field.as_str())
                .collect();
            assert_eq!(named, fields);
        }
        let foreign = bench.stranger(urgent(&[&ticket]));
        let foreign = bench.bulk().bulk_update_tickets(foreign).await;
        let foreign = foreign.unwrap().into_inner();
        let refusal = foreign.results[0].refusal.clone().unwrap();
        assert_eq!(refusal.reason, "NOT_FOUND");
        assert_eq!(bench.read(&ticket).await.etag, ticket.etag);
    })
    .await;
}
