//! The binary's commands against a suite in this process.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop at the first surprise"
)]

mod cli;
mod configure;
mod export;
mod import;
mod simulate;
mod stage;
