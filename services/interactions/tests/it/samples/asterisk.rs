//! What a message of the Asterisk Manager Interface is to the log.

use chrono::{DateTime, NaiveDateTime};
use rapport_proto::interactions::v1 as pb;
use rapport_proto::interactions::v1::fact_input::Fact;
use rapport_proto::interactions::v1::part::Content;
use rapport_proto::types::v1 as types;
use serde_json::{Map, Value, json};

use super::payload::{beside, put, together};
use super::{Meaning, part, text, timestamp};

/// How far the clock of the telephone system of the samples is ahead of UTC, which its event times do not say: what
/// they and the call's id, which begins with the second it began in, are apart.
const AHEAD_S: i64 = 3600;
const EVENT_TIME: &str = "%Y-%m-%d %H:%M:%S";

/// A caller with fewer digits is one of ours.
const SHORTEST_NUMBER: usize = 7;

/// The messages of a transcript. Names of headers are small here: Asterisk tells them apart by nothing else than their
/// letters.
pub(super) fn items(transcript: &str) -> Vec<Value> {
    let lines: Vec<&str> = transcript.lines().map(str::trim).collect();
    let blocks = lines.split(|line| line.is_empty());
    let filled = blocks.filter(|block| !block.is_empty());
    filled.map(|block| Value::Object(headers(block))).collect()
}

fn headers(block: &[&str]) -> Map<String, Value> {
    let mut headers = Map::new();
    for line in block {
        let named = line.split_once(':').filter(|(name, _)| !name.contains(' '));
        let (name, value) = named.map_or(("output", *line), |(name, value)| (name, value.trim()));
        let slot = headers.entry(name.to_lowercase()).or_insert(Value::Null);
        *slot = match std::mem::take(slot) {
            Value::Null => json!(value),
            Value::Array(mut all) => {
                all.push(json!(value));
                Value::Array(all)
            }
            one => json!([one, value]),
        };
    }
    headers
}

pub(super) fn meaning(item: &Value) -> Meaning {
    let is = |header: &str| item.get(header).is_some();
    match (item["event"].as_str(), item["eventname"].as_str()) {
        (Some("Newchannel"), _) => call(item),
        (Some("CEL"), Some("ANSWER" | "HANGUP" | "LINKEDID_END")) => later(item),
        (Some("CEL"), Some("CHAN_START")) => Meaning::Neither("Newchannel has said so"),
        (Some("CEL"), Some("CHAN_END")) => Meaning::Neither("HANGUP has said so"),
        (Some("Newexten" | "VarSet" | "AGIExec" | "AsyncAGI" | "ChannelUpdate"), _) => {
            Meaning::Neither("a step of the dial plan")
        }
        (Some("SoftHangupRequest"), _) => Meaning::Neither("a wish: HANGUP says what came of it"),
        (Some("RTCPReceived" | "RTCPSent"), _) => Meaning::Neither("how good the line is"),
        (Some("PeerStatus" | "ExtensionStatus" | "FullyBooted"), _) => {
            Meaning::Neither("the state of a device or of the telephone system")
        }
        (Some(event), _) if event.starts_with("Queue") || item["userevent"] == "AgentLogin" => {
            Meaning::Neither("who serves a queue: presence, for routing")
        }
        (Some(event), _) if event.ends_with("Detail") || event.ends_with("Complete") => {
            Meaning::Neither("a piece of an answer to a command")
        }
        (Some(_), _) => Meaning::Neither("a kind of event that says nothing of a contact"),
        // A user event carries the action it was made by.
        _ if is("action") => Meaning::Neither("a command of ours to the telephone system"),
        _ if is("response") => Meaning::Neither("the answer to a command"),
        _ => Meaning::Neither("names no event: a greeting, or what a capture lost the head of"),
    }
}

/// A channel came to be: somebody calls.
fn call(item: &Value) -> Meaning {
    let (leg, number) = (text(&item["uniqueid"]), text(&item["calleridnum"]));
    let is_ours = number.len() < SHORTEST_NUMBER;
    let (role, direction) = if is_ours {
        (pb::ParticipantRole::Agent, types::Direction::Outbound)
    } else {
        (pb::ParticipantRole::Customer, types::Direction::Inbound)
    };
    let identifier = types::Identifier {
        r#type: if is_ours {
            types::IdentifierType::Handle.into()
        } else {
            types::IdentifierType::Phone.into()
        },
        value: number.clone(),
        namespace: if is_ours {
            "asterisk".into()
        } else {
            String::new()
        },
    };
    let caller = pb::Participant {
        role: role.into(),
        identifier: Some(identifier).filter(|_| !number.is_empty()),
        display_name: text(&item["calleridname"]),
        ..Default::default()
    };
    let mut input = pb::InteractionInput {
        external_id: leg.clone(),
        kind: types::InteractionKind::Call.into(),
        channel: types::Channel::Phone.into(),
        provider: "asterisk".into(),
        direction: direction.into(),
        event_time: began(&leg),
        participants: Some(caller)
            .filter(|_| !number.is_empty())
            .into_iter()
            .collect(),
        parts: vec![part(Content::CallLeg(pb::CallLeg {
            start_time: began(&leg),
            leg,
            ..Default::default()
        }))],
        ..Default::default()
    };
    input.attributes = beside(item, &said(&input));
    Meaning::Interaction(input)
}

fn said(input: &pb::InteractionInput) -> Value {
    let mut item = json!({});
    put(&mut item, "uniqueid", json!(input.external_id));
    if let Some(caller) = input.participants.first() {
        let number = &caller.identifier.as_ref().unwrap().value;
        put(&mut item, "calleridnum", json!(number));
        put(&mut item, "calleridname", json!(caller.display_name));
    }
    item
}

/// The item a contact came from.
pub(super) fn item_of(input: &pb::InteractionInput) -> Value {
    together(said(input), input.attributes.clone())
}

/// A leg was answered or hung up, or all of the call is over.
fn later(item: &Value) -> Meaning {
    let (leg, first) = (text(&item["uniqueid"]), text(&item["linkedid"]));
    let at = Some(moment(&text(&item["eventtime"])));
    let name = text(&item["eventname"]);
    let stretch = pb::CallLeg {
        initial_leg: if first == leg {
            String::new()
        } else {
            first.clone()
        },
        start_time: began(&leg),
        answer_time: at.filter(|_| name == "ANSWER"),
        end_time: at.filter(|_| name == "HANGUP"),
        leg: leg.clone(),
        ..Default::default()
    };
    let (key, fact) = if name == "LINKEDID_END" {
        let reason = types::ContactEndReason::Completed.into();
        (String::new(), Fact::End(pb::ContactEnd { reason }))
    } else {
        (format!("{name}:{leg}"), Fact::CallLeg(stretch))
    };
    let mut fact = pb::FactInput {
        external_id: first,
        key,
        event_time: at,
        fact: Some(fact),
        ..Default::default()
    };
    fact.attributes = beside(item, &said_later(&fact));
    Meaning::Later(fact)
}

fn said_later(fact: &pb::FactInput) -> Value {
    let mut item = json!({});
    put(&mut item, "linkedid", json!(fact.external_id));
    let local = fact.event_time.unwrap().seconds + AHEAD_S;
    let local = DateTime::from_timestamp(local, 0)
        .unwrap()
        .format(EVENT_TIME);
    put(&mut item, "eventtime", json!(local.to_string()));
    if let Some(Fact::CallLeg(leg)) = &fact.fact {
        put(&mut item, "uniqueid", json!(leg.leg));
    }
    item
}

/// The item a fact came from.
pub(super) fn item_of_fact(fact: &pb::FactInput) -> Value {
    together(said_later(fact), fact.attributes.clone())
}

/// When a leg began: its id is the second and a number.
fn began(leg: &str) -> Option<prost_types::Timestamp> {
    let seconds = leg
        .split('.')
        .next()
        .and_then(|seconds| seconds.parse().ok());
    Some(timestamp(seconds.unwrap_or_default(), 0))
}

fn moment(local: &str) -> prost_types::Timestamp {
    let local = NaiveDateTime::parse_from_str(local, EVENT_TIME).unwrap();
    timestamp(local.and_utc().timestamp() - AHEAD_S, 0)
}

/// What a sample is called in the table.
pub(super) fn name(item: &Value) -> String {
    let of = |header: &str| {
        let value = item.get(header)?.as_str()?;
        let kind = ["eventname", "userevent", "peerstatus"].into_iter();
        let kind = kind
            .filter(|_| header == "event")
            .find_map(|kind| item.get(kind)?.as_str());
        Some(match kind {
            Some(kind) => format!("{value} {kind}"),
            None => format!("{header} {value}").replace("event ", ""),
        })
    };
    let named = of("event")
        .or_else(|| of("action"))
        .or_else(|| of("response"));
    named.unwrap_or_else(|| "nothing named".into())
}
