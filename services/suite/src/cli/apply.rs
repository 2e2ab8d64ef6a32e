//! `rapport apply -f FILE_OR_FOLDER`

use std::io::{BufRead as _, IsTerminal as _};

use clap::Args;

use super::call::Target;
use super::diff::Files;
use super::{Ended, out, say};
use crate::error::{EXIT_DIFFERENCES, Error};

#[derive(Debug, Args)]
pub(super) struct Apply {
    #[command(flatten)]
    files: Files,
    /// Asks nothing
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    target: Target,
}

impl Apply {
    pub(super) async fn run(self) -> Result<Ended, Error> {
        let comparison = self.files.compare(&self.target).await?;
        comparison.lines().iter().for_each(|line| say(line));
        if comparison.plan.differences() == 0 {
            return Ok(Ended::Well);
        }
        if !self.yes && !is_wanted()? {
            return Ok(Ended::With(EXIT_DIFFERENCES));
        }
        let mut tell = |line: &str| say(line);
        Box::pin(comparison.apply(&mut tell)).await?;
        Ok(Ended::Well)
    }
}

/// Asks whoever sits there.
fn is_wanted() -> Result<bool, Error> {
    if !std::io::stdin().is_terminal() {
        let text = "nobody can be asked whether this is wanted: --yes says that it is";
        return Err(Error::Usage(text.into()));
    }
    out::aside("Is this wanted? Only `yes` does it:");
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.map_err(|source| Error::Io {
        what: "standard input".into(),
        source,
    })?;
    Ok(answer.trim() == "yes")
}
