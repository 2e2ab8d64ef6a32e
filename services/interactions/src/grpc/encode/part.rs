//! Pieces of what was said, and what became known later, from the domain to the contract.

use std::collections::{BTreeMap, HashMap};

use rapport_foundation::personal::Personal;
use rapport_proto::interactions::v1 as pb;
use rapport_proto::types::v1 as types;

use crate::app::facts;
use crate::domain::code::optional;
use crate::domain::{
    CallLeg, Delivery, Disposition, Fact, Known, Order, OrderLine, Part, Reaction, Segment,
    Transcript,
};

pub(super) fn part(part: Part) -> pb::Part {
    use pb::part::Content;
    let mut sanitised_html = String::new();
    let content = match part {
        Part::Text(text) => Content::Text(text.into_exposed()),
        Part::Html(html) => {
            sanitised_html = html.sanitised.into_exposed();
            Content::Html(html.received.into_exposed())
        }
        Part::Attachment(file) => Content::Attachment(pb::Attachment {
            uri: file.uri.into_exposed(),
            media_type: file.media_type,
            size_bytes: file.size_bytes,
            file_name: file.file_name.into_exposed(),
            media_id: file.media.map(|id| id.to_string()).unwrap_or_default(),
        }),
        Part::Transcript(one) => Content::Transcript(transcript(one)),
        Part::Form(one) => {
            let fields = one.fields.into_iter().map(|(name, value)| pb::FormField {
                name,
                value: value.into_exposed(),
            });
            Content::Form(pb::Form {
                name: one.name,
                fields: fields.collect(),
            })
        }
        Part::Location(one) => Content::Location(pb::Location {
            latitude_e7: one.latitude_e7,
            longitude_e7: one.longitude_e7,
            accuracy_m: one.accuracy_m,
            label: one.label.into_exposed(),
        }),
        Part::Reaction(one) => Content::Reaction(reaction(one)),
        Part::Delivery(one) => Content::DeliveryStatus(delivery(one)),
        Part::CallLeg(one) => Content::CallLeg(call_leg(one)),
        Part::PageVisit(one) => Content::PageVisit(pb::PageVisit {
            url: one.url.into_exposed(),
            title: one.title.into_exposed(),
            referrer: one.referrer.into_exposed(),
            duration_ms: one.duration_ms,
        }),
    };
    pb::Part {
        content: Some(content),
        sanitised_html,
    }
}

pub(super) fn transcript(one: Transcript) -> pb::Transcript {
    let segment = |segment: Segment| pb::TranscriptSegment {
        speaker: segment.speaker.into(),
        speaker_name: segment.speaker_name.into_exposed(),
        offset_ms: segment.offset_ms,
        duration_ms: segment.duration_ms,
        text: segment.text.into_exposed(),
        confidence_permille: segment.confidence_permille,
    };
    pb::Transcript {
        language: one.language,
        segments: one.segments.into_iter().map(segment).collect(),
    }
}

pub(super) fn reaction(one: Reaction) -> pb::Reaction {
    pb::Reaction {
        symbol: one.symbol,
        target: one.target,
        author: one.author.into_exposed(),
        removed: one.removed,
    }
}

pub(super) fn delivery(one: Delivery) -> pb::DeliveryStatus {
    pb::DeliveryStatus {
        state: one.state.into(),
        target: one.target,
        recipient: one.recipient.into_exposed(),
        error_code: one.error_code,
        error_text: one.error_text.into_exposed(),
    }
}

pub(super) fn call_leg(one: CallLeg) -> pb::CallLeg {
    pb::CallLeg {
        leg: one.leg,
        initial_leg: one.initial_leg,
        previous_leg: one.previous_leg,
        next_leg: one.next_leg,
        agent: one.agent,
        queue: one.queue,
        start_time: Some(one.started_at.into()),
        answer_time: one.answered_at.map(Into::into),
        end_time: one.ended_at.map(Into::into),
        queue_ms: one.queue_ms,
        talk_ms: one.talk_ms,
        hold_ms: one.hold_ms,
        after_work_ms: one.after_work_ms,
        hang_up_side: optional(one.hang_up_side),
    }
}

pub(super) fn disposition(one: Disposition) -> pb::Disposition {
    pb::Disposition {
        code: one.code,
        note: one.note.into_exposed(),
        agent: one.agent,
    }
}

pub(super) fn order(order: Order) -> types::Order {
    let line = |line: OrderLine| types::OrderLine {
        product: line.product,
        description: line.description,
        quantity_thousandths: line.quantity_thousandths,
        total: Some(facts::amount(&line.total)),
    };
    types::Order {
        order_id: order.order_id,
        total: Some(facts::amount(&order.total)),
        lines: order.lines.into_iter().map(line).collect(),
    }
}

pub(super) fn attributes(kept: BTreeMap<String, Personal>) -> HashMap<String, String> {
    kept.into_iter()
        .map(|(key, value)| (key, value.into_exposed()))
        .collect()
}

pub(super) fn fact(fact: Fact) -> pb::FactInput {
    use pb::fact_input::Fact as Said;
    let said = match fact.what {
        Known::End(reason) => Said::End(pb::ContactEnd {
            reason: reason.into(),
        }),
        Known::Disposition(one) => Said::Disposition(disposition(one)),
        Known::Delivery(one) => Said::Delivery(delivery(one)),
        Known::Transcript(one) => Said::Transcript(transcript(one)),
        Known::Edit(parts) => Said::Edit(pb::Edit {
            parts: parts.into_iter().map(part).collect(),
        }),
        Known::Deletion(side) => Said::Deletion(pb::Deletion {
            side: optional(side),
        }),
        Known::CallLeg(one) => Said::CallLeg(call_leg(one)),
        Known::Reaction(one) => Said::Reaction(reaction(one)),
    };
    pb::FactInput {
        external_id: fact.external_id,
        key: fact.key,
        event_time: Some(fact.event_at.into()),
        fact: Some(said),
        attributes: attributes(fact.attributes),
        raw_payload: fact.raw_payload.0.into(),
    }
}
