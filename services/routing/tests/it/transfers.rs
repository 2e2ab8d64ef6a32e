//! Contacts that go from agent to agent.

mod consults;

use rapport_foundation::events::Data;
use rapport_foundation::role::Role;
use rapport_foundation::testing::eventually;
use rapport_proto::events::v1::event::Data as Told;
use rapport_proto::routing::v1 as pb;
use rapport_proto::types::v1 as types;
use tonic::{Code, Status};

use crate::bench::{Bench, Teller, everywhere, reason, request_id};
use crate::intake::{Contact, tickets, work};
use crate::restart::stop;

fn to_queue(queue: &pb::Queue) -> pb::TransferTarget {
    pb::TransferTarget {
        queue_id: queue.id.clone(),
        ..Default::default()
    }
}

fn to_agent(agent: &pb::Agent) -> pb::TransferTarget {
    pb::TransferTarget {
        agent_id: agent.id.clone(),
        ..Default::default()
    }
}

fn transferring(item: &str, to: pb::TransferTarget) -> pb::TransferWorkItemRequest {
    pb::TransferWorkItemRequest {
        request_id: request_id(),
        work_item_id: item.into(),
        to: Some(to),
        note: "They pay by instalments".into(),
        disposition: "billing".into(),
        ..Default::default()
    }
}

async fn transfer(
    bench: &Bench,
    who: &str,
    request: pb::TransferWorkItemRequest,
) -> Result<(pb::WorkItem, pb::WorkItem), Status> {
    let request = bench.agent(who, request);
    let answer = bench.transfers().transfer_work_item(request).await?;
    let answer = answer.into_inner();
    Ok((answer.work_item.unwrap(), answer.next_work_item.unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_goes_on_in_its_turn_with_what_its_agent_said() {
    everywhere(async |bench: Bench| {
        let care = bench.queue("care").await;
        let billing = bench.queue("billing").await;
        let (ana, mut hers) = bench.at_work("ana", &care).await;
        let ticket = bench.ticket(&care).await;
        let item = bench.accept(&hers.offer().await.id).await.unwrap();
        // It waits in the other queue already, but its contact came later.
        let later = bench.ticket(&billing).await;
        let request = transferring(&item.id, to_queue(&billing));
        let (given, next) = transfer(&bench, "ana", request.clone()).await.unwrap();
        assert_eq!(
            (given.state(), given.next_work_item_id.as_str()),
            (pb::WorkItemState::WrappingUp, next.id.as_str())
        );
        assert_eq!(next.previous_work_item_id, given.id);
        assert_eq!(next.turn_time, given.queue_time);
        assert_ne!(next.queue_time, given.queue_time);
        assert_eq!(
            (next.ticket_id.as_str(), next.transfer_count),
            (ticket.id.as_str(), 1)
        );
        // The same call with the same id has one effect.
        let again = transfer(&bench, "ana", request).await.unwrap();
        assert_eq!(again.1.id, next.id);
        assert_eq!(bench.work_of(&ticket).await.len(), 2);
        let (ben, mut his) = bench.at_work("ben", &billing).await;
        let offer = his.offer().await;
        assert_eq!(offer.agent_id, ben.id);
        assert_eq!(offer.work_item.unwrap().id, next.id, "before {}", later.id);
        // What ana said is a note of the ticket, by her.
        let request = pb::ListTicketNotesRequest {
            ticket_id: ticket.id.clone(),
            ..Default::default()
        };
        let notes = bench.tickets().list_ticket_notes(bench.boss(request)).await;
        let note = notes.unwrap().into_inner().ticket_notes.remove(0);
        assert_eq!(
            (note.id.as_str(), note.text.as_str(), note.agent_id.as_str()),
            (
                next.transfer_note_id.as_str(),
                "They pay by instalments",
                ana.id.as_str()
            )
        );
        let end = pb::EndWrapUpRequest {
            request_id: request_id(),
            work_item_id: item.id.clone(),
        };
        bench
            .work_items()
            .end_wrap_up(bench.agent("ana", end))
            .await
            .unwrap();
        let over = bench.work_item(&item.id).await;
        assert_eq!(
            (over.state(), over.disposition.as_str()),
            (pb::WorkItemState::Transferred, "billing")
        );
        let filter = pb::ListWorkItemsRequest {
            state: pb::WorkItemState::Transferred.into(),
            ..Default::default()
        };
        let listed = bench.work_items().list_work_items(bench.boss(filter)).await;
        assert_eq!(listed.unwrap().into_inner().work_items, [over]);
        let events = bench.log_with("work_item_transferred").await;
        let told = events.into_iter().find_map(|event| match event.data {
            Some(Told::WorkItemTransferred(told)) => Some(told),
            _ => None,
        });
        let told = told.unwrap();
        assert_eq!(
            (told.agent_id, told.next_work_item_id, told.queue_id),
            (ana.id.clone(), next.id.clone(), billing.id.clone())
        );
        let request = pb::ListTicketChangesRequest {
            ticket_id: ticket.id.clone(),
            field: "work_item.next_work_item_id".into(),
            ..Default::default()
        };
        let changes = bench
            .tickets()
            .list_ticket_changes(bench.boss(request))
            .await;
        let change = changes.unwrap().into_inner().ticket_changes.remove(0);
        assert_eq!(change.old_value, format!("{},{}", item.id, ana.id));
        assert_eq!(change.new_value, format!("{},{}", next.id, billing.id));
        assert_eq!(change.agent_id, ana.id);
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_for_an_agent_is_theirs_after_a_restart_too() {
    everywhere(async |bench: Bench| {
        let care = bench.queue("care").await;
        let (_, mut hers) = bench.at_work("ana", &care).await;
        bench.ticket(&care).await;
        let item = bench.accept(&hers.offer().await.id).await.unwrap();
        let ben = bench.hire("ben", &care).await;
        let request = transferring(&item.id, to_agent(&ben));
        let (_, next) = transfer(&bench, "ana", request).await.unwrap();
        assert_eq!(
            (next.state(), next.kept_for_agent_id.as_str()),
            (pb::WorkItemState::Waiting, ben.id.as_str())
        );
        assert!(next.kept_until_time.is_some());
        let old = stop(bench).await;
        let bench = old.another().await;
        let (_, _free) = bench.at_work("cy", &care).await;
        let _his = bench.desk(&ben).await;
        bench.set_status(&ben, pb::AgentStatus::Available).await;
        let offered = bench.work_item(&next.id).await;
        assert_eq!(
            (offered.state(), offered.agent_id.as_str()),
            (pb::WorkItemState::Offered, ben.id.as_str())
        );
        // They say no: now it is for whoever serves the queue.
        let reject = pb::RejectOfferRequest {
            request_id: request_id(),
            offer_id: offered.offer_id.clone(),
            ..Default::default()
        };
        bench
            .offers()
            .reject_offer(bench.boss(reject))
            .await
            .unwrap();
        let offered = bench.work_item(&next.id).await;
        assert_eq!(offered.state(), pb::WorkItemState::Offered);
        assert_ne!(offered.agent_id, ben.id);
        assert_eq!(offered.kept_for_agent_id, "");
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_contact_concerns_the_work_that_goes_on_with_it() {
    everywhere(async |bench: Bench| {
        let teller = Teller::of(&bench, Role::Interactions).await;
        let care = bench.queue("care").await;
        let billing = bench.queue("billing").await;
        let (_, mut hers) = bench.at_work("ana", &care).await;
        let contact = Contact::new();
        let mut facts = contact.facts(types::InteractionKind::Call, types::Channel::Phone);
        facts.routing = Some(types::RoutingHint {
            queue: "care".into(),
            ..Default::default()
        });
        let call: (String, Data) = contact.linked(facts);
        teller.tell(bench.tenant, &[call]).await;
        let item = bench.accept(&hers.offer().await.id).await.unwrap();
        let request = transferring(&item.id, to_queue(&billing));
        let (_, next) = transfer(&bench, "ana", request).await.unwrap();
        assert_eq!(next.interaction_id, contact.interaction.to_string());
        teller.tell(bench.tenant, &[contact.ended()]).await;
        let abandoned = async || {
            let work = bench.work_item(&next.id).await;
            (work.state() == pb::WorkItemState::Abandoned).then_some(())
        };
        eventually("the customer hung up", abandoned).await;
        // The work of who handed it on is not touched by that.
        let given = bench.work_item(&item.id).await;
        assert_eq!(given.state(), pb::WorkItemState::WrappingUp);
        let ticket = tickets(&bench, &contact.of_conversation(), 1)
            .await
            .remove(0);
        let states = [pb::WorkItemState::WrappingUp, pb::WorkItemState::Abandoned];
        work(&bench, &ticket, &states).await;
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_hands_on_and_holds_their_own_contacts_only() {
    everywhere(async |bench: Bench| {
        let care = bench.queue("care").await;
        let (ana, mut hers) = bench.at_work("ana", &care).await;
        bench.ticket(&care).await;
        let item = bench.accept(&hers.offer().await.id).await.unwrap();
        bench.hire("ben", &care).await;
        let request = transferring(&item.id, to_queue(&care));
        let foreign = transfer(&bench, "ben", request).await.unwrap_err();
        assert_eq!(
            (foreign.code(), reason(&foreign).as_str()),
            (Code::PermissionDenied, "NOT_THE_AGENT")
        );
        let request = transferring(&item.id, to_agent(&ana));
        let to_self = transfer(&bench, "ana", request).await.unwrap_err();
        assert_eq!(reason(&to_self), "AGENT_HAS_IT");
        let nowhere = transferring(&item.id, pb::TransferTarget::default());
        let nowhere = transfer(&bench, "ana", nowhere).await.unwrap_err();
        assert_eq!(nowhere.code(), Code::InvalidArgument);
        let long = pb::TransferTarget {
            agent_timeout_s: 5,
            ..to_queue(&care)
        };
        let long = transfer(&bench, "ana", transferring(&item.id, long))
            .await
            .unwrap_err();
        assert_eq!(long.code(), Code::InvalidArgument);
        let hold = pb::HoldWorkItemRequest {
            request_id: request_id(),
            work_item_id: item.id.clone(),
        };
        let foreign = bench
            .transfers()
            .hold_work_item(bench.agent("ben", hold.clone()))
            .await;
        assert_eq!(reason(&foreign.unwrap_err()), "NOT_THE_AGENT");
        let held = bench
            .transfers()
            .hold_work_item(bench.agent("ana", hold))
            .await;
        assert!(
            held.unwrap()
                .into_inner()
                .work_item
                .unwrap()
                .hold_time
                .is_some()
        );
        let resume = pb::ResumeWorkItemRequest {
            request_id: request_id(),
            work_item_id: item.id.clone(),
        };
        let resumed = bench
            .transfers()
            .resume_work_item(bench.agent("ana", resume))
            .await;
        let resumed = resumed.unwrap().into_inner().work_item.unwrap();
        assert!(resumed.hold_time.is_none() && resumed.hold_duration.is_some());
        bench.verified().await;
    })
    .await;
}
