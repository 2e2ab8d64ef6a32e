//! What a batch of resolutions writes, collected and then stored with one statement a table.

use std::collections::BTreeMap;

use rapport_foundation::events::{Data, Outgoing, append_many};
use rapport_foundation::id::{CustomerId, IdentifierId, RecordId};
use rapport_foundation::time::Micros;
use rapport_proto::events::v1::CustomerUpdated;

use super::{Changed, Resolution};
use crate::app::{added, created};
use crate::domain::customer::{Customer, Held, Profile, Stage};
use crate::domain::edge::{Edge, Explanation};
use crate::domain::resolve::{Decision, Directory, Hinted, Landing, Place};
use crate::error::Error;
use crate::store::{Filling, Record, Rows};

/// Everything new, in the order it came to be.
pub(super) struct Writing {
    now: Micros,
    customers: BTreeMap<CustomerId, Customer>,
    records: Vec<Record>,
    identifiers: Vec<Held>,
    edges: Vec<Edge>,
    fillings: BTreeMap<CustomerId, Filling>,
    changed: Changed,
    happened: Vec<Outgoing>,
}

impl Writing {
    pub(super) const fn new(now: Micros) -> Self {
        Self {
            now,
            customers: BTreeMap::new(),
            records: Vec::new(),
            identifiers: Vec::new(),
            edges: Vec::new(),
            fillings: BTreeMap::new(),
            changed: Changed::new(),
            happened: Vec::new(),
        }
    }

    /// Notes what one decision writes. `directory` is as it was when the decision was made.
    pub(super) fn note(
        &mut self,
        command: &Resolution,
        decision: &Decision,
        place: Place,
        ids: &[IdentifierId],
        directory: &Directory,
    ) {
        match decision.landing {
            Landing::On(_) => {}
            Landing::Beside(beside) => {
                self.record(command, place);
                let why = decision.matched.map_or_else(Explanation::default, |at| {
                    explanation(command, directory, at)
                });
                let edge = Edge::matched(place.record, beside.record, why, &command.by, self.now);
                self.edges.push(edge);
            }
            Landing::Founding => {
                self.record(command, place);
                let profile = Profile {
                    stage: Some(Stage::Prospect),
                    ..Profile::default()
                };
                let customer = Customer::new(place.customer, place.record, profile, self.now);
                self.customers.insert(customer.id, customer);
                self.tell(
                    command,
                    place.customer,
                    created(place.customer, place.record),
                );
            }
        }
        for (at, id) in decision.attached.iter().zip(ids) {
            let held = Held {
                id: *id,
                identifier: command.command.identifiers[*at].clone(),
                record: place.record,
                valid_from: command.command.seen_at.unwrap_or(self.now).min(self.now),
                valid_until: None,
            };
            self.tell(command, place.customer, added(place.customer, &held));
            self.identifiers.push(held);
        }
        for at in &decision.suspicions {
            let Some(other) = directory.identifiers.get(&command.ask.keys[*at]) else {
                continue;
            };
            let why = explanation(command, directory, *at);
            let edge =
                Edge::suspected(place.record, other.place.record, why, &command.by, self.now);
            self.edges.push(edge);
            self.count(other.place);
        }
        self.fill(command, decision.filled, place);
        if decision.changes() {
            self.count(place);
        }
    }

    /// Stores everything.
    pub(super) async fn write(
        self,
        rows: &Rows,
        founders: &BTreeMap<CustomerId, RecordId>,
    ) -> Result<(), Error> {
        let founder = |customer: CustomerId| founders.get(&customer).copied();
        let filled = self
            .fillings
            .keys()
            .filter_map(|customer| founder(*customer));
        let subjects = self
            .records
            .iter()
            .map(|record| record.id)
            .chain(self.identifiers.iter().map(|held| held.record))
            .chain(filled);
        let keys = rows.keys_of(subjects.collect::<Vec<_>>()).await?;
        rows.count_change(&self.changed, self.now).await?;
        let customers: Vec<Customer> = self.customers.into_values().collect();
        rows.insert_customers(&customers, &keys).await?;
        rows.insert_records(&self.records, &keys).await?;
        rows.insert_identifiers(&self.identifiers, &keys).await?;
        rows.insert_edges(&self.edges).await?;
        for (customer, filling) in &self.fillings {
            if let Some(founder) = founder(*customer) {
                rows.fill(*customer, founder, filling, &keys).await?;
            }
        }
        append_many(rows.scoped(), &self.happened).await?;
        Ok(())
    }

    fn record(&mut self, command: &Resolution, place: Place) {
        let asked = &command.command;
        self.records.push(Record {
            id: place.record,
            home: place.home,
            source: command.ask.source.clone(),
            identifier_set: command.ask.set.clone(),
            display_name: asked.display_name.clone(),
            language: asked.language.clone(),
            time_zone: asked.time_zone.clone(),
            seen_at: asked.seen_at.unwrap_or(self.now),
            created_at: self.now,
        });
    }

    /// Hints go to the customer the record came in for: when it is taken out of a merge they leave with it.
    fn fill(&mut self, command: &Resolution, filled: Hinted, place: Place) {
        if !filled.any() {
            return;
        }
        let asked = &command.command;
        let name = asked.display_name.clone().filter(|_| filled.display_name);
        let language = asked.language.clone().filter(|_| filled.language);
        let time_zone = asked.time_zone.clone().filter(|_| filled.time_zone);
        if let Some(customer) = self.customers.get_mut(&place.home) {
            let mut known = Profile {
                display_name: name,
                ..Profile::default()
            };
            known.preferences.language = language;
            known.preferences.time_zone = time_zone;
            customer.profile = std::mem::take(&mut customer.profile).filled_from(&known);
            return;
        }
        let filling = self.fillings.entry(place.home).or_default();
        filling.display_name = filling.display_name.take().or(name);
        filling.language = filling.language.take().or(language);
        filling.time_zone = filling.time_zone.take().or(time_zone);
        let mut fields = Vec::new();
        if filled.display_name {
            fields.push("display_name".to_owned());
        }
        if filled.language || filled.time_zone {
            fields.push("preferences".to_owned());
        }
        let customer_id = place.customer.to_string();
        let data = Data::CustomerUpdated(CustomerUpdated {
            customer_id,
            fields,
        });
        self.tell(command, place.customer, data);
    }

    /// Counts the change of a customer that was there before this batch.
    fn count(&mut self, place: Place) {
        for customer in [place.home, place.customer] {
            if !self.customers.contains_key(&customer) {
                self.changed.insert((customer, place.customer));
            }
        }
    }

    fn tell(&mut self, command: &Resolution, customer: CustomerId, data: Data) {
        self.happened.push(Outgoing {
            traceparent: command.traceparent.clone(),
            ..Outgoing::new(self.now, customer, data)
        });
    }
}

/// The identifier that speaks for an edge.
fn explanation(command: &Resolution, directory: &Directory, at: usize) -> Explanation {
    let key = &command.ask.keys[at];
    directory
        .identifiers
        .get(key)
        .map_or_else(Explanation::default, |known| {
            Explanation::identifier(known.identifier, key.kind, &key.namespace)
        })
}
