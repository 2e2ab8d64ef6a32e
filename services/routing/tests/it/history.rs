//! Who changed what of a ticket, and what was written down about it.

use rapport_proto::routing::v1 as pb;
use tonic::{Code, Status};

use crate::bench::{Bench, everywhere, reason, request_id};

mod forgetting;

/// Everything that changed of a ticket, newest first; of one field, if one is named.
pub(crate) async fn changes(bench: &Bench, ticket: &str, field: &str) -> Vec<pb::TicketChange> {
    let mut request = pb::ListTicketChangesRequest {
        ticket_id: ticket.into(),
        field: field.into(),
        page_size: 7,
        ..Default::default()
    };
    let mut all = Vec::new();
    loop {
        let asked = bench.boss(request.clone());
        let answer = bench.tickets().list_ticket_changes(asked).await;
        let page = answer.unwrap().into_inner();
        all.extend(page.ticket_changes);
        if page.next_page_token.is_empty() {
            return all;
        }
        request.page_token = page.next_page_token;
    }
}

pub(crate) async fn notes(bench: &Bench, ticket: &str) -> Vec<pb::TicketNote> {
    let request = pb::ListTicketNotesRequest {
        ticket_id: ticket.into(),
        ..Default::default()
    };
    let answer = bench.tickets().list_ticket_notes(bench.boss(request)).await;
    answer.unwrap().into_inner().ticket_notes
}

pub(crate) fn noted(ticket: &pb::Ticket, text: &str) -> pb::AddTicketNoteRequest {
    pb::AddTicketNoteRequest {
        request_id: request_id(),
        ticket_id: ticket.id.clone(),
        text: text.into(),
    }
}

fn update(
    ticket: &pb::Ticket,
    new: pb::Ticket,
    paths: &[&str],
    reason: &str,
) -> pb::UpdateTicketRequest {
    pb::UpdateTicketRequest {
        request_id: request_id(),
        ticket_id: ticket.id.clone(),
        ticket: Some(new),
        update_mask: Some(prost_types::FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }),
        etag: String::new(),
        reason: reason.into(),
    }
}

/// A change as one line: the field, what it was and what it is.
pub(crate) fn line(change: &pb::TicketChange) -> String {
    format!("{} {}>{}", change.field, change.old_value, change.new_value)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_told_with_who_did_it_and_what_for() {
    everywhere(async |bench: Bench| {
        let (care, experts) = (bench.queue("care").await, bench.queue("experts").await);
        let ana = bench.hire("ana", &care).await;
        let mut desk = bench.desk(&ana).await;
        bench.set_status(&ana, pb::AgentStatus::Available).await;
        let ticket = bench.ticket(&care).await;
        let offer = desk.offer().await;
        bench.accept(&offer.id).await.unwrap();

        let new = pb::Ticket {
            subject: "canary-new-subject".into(),
            tags: vec!["line".into(), "copper".into()],
            queue_id: experts.id.clone(),
            attributes: [("made_sla".to_owned(), "canary-fact".to_owned())].into(),
            ..Default::default()
        };
        let paths = ["subject", "tags", "queue_id", "attributes"];
        let request = update(&ticket, new, &paths, "it is the canary-cable");
        bench
            .tickets()
            .update_ticket(bench.boss(request))
            .await
            .unwrap();
        let request = pb::ResolveTicketRequest {
            request_id: request_id(),
            ticket_id: ticket.id.clone(),
            outcome: "replaced".into(),
            reason: "a new one is in".into(),
            ..Default::default()
        };
        let asked = bench.agent("ana", request.clone());
        let answer = bench.tickets().resolve_ticket(asked).await.unwrap();
        let solved = answer.into_inner().ticket.unwrap();
        // A repetition changes nothing, and is told once.
        bench
            .tickets()
            .resolve_ticket(bench.agent("ana", request))
            .await
            .unwrap();

        let mut all = changes(&bench, &ticket.id, "").await;
        all.reverse();
        let (care, experts) = (&care.id, &experts.id);
        let lines: Vec<String> = all.iter().map(line).collect();
        assert_eq!(
            lines,
            [
                "state >new".to_owned(),
                "state new>open".to_owned(),
                format!("owner_agent_id >{}", ana.id),
                format!("queue_id {care}>{experts}"),
                "tags >copper,line".to_owned(),
                "subject >".to_owned(),
                "attributes >".to_owned(),
                "state open>resolved".to_owned(),
                "outcome >replaced".to_owned(),
            ]
        );
        let who: Vec<(&str, &str, &str)> = all
            .iter()
            .map(|c| (c.agent_id.as_str(), c.principal.as_str(), c.reason.as_str()))
            .collect();
        let (boss, cable) = (("", "boss", ""), ("", "boss", "it is the canary-cable"));
        let (ana, solves) = (
            (ana.id.as_str(), "", ""),
            (ana.id.as_str(), "", "a new one is in"),
        );
        assert_eq!(
            who,
            [boss, ana, ana, cable, cable, cable, cable, solves, solves]
        );
        let last = all.last().unwrap();
        assert_eq!(
            (&last.ticket_etag, last.change_time),
            (&solved.etag, solved.update_time)
        );

        let queues = changes(&bench, &ticket.id, "queue_id").await;
        assert_eq!(queues, [all[3].clone()]);
        the_rest_is_refused(&bench, &ticket).await;
        no_words_are_in_the_clear(&bench).await;
        bench.verified().await;
    })
    .await;
}

async fn the_rest_is_refused(bench: &Bench, ticket: &pb::Ticket) {
    let request = pb::ListTicketChangesRequest {
        ticket_id: ticket.id.clone(),
        field: "colour".into(),
        ..Default::default()
    };
    let answer = bench
        .tickets()
        .list_ticket_changes(bench.boss(request))
        .await;
    assert_eq!(answer.unwrap_err().code(), Code::InvalidArgument);
    let request = pb::ListTicketChangesRequest {
        ticket_id: ticket.id.clone(),
        ..Default::default()
    };
    let asked = bench.stranger(request);
    let answer = bench.tickets().list_ticket_changes(asked).await;
    assert_eq!(answer.unwrap_err().code(), Code::NotFound);
    let long = update(ticket, pb::Ticket::default(), &["tags"], &"x".repeat(501));
    let answer = bench.tickets().update_ticket(bench.boss(long)).await;
    assert_eq!(answer.unwrap_err().code(), Code::InvalidArgument);
}

/// Nothing that was said about anybody stands in a row as it was said.
async fn no_words_are_in_the_clear(bench: &Bench) {
    let read = |sql: &'static str| {
        let look = move |s: rapport_foundation::db::Scoped| async move { s.raw_all(sql, []).await };
        bench.t.env.db.read(bench.tenant, look)
    };
    let changes = "select old_value, new_value, reason, principal from ticket_changes \
                   where tenant_id = $1 and reason is not null";
    let rows = read(changes).await.unwrap();
    assert!(!rows.is_empty());
    for row in rows {
        for column in ["reason", "principal"] {
            let sealed: Option<Vec<u8>> = row.try_get("", column).unwrap();
            let sealed = sealed.unwrap_or_default();
            assert!(!sealed.windows(6).any(|window| window == b"canary"));
            assert!(!sealed.windows(4).any(|window| window == b"boss"));
        }
        for column in ["old_value", "new_value"] {
            let told: String = row.try_get("", column).unwrap();
            assert!(!told.contains("canary"), "{told}");
        }
    }
    let facts = "select attributes from tickets where tenant_id = $1 and attributes is not null";
    let rows = read(facts).await.unwrap();
    assert!(!rows.is_empty());
    for row in rows {
        let sealed: Vec<u8> = row.try_get("", "attributes").unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"canary"));
    }
    let notes = "select words from ticket_notes where tenant_id = $1";
    for row in read(notes).await.unwrap() {
        let sealed: Vec<u8> = row.try_get("", "words").unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"canary"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_are_added_in_every_state_and_read_newest_first() {
    everywhere(async |bench: Bench| {
        let queue = bench.queue("care").await;
        let ana = bench.hire("ana", &queue).await;
        let ticket = bench.ticket(&queue).await;
        let first = noted(&ticket, "canary: rang back,\nnobody there");
        let mut again = Vec::new();
        for _ in 0..2 {
            let asked = bench.agent("ana", first.clone());
            let answer = bench.tickets().add_ticket_note(asked).await.unwrap();
            again.push(answer.into_inner().ticket_note.unwrap());
        }
        assert_eq!(again[0], again[1], "one request id, one note");
        let request = pb::CancelTicketRequest {
            request_id: request_id(),
            ticket_id: ticket.id.clone(),
            ..Default::default()
        };
        bench
            .tickets()
            .cancel_ticket(bench.boss(request))
            .await
            .unwrap();
        let asked = bench.boss(noted(&ticket, "a duplicate"));
        bench.tickets().add_ticket_note(asked).await.unwrap();
        let all = notes(&bench, &ticket.id).await;
        let told: Vec<_> = all
            .iter()
            .map(|n| (n.text.as_str(), n.agent_id.as_str(), n.principal.as_str()))
            .collect();
        let rang = "canary: rang back,\nnobody there";
        assert_eq!(
            told,
            [("a duplicate", "", "boss"), (rang, ana.id.as_str(), "")]
        );
        assert_eq!(all[1], again[0]);
        let request = pb::ListTicketNotesRequest {
            ticket_id: ticket.id.clone(),
            page_size: 1,
            ..Default::default()
        };
        let answer = bench
            .tickets()
            .list_ticket_notes(bench.boss(request.clone()))
            .await;
        let page = answer.unwrap().into_inner();
        assert_eq!(page.ticket_notes, all[..1]);
        let rest = pb::ListTicketNotesRequest {
            page_token: page.next_page_token,
            ..request
        };
        let answer = bench.tickets().list_ticket_notes(bench.boss(rest)).await;
        assert_eq!(answer.unwrap().into_inner().ticket_notes, all[1..]);

        for wrong in [String::new(), "x".repeat(20_001), "a\0b".into()] {
            let asked = bench.boss(noted(&ticket, &wrong));
            let refused = bench.tickets().add_ticket_note(asked).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument);
        }
        let asked = bench.stranger(noted(&ticket, "not theirs"));
        let refused = bench.tickets().add_ticket_note(asked).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound);
        let request = pb::ListTicketNotesRequest {
            ticket_id: ticket.id.clone(),
            ..Default::default()
        };
        let refused = bench
            .tickets()
            .list_ticket_notes(bench.stranger(request))
            .await;
        assert_eq!(refused.unwrap_err().code(), Code::NotFound);
        assert_eq!(notes(&bench, &ticket.id).await.len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_no_part_of_itself_nor_of_a_stranger() {
    everywhere(async |bench: Bench| {
        let queue = bench.queue("care").await;
        let mut chain = vec![bench.ticket(&queue).await];
        let put = async |part: &pb::Ticket, above: &str| -> Result<pb::Ticket, Status> {
            let new = pb::Ticket {
                parent_ticket_id: above.into(),
                ..Default::default()
            };
            let request = update(part, new, &["parent_ticket_id"], "");
            let answer = bench.tickets().update_ticket(bench.boss(request)).await?;
            Ok(answer.into_inner().ticket.unwrap())
        };
        for _ in 0..8 {
            let below = bench.ticket(&queue).await;
            let below = put(&below, &chain.last().unwrap().id).await.unwrap();
            assert_eq!(below.parent_ticket_id, chain.last().unwrap().id);
            chain.push(below);
        }
        let too_deep = bench.ticket(&queue).await;
        let refused = put(&too_deep, &chain[8].id).await.unwrap_err();
        assert_eq!(reason(&refused), "TICKET_PARENT_TOO_HIGH");
        for part in [&chain[0], &chain[3]] {
            let refused = put(part, &chain[3].id).await.unwrap_err();
            let (code, reason) = (refused.code(), reason(&refused));
            assert_eq!(
                (code, reason.as_str()),
                (Code::FailedPrecondition, "TICKET_PARENT_IS_PART")
            );
        }
        let request = pb::CreateTicketRequest {
            request_id: request_id(),
            ticket: Some(pb::Ticket {
                parent_ticket_id: chain[0].id.clone(),
                ..Default::default()
            }),
            work_channel: 0,
        };
        let refused = bench
            .tickets()
            .create_ticket(bench.stranger(request.clone()))
            .await;
        assert_eq!(refused.unwrap_err().code(), Code::NotFound);
        let made = bench
            .tickets()
            .create_ticket(bench.boss(request))
            .await
            .unwrap();
        assert_eq!(
            made.into_inner().ticket.unwrap().parent_ticket_id,
            chain[0].id
        );
        let freed = put(&chain[1], "").await.unwrap();
        assert_eq!(freed.parent_ticket_id, "");
        put(&chain[0], &chain[1].id).await.unwrap();
    })
    .await;
}
