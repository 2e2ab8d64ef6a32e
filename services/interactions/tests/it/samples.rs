//! What real payloads of connectors are to the log: an interaction, a later fact of one, or neither and why. The first
//! two go through the service and come back as the payload they were.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rapport_foundation::testing::{real_data, report};
use rapport_interactions::domain::detect::{self, Masking, Text};
use rapport_proto::interactions::v1 as pb;
use rapport_proto::interactions::v1::fact_input::Fact;
use rapport_proto::interactions::v1::part::Content;
use rapport_proto::types::v1 as types;
use serde_json::{Value, json};

use crate::facts::tell;
use crate::stage::{Stage, message, on_every_engine, quick};

mod asterisk;
mod line;
mod payload;
mod whatsapp;

/// What each sample is: connector, sample, what it becomes, and as what or why not.
const TABLE: &str = include_str!("samples/table.txt");

/// What a payload is to the log.
enum Meaning {
    Interaction(pb::InteractionInput),
    Later(pb::FactInput),
    Neither(&'static str),
}

#[derive(Clone, Copy)]
enum Connector {
    Whatsapp,
    Line,
    Asterisk,
}

/// One payload, as small as it means something alone.
struct Sample {
    connector: Connector,
    /// Its file, and what it is there.
    name: String,
    item: Value,
}

impl Connector {
    const ALL: [(Self, &str); 3] = [
        (Self::Whatsapp, "whatsapp_pywa"),
        (Self::Line, "line"),
        (Self::Asterisk, "asterisk_ami_panoramisk"),
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Whatsapp => "whatsapp",
            Self::Line => "line",
            Self::Asterisk => "asterisk",
        }
    }

    fn meaning(self, item: &Value) -> Meaning {
        match self {
            Self::Whatsapp => whatsapp::meaning(item),
            Self::Line => line::meaning(item),
            Self::Asterisk => asterisk::meaning(item),
        }
    }

    /// The payload of what came back.
    fn item_of(self, input: &pb::InteractionInput) -> Value {
        match self {
            Self::Whatsapp => whatsapp::item_of(input),
            Self::Line => line::item_of(input),
            Self::Asterisk => asterisk::item_of(input),
        }
    }

    fn item_of_fact(self, fact: &pb::FactInput) -> Value {
        match self {
            Self::Whatsapp => whatsapp::item_of_fact(fact),
            Self::Line => line::item_of_fact(fact),
            Self::Asterisk => asterisk::item_of_fact(fact),
        }
    }

    /// What the channel delivered.
    fn raw(self, item: &Value) -> Vec<u8> {
        self.whole(item).to_string().into_bytes()
    }

    fn whole(self, item: &Value) -> Value {
        match self {
            Self::Whatsapp => whatsapp::webhook(item),
            Self::Line => line::webhook(item),
            Self::Asterisk => item.clone(),
        }
    }

    fn samples(self, file: &str, text: &str) -> Vec<Sample> {
        let sample = |name: String, item: Value| Sample {
            connector: self,
            name: format!("{file}: {name}"),
            item,
        };
        match self {
            Self::Whatsapp => webhooks(text)
                .iter()
                .flat_map(|(case, webhook)| {
                    let items = whatsapp::items(webhook).into_iter();
                    items.map(move |item| (format!("{case}, {}", whatsapp::name(&item)), item))
                })
                .map(|(name, item)| sample(name, item))
                .collect(),
            Self::Line => (webhooks(text).iter())
                .flat_map(|(_, webhook)| line::items(webhook))
                .map(|item| sample(line::name(&item), item))
                .collect(),
            Self::Asterisk => (asterisk::items(text).into_iter())
                .map(|item| sample(asterisk::name(&item), item))
                .collect(),
        }
    }
}

/// A file is one webhook, or several by their names.
fn webhooks(text: &str) -> Vec<(String, Value)> {
    match serde_json::from_str(text).unwrap() {
        Value::Object(all) if !all.contains_key("object") && !all.contains_key("events") => {
            all.into_iter().collect()
        }
        one => vec![("webhook".into(), one)],
    }
}

/// Every sample below `RAPPORT_DATA`; none without it.
fn read() -> Vec<Sample> {
    let Some(folder) = real_data("payloads of connectors") else {
        return Vec::new();
    };
    let mut samples = Vec::new();
    for (connector, name) in Connector::ALL {
        for set in below(&folder.join("connectors").join(name)) {
            for file in below(&set) {
                let text = std::fs::read(&file).unwrap();
                let stem = file.file_stem().unwrap().to_string_lossy().into_owned();
                samples.extend(connector.samples(&stem, &String::from_utf8_lossy(&text)));
            }
        }
    }
    samples
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Payloads of the same kinds made up here, so that the way there and back is gone in any case.
fn made_up() -> Vec<Sample> {
    let whatsapp = json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [
        {"field": "messages", "value": {
            "messaging_product": "whatsapp", "contacts": [{"profile": {"name": "Ana"}, "wa_id": "62811"}],
            "messages": [
                {"from": "62811", "id": "w1", "timestamp": "1700000000", "type": "text", "text": {"body": "halo"}},
                {"from": "62811", "id": "w2", "timestamp": "1700000001", "type": "order", "order": {"product_items": [
                    {"product_retailer_id": "tea", "quantity": 2, "item_price": 1.5, "currency": "USD"},
                ]}},
                {"from": "62811", "id": "w3", "timestamp": "1700000002", "type": "reaction", "reaction": {"message_id": "o1"}},
                {"from": "62811", "id": "w4", "timestamp": "1700000003", "type": "button", "button": {"text": "Ya", "payload": "y"}},
            ],
        }},
        {"field": "messages", "value": {"messaging_product": "whatsapp", "statuses": [
            {"id": "o1", "status": "failed", "timestamp": "1700000003", "recipient_id": "62811",
             "errors": [{"code": 131_026, "title": "Message undeliverable"}]},
        ]}},
    ]}]});
    let line = json!({"destination": "U1", "events": [
        {"type": "message", "timestamp": 1_700_000_000_123_i64, "source": {"type": "group", "groupId": "C1", "userId": "U2"},
         "message": {"id": "1", "type": "file", "fileName": "a.txt", "fileSize": 12}},
        {"type": "unsend", "timestamp": 1_700_000_001_000_i64, "source": {"type": "user", "userId": "U2"}, "unsend": {"messageId": "1"}},
    ]});
    let asterisk = "Event: Newchannel\nCallerIDNum: 62215551234\nCallerIDName: Ana\nUniqueid: 1700000000.1\n\n\
                    Event: CEL\nEventName: ANSWER\nEventTime: 2023-11-14 23:13:25\nUniqueID: 1700000000.2\nLinkedID: 1700000000.1\n";
    let mut all = Connector::Whatsapp.samples("made up", &whatsapp.to_string());
    all.extend(Connector::Line.samples("made up", &line.to_string()));
    all.extend(Connector::Asterisk.samples("made up", asterisk));
    all
}

#[test]
fn a_table_says_what_each_sample_is() {
    let said = |row: &str| {
        let mut cells = row.splitn(3, " | ").map(str::to_owned);
        let key = (cells.next().unwrap(), cells.next().unwrap());
        (key, cells.next().unwrap_or_default())
    };
    let table: BTreeMap<_, _> = TABLE.lines().map(said).collect();
    let samples = read();
    let found: BTreeSet<String> = samples.iter().map(row).collect();
    let (mut unknown, mut named) = (Vec::new(), BTreeSet::new());
    for row in &found {
        let (key, becomes) = said(row);
        match table.get(&key) {
            Some(expected) => assert_eq!(becomes, *expected, "{}: {}", key.0, key.1),
            None => unknown.push(row),
        }
        named.insert(key);
    }
    for row in &unknown {
        report(&format!("not in the table: {row}"));
    }
    if !samples.is_empty() {
        let missing: Vec<_> = table.keys().filter(|key| !named.contains(*key)).collect();
        assert!(missing.is_empty(), "no such sample any more: {missing:?}");
        report(&format!(
            "{} payloads of connectors: {} rows, {} of them not in the table",
            samples.len(),
            found.len(),
            unknown.len()
        ));
    }
    let made_up: BTreeSet<String> = made_up().iter().map(row).collect();
    assert!(made_up.contains("whatsapp | made up: webhook, message order | interaction: order"));
}

fn row(sample: &Sample) -> String {
    let becomes = match sample.connector.meaning(&sample.item) {
        Meaning::Interaction(input) => format!("interaction: {}", shape(&input)),
        Meaning::Later(fact) => format!("later fact: {}", what(&fact)),
        Meaning::Neither(why) => format!("neither: {why}"),
    };
    format!("{} | {} | {becomes}", sample.connector.name(), sample.name)
}

fn shape(input: &pb::InteractionInput) -> String {
    if input.order.is_some() {
        return "order".into();
    }
    let parts = input.parts.iter().filter_map(|part| part.content.as_ref());
    let parts: Vec<&str> = parts
        .map(|part| match part {
            Content::Text(_) => "text",
            Content::Attachment(_) => "attachment",
            Content::Form(_) => "form",
            Content::Location(_) => "location",
            Content::CallLeg(_) => "call leg",
            other => panic!("{other:?} is not made here"),
        })
        .collect();
    let kind = input
        .kind()
        .as_str_name()
        .trim_start_matches("INTERACTION_KIND_")
        .to_lowercase();
    format!("{kind} ({})", parts.join(", "))
}

fn what(fact: &pb::FactInput) -> String {
    match fact.fact.as_ref().unwrap() {
        Fact::Delivery(one) => {
            let state = one
                .state()
                .as_str_name()
                .trim_start_matches("DELIVERY_STATE_");
            format!("delivery, {}", state.to_lowercase())
        }
        Fact::Reaction(one) if one.removed => "reaction taken back".into(),
        Fact::Reaction(_) => "reaction".into(),
        Fact::Deletion(_) => "deletion".into(),
        Fact::Edit(_) => "edit".into(),
        Fact::CallLeg(_) => "call leg".into(),
        Fact::End(_) => "end".into(),
        other => panic!("{other:?} is not made here"),
    }
}

#[tokio::test]
async fn payloads_of_connectors_come_back_equal() {
    let mut samples = made_up();
    samples.extend(read());
    on_every_engine(quick(), async |stage| {
        let mut masked = 0;
        for (n, sample) in samples.iter().enumerate() {
            // Samples share the ids of their messages, and some of them are the same.
            let external_id = format!("sample-{n}");
            let (item, raw) = match sample.connector.meaning(&sample.item) {
                Meaning::Interaction(input) => logged(&stage, sample, input, external_id).await,
                Meaning::Later(fact) => told(&stage, sample, fact, external_id).await,
                Meaning::Neither(_) => continue,
            };
            let raw: Value = serde_json::from_slice(&raw).unwrap();
            assert_eq!(seen(&item), seen(&sample.item), "{}", sample.name);
            assert_eq!(
                seen(&raw),
                seen(&sample.connector.whole(&sample.item)),
                "{}",
                sample.name
            );
            masked += usize::from(item != sample.item);
        }
        report(&format!(
            "{masked} payloads hold an id that passes for a payment card's"
        ));
    })
    .await;
}

/// A payload as it may be seen: an id of a channel may pass every check of a card's number, and is masked then.
fn seen(payload: &Value) -> Value {
    let masked = |text: String| {
        let (texts, _) = detect::mask(&[Text::plain(&text)], Masking::default());
        texts.into_iter().next().flatten().unwrap_or(text)
    };
    let leaves = payload::leaves(payload).into_iter();
    payload::together(json!({}), leaves.map(|(path, text)| (path, masked(text))))
}

/// Logs a contact, and what its payload was.
async fn logged(
    stage: &Stage,
    sample: &Sample,
    mut input: pb::InteractionInput,
    external_id: String,
) -> (Value, Vec<u8>) {
    let id = std::mem::replace(&mut input.external_id, external_id);
    input.raw_payload = sample.connector.raw(&sample.item).into();
    let logged = stage.log(input).await;
    let mut read = stage.get(&logged.id).await.input.unwrap();
    read.external_id = id;
    (sample.connector.item_of(&read), read.raw_payload.to_vec())
}

/// Tells a fact of a contact, and what its payload was.
async fn told(
    stage: &Stage,
    sample: &Sample,
    mut fact: pb::FactInput,
    external_id: String,
) -> (Value, Vec<u8>) {
    let mut contact = message(&external_id, "+62811", "halo");
    contact.event_time = fact.event_time;
    if matches!(sample.connector, Connector::Asterisk) {
        contact.kind = types::InteractionKind::Call.into();
        contact.channel = types::Channel::Phone.into();
    }
    let of = stage.log(contact).await;
    let id = std::mem::replace(&mut fact.external_id, external_id);
    fact.raw_payload = sample.connector.raw(&sample.item).into();
    assert_eq!(tell(stage, fact).await.unwrap().interaction_id, of.id);
    let asked = pb::ListFactsRequest {
        interaction_id: of.id,
        ..Default::default()
    };
    let facts = stage.facts().list_facts(stage.asks(asked)).await.unwrap();
    let mut read = facts.into_inner().facts.remove(0).input.unwrap();
    read.external_id = id;
    (
        sample.connector.item_of_fact(&read),
        read.raw_payload.to_vec(),
    )
}

fn part(content: Content) -> pb::Part {
    pb::Part {
        content: Some(content),
        ..Default::default()
    }
}

fn file(uri: String, media_type: String, file_name: String) -> pb::Part {
    part(Content::Attachment(pb::Attachment {
        uri,
        media_type,
        file_name,
        ..Default::default()
    }))
}

/// The leaves of an object as the fields of a form.
fn form(name: &str, said: &Value) -> Option<pb::Part> {
    let fields: Vec<pb::FormField> = (payload::leaves(said).into_iter())
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, value)| pb::FormField { name, value })
        .collect();
    (!fields.is_empty()).then(|| {
        part(Content::Form(pb::Form {
            name: name.into(),
            fields,
        }))
    })
}

fn said_fields(form: &pb::Form, put: &mut impl FnMut(&str, Value)) {
    for field in &form.fields {
        put(&field.name, payload::leaf(field.value.clone()));
    }
}

/// A place: what is finer than a hand's breadth is kept beside it.
fn location(said: &Value, label: &str) -> pb::Location {
    #[expect(clippy::cast_possible_truncation, reason = "degrees fit")]
    let e7 = |degrees: &Value| (degrees.as_f64().unwrap_or_default() * 1e7).round() as i32;
    pb::Location {
        latitude_e7: e7(&said["latitude"]),
        longitude_e7: e7(&said["longitude"]),
        accuracy_m: 0,
        label: text(&said[label]),
    }
}

fn said_location(place: &pb::Location, label: &str, put: &mut impl FnMut(&str, Value)) {
    put("latitude", json!(f64::from(place.latitude_e7) / 1e7));
    put("longitude", json!(f64::from(place.longitude_e7) / 1e7));
    if !place.label.is_empty() {
        put(label, json!(place.label));
    }
}

/// A price in hundredths of its currency.
fn cents(price: &Value) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "a price fits")]
    price.as_f64().map(|price| (price * 100.0).round() as i64)
}

#[expect(clippy::cast_precision_loss, reason = "a price fits")]
fn said_price(cents: i64) -> Value {
    if cents % 100 == 0 {
        json!(cents / 100)
    } else {
        json!(cents as f64 / 100.0)
    }
}

fn seconds(said: &Value) -> i64 {
    let text = said.as_str().and_then(|text| text.parse().ok());
    text.or_else(|| said.as_i64()).unwrap_or_default()
}

fn timestamp(seconds: i64, nanos: i64) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds,
        nanos: i32::try_from(nanos).unwrap(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
