//! The service in this process, through its contracts, on every engine there is.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod agents;
mod away;
mod bad_input;
mod bench;
mod desks;
mod intake;
mod owners;
mod restart;
mod routing_policies;
mod sla;
mod tickets;
