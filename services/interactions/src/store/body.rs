//! The sealed part of a contact as bytes: JSON with short names, so that an older version reads a newer one.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rapport_foundation::db::Error;
use rapport_foundation::personal::Personal;
use serde::{Deserialize, Serialize};

use crate::domain::contact::Payload;
use crate::domain::{
    Attachment, Content, Hints, Identifier, IdentifierKind, Part, Participant, Priority,
    RoutingHint, Side,
};

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

#[derive(Serialize, Deserialize)]
enum Piece<'a> {
    #[serde(rename = "t")]
    Text(Text<'a>),
    #[serde(rename = "h")]
    Html(Text<'a>),
    #[serde(rename = "f")]
    File(Text<'a>, Text<'a>, i64, Text<'a>),
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

/// The bytes to be sealed; the raw payload is kept apart.
pub(super) fn encode(content: &Content) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(&Body::from(content))
        .map_err(|_| Error::Misconfigured("a contact cannot be encoded".into()))
}

/// What was encoded.
///
/// # Errors
/// [`Error::Corrupt`].
pub(super) fn decode(bytes: &[u8], raw_payload: Vec<u8>) -> Result<Content, Error> {
    const DAMAGED: Error = Error::Corrupt("a stored contact cannot be decoded");
    let body: Body<'_> = serde_json::from_slice(bytes).map_err(|_| DAMAGED)?;
    body.into_content(raw_payload).ok_or(DAMAGED)
}

impl<'a> From<&'a Content> for Body<'a> {
    fn from(content: &'a Content) -> Self {
        Self {
            participants: content.participants.iter().map(Person::from).collect(),
            subject: content.subject.expose().into(),
            parts: content.parts.iter().map(Piece::from).collect(),
            thread_key: content.thread_key.expose().into(),
            attributes: content
                .attributes
                .iter()
                .map(|(key, value)| (key.into(), value.expose().into()))
                .collect(),
            language: (&content.hints.language).into(),
            time_zone: (&content.hints.time_zone).into(),
            region: (&content.hints.region).into(),
            queue: (&content.routing.queue).into(),
            skills: content.routing.skills.iter().map(Into::into).collect(),
            priority: content.routing.priority.map_or(0, Priority::code),
        }
    }
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
            parts: self.parts.into_iter().map(Piece::into_part).collect(),
            thread_key: personal(self.thread_key),
            attributes: (self.attributes.into_iter())
                .map(|(key, value)| (key.into_owned(), personal(value)))
                .collect(),
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

impl<'a> From<&'a Part> for Piece<'a> {
    fn from(part: &'a Part) -> Self {
        match part {
            Part::Text(text) => Self::Text(text.expose().into()),
            Part::Html(html) => Self::Html(html.expose().into()),
            Part::Attachment(file) => Self::File(
                file.uri.expose().into(),
                (&file.media_type).into(),
                file.size_bytes,
                file.file_name.expose().into(),
            ),
        }
    }
}

impl Piece<'_> {
    fn into_part(self) -> Part {
        match self {
            Self::Text(text) => Part::Text(personal(text)),
            Self::Html(html) => Part::Html(personal(html)),
            Self::File(uri, media_type, size_bytes, file_name) => Part::Attachment(Attachment {
                uri: personal(uri),
                media_type: media_type.into_owned(),
                size_bytes,
                file_name: personal(file_name),
            }),
        }
    }
}

fn personal(text: Text<'_>) -> Personal {
    Personal::new(text.into_owned())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_contact_reads_back_as_it_was_written() {
        let identifier = |value: &str| Identifier {
            kind: IdentifierKind::Handle,
            value: value.into(),
            namespace: "line".into(),
        };
        let content = Content {
            participants: vec![
                Participant {
                    side: Side::Customer,
                    identifier: Some(identifier("ana")),
                    further: vec![identifier("ana2")],
                    display_name: "Ana \"Q\" \u{1f600}".into(),
                },
                Participant {
                    side: Side::Bot,
                    identifier: None,
                    further: vec![],
                    display_name: "".into(),
                },
            ],
            subject: "Müller\n".into(),
            parts: vec![
                Part::Text("\u{c}a".into()),
                Part::Html("<b>".into()),
                Part::Attachment(Attachment {
                    uri: "u".into(),
                    media_type: "m".into(),
                    size_bytes: 7,
                    file_name: "f".into(),
                }),
            ],
            thread_key: "t".into(),
            attributes: [("k".to_owned(), "v".into())].into(),
            hints: Hints {
                language: "id".into(),
                time_zone: "Asia/Jakarta".into(),
                region: "ID".into(),
            },
            routing: RoutingHint {
                queue: "q".into(),
                skills: vec!["s".into()],
                priority: Some(Priority::High),
            },
            raw_payload: Payload(vec![0, 1]),
        };
        let bytes = encode(&content).unwrap();
        assert_eq!(decode(&bytes, vec![0, 1]).unwrap(), content);
        assert_eq!(
            decode(&encode(&Content::default()).unwrap(), vec![]).unwrap(),
            Content::default()
        );
        assert!(decode(b"{", vec![]).is_err());
    }
}
