//! Tries pending interactions again, until profiles says who it was.

use std::collections::BTreeMap;
use std::time::Duration;

use rapport_foundation::events;
use rapport_foundation::id::{ConversationId, InteractionId, TenantId};
use rapport_foundation::service::{Env, Task};
use rapport_foundation::time::Micros;
use tokio_util::sync::CancellationToken;

use super::Recognition;
use super::linker::{resolved, rooted, with_customers};
use crate::app::facts;
use crate::store::{Arrival, Found, Pending, Store};
use crate::{Config, Error};

/// Interactions tried in one round.
const ROUND: i64 = 256;
/// Nobody waits for these: profiles may take its time.
const BUDGET: Duration = Duration::from_secs(10);

/// How long to wait before the next try.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
}

impl Backoff {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            first: Duration::from_millis(config.pending_first_ms),
            longest: Duration::from_millis(config.pending_longest_ms),
        }
    }

    /// When to try after so many tries.
    pub(super) fn after(self, attempts: i32, now: Micros) -> Micros {
        let doublings = u32::try_from(attempts.saturating_sub(1))
            .unwrap_or(0)
            .min(20);
        now + self.first.saturating_mul(1 << doublings).min(self.longest)
    }
}

/// The sweep.
pub(crate) struct Sweep {
    store: Store,
    recognition: Recognition,
    env: Env,
    backoff: Backoff,
    every: Duration,
}

impl Sweep {
    /// Sweeps until shutdown.
    pub(crate) fn spawn(
        env: &Env,
        store: Store,
        recognition: Recognition,
        config: &Config,
    ) -> Task {
        let backoff = Backoff::new(config);
        let sweep = Self {
            store,
            recognition,
            env: env.clone(),
            backoff,
            every: config.sweep_every(),
        };
        Task::spawn("interactions pending sweep", async move {
            sweep.run(&sweep.env.shutdown).await
        })
    }

    async fn run(&self, shutdown: &CancellationToken) {
        let mut reported = false;
        while !shutdown.is_cancelled() {
            match self.round().await {
                // A full round leaves more behind it.
                Ok(true) => {
                    reported = false;
                    continue;
                }
                Ok(false) => reported = false,
                Err(error) if !reported => {
                    tracing::warn!(%error, "pending interactions cannot be tried again");
                    reported = true;
                }
                Err(_) => {}
            }
            tokio::select! {
                () = tokio::time::sleep(self.every) => {}
                () = shutdown.cancelled() => {}
            }
        }
    }

    /// Tries what is due; answers whether more may be.
    async fn round(&self) -> Result<bool, Error> {
        let due = self.store.due_pending(self.env.clock.now(), ROUND).await?;
        let full = i64::try_from(due.len()).unwrap_or(ROUND) >= ROUND;
        let mut by_tenant: BTreeMap<TenantId, Vec<Pending>> = BTreeMap::new();
        for one in due {
            by_tenant.entry(one.tenant).or_default().push(one.pending);
        }
        for (tenant, pending) in by_tenant {
            self.retry(tenant, pending).await?;
        }
        Ok(full)
    }

    async fn retry(&self, tenant: TenantId, pending: Vec<Pending>) -> Result<(), Error> {
        let ids: Vec<InteractionId> = pending.iter().map(|one| one.interaction).collect();
        let interactions = self.store.interactions(tenant, &ids).await?;
        let arrival = |one| self.store.arrival(tenant, one);
        let arrivals: Vec<Arrival> = interactions.iter().map(arrival).collect();
        let found = self
            .recognition
            .recognise(tenant, interactions, BUDGET)
            .await;
        let arrivals = with_customers(arrivals, &found);
        let now = self.env.clock.now();
        let (known, unknown): (Vec<Pending>, Vec<Pending>) = pending
            .into_iter()
            .partition(|one| found.contains_key(&one.interaction));
        let later: Vec<Pending> = unknown
            .into_iter()
            .map(|one| {
                let attempts = one.attempts.saturating_add(1);
                Pending {
                    attempts,
                    next_at: self.backoff.after(attempts, now),
                    ..one
                }
            })
            .collect();
        self.store
            .db
            .write(tenant, async |s| {
                self.store.postpone(&s, &later).await?;
                let wanted: Vec<InteractionId> = known.iter().map(|one| one.interaction).collect();
                let taken = self.store.take_pending(&s, &wanted).await?;
                let mut links = Vec::new();
                let mut linked = Vec::new();
                for one in known.iter().filter(|one| taken.contains(&one.interaction)) {
                    let (Some(facts), Some(found)) =
                        (facts::kept(&one.facts), found.get(&one.interaction))
                    else {
                        continue;
                    };
                    links.extend(resolved(one.interaction, &facts, *found));
                    if let Found::Customer(customer) = *found {
                        linked.push((facts, customer, &one.traceparent));
                    }
                }
                self.store.link(&s, &links, now).await?;
                let homes: Vec<ConversationId> =
                    links.iter().map(|link| link.conversation).collect();
                self.store.own_tickets(&s, &homes).await?;
                let theirs = |arrival: &&Arrival| taken.contains(&arrival.interaction);
                let arrivals: Vec<Arrival> = arrivals.iter().filter(theirs).cloned().collect();
                let joined = self.store.join(&s, &arrivals, now).await?;
                let mut told: Vec<_> = joined.iter().map(facts::merged).collect();
                let roots = self.store.roots(&s, &homes).await?;
                for (facts, customer, traceparent) in linked {
                    let facts = rooted(&facts, &roots);
                    told.push(facts::customer_linked(facts, customer, traceparent, now));
                }
                events::append_many(&s, &told).await?;
                Ok(())
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let backoff = Backoff::new(&Config {
            pending_first_ms: 100,
            pending_longest_ms: 1_000,
            ..Config::default()
        });
        let pauses: Vec<i64> = [1, 2, 3, 4, 5, 99]
            .map(|n| backoff.after(n, Micros(0)).0 / 1_000)
            .into();
        assert_eq!(pauses, [100, 200, 400, 800, 1_000, 1_000]);
    }
}
