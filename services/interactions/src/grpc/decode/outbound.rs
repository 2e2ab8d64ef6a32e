//! Decoding what is asked and said of messages of ours.

use std::time::Duration;

use rapport_foundation::check::Check;
use rapport_foundation::error::Failure;
use rapport_foundation::id::OutboundId;
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;
use rapport_proto::interactions::v1 as pb;
use uuid::Uuid;

use super::contact::{attributes, identifier, optional_code};
use super::part::parts;
use super::{CONNECTOR, page};
use crate::app::{Address, Heard, OutboundFilter, Page, QueueOutbound, Report, To};
use crate::domain::outbound::{Failing, Said};
use crate::domain::{Part, limits};

/// A message to be queued, with every violation at once.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub(crate) fn queue(
    request: pb::QueueOutboundRequest,
    now: Micros,
) -> Result<QueueOutbound, Failure> {
    let mut c = Check::new();
    let request_id = c.request_id(&request.request_id);
    let to = to(&mut c, &request);
    let send_at = ahead(&mut c, "send_time", request.send_time.as_ref(), now);
    let expires_at = ahead(&mut c, "expire_time", request.expire_time.as_ref(), now);
    if let Some(expires_at) = expires_at {
        in_time(&mut c, expires_at, send_at.map_or(now, |at| at.max(now)));
    }
    let wanted = QueueOutbound {
        request_id,
        to,
        subject: c
            .text("subject", &request.subject, 0..=limits::SUBJECT)
            .into(),
        reply_to: c.optional_id("reply_to_interaction_id", &request.reply_to_interaction_id),
        send_at,
        expires_at,
        purpose: c.optional_enumeration("purpose", request.purpose),
        attributes: attributes(&mut c, request.attributes),
        automatic: request.automatic,
        parts: said(&mut c, request.parts),
    };
    c.done(wanted)
}

fn to(c: &mut Check, request: &pb::QueueOutboundRequest) -> To {
    if let Some(id) = c.optional_id("conversation_id", &request.conversation_id) {
        let given = [
            ("recipient", request.recipient.is_some()),
            ("connector", !request.connector.is_empty()),
            ("channel", request.channel != 0),
            ("provider", !request.provider.is_empty()),
            ("thread_key", !request.thread_key.is_empty()),
        ];
        for (field, is_given) in given {
            c.require(
                !is_given,
                field,
                "NOT_EMPTY",
                "must be empty beside a conversation",
            );
        }
        return To::Conversation(id);
    }
    let alone = request.reply_to_interaction_id.is_empty();
    c.require(
        alone,
        "reply_to_interaction_id",
        "NOT_EMPTY",
        "must be empty without its conversation",
    );
    let recipient = c.message("recipient", request.recipient.as_ref(), |c, said| {
        Some(identifier(c, said))
    });
    let connector = c.line("connector", &request.connector, 1..=CONNECTOR);
    let channel = c.enumeration("channel", request.channel);
    let provider = optional_code(c, "provider", &request.provider, limits::PROVIDER);
    let thread_key = c
        .text("thread_key", &request.thread_key, 0..=limits::THREAD_KEY)
        .into();
    match recipient {
        Some(recipient) => To::Somebody(Box::new(Address {
            connector,
            channel,
            provider,
            recipient,
            recipient_name: Personal::default(),
            thread_key,
        })),
        // A placeholder that never gets out: a recipient is missing.
        None => To::Conversation(rapport_foundation::id::ConversationId::nil()),
    }
}

/// What can be sent.
fn said(c: &mut Check, list: Vec<pb::Part>) -> Vec<Part> {
    c.require(!list.is_empty(), "parts", "REQUIRED", "is required");
    let parts = parts(c, list);
    for (n, part) in parts.iter().enumerate() {
        let can_be_sent = matches!(
            part,
            Part::Text(_) | Part::Html(_) | Part::Attachment(_) | Part::Form(_) | Part::Location(_)
        );
        c.require(
            can_be_sent,
            &format!("parts[{n}]"),
            "NOT_SENDABLE",
            "is not a text, HTML, a file, a form or a place",
        );
    }
    parts
}

/// A moment that is not too far ahead.
fn ahead(
    c: &mut Check,
    field: &str,
    time: Option<&prost_types::Timestamp>,
    now: Micros,
) -> Option<Micros> {
    let at = c.optional_time(field, time)?;
    let latest = now + Duration::from_secs(limits::OUTBOUND_DAYS * 24 * 3600);
    c.require(
        at <= latest,
        field,
        "TOO_FAR_AHEAD",
        "is more than 90 days ahead",
    );
    Some(at)
}

fn in_time(c: &mut Check, expires_at: Micros, first: Micros) {
    c.require(
        expires_at > first,
        "expire_time",
        "BEFORE_START",
        "is not after it may be sent first",
    );
}

pub(crate) fn get(request: &pb::GetOutboundRequest) -> Result<OutboundId, Failure> {
    let mut c = Check::new();
    let id = c.id("outbound_id", &request.outbound_id);
    c.done(id)
}

pub(crate) fn list(request: &pb::ListOutboundRequest) -> Result<(OutboundFilter, Page), Failure> {
    let mut c = Check::new();
    let filter = OutboundFilter {
        state: c.optional_enumeration("state", request.state),
        connector: c.optional_text("connector", &request.connector, CONNECTOR),
        conversation: c.optional_id("conversation_id", &request.conversation_id),
    };
    let page = page(&mut c, request.page_size, &request.page_token);
    c.done((filter, page))
}

pub(crate) fn cancel(request: &pb::CancelOutboundRequest) -> Result<(Uuid, OutboundId), Failure> {
    let mut c = Check::new();
    let request_id = c.request_id(&request.request_id);
    let id = c.id("outbound_id", &request.outbound_id);
    c.done((request_id, id))
}

pub(crate) fn retry(
    request: &pb::RetryOutboundRequest,
    now: Micros,
) -> Result<(Uuid, OutboundId, Option<Micros>), Failure> {
    let mut c = Check::new();
    let request_id = c.request_id(&request.request_id);
    let id = c.id("outbound_id", &request.outbound_id);
    let expires_at = ahead(&mut c, "expire_time", request.expire_time.as_ref(), now);
    if let Some(expires_at) = expires_at {
        in_time(&mut c, expires_at, now);
    }
    c.done((request_id, id, expires_at))
}

/// What a connector says on its stream. What is wrong with it is answered, and the stream goes on.
pub(crate) fn heard(request: pb::DeliverOutboundRequest) -> Heard {
    use pb::deliver_outbound_request::Message;
    let mut c = Check::new();
    let report = |c: Check, name: String, report: Report| match c.done(report) {
        Ok(report) => Heard::Report(report),
        Err(failure) => Heard::Wrong(name, failure),
    };
    match request.message {
        Some(Message::Opening(opening)) => {
            let window = c.within("opening", |c| c.number("window", opening.window, 1..=1000));
            let opening = Heard::Opening {
                window: usize::try_from(window).unwrap_or(1),
                drops_repetitions: opening.drops_repetitions,
            };
            c.done(opening)
                .unwrap_or_else(|failure| Heard::Wrong(String::new(), failure))
        }
        Some(Message::Accepted(one)) => {
            let said = c.within("accepted", |c| {
                named(c, &one.outbound_id, one.attempt, |_| Said::Accepted)
            });
            report(c, one.outbound_id, said)
        }
        Some(Message::Sent(one)) => {
            let said = c.within("sent", |c| {
                named(c, &one.outbound_id, one.attempt, |c| Said::Sent {
                    message_id: c.line("message_id", &one.message_id, 0..=limits::EXTERNAL_ID),
                })
            });
            report(c, one.outbound_id, said)
        }
        Some(Message::Failed(one)) => {
            let said = c.within("failed", |c| {
                named(c, &one.outbound_id, one.attempt, |c| failed(c, &one))
            });
            report(c, one.outbound_id, said)
        }
        Some(Message::Released(one)) => {
            let said = c.within("released", |c| {
                named(c, &one.outbound_id, one.attempt, |_| Said::Released)
            });
            report(c, one.outbound_id, said)
        }
        None => {
            c.fail("message", "REQUIRED", "is required");
            let nothing = c.done(()).err().unwrap_or_else(|| Failure::invalid(vec![]));
            Heard::Wrong(String::new(), nothing)
        }
    }
}

fn named(c: &mut Check, id: &str, attempt: i32, said: impl FnOnce(&mut Check) -> Said) -> Report {
    Report {
        id: c.id("outbound_id", id),
        attempt: c.number("attempt", attempt, 1..=i32::MAX),
        said: said(c),
    }
}

fn failed(c: &mut Check, said: &pb::DeliveryFailed) -> Said {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let reason = &said.reason;
    c.require(
        (1..=limits::OUTBOUND_REASON).contains(&reason.len()) && reason.bytes().all(plain),
        "reason",
        "MALFORMED",
        "is not 1 to 64 of A-Z, a-z, 0-9, dot, _ and -",
    );
    let pause = c.number(
        "retry_after_ms",
        said.retry_after_ms,
        0..=limits::RETRY_AFTER_MS,
    );
    Said::Failed(Failing {
        reason: reason.clone(),
        permanent: said.permanent,
        retry_after: u64::try_from(pause)
            .ok()
            .filter(|pause| *pause > 0)
            .map(Duration::from_millis),
    })
}
