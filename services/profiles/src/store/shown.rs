//! Customers as they are shown: each with everything that is part of it.

use std::collections::{BTreeMap, BTreeSet};

use rapport_foundation::db::Error;
use rapport_foundation::id::{CustomerId, RecordId};

use super::Rows;
use crate::domain::customer::{Customer, Held, Shown, State};

/// Records that are shown of one customer.
const RECORDS_SHOWN: usize = 1000;

impl Rows {
    /// A customer as it is shown.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn shown(&self, id: CustomerId) -> Result<Option<Shown>, Error> {
        match self.customer(id).await? {
            Some(customer) => Ok(self.show(vec![customer]).await?.pop()),
            None => Ok(None),
        }
    }

    /// These customers as they are shown, in their order.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn show(&self, customers: Vec<Customer>) -> Result<Vec<Shown>, Error> {
        let whole: Vec<CustomerId> = customers
            .iter()
            .filter(|customer| customer.state != State::Merged && customer.part_of == customer.id)
            .map(|customer| customer.id)
            .collect();
        let mut parts: BTreeMap<CustomerId, Vec<Customer>> = BTreeMap::new();
        for part in self.parts(&whole).await? {
            parts.entry(part.part_of).or_default().push(part);
        }
        // One that is part of another answers with itself alone.
        for customer in &customers {
            parts
                .entry(customer.id)
                .or_insert_with(|| vec![customer.clone()]);
        }
        let homes: BTreeSet<CustomerId> = parts.values().flatten().map(|part| part.id).collect();
        let mut records: BTreeMap<CustomerId, Vec<RecordId>> = BTreeMap::new();
        for (record, home) in self.records_of(homes.iter().copied()).await? {
            records.entry(home).or_default().push(record);
        }
        let all: Vec<RecordId> = records.values().flatten().copied().collect();
        let mut held: BTreeMap<RecordId, Vec<Held>> = BTreeMap::new();
        for one in self.held_by(&all).await? {
            held.entry(one.record).or_default().push(one);
        }
        let homes: Vec<CustomerId> = homes.into_iter().collect();
        let (suspected, apart) = self.suspected_and_apart(&homes).await?;
        let mut possible: BTreeMap<CustomerId, Vec<CustomerId>> = BTreeMap::new();
        let others: BTreeSet<CustomerId> = suspected
            .difference(&apart)
            .filter(|(one, other)| one != other)
            .flat_map(|(one, other)| [*one, *other])
            .collect();
        let standing = self.standing(&others).await?;
        for (one, other) in suspected.difference(&apart) {
            if one != other && standing.contains(one) && standing.contains(other) {
                possible.entry(*one).or_default().push(*other);
                possible.entry(*other).or_default().push(*one);
            }
        }
        Ok(customers
            .into_iter()
            .map(|customer| {
                let parts = parts.remove(&customer.id).unwrap_or_default();
                let possible = possible.remove(&customer.id).unwrap_or_default();
                together(customer, &parts, &records, &held, possible)
            })
            .collect())
    }

    /// Those of these customers that stand for themselves.
    async fn standing(&self, among: &BTreeSet<CustomerId>) -> Result<BTreeSet<CustomerId>, Error> {
        let ids: Vec<CustomerId> = among.iter().copied().collect();
        let customers = self.customers(&ids).await?.into_iter();
        Ok(customers
            .filter(|customer| customer.state == State::Active)
            .map(|customer| customer.id)
            .collect())
    }
}

fn together(
    mut customer: Customer,
    parts: &[Customer],
    records: &BTreeMap<CustomerId, Vec<RecordId>>,
    held: &BTreeMap<RecordId, Vec<Held>>,
    possible: Vec<CustomerId>,
) -> Shown {
    for part in parts.iter().filter(|part| part.id != customer.id) {
        customer.profile = customer.profile.filled_from(&part.profile);
    }
    let mut records: Vec<RecordId> = parts
        .iter()
        .filter_map(|part| records.get(&part.id))
        .flatten()
        .copied()
        .collect();
    records.sort_unstable();
    let mut identifiers: Vec<Held> = records
        .iter()
        .filter_map(|record| held.get(record))
        .flatten()
        .cloned()
        .collect();
    identifiers.sort_by_key(|held| held.id);
    records.truncate(RECORDS_SHOWN);
    Shown {
        customer,
        identifiers,
        records,
        possible,
    }
}
