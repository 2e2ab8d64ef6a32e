//! Whether a process should be sent calls, as an event and over `grpc.health.v1`.

use tokio::sync::watch;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

/// Readiness of a process: NOT_SERVING until it says otherwise.
#[derive(Clone, Debug)]
pub struct Readiness {
    reporter: HealthReporter,
    ready: watch::Sender<bool>,
}

impl Readiness {
    /// Not ready yet.
    pub async fn starting() -> Self {
        let readiness = Readiness {
            reporter: HealthReporter::new(),
            ready: watch::Sender::new(false),
        };
        // The library starts as SERVING.
        readiness.not_ready().await;
        readiness
    }

    /// Everything is open and bound.
    pub async fn ready(&self) {
        self.reporter
            .set_service_status("", ServingStatus::Serving)
            .await;
        self.ready.send_replace(true);
    }

    /// Draining has begun.
    pub async fn not_ready(&self) {
        self.ready.send_replace(false);
        self.reporter
            .set_service_status("", ServingStatus::NotServing)
            .await;
    }

    /// Whether the process is ready now.
    pub fn is_ready(&self) -> bool {
        *self.ready.borrow()
    }

    /// Returns once the process is ready.
    pub async fn until_ready(&self) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.ready.subscribe().wait_for(|ready| *ready).await;
    }

    /// The health service that tells it.
    pub fn server(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.reporter.clone()))
    }
}
