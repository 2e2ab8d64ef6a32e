//! Reads the log of interactions: what asks for an agent becomes work.

use std::str::FromStr;

use async_trait::async_trait;
use rapport_foundation::error::Failure;
use rapport_foundation::events::{Batch, Data, Event, Handler};
use rapport_foundation::id::ConversationChangeId;
use rapport_foundation::telemetry::{current_traceparent, event_span};
use rapport_foundation::time::Micros;
use rapport_proto::events::v1 as pb;
use rapport_proto::types::v1 as types;

use super::{Place, Shell};
use crate::app::Error;
use crate::app::command::{Command, Fact, Linked, What};
use crate::app::words::{channel, priority, purpose};
use crate::domain::CustomerRef;
use crate::store::Joining;

/// Applies events of interactions, a batch in one transaction.
#[derive(Debug)]
pub(crate) struct Interactions {
    shell: Shell,
}

impl Interactions {
    pub(crate) const fn new(shell: Shell) -> Self {
        Self { shell }
    }
}

#[async_trait]
impl Handler for Interactions {
    async fn apply(&self, batch: &Batch) -> Result<(), Failure> {
        // The owner reads the log, too. Who is not looks again, soon: it may be the owner by then.
        if let Place::There(_) = self.shell.place(batch.tenant).await? {
            return Err(Error::NotOwner.into());
        }
        let facts = batch.events.iter().filter_map(fact).collect();
        let command = Command::Apply {
            facts,
            mark: batch.mark.clone(),
        };
        self.shell.submit(batch.tenant, None, command).await?;
        Ok(())
    }
}

/// What an event says, if it says anything to routing. An id that cannot be read is an event
/// of a version to come: it means nothing here.
fn fact(event: &Event) -> Option<Fact> {
    let what = match event.data.as_ref()? {
        Data::InteractionLinked(linked) => What::Linked(Box::new(read_linked(linked)?)),
        Data::CustomerLinked(linked) => What::CustomerKnown {
            interaction: id(&linked.interaction.as_ref()?.interaction_id)?,
            customer: customer(linked.customer.as_ref()?)?,
        },
        Data::ContactEnded(ended) => What::ContactEnded {
            interaction: id(&ended.interaction_id)?,
            at: ended
                .end_time
                .as_ref()
                .or(event.time.as_ref())
                .map(Micros::from)?,
        },
        Data::ConversationsMerged(merged) => What::Conversations(Joining::Joined {
            change: id::<ConversationChangeId>(&merged.change_id)?.uuid(),
            whole: id(&merged.conversation_id)?,
            part: id(&merged.merged_conversation_id)?,
        }),
        Data::ConversationChangeUndone(undone) => What::Conversations(Joining::Undone {
            change: id::<ConversationChangeId>(&undone.change_id)?.uuid(),
        }),
        Data::CustomerErased(erased) => What::Erased {
            records: erased
                .record_ids
                .iter()
                .filter_map(|text| id(text))
                .collect(),
        },
        _ => return None,
    };
    let cause = Some(event.traceparent.as_str()).filter(|text| !text.is_empty());
    let span = event_span("routing takes in an event", cause);
    let traceparent = span.in_scope(current_traceparent);
    Some(Fact {
        traceparent: traceparent.or_else(|| cause.map(str::to_owned)),
        what,
    })
}

fn read_linked(linked: &pb::InteractionLinked) -> Option<Linked> {
    let facts = linked.interaction.as_ref()?;
    let hint = facts.routing.clone().unwrap_or_default();
    Some(Linked {
        interaction: id(&facts.interaction_id)?,
        conversation: id(&facts.conversation_id),
        channel: channel(facts.channel())?,
        purpose: purpose(facts.purpose()),
        live: matches!(
            facts.kind(),
            types::InteractionKind::Call | types::InteractionKind::Chat
        ),
        connector: Some(facts.connector.as_str())
            .filter(|connector| !connector.is_empty())
            .map(Into::into),
        inbound: facts.direction() == types::Direction::Inbound,
        automatic: facts.automatic,
        history: facts.history,
        at: facts.event_time.as_ref().map(Micros::from),
        asks_for_agent: facts.asks_for_agent && !facts.history,
        queue: hint.queue.parse().ok(),
        skills: hint
            .required_skills
            .iter()
            .filter_map(|skill| skill.parse().ok())
            .collect(),
        priority: priority(hint.priority()),
        customer: linked.customer.as_ref().and_then(customer),
    })
}

fn id<I: FromStr>(text: &str) -> Option<I> {
    text.parse().ok()
}

fn customer(customer: &types::CustomerRef) -> Option<CustomerRef> {
    Some(CustomerRef {
        record: id(&customer.record_id)?,
        customer: id(&customer.customer_id)?,
    })
}
