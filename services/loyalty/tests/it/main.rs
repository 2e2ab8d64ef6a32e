//! Loyalty through its contract, on every engine.
#![expect(clippy::unwrap_used, reason = "tests")]

mod books;
mod concurrency;
mod consumers;
mod floor;
mod journeys;
mod ledger;
mod programs;
mod tenants;
