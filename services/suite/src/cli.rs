//! The command line: one file for each command.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use rapport_foundation::role::Role;
use tokio::runtime::{Builder, Runtime};

use crate::config::Config;
use crate::error::{EXIT_USAGE, Error};

mod api_key;
mod apply;
mod bench;
mod call;
mod check_config;
mod demo;
mod diff;
mod export;
mod get;
mod healthcheck;
mod import;
mod keys;
mod migrate;
mod out;
mod policy;
mod serve;
mod simulate;
mod token;
mod verify;

pub(crate) use out::say;

/// The omnichannel suite in one binary.
#[derive(Debug, Parser)]
#[command(name = "rapport", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the suite: all of it on SQLite, or one part with neighbours on PostgreSQL
    Serve(serve::Serve),
    /// Starts a suite in a fresh directory and plays a contact-centre hour on it
    Demo(demo::Demo),
    /// Brings databases up to date
    Migrate(migrate::Migrate),
    /// Makes a development token for an embedded suite
    Token(token::Token),
    /// Makes and ends API keys on the gateway's database, before anybody can log in
    #[command(subcommand)]
    ApiKey(api_key::ApiKey),
    /// Makes the keys of parts that run apart
    Keys(keys::Keys),
    /// Brings a file in
    #[command(subcommand)]
    Import(import::Import),
    /// Takes a stretch of the log out into a file
    #[command(subcommand)]
    Export(export::Export),
    /// Makes queues, agents, calendars, SLA policies and the routing policy what files say
    ///
    /// Exit code 0: everything is as the files say; 2: it was not wanted after all; 1: something was in the way, which is
    /// told with what was done and what was not; 64: the files have faults, and nothing was asked.
    Apply(apply::Apply),
    /// Says what `apply` would make and change
    ///
    /// Exit code 0: nothing is different; 2: something is; 1: it could not be told; 64: the files have faults, and nothing was
    /// asked.
    Diff(diff::Diff),
    /// Prints queues, agents, calendars, SLA policies and the routing policy as files for `apply`
    Get(get::Get),
    /// Checks that what must always hold does; works while the suite runs
    Verify(verify::Verify),
    /// Calls a method of the gateway with JSON
    Call(call::Call),
    /// Says what the configuration comes to, or everything that is wrong with it
    CheckConfig(check_config::CheckConfig),
    /// Shows what the contracts demand of callers
    Policy(policy::Policy),
    /// Asks whether a gateway or service is serving
    Healthcheck(healthcheck::Healthcheck),
    /// Plays a contact centre on the routing engine by a virtual clock: waits, service level, abandonment, occupancy
    Simulate(simulate::Simulate),
    /// Measures the suite beside what it is compared with
    #[command(subcommand)]
    Bench(bench::Bench),
}

/// What says how a process is configured.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Settings {
    /// The configuration file (TOML)
    #[arg(long, value_name = "FILE", env = "RAPPORT_CONFIG")]
    config: Option<PathBuf>,
    /// Where an embedded suite keeps its data
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// A part to play; may be repeated; all when not given
    #[arg(long, value_name = "ROLE")]
    role: Vec<Role>,
    /// Any setting by its name, such as routing.agent_grace_ms=60000; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    set: Vec<(String, String)>,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
        None => Err("expected KEY=VALUE".into()),
    }
}

impl Settings {
    /// Defaults, then the file, then the environment, then the flags.
    pub(crate) fn read(&self, more: Vec<(String, String)>) -> Result<Config, Error> {
        let config = self.read_unchecked_with(more)?;
        config.check()?;
        Ok(config)
    }

    /// The same without asking whether a process could serve with it.
    pub(crate) fn read_unchecked(&self) -> Result<Config, Error> {
        self.read_unchecked_with(Vec::new())
    }

    fn read_unchecked_with(&self, more: Vec<(String, String)>) -> Result<Config, Error> {
        let mut flags = self.set.clone();
        if let Some(dir) = &self.data_dir {
            flags.push(("data_dir".into(), dir.display().to_string()));
        }
        if !self.role.is_empty() {
            let roles: Vec<&str> = self.role.iter().map(|role| role.as_str()).collect();
            flags.push(("roles".into(), roles.join(",")));
        }
        flags.extend(more);
        Ok(Config::read(self.config.as_deref(), flags)?)
    }
}

/// How a command ended that did not fail.
pub(crate) enum Ended {
    /// As hoped.
    Well,
    /// Done, but the caller should look.
    With(u8),
}

/// Runs one command line and gives the exit code: 0, 1 when it failed, 64 when the command or the
/// configuration makes no sense, 2 when an import rejected rows or something is not as files say.
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are asked for and no errors; they go to stdout.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { EXIT_USAGE } else { 0 });
        }
    };
    // A second installation is refused and means nothing: the first is the same.
    let _ = jsonwebtoken::crypto::CryptoProvider::install_default(
        &jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER,
    );
    let runtime = match runtime(&cli.command) {
        Ok(runtime) => runtime,
        Err(error) => {
            out::complain(&format!("no threads can be started: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(Box::pin(run(cli.command))) {
        Ok(Ended::Well) => ExitCode::SUCCESS,
        Ok(Ended::With(code)) => ExitCode::from(code),
        Err(error) => {
            out::complain(&error.to_string());
            error.exit_code()
        }
    }
}

/// As many threads as the command wants.
fn runtime(command: &Command) -> std::io::Result<Runtime> {
    let threads = match command {
        Command::Serve(command) => command.threads(),
        _ => None,
    };
    let mut builder = match threads {
        // Without a scheduler of several threads, what becomes ready together is done together.
        Some(1) => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    if let Some(threads) = threads.filter(|threads| *threads > 1) {
        builder.worker_threads(threads);
    }
    builder.enable_all().build()
}

async fn run(command: Command) -> Result<Ended, Error> {
    match command {
        Command::Serve(command) => command.run().await,
        Command::Demo(command) => command.run().await,
        Command::Migrate(command) => command.run().await,
        Command::Token(command) => command.run(),
        Command::ApiKey(command) => command.run().await,
        Command::Keys(command) => command.run(),
        Command::Import(command) => command.run().await,
        Command::Export(command) => command.run().await,
        Command::Apply(command) => command.run().await,
        Command::Diff(command) => command.run().await,
        Command::Get(command) => command.run().await,
        Command::Verify(command) => command.run().await,
        Command::Call(command) => command.run().await,
        Command::CheckConfig(command) => command.run(),
        Command::Policy(command) => command.run(),
        Command::Healthcheck(command) => command.run().await,
        Command::Simulate(command) => command.run(),
        Command::Bench(command) => command.run().await,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
