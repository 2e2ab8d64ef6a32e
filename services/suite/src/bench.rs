//! What the suite costs, measured beside what it is compared with, in one run on one machine.
//!
//! Every figure of a run comes from the same minutes: targets take turns round by round, and a ratio is the median
//! of the rounds' ratios. Load is open loop where latency counts: a call's time begins when it was meant to be
//! sent, so that a stall is felt by everything that had to wait for it.

mod archive;
mod certificate;
mod contact;
pub(crate) mod echo;
mod flow;
pub(crate) mod gateway;
mod ground;
mod house;
pub(crate) mod idle;
pub(crate) mod ingest;
mod issuer;
mod load;
pub(crate) mod overload;
mod peers;
mod postgres;
mod process;
mod report;
pub(crate) mod routing;
pub(crate) mod service;
mod sqlite;
mod stage;
pub(crate) mod timeline;
mod way;
