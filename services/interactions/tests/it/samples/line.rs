//! What a webhook of the LINE Messaging API is to the log.

use rapport_proto::interactions::v1 as pb;
use rapport_proto::interactions::v1::fact_input::Fact;
use rapport_proto::interactions::v1::part::Content;
use rapport_proto::types::v1 as types;
use serde_json::{Value, json};

use super::payload::{beside, put, together};
use super::{Meaning, file, form, part, said_fields, text, timestamp};

/// Where LINE hands a file out, by the id of its message.
const FILES: &str = "https://api-data.line.me/v2/bot/message/";

/// Fields of a message that are not what was said.
const ABOUT: [&str; 3] = ["id", "type", "quoteToken"];

/// One item for each event.
pub(super) fn items(webhook: &Value) -> Vec<Value> {
    let events = webhook["events"].as_array().into_iter().flatten();
    let item = |event: &Value| json!({"destination": webhook["destination"], "event": event});
    events.map(item).collect()
}

/// The webhook that holds one event alone.
pub(super) fn webhook(item: &Value) -> Value {
    json!({"destination": item["destination"], "events": [item["event"]]})
}

pub(super) fn meaning(item: &Value) -> Meaning {
    let event = &item["event"];
    match event["type"].as_str() {
        Some("message") => contact(item, &text(&event["message"]["id"])),
        Some("postback" | "beacon") => contact(item, &text(&event["webhookEventId"])),
        Some("unsend") => later(item, &event["unsend"]["messageId"], "unsend"),
        Some("messageEdited") => later(item, &event["message"]["id"], "edit"),
        Some("videoPlayComplete") => later(item, &event["videoPlayComplete"]["trackingId"], "seen"),
        Some("follow" | "unfollow") => {
            Meaning::Neither("whether we may write to a customer: consent, for profiles")
        }
        Some("join" | "leave") => Meaning::Neither("our account came into a group or left it"),
        Some("memberJoined" | "memberLeft") => Meaning::Neither("a group's members changed"),
        Some("accountLink") => Meaning::Neither("an account became a customer's: for profiles"),
        _ => Meaning::Neither("a kind of event that is not described"),
    }
}

fn contact(item: &Value, external_id: &str) -> Meaning {
    let event = &item["event"];
    let source = &event["source"];
    let is_visit = event["type"] == "beacon";
    let customer = source["userId"].as_str().map(|id| pb::Participant {
        role: pb::ParticipantRole::Customer.into(),
        identifier: Some(types::Identifier {
            r#type: types::IdentifierType::Handle.into(),
            value: id.into(),
            namespace: "line".into(),
        }),
        ..Default::default()
    });
    let (kind, channel) = if is_visit {
        (types::InteractionKind::Visit, types::Channel::Store)
    } else {
        (types::InteractionKind::Message, types::Channel::Messaging)
    };
    let mut input = pb::InteractionInput {
        external_id: external_id.into(),
        kind: kind.into(),
        channel: channel.into(),
        provider: "line".into(),
        direction: types::Direction::Inbound.into(),
        thread_key: text(&source[place(source)]),
        event_time: Some(moment(event)),
        participants: customer.into_iter().collect(),
        parts: parts(event),
        ..Default::default()
    };
    input.attributes = beside(item, &said(&input, item));
    Meaning::Interaction(input)
}

/// Which field of a source names where it was said.
fn place(source: &Value) -> &'static str {
    match source["type"].as_str() {
        Some("group") => "groupId",
        Some("room") => "roomId",
        _ => "userId",
    }
}

/// LINE counts in milliseconds.
fn moment(event: &Value) -> prost_types::Timestamp {
    let ms = event["timestamp"].as_i64().unwrap_or_default();
    timestamp(ms.div_euclid(1000), ms.rem_euclid(1000) * 1_000_000)
}

fn parts(event: &Value) -> Vec<pb::Part> {
    let message = &event["message"];
    match (event["type"].as_str(), message["type"].as_str()) {
        (Some("message" | "messageEdited"), Some(kind)) => match kind {
            "text" => vec![part(Content::Text(text(&message["text"])))],
            "image" | "video" | "audio" | "file" => vec![media(message)],
            "location" => vec![part(Content::Location(super::location(message, "title")))],
            kind => form(kind, &body(message)).into_iter().collect(),
        },
        (Some(kind), _) => form(kind, &event[kind]).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn media(message: &Value) -> pb::Part {
    let ours = || format!("{FILES}{}/content", text(&message["id"]));
    let elsewhere = message["contentProvider"]["originalContentUrl"].as_str();
    let uri = elsewhere.map_or_else(ours, str::to_owned);
    let mut file = file(uri, String::new(), text(&message["fileName"]));
    if let Some(Content::Attachment(file)) = &mut file.content {
        file.size_bytes = message["fileSize"].as_i64().unwrap_or_default();
    }
    file
}

/// What a message says, without what is said about it.
fn body(message: &Value) -> Value {
    let mut body = message.clone();
    if let Some(fields) = body.as_object_mut() {
        fields.retain(|key, _| !ABOUT.contains(&key.as_str()));
    }
    body
}

/// What the fields of a contact say, where they were. What kind of event it was is read from the attributes.
fn said(input: &pb::InteractionInput, kinds: &Value) -> Value {
    let (mut item, kinds) = (json!({}), &kinds["event"]);
    let mut event = |field: &str, leaf: Value| put(&mut item, &format!("event.{field}"), leaf);
    if let Some(customer) = input.participants.first() {
        event(
            "source.user-id",
            json!(customer.identifier.as_ref().unwrap().value),
        );
    }
    match place(&kinds["source"]) {
        "groupId" => event("source.group-id", json!(input.thread_key)),
        "roomId" => event("source.room-id", json!(input.thread_key)),
        _ => {}
    }
    said_moment(input.event_time, &mut event);
    let kind = kinds["type"].as_str().unwrap();
    if kind == "message" {
        event("message.id", json!(input.external_id));
    } else {
        event("webhook-event-id", json!(input.external_id));
    }
    said_parts(&input.parts, kind, &mut event);
    item
}

fn said_moment(at: Option<prost_types::Timestamp>, event: &mut impl FnMut(&str, Value)) {
    let at = at.unwrap();
    event(
        "timestamp",
        json!(at.seconds * 1000 + i64::from(at.nanos) / 1_000_000),
    );
}

fn said_parts(parts: &[pb::Part], kind: &str, event: &mut impl FnMut(&str, Value)) {
    let within = if kind == "messageEdited" {
        "message"
    } else {
        kind
    };
    let mut put = |field: &str, leaf: Value| event(&format!("{within}.{field}"), leaf);
    for one in parts.iter().filter_map(|part| part.content.as_ref()) {
        match one {
            Content::Text(text) => put("text", json!(text)),
            Content::Attachment(file) => {
                if !file.uri.starts_with(FILES) {
                    put("content-provider.original-content-url", json!(file.uri));
                }
                if !file.file_name.is_empty() {
                    put("file-name", json!(file.file_name));
                    put("file-size", json!(file.size_bytes));
                }
            }
            Content::Location(place) => super::said_location(place, "title", &mut put),
            Content::Form(form) => said_fields(form, &mut put),
            other => panic!("{other:?} is not made here"),
        }
    }
}

/// The item a contact came from.
pub(super) fn item_of(input: &pb::InteractionInput) -> Value {
    let kinds = together(json!({}), input.attributes.clone());
    together(said(input, &kinds), input.attributes.clone())
}

fn later(item: &Value, of: &Value, what: &str) -> Meaning {
    let event = &item["event"];
    let fact = match what {
        "unsend" => Fact::Deletion(pb::Deletion {
            side: pb::ParticipantRole::Customer.into(),
        }),
        "edit" => Fact::Edit(pb::Edit {
            parts: parts(event),
        }),
        // A video of ours was seen to its end.
        _ => Fact::Delivery(pb::DeliveryStatus {
            state: pb::DeliveryState::Read.into(),
            ..Default::default()
        }),
    };
    let mut fact = pb::FactInput {
        external_id: text(of),
        key: format!("{what}:{}", event["timestamp"]),
        event_time: Some(moment(event)),
        fact: Some(fact),
        ..Default::default()
    };
    fact.attributes = beside(item, &said_later(&fact));
    Meaning::Later(fact)
}

fn said_later(fact: &pb::FactInput) -> Value {
    let mut item = json!({});
    let mut event = |field: &str, leaf: Value| put(&mut item, &format!("event.{field}"), leaf);
    said_moment(fact.event_time, &mut event);
    let of = match fact.fact.as_ref().unwrap() {
        Fact::Edit(edit) => {
            said_parts(&edit.parts, "messageEdited", &mut event);
            "message.id"
        }
        Fact::Deletion(_) => "unsend.message-id",
        _ => "video-play-complete.tracking-id",
    };
    event(of, json!(fact.external_id));
    item
}

/// The item a fact came from.
pub(super) fn item_of_fact(fact: &pb::FactInput) -> Value {
    together(said_later(fact), fact.attributes.clone())
}

/// What a sample is called in the table.
pub(super) fn name(item: &Value) -> String {
    let event = &item["event"];
    let what = if event["type"] == "message" {
        &event["message"]["type"]
    } else {
        &event["source"]["type"]
    };
    format!("{} {}", text(&event["type"]), text(what))
}
