//! The service in this process, through its contracts, on every engine there is.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod agents;
mod away;
mod bad_input;
mod bench;
mod bots;
mod broadcast;
mod bulk;
mod capacity;
mod complaints;
mod contact_commands;
mod desk_log;
mod desks;
mod disciplines;
mod faults;
mod history;
mod incidents;
mod intake;
mod merging;
mod owners;
mod preferences;
mod repeats;
mod restart;
mod routing_policies;
mod severity;
mod shifts;
mod sla;
mod supervision;
mod tickets;
mod transfers;
mod watching;
