//! Loyalty through its contract, on every engine.
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(
    clippy::print_stdout,
    reason = "a failing test must say on which engine"
)]

mod books;
mod concurrency;
mod consumers;
mod floor;
mod journeys;
mod ledger;
mod news;
mod programs;
mod storm;
mod tenants;
