//! The suite in one binary: serve, demo, migrate, token, import, verify.

pub mod client;
pub mod import;
