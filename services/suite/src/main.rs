//! The binary rapport: serve, demo, migrate, token, keys, import, export, verify, call, check-config, healthcheck.

use std::process::ExitCode;

fn main() -> ExitCode {
    rapport_suite::cli::main(std::env::args_os().collect())
}
