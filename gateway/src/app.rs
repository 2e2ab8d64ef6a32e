//! Use cases of `rapport.access.v1`, one function per RPC.

pub mod audit;
pub mod tenants;
