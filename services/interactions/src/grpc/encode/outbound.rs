//! Messages of ours, from the domain to the contract.

use std::time::Duration;

use rapport_foundation::time::Micros;
use rapport_proto::interactions::v1 as pb;

use super::{identifier, item_error, part};
use crate::app::Spoken;
use crate::domain::{Outbound, OutboundState};
use crate::store::Handover;

pub(crate) fn outbound(one: Outbound) -> pb::Outbound {
    let waits = matches!(one.state, OutboundState::Queued | OutboundState::Uncertain);
    let next = Some(one.ready_at).filter(|at| waits && *at != Micros::MAX);
    let lease = Some(one.lease_until).filter(|_| one.is_held());
    pb::Outbound {
        interaction_id: one.interaction().to_string(),
        id: one.id.to_string(),
        conversation_id: one.conversation.to_string(),
        connector: one.connector,
        state: one.state.into(),
        attempt: one.attempt,
        failure_count: one.failures,
        reason: one.reason,
        message_id: one.message_id,
        reply_to_interaction_id: super::optional_id(one.reply_to),
        queue_time: Some(one.queued_at.into()),
        next_time: next.map(Into::into),
        expire_time: Some(one.expires_at.into()),
        lease_end_time: lease.map(Into::into),
        sent_time: one.sent_at.map(Into::into),
        update_time: Some(one.changed_at.into()),
    }
}

pub(crate) fn spoken(spoken: Spoken) -> pb::DeliverOutboundResponse {
    use pb::deliver_outbound_response::Message;
    let message = match spoken {
        Spoken::Alive => None,
        Spoken::Delivery(one, lease) => Some(Message::Delivery(delivery(*one, lease))),
        Spoken::Confirmed(id, attempt, until, lease) => {
            Some(Message::Confirmation(pb::DeliveryConfirmation {
                outbound_id: id.to_string(),
                attempt,
                lease_end_time: Some(until.into()),
                lease_ms: millis(lease),
            }))
        }
        Spoken::Withdrawn(id, attempt, state) => {
            Some(Message::Withdrawal(pb::DeliveryWithdrawal {
                outbound_id: id.to_string(),
                attempt,
                reason: withdrawn(state).into(),
            }))
        }
        Spoken::Receipt(id, attempt, state) => Some(Message::Receipt(pb::DeliveryReceipt {
            outbound_id: id.to_string(),
            attempt,
            state: state.into(),
        })),
        Spoken::Refused(name, error) => Some(Message::Refusal(pb::DeliveryRefusal {
            outbound_id: name,
            error: Some(item_error(error)),
        })),
    };
    pb::DeliverOutboundResponse { message }
}

fn withdrawn(state: Option<OutboundState>) -> pb::DeliveryWithdrawalReason {
    use pb::DeliveryWithdrawalReason as Reason;
    match state {
        None => Reason::Unknown,
        Some(
            OutboundState::Queued
            | OutboundState::Handed
            | OutboundState::Accepted
            | OutboundState::Uncertain,
        ) => Reason::LeaseEnded,
        Some(OutboundState::Sent | OutboundState::Delivered | OutboundState::Read) => Reason::Sent,
        Some(OutboundState::Cancelled) => Reason::Cancelled,
        Some(OutboundState::Failed | OutboundState::Expired) => Reason::Expired,
    }
}

fn delivery(one: Handover, lease: Duration) -> pb::OutboundDelivery {
    let Handover {
        outbound,
        contact,
        reply_to,
    } = one;
    let recipient = contact.customer().cloned();
    let (recipient, name) =
        recipient.map_or_else(Default::default, |one| (one.identifier, one.display_name));
    let content = contact.content;
    pb::OutboundDelivery {
        outbound_id: outbound.id.to_string(),
        attempt: outbound.attempt,
        lease_end_time: Some(outbound.lease_until.into()),
        lease_ms: millis(lease),
        expire_time: Some(outbound.expires_at.into()),
        conversation_id: outbound.conversation.to_string(),
        channel: contact.channel.into(),
        provider: contact.provider,
        recipient: recipient.map(identifier),
        recipient_name: name.into_exposed(),
        thread_key: content.thread_key.into_exposed(),
        reply_to_external_id: reply_to,
        subject: content.subject.into_exposed(),
        parts: content.parts.into_iter().map(part::part).collect(),
        attributes: part::attributes(content.attributes),
        automatic: contact.automatic,
        may_be_repetition: outbound.doubt.is_any(),
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
