//! Pieces of what was said or sent.

use std::collections::BTreeSet;

use rapport_foundation::id::MediaId;
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;

use super::code::{DeliveryState, HangUpSide, Side};

/// A piece of what was said or sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Plain text.
    Text(Personal),
    /// HTML.
    Html(Html),
    /// A file.
    Attachment(Attachment),
    /// What was said, in writing.
    Transcript(Transcript),
    /// A form that was filled in.
    Form(Form),
    /// A place.
    Location(Location),
    /// A like or an emoji.
    Reaction(Reaction),
    /// How far a message of ours came.
    Delivery(Delivery),
    /// One stretch of a call.
    CallLeg(CallLeg),
    /// A page that was looked at.
    PageVisit(PageVisit),
}

/// The files of ours that parts name.
#[must_use]
pub fn named(parts: &[Part]) -> BTreeSet<MediaId> {
    let file = |part: &Part| match part {
        Part::Attachment(file) => file.media,
        _ => None,
    };
    parts.iter().filter_map(file).collect()
}

/// HTML as received, and a copy that can be shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Html {
    /// As received.
    pub received: Personal,
    /// Without scripts, styles, forms, frames and everything that loads by itself.
    pub sanitised: Personal,
}

/// A file: one kept elsewhere, one of ours, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Where it is kept elsewhere; empty when it is ours alone.
    pub uri: Personal,
    /// The file of ours.
    pub media: Option<MediaId>,
    /// Media type; empty when unknown.
    pub media_type: String,
    /// Its size in bytes; 0 when unknown.
    pub size_bytes: i64,
    /// File name; empty when unknown.
    pub file_name: Personal,
}

/// What was said, in writing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transcript {
    /// BCP 47 language tag; empty when mixed or unknown.
    pub language: String,
    /// In the order they were said.
    pub segments: Vec<Segment>,
}

/// What one speaker said in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// On which side the speaker stands.
    pub speaker: Side,
    /// Their name; empty when unknown.
    pub speaker_name: Personal,
    /// When they began, after the contact began.
    pub offset_ms: i64,
    /// For how long they spoke; 0 when unknown.
    pub duration_ms: i64,
    /// What they said.
    pub text: Personal,
    /// How sure the recogniser is, in thousandths; none when a person wrote it.
    pub confidence_permille: Option<i32>,
}

/// A form that was filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Its name.
    pub name: String,
    /// Its fields in their order, by name.
    pub fields: Vec<(String, Personal)>,
}

/// A place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// In ten-millionths of a degree.
    pub latitude_e7: i32,
    /// In ten-millionths of a degree.
    pub longitude_e7: i32,
    /// Radius within which it lies; 0 when unknown.
    pub accuracy_m: i32,
    /// Name or address; empty when unknown.
    pub label: Personal,
}

/// A like or an emoji.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    /// The emoji, or its name.
    pub symbol: String,
    /// The connector's key of the contact it is on; empty in a fact.
    pub target: String,
    /// Who reacted; empty when it is the customer.
    pub author: Personal,
    /// Whether it was taken back.
    pub removed: bool,
}

/// How far a message of ours came with one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// How far.
    pub state: DeliveryState,
    /// The connector's key of the message; empty in a fact.
    pub target: String,
    /// Which recipient; empty where there is one.
    pub recipient: Personal,
    /// The channel's code of the error; empty when there is none.
    pub error_code: String,
    /// What the channel says of the error.
    pub error_text: Personal,
}

/// One stretch of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallLeg {
    /// The telephone system's key of it.
    pub leg: String,
    /// The leg the call began with; empty when it is this one.
    pub initial_leg: String,
    /// The leg before; empty for the first.
    pub previous_leg: String,
    /// The leg behind; empty for the last.
    pub next_leg: String,
    /// Who took it; empty when nobody did.
    pub agent: String,
    /// Which queue it waited in; empty when none.
    pub queue: String,
    /// When it began.
    pub started_at: Micros,
    /// When somebody answered.
    pub answered_at: Option<Micros>,
    /// When it ended.
    pub ended_at: Option<Micros>,
    /// Time in the queue.
    pub queue_ms: i64,
    /// Time spent talking, without hold.
    pub talk_ms: i64,
    /// Time on hold.
    pub hold_ms: i64,
    /// Work after the talk.
    pub after_work_ms: i64,
    /// Who hung up, when known.
    pub hang_up_side: Option<HangUpSide>,
}

/// A page that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageVisit {
    /// Its address.
    pub url: Personal,
    /// Its title; empty when unknown.
    pub title: Personal,
    /// Where the visitor came from; empty when unknown.
    pub referrer: Personal,
    /// For how long; 0 when unknown.
    pub duration_ms: i64,
}
