use rapport_proto::routing::v1 as pb;
use rapport_proto::types::v1 as types;
use tonic::Code;

use crate::bench::{Bench, everywhere, reason, request_id};

async fn update(
    bench: &Bench,
    ticket: &pb::Ticket,
    new: pb::Ticket,
    paths: &[&str],
    etag: &str,
) -> Result<pb::Ticket, tonic::Status> {
    let request = pb::UpdateTicketRequest {
        request_id: request_id(),
        ticket_id: ticket.id.clone(),
        ticket: Some(new),
        update_mask: Some(prost_types::FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }),
        etag: etag.into(),
        reason: String::new(),
    };
    let answer = bench.tickets().update_ticket(bench.boss(request)).await?;
    Ok(answer.into_inner().ticket.unwrap())
}

fn resolve(ticket: &pb::Ticket) -> pb::ResolveTicketRequest {
    pb::ResolveTicketRequest {
        request_id: request_id(),
        ticket_id: ticket.id.clone(),
        outcome: "solved".into(),
        root_cause: "cable".into(),
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_lives_from_open_to_closed() {
    everywhere(async |bench: Bench| {
        let queue = bench.queue("care").await;
        let ticket = bench.ticket(&queue).await;
        assert_eq!(ticket.state(), pb::TicketState::New);
        assert_eq!(ticket.priority(), types::Priority::Normal);
        let new = pb::Ticket {
            subject: "Still no tone".into(),
            tags: vec!["line".into()],
            state: pb::TicketState::Pending.into(),
            ..Default::default()
        };
        let changed = update(
            &bench,
            &ticket,
            new.clone(),
            &["subject", "tags", "state"],
            &ticket.etag,
        )
        .await;
        let changed = changed.unwrap();
        assert_eq!(
            (changed.subject.as_str(), changed.state()),
            ("Still no tone", pb::TicketState::Pending)
        );
        let stale = update(&bench, &ticket, new, &["subject"], &ticket.etag)
            .await
            .unwrap_err();
        assert_eq!(
            (stale.code(), reason(&stale).as_str()),
            (Code::Aborted, "ETAG_MISMATCH")
        );

        let answer = bench
            .tickets()
            .resolve_ticket(bench.boss(resolve(&ticket)))
            .await
            .unwrap();
        let resolved = answer.into_inner().ticket.unwrap();
        assert_eq!(resolved.state(), pb::TicketState::Resolved);
        assert_eq!(
            (resolved.outcome.as_str(), resolved.root_cause.as_str()),
            ("solved", "cable")
        );
        let work = bench.work_of(&ticket).await;
        assert_eq!(
            work[0].state(),
            pb::WorkItemState::Withdrawn,
            "what waits is withdrawn"
        );
        let twice = bench
            .tickets()
            .resolve_ticket(bench.boss(resolve(&ticket)))
            .await
            .unwrap_err();
        assert_eq!(
            (twice.code(), reason(&twice).as_str()),
            (Code::FailedPrecondition, "TICKET_NOT_OPEN")
        );

        let reopen = pb::ReopenTicketRequest {
            request_id: request_id(),
            ticket_id: ticket.id.clone(),
            work_channel: types::Channel::Email.into(),
            ..Default::default()
        };
        let answer = bench
            .tickets()
            .reopen_ticket(bench.boss(reopen))
            .await
            .unwrap();
        assert_eq!(answer.into_inner().ticket.unwrap().reopen_count, 1);
        assert_eq!(bench.work_of(&ticket).await.len(), 2);
        let close = pb::CloseTicketRequest {
            request_id: request_id(),
            ticket_id: ticket.id.clone(),
            ..Default::default()
        };
        let early = bench
            .tickets()
            .close_ticket(bench.boss(close.clone()))
            .await
            .unwrap_err();
        assert_eq!(reason(&early), "TICKET_NOT_RESOLVED");
        bench
            .tickets()
            .resolve_ticket(bench.boss(resolve(&ticket)))
            .await
            .unwrap();
        let answer = bench
            .tickets()
            .close_ticket(bench.boss(close))
            .await
            .unwrap();
        assert_eq!(
            answer.into_inner().ticket.unwrap().state(),
            pb::TicketState::Closed
        );

        let kinds: Vec<String> = bench
            .log_with("ticket_closed")
            .await
            .into_iter()
            .map(|event| event.r#type)
            .collect();
        for kind in [
            "ticket_opened",
            "work_item_queued",
            "ticket_resolved",
            "ticket_reopened",
        ] {
            assert!(
                kinds.iter().any(|known| known == kind),
                "{kind} is missing in {kinds:?}"
            );
        }
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_id_has_one_effect() {
    everywhere(async |bench: Bench| {
        let request = pb::CreateTicketRequest {
            request_id: request_id(),
            ticket: Some(pb::Ticket {
                subject: "Once".into(),
                ..Default::default()
            }),
            work_channel: 0,
        };
        let calls = (0..8).map(|_| {
            let (mut client, request) = (bench.tickets(), bench.boss(request.clone()));
            async move {
                client
                    .create_ticket(request)
                    .await
                    .unwrap()
                    .into_inner()
                    .ticket
                    .unwrap()
                    .id
            }
        });
        let mut ids = futures::future::join_all(calls).await;
        ids.dedup();
        assert_eq!(ids.len(), 1, "eight calls at once, one ticket");
        let other = pb::CreateTicketRequest {
            work_channel: 1,
            ..request
        };
        let refused = bench
            .tickets()
            .create_ticket(bench.boss(other))
            .await
            .unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::AlreadyExists, "REQUEST_ID_REUSED")
        );
        let tickets = bench.list_tickets(pb::ListTicketsRequest::default()).await;
        assert_eq!(tickets.len(), 1);
        assert!(
            !tickets[0].queue_id.is_empty(),
            "the default queue was made when it was needed"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_are_listed_page_by_page_and_by_condition() {
    everywhere(async |bench: Bench| {
        let (first, second) = (bench.queue("first").await, bench.queue("second").await);
        let mut ids = Vec::new();
        for n in 0..5 {
            let queue = if n % 2 == 0 { &first } else { &second };
            ids.push(bench.ticket(queue).await.id);
        }
        ids.reverse();
        let mut seen = Vec::new();
        let mut request = pb::ListTicketsRequest {
            page_size: 2,
            ..Default::default()
        };
        loop {
            let answer = bench
                .tickets()
                .list_tickets(bench.boss(request.clone()))
                .await
                .unwrap();
            let page = answer.into_inner();
            seen.extend(page.tickets.into_iter().map(|ticket| ticket.id));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(seen, ids, "newest first, none twice");
        let of_second = pb::ListTicketsRequest {
            queue_id: second.id,
            ..Default::default()
        };
        assert_eq!(bench.list_tickets(of_second.clone()).await.len(), 2);
        let foreign = pb::ListTicketsRequest {
            page_token: request.page_token,
            ..of_second
        };
        let refused = bench
            .tickets()
            .list_tickets(bench.boss(foreign))
            .await
            .unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::InvalidArgument, "PAGE_TOKEN_FOREIGN")
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_waits_goes_where_its_ticket_goes() {
    everywhere(async |bench: Bench| {
        let (first, second) = (bench.queue("first").await, bench.queue("second").await);
        let ticket = bench.ticket(&first).await;
        let new = pb::Ticket {
            queue_id: second.id.clone(),
            priority: types::Priority::Urgent.into(),
            ..Default::default()
        };
        update(&bench, &ticket, new, &["queue_id", "priority"], "")
            .await
            .unwrap();
        let work = &bench.work_of(&ticket).await[0];
        assert_eq!(
            (work.queue_id.as_str(), work.priority()),
            (second.id.as_str(), types::Priority::Urgent)
        );
        let request = pb::GetQueueRequest {
            queue_id: second.id,
        };
        let queue = bench.queues().get_queue(bench.boss(request)).await.unwrap();
        assert_eq!(queue.into_inner().queue.unwrap().waiting_work_items, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_a_ticket_are_nowhere_in_the_clear() {
    everywhere(async |bench: Bench| {
        let ticket = pb::Ticket {
            subject: "canary-subject".into(),
            description: "canary-description".into(),
            ..Default::default()
        };
        let request = pb::CreateTicketRequest {
            request_id: request_id(),
            ticket: Some(ticket),
            work_channel: 1,
        };
        let answer = bench
            .tickets()
            .create_ticket(bench.boss(request))
            .await
            .unwrap();
        assert_eq!(
            answer.into_inner().ticket.unwrap().subject,
            "canary-subject"
        );
        for event in bench.log_with("work_item_queued").await {
            assert!(!format!("{event:?}").contains("canary"));
        }
        let rows = bench.t.env.db.read(
            bench.tenant,
            |s: rapport_foundation::db::Scoped| async move {
                s.raw_all(
                    "select subject, description from tickets where tenant_id = $1",
                    [],
                )
                .await
            },
        );
        for row in rows.await.unwrap() {
            for column in ["subject", "description"] {
                let sealed: Vec<u8> = row.try_get("", column).unwrap();
                assert!(!sealed.windows(6).any(|window| window == b"canary"));
            }
        }
    })
    .await;
}
