//! `rapport diff -f FILE_OR_FOLDER`

use std::path::PathBuf;

use clap::Args;

use super::call::Target;
use super::{Ended, say};
use crate::configure::Comparison;
use crate::error::{EXIT_DIFFERENCES, Error};

/// Which files.
#[derive(Debug, Args)]
pub(super) struct Files {
    /// A file (TOML), or a folder with files; may be repeated; examples are in deploy/configuration
    #[arg(short, long = "file", value_name = "FILE_OR_FOLDER", required = true)]
    file: Vec<PathBuf>,
    /// Also looks at what no file names: SLA policies are disabled; queues, agents, calendars and the routing policy stay,
    /// because nothing takes them away, and are told
    #[arg(long)]
    prune: bool,
}

impl Files {
    pub(super) async fn compare(&self, target: &Target) -> Result<Comparison, Error> {
        let gateway = target.authorised()?;
        Ok(Box::pin(Comparison::make(gateway, &self.file, self.prune)).await?)
    }
}

#[derive(Debug, Args)]
pub(super) struct Diff {
    #[command(flatten)]
    files: Files,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

impl Diff {
    pub(super) async fn run(self) -> Result<Ended, Error> {
        let comparison = self.files.compare(&self.target).await?;
        if self.json {
            let told = serde_json::to_string_pretty(&comparison.plan);
            say(&told.map_err(|error| Error::Usage(error.to_string()))?);
        } else {
            comparison.lines().iter().for_each(|line| say(line));
        }
        Ok(match comparison.plan.differences() {
            0 => Ended::Well,
            _ => Ended::With(EXIT_DIFFERENCES),
        })
    }
}
