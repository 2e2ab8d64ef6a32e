//! Decoding pieces of what was said or sent.

use rapport_foundation::check::Check;
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;
use rapport_proto::interactions::v1 as pb;

use super::contact::language;
use crate::domain::{
    Attachment, CallLeg, Delivery, Form, Html, Location, PageVisit, Part, Reaction, Segment,
    Transcript, limits,
};

/// A quarter and half of the globe, in ten-millionths of a degree.
const QUARTER_E7: i32 = 900_000_000;
const HALF_E7: i32 = 1_800_000_000;

/// The parts of a contact.
pub(super) fn parts(c: &mut Check, list: Vec<pb::Part>) -> Vec<Part> {
    c.require(
        list.len() <= limits::PARTS,
        "parts",
        "TOO_MANY",
        "holds more than 100 parts",
    );
    let bytes: usize = list.iter().map(prost::Message::encoded_len).sum();
    c.require(
        bytes <= limits::PARTS_BYTES,
        "parts",
        "TOO_LARGE",
        "is larger than 1 MiB",
    );
    let list = list.into_iter().take(limits::PARTS).enumerate();
    list.map(|(n, one)| c.within(format_args!("parts[{n}]"), |c| part(c, one)))
        .collect()
}

fn part(c: &mut Check, said: pb::Part) -> Part {
    use pb::part::Content;
    c.require(
        said.sanitised_html.is_empty(),
        "sanitised_html",
        "OUTPUT_ONLY",
        "is set by the service",
    );
    match said.content {
        Some(Content::Text(text)) => Part::Text(body(c, "text", text, limits::TEXT)),
        Some(Content::Html(html)) => Part::Html(self::html(c, html)),
        Some(Content::Attachment(one)) => {
            Part::Attachment(c.within("attachment", |c| attachment(c, &one)))
        }
        Some(Content::Transcript(one)) => {
            Part::Transcript(c.within("transcript", |c| transcript(c, one)))
        }
        Some(Content::Form(one)) => Part::Form(c.within("form", |c| form(c, one))),
        Some(Content::Location(one)) => Part::Location(c.within("location", |c| location(c, &one))),
        Some(Content::Reaction(one)) => Part::Reaction(c.within("reaction", |c| {
            needs_target(c, &one.target);
            reaction(c, &one)
        })),
        Some(Content::DeliveryStatus(one)) => Part::Delivery(c.within("delivery_status", |c| {
            needs_target(c, &one.target);
            delivery(c, &one)
        })),
        Some(Content::CallLeg(one)) => Part::CallLeg(c.within("call_leg", |c| call_leg(c, &one))),
        Some(Content::PageVisit(one)) => {
            Part::PageVisit(c.within("page_visit", |c| page_visit(c, &one)))
        }
        None => {
            c.fail("content", "REQUIRED", "is required");
            Part::Text(Personal::default())
        }
    }
}

/// What a customer wrote is taken with every control character but NUL: old mail carries form feeds and escapes, and
/// a contact must not be lost for one.
fn body(c: &mut Check, field: &str, text: String, longest: usize) -> Personal {
    // Counting characters is needed only where there are more bytes than characters allowed.
    if text.len() > longest && text.chars().count() > longest {
        c.fail(
            field,
            "TOO_LONG",
            format!("is longer than {longest} characters"),
        );
    }
    c.require(
        !text.contains('\0'),
        field,
        "CONTROL_CHARACTER",
        "holds a NUL character",
    );
    text.into()
}

/// The copy that can be shown is made once, here: a mail is written once and read by many. What loads by itself
/// (pictures, styles) would tell its sender who reads it and when.
fn html(c: &mut Check, received: String) -> Html {
    let received = body(c, "html", received, limits::HTML);
    let sanitised = if c.failed() {
        String::new()
    } else {
        ammonia::Builder::default()
            .rm_tags(["img", "map", "area"])
            .clean(received.expose())
            .to_string()
    };
    Html {
        received,
        sanitised: sanitised.into(),
    }
}

fn attachment(c: &mut Check, said: &pb::Attachment) -> Attachment {
    let media = c.optional_id("media_id", &said.media_id);
    let least = usize::from(media.is_none());
    Attachment {
        uri: c.text("uri", &said.uri, least..=limits::URI).into(),
        media,
        media_type: c.text("media_type", &said.media_type, 0..=limits::MEDIA_TYPE),
        size_bytes: c.number("size_bytes", said.size_bytes, 0..=i64::MAX),
        file_name: c
            .text("file_name", &said.file_name, 0..=limits::FILE_NAME)
            .into(),
    }
}

/// What was said, in writing.
pub(super) fn transcript(c: &mut Check, said: pb::Transcript) -> Transcript {
    let language = language(c, &said.language);
    c.require(
        said.segments.len() <= limits::SEGMENTS,
        "segments",
        "TOO_MANY",
        "holds more than 2000 segments",
    );
    let segments = said.segments.into_iter().take(limits::SEGMENTS).enumerate();
    let segments = segments
        .map(|(n, one)| c.within(format_args!("segments[{n}]"), |c| segment(c, one)))
        .collect();
    Transcript { language, segments }
}

fn segment(c: &mut Check, said: pb::TranscriptSegment) -> Segment {
    c.require(!said.text.is_empty(), "text", "REQUIRED", "is required");
    let sure = said.confidence_permille;
    Segment {
        speaker: c.enumeration("speaker", said.speaker),
        speaker_name: c
            .text("speaker_name", &said.speaker_name, 0..=limits::DISPLAY_NAME)
            .into(),
        offset_ms: within(c, "offset_ms", said.offset_ms),
        duration_ms: within(c, "duration_ms", said.duration_ms),
        text: body(c, "text", said.text, limits::SEGMENT),
        confidence_permille: sure.map(|sure| c.number("confidence_permille", sure, 0..=1000)),
    }
}

/// A time within one contact.
fn within(c: &mut Check, field: &str, milliseconds: i64) -> i64 {
    c.number(field, milliseconds, 0..=limits::WITHIN_MS)
}

fn form(c: &mut Check, said: pb::Form) -> Form {
    c.require(
        said.fields.len() <= limits::FORM_FIELDS,
        "fields",
        "TOO_MANY",
        "holds more than 200 fields",
    );
    let name = c.text("name", &said.name, 1..=limits::FORM_NAME);
    let fields = said
        .fields
        .into_iter()
        .take(limits::FORM_FIELDS)
        .enumerate();
    let field = |(n, one): (usize, pb::FormField)| {
        c.within(format_args!("fields[{n}]"), |c| {
            let name = c.text("name", &one.name, 1..=limits::FORM_NAME);
            (name, body(c, "value", one.value, limits::FORM_VALUE))
        })
    };
    Form {
        name,
        fields: fields.map(field).collect(),
    }
}

fn location(c: &mut Check, said: &pb::Location) -> Location {
    Location {
        latitude_e7: c.number("latitude_e7", said.latitude_e7, -QUARTER_E7..=QUARTER_E7),
        longitude_e7: c.number("longitude_e7", said.longitude_e7, -HALF_E7..=HALF_E7),
        accuracy_m: c.number("accuracy_m", said.accuracy_m, 0..=limits::ACCURACY_M),
        label: c.text("label", &said.label, 0..=limits::LABEL).into(),
    }
}

/// A part says what it is about; a fact is about its contact.
fn needs_target(c: &mut Check, target: &str) {
    c.require(!target.is_empty(), "target", "REQUIRED", "is required");
}

/// A like or an emoji.
pub(super) fn reaction(c: &mut Check, said: &pb::Reaction) -> Reaction {
    // Not every channel says which one was taken back.
    let shortest = usize::from(!said.removed);
    Reaction {
        symbol: c.text("symbol", &said.symbol, shortest..=limits::SYMBOL),
        target: c.text("target", &said.target, 0..=limits::EXTERNAL_ID),
        author: c
            .text("author", &said.author, 0..=limits::IDENTIFIER)
            .into(),
        removed: said.removed,
    }
}

/// How far a message came.
pub(super) fn delivery(c: &mut Check, said: &pb::DeliveryStatus) -> Delivery {
    Delivery {
        state: c.enumeration("state", said.state),
        target: c.text("target", &said.target, 0..=limits::EXTERNAL_ID),
        recipient: c
            .text("recipient", &said.recipient, 0..=limits::IDENTIFIER)
            .into(),
        error_code: c.text("error_code", &said.error_code, 0..=limits::ERROR_CODE),
        error_text: c
            .text("error_text", &said.error_text, 0..=limits::ERROR_TEXT)
            .into(),
    }
}

/// One stretch of a call.
pub(super) fn call_leg(c: &mut Check, said: &pb::CallLeg) -> CallLeg {
    let started_at = c.time("start_time", said.start_time.as_ref());
    let mut key = |field: &str, text: &str, shortest: usize| {
        c.text(field, text, shortest..=limits::TELEPHONE_KEY)
    };
    CallLeg {
        leg: key("leg", &said.leg, 1),
        initial_leg: key("initial_leg", &said.initial_leg, 0),
        previous_leg: key("previous_leg", &said.previous_leg, 0),
        next_leg: key("next_leg", &said.next_leg, 0),
        agent: key("agent", &said.agent, 0),
        queue: key("queue", &said.queue, 0),
        started_at,
        answered_at: not_before(c, "answer_time", said.answer_time.as_ref(), started_at),
        ended_at: not_before(c, "end_time", said.end_time.as_ref(), started_at),
        queue_ms: within(c, "queue_ms", said.queue_ms),
        talk_ms: within(c, "talk_ms", said.talk_ms),
        hold_ms: within(c, "hold_ms", said.hold_ms),
        after_work_ms: within(c, "after_work_ms", said.after_work_ms),
        hang_up_side: c.optional_enumeration("hang_up_side", said.hang_up_side),
    }
}

fn not_before(
    c: &mut Check,
    field: &str,
    said: Option<&prost_types::Timestamp>,
    start: Micros,
) -> Option<Micros> {
    let at = c.optional_time(field, said);
    c.require(
        at.is_none_or(|at| at >= start),
        field,
        "BEFORE_START",
        "is before start_time",
    );
    at
}

fn page_visit(c: &mut Check, said: &pb::PageVisit) -> PageVisit {
    PageVisit {
        url: c.text("url", &said.url, 1..=limits::URI).into(),
        title: c.text("title", &said.title, 0..=limits::TITLE).into(),
        referrer: c.text("referrer", &said.referrer, 0..=limits::URI).into(),
        duration_ms: within(c, "duration_ms", said.duration_ms),
    }
}
