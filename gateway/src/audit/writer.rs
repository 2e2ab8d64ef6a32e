//! Writes the queue down: what waits becomes one transaction. A batch that cannot be stored is tried again until it can;
//! it is never dropped and nothing goes past it.
//!
//! Not foundation's batcher: that answers each caller and may give a command up. Here nobody waits for an answer and
//! nothing may be given up.

use std::time::Duration;

use rapport_foundation::db;
use rapport_foundation::time::{Clock, Micros};
use tokio::sync::mpsc::Receiver;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Ended;
use crate::config;
use crate::domain::audit::{Chain, Entry};
use crate::store::audit::Audit;

/// The first pause after a failure; it doubles from one to the next.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

pub(super) struct Writer {
    store: Audit,
    clock: Clock,
    chain: Chain,
    batch: usize,
    gather: Duration,
    anchor_every: Duration,
}

impl Writer {
    pub(super) fn new(config: &config::Audit, store: Audit, clock: Clock, replica: Uuid) -> Self {
        Self {
            store,
            clock,
            chain: Chain::new(replica),
            batch: config.batch,
            gather: Duration::from_millis(config.gather_ms),
            anchor_every: Duration::from_millis(config.anchor_every_ms),
        }
    }

    /// Writes until `drained`, then what is left, and anchors it.
    pub(super) async fn run(mut self, mut queue: Receiver<Ended>, drained: CancellationToken) {
        let mut waiting = Vec::new();
        let mut next_anchor = self.next_anchor();
        loop {
            tokio::select! {
                biased;
                () = self.clock.sleep_until(next_anchor) => {
                    self.anchor().await;
                    next_anchor = self.next_anchor();
                }
                count = queue.recv_many(&mut waiting, self.batch) => {
                    if count == 0 {
                        break;
                    }
                    self.gather(&mut waiting, &mut queue, &drained).await;
                    self.write(waiting.drain(..)).await;
                }
                // No new places from here on; those that are held still bring their calls.
                () = drained.cancelled(), if !queue.is_closed() => queue.close(),
            }
        }
        self.anchor().await;
    }

    /// Lets a few more calls end: nobody waits for an entry, and a transaction costs as much as many entries.
    async fn gather(
        &self,
        waiting: &mut Vec<Ended>,
        queue: &mut Receiver<Ended>,
        drained: &CancellationToken,
    ) {
        if waiting.len() < self.batch {
            tokio::select! {
                () = tokio::time::sleep(self.gather) => (),
                () = drained.cancelled() => (),
            }
        }
        while waiting.len() < self.batch
            && let Ok(ended) = queue.try_recv()
        {
            waiting.push(ended);
        }
    }

    fn next_anchor(&self) -> Micros {
        self.clock.now() + self.anchor_every
    }

    async fn write(&mut self, calls: impl Iterator<Item = Ended>) {
        let before = self.chain;
        let entries: Vec<Entry> = calls.map(|call| self.chain.append(call.into())).collect();
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match self.store.append(&entries).await {
                Ok(()) => return,
                Err(error) => error,
            };
            // A commit whose outcome was unknown may have happened.
            if matches!(self.stored().await, Ok(Some(chain)) if chain == self.chain) {
                return;
            }
            let (from, to) = (before.seq + 1, self.chain.seq);
            tracing::error!(%error, from, to, "the audit trail cannot be written; trying again");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn stored(&self) -> Result<Option<Chain>, db::Error> {
        self.store.stored(self.chain.replica).await
    }

    /// Also told to the log, so that there is a witness outside of the database.
    async fn anchor(&self) {
        match self
            .store
            .anchor(self.chain.replica, self.clock.now())
            .await
        {
            Ok(Some(anchor)) => {
                tracing::info!(n = anchor.n, hash = ?anchor.hash, "the audit trail was anchored");
            }
            Ok(None) => (),
            Err(error) => tracing::error!(%error, "the audit trail cannot be anchored"),
        }
    }
}
