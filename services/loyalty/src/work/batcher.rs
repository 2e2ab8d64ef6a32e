//! The batcher of ledger entries: many callers, one transaction.

use std::collections::BTreeMap;

use rapport_foundation::batch::{BatchConfig, Batcher};
use rapport_foundation::id::TenantId;
use rapport_foundation::service::Task;
use rapport_foundation::time::Clock;

use crate::Error;
use crate::app::{Command, Done, Queued, Shelf, apply};
use crate::store::Store;
use crate::store::system;

/// Starts the lanes. It ends once it is closed and everything is answered.
pub(crate) fn spawn(
    store: Store,
    clock: Clock,
    shelf: Shelf,
    limits: &BatchConfig,
) -> (Batcher<Queued, Done, Error>, Task) {
    Batcher::spawn("ledger batcher", limits, move |batch: Vec<Queued>| {
        let (store, clock, shelf) = (store.clone(), clock.clone(), shelf.clone());
        async move { run(&store, &clock, &shelf, &batch).await }
    })
}

/// One batch in one transaction, tenant by tenant in the order of their ids, so that two processes never
/// wait for each other.
async fn run(
    store: &Store,
    clock: &Clock,
    shelf: &Shelf,
    batch: &[Queued],
) -> Result<Vec<Result<Done, Error>>, Error> {
    let mut tenants: BTreeMap<TenantId, Vec<usize>> = BTreeMap::new();
    for (place, (tenant, _)) in batch.iter().enumerate() {
        tenants.entry(*tenant).or_default().push(place);
    }
    let tenants = &tenants;
    system::write(store, |all| async move {
        let mut answers: Vec<Option<Result<Done, Error>>> = batch.iter().map(|_| None).collect();
        for (tenant, places) in tenants {
            let commands: Vec<&Command> = places
                .iter()
                .filter_map(|place| batch.get(*place))
                .map(|queued| &queued.1)
                .collect();
            let outcomes = apply(&all.scoped(*tenant), clock.now(), &commands, shelf).await?;
            for (place, outcome) in places.iter().zip(outcomes) {
                answers[*place] = Some(outcome);
            }
        }
        Ok(answers.into_iter().flatten().collect())
    })
    .await
}
