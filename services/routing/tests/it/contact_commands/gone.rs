//! Contacts that are over, as their connector says of a command.

use rapport_proto::routing::v1 as pb;
use rapport_proto::routing::v1::ContactCommandKind as Kind;

use super::given_back::hand_on;
use super::line::command;
use super::{House, hold};
use crate::bench::{Bench, everywhere, reason, request_id};

async fn settle(bench: &Bench, ticket_id: &str) {
    let request = pb::ResolveTicketRequest {
        request_id: request_id(),
        ticket_id: ticket_id.into(),
        outcome: "solved".into(),
        root_cause: "cable".into(),
        ..Default::default()
    };
    let request = bench.boss(request);
    bench.tickets().resolve_ticket(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_whose_matter_is_settled_while_nobody_has_it_is_hung_up() {
    everywhere(async |bench: Bench| {
        let house = House::of(bench).await;
        let bench = &house.bench;
        let (_, _hers, mut line, item) = house.on_the_line("ana").await;
        let next = hand_on(&house, &item).await;
        line.does_next(Kind::Transfer).await;
        settle(bench, &item.ticket_id).await;
        let hang_up = line.does_next(Kind::HangUp).await;
        let told = command(&hang_up);
        assert_eq!(
            (told.work_item_id.as_str(), told.agent_id.as_str()),
            (next.id.as_str(), "")
        );
        let left = bench.work_item(&next.id).await;
        assert_eq!(left.state(), pb::WorkItemState::Withdrawn);
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_asked_about_a_contact_that_is_over_is_asked_no_more() {
    everywhere(async |bench: Bench| {
        let house = House::of(bench).await;
        let bench = &house.bench;
        let (_, _hers, mut line, item) = house.on_the_line("ana").await;
        let (_, mut his) = house.at_work("ben").await;
        let request = pb::StartConsultRequest {
            request_id: request_id(),
            work_item_id: item.id.clone(),
            to: Some(pb::TransferTarget {
                queue_id: house.care.id.clone(),
                ..Default::default()
            }),
            ..Default::default()
        };
        let request = bench.agent("ana", request);
        let asked = bench.transfers().start_consult(request).await.unwrap();
        let asked = asked.into_inner().consult_work_item.unwrap();
        line.does_next(Kind::Hold).await;
        bench.accept(&his.offer().await.id).await.unwrap();
        let connect = line.told(Kind::Connect).await;
        assert_eq!(command(&connect).work_item_id, asked.id);
        line.fails(&connect, pb::CommandFault::ContactGone).await;
        // The contact itself is over, and nobody is asked about it.
        let refused = bench.agent("ana", hold(&item));
        let refused = bench.transfers().hold_work_item(refused).await;
        assert_eq!(reason(&refused.unwrap_err()), "CONTACT_OVER");
        let work = bench.work_item(&item.id).await;
        assert_eq!(work.consult_work_item_id, "");
        for work in [&item, &asked] {
            bench.complete(work).await;
        }
        let told = house.commands_of(&item).await;
        assert!(told.iter().all(|told| told.kind() != Kind::HangUp));
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_on_with_a_contact_ends_by_a_command_of_work_that_is_done() {
    everywhere(async |bench: Bench| {
        let house = House::of(bench).await;
        let bench = &house.bench;
        let (_, _hers, mut line, item) = house.on_the_line("ana").await;
        let request = bench.agent("ana", hold(&item));
        bench.transfers().hold_work_item(request).await.unwrap();
        let held = line.told(Kind::Hold).await;
        let next = hand_on(&house, &item).await;
        let request = pb::EndWrapUpRequest {
            request_id: request_id(),
            work_item_id: item.id.clone(),
        };
        let request = bench.agent("ana", request);
        bench.work_items().end_wrap_up(request).await.unwrap();
        let done = bench.work_item(&item.id).await;
        assert_eq!(done.state(), pb::WorkItemState::Transferred);
        line.fails(&held, pb::CommandFault::ContactGone).await;
        let left = bench.work_item(&next.id).await;
        assert_eq!(left.state(), pb::WorkItemState::Abandoned);
        bench.verified().await;
    })
    .await;
}
