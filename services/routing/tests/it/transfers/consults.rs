//! A second agent is asked about a contact.

use rapport_proto::routing::v1 as pb;
use tonic::Status;

use super::{to_agent, to_queue};
use crate::bench::{Bench, everywhere, reason, request_id};
use crate::restart::stop;

fn asking(item: &pb::WorkItem, to: pb::TransferTarget) -> pb::StartConsultRequest {
    pb::StartConsultRequest {
        request_id: request_id(),
        work_item_id: item.id.clone(),
        to: Some(to),
        note: "Is this still under warranty?".into(),
    }
}

async fn ask(
    bench: &Bench,
    who: &str,
    request: pb::StartConsultRequest,
) -> Result<(pb::WorkItem, pb::WorkItem), Status> {
    let request = bench.agent(who, request);
    let answer = bench.transfers().start_consult(request).await?.into_inner();
    Ok((answer.work_item.unwrap(), answer.consult_work_item.unwrap()))
}

async fn give(bench: &Bench, who: &str, item: &pb::WorkItem) -> Result<[pb::WorkItem; 2], Status> {
    let request = pb::CompleteTransferRequest {
        request_id: request_id(),
        work_item_id: item.id.clone(),
        disposition: "technical".into(),
        skip_wrap_up: false,
    };
    let request = bench.agent(who, request);
    let answer = bench
        .transfers()
        .complete_transfer(request)
        .await?
        .into_inner();
    Ok([answer.work_item.unwrap(), answer.next_work_item.unwrap()])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_goes_to_who_was_asked_about_it_also_after_a_restart() {
    everywhere(async |bench: Bench| {
        let care = bench.queue("care").await;
        let lab = bench.queue("lab").await;
        let (ana, mut hers) = bench.at_work("ana", &care).await;
        let ticket = bench.ticket(&care).await;
        let item = bench.accept(&hers.offer().await.id).await.unwrap();
        let request = asking(&item, to_queue(&lab));
        let (contact, consult) = ask(&bench, "ana", request.clone()).await.unwrap();
        assert!(contact.hold_time.is_some());
        assert_eq!(contact.consult_work_item_id, consult.id);
        assert_eq!(consult.consult_of_work_item_id, item.id);
        assert_eq!(
            (consult.state(), consult.ticket_id.as_str()),
            (pb::WorkItemState::Waiting, ticket.id.as_str())
        );
        let again = ask(&bench, "ana", request).await.unwrap();
        assert_eq!(again.1.id, consult.id, "one effect");
        let early = give(&bench, "ana", &item).await.unwrap_err();
        assert_eq!(reason(&early), "CONSULT_NOT_ACCEPTED");
        let (ben, mut his) = bench.at_work("ben", &lab).await;
        let offer = his.offer().await;
        let taken = bench.accept(&offer.id).await.unwrap();
        assert_eq!(taken.id, consult.id);
        let owner = async |bench: &Bench| {
            let read = pb::GetTicketRequest {
                ticket_id: ticket.id.clone(),
            };
            let ticket = bench.tickets().get_ticket(bench.boss(read)).await.unwrap();
            ticket.into_inner().ticket.unwrap().owner_agent_id
        };
        assert_eq!(
            owner(&bench).await,
            ana.id,
            "who is asked has not taken it up"
        );
        let foreign = give(&bench, "ben", &item).await.unwrap_err();
        assert_eq!(reason(&foreign), "NOT_THE_AGENT");
        let old = stop(bench).await;
        let bench = old.another().await;
        let [given, next] = give(&bench, "ana", &item).await.unwrap();
        assert_eq!(
            (given.state(), given.next_work_item_id.as_str()),
            (pb::WorkItemState::WrappingUp, consult.id.as_str())
        );
        assert_eq!(
            (next.id.as_str(), next.state(), next.agent_id.as_str()),
            (
                consult.id.as_str(),
                pb::WorkItemState::Accepted,
                ben.id.as_str()
            )
        );
        assert_eq!(next.consult_of_work_item_id, "");
        let request = pb::ListTicketChangesRequest {
            ticket_id: ticket.id.clone(),
            ..Default::default()
        };
        let changes = bench
            .tickets()
            .list_ticket_changes(bench.boss(request))
            .await;
        let fields: Vec<String> = changes
            .unwrap()
            .into_inner()
            .ticket_changes
            .into_iter()
            .filter(|change| change.field.starts_with("work_item."))
            .map(|change| change.field)
            .collect();
        assert_eq!(
            fields,
            [
                "work_item.next_work_item_id",
                "work_item.consult_work_item_id"
            ]
        );
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_stay_and_who_has_the_matter_may_solve_it() {
    everywhere(async |bench: Bench| {
        let care = bench.queue("care").await;
        let (_, mut hers) = bench.at_work("ana", &care).await;
        let ticket = bench.ticket(&care).await;
        let item = bench.accept(&hers.offer().await.id).await.unwrap();
        let (ben, mut his) = bench.at_work("ben", &care).await;
        let (_, consult) = ask(&bench, "ana", asking(&item, to_agent(&ben)))
            .await
            .unwrap();
        bench.accept(&his.offer().await.id).await.unwrap();
        let together = pb::StartConferenceRequest {
            request_id: request_id(),
            work_item_id: item.id.clone(),
        };
        let answer = bench
            .transfers()
            .start_conference(bench.agent("ana", together))
            .await;
        let contact = answer.unwrap().into_inner().work_item.unwrap();
        assert!(contact.conference && contact.hold_time.is_none());
        let resolve = pb::ResolveTicketRequest {
            request_id: request_id(),
            ticket_id: ticket.id.clone(),
            ..Default::default()
        };
        bench
            .tickets()
            .resolve_ticket(bench.agent("ana", resolve))
            .await
            .unwrap();
        // Who was asked is done first; the other goes on alone.
        bench.complete(&consult).await;
        let alone = bench.work_item(&item.id).await;
        assert_eq!(
            (
                alone.state(),
                alone.consult_work_item_id.as_str(),
                alone.conference
            ),
            (pb::WorkItemState::Accepted, "", false)
        );
        bench.complete(&item).await;
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_asked_no_more_has_a_way_out() {
    everywhere(async |bench: Bench| {
        let care = bench.queue("care").await;
        let (_, mut hers) = bench.at_work("ana", &care).await;
        bench.ticket(&care).await;
        let item = bench.accept(&hers.offer().await.id).await.unwrap();
        let (ben, mut his) = bench.at_work("ben", &care).await;
        let request = asking(&item, to_agent(&ben));
        let (_, consult) = ask(&bench, "ana", request.clone()).await.unwrap();
        bench.accept(&his.offer().await.id).await.unwrap();
        let end = pb::EndConsultRequest {
            request_id: request_id(),
            work_item_id: item.id.clone(),
        };
        let ended = bench
            .transfers()
            .end_consult(bench.agent("ana", end.clone()))
            .await;
        let ended = ended.unwrap().into_inner().work_item.unwrap();
        assert_eq!(ended.consult_work_item_id, "");
        assert!(ended.hold_time.is_some(), "the customer still waits");
        // A repetition of what is over tells who was asked.
        assert_eq!(ask(&bench, "ana", request).await.unwrap().1.id, consult.id);
        let once_more = pb::EndConsultRequest {
            request_id: request_id(),
            ..end
        };
        let nobody = bench
            .transfers()
            .end_consult(bench.agent("ana", once_more))
            .await;
        assert_eq!(reason(&nobody.unwrap_err()), "NOT_CONSULTING");
        let theirs = bench.work_item(&consult.id).await;
        assert_eq!(theirs.state(), pb::WorkItemState::Accepted);
        let over = bench.complete(&theirs).await;
        assert_eq!(over.state(), pb::WorkItemState::WrappingUp);
        bench.verified().await;
    })
    .await;
}
