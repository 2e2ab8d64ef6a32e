//! What the other services hear of the ledger.

use std::time::Duration;

use rapport_foundation::events::{Log, Position};
use rapport_foundation::testing::eventually;
use rapport_proto::events::v1::event::Data;
use rapport_proto::events::v1::{EntryFacts, Event};

use crate::floor::{Floor, on_every_engine};

async fn events(f: &Floor, at_least: usize) -> Vec<Event> {
    let log = Log::new(f.t.db.clone());
    eventually("the events are in the log", async || {
        let read = log
            .read(f.tenant, Position::default(), 1_000)
            .await
            .unwrap()
            .0;
        (read.len() >= at_least).then_some(read)
    })
    .await
}

fn facts(event: &Event) -> Option<&EntryFacts> {
    match event.data.as_ref()? {
        Data::PointsEarned(data) => data.entry.as_ref(),
        Data::PointsHeld(data) => data.entry.as_ref(),
        Data::HoldCaptured(data) => data.entry.as_ref(),
        Data::HoldVoided(data) => data.entry.as_ref(),
        Data::EntryReversed(data) => data.entry.as_ref(),
        Data::PointsExpired(data) => data.entry.as_ref(),
        Data::DebtPaid(data) => data.entry.as_ref(),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_entry_has_its_event_in_the_order_of_the_chain() {
    on_every_engine(async |f| {
        let member = f.member_of(|program| program.validity_days = 30).await;
        let order = f
            .earn_by(&member, "A-1", 10_000)
            .await
            .unwrap()
            .entry
            .unwrap()
            .id;
        let hold = f.hold(&member, 60, 0).await.unwrap().hold.unwrap().id;
        f.capture(&hold, Some(50)).await.unwrap();
        f.reverse(&order, None).await.unwrap();
        f.earn(&member, 70).await.unwrap();
        f.hold(&member, 5, 60).await.unwrap();
        f.clock.advance(Duration::from_secs(31 * 86_400));
        let told = events(&f, 11).await;
        let kinds: Vec<&str> = told.iter().map(|event| event.r#type.as_str()).collect();
        assert_eq!(
            kinds,
            [
                "member_enrolled",
                "points_earned",
                "points_held",
                "hold_captured",
                "hold_voided",
                "entry_reversed",
                "points_earned",
                "debt_paid",
                "points_held",
                "hold_voided",
                "points_expired",
            ]
        );
        assert!(told.iter().all(|event| event.aggregate_id == member));
        let ids: Vec<_> = told
            .iter()
            .filter_map(facts)
            .map(|facts| &facts.entry_id)
            .collect();
        let entries = f.entries(&member).await;
        assert!(entries.iter().rev().map(|entry| &entry.id).eq(ids));
        let lapsed = |event: &Event| match &event.data {
            Some(Data::HoldVoided(data)) => Some(data.lapsed),
            _ => None,
        };
        assert_eq!(
            told.iter().filter_map(lapsed).collect::<Vec<_>>(),
            [false, true]
        );
        f.check().await;
    })
    .await;
}
