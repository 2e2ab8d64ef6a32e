//! Recognising customers: each distinct person of a batch once, several at a time, never longer than allowed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use rapport_foundation::id::{InteractionId, TenantId};
use tokio::time::Instant;

use crate::clients::{Answer, Profiles, Who};
use crate::domain::{Identifier, Interaction};
use crate::store::Found;

/// After profiles did not answer, nobody asks for this long: what comes in meanwhile is pending at once.
const REST: Duration = Duration::from_millis(500);

/// Why there is nobody to recognise although a customer took part.
const REFUSED: &str = "IDENTIFIER_REFUSED";

/// Asks profiles who took part; cheap to clone.
#[derive(Clone)]
pub(crate) struct Recognition {
    profiles: Profiles,
    at_once: usize,
    resting_until: Arc<Mutex<Option<Instant>>>,
}

impl Recognition {
    pub(crate) fn new(profiles: Profiles, at_once: usize) -> Self {
        Self {
            profiles,
            at_once: at_once.max(1),
            resting_until: Arc::default(),
        }
    }

    /// Who took part in each interaction; those that are left out are still to be found. Takes `budget` at most.
    pub(crate) async fn recognise(
        &self,
        tenant: TenantId,
        interactions: Vec<Interaction>,
        budget: Duration,
    ) -> HashMap<InteractionId, Found> {
        let deadline = Instant::now() + budget;
        let mut found = HashMap::with_capacity(interactions.len());
        let mut people: HashMap<String, (Who, Vec<InteractionId>)> = HashMap::new();
        for interaction in interactions {
            let id = interaction.id;
            match person(interaction) {
                Ok((key, who)) => people
                    .entry(key)
                    .or_insert_with(|| (who, Vec::new()))
                    .1
                    .push(id),
                Err(note) => {
                    found.insert(id, Found::Nobody { note });
                }
            }
        }
        if people.is_empty() || self.is_resting() {
            return found;
        }
        let mut answers = stream::iter(people.into_values())
            .map(|(who, ids)| async move { (self.profiles.resolve(tenant, &who).await, ids) })
            .buffer_unordered(self.at_once);
        loop {
            match tokio::time::timeout_at(deadline, answers.next()).await {
                Ok(Some((Ok(answer), ids))) => {
                    let one = match answer {
                        Answer::Known(customer) => Found::Customer(customer),
                        Answer::Refused => Found::Nobody { note: REFUSED },
                    };
                    found.extend(ids.into_iter().map(|id| (id, one)));
                }
                Ok(Some((Err(failure), _))) if failure.is_transient() => {
                    self.rest();
                    return found;
                }
                // A fault of this person alone: the others are asked for.
                Ok(Some((Err(failure), _))) => {
                    tracing::warn!(%failure, "a customer could not be recognised")
                }
                Ok(None) | Err(_) => return found,
            }
        }
    }

    fn is_resting(&self) -> bool {
        let until = *self
            .resting_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    fn rest(&self) {
        *self
            .resting_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + REST);
    }
}

/// Whom to recognise, under a key that is the same for the same person met by the same connector; or why nobody is.
fn person(interaction: Interaction) -> Result<(String, Who), &'static str> {
    let Some(customer) = interaction.contact.customer().cloned() else {
        return Err("");
    };
    let mut key: Vec<String> = customer.identifiers().map(Identifier::normalised).collect();
    key.push(interaction.contact.content.hints.region.clone());
    key.push(interaction.connector.clone());
    let who = Who {
        connector: interaction.connector,
        participant: customer,
        hints: interaction.contact.content.hints,
        seen_at: interaction.contact.event_at,
    };
    Ok((key.join("\n"), who))
}
