//! End to end, through the gateway only; plus what must hold for the whole tree.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod audit;
mod contracts;
mod coverage;
mod foreign;
mod hostile;
mod journeys;
mod storm;
mod tidy;
