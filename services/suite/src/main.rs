//! The binary rapport: serve, demo, migrate, token, keys, import, export, verify, call, check-config, healthcheck.

use std::process::ExitCode;

/// A request is made of values that one thread makes and another drops; this allocator is made for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    rapport_suite::cli::main(std::env::args_os().collect())
}
