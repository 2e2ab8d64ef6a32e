//! Callers who do not read.

use std::time::Duration;

use rapport_foundation::testing::eventually;

use crate::fixture::{Plan, Way};
use crate::upstream::UNARY;
use crate::wire::{self, Wire};

/// More than the answers that any one connection of ours holds back: together more than 5 MB beyond the first frame of each.
const DEAF: usize = 120;
const ANSWER_BYTES: usize = 60_000;

#[tokio::test]
async fn answers_that_nobody_reads_hold_up_nobody_else() {
    let fixture = Plan {
        way: Way::Split,
        ..Plan::default()
    }
    .open()
    .await;
    let call = wire::whole_call(1, UNARY, &fixture.token(), &"x".repeat(ANSWER_BYTES));
    let mut deaf = Vec::new();
    for _ in 0..DEAF {
        // A window of nothing for every stream.
        let mut wire = Wire::open(&fixture, &[0, 4, 0, 0, 0, 0]).await;
        wire.send(&call).await;
        deaf.push(wire);
    }
    eventually("the service has answered all of them", async || {
        (fixture.upstream.calls() >= DEAF).then_some(())
    })
    .await;
    let client = fixture.client(&fixture.token()).await;
    let neighbour = client.unary(UNARY, "hello");
    let answer = tokio::time::timeout(Duration::from_secs(5), neighbour).await;
    answer.expect("it was held up").unwrap();
}
