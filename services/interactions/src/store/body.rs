//! The sealed part of a contact as bytes: JSON with short names, so that an older version reads a newer one.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rapport_foundation::db::Error;
use rapport_foundation::personal::Personal;
use serde::{Deserialize, Serialize};

use crate::domain::contact::Payload;
use crate::domain::{
    Contact, Content, Fact, Hints, Identifier, IdentifierKind, Known, Mail, OrderLine, Participant,
    Priority, RoutingHint, Side,
};

mod known;
mod piece;

use known::Told;
use piece::{Line, Piece};

type Text<'a> = Cow<'a, str>;

#[derive(Serialize, Deserialize)]
struct Body<'a> {
    #[serde(rename = "p", default, skip_serializing_if = "Vec::is_empty")]
    participants: Vec<Person<'a>>,
    #[serde(rename = "s", default, skip_serializing_if = "is_empty")]
    subject: Text<'a>,
    #[serde(rename = "c", default, skip_serializing_if = "Vec::is_empty")]
    parts: Vec<Piece<'a>>,
    #[serde(rename = "t", default, skip_serializing_if = "is_empty")]
    thread_key: Text<'a>,
    #[serde(rename = "a", default, skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<Text<'a>, Text<'a>>,
    #[serde(rename = "l", default, skip_serializing_if = "is_empty")]
    language: Text<'a>,
    #[serde(rename = "z", default, skip_serializing_if = "is_empty")]
    time_zone: Text<'a>,
    #[serde(rename = "g", default, skip_serializing_if = "is_empty")]
    region: Text<'a>,
    #[serde(rename = "q", default, skip_serializing_if = "is_empty")]
    queue: Text<'a>,
    #[serde(rename = "k", default, skip_serializing_if = "Vec::is_empty")]
    skills: Vec<Text<'a>>,
    #[serde(rename = "i", default, skip_serializing_if = "is_zero")]
    priority: i16,
    #[serde(rename = "b", default, skip_serializing_if = "Vec::is_empty")]
    bought: Vec<Line<'a>>,
    #[serde(rename = "m", default, skip_serializing_if = "is_empty")]
    message_id: Text<'a>,
    #[serde(rename = "mi", default, skip_serializing_if = "Vec::is_empty")]
    in_reply_to: Vec<Text<'a>>,
    #[serde(rename = "mr", default, skip_serializing_if = "Vec::is_empty")]
    references: Vec<Text<'a>>,
}

#[derive(Serialize, Deserialize)]
struct Person<'a> {
    #[serde(rename = "r")]
    side: i16,
    /// The first is the participant's own identifier when `own` says so.
    #[serde(rename = "i", default, skip_serializing_if = "Vec::is_empty")]
    identifiers: Vec<(i16, Text<'a>, Text<'a>)>,
    #[serde(rename = "o")]
    own: bool,
    #[serde(rename = "n", default, skip_serializing_if = "is_empty")]
    name: Text<'a>,
}

fn is_empty(text: &Text<'_>) -> bool {
    text.is_empty()
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
fn is_zero(number: &i16) -> bool {
    *number == 0
}

const DAMAGED: Error = Error::Corrupt("a stored contact cannot be decoded");

/// The bytes to be sealed; the raw payload is kept apart.
pub(super) fn encode(contact: &Contact) -> Result<Vec<u8>, Error> {
    written(&Body::from(contact))
}

fn written(body: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(body).map_err(|_| Error::Misconfigured("a contact cannot be encoded".into()))
}

/// What was encoded is put back into its contact.
///
/// # Errors
/// [`Error::Corrupt`].
pub(super) fn decode(bytes: &[u8], raw_payload: Vec<u8>, into: &mut Contact) -> Result<(), Error> {
    let mut body: Body<'_> = serde_json::from_slice(bytes).map_err(|_| DAMAGED)?;
    if let Some(order) = &mut into.order {
        let bought = std::mem::take(&mut body.bought).into_iter();
        order.lines = bought.map(OrderLine::from).collect();
    }
    into.content = body.into_content(raw_payload).ok_or(DAMAGED)?;
    Ok(())
}

/// What the channel says besides of a contact or of a fact about it.
type Attributes = BTreeMap<String, Personal>;

/// The bytes of a fact to be sealed; the raw payload is kept apart.
pub(super) fn encode_fact(fact: &Fact) -> Result<Vec<u8>, Error> {
    written(&Later {
        told: Told::from(&fact.what),
        attributes: kept(&fact.attributes),
    })
}

/// What was encoded.
///
/// # Errors
/// [`Error::Corrupt`].
pub(super) fn decode_fact(bytes: &[u8]) -> Result<(Known, Attributes), Error> {
    let later: Later<'_> = serde_json::from_slice(bytes).map_err(|_| DAMAGED)?;
    let what = later.told.into_known().ok_or(DAMAGED)?;
    Ok((what, opened(later.attributes)))
}

/// A fact, and what the channel says besides.
#[derive(Serialize, Deserialize)]
struct Later<'a> {
    #[serde(flatten)]
    told: Told<'a>,
    #[serde(rename = "a", default, skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<Text<'a>, Text<'a>>,
}

fn kept(attributes: &Attributes) -> BTreeMap<Text<'_>, Text<'_>> {
    (attributes.iter())
        .map(|(key, value)| (key.into(), value.expose().into()))
        .collect()
}

fn opened(attributes: BTreeMap<Text<'_>, Text<'_>>) -> Attributes {
    (attributes.into_iter())
        .map(|(key, value)| (key.into_owned(), personal(value)))
        .collect()
}

impl<'a> From<&'a Contact> for Body<'a> {
    fn from(contact: &'a Contact) -> Self {
        let content = &contact.content;
        Self {
            participants: content.participants.iter().map(Person::from).collect(),
            subject: content.subject.expose().into(),
            parts: content.parts.iter().map(Piece::from).collect(),
            thread_key: content.thread_key.expose().into(),
            attributes: kept(&content.attributes),
            language: (&content.hints.language).into(),
            time_zone: (&content.hints.time_zone).into(),
            region: (&content.hints.region).into(),
            queue: (&content.routing.queue).into(),
            skills: content.routing.skills.iter().map(Into::into).collect(),
            priority: content.routing.priority.map_or(0, Priority::code),
            bought: (contact.order.iter().flat_map(|order| &order.lines))
                .map(Line::from)
                .collect(),
            message_id: content.mail.message_id.expose().into(),
            in_reply_to: texts(&content.mail.in_reply_to),
            references: texts(&content.mail.references),
        }
    }
}

fn texts(list: &[Personal]) -> Vec<Text<'_>> {
    list.iter().map(|one| one.expose().into()).collect()
}

impl Body<'_> {
    fn into_content(self, raw_payload: Vec<u8>) -> Option<Content> {
        Some(Content {
            participants: self
                .participants
                .into_iter()
                .map(Person::into_participant)
                .collect::<Option<_>>()?,
            subject: personal(self.subject),
            parts: piece::into_parts(self.parts)?,
            thread_key: personal(self.thread_key),
            mail: Mail {
                message_id: personal(self.message_id),
                in_reply_to: self.in_reply_to.into_iter().map(personal).collect(),
                references: self.references.into_iter().map(personal).collect(),
            },
            attributes: opened(self.attributes),
            hints: Hints {
                language: self.language.into_owned(),
                time_zone: self.time_zone.into_owned(),
                region: self.region.into_owned(),
            },
            routing: RoutingHint {
                queue: self.queue.into_owned(),
                skills: self.skills.into_iter().map(Cow::into_owned).collect(),
                priority: Priority::from_code(self.priority),
            },
            raw_payload: Payload(raw_payload),
        })
    }
}

impl<'a> From<&'a Participant> for Person<'a> {
    fn from(participant: &'a Participant) -> Self {
        let written = |one: &'a Identifier| -> (i16, Text<'a>, Text<'a>) {
            (
                one.kind.code(),
                one.value.expose().into(),
                (&one.namespace).into(),
            )
        };
        Self {
            side: participant.side.code(),
            identifiers: participant.identifiers().map(written).collect(),
            own: participant.identifier.is_some(),
            name: participant.display_name.expose().into(),
        }
    }
}

impl Person<'_> {
    fn into_participant(self) -> Option<Participant> {
        let read = |(kind, value, namespace): (i16, Text<'_>, Text<'_>)| {
            let kind = IdentifierKind::from_code(kind)?;
            Some(Identifier {
                kind,
                value: personal(value),
                namespace: namespace.into_owned(),
            })
        };
        let mut identifiers = self
            .identifiers
            .into_iter()
            .map(read)
            .collect::<Option<Vec<_>>>()?
            .into_iter();
        Some(Participant {
            side: Side::from_code(self.side)?,
            identifier: if self.own { identifiers.next() } else { None },
            further: identifiers.collect(),
            display_name: personal(self.name),
        })
    }
}

fn personal(text: Text<'_>) -> Personal {
    Personal::new(text.into_owned())
}

#[cfg(test)]
#[path = "body/tests.rs"]
mod tests;
