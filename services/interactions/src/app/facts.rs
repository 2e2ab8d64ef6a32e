//! What events say: ids, codes, times and amounts, in the words of the contract.

use prost::Message as _;
use rapport_foundation::events::{Data, Outgoing};
use rapport_foundation::id::{ConversationId, EventId, InteractionId, OutboundId};
use rapport_foundation::money::Amount;
use rapport_foundation::time::Micros;
use rapport_proto::events::v1 as events;
use rapport_proto::types::v1 as types;

use crate::domain::code::optional;
use crate::domain::outbound::News;
use crate::domain::{
    Contact, Customer, Intake, MatterChange, Order, Outbound, Priority, RoutingHint,
};
use crate::store::{BecameKnown, Logged, Queueing, Telling};

/// That a contact was logged, in the trace of the call that said so.
pub(crate) fn recorded(telling: &Telling, logged: &Logged) -> Outgoing {
    let facts = facts(
        telling.id,
        &telling.connector,
        &telling.contact,
        logged.conversation,
        &logged.intake,
    );
    Outgoing {
        id: EventId::new(telling.received_at),
        aggregate: telling.id.to_string(),
        at: telling.received_at,
        traceparent: telling.traceparent.clone(),
        data: Data::InteractionRecorded(events::InteractionRecorded {
            interaction: Some(facts),
        }),
    }
}

fn facts(
    id: InteractionId,
    connector: &str,
    contact: &Contact,
    conversation: ConversationId,
    intake: &Intake,
) -> events::InteractionFacts {
    events::InteractionFacts {
        interaction_id: id.to_string(),
        conversation_id: conversation.to_string(),
        kind: contact.kind.into(),
        channel: contact.channel.into(),
        direction: contact.direction.into(),
        purpose: optional(contact.purpose),
        event_time: Some(contact.event_at.into()),
        history: contact.history,
        automatic: contact.automatic,
        asks_for_agent: intake.asks_for_agent,
        routing: routing(&intake.routing),
        order: contact.order.as_ref().map(purchase),
        connector: connector.to_owned(),
    }
}

/// What recognition of an interaction came to: a customer, nobody, or nothing yet.
pub(crate) fn linked(
    facts: events::InteractionFacts,
    customer: Option<Customer>,
    pending: bool,
    now: Micros,
) -> Outgoing {
    let aggregate = facts.interaction_id.clone();
    let linked = events::InteractionLinked {
        interaction: Some(facts),
        customer: customer.map(reference),
        pending,
    };
    Outgoing::new(now, aggregate, Data::InteractionLinked(linked))
}

/// That a pending interaction found its customer.
pub(crate) fn customer_linked(
    facts: events::InteractionFacts,
    customer: Customer,
    traceparent: &str,
    now: Micros,
) -> Outgoing {
    let aggregate = facts.interaction_id.clone();
    let linked = events::CustomerLinked {
        interaction: Some(facts),
        customer: Some(reference(customer)),
    };
    let mut event = Outgoing::new(now, aggregate, Data::CustomerLinked(linked));
    if !traceparent.is_empty() {
        event.traceparent = Some(traceparent.to_owned());
    }
    event
}

/// That something became known of a contact: its end in words of its own, since work waits for it.
pub(crate) fn became_known(known: BecameKnown, now: Micros) -> Outgoing {
    let (interaction_id, conversation_id) = (
        known.interaction.to_string(),
        known.conversation.to_string(),
    );
    let data = match known.end {
        Some(reason) => Data::ContactEnded(events::ContactEnded {
            interaction_id,
            conversation_id,
            end_time: Some(known.at.into()),
            reason: reason.into(),
        }),
        None => Data::FactRecorded(events::FactRecorded {
            interaction_id,
            conversation_id,
            kind: known.kind.into(),
            event_time: Some(known.at.into()),
        }),
    };
    Outgoing {
        id: EventId::new(now),
        aggregate: known.interaction.to_string(),
        at: now,
        traceparent: known.traceparent,
        data,
    }
}

/// That two conversations are one.
pub(crate) fn merged(change: &MatterChange) -> Outgoing {
    let data = Data::ConversationsMerged(events::ConversationsMerged {
        change_id: change.id.to_string(),
        conversation_id: change.conversation.to_string(),
        merged_conversation_id: change.other.to_string(),
        basis: optional(change.basis),
    });
    Outgoing::new(change.at, change.id, data)
}

/// That a part of a conversation is another one.
pub(crate) fn split(change: &MatterChange) -> Outgoing {
    let data = Data::ConversationSplit(events::ConversationSplit {
        change_id: change.id.to_string(),
        conversation_id: change.conversation.to_string(),
        new_conversation_id: change.other.to_string(),
        interaction_count: change.taken_out,
    });
    Outgoing::new(change.at, change.id, data)
}

/// That a change of conversations was taken back.
pub(crate) fn undone(change: &MatterChange, now: Micros) -> Outgoing {
    let data = Data::ConversationChangeUndone(events::ConversationChangeUndone {
        change_id: change.id.to_string(),
        conversation_id: change.conversation.to_string(),
        other_conversation_id: change.other.to_string(),
    });
    Outgoing::new(now, change.id, data)
}

/// That contacts were emptied whose time was over; nothing when there were none.
pub(crate) fn forgotten(ids: &[InteractionId], now: Micros) -> Option<Outgoing> {
    let first = ids.first()?;
    let data = Data::InteractionsForgotten(events::InteractionsForgotten {
        interaction_ids: ids.iter().map(ToString::to_string).collect(),
    });
    Some(Outgoing::new(now, first, data))
}

/// Facts as bytes, to be told again later.
pub(crate) fn keep(facts: &events::InteractionFacts) -> Vec<u8> {
    facts.encode_to_vec()
}

/// Facts that were kept.
pub(crate) fn kept(bytes: &[u8]) -> Option<events::InteractionFacts> {
    events::InteractionFacts::decode(bytes).ok()
}

/// The pair by which other services know a customer.
pub(crate) fn reference(customer: Customer) -> types::CustomerRef {
    types::CustomerRef {
        customer_id: customer.customer.to_string(),
        record_id: customer.record.to_string(),
    }
}

/// The pair as the domain knows it; none when an id is missing or malformed.
pub(crate) fn customer(reference: &types::CustomerRef) -> Option<Customer> {
    let customer = reference.customer_id.parse().ok()?;
    Some(Customer {
        customer,
        record: reference.record_id.parse().ok()?,
    })
}

/// A hint, or none when it says nothing.
pub(crate) fn routing(hint: &RoutingHint) -> Option<types::RoutingHint> {
    (!hint.is_empty()).then(|| types::RoutingHint {
        queue: hint.queue.clone(),
        required_skills: hint.skills.clone(),
        priority: optional::<Priority>(hint.priority),
    })
}

/// A purchase, without what was bought: events hold nothing that has to be forgotten.
fn purchase(order: &Order) -> types::Order {
    types::Order {
        order_id: order.order_id.clone(),
        total: Some(amount(&order.total)),
        lines: Vec::new(),
    }
}

/// An amount.
pub(crate) fn amount(amount: &Amount) -> types::Amount {
    types::Amount {
        units: amount.units,
        code: amount.code.clone(),
        exponent: i32::from(amount.exponent),
    }
}

/// That a message of ours waits to be sent, in the trace of the call that said so.
pub(crate) fn queued(queueing: &Queueing, logged: &Logged) -> Outgoing {
    let telling = &queueing.telling;
    let queued = events::OutboundQueued {
        outbound_id: OutboundId::from_uuid(telling.id.uuid()).to_string(),
        interaction_id: telling.id.to_string(),
        conversation_id: logged.conversation.to_string(),
        send_time: Some(queueing.send_at.unwrap_or(telling.received_at).into()),
    };
    Outgoing {
        id: EventId::new(telling.received_at),
        aggregate: telling.id.to_string(),
        at: telling.received_at,
        traceparent: telling.traceparent.clone(),
        data: Data::OutboundQueued(queued),
    }
}

/// What became of a message of ours.
pub(crate) fn outbound(one: &Outbound, news: News) -> Outgoing {
    let (outbound_id, interaction_id, conversation_id) = (
        one.id.to_string(),
        one.interaction().to_string(),
        one.conversation.to_string(),
    );
    let data = match news {
        News::Sent => Data::OutboundSent(events::OutboundSent {
            outbound_id,
            interaction_id,
            conversation_id,
            attempt: one.attempt,
        }),
        News::Uncertain => Data::OutboundUncertain(events::OutboundUncertain {
            outbound_id,
            interaction_id,
            conversation_id,
        }),
        News::Failed => Data::OutboundFailed(events::OutboundFailed {
            outbound_id,
            interaction_id,
            conversation_id,
            reason: one.reason.clone(),
        }),
    };
    Outgoing::new(one.changed_at, one.interaction(), data)
}
