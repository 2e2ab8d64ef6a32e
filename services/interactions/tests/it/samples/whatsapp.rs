//! What a webhook of the WhatsApp Cloud API is to the log.

use rapport_proto::interactions::v1 as pb;
use rapport_proto::interactions::v1::fact_input::Fact;
use rapport_proto::interactions::v1::part::Content;
use rapport_proto::types::v1 as types;
use serde_json::{Value, json};

use super::payload::{beside, leaf, put, together};
use super::{Meaning, cents, file, form, part, said_fields, said_price, seconds, text, timestamp};

/// Where the Graph API hands a file out, by its id.
const FILES: &str = "https://graph.facebook.com/";

/// One webhook for each message, status or other change: an envelope may hold several.
pub(super) fn items(webhook: &Value) -> Vec<Value> {
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let mut items = Vec::new();
    for entry in list(webhook, "entry") {
        for change in list(&entry, "changes") {
            let mut value = change["value"].clone();
            let mut take = |key: &str| value.as_object_mut().and_then(|value| value.remove(key));
            let contact = take("contacts").map(|contacts| contacts[0].clone());
            let (messages, statuses) = (take("messages"), take("statuses"));
            let mut item = |kind: &str, one: Value| {
                let mut item = json!({
                    "object": webhook["object"], "account": entry["id"], "field": change["field"], "value": value,
                });
                if let Some(contact) = &contact {
                    item["contact"] = contact.clone();
                }
                if !one.is_null() {
                    item[kind] = one;
                }
                items.push(item);
            };
            let each = |all: Option<Value>| all.and_then(|all| all.as_array().cloned());
            match (each(messages), each(statuses)) {
                (Some(messages), _) => messages.into_iter().for_each(|one| item("message", one)),
                (_, Some(statuses)) => statuses.into_iter().for_each(|one| item("status", one)),
                _ => item("change", Value::Null),
            }
        }
    }
    items
}

/// The webhook that holds one item alone.
pub(super) fn webhook(item: &Value) -> Value {
    let mut value = item["value"].clone();
    for (key, place) in [
        ("contact", "contacts"),
        ("message", "messages"),
        ("status", "statuses"),
    ] {
        if let Some(one) = item.get(key) {
            value[place] = json!([one]);
        }
    }
    json!({
        "object": item["object"],
        "entry": [{"id": item["account"], "changes": [{"value": value, "field": item["field"]}]}],
    })
}

pub(super) fn meaning(item: &Value) -> Meaning {
    if item.get("status").is_some() {
        return status(item);
    }
    match item["message"]["type"].as_str() {
        Some("reaction") => reaction(item),
        Some("system") => Meaning::Neither("a customer's number or device changed: for profiles"),
        Some("request_welcome") => Meaning::Neither("a chat was opened and nothing said"),
        Some(kind) => message(item, kind),
        None => Meaning::Neither("about the account or a template, not about a contact"),
    }
}

fn message(item: &Value, kind: &str) -> Meaning {
    let (message, contact) = (&item["message"], &item["contact"]);
    let from = text(&message["from"]);
    let order = (kind == "order").then(|| order(message)).flatten();
    let mut input = pb::InteractionInput {
        external_id: text(&message["id"]),
        kind: types::InteractionKind::Message.into(),
        channel: types::Channel::Messaging.into(),
        provider: "whatsapp".into(),
        direction: types::Direction::Inbound.into(),
        thread_key: from.clone(),
        event_time: Some(timestamp(seconds(&message["timestamp"]), 0)),
        participants: vec![pb::Participant {
            role: pb::ParticipantRole::Customer.into(),
            identifier: Some(types::Identifier {
                r#type: types::IdentifierType::Phone.into(),
                value: format!("+{from}"),
                namespace: String::new(),
            }),
            further_identifiers: (contact["user_id"].as_str().into_iter())
                .map(|id| types::Identifier {
                    r#type: types::IdentifierType::Handle.into(),
                    value: id.into(),
                    namespace: "whatsapp".into(),
                })
                .collect(),
            display_name: text(&contact["profile"]["name"]),
        }],
        parts: parts(message, kind),
        ..Default::default()
    };
    if order.is_some() {
        input.kind = types::InteractionKind::Order.into();
        input.purpose = types::Purpose::Order.into();
        input.order = order;
    }
    input.attributes = beside(item, &said(&input, kind));
    Meaning::Interaction(input)
}

fn parts(message: &Value, kind: &str) -> Vec<pb::Part> {
    let said = &message[kind];
    let words = |key: &str| {
        let text = said[key].as_str().filter(|text| !text.is_empty());
        text.map(|text| part(Content::Text(text.into())))
    };
    match kind {
        "text" => words("body").into_iter().collect(),
        "order" => words("text").into_iter().collect(),
        "image" | "video" | "document" | "audio" | "sticker" => {
            let by_id = || format!("{FILES}{}", text(&said["id"]));
            let uri = said["url"].as_str().map_or_else(by_id, str::to_owned);
            let file = file(uri, text(&said["mime_type"]), text(&said["filename"]));
            [Some(file), words("caption")]
                .into_iter()
                .flatten()
                .collect()
        }
        "location" => vec![part(Content::Location(super::location(said, "name")))],
        "contacts" => form(kind, &cards(said)).into_iter().collect(),
        // What there is no better place for is kept as it was filled in.
        _ => form(kind, said).into_iter().collect(),
    }
}

/// Contacts that were sent on, as they are shown. Beside a telephone number its id on the channel would read like one
/// long number.
fn cards(contacts: &Value) -> Value {
    let mut cards = contacts.clone();
    for card in cards.as_array_mut().into_iter().flatten() {
        for phone in card["phones"].as_array_mut().into_iter().flatten() {
            if let Some(phone) = phone.as_object_mut() {
                phone.remove("wa_id");
            }
        }
    }
    cards
}

fn order(message: &Value) -> Option<types::Order> {
    let lines: Vec<types::OrderLine> = (message["order"]["product_items"].as_array()?.iter())
        .map(|one| {
            let quantity = one["quantity"].as_i64()?;
            let units = cents(&one["item_price"])? * quantity;
            Some(types::OrderLine {
                product: text(&one["product_retailer_id"]),
                description: String::new(),
                quantity_thousandths: quantity * 1000,
                total: Some(types::Amount {
                    units,
                    code: text(&one["currency"]),
                    exponent: 2,
                }),
            })
        })
        .collect::<Option<_>>()?;
    let first = lines.first()?.total.clone()?;
    let sum = lines.iter().filter_map(|line| line.total.as_ref());
    Some(types::Order {
        order_id: text(&message["id"]),
        total: Some(types::Amount {
            units: sum.map(|total| total.units).sum(),
            ..first
        }),
        lines,
    })
}

/// What the fields of a contact say, where they were.
fn said(input: &pb::InteractionInput, kind: &str) -> Value {
    let mut item = json!({});
    let customer = &input.participants[0];
    let number = &customer.identifier.as_ref().unwrap().value;
    put(&mut item, "message.id", json!(input.external_id));
    put(&mut item, "message.from", json!(number[1..]));
    let at = input.event_time.unwrap().seconds.to_string();
    put(&mut item, "message.timestamp", json!(at));
    if let Some(id) = customer.further_identifiers.first() {
        put(&mut item, "contact.user_id", json!(id.value));
    }
    if !customer.display_name.is_empty() {
        put(
            &mut item,
            "contact.profile.name",
            json!(customer.display_name),
        );
    }
    let mut put =
        |field: &str, leaf: Value| put(&mut item, &format!("message.{kind}.{field}"), leaf);
    for one in input.parts.iter().filter_map(|part| part.content.as_ref()) {
        match one {
            Content::Text(text) if kind == "text" => put("body", json!(text)),
            Content::Text(text) if kind == "order" => put("text", json!(text)),
            Content::Text(text) => put("caption", json!(text)),
            Content::Attachment(file) => {
                match file.uri.strip_prefix(FILES) {
                    Some(id) => put("id", json!(id)),
                    None => put("url", json!(file.uri)),
                }
                put("mime_type", json!(file.media_type));
                if !file.file_name.is_empty() {
                    put("filename", json!(file.file_name));
                }
            }
            Content::Location(place) => super::said_location(place, "name", &mut put),
            Content::Form(form) => said_fields(form, &mut put),
            other => panic!("{other:?} is not made here"),
        }
    }
    for (n, line) in (input.order.iter().flat_map(|order| &order.lines)).enumerate() {
        let (quantity, total) = (
            line.quantity_thousandths / 1000,
            line.total.as_ref().unwrap(),
        );
        let mut put = |field: &str, leaf| put(&format!("product_items.{n}.{field}"), leaf);
        put("product_retailer_id", json!(line.product));
        put("quantity", json!(quantity));
        put("item_price", said_price(total.units / quantity));
        put("currency", json!(total.code));
    }
    item
}

/// The item a contact came from.
pub(super) fn item_of(input: &pb::InteractionInput) -> Value {
    let kind = &input.attributes["message.type"];
    together(said(input, kind), input.attributes.clone())
}

fn status(item: &Value) -> Meaning {
    let status = &item["status"];
    let state = match status["status"].as_str() {
        Some("sent") => pb::DeliveryState::Sent,
        Some("delivered") => pb::DeliveryState::Delivered,
        // Who listened to a voice message has got it in full.
        Some("read" | "played") => pb::DeliveryState::Read,
        Some("failed") => pb::DeliveryState::Failed,
        _ => return Meaning::Neither("a state of a message that means nothing to who wrote it"),
    };
    let error = &status["errors"][0];
    let delivery = pb::DeliveryStatus {
        state: state.into(),
        target: String::new(),
        recipient: text(&status[recipient_field(item)]),
        error_code: error["code"]
            .as_i64()
            .map(|code| code.to_string())
            .unwrap_or_default(),
        error_text: text(&error["title"]),
    };
    let mut fact = pb::FactInput {
        external_id: text(&status["id"]),
        key: format!("{}:{}", text(&status["status"]), delivery.recipient),
        event_time: Some(timestamp(seconds(&status["timestamp"]), 0)),
        fact: Some(Fact::Delivery(delivery)),
        ..Default::default()
    };
    fact.attributes = beside(item, &said_later(&fact, recipient_field(item)));
    Meaning::Later(fact)
}

/// A message to a group comes to each of its members.
fn recipient_field(item: &Value) -> &'static str {
    if item["status"]["recipient_type"] == "group" {
        "recipient_participant_id"
    } else {
        "recipient_id"
    }
}

fn reaction(item: &Value) -> Meaning {
    let said = &item["message"]["reaction"];
    let symbol = text(&said["emoji"]);
    let mut fact = pb::FactInput {
        external_id: text(&said["message_id"]),
        key: text(&item["message"]["id"]),
        event_time: Some(timestamp(seconds(&item["message"]["timestamp"]), 0)),
        fact: Some(Fact::Reaction(pb::Reaction {
            removed: symbol.is_empty(),
            symbol,
            ..Default::default()
        })),
        ..Default::default()
    };
    fact.attributes = beside(item, &said_later(&fact, ""));
    Meaning::Later(fact)
}

fn said_later(fact: &pb::FactInput, recipient: &str) -> Value {
    let mut item = json!({});
    let at = json!(fact.event_time.unwrap().seconds.to_string());
    match fact.fact.as_ref().unwrap() {
        Fact::Delivery(one) => {
            let state = one
                .state()
                .as_str_name()
                .trim_start_matches("DELIVERY_STATE_");
            let mut put =
                |field: &str, leaf: Value| put(&mut item, &format!("status.{field}"), leaf);
            put("id", json!(fact.external_id));
            put("timestamp", at);
            put("status", json!(state.to_lowercase()));
            put(recipient, json!(one.recipient));
            if !one.error_code.is_empty() {
                put("errors.0.code", leaf(one.error_code.clone()));
                put("errors.0.title", json!(one.error_text));
            }
        }
        Fact::Reaction(one) => {
            put(&mut item, "message.id", json!(fact.key));
            put(&mut item, "message.timestamp", at);
            put(
                &mut item,
                "message.reaction.message_id",
                json!(fact.external_id),
            );
            if !one.removed {
                put(&mut item, "message.reaction.emoji", json!(one.symbol));
            }
        }
        other => panic!("{other:?} is not made here"),
    }
    item
}

/// The item a fact came from.
pub(super) fn item_of_fact(fact: &pb::FactInput) -> Value {
    let rest = together(json!({}), fact.attributes.clone());
    together(
        said_later(fact, recipient_field(&rest)),
        fact.attributes.clone(),
    )
}

/// What a sample is called in the table.
pub(super) fn name(item: &Value) -> String {
    let kind = item["message"]["type"]
        .as_str()
        .map(|kind| format!("message {kind}"));
    let status = item["status"]["status"]
        .as_str()
        .map(|state| format!("status {state}"));
    let other = || format!("change {}", text(&item["field"]));
    kind.or(status).unwrap_or_else(other)
}

#[test]
fn an_envelope_is_taken_apart_and_put_together() {
    let webhook_of_two = json!({"object": "o", "entry": [{"id": "1", "changes": [{"field": "messages", "value": {
        "metadata": {"phone_number_id": "2"}, "contacts": [{"wa_id": "62811"}],
        "messages": [{"id": "a", "type": "text"}, {"id": "b", "type": "text"}],
    }}]}]});
    let items = items(&webhook_of_two);
    assert_eq!(items.len(), 2);
    assert_eq!(items[1]["message"]["id"], "b");
    let mut second = webhook_of_two;
    second["entry"][0]["changes"][0]["value"]["messages"] = json!([{"id": "b", "type": "text"}]);
    assert_eq!(webhook(&items[1]), second);
}
