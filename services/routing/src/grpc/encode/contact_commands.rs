//! Commands to connectors, and what connectors are told.

use std::time::Duration;

use rapport_foundation::error::Failure;
use rapport_foundation::personal::Personal;
use rapport_proto::routing::v1 as pb;
use rapport_proto::routing::v1::deliver_commands_response::Message;

use super::text;
use crate::app::contact_commands::Spoken;
use crate::domain::contact_command::{CommandKind, CommandState, ContactCommand};

pub(in crate::grpc) fn contact_command(command: &ContactCommand) -> pb::ContactCommand {
    pb::ContactCommand {
        id: command.id.to_string(),
        work_item_id: command.item.to_string(),
        interaction_id: command.interaction.to_string(),
        connector: command.connector.to_string(),
        kind: kind(command.kind).into(),
        agent_id: text(command.agent),
        queue_id: text(command.queue),
        state: state(command.state).into(),
        attempt: command.attempt,
        reason: command.reason.clone(),
        create_time: Some(command.made_at.into()),
        expire_time: Some(command.expires_at.into()),
        end_time: command.ended_at.map(Into::into),
        consult: command.consult,
        next_work_item_id: text(command.next),
    }
}

pub(in crate::grpc) fn spoken(spoken: Spoken) -> pb::DeliverCommandsResponse {
    let message = match spoken {
        Spoken::Delivery(command, address, lease) => Some(delivery(&command, &address, lease)),
        Spoken::Confirmed(id, attempt, until, lease) => {
            Some(Message::Confirmation(pb::CommandConfirmation {
                contact_command_id: id.to_string(),
                attempt,
                lease_end_time: Some(until.into()),
                lease_ms: millis(lease),
            }))
        }
        Spoken::Withdrawn(id, attempt, state) => Some(Message::Withdrawal(pb::CommandWithdrawal {
            contact_command_id: id.to_string(),
            attempt,
            reason: withdrawn(state).into(),
        })),
        Spoken::Receipt(id, attempt, now) => Some(Message::Receipt(pb::CommandReceipt {
            contact_command_id: id.to_string(),
            attempt,
            state: state(now).into(),
        })),
        Spoken::Refused(name, failure) => Some(Message::Refusal(refusal(name, &failure))),
        Spoken::Alive => None,
    };
    pb::DeliverCommandsResponse { message }
}

fn delivery(command: &ContactCommand, address: &Personal, lease: Duration) -> Message {
    Message::Delivery(pb::CommandDelivery {
        contact_command: Some(contact_command(command)),
        agent_address: address.expose().to_owned(),
        lease_end_time: Some(command.lease_until.into()),
        lease_ms: millis(lease),
        may_be_done: command.may_be_done,
    })
}

fn refusal(name: String, failure: &Failure) -> pb::CommandRefusal {
    let violations = failure.violations().iter();
    pb::CommandRefusal {
        contact_command_id: name,
        violations: violations
            .map(|wrong| format!("{} {}", wrong.field, wrong.reason))
            .collect(),
    }
}

const fn withdrawn(state: Option<CommandState>) -> pb::CommandWithdrawalReason {
    match state {
        None => pb::CommandWithdrawalReason::Unknown,
        Some(state) if state.is_open() => pb::CommandWithdrawalReason::LeaseEnded,
        Some(_) => pb::CommandWithdrawalReason::Ended,
    }
}

const fn kind(kind: CommandKind) -> pb::ContactCommandKind {
    match kind {
        CommandKind::Connect => pb::ContactCommandKind::Connect,
        CommandKind::Hold => pb::ContactCommandKind::Hold,
        CommandKind::Resume => pb::ContactCommandKind::Resume,
        CommandKind::Transfer => pb::ContactCommandKind::Transfer,
        CommandKind::Conference => pb::ContactCommandKind::Conference,
        CommandKind::HangUp => pb::ContactCommandKind::HangUp,
        CommandKind::CallBack => pb::ContactCommandKind::CallBack,
        CommandKind::Monitor => pb::ContactCommandKind::Monitor,
        CommandKind::Whisper => pb::ContactCommandKind::Whisper,
        CommandKind::Barge => pb::ContactCommandKind::Barge,
    }
}

const fn state(state: CommandState) -> pb::ContactCommandState {
    match state {
        CommandState::Waiting => pb::ContactCommandState::Waiting,
        CommandState::Handed => pb::ContactCommandState::Handed,
        CommandState::Accepted => pb::ContactCommandState::Accepted,
        CommandState::Done => pb::ContactCommandState::Done,
        CommandState::Failed => pb::ContactCommandState::Failed,
        CommandState::Expired => pb::ContactCommandState::Expired,
        CommandState::Cancelled => pb::ContactCommandState::Cancelled,
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
