//! `rapport demo`

use std::path::PathBuf;

use clap::Args;
use rapport_foundation::service::{Stopped, termination};
use rapport_foundation::telemetry::{self, LogFormat, TelemetryConfig};

use super::{Ended, say};
use crate::demo::play;
use crate::embed::{Options, Suite};
use crate::error::Error;

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Stops when the hour is over, instead of leaving the suite serving
    #[arg(long)]
    exit: bool,
    /// Where to keep its data; must be empty or missing [default: a fresh temporary directory]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Demo {
    pub(super) async fn run(self) -> Result<Ended, Error> {
        let telemetry = telemetry::init(&quiet(), "rapport-demo")?;
        let asked = tokio::spawn(termination());
        let (dir, temporary) = self.directory()?;
        let started = std::time::Instant::now();
        let suite = Suite::start(Options::in_dir(&dir)).await?;
        say(&format!(
            "the suite was ready after {} ms",
            started.elapsed().as_millis()
        ));

        let stopped = match Box::pin(play(&suite, &dir)).await {
            Err(error) => {
                suite.stop().await;
                return Err(error);
            }
            Ok(_) if self.exit => suite.stop().await,
            Ok(played) => {
                played.invite(&suite, &dir)?;
                say("\nserving; stop it with Ctrl-C");
                suite.stop_when(async { drop(asked.await) }).await
            }
        };
        telemetry.shutdown().await;
        drop(temporary);
        match stopped {
            Stopped::Cleanly => Ok(Ended::Well),
            Stopped::CutOff(late) => {
                Err(Error::Demo(vec![format!("{late:?} did not end in time")]))
            }
            Stopped::Failed(task) => Err(Error::TaskFailed(task)),
        }
    }

    /// The directory, and what removes it at the end when nobody asked for it.
    fn directory(&self) -> Result<(PathBuf, Option<tempfile::TempDir>), Error> {
        let refused = |what: String, source| Error::Io { what, source };
        match &self.dir {
            None => {
                let temporary = tempfile::Builder::new()
                    .prefix("rapport-demo-")
                    .tempdir()
                    .map_err(|error| refused("a temporary directory".into(), error))?;
                Ok((temporary.path().to_owned(), Some(temporary)))
            }
            Some(dir) => {
                std::fs::create_dir_all(dir)
                    .map_err(|error| refused(dir.display().to_string(), error))?;
                let mut entries = std::fs::read_dir(dir)
                    .map_err(|error| refused(dir.display().to_string(), error))?;
                if entries.next().is_some() {
                    let text = format!(
                        "{} is not empty: the demo starts from nothing",
                        dir.display()
                    );
                    return Err(Error::Usage(text));
                }
                Ok((dir.clone(), None))
            }
        }
    }
}

/// The story is what people read; the log speaks up only when something is wrong.
fn quiet() -> TelemetryConfig {
    TelemetryConfig {
        log_filter: std::env::var("RAPPORT_TELEMETRY__LOG_FILTER")
            .unwrap_or_else(|_| "error".into()),
        log_format: LogFormat::Pretty,
        otlp_endpoint: std::env::var("RAPPORT_TELEMETRY__OTLP_ENDPOINT").ok(),
        ..TelemetryConfig::default()
    }
}
