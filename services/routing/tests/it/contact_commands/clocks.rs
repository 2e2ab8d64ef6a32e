//! Whose being put through answers a customer.

use rapport_foundation::testing::eventually;
use rapport_proto::routing::v1 as pb;
use rapport_proto::routing::v1::ContactCommandKind as Kind;

use super::line::Line;
use super::{House, PBX};
use crate::bench::{Bench, everywhere, request_id};
use crate::sla::{FIRST, around_the_clock, policy, target};

#[tokio::test(flavor = "multi_thread")]
async fn who_is_put_through_has_answered_unless_they_are_a_bot() {
    everywhere(async |bench: Bench| {
        let calendar = bench.calendar(around_the_clock()).await.unwrap();
        let promise = policy(&calendar, &[target(FIRST, 60)]);
        bench.promise(promise).await.unwrap();
        let house = House::of(bench).await;
        let bench = &house.bench;
        let (_, mut front) = house.at_work_as("robo", pb::AgentKind::Virtual).await;
        let mut line = Line::open(bench, PBX, 5).await;
        let item = house.accepted(&mut front).await;
        line.does_next(Kind::Connect).await;
        let tickets = bench.list_tickets(pb::ListTicketsRequest::default()).await;
        let clock = bench.clock(&tickets[0], FIRST).await;
        assert_eq!(clock.state(), pb::SlaClockState::Running);
        let (_, mut hers) = house.at_work("ana").await;
        let request = pb::HandOverWorkRequest {
            request_id: request_id(),
            work_item_id: item.id.clone(),
            queue_id: house.care.id.clone(),
            ..Default::default()
        };
        let request = bench.agent("robo", request);
        bench.bots().hand_over_work(request).await.unwrap();
        let offer = hers.offer().await;
        bench.accept(&offer.id).await.unwrap();
        line.does_next(Kind::Transfer).await;
        let clock = bench.clock(&tickets[0], FIRST).await;
        assert_eq!(clock.state(), pb::SlaClockState::Running, "not yet");
        line.does_next(Kind::Connect).await;
        eventually("the customer is answered", async || {
            let clock = bench.clock(&tickets[0], FIRST).await;
            (clock.state() == pb::SlaClockState::Met).then_some(())
        })
        .await;
        bench.verified().await;
    })
    .await;
}
