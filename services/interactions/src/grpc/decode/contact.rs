//! Decoding what a connector says about one contact.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use rapport_foundation::check::Check;
use rapport_foundation::error::Failure;
use rapport_foundation::money::Amount;
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;
use rapport_proto::interactions::v1 as pb;
use rapport_proto::types::v1 as types;

use super::part::parts;
use crate::domain::contact::Payload;
use crate::domain::{
    Contact, Content, Hints, Identifier, IdentifierKind, Kind, Mail, Order, OrderLine, Participant,
    RoutingHint, Side, limits,
};

/// A contact as its connector tells it, with every violation at once.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub(crate) fn contact(
    input: Option<pb::InteractionInput>,
    now: Micros,
) -> Result<Contact, Failure> {
    let mut c = Check::new();
    let Some(input) = input else {
        c.fail("interaction", "REQUIRED", "is required");
        return c.done(()).and_then(|()| Err(Failure::invalid(Vec::new())));
    };
    let contact = c.within("interaction", |c| checked(c, input, now));
    c.done(contact)
}

fn checked(c: &mut Check, input: pb::InteractionInput, now: Micros) -> Contact {
    let event_at = c.time("event_time", input.event_time.as_ref());
    not_too_far_ahead(c, "event_time", event_at, now);
    let kind = c.enumeration("kind", input.kind);
    if kind == Kind::Order && input.order.is_none() {
        c.fail("order", "REQUIRED", "is required for an order");
    }
    Contact {
        external_id: c.text("external_id", &input.external_id, 1..=limits::EXTERNAL_ID),
        kind,
        channel: c.enumeration("channel", input.channel),
        provider: optional_code(c, "provider", &input.provider, limits::PROVIDER),
        direction: c.enumeration("direction", input.direction),
        purpose: c.optional_enumeration("purpose", input.purpose),
        event_at,
        history: input.history,
        automatic: input.automatic,
        order: input
            .order
            .as_ref()
            .map(|order| c.within("order", |c| self::order(c, order))),
        content: Content {
            participants: participants(c, input.participants),
            subject: c
                .text("subject", &input.subject, 0..=limits::SUBJECT)
                .into(),
            parts: parts(c, input.parts),
            thread_key: c
                .text("thread_key", &input.thread_key, 0..=limits::THREAD_KEY)
                .into(),
            mail: input
                .mail
                .as_ref()
                .map(|said| c.within("mail", |c| mail(c, said)))
                .unwrap_or_default(),
            attributes: attributes(c, input.attributes),
            hints: input
                .hints
                .as_ref()
                .map(|said| c.within("hints", |c| hints(c, said)))
                .unwrap_or_default(),
            routing: input
                .routing
                .as_ref()
                .map(|hint| routing(c, hint))
                .unwrap_or_default(),
            raw_payload: raw_payload(c, input.raw_payload.into()),
        },
    }
}

/// A clock of a channel may be wrong by a day, not by more.
pub(super) fn not_too_far_ahead(c: &mut Check, field: &str, at: Micros, now: Micros) {
    let latest = now + Duration::from_secs(limits::HOURS_AHEAD * 3600);
    c.require(
        at <= latest,
        field,
        "TOO_FAR_AHEAD",
        "is more than 24 hours in the future",
    );
}

fn participants(c: &mut Check, list: Vec<pb::Participant>) -> Vec<Participant> {
    c.require(
        list.len() <= limits::PARTICIPANTS,
        "participants",
        "TOO_MANY",
        "holds more than 50 participants",
    );
    let list = list.into_iter().take(limits::PARTICIPANTS).enumerate();
    list.map(|(n, one)| c.within(format_args!("participants[{n}]"), |c| participant(c, &one)))
        .collect()
}

fn participant(c: &mut Check, said: &pb::Participant) -> Participant {
    let side: Side = c.enumeration("role", said.role);
    if side == Side::Customer && said.role != 0 && said.identifier.is_none() {
        c.fail("identifier", "REQUIRED", "is required for a customer");
    }
    let further = &said.further_identifiers;
    let most = limits::FURTHER_IDENTIFIERS;
    c.require(
        further.len() <= most,
        "further_identifiers",
        "TOO_MANY",
        "holds more than 10 identifiers",
    );
    Participant {
        side,
        identifier: said
            .identifier
            .as_ref()
            .map(|one| c.within("identifier", |c| identifier(c, one))),
        further: (further.iter().take(most).enumerate())
            .map(|(n, one)| {
                c.within(format_args!("further_identifiers[{n}]"), |c| {
                    identifier(c, one)
                })
            })
            .collect(),
        display_name: c
            .text("display_name", &said.display_name, 0..=limits::DISPLAY_NAME)
            .into(),
    }
}

pub(super) fn identifier(c: &mut Check, said: &types::Identifier) -> Identifier {
    let kind = c.enumeration("type", said.r#type);
    let value = c.text("value", &said.value, 1..=limits::IDENTIFIER);
    c.require(
        said.value.is_empty() || !value.trim().is_empty(),
        "value",
        "BLANK",
        "is blank",
    );
    let namespace = c.text("namespace", &said.namespace, 0..=limits::NAMESPACE);
    let blank = namespace.trim().is_empty();
    match kind {
        _ if said.r#type == 0 => {}
        IdentifierKind::Handle | IdentifierKind::External => {
            c.require(
                !blank,
                "namespace",
                "REQUIRED",
                "is required for handles and external ids",
            );
        }
        IdentifierKind::Phone => {
            c.require(
                said.namespace.is_empty() || is_region(&namespace),
                "namespace",
                "MALFORMED",
                "is not a region",
            );
        }
        IdentifierKind::Email => {
            c.require(
                said.namespace.is_empty(),
                "namespace",
                "NOT_EMPTY",
                "must be empty for an e-mail address",
            );
        }
    }
    Identifier {
        kind,
        value: value.into(),
        namespace,
    }
}

fn is_region(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn order(c: &mut Check, said: &types::Order) -> Order {
    let total = c.message("total", said.total.as_ref(), |c, total| {
        Some(amount(c, total))
    });
    let lines = &said.lines;
    c.require(
        lines.len() <= limits::ORDER_LINES,
        "lines",
        "TOO_MANY",
        "holds more than 200 lines",
    );
    let lines = lines.iter().take(limits::ORDER_LINES).enumerate();
    let lines = lines
        .map(|(n, line)| {
            c.within(format_args!("lines[{n}]"), |c| {
                order_line(c, line, total.as_ref())
            })
        })
        .collect();
    Order {
        order_id: c.line("order_id", &said.order_id, 1..=limits::ORDER_ID),
        total: total.unwrap_or_else(|| Amount::new(0, "", 0)),
        lines,
    }
}

fn order_line(c: &mut Check, said: &types::OrderLine, whole: Option<&Amount>) -> OrderLine {
    let total = c.message("total", said.total.as_ref(), |c, total| {
        Some(amount(c, total))
    });
    if let (Some(total), Some(whole)) = (&total, whole) {
        c.require(
            total.code == whole.code && total.exponent == whole.exponent,
            "total",
            "OTHER_CURRENCY",
            "is not in the currency of the order",
        );
    }
    OrderLine {
        product: c.line("product", &said.product, 1..=limits::PRODUCT),
        description: c.text("description", &said.description, 0..=limits::DESCRIPTION),
        quantity_thousandths: c.number(
            "quantity_thousandths",
            said.quantity_thousandths,
            1..=limits::QUANTITY_THOUSANDTHS,
        ),
        total: total.unwrap_or_else(|| Amount::new(0, "", 0)),
    }
}

fn amount(c: &mut Check, said: &types::Amount) -> Amount {
    let code = &said.code;
    let plain = code
        .bytes()
        .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    c.require(
        (2..=12).contains(&code.len()) && plain,
        "code",
        "MALFORMED",
        "is not 2 to 12 of A-Z and 0-9",
    );
    let exponent = c.number("exponent", said.exponent, 0..=6);
    let units = c.number("units", said.units, 0..=i64::MAX);
    Amount::new(
        units,
        code.clone(),
        i16::try_from(exponent).unwrap_or_default(),
    )
}

/// Who should take it; also part of an intake rule.
pub(super) fn routing(c: &mut Check, said: &types::RoutingHint) -> RoutingHint {
    c.within("routing", |c| {
        let skills = &said.required_skills;
        c.require(
            skills.len() <= limits::SKILLS,
            "required_skills",
            "TOO_MANY",
            "holds more than 16 skills",
        );
        for (n, skill) in skills.iter().take(limits::SKILLS).enumerate() {
            c.require(
                is_skill(skill),
                &format!("required_skills[{n}]"),
                "MALFORMED",
                "is not 1 to 64 of a-z, 0-9, dot, _ and -, with `:` and 1 to 10 where it has a level",
            );
        }
        RoutingHint {
            queue: c.text("queue", &said.queue, 0..=limits::QUEUE),
            skills: skills.iter().take(limits::SKILLS).cloned().collect(),
            priority: c.optional_enumeration("priority", said.priority),
        }
    })
}

/// A code, and where it must be held well a level as routing writes it.
fn is_skill(text: &str) -> bool {
    let (code, level) = match text.split_once(':') {
        Some((code, level)) => (code, Some(level)),
        None => (text, None),
    };
    let is_level = |level: &str| (1..=10_u8).any(|number| number.to_string() == level);
    is_code(code, limits::SKILL) && level.is_none_or(is_level)
}

pub(super) fn is_code(text: &str, longest: usize) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    (1..=longest).contains(&text.len()) && text.bytes().all(plain)
}

/// A code that may be left empty.
pub(super) fn optional_code(c: &mut Check, field: &str, text: &str, longest: usize) -> String {
    let fits = text.is_empty() || is_code(text, longest);
    if !fits {
        let what = format!("is not at most {longest} of a-z, 0-9, dot, _ and -");
        c.fail(field, "MALFORMED", what);
    }
    if fits { text.to_owned() } else { String::new() }
}

fn mail(c: &mut Check, said: &pb::MailHeaders) -> Mail {
    let answered = limits::MAIL_ANSWERED;
    let references = limits::MAIL_REFERENCES;
    Mail {
        message_id: c
            .text("message_id", &said.message_id, 0..=limits::MAIL_HEADER)
            .into(),
        in_reply_to: headers(c, "in_reply_to", &said.in_reply_to, answered),
        references: headers(c, "references", &said.references, references),
    }
}

fn headers(c: &mut Check, field: &str, said: &[String], most: usize) -> Vec<Personal> {
    if said.len() > most {
        c.fail(field, "TOO_MANY", format!("holds more than {most} values"));
    }
    let each = said.iter().take(most).enumerate();
    each.map(|(n, one)| {
        c.text(&format!("{field}[{n}]"), one, 1..=limits::MAIL_HEADER)
            .into()
    })
    .collect()
}

pub(super) fn attributes(
    c: &mut Check,
    said: HashMap<String, String>,
) -> BTreeMap<String, Personal> {
    c.require(
        said.len() <= limits::ATTRIBUTES,
        "attributes",
        "TOO_MANY",
        "holds more than 64 attributes",
    );
    let mut attributes = BTreeMap::new();
    // Sorted, so that the same request lists the same violations.
    let sorted: BTreeMap<String, String> = said.into_iter().take(limits::ATTRIBUTES).collect();
    for (n, (key, value)) in sorted.into_iter().enumerate() {
        let field = format!("attributes[{n}]");
        c.require(
            is_code(&key, limits::ATTRIBUTE_KEY),
            &field,
            "MALFORMED_KEY",
            "has a key that is not `[a-z0-9_.-]`",
        );
        let value = c.text(&field, &value, 0..=limits::ATTRIBUTE_VALUE);
        attributes.insert(key, value.into());
    }
    attributes
}

fn hints(c: &mut Check, said: &pb::ContactHints) -> Hints {
    let language = language(c, &said.language);
    c.require(
        said.region.is_empty() || is_region(&said.region),
        "region",
        "MALFORMED",
        "is not a region",
    );
    Hints {
        language,
        time_zone: c.text("time_zone", &said.time_zone, 0..=limits::TIME_ZONE),
        region: said.region.to_ascii_uppercase(),
    }
}

pub(super) fn language(c: &mut Check, said: &str) -> String {
    let tag = said
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    c.require(tag, "language", "MALFORMED", "is not a language tag");
    c.text("language", said, 0..=limits::LANGUAGE)
}

pub(super) fn raw_payload(c: &mut Check, bytes: Vec<u8>) -> Payload {
    c.require(
        bytes.len() <= limits::RAW_PAYLOAD_BYTES,
        "raw_payload",
        "TOO_LARGE",
        "is larger than 256 KiB",
    );
    Payload(bytes)
}

#[cfg(test)]
mod tests;
