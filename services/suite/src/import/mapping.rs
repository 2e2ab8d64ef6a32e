//! A map bound to a file: rows become contacts.

use std::collections::HashSet;

use rapport_proto::interactions::v1::{
    ContactHints, InteractionInput, Part, Participant, ParticipantRole, part,
};
use rapport_proto::types::v1 as types;

use super::field::{Binding, Field};
use super::map::{Format, Map, MapError};
use super::row::{Header, Row};
use super::stamp::Stamps;
use super::value;

mod binder;
mod reading;

use binder::Binder;
use reading::Reading;

/// How rows of one file become contacts.
pub(super) struct Mapping {
    missing: HashSet<String>,
    first_by: Option<Field>,
    stamps: Stamps,
    external_id: Field,
    event_time: Field,
    kind: Field,
    channel: Field,
    direction: Field,
    purpose: Option<Field>,
    thread_key: Option<Field>,
    subject: Option<Field>,
    text: Option<Field>,
    queue: Option<Field>,
    priority: Option<Field>,
    skills: Vec<Field>,
    automatic: Option<Field>,
    display_name: Option<Field>,
    hints: [Option<Field>; 3],
    identifiers: Vec<Identifier>,
    attributes: Vec<(String, Field)>,
    order: Option<Order>,
    history: bool,
}

struct Identifier {
    kind: Field,
    value: Field,
    namespace: Option<Field>,
}

struct Order {
    id: Field,
    total: Field,
    currency: Field,
    exponent: u8,
}

impl Mapping {
    /// # Errors
    /// Everything in the map that does not fit the file or itself.
    pub(super) fn bind(map: &Map, header: &Header, live: bool) -> Result<Mapping, MapError> {
        let mut binder = Binder {
            binding: Binding {
                header,
                format: map.source.format,
            },
            faults: Vec::new(),
        };
        let stamps = Stamps::new(&map.time)
            .map_err(|fault| binder.faults.push(format!("time: {fault}")))
            .ok();
        let mapping = Mapping::bind_all(map, &mut binder, stamps, live);
        if map.source.format == Format::Ndjson && !map.source.header {
            binder
                .faults
                .push("source.header: an NDJSON file names its members".into());
        }
        match mapping {
            Some(mapping) if binder.faults.is_empty() => Ok(mapping),
            _ => Err(MapError::Faults(binder.faults)),
        }
    }

    /// Every field is bound before the first missing one is noticed, so that all faults are told at once.
    fn bind_all(
        map: &Map,
        b: &mut Binder<'_>,
        stamps: Option<Stamps>,
        live: bool,
    ) -> Option<Mapping> {
        let contact = &map.contact;
        let external_id = b.field("contact.external_id", &contact.external_id);
        let event_time = b.field("contact.event_time", &contact.event_time);
        let kind = b.named::<types::InteractionKind>("contact.kind", &contact.kind);
        let channel = b.named::<types::Channel>("contact.channel", &contact.channel);
        let direction = b.named::<types::Direction>("contact.direction", &contact.direction);
        let optional = Mapping {
            missing: map.source.missing.iter().cloned().collect(),
            first_by: map
                .source
                .first_by
                .as_ref()
                .and_then(|spec| b.column("source.first_by", spec)),
            purpose: b
                .optional_named::<types::Purpose>("contact.purpose", contact.purpose.as_ref()),
            thread_key: b.optional("contact.thread_key", contact.thread_key.as_ref()),
            subject: b.optional("contact.subject", contact.subject.as_ref()),
            text: b.optional("contact.text", contact.text.as_ref()),
            queue: b.optional("contact.queue", contact.queue.as_ref()),
            priority: b
                .optional_named::<types::Priority>("contact.priority", contact.priority.as_ref()),
            skills: contact
                .skills
                .iter()
                .filter_map(|spec| b.field("contact.skills", spec))
                .collect(),
            automatic: b.optional("contact.automatic", contact.automatic.as_ref()),
            display_name: b.optional("contact.display_name", contact.display_name.as_ref()),
            hints: [
                b.optional("contact.language", contact.language.as_ref()),
                b.optional("contact.time_zone", contact.time_zone.as_ref()),
                b.optional("contact.region", contact.region.as_ref()),
            ],
            identifiers: map
                .identifiers
                .iter()
                .filter_map(|spec| identifier(b, spec))
                .collect(),
            attributes: map
                .attributes
                .iter()
                .filter_map(|(key, spec)| {
                    Some((key.clone(), b.field(&format!("attributes.{key}"), spec)?))
                })
                .collect(),
            order: map.order.as_ref().and_then(|spec| order(b, spec)),
            history: !live,
            external_id: external_id?,
            event_time: event_time?,
            kind: kind?,
            channel: channel?,
            direction: direction?,
            stamps: stamps?,
        };
        Some(optional)
    }

    /// The key of which only the first row counts; None when every row does.
    ///
    /// # Errors
    /// In words, when the row has no key.
    pub(super) fn key(&self, row: &Row) -> Result<Option<String>, String> {
        let Some(field) = &self.first_by else {
            return Ok(None);
        };
        match field.value(row, &self.missing)? {
            Some(key) => Ok(Some(key)),
            None => Err("first_by: the value is missing".into()),
        }
    }

    /// The contact of a row.
    ///
    /// # Errors
    /// In words, everything in the row that the map cannot make a contact of.
    pub(super) fn contact(&self, row: &Row) -> Result<InteractionInput, Vec<String>> {
        let mut reading = Reading {
            row,
            missing: &self.missing,
            faults: Vec::new(),
        };
        let r = &mut reading;
        let event_time = r.required("event_time", &self.event_time);
        let event_time = r.keep(
            "event_time",
            event_time.map(|text| self.stamps.parse(&text)),
        );
        let mut input = InteractionInput {
            external_id: r
                .required("external_id", &self.external_id)
                .unwrap_or_default(),
            kind: r.named::<types::InteractionKind>("kind", Some(&self.kind), true),
            channel: r.named::<types::Channel>("channel", Some(&self.channel), true),
            direction: r.named::<types::Direction>("direction", Some(&self.direction), true),
            purpose: r.named::<types::Purpose>("purpose", self.purpose.as_ref(), false),
            thread_key: r.text("thread_key", self.thread_key.as_ref()),
            subject: r.text("subject", self.subject.as_ref()),
            event_time,
            history: self.history,
            order: self.order.as_ref().and_then(|order| r.order(order)),
            routing: self.routing(r),
            hints: self.hints(r),
            ..InteractionInput::default()
        };
        let automatic = r.optional("automatic", self.automatic.as_ref());
        input.automatic = r
            .keep("automatic", automatic.map(|text| value::truth(&text)))
            .unwrap_or(false);
        if let Some(text) = r.optional("text", self.text.as_ref()) {
            input.parts = vec![Part {
                content: Some(part::Content::Text(text)),
                ..Default::default()
            }];
        }
        input.participants = self.participants(r);
        for (key, field) in &self.attributes {
            if let Some(text) = r.optional(key, Some(field)) {
                input.attributes.insert(key.clone(), text);
            }
        }
        match reading.faults.is_empty() {
            true => Ok(input),
            false => Err(reading.faults),
        }
    }

    fn participants(&self, r: &mut Reading<'_>) -> Vec<Participant> {
        let display_name = r.text("display_name", self.display_name.as_ref());
        let mut known = self
            .identifiers
            .iter()
            .filter_map(|identifier| r.identifier(identifier));
        let Some(first) = known.next() else {
            return Vec::new();
        };
        vec![Participant {
            role: ParticipantRole::Customer as i32,
            identifier: Some(first),
            further_identifiers: known.collect(),
            display_name,
        }]
    }

    fn routing(&self, r: &mut Reading<'_>) -> Option<types::RoutingHint> {
        let hint = types::RoutingHint {
            queue: r.text("queue", self.queue.as_ref()),
            required_skills: self
                .skills
                .iter()
                .filter_map(|field| r.optional("skills", Some(field)))
                .collect(),
            priority: r.named::<types::Priority>("priority", self.priority.as_ref(), false),
        };
        (hint != types::RoutingHint::default()).then_some(hint)
    }

    fn hints(&self, r: &mut Reading<'_>) -> Option<ContactHints> {
        let [language, time_zone, region] = &self.hints;
        let hints = ContactHints {
            language: r.text("language", language.as_ref()),
            time_zone: r.text("time_zone", time_zone.as_ref()),
            region: r.text("region", region.as_ref()),
        };
        (hints != ContactHints::default()).then_some(hints)
    }
}

fn identifier(b: &mut Binder<'_>, spec: &super::map::Identifier) -> Option<Identifier> {
    let kind = b.named::<types::IdentifierType>("identifier.type", &spec.kind);
    let value = b.field("identifier.value", &spec.value);
    Some(Identifier {
        namespace: b.optional("identifier.namespace", spec.namespace.as_ref()),
        kind: kind?,
        value: value?,
    })
}

fn order(b: &mut Binder<'_>, spec: &super::map::Order) -> Option<Order> {
    if spec.exponent > 6 {
        b.faults.push("order.exponent: at most 6".into());
    }
    let id = b.field("order.id", &spec.id);
    let total = b.field("order.total", &spec.total);
    let currency = b.field("order.currency", &spec.currency);
    Some(Order {
        id: id?,
        total: total?,
        currency: currency?,
        exponent: spec.exponent,
    })
}

#[cfg(test)]
mod tests;
