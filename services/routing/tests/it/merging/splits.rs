//! Work that turns out to be another matter.

use rapport_foundation::events::Data;
use rapport_foundation::role::Role;
use rapport_proto::routing::v1 as pb;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::bench::{Bench, Teller, everywhere, reason, request_id};
use crate::history::{changes, line};
use crate::intake::{Contact, tickets, work};

fn split(ticket: &pb::Ticket) -> pb::SplitTicketRequest {
    pb::SplitTicketRequest {
        request_id: request_id(),
        ticket_id: ticket.id.clone(),
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn work_is_taken_out_into_a_ticket_of_its_own_and_merged_back() {
    everywhere(async |bench: Bench| {
        let teller = Teller::of(&bench, Role::Interactions).await;
        let first = Contact::new();
        let (call, chat) = (first.next(), Contact::new());
        let told = [first.message(), call.call()];
        teller.tell(bench.tenant, &told).await;
        let old = tickets(&bench, &first.of_conversation(), 1).await.remove(0);
        work(&bench, &old, &[pb::WorkItemState::Waiting; 2]).await;
        let asks = call.interaction.to_string();
        let request = pb::SplitTicketRequest {
            interaction_ids: vec![asks.clone()],
            subject: "the bill".into(),
            conversation_id: chat.conversation.to_string(),
            reason: "two things".into(),
            ..split(&old)
        };
        let mut answers = Vec::new();
        for _ in 0..2 {
            let asked = bench.boss(request.clone());
            let answer = bench.merges().split_ticket(asked).await.unwrap();
            answers.push(answer.into_inner());
        }
        assert_eq!(answers[0], answers[1], "one request id, one split");
        let new = answers.remove(0).split_ticket.unwrap();
        assert_eq!(
            (
                &new.split_from_ticket_id,
                new.subject.as_str(),
                &new.queue_id,
                &new.customer
            ),
            (&old.id, "the bill", &old.queue_id, &old.customer)
        );
        assert_eq!(bench.asked_by(&new).await, [asks]);
        assert_eq!(bench.asked_by(&old).await, [first.interaction.to_string()]);
        let at = async |ticket: &pb::Ticket, field: &str| {
            let told = changes(&bench, &ticket.id, field).await;
            assert_eq!(told[0].reason, "two things");
            line(&told[0])
        };
        let from = format!("split_from_ticket_id >{}", old.id);
        assert_eq!(at(&new, "split_from_ticket_id").await, from);
        let into = format!("split_ticket_id >{}", new.id);
        assert_eq!(at(&old, "split_ticket_id").await, into);
        let events = bench.log_with("ticket_split").await;
        let told = events.iter().find_map(|event| match event.data.clone()? {
            Data::TicketSplit(split) => Some((split.ticket?, split.split_ticket?)),
            _ => None,
        });
        let told = told.map(|(old, new)| (old.ticket_id, new.ticket_id));
        assert_eq!(told, Some((old.id.clone(), new.id.clone())));
        // Contacts of its conversation are its own, and the old one is solved alone.
        teller.tell(bench.tenant, &[chat.call()]).await;
        work(&bench, &new, &[pb::WorkItemState::Waiting; 2]).await;
        bench.verified().await;

        bench.merge(&old, &new).await.unwrap();
        assert_eq!(bench.asked_by(&old).await.len(), 3);
        bench.unmerge(&new).await.unwrap();
        bench.solve(&old).await;
        work(&bench, &new, &[pb::WorkItemState::Waiting; 2]).await;
        work(&bench, &old, &[pb::WorkItemState::Withdrawn]).await;
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_the_work_in_hand_goes_on_with_the_new_ticket() {
    everywhere(async |bench: Bench| {
        let queue = bench.queue("care").await;
        let ana = bench.hire("ana", &queue).await;
        let mut desk = bench.desk(&ana).await;
        bench.set_status(&ana, pb::AgentStatus::Available).await;
        let old = bench.ticket(&queue).await;
        let offer = desk.offer().await;
        let held = bench.accept(&offer.id).await.unwrap();
        let request = pb::SplitTicketRequest {
            work_item_ids: vec![held.id.clone()],
            ..split(&old)
        };
        let asked = bench.agent("ana", request);
        let answer = bench.merges().split_ticket(asked).await.unwrap();
        let new = answer.into_inner().split_ticket.unwrap();
        assert_eq!(
            (new.state(), &new.owner_agent_id),
            (pb::TicketState::Open, &ana.id)
        );
        loop {
            if let pb::watch_offers_response::Event::WorkItem(work) = desk.next().await
                && work.ticket_id == new.id
            {
                break;
            }
        }
        bench.complete(&held).await;
        let done = bench.work_item(&held.id).await;
        assert_eq!(done.ticket_id, new.id);
        let other = bench.another().await;
        let asked_again = pb::SplitTicketRequest {
            work_item_ids: vec![held.id.clone()],
            ..split(&new)
        };
        let asked = other.boss(asked_again);
        let third = other.merges().split_ticket(asked).await.unwrap();
        let third = third.into_inner().split_ticket.unwrap();
        assert_eq!(bench.work_item(&held.id).await.ticket_id, third.id);
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_the_tickets_is_named_all_at_once_and_nothing_is_split() {
    everywhere(async |bench: Bench| {
        let queue = bench.queue("care").await;
        let (ticket, other) = (bench.ticket(&queue).await, bench.ticket(&queue).await);
        let theirs = bench.work_of(&other).await.remove(0).id;
        let ours = bench.work_of(&ticket).await.remove(0).id;
        let request = pb::SplitTicketRequest {
            work_item_ids: vec![theirs, ours.clone()],
            interaction_ids: vec![Contact::new().interaction.to_string()],
            ..split(&ticket)
        };
        let refused = bench.merges().split_ticket(bench.boss(request)).await;
        let refused = refused.unwrap_err();
        let violations = refused.get_details_bad_request().unwrap().field_violations;
        let fields: Vec<_> = violations.iter().map(|v| v.field.as_str()).collect();
        assert_eq!(fields, ["work_item_ids[0]", "interaction_ids[0]"]);
        let nothing = bench.boss(split(&ticket));
        let nothing = bench.merges().split_ticket(nothing).await;
        assert_eq!(nothing.unwrap_err().code(), Code::InvalidArgument);
        let request = pb::SplitTicketRequest {
            work_item_ids: vec![ours],
            ..split(&ticket)
        };
        let foreign = bench.stranger(request.clone());
        let foreign = bench.merges().split_ticket(foreign).await;
        assert_eq!(foreign.unwrap_err().code(), Code::NotFound);
        let cancel = pb::CancelTicketRequest {
            request_id: request_id(),
            ticket_id: ticket.id.clone(),
            ..Default::default()
        };
        bench
            .tickets()
            .cancel_ticket(bench.boss(cancel))
            .await
            .unwrap();
        let over = bench.merges().split_ticket(bench.boss(request)).await;
        assert_eq!(reason(&over.unwrap_err()), "TICKET_CLOSED");
        assert_eq!(
            bench
                .list_tickets(pb::ListTicketsRequest::default())
                .await
                .len(),
            2
        );
    })
    .await;
}
