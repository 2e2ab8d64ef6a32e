//! What connectors say of commands.

use rapport_foundation::check::Check;
use rapport_foundation::error::Failure;
use rapport_proto::routing::v1 as pb;
use rapport_proto::routing::v1::deliver_commands_request::Message;

use super::paging;
use crate::app::Paging;
use crate::app::command::Report;
use crate::app::contact_commands::Heard;
use crate::domain::contact_command::{CommandFault, CommandState, Said};
use crate::store::CommandFilter;

const WINDOW: i32 = 1_000;
const REASON_CHARACTERS: usize = 64;
/// What of a name is told back.
const NAME_CHARACTERS: usize = 64;

pub(in crate::grpc) fn list_contact_commands(
    body: &pb::ListContactCommandsRequest,
) -> Result<(CommandFilter, Paging), Failure> {
    let mut c = Check::new();
    let state: Option<pb::ContactCommandState> = c.optional_enumeration("state", body.state);
    let filter = CommandFilter {
        state: state.and_then(command_state),
        item: c.optional_id("work_item_id", &body.work_item_id),
        interaction: c.optional_id("interaction_id", &body.interaction_id),
        connector: None,
    };
    let paging = paging(&mut c, body.page_size, &body.page_token);
    c.done((filter, paging))
}

/// What a connector says; what is wrong with it is told, and the stream goes on.
pub(in crate::grpc) fn heard(said: pb::DeliverCommandsRequest) -> Heard {
    let mut c = Check::new();
    match said.message {
        None => {
            c.fail("message", "REQUIRED", "is required");
            wrong("", c.done(()))
        }
        Some(Message::Opening(opening)) => {
            let window = c.within("opening", |c| {
                c.number("window", opening.window, 1..=WINDOW)
            });
            match c.done(usize::try_from(window).unwrap_or(1)) {
                Ok(window) => Heard::Opening(window),
                Err(failure) => Heard::Wrong(String::new(), failure),
            }
        }
        Some(Message::Accepted(one)) => {
            report(c, &one.contact_command_id, one.attempt, |_| Said::Accepted)
        }
        Some(Message::Done(one)) => report(c, &one.contact_command_id, one.attempt, |_| Said::Done),
        Some(Message::Failed(one)) => {
            let failed = |c: &mut Check| Said::Failed {
                reason: reason(c, &one.reason),
                fault: fault(c.optional_enumeration("fault", one.fault)),
            };
            report(c, &one.contact_command_id, one.attempt, failed)
        }
        Some(Message::Released(one)) => {
            report(c, &one.contact_command_id, one.attempt, |_| Said::Released)
        }
    }
}

fn report(mut c: Check, name: &str, attempt: i32, said: impl FnOnce(&mut Check) -> Said) -> Heard {
    let report = Report {
        id: c.id("contact_command_id", name),
        attempt: c.number("attempt", attempt, 1..=i32::MAX),
        said: said(&mut c),
    };
    match c.done(report) {
        Ok(report) => Heard::Report(report),
        Err(failure) => wrong(name, Err(failure)),
    }
}

fn wrong(name: &str, outcome: Result<(), Failure>) -> Heard {
    let name = name.chars().take(NAME_CHARACTERS).collect();
    match outcome {
        Err(failure) => Heard::Wrong(name, failure),
        Ok(()) => Heard::Wrong(name, Failure::invalid(Vec::new())),
    }
}

fn reason(c: &mut Check, text: &str) -> String {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    let fits = !text.is_empty() && text.len() <= REASON_CHARACTERS && text.bytes().all(allowed);
    c.require(
        fits,
        "reason",
        "MALFORMED_CODE",
        "is not of the form [A-Za-z0-9_.-]{1,64}",
    );
    if fits { text.to_owned() } else { String::new() }
}

const fn fault(fault: Option<pb::CommandFault>) -> CommandFault {
    match fault {
        None | Some(pb::CommandFault::Unspecified) => CommandFault::Other,
        Some(pb::CommandFault::AgentUnreachable) => CommandFault::Agent,
        Some(pb::CommandFault::ContactGone) => CommandFault::Contact,
    }
}

const fn command_state(state: pb::ContactCommandState) -> Option<CommandState> {
    Some(match state {
        pb::ContactCommandState::Unspecified => return None,
        pb::ContactCommandState::Waiting => CommandState::Waiting,
        pb::ContactCommandState::Handed => CommandState::Handed,
        pb::ContactCommandState::Accepted => CommandState::Accepted,
        pb::ContactCommandState::Done => CommandState::Done,
        pb::ContactCommandState::Failed => CommandState::Failed,
        pb::ContactCommandState::Expired => CommandState::Expired,
        pb::ContactCommandState::Cancelled => CommandState::Cancelled,
    })
}
