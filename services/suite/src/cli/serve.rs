//! `rapport serve`: parse → telemetry → configuration → connect → migrate → open → ready → wait → drain → flush.

use std::net::SocketAddr;

use clap::Args;
use rapport_foundation::role::Role;
use rapport_foundation::service::{Stopped, termination};
use rapport_foundation::telemetry;
use rapport_foundation::time::Clock;

use super::{Ended, Settings, say};
use crate::assembly::Suite;
use crate::config::Config;
use crate::error::Error;

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    settings: Settings,
    /// Where to listen: the gateway publicly, any other part for its neighbours; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

impl Serve {
    pub(super) async fn run(self) -> Result<Ended, Error> {
        let config = self.configuration()?;
        let telemetry = telemetry::init(&config.telemetry, &service_name(&config))?;
        // Asked for from here on: whoever starts us may end us before we are ready.
        let asked = tokio::spawn(termination());
        let counted = config
            .admin
            .address
            .map(|_| telemetry::count(&service_name(&config)));
        let mut suite = Suite::open(&config, Clock::system()).await?;
        if let Some(metrics) = counted.transpose()? {
            suite.show(&config, metrics).await?;
        }
        suite.ready().await;
        say(&suite.addresses().to_string());
        let stopped = suite
            .run_until(async {
                let _ = asked.await;
            })
            .await;
        telemetry.shutdown().await;
        match stopped {
            Stopped::Failed(task) => Err(Error::TaskFailed(task)),
            Stopped::Cleanly | Stopped::CutOff(_) => Ok(Ended::Well),
        }
    }

    /// How many threads the configuration asks for. What is wrong with it is said when it is read to be used.
    pub(super) fn threads(&self) -> Option<usize> {
        self.configuration().ok()?.threads()
    }

    fn configuration(&self) -> Result<Config, Error> {
        let mut flags = Vec::new();
        if let Some(address) = self.listen {
            let config = self.settings.read(Vec::new())?;
            let key = if config.plays(Role::Gateway) {
                "gateway.listen.address"
            } else {
                "service.address"
            };
            flags.push((key.to_owned(), address.to_string()));
        }
        self.settings.read(flags)
    }
}

fn service_name(config: &Config) -> String {
    match config.roles.as_slice() {
        [role] => format!("rapport-{role}"),
        _ => "rapport".into(),
    }
}
