//! Many reports of one cause.

use rapport_foundation::events::Data;
use rapport_foundation::testing::eventually;
use rapport_proto::routing::v1 as pb;
use tonic::Code;

use crate::bench::{Bench, everywhere, reason, request_id};
use crate::history::changes;

fn link(cause: &pb::Ticket, parts: &[&pb::Ticket]) -> pb::LinkTicketsRequest {
    pb::LinkTicketsRequest {
        request_id: request_id(),
        ticket_id: cause.id.clone(),
        part_ticket_ids: parts.iter().map(|part| part.id.clone()).collect(),
        reason: "the same cable".into(),
    }
}

fn solved(cause: &pb::Ticket) -> pb::ResolveIncidentRequest {
    pb::ResolveIncidentRequest {
        request_id: request_id(),
        ticket_id: cause.id.clone(),
        outcome: "repaired".into(),
        root_cause: "digger".into(),
        resolution: "the canary-cable is whole again".into(),
        ..Default::default()
    }
}

fn refusals(results: &[pb::TicketResult]) -> Vec<(usize, &str)> {
    let refused = results.iter().enumerate();
    let refused = refused.filter_map(|(place, one)| Some((place, one.refusal.as_ref()?)));
    refused
        .map(|(place, refusal)| (place, refusal.reason.as_str()))
        .collect()
}

impl Bench {
    async fn resolve_all(&self, cause: &pb::Ticket) -> pb::ResolveIncidentResponse {
        let asked = self.boss(solved(cause));
        let answer = self.incidents().resolve_incident(asked).await.unwrap();
        answer.into_inner()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_of_one_cause_are_linked_solved_together_and_told_each() {
    everywhere(async |bench: Bench| {
        let queue = bench.queue("care").await;
        let cause = bench.ticket(&queue).await;
        let mut parts = Vec::new();
        for _ in 0..40 {
            parts.push(bench.ticket(&queue).await);
        }
        let all: Vec<&pb::Ticket> = parts.iter().collect();
        let request = link(&cause, &all);
        for _ in 0..2 {
            let asked = bench.boss(request.clone());
            let answer = bench.incidents().link_tickets(asked).await.unwrap();
            let linked = answer.into_inner();
            assert_eq!(refusals(&linked.results), []);
            let cause = linked.ticket.unwrap();
            assert_eq!((cause.part_count, cause.open_part_count), (40, 40));
        }
        assert_eq!(
            changes(&bench, &parts[0].id, "parent_ticket_id")
                .await
                .len(),
            1
        );
        let of_cause = pb::ListTicketsRequest {
            parent_ticket_id: cause.id.clone(),
            ..Default::default()
        };
        assert_eq!(bench.list_tickets(of_cause.clone()).await.len(), 40);
        // One is solved before, and one is over.
        bench.solve(&parts[0]).await;
        let cancel = pb::CancelTicketRequest {
            request_id: request_id(),
            ticket_id: parts[1].id.clone(),
            ..Default::default()
        };
        bench
            .tickets()
            .cancel_ticket(bench.boss(cancel))
            .await
            .unwrap();

        let answer = bench.resolve_all(&cause).await;
        let ticket = answer.ticket.unwrap();
        assert_eq!(ticket.state(), pb::TicketState::Resolved);
        assert_eq!((ticket.part_count, ticket.open_part_count), (40, 0));
        assert_eq!(
            (answer.results.len(), refusals(&answer.results)),
            (38, vec![])
        );
        let part = bench.read(&parts[7]).await;
        assert_eq!(
            (
                part.outcome.as_str(),
                part.root_cause.as_str(),
                part.resolution.as_str()
            ),
            ("repaired", "digger", "the canary-cable is whole again")
        );
        assert_eq!(
            bench.read(&parts[0]).await.outcome,
            "",
            "solved in its own way"
        );
        each_is_told(&bench, &parts[2..]).await;
        // What is reopened is reopened alone, and solved again with the cause.
        bench.reopen(&parts[7]).await;
        let ticket = bench.read(&cause).await;
        assert_eq!(
            (ticket.state(), ticket.open_part_count),
            (pb::TicketState::Resolved, 1)
        );
        assert_eq!(bench.resolve_all(&cause).await.results.len(), 1);
        let list = bench.list_tickets(of_cause).await;
        assert!(list.iter().all(|part| part.resolution.is_empty()));
        bench.verified().await;
    })
    .await;
}

/// The log tells of each, once, with codes and without words.
async fn each_is_told(bench: &Bench, parts: &[pb::Ticket]) {
    let (events, told) = eventually("all are told", async || {
        let events = bench.log_with("ticket_resolved").await;
        let told = events.iter().filter_map(|event| match event.data.clone()? {
            Data::TicketResolved(resolved) if resolved.outcome == "repaired" => {
                Some((resolved.ticket?.ticket_id, resolved.root_cause))
            }
            _ => None,
        });
        let told: Vec<_> = told.collect();
        // The cause is told, too.
        (told.len() > parts.len()).then_some((events, told))
    })
    .await;
    for part in parts {
        let of_part = told.iter().filter(|(id, _)| *id == part.id);
        assert_eq!(of_part.count(), 1);
    }
    assert!(told.iter().all(|(_, cause)| cause == "digger"));
    assert!(!format!("{events:?}").contains("canary"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_solves_the_parts_that_were_open_at_first_and_no_others() {
    everywhere(async |bench: Bench| {
        let queue = bench.queue("care").await;
        let cause = bench.ticket(&queue).await;
        let (first, late) = (bench.ticket(&queue).await, bench.ticket(&queue).await);
        let linked = async |part: &pb::Ticket| {
            let asked = bench.boss(link(&cause, &[part]));
            bench.incidents().link_tickets(asked).await.unwrap();
        };
        linked(&first).await;
        let request = solved(&cause);
        let asked = bench.boss(request.clone());
        bench.incidents().resolve_incident(asked).await.unwrap();
        bench.reopen(&first).await;
        linked(&late).await;
        let other = bench.another().await;
        let asked = other.boss(request);
        let again = other.incidents().resolve_incident(asked).await.unwrap();
        assert_eq!(again.into_inner().results.len(), 1);
        for part in [&first, &late] {
            assert_ne!(bench.read(part).await.state(), pb::TicketState::Resolved);
        }
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_linked_is_told_each_and_the_others_are() {
    everywhere(async |bench: Bench| {
        let queue = bench.queue("care").await;
        let (cause, part) = (bench.ticket(&queue).await, bench.ticket(&queue).await);
        let (above, gone) = (bench.ticket(&queue).await, bench.ticket(&queue).await);
        let (whole, merged) = (bench.ticket(&queue).await, bench.ticket(&queue).await);
        let below = pb::Ticket {
            parent_ticket_id: above.id.clone(),
            ..Default::default()
        };
        bench
            .set(&cause, below, &["parent_ticket_id"])
            .await
            .unwrap();
        let cancel = pb::CancelTicketRequest {
            request_id: request_id(),
            ticket_id: gone.id.clone(),
            ..Default::default()
        };
        bench
            .tickets()
            .cancel_ticket(bench.boss(cancel))
            .await
            .unwrap();
        let merge = pb::MergeTicketsRequest {
            request_id: request_id(),
            ticket_id: whole.id.clone(),
            merged_ticket_id: merged.id.clone(),
            ..Default::default()
        };
        bench
            .merges()
            .merge_tickets(bench.boss(merge))
            .await
            .unwrap();
        let nobodys = pb::Ticket {
            id: rapport_foundation::id::TicketId::new(rapport_foundation::time::Micros(1))
                .to_string(),
            ..Default::default()
        };
        let named = [&above, &part, &cause, &gone, &merged, &nobodys, &part];
        let asked = bench.boss(link(&cause, &named));
        let answer = bench.incidents().link_tickets(asked).await.unwrap();
        let answer = answer.into_inner();
        assert_eq!(answer.results.len(), 6, "none twice");
        assert_eq!(
            refusals(&answer.results),
            [
                (0, "TICKET_PARENT_IS_PART"),
                (2, "TICKET_PARENT_IS_PART"),
                (3, "TICKET_CLOSED"),
                (4, "TICKET_MERGED"),
                (5, "NOT_FOUND"),
            ]
        );
        assert_eq!(answer.results[1].etag, bench.read(&part).await.etag);
        assert_eq!(bench.read(&part).await.parent_ticket_id, cause.id);

        let to_merged = bench.boss(link(&merged, &[&part]));
        let refused = bench.incidents().link_tickets(to_merged).await.unwrap_err();
        assert_eq!(reason(&refused), "TICKET_MERGED");
        for wrong in [
            link(&cause, &[]),
            link(&cause, &[&part; 501]),
            pb::LinkTicketsRequest {
                part_ticket_ids: vec!["x".into(), "y".into()],
                ..link(&cause, &[])
            },
        ] {
            let refused = bench.incidents().link_tickets(bench.boss(wrong)).await;
            assert_eq!(refused.unwrap_err().code(), Code::InvalidArgument);
        }
        let foreign = bench.stranger(link(&cause, &[&part]));
        let foreign = bench.incidents().link_tickets(foreign).await;
        assert_eq!(foreign.unwrap_err().code(), Code::NotFound);
        let foreign = bench.stranger(solved(&cause));
        let foreign = bench.incidents().resolve_incident(foreign).await;
        assert_eq!(foreign.unwrap_err().code(), Code::NotFound);
        let over = bench.boss(solved(&gone));
        let over = bench.incidents().resolve_incident(over).await.unwrap_err();
        assert_eq!(reason(&over), "TICKET_NOT_OPEN");
        bench.verified().await;
    })
    .await;
}
