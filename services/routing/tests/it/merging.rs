//! Tickets that are one matter, and that are not.

use rapport_foundation::events::Data;
use rapport_foundation::role::Role;
use rapport_proto::routing::v1 as pb;
use rapport_proto::types::v1 as types;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::bench::{Bench, Teller, everywhere, reason, request_id};
use crate::history::{changes, line, noted, notes};
use crate::intake::{Contact, tickets, work};

mod clocks;
mod model;
mod splits;

fn merge(whole: &pb::Ticket, part: &pb::Ticket) -> pb::MergeTicketsRequest {
    pb::MergeTicketsRequest {
        request_id: request_id(),
        ticket_id: whole.id.clone(),
        merged_ticket_id: part.id.clone(),
        reason: "the same canary".into(),
        ..Default::default()
    }
}

fn unmerge(part: &pb::Ticket) -> pb::UnmergeTicketRequest {
    pb::UnmergeTicketRequest {
        request_id: request_id(),
        ticket_id: part.id.clone(),
        ..Default::default()
    }
}

impl Bench {
    async fn merge(&self, whole: &pb::Ticket, part: &pb::Ticket) -> Result<pb::Ticket, Status> {
        let asked = self.boss(merge(whole, part));
        let answer = self.merges().merge_tickets(asked).await?.into_inner();
        assert_eq!(answer.merged_ticket.unwrap().id, part.id);
        Ok(answer.ticket.unwrap())
    }

    async fn unmerge(&self, part: &pb::Ticket) -> Result<pb::Ticket, Status> {
        let asked = self.boss(unmerge(part));
        let answer = self.merges().unmerge_ticket(asked).await?.into_inner();
        Ok(answer.ticket.unwrap())
    }

    async fn note(&self, ticket: &pb::Ticket, text: &str) -> Result<pb::TicketNote, Status> {
        let asked = self.boss(noted(ticket, text));
        let answer = self.tickets().add_ticket_note(asked).await?.into_inner();
        Ok(answer.ticket_note.unwrap())
    }

    /// The texts of its notes, newest first.
    async fn texts(&self, ticket: &pb::Ticket) -> Vec<String> {
        let notes = notes(self, &ticket.id).await.into_iter();
        notes.map(|note| note.text).collect()
    }

    /// What asked for its work, oldest first.
    async fn asked_by(&self, ticket: &pb::Ticket) -> Vec<String> {
        let work = self.work_of(ticket).await.into_iter();
        let mut asked: Vec<String> = work.map(|work| work.interaction_id).collect();
        asked.reverse();
        asked
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merged_ticket_is_seen_at_the_other_and_goes_back_with_what_is_its_own() {
    everywhere(async |bench: Bench| {
        let teller = Teller::of(&bench, Role::Interactions).await;
        let (ours, theirs) = (Contact::new(), Contact::new());
        let told = [ours.message(), theirs.message()];
        teller.tell(bench.tenant, &told).await;
        let whole = tickets(&bench, &ours.of_conversation(), 1).await.remove(0);
        let part = tickets(&bench, &theirs.of_conversation(), 1)
            .await
            .remove(0);
        bench.note(&whole, "ours").await.unwrap();
        bench.note(&part, "theirs").await.unwrap();

        let merged = bench.merge(&whole, &part).await.unwrap();
        assert_eq!((&merged.id, merged.merged_ticket_count), (&whole.id, 1));
        assert_eq!(merged.customer, whole.customer, "nobody else's matter");
        let as_part = bench.read(&part).await;
        assert_eq!(as_part.merged_into_ticket_id, whole.id);
        assert_eq!(
            (as_part.state, &as_part.customer),
            (part.state, &part.customer)
        );
        // Work, notes and changes of both are seen at the one that stands for both.
        let (our_ask, their_ask) = (ours.interaction.to_string(), theirs.interaction.to_string());
        assert_eq!(
            bench.asked_by(&whole).await,
            [our_ask.clone(), their_ask.clone()]
        );
        assert_eq!(bench.texts(&whole).await, ["theirs", "ours"]);
        let opened = changes(&bench, &whole.id, "state").await;
        assert_eq!(opened.len(), 2, "that both were opened");
        // Whoever looks for either finds the one.
        for filter in [
            theirs.of_conversation(),
            theirs.of_customer(),
            ours.of_customer(),
        ] {
            let found = tickets(&bench, &filter, 1).await.remove(0);
            assert_eq!(found.id, whole.id);
        }
        let of_whole = pb::ListTicketsRequest {
            merged_into_ticket_id: whole.id.clone(),
            ..Default::default()
        };
        assert_eq!(bench.list_tickets(of_whole).await[0].id, part.id);
        // What comes in either conversation finds the one; a call of theirs goes back with them.
        let (our_call, their_call) = (ours.next(), theirs.next());
        let told = [our_call.call(), their_call.call()];
        teller.tell(bench.tenant, &told).await;
        work(&bench, &whole, &[pb::WorkItemState::Waiting; 4]).await;
        assert_eq!(
            bench
                .list_tickets(pb::ListTicketsRequest::default())
                .await
                .len(),
            1
        );
        bench.note(&whole, "since").await.unwrap();
        bench.verified().await;

        let freed = bench.unmerge(&part).await.unwrap();
        assert_eq!(
            (freed.merged_into_ticket_id.as_str(), freed.state),
            ("", part.state)
        );
        let (our_call, their_call) = (
            our_call.interaction.to_string(),
            their_call.interaction.to_string(),
        );
        assert_eq!(bench.asked_by(&whole).await, [our_ask, our_call]);
        assert_eq!(bench.asked_by(&part).await, [their_ask, their_call]);
        assert_eq!(bench.texts(&whole).await, ["since", "ours"]);
        assert_eq!(bench.texts(&part).await, ["theirs"]);
        let found = tickets(&bench, &theirs.of_conversation(), 1)
            .await
            .remove(0);
        assert_eq!(found.id, part.id);
        told_of_both(&bench, &whole, &part).await;
        bench.verified().await;
    })
    .await;
}

/// The history of both and the log say what was merged and taken back, by whom and why.
async fn told_of_both(bench: &Bench, whole: &pb::Ticket, part: &pb::Ticket) {
    let lines = async |ticket: &pb::Ticket, field: &str| -> Vec<String> {
        let mut told = changes(bench, &ticket.id, field).await;
        told.reverse();
        assert_eq!(
            (told[0].principal.as_str(), told[0].reason.as_str()),
            ("boss", "the same canary")
        );
        told.iter().map(line).collect()
    };
    let (at_whole, at_part) = (
        lines(whole, "merged_ticket_id").await,
        lines(part, "merged_into_ticket_id").await,
    );
    let told = |field: &str, id: &str| [format!("{field} >{id}"), format!("{field} {id}>")];
    assert_eq!(at_whole, told("merged_ticket_id", &part.id));
    assert_eq!(at_part, told("merged_into_ticket_id", &whole.id));
    let events = bench.log_with("ticket_unmerged").await;
    let merges = events.iter().filter_map(|event| match event.data.clone()? {
        Data::TicketMerged(merged) => Some((merged.ticket?, merged.merged_ticket?)),
        Data::TicketUnmerged(unmerged) => Some((unmerged.ticket?, unmerged.merged_ticket?)),
        _ => None,
    });
    let merges: Vec<_> = merges.map(|(a, b)| (a.ticket_id, b.ticket_id)).collect();
    let both = (whole.id.clone(), part.id.clone());
    assert_eq!(merges, [both.clone(), both]);
    assert!(!format!("{events:?}").contains("canary"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_merged_is_solved_and_moved_with_the_one_that_stands_for_it() {
    everywhere(async |bench: Bench| {
        let (care, experts) = (bench.queue("care").await, bench.queue("experts").await);
        let chain = [
            bench.ticket(&care).await,
            bench.ticket(&care).await,
            bench.ticket(&care).await,
        ];
        let [low, middle, top] = &chain;
        bench.merge(middle, low).await.unwrap();
        bench.merge(top, middle).await.unwrap();
        let new = pb::Ticket {
            queue_id: experts.id.clone(),
            ..Default::default()
        };
        bench.set(top, new, &["queue_id"]).await.unwrap();
        let mut work = bench.work_of(top).await;
        assert_eq!(work.len(), 3);
        assert!(work.iter().all(|work| work.queue_id == experts.id));
        // Whoever takes what was merged takes the ticket that stands for it.
        let ana = bench.hire("ana", &experts).await;
        let mut desk = bench.desk(&ana).await;
        bench.set_status(&ana, pb::AgentStatus::Available).await;
        let offer = desk.offer().await;
        let taken = bench.accept(&offer.id).await.unwrap();
        let owned = bench.read(top).await;
        assert_eq!(
            (owned.state(), &owned.owner_agent_id),
            (pb::TicketState::Open, &ana.id)
        );
        let by_ana = pb::ResolveTicketRequest {
            request_id: request_id(),
            ticket_id: top.id.clone(),
            ..Default::default()
        };
        let asked = bench.agent("ana", by_ana);
        bench.tickets().resolve_ticket(asked).await.unwrap();
        work = bench.work_of(top).await;
        let state = |work: &pb::WorkItem| match work.id == taken.id {
            true => work.state() == pb::WorkItemState::Accepted,
            false => work.state() == pb::WorkItemState::Withdrawn,
        };
        assert!(work.iter().all(state), "{work:?}");
        bench.verified().await;
        // What stands for itself again was not solved with it.
        let freed = bench.unmerge(middle).await.unwrap();
        assert_eq!(freed.state(), middle.state());
        assert_eq!(freed.merged_ticket_count, 1, "with what was merged into it");
        assert_eq!(bench.read(low).await.merged_into_ticket_id, middle.id);
        bench.verified().await;
        let other = bench.another().await;
        let again = other.merge(&other.ticket(&care).await, middle).await;
        assert_eq!(again.unwrap().merged_ticket_count, 1);
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_and_merges_go_to_the_one_that_stands_for_all() {
    everywhere(async |bench: Bench| {
        let teller = Teller::of(&bench, Role::Interactions).await;
        let queue = bench.queue("care").await;
        let contact = Contact::new();
        teller.tell(bench.tenant, &[contact.message()]).await;
        let low = tickets(&bench, &contact.of_conversation(), 1)
            .await
            .remove(0);
        let (middle, top) = (bench.ticket(&queue).await, bench.ticket(&queue).await);
        bench.merge(&middle, &low).await.unwrap();
        bench.merge(&top, &middle).await.unwrap();
        let late = bench.ticket(&queue).await;
        let led = bench.merge(&low, &late).await.unwrap();
        assert_eq!((&led.id, led.merged_ticket_count), (&top.id, 2));
        teller.tell(bench.tenant, &[contact.next().call()]).await;
        work(&bench, &top, &[pb::WorkItemState::Waiting; 5]).await;
        // When it is solved, what comes next is another matter.
        bench.solve(&top).await;
        teller.tell(bench.tenant, &[contact.next().call()]).await;
        let all = pb::ListTicketsRequest::default();
        let found = tickets(&bench, &all, 2).await;
        let again = tickets(&bench, &contact.of_conversation(), 2).await;
        assert_eq!(found, again, "the new one and the one that was solved");
        bench.verified().await;
    })
    .await;
}

/// The reason and where a caller is sent.
fn sent(status: &Status) -> (Code, String, Option<String>) {
    let info = status.get_details_error_info();
    let to = info.and_then(|info| info.metadata.get("ticket_id").cloned());
    (status.code(), reason(status), to)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_merged_is_refused_and_nothing_changes() {
    everywhere(async |bench: Bench| {
        let queue = bench.queue("care").await;
        let (open, solved) = (bench.ticket(&queue).await, bench.ticket(&queue).await);
        let gone = bench.ticket(&queue).await;
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
        bench.solve(&solved).await;
        for (whole, part, expected) in [
            (&gone, &open, "TICKET_CLOSED"),
            (&open, &gone, "TICKET_CLOSED"),
            (&solved, &open, "TICKET_NOT_OPEN"),
        ] {
            let refused = bench.merge(whole, part).await.unwrap_err();
            assert_eq!(
                (refused.code(), reason(&refused).as_str()),
                (Code::FailedPrecondition, expected)
            );
        }
        let same = bench.merge(&open, &open).await.unwrap_err();
        assert_eq!(same.code(), Code::InvalidArgument);
        let foreign = bench.stranger(merge(&open, &solved));
        let foreign = bench.merges().merge_tickets(foreign).await.unwrap_err();
        assert_eq!(foreign.code(), Code::NotFound);
        let alone = bench.unmerge(&open).await.unwrap_err();
        assert_eq!(reason(&alone), "TICKET_NOT_MERGED");
        // What a ticket is a part of does not become its own.
        let below = pb::Ticket {
            parent_ticket_id: solved.id.clone(),
            ..Default::default()
        };
        bench
            .set(&open, below, &["parent_ticket_id"])
            .await
            .unwrap();
        let circle = bench.merge(&open, &solved).await.unwrap_err();
        assert_eq!(reason(&circle), "TICKET_PARENT_IS_PART");
        let stale = pb::MergeTicketsRequest {
            merged_ticket_etag: solved.etag.clone(),
            ..merge(&bench.ticket(&queue).await, &solved)
        };
        let stale = bench.merges().merge_tickets(bench.boss(stale)).await;
        assert_eq!(reason(&stale.unwrap_err()), "ETAG_MISMATCH");
        // What was merged changes no more, and says who stands for it.
        let (whole, part) = (bench.ticket(&queue).await, bench.ticket(&queue).await);
        let merged = merge(&whole, &part);
        for _ in 0..2 {
            let asked = bench.boss(merged.clone());
            let answer = bench.merges().merge_tickets(asked).await.unwrap();
            assert_eq!(answer.into_inner().ticket.unwrap().merged_ticket_count, 1);
        }
        assert_eq!(
            bench
                .merge(&whole, &part)
                .await
                .unwrap()
                .merged_ticket_count,
            1
        );
        let expected = (
            Code::FailedPrecondition,
            "TICKET_MERGED".to_owned(),
            Some(whole.id.clone()),
        );
        let third = bench.ticket(&queue).await;
        let tags = pb::Ticket::default();
        let refused = [
            bench.merge(&third, &part).await.unwrap_err(),
            bench.note(&part, "too late").await.unwrap_err(),
            bench.set(&part, tags, &["tags"]).await.unwrap_err(),
        ];
        for refused in refused {
            assert_eq!(sent(&refused), expected);
        }
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_by_hand_is_told_in_the_log_without_its_words() {
    everywhere(async |bench: Bench| {
        let queue = bench.queue("care").await;
        let ticket = bench.ticket(&queue).await;
        let new = pb::Ticket {
            subject: "canary".into(),
            priority: types::Priority::High.into(),
            waiting_on: pb::TicketWaitingOn::ThirdParty.into(),
            ..Default::default()
        };
        let paths = ["subject", "priority", "waiting_on"];
        bench.set(&ticket, new.clone(), &paths).await.unwrap();
        // What changes nothing is not told.
        bench.set(&ticket, new, &paths).await.unwrap();
        bench.solve(&ticket).await;
        let events = bench.log_with("ticket_resolved").await;
        let updates: Vec<_> = events
            .iter()
            .filter_map(|event| match &event.data {
                Some(Data::TicketUpdated(updated)) => Some(updated.clone()),
                _ => None,
            })
            .collect();
        let [updated] = updates.as_slice() else {
            panic!("{updates:?}")
        };
        assert_eq!(
            updated.fields,
            ["state", "waiting_on", "priority", "subject"]
        );
        let told = (updated.state.as_str(), updated.waiting_on.as_str());
        assert_eq!(told, ("pending", "third_party"));
        let facts = updated.ticket.clone().unwrap();
        assert_eq!(
            (&facts.ticket_id, facts.priority()),
            (&ticket.id, types::Priority::High)
        );
        assert!(!format!("{events:?}").contains("canary"));
    })
    .await;
}
