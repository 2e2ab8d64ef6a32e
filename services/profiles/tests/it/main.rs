//! The service as its callers see it, on both engines.
#![expect(clippy::unwrap_used, reason = "tests")]

mod customers;
mod desk;
mod events;
mod merging;
mod refusals;
mod resolving;
mod stored;
mod tenants;
mod walk;
