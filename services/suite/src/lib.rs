//! The suite in one binary: serve, demo, migrate, token, keys, import, export, apply, verify, call.

pub mod assembly;
mod bench;
pub mod cli;
pub mod client;
pub mod config;
pub mod configure;
pub mod data_dir;
pub mod demo;
pub mod embed;
mod error;
pub mod export;
pub mod import;
mod simulate;

pub use error::{EXIT_DIFFERENCES, EXIT_REJECTS, EXIT_USAGE, Error};
