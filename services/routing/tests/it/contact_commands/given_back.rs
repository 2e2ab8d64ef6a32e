//! Contacts that a connector could not hand on.

use std::time::Duration;

use rapport_proto::routing::v1 as pb;
use rapport_proto::routing::v1::ContactCommandKind as Kind;

use super::line::command;
use super::{House, hold, told};
use crate::bench::{Bench, everywhere, request_id};
use crate::sla::{at, everywhere_at};

/// Ana hands a contact on to the queue it is of.
pub(super) async fn hand_on(house: &House, item: &pb::WorkItem) -> pb::WorkItem {
    let request = pb::TransferWorkItemRequest {
        request_id: request_id(),
        work_item_id: item.id.clone(),
        to: Some(pb::TransferTarget {
            queue_id: house.care.id.clone(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let bench = &house.bench;
    let answer = bench
        .transfers()
        .transfer_work_item(bench.agent("ana", request))
        .await;
    answer.unwrap().into_inner().next_work_item.unwrap()
}

/// To whom work went back, as the history of its ticket tells it.
async fn returned(bench: &Bench, work: &pb::WorkItem) -> String {
    let request = pb::ListTicketChangesRequest {
        ticket_id: work.ticket_id.clone(),
        ..Default::default()
    };
    let changes = bench
        .tickets()
        .list_ticket_changes(bench.boss(request))
        .await;
    let changes = changes.unwrap().into_inner().ticket_changes;
    let mut told = changes
        .into_iter()
        .filter(|change| change.field == "work_item.agent_id");
    let only = told.next().expect("it is told");
    assert!(told.next().is_none(), "once");
    assert_eq!(only.old_value, work.id);
    only.new_value
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_is_not_handed_on_is_again_with_who_had_it_and_the_history_tells() {
    everywhere(async |bench: Bench| {
        let house = House::of(bench).await;
        let bench = &house.bench;
        let (ana, mut hers, mut line, item) = house.on_the_line("ana").await;
        let next = hand_on(&house, &item).await;
        let transfer = line.told(Kind::Transfer).await;
        assert_eq!(command(&transfer).next_work_item_id, next.id);
        line.fails(&transfer, pb::CommandFault::Unspecified).await;
        let known = loop {
            let known = told(&mut hers).await;
            if known.kind() == Kind::Transfer {
                break known;
            }
        };
        assert_eq!(known.state(), pb::ContactCommandState::Failed);
        let connect = line.does_next(Kind::Connect).await;
        assert_eq!(command(&connect).agent_id, ana.id);
        let back = bench.work_item(&next.id).await;
        assert_eq!(
            (back.state(), back.agent_id.as_str(), back.over_capacity),
            (pb::WorkItemState::Accepted, ana.id.as_str(), true)
        );
        assert_eq!(
            returned(bench, &next).await,
            format!("{},{},over_capacity,not_transferred", next.id, ana.id)
        );
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_is_over_when_it_is_handed_on_is_put_before_nobody() {
    everywhere(async |bench: Bench| {
        let house = House::of(bench).await;
        let bench = &house.bench;
        let (_, _hers, mut line, item) = house.on_the_line("ana").await;
        let next = hand_on(&house, &item).await;
        let transfer = line.told(Kind::Transfer).await;
        line.fails(&transfer, pb::CommandFault::ContactGone).await;
        let left = bench.work_item(&next.id).await;
        assert_eq!(left.state(), pb::WorkItemState::Abandoned);
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_handed_on_in_time_goes_back_though_the_clock_was_set_back() {
    everywhere_at("2026-03-30T08:00:00Z", async |bench: Bench| {
        let house = House::of(bench).await;
        let bench = &house.bench;
        let (ana, mut hers, mut line, item) = house.on_the_line("ana").await;
        let next = hand_on(&house, &item).await;
        line.told(Kind::Transfer).await;
        let clock = &bench.t.env.clock;
        clock.correct(at("2026-03-30T03:00:00Z"));
        // Twice the time at most, and no hours.
        clock.advance(Duration::from_secs(60));
        let known = loop {
            let known = told(&mut hers).await;
            if known.kind() == Kind::Transfer {
                break known;
            }
        };
        assert_eq!(known.state(), pb::ContactCommandState::Expired);
        let back = bench.work_item(&next.id).await;
        assert_eq!(
            (back.state(), &back.agent_id),
            (pb::WorkItemState::Accepted, &ana.id)
        );
        assert!(returned(bench, &next).await.ends_with(",not_transferred"));
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_put_on_hold_may_be_again() {
    everywhere(async |bench: Bench| {
        let house = House::of(bench).await;
        let bench = &house.bench;
        let (_, _hers, mut line, item) = house.on_the_line("ana").await;
        let put = async || {
            let request = bench.agent("ana", hold(&item));
            let put = bench.transfers().hold_work_item(request).await;
            put.unwrap();
        };
        put().await;
        let held = line.told(Kind::Hold).await;
        line.fails(&held, pb::CommandFault::Unspecified).await;
        assert!(bench.work_item(&item.id).await.hold_time.is_none());
        put().await;
        line.does_next(Kind::Hold).await;
        assert!(bench.work_item(&item.id).await.hold_time.is_some());
        bench.verified().await;
    })
    .await;
}
