//! Links what was logged: hears of it from this service's own log, asks profiles, and tells what came of it within the
//! promised time, if need be as pending.

use std::collections::HashMap;
use std::time::Duration;

use rapport_foundation::error::Failure;
use rapport_foundation::events::{self, Batch, Data, Handler, Outgoing};
use rapport_foundation::id::{ConversationId, InteractionId};
use rapport_foundation::time::{Clock, Micros};
use rapport_proto::events::v1::{Event, InteractionFacts};

use super::sweep::Backoff;
use super::{Calm, Recognition};
use crate::Error;
use crate::app::facts;
use crate::store::{Arrival, Cell, Found, Pending, Resolved, Store};

/// Even when this consumer lags, a batch gets so much time: most people are answered for in it.
const LEAST: Duration = Duration::from_millis(150);

/// For how long a batch lets recording go first: far within what was promised.
const PATIENCE: Duration = Duration::from_millis(100);

/// Handles this service's own events.
pub(crate) struct Linker {
    store: Store,
    recognition: Recognition,
    clock: Clock,
    within: Duration,
    backoff: Backoff,
    calm: Calm,
}

/// An interaction that was logged.
struct Recorded<'a> {
    id: InteractionId,
    facts: &'a InteractionFacts,
    event: &'a Event,
}

impl Linker {
    pub(crate) fn new(
        store: Store,
        recognition: Recognition,
        clock: Clock,
        within: Duration,
        backoff: Backoff,
        calm: Calm,
    ) -> Self {
        Self {
            store,
            recognition,
            clock,
            within,
            backoff,
            calm,
        }
    }

    /// What is left of the promise for the oldest of the batch.
    fn budget(&self, recorded: &[Recorded<'_>]) -> Duration {
        let times = recorded.iter().filter_map(|one| one.event.time.as_ref());
        let oldest = times.map(Micros::from).min().unwrap_or_default();
        self.within
            .saturating_sub(self.clock.now() - oldest)
            .max(LEAST)
    }
}

#[async_trait::async_trait]
impl Handler for Linker {
    async fn apply(&self, batch: &Batch) -> Result<(), Failure> {
        let recorded: Vec<Recorded<'_>> = batch.events.iter().filter_map(recorded).collect();
        let ids: Vec<InteractionId> = recorded.iter().map(|one| one.id).collect();
        if !ids.is_empty() {
            self.calm.or_after(PATIENCE).await;
        }
        let interactions = if ids.is_empty() {
            Vec::new()
        } else {
            self.store.interactions(batch.tenant, &ids).await?
        };
        let arrival = |one| self.store.arrival(batch.tenant, one);
        let arrivals: Vec<Arrival> = interactions.iter().map(arrival).collect();
        let cells: Vec<Cell> = interactions.iter().map(Cell::of).collect();
        let found = self
            .recognition
            .recognise(batch.tenant, interactions, self.budget(&recorded))
            .await;
        let arrivals = with_customers(arrivals, &found);
        let now = self.clock.now();
        let outcome: Result<(), Error> = self
            .store
            .db
            .write(batch.tenant, async |s| {
                batch.mark.advance(&s).await?;
                let mut resolved = Vec::new();
                let mut pending = Vec::new();
                let mut links = Vec::with_capacity(recorded.len());
                for one in &recorded {
                    let found = found.get(&one.id).copied();
                    match found.and_then(|found| one.resolved(found)) {
                        Some(one) => resolved.push(one),
                        None => pending.push(self.pending(one, now)),
                    }
                    let customer = found.and_then(|found| match found {
                        Found::Customer(customer) => Some(customer),
                        Found::Nobody { .. } => None,
                    });
                    links.push((one, customer, found.is_none()));
                }
                self.store.link(&s, &resolved, now).await?;
                self.store.pend(&s, pending).await?;
                self.store.count(&s, cells.clone()).await?;
                let joined = self.store.join(&s, &arrivals, now).await?;
                let mut told: Vec<Outgoing> = joined.iter().map(facts::merged).collect();
                // Others hear of the conversation as it is now: the work for a contact that joined one goes there.
                let homes: Vec<ConversationId> = (recorded.iter())
                    .filter_map(|one| one.facts.conversation_id.parse().ok())
                    .collect();
                let roots = self.store.roots(&s, &homes).await?;
                for (one, customer, pending) in links {
                    let facts = rooted(one.facts, &roots);
                    let event = facts::linked(facts, customer, pending, now);
                    told.push(event.caused_by(one.event));
                }
                events::append_many(&s, &told).await?;
                Ok(())
            })
            .await;
        Ok(outcome?)
    }
}

impl Linker {
    fn pending(&self, one: &Recorded<'_>, now: Micros) -> Pending {
        Pending {
            interaction: one.id,
            attempts: 1,
            next_at: self.backoff.after(1, now),
            facts: facts::keep(one.facts),
            traceparent: one.event.traceparent.clone(),
        }
    }
}

fn recorded(event: &Event) -> Option<Recorded<'_>> {
    let Some(Data::InteractionRecorded(recorded)) = &event.data else {
        return None;
    };
    let facts = recorded.interaction.as_ref()?;
    Some(Recorded {
        id: facts.interaction_id.parse().ok()?,
        facts,
        event,
    })
}

/// The same with what recognition came to.
pub(super) fn with_customers(
    arrivals: Vec<Arrival>,
    found: &HashMap<InteractionId, Found>,
) -> Vec<Arrival> {
    let with = |mut arrival: Arrival| {
        if let Some(Found::Customer(customer)) = found.get(&arrival.interaction) {
            arrival.customer = Some(*customer);
        }
        arrival
    };
    arrivals.into_iter().map(with).collect()
}

/// The same facts with the conversation as it is now.
pub(super) fn rooted(
    facts: &InteractionFacts,
    roots: &HashMap<ConversationId, ConversationId>,
) -> InteractionFacts {
    let mut facts = facts.clone();
    let home = facts.conversation_id.parse::<ConversationId>();
    if let Some(root) = home.ok().and_then(|home| roots.get(&home)) {
        facts.conversation_id = root.to_string();
    }
    facts
}

impl Recorded<'_> {
    fn resolved(&self, found: Found) -> Option<Resolved> {
        resolved(self.id, self.facts, found)
    }
}

/// An interaction with what recognition came to; none when its facts are not those of one.
pub(super) fn resolved(
    interaction: InteractionId,
    facts: &InteractionFacts,
    found: Found,
) -> Option<Resolved> {
    let conversation = facts.conversation_id.parse().ok()?;
    let event_at = Micros::from(facts.event_time.as_ref()?);
    Some(Resolved {
        interaction,
        conversation,
        event_at,
        found,
    })
}
