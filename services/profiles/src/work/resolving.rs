//! Resolutions that write, folded into one transaction.
//!
//! What bears on the batch is loaded once, each request is decided knowing what the ones before it did, and
//! everything is written with one statement a table. An identifier that another process takes at the same moment
//! fails the unique index; then the batch is decided again and finds it known.

mod writing;

use std::collections::{BTreeMap, BTreeSet};

use rapport_foundation::db;
use rapport_foundation::id::{CustomerId, IdentifierId, RecordId, TenantId};
use rapport_foundation::time::{Clock, Micros};

use crate::app::command::Resolve;
use crate::domain::resolve::{Ask, Decision, Directory, Landing, Place, Reason};
use crate::error::Error;
use crate::store::Store;
use crate::store::system::Across;
use writing::Writing;

/// One request for the batch.
#[derive(Debug, Clone)]
pub struct Resolution {
    /// Whose.
    pub tenant: TenantId,
    /// What is asked, without anything personal.
    pub ask: Ask,
    /// What is asked, as it will be stored.
    pub command: Resolve,
    /// Who asks.
    pub by: String,
    /// The trace it belongs to.
    pub traceparent: Option<String>,
}

/// Who it is and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The customer.
    pub customer: CustomerId,
    /// The record the fact came in by.
    pub record: RecordId,
    /// Why.
    pub reason: Reason,
    /// The identifier that decided.
    pub matched: Option<IdentifierId>,
    /// Customers that share a weaker identifier.
    pub possible: Vec<CustomerId>,
}

impl Resolved {
    /// The answer to a request that changes nothing; none when it does.
    #[must_use]
    pub fn found(directory: &Directory, ask: &Ask, decision: &Decision) -> Option<Self> {
        match decision.landing {
            Landing::On(place) => Some(Self::at(place, directory, ask, decision)),
            Landing::Beside(_) | Landing::Founding => None,
        }
    }

    fn at(place: Place, directory: &Directory, ask: &Ask, decision: &Decision) -> Self {
        let key = decision.matched.and_then(|at| ask.keys.get(at));
        Self {
            customer: place.customer,
            record: place.record,
            reason: decision.reason,
            matched: key.and_then(|key| Some(directory.identifiers.get(key)?.identifier)),
            possible: decision.possible.clone(),
        }
    }
}

/// Runs one batch in one transaction.
///
/// # Errors
/// When the store fails; then nothing was written.
pub async fn settle(
    store: &Store,
    clock: &Clock,
    batch: &[Resolution],
) -> Result<Vec<Result<Resolved, Error>>, Error> {
    let now = clock.now();
    let mut of_tenant: BTreeMap<TenantId, Vec<usize>> = BTreeMap::new();
    for (at, resolution) in batch.iter().enumerate() {
        of_tenant.entry(resolution.tenant).or_default().push(at);
    }
    let of_tenant = &of_tenant;
    let answers = store
        .write_across(|across| async move {
            let mut answers = BTreeMap::new();
            for (tenant, places) in of_tenant {
                let commands: Vec<&Resolution> = places.iter().map(|at| &batch[*at]).collect();
                let resolved = one_tenant(&across, *tenant, &commands, now).await?;
                answers.extend(places.iter().copied().zip(resolved));
            }
            Ok(answers)
        })
        .await?;
    Ok(answers.into_values().map(Ok).collect())
}

async fn one_tenant(
    across: &Across,
    tenant: TenantId,
    commands: &[&Resolution],
    now: Micros,
) -> Result<Vec<Resolved>, Error> {
    let rows = across.rows(tenant);
    let asks: Vec<Ask> = commands.iter().map(|command| command.ask.clone()).collect();
    let mut loaded = rows.directory(&asks).await?;
    let mut writing = Writing::new(now);
    let mut answers = Vec::with_capacity(commands.len());
    for command in commands {
        let decision = loaded.directory.decide(&command.ask);
        let place = placed(&decision, now);
        let ids: Vec<IdentifierId> = decision
            .attached
            .iter()
            .map(|_| IdentifierId::new(now))
            .collect();
        writing.note(command, &decision, place, &ids, &loaded.directory);
        answers.push(Resolved::at(
            place,
            &loaded.directory,
            &command.ask,
            &decision,
        ));
        loaded.directory.enter(&command.ask, &decision, place, &ids);
    }
    writing
        .write(&rows, &loaded.founders)
        .await
        .map_err(|error| match error {
            Error::Store(db::Error::Unique) => Error::Store(across.raced()),
            other => other,
        })?;
    Ok(answers)
}

/// Where a fact comes in; ids of what is new are given here.
fn placed(decision: &Decision, now: Micros) -> Place {
    match decision.landing {
        Landing::On(place) => place,
        Landing::Beside(beside) => Place {
            record: RecordId::new(now),
            ..beside
        },
        Landing::Founding => {
            let customer = CustomerId::new(now);
            Place {
                record: RecordId::new(now),
                home: customer,
                customer,
            }
        }
    }
}

/// Customers whose change is counted: a home, and the customer it must still be part of.
type Changed = BTreeSet<(CustomerId, CustomerId)>;
