//! The sweep: what time has made due is written down, so that others hear of it. Calls do not depend on
//! it: they reckon with the present moment by themselves.

use std::time::Duration;

use futures::future::join_all;
use rapport_foundation::batch::Batcher;
use rapport_foundation::service::Task;
use rapport_foundation::time::{Clock, Micros};
use tokio_util::sync::CancellationToken;

use crate::Error;
use crate::app::{Ask, Command, Done, Queued};
use crate::config::Config;
use crate::store::{Store, system};

/// Commands handed in at the same time: a part of a batch, so that callers find room beside them.
const ABREAST: usize = 64;
/// Passes between two looks for request ids that may be forgotten.
const FORGET_EVERY: u32 = 240;

pub(crate) struct Sweep {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) batcher: Batcher<Queued, Done, Error>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) config: Config,
}

impl Sweep {
    pub(crate) fn spawn(self) -> Task {
        Task::spawn("ledger sweep", async move { self.run().await })
    }

    async fn run(self) {
        let interval = Duration::from_secs(self.config.sweep_interval_s.max(1));
        let mut passes = 0_u32;
        while !self.shutdown.is_cancelled() {
            let latest = self.clock.now() + interval;
            let next = match self.pass().await {
                // What is due and could not be settled is tried again after the interval.
                Ok(next) => next
                    .filter(|at| *at > self.clock.now())
                    .unwrap_or(latest)
                    .min(latest),
                Err(error) => {
                    tracing::warn!(%error, "the sweep of the ledger failed");
                    latest
                }
            };
            if passes.is_multiple_of(FORGET_EVERY) {
                self.forget().await;
            }
            passes = passes.wrapping_add(1);
            tokio::select! {
                () = self.clock.sleep_until(next) => {}
                () = self.shutdown.cancelled() => {}
            }
        }
    }

    /// Brings every due member to the present, the longest due first. Tells when something is due next.
    async fn pass(&self) -> Result<Option<Micros>, Error> {
        loop {
            let due = system::due(&self.store, self.clock.now(), self.config.sweep_batch).await?;
            let full = due.len() >= self.config.sweep_batch as usize;
            let mut settled = 0_usize;
            for members in due.chunks(ABREAST) {
                let calls = members.iter().map(|(tenant, member)| {
                    let ask = Ask::Settle { member: *member };
                    self.batcher
                        .submit(*tenant, (*tenant, Command::new(ask, None)))
                });
                for outcome in join_all(calls).await {
                    match outcome {
                        Ok(_) => settled += 1,
                        Err(error) => tracing::warn!(%error, "a member could not be settled"),
                    }
                }
            }
            // Without progress the same members would come again at once.
            if !full || settled == 0 || self.shutdown.is_cancelled() {
                return Ok(system::next_due_at(&self.store).await?);
            }
        }
    }

    async fn forget(&self) {
        // Request ids are dated by the machine's clock, whatever clock this service runs on.
        match system::forget_requests(&self.store, Clock::system().now()).await {
            Ok(0) => {}
            Ok(forgotten) => tracing::debug!(forgotten, "request ids were forgotten"),
            Err(error) => tracing::warn!(%error, "request ids could not be forgotten"),
        }
    }
}
