//! Whether a process should be sent calls, as an event and over `grpc.health.v1`.

use std::sync::Arc;

use tokio::sync::{Mutex, watch};
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

/// Readiness of a process: NOT_SERVING until it says otherwise.
#[derive(Clone, Debug)]
pub struct Readiness {
    reporter: HealthReporter,
    state: watch::Sender<State>,
    /// Held while a change is told: the last change is told last.
    telling: Arc<Mutex<()>>,
}

#[derive(Debug, Clone, Copy)]
struct State {
    /// Open and bound, and not draining.
    open: bool,
    /// Able to do what it is there for.
    able: bool,
}

impl State {
    const fn is_ready(self) -> bool {
        self.open && self.able
    }
}

impl Readiness {
    /// Not ready yet.
    pub async fn starting() -> Self {
        let state = State {
            open: false,
            able: true,
        };
        let readiness = Readiness {
            reporter: HealthReporter::new(),
            state: watch::Sender::new(state),
            telling: Arc::default(),
        };
        // The library starts as SERVING.
        readiness.not_ready().await;
        readiness
    }

    /// Everything is open and bound.
    pub async fn ready(&self) {
        self.change(|state| state.open = true).await;
    }

    /// Draining has begun.
    pub async fn not_ready(&self) {
        self.change(|state| state.open = false).await;
    }

    /// Whether the process can do what it is there for. One that cannot is not ready, although it is open; one that can again
    /// is no more ready than it was: it may be draining by now.
    pub async fn able(&self, able: bool) {
        self.change(|state| state.able = able).await;
    }

    async fn change(&self, change: impl FnOnce(&mut State)) {
        let _telling = self.telling.lock().await;
        self.state.send_modify(change);
        let status = match self.is_ready() {
            true => ServingStatus::Serving,
            false => ServingStatus::NotServing,
        };
        self.reporter.set_service_status("", status).await;
    }

    /// Whether the process is ready now.
    pub fn is_ready(&self) -> bool {
        self.state.borrow().is_ready()
    }

    /// Returns once the process is ready.
    pub async fn until_ready(&self) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self
            .state
            .subscribe()
            .wait_for(|state| state.is_ready())
            .await;
    }

    /// The health service that tells it.
    pub fn server(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.reporter.clone()))
    }
}
