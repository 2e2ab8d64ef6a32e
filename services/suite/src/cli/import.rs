//! `rapport import interactions FILE --map MAP`

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::call::Target;
use super::token::seconds;
use super::{Ended, say};
use crate::error::{EXIT_REJECTS, Error};
use crate::import::{Plan, run};

#[derive(Debug, Subcommand)]
pub(super) enum Import {
    /// Contacts from CSV or NDJSON, plain or gzip. Killed or stopped, the same command goes on where it was
    Interactions(Interactions),
}

#[derive(Debug, Args)]
pub(super) struct Interactions {
    /// The file
    file: PathBuf,
    /// What its columns mean (TOML)
    #[arg(long, value_name = "MAP")]
    map: PathBuf,
    /// Treats the contacts as happening now: they open tickets, earn points. Else they are history
    #[arg(long)]
    live: bool,
    /// Contacts sent and not yet acknowledged, at most
    #[arg(long, value_name = "COUNT", default_value_t = 256)]
    concurrency: usize,
    /// Where rejected rows go [default: FILE.rejects.csv]; the state of the import is kept beside it
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// How long the suite may be out of reach
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = seconds)]
    give_up_after: u32,
    #[command(flatten)]
    target: Target,
}

impl Import {
    pub(super) async fn run(self) -> Result<Ended, Error> {
        let Import::Interactions(command) = self;
        let plan = Plan {
            gateway: command.target.authorised()?,
            file: command.file,
            map: command.map,
            live: command.live,
            concurrency: command.concurrency,
            rejects: command.rejects,
            give_up_after: Duration::from_secs(command.give_up_after.into()),
        };
        let report = run(plan, rapport_foundation::service::termination()).await?;
        say(&report.to_string());
        Ok(match report.tally.rejected {
            0 => Ended::Well,
            _ => Ended::With(EXIT_REJECTS),
        })
    }
}
