//! Pieces of a contact as they are kept. What may grow has names; what never will is a row of values.

use rapport_foundation::id::MediaId;
use rapport_foundation::money::Amount;
use rapport_foundation::time::Micros;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Text, is_empty, personal};
use crate::domain::{
    Attachment, CallLeg, Delivery, DeliveryState, Form, HangUpSide, Html, Location, OrderLine,
    PageVisit, Part, Reaction, Segment, Side, Transcript,
};

#[derive(Serialize, Deserialize)]
pub(super) enum Piece<'a> {
    #[serde(rename = "t")]
    Text(Text<'a>),
    /// HTML as it was kept before there was a copy to be shown.
    #[serde(rename = "h")]
    Received(Text<'a>),
    /// As received, and the copy to be shown.
    #[serde(rename = "w")]
    Html(Text<'a>, Text<'a>),
    #[serde(rename = "f")]
    File(Text<'a>, Text<'a>, i64, Text<'a>),
    /// The same with a file of ours.
    #[serde(rename = "o")]
    Ours(Uuid, Text<'a>, Text<'a>, i64, Text<'a>),
    #[serde(rename = "s")]
    Transcript(Speech<'a>),
    /// Its name; names and values of its fields.
    #[serde(rename = "m")]
    Form(Text<'a>, Vec<(Text<'a>, Text<'a>)>),
    /// Latitude, longitude, accuracy, label.
    #[serde(rename = "g")]
    Location(i32, i32, i32, Text<'a>),
    #[serde(rename = "r")]
    Reaction(Emoji<'a>),
    #[serde(rename = "d")]
    Delivery(Receipt<'a>),
    #[serde(rename = "c")]
    CallLeg(Leg<'a>),
    /// Address, title, referrer, milliseconds.
    #[serde(rename = "v")]
    PageVisit(Text<'a>, Text<'a>, Text<'a>, i64),
}

#[derive(Serialize, Deserialize)]
pub(super) struct Speech<'a> {
    #[serde(rename = "l", default, skip_serializing_if = "is_empty")]
    language: Text<'a>,
    #[serde(rename = "s")]
    segments: Vec<Spoken<'a>>,
}

#[derive(Serialize, Deserialize)]
struct Spoken<'a> {
    #[serde(rename = "r")]
    speaker: i16,
    #[serde(rename = "n", default, skip_serializing_if = "is_empty")]
    name: Text<'a>,
    #[serde(rename = "o", default)]
    offset_ms: i64,
    #[serde(rename = "d", default)]
    duration_ms: i64,
    #[serde(rename = "t")]
    text: Text<'a>,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    confidence_permille: Option<i32>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Emoji<'a> {
    #[serde(rename = "s")]
    symbol: Text<'a>,
    #[serde(rename = "t", default, skip_serializing_if = "is_empty")]
    target: Text<'a>,
    #[serde(rename = "a", default, skip_serializing_if = "is_empty")]
    author: Text<'a>,
    #[serde(rename = "x", default)]
    removed: bool,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Receipt<'a> {
    #[serde(rename = "s")]
    state: i16,
    #[serde(rename = "t", default, skip_serializing_if = "is_empty")]
    target: Text<'a>,
    #[serde(rename = "r", default, skip_serializing_if = "is_empty")]
    recipient: Text<'a>,
    #[serde(rename = "e", default, skip_serializing_if = "is_empty")]
    error_code: Text<'a>,
    #[serde(rename = "x", default, skip_serializing_if = "is_empty")]
    error_text: Text<'a>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Leg<'a> {
    #[serde(rename = "k")]
    leg: Text<'a>,
    #[serde(rename = "i", default, skip_serializing_if = "is_empty")]
    initial: Text<'a>,
    #[serde(rename = "p", default, skip_serializing_if = "is_empty")]
    previous: Text<'a>,
    #[serde(rename = "n", default, skip_serializing_if = "is_empty")]
    next: Text<'a>,
    #[serde(rename = "a", default, skip_serializing_if = "is_empty")]
    agent: Text<'a>,
    #[serde(rename = "q", default, skip_serializing_if = "is_empty")]
    queue: Text<'a>,
    /// Start, answer, end.
    #[serde(rename = "t")]
    times: (i64, Option<i64>, Option<i64>),
    /// Queue, talk, hold, work after the talk.
    #[serde(rename = "d")]
    spent_ms: (i64, i64, i64, i64),
    #[serde(rename = "h", default)]
    hang_up_side: i16,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Line<'a> {
    #[serde(rename = "p")]
    product: Text<'a>,
    #[serde(rename = "d", default, skip_serializing_if = "is_empty")]
    description: Text<'a>,
    #[serde(rename = "q")]
    quantity_thousandths: i64,
    /// Units, code, exponent.
    #[serde(rename = "t")]
    total: (i64, Text<'a>, i16),
}

/// Every part; none when one of them holds a code that is not known.
pub(super) fn into_parts(pieces: Vec<Piece<'_>>) -> Option<Vec<Part>> {
    pieces.into_iter().map(Piece::into_part).collect()
}

impl<'a> From<&'a Part> for Piece<'a> {
    fn from(part: &'a Part) -> Self {
        match part {
            Part::Text(text) => Self::Text(text.expose().into()),
            Part::Html(html) => Self::Html(
                html.received.expose().into(),
                html.sanitised.expose().into(),
            ),
            Part::Attachment(file) => {
                let (uri, media_type): (Text<'a>, Text<'a>) =
                    (file.uri.expose().into(), (&file.media_type).into());
                let (size, name) = (file.size_bytes, file.file_name.expose().into());
                match file.media {
                    Some(media) => Self::Ours(media.uuid(), uri, media_type, size, name),
                    None => Self::File(uri, media_type, size, name),
                }
            }
            Part::Transcript(one) => Self::Transcript(one.into()),
            Part::Form(one) => {
                let fields = one.fields.iter();
                let fields = fields.map(|(name, value)| (name.into(), value.expose().into()));
                Self::Form((&one.name).into(), fields.collect())
            }
            Part::Location(one) => Self::Location(
                one.latitude_e7,
                one.longitude_e7,
                one.accuracy_m,
                one.label.expose().into(),
            ),
            Part::Reaction(one) => Self::Reaction(one.into()),
            Part::Delivery(one) => Self::Delivery(one.into()),
            Part::CallLeg(one) => Self::CallLeg(one.into()),
            Part::PageVisit(one) => Self::PageVisit(
                one.url.expose().into(),
                one.title.expose().into(),
                one.referrer.expose().into(),
                one.duration_ms,
            ),
        }
    }
}

impl Piece<'_> {
    fn into_part(self) -> Option<Part> {
        Some(match self {
            Self::Text(text) => Part::Text(personal(text)),
            Self::Received(received) => Part::Html(Html {
                received: personal(received),
                sanitised: Default::default(),
            }),
            Self::Html(received, sanitised) => Part::Html(Html {
                received: personal(received),
                sanitised: personal(sanitised),
            }),
            Self::File(uri, media_type, size, name) => file(None, uri, media_type, size, name),
            Self::Ours(media, uri, media_type, size, name) => {
                file(Some(MediaId::from_uuid(media)), uri, media_type, size, name)
            }
            Self::Transcript(one) => Part::Transcript(one.into_transcript()?),
            Self::Form(name, fields) => {
                let fields = fields.into_iter();
                let fields = fields.map(|(name, value)| (name.into_owned(), personal(value)));
                Part::Form(Form {
                    name: name.into_owned(),
                    fields: fields.collect(),
                })
            }
            Self::Location(latitude_e7, longitude_e7, accuracy_m, label) => {
                Part::Location(Location {
                    latitude_e7,
                    longitude_e7,
                    accuracy_m,
                    label: personal(label),
                })
            }
            Self::Reaction(one) => Part::Reaction(one.into_reaction()),
            Self::Delivery(one) => Part::Delivery(one.into_delivery()?),
            Self::CallLeg(one) => Part::CallLeg(one.into_leg()),
            Self::PageVisit(url, title, referrer, duration_ms) => Part::PageVisit(PageVisit {
                url: personal(url),
                title: personal(title),
                referrer: personal(referrer),
                duration_ms,
            }),
        })
    }
}

fn file(
    media: Option<MediaId>,
    uri: Text<'_>,
    media_type: Text<'_>,
    size_bytes: i64,
    file_name: Text<'_>,
) -> Part {
    Part::Attachment(Attachment {
        uri: personal(uri),
        media,
        media_type: media_type.into_owned(),
        size_bytes,
        file_name: personal(file_name),
    })
}

impl<'a> From<&'a Transcript> for Speech<'a> {
    fn from(one: &'a Transcript) -> Self {
        let spoken = |segment: &'a Segment| Spoken {
            speaker: segment.speaker.code(),
            name: segment.speaker_name.expose().into(),
            offset_ms: segment.offset_ms,
            duration_ms: segment.duration_ms,
            text: segment.text.expose().into(),
            confidence_permille: segment.confidence_permille,
        };
        Self {
            language: (&one.language).into(),
            segments: one.segments.iter().map(spoken).collect(),
        }
    }
}

impl Speech<'_> {
    pub(super) fn into_transcript(self) -> Option<Transcript> {
        let segment = |one: Spoken<'_>| {
            Some(Segment {
                speaker: Side::from_code(one.speaker)?,
                speaker_name: personal(one.name),
                offset_ms: one.offset_ms,
                duration_ms: one.duration_ms,
                text: personal(one.text),
                confidence_permille: one.confidence_permille,
            })
        };
        Some(Transcript {
            language: self.language.into_owned(),
            segments: (self.segments.into_iter())
                .map(segment)
                .collect::<Option<_>>()?,
        })
    }
}

impl<'a> From<&'a Reaction> for Emoji<'a> {
    fn from(one: &'a Reaction) -> Self {
        Self {
            symbol: (&one.symbol).into(),
            target: (&one.target).into(),
            author: one.author.expose().into(),
            removed: one.removed,
        }
    }
}

impl Emoji<'_> {
    pub(super) fn into_reaction(self) -> Reaction {
        Reaction {
            symbol: self.symbol.into_owned(),
            target: self.target.into_owned(),
            author: personal(self.author),
            removed: self.removed,
        }
    }
}

impl<'a> From<&'a Delivery> for Receipt<'a> {
    fn from(one: &'a Delivery) -> Self {
        Self {
            state: one.state.code(),
            target: (&one.target).into(),
            recipient: one.recipient.expose().into(),
            error_code: (&one.error_code).into(),
            error_text: one.error_text.expose().into(),
        }
    }
}

impl Receipt<'_> {
    pub(super) fn into_delivery(self) -> Option<Delivery> {
        Some(Delivery {
            state: DeliveryState::from_code(self.state)?,
            target: self.target.into_owned(),
            recipient: personal(self.recipient),
            error_code: self.error_code.into_owned(),
            error_text: personal(self.error_text),
        })
    }
}

impl<'a> From<&'a CallLeg> for Leg<'a> {
    fn from(one: &'a CallLeg) -> Self {
        let micros = |at: Option<Micros>| at.map(|at| at.0);
        Self {
            leg: (&one.leg).into(),
            initial: (&one.initial_leg).into(),
            previous: (&one.previous_leg).into(),
            next: (&one.next_leg).into(),
            agent: (&one.agent).into(),
            queue: (&one.queue).into(),
            times: (
                one.started_at.0,
                micros(one.answered_at),
                micros(one.ended_at),
            ),
            spent_ms: (one.queue_ms, one.talk_ms, one.hold_ms, one.after_work_ms),
            hang_up_side: one.hang_up_side.map_or(0, HangUpSide::code),
        }
    }
}

impl Leg<'_> {
    pub(super) fn into_leg(self) -> CallLeg {
        let (started_at, answered_at, ended_at) = self.times;
        let (queue_ms, talk_ms, hold_ms, after_work_ms) = self.spent_ms;
        CallLeg {
            leg: self.leg.into_owned(),
            initial_leg: self.initial.into_owned(),
            previous_leg: self.previous.into_owned(),
            next_leg: self.next.into_owned(),
            agent: self.agent.into_owned(),
            queue: self.queue.into_owned(),
            started_at: Micros(started_at),
            answered_at: answered_at.map(Micros),
            ended_at: ended_at.map(Micros),
            queue_ms,
            talk_ms,
            hold_ms,
            after_work_ms,
            hang_up_side: HangUpSide::from_code(self.hang_up_side),
        }
    }
}

impl<'a> From<&'a OrderLine> for Line<'a> {
    fn from(line: &'a OrderLine) -> Self {
        let total = &line.total;
        Self {
            product: (&line.product).into(),
            description: (&line.description).into(),
            quantity_thousandths: line.quantity_thousandths,
            total: (total.units, (&total.code).into(), total.exponent),
        }
    }
}

impl From<Line<'_>> for OrderLine {
    fn from(line: Line<'_>) -> Self {
        let (units, code, exponent) = line.total;
        Self {
            product: line.product.into_owned(),
            description: line.description.into_owned(),
            quantity_thousandths: line.quantity_thousandths,
            total: Amount::new(units, code, exponent),
        }
    }
}
