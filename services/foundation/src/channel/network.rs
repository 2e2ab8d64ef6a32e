//! The network kind: a pool of connections to the replicas of a service.
//!
//! A call ([`call`]) takes a replica from the [`pool`], which [`balance`]s by least outstanding calls and leaves alone
//! who fails ([`eject`]), sends itself ([`exchange`]) and may be sent again when that is safe, within a [`budget`].

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use tonic::body::Body;

use super::{Answer, Channel, Way};
use crate::error::{Code, Failure};
use crate::tls::ClientTls;

mod address;
mod answer;
mod balance;
mod budget;
mod call;
mod config;
mod connection;
mod eject;
mod endpoint;
mod exchange;
mod pool;
mod probe;
mod request;
mod tls;

pub use answer::ELSEWHERE;
pub use config::PoolConfig;
pub use tls::Tls;

use address::Address;
use pool::Pool;
use tls::Secure;

/// Put into the extensions of a request by whoever may have it sent again; it does not leave the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Doing it twice has no further effect: it may be sent again even when it may have been processed. What was
    /// certainly not processed is always sent again.
    Idempotent,
}

/// An address that cannot be connected to.
#[derive(Debug, thiserror::Error)]
#[error("`{url}` cannot be used as the address of a service: {reason}")]
pub struct InvalidUrl {
    /// The address as it was given.
    pub url: String,
    /// What is wrong with it.
    pub reason: String,
}

impl InvalidUrl {
    fn new(url: &str, reason: impl ToString) -> Self {
        InvalidUrl {
            url: url.to_owned(),
            reason: reason.to_string(),
        }
    }
}

#[derive(Clone)]
pub(super) struct Network(Arc<Pool>);

impl Network {
    pub(super) fn new(url: &str, tls: Option<&Tls>) -> Result<Self, InvalidUrl> {
        let address = Address::parse(url, tls.is_some());
        let address = address.map_err(|reason| InvalidUrl::new(url, reason))?;
        let secure = tls.map(Secure::fixed).transpose();
        let secure = secure.map_err(|error| InvalidUrl::new(url, error.problem))?;
        Ok(Network(Pool::new(
            vec![address],
            secure,
            PoolConfig::default(),
        )))
    }

    pub(super) fn pool(
        urls: &[String],
        tls: Option<&ClientTls>,
        config: &PoolConfig,
    ) -> Result<Self, InvalidUrl> {
        let parse = |url: &String| {
            Address::parse(url, tls.is_some()).map_err(|reason| InvalidUrl::new(url, reason))
        };
        let addresses = urls.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        if addresses.is_empty() {
            return Err(InvalidUrl::new("", "there is none"));
        }
        let secure = tls.map(Secure::files);
        Ok(Network(Pool::new(addresses, secure, config.clone())))
    }
}

impl Way for Network {
    fn call(&self, request: Request<Body>) -> Answer {
        Box::pin(call::call(Arc::clone(&self.0), request))
    }

    fn again(&self) -> Option<Channel> {
        Some(Channel::of(Network(self.0.again())))
    }
}

/// Fixed text: addresses and the words of the system are not for callers. Whether the far side did the work may not be
/// known, and every mutation may be retried.
pub(super) fn unavailable() -> Failure {
    Failure::new(
        Code::Unavailable,
        "SERVICE_UNREACHABLE",
        "A part of the suite cannot be reached at the moment.",
    )
    .retry_after(Duration::from_millis(500))
}

#[cfg(test)]
mod tests;
