//! `rapport healthcheck`

use std::time::Duration;

use clap::Args;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::{Ended, say};
use crate::error::Error;

#[derive(Debug, Args)]
pub(super) struct Healthcheck {
    /// Where it listens
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    address: String,
    /// How long the answer may take, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 2000)]
    timeout_ms: u64,
}

impl Healthcheck {
    pub(super) async fn run(self) -> Result<Ended, Error> {
        let url = match self.address.contains("://") {
            true => self.address.clone(),
            false => format!("http://{}", self.address),
        };
        let asked = ask(url);
        let status = tokio::time::timeout(Duration::from_millis(self.timeout_ms), asked)
            .await
            .map_err(|_| Error::NotServing(format!("no answer within {} ms", self.timeout_ms)))??;
        match status {
            ServingStatus::Serving => {
                say("serving");
                Ok(Ended::Well)
            }
            other => Err(Error::NotServing(other.as_str_name().to_ascii_lowercase())),
        }
    }
}

async fn ask(url: String) -> Result<ServingStatus, Error> {
    let endpoint = tonic::transport::Endpoint::from_shared(url)
        .map_err(|error| Error::Usage(error.to_string()))?;
    let channel = endpoint.connect().await.map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        Error::NotServing(cause.unwrap_or_else(|| error.to_string()))
    })?;
    let answer = HealthClient::new(channel)
        .check(HealthCheckRequest::default())
        .await
        .map_err(|status| Error::NotServing(status.message().to_owned()))?;
    Ok(answer.into_inner().status())
}
