//! `rapport bench service`: what a whole service's empty method costs beside a bare gRPC server with the same method.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rapport_foundation::context::{Claims, Context, KeySet, PrincipalKind};
use rapport_foundation::id::TenantId;
use rapport_foundation::role::Role;
use rapport_foundation::service::{ListenConfig, Readiness, guard, serve, termination};
use rapport_foundation::time::{Clock, Micros};
use rapport_proto::profiles::v1::log_service_server::{LogService, LogServiceServer};
use rapport_proto::profiles::v1::{
    ReadLogRequest, ReadLogResponse, WatchHeadsRequest, WatchHeadsResponse,
};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use super::load::{self, Quantiles, STREAMS, Until};
use super::report::median;
use super::stage::Process;
use super::way::{Call, Expected};
use crate::cli::say;
use crate::error::Error;

const PATH: &str = "/rapport.profiles.v1.LogService/ReadLog";

/// Answers nothing to everything.
struct Empty;

#[tonic::async_trait]
impl LogService for Empty {
    async fn read_log(
        &self,
        _: Request<ReadLogRequest>,
    ) -> Result<Response<ReadLogResponse>, Status> {
        Ok(Response::new(ReadLogResponse::default()))
    }

    type WatchHeadsStream = futures::stream::Empty<Result<WatchHeadsResponse, Status>>;

    async fn watch_heads(
        &self,
        _: Request<WatchHeadsRequest>,
    ) -> Result<Response<Self::WatchHeadsStream>, Status> {
        Ok(Response::new(futures::stream::empty()))
    }
}

/// Serves the empty method until the process is asked to end: bare, or as every service of the suite does, believing
/// the keys in a directory.
pub(crate) async fn serve_empty(
    keys: Option<&Path>,
    told: impl FnOnce(SocketAddr),
) -> Result<(), Error> {
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let failed = |source| Error::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    told(listener.local_addr().map_err(failed)?);
    let method = LogServiceServer::new(Empty);
    let served = match keys {
        None => Server::builder()
            .initial_connection_window_size(4 * 1024 * 1024)
            .initial_stream_window_size(1024 * 1024)
            .add_service(method)
            .serve_with_incoming_shutdown(
                TcpIncoming::from(listener).with_nodelay(Some(true)),
                termination(),
            )
            .await
            .map_err(|error| error.to_string()),
        Some(dir) => {
            let keys = keys_in(dir)?;
            let guarded = guard(
                Routes::new(method),
                keys.verifier(Role::Profiles, &Clock::system()),
            );
            let (readiness, shutdown) = (Readiness::starting().await, CancellationToken::new());
            readiness.ready().await;
            let asked = shutdown.clone();
            tokio::spawn(async move {
                termination().await;
                asked.cancel();
            });
            let config = ListenConfig::default();
            serve(listener, &config, guarded, &readiness, shutdown)
                .await
                .map_err(|error| error.to_string())
        }
    };
    served.map_err(Error::Bench)
}

fn keys_in(dir: &Path) -> Result<KeySet, Error> {
    let private = dir.join("private/gateway.pem");
    Ok(KeySet::read(Role::Gateway, &private, &dir.join("public"))?)
}

#[derive(Debug, Serialize)]
struct Report {
    bare_per_second: f64,
    service_per_second: f64,
    /// The median of the rounds' ratios.
    ratio: f64,
    bare: Quantiles,
    service: Quantiles,
    failed: u64,
}

/// Measures both in turn, prints the figures, and gives them as JSON.
pub(crate) async fn run(rounds: usize, lasting: Duration) -> Result<serde_json::Value, Error> {
    let dir = tempfile::TempDir::new().map_err(|source| Error::Io {
        what: "a directory for the run".into(),
        source,
    })?;
    KeySet::ephemeral()?.write_dir(dir.path())?;
    let keys = keys_in(dir.path())?;
    let signer = keys.signer(Role::Gateway, &Clock::system())?;
    let tenant = TenantId::new(Micros::EPOCH);
    let context = Context::from(Claims::new(tenant, "bench", PrincipalKind::System));
    let path = dir.path().to_string_lossy();
    let (_bare, bare) = Process::start_self(&["bench", "echo", "--empty"], "echo=")?;
    let arguments = ["bench", "echo", "--empty", "--keys", &path];
    let (_service, service) = Process::start_self(&arguments, "echo=")?;

    let (mut at_bare, mut at_service) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        for (target, results) in [(bare, &mut at_bare), (service, &mut at_service)] {
            // Signed anew for each round, as the gateway does before a signature is old.
            let signed = signer.header_for(&context, Role::Profiles);
            let call = Call::new(target, PATH, None, &[], Expected::Same)?
                .with("x-rapport-context", signed);
            let until = Until::Over(lasting);
            results.push(load::closed(target, &Arc::new(vec![call]), STREAMS, until).await?);
        }
    }
    let rates = |results: &[load::Measured]| median(results.iter().map(load::Measured::rate));
    let pairs = at_bare.iter().zip(&at_service);
    let quantiles = |results: &[load::Measured]| results.last().map(load::Measured::quantiles);
    let report = Report {
        bare_per_second: rates(&at_bare),
        service_per_second: rates(&at_service),
        ratio: median(pairs.map(|(bare, service)| service.rate() / bare.rate())),
        bare: quantiles(&at_bare).unwrap_or_default(),
        service: quantiles(&at_service).unwrap_or_default(),
        failed: at_bare.iter().chain(&at_service).map(|m| m.failed).sum(),
    };
    say(&format!(
        "an empty method: {:.0} calls/s bare, {:.0} calls/s as a service, {:.2} (at least 0.8), {} failed",
        report.bare_per_second, report.service_per_second, report.ratio, report.failed
    ));
    serde_json::to_value(&report).map_err(|error| Error::Bench(error.to_string()))
}
