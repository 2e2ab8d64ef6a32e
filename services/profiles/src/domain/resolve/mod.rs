//! Who is behind identifiers: a pure decision over what the store knows of them.
//!
//! The strongest identifier that is known decides. Nothing here ever merges customers: identifiers of several
//! customers leave a suspicion behind that people can look at.
//!
//! A device is not a person. When the only thing known is a handle or a cookie, and what comes with it says
//! that its customer is known by another address, number or key already, the contact is somebody else's who
//! uses the same device. The same holds for a key of another system beside an address or a number: a system
//! that gave two keys means two people. Then the contact gets a customer of its own.

use std::collections::{BTreeMap, BTreeSet};

use rapport_foundation::id::{CustomerId, IdentifierId, RecordId};

use super::identifier::{Key, Kind};

/// An identifier that is somebody's now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The identifier.
    pub identifier: IdentifierId,
    /// Where it belongs.
    pub place: Place,
}

/// A record and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The record.
    pub record: RecordId,
    /// The customer it was created for.
    pub home: CustomerId,
    /// The customer that one is part of now.
    pub customer: CustomerId,
}

/// Which of the things a sender can hint at: offered by a request, or missing at a customer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hinted {
    /// How to address them.
    pub display_name: bool,
    /// The language.
    pub language: bool,
    /// The time zone.
    pub time_zone: bool,
}

impl Hinted {
    /// Everything.
    pub const ALL: Self = Self {
        display_name: true,
        language: true,
        time_zone: true,
    };

    /// What is offered and missing.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            display_name: self.display_name && other.display_name,
            language: self.language && other.language,
            time_zone: self.time_zone && other.time_zone,
        }
    }

    /// What is missing still after these were filled.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self {
            display_name: self.display_name && !other.display_name,
            language: self.language && !other.language,
            time_zone: self.time_zone && !other.time_zone,
        }
    }

    /// Whether there is any.
    #[must_use]
    pub const fn any(self) -> bool {
        self.display_name || self.language || self.time_zone
    }
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The identifiers, strongest first, each once.
    pub keys: Vec<Key>,
    /// Where the contact comes from.
    pub source: String,
    /// A keyed hash of all the identifiers together.
    pub set: Vec<u8>,
    /// What the request knows besides.
    pub offered: Hinted,
}

/// What the store knows that bears on some requests.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    /// The identifiers that are somebody's.
    pub identifiers: BTreeMap<Key, Known>,
    /// Which identifiers the customers in question are known by.
    pub held: BTreeMap<CustomerId, BTreeSet<Key>>,
    /// Records that a source brought for exactly this set of identifiers, oldest first.
    pub brought: BTreeMap<(String, Vec<u8>), Vec<Place>>,
    /// Pairs of customers, smaller id first, that are suspected to be the same already.
    pub suspected: BTreeSet<(CustomerId, CustomerId)>,
    /// Pairs of customers, smaller id first, that somebody decided are not the same.
    pub apart: BTreeSet<(CustomerId, CustomerId)>,
    /// What the customers in question lack.
    pub missing: BTreeMap<CustomerId, Hinted>,
}

/// Why a customer is the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// An identifier was known.
    Matched,
    /// Nothing was known that decides.
    Created,
    /// Identifiers of several customers were known; the strongest won.
    StrongestOfSeveral,
}

/// Where the fact came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Landing {
    /// By a record that is there.
    On(Place),
    /// By a new record of a known customer, connected to the one there.
    Beside(Place),
    /// By the first record of a new customer.
    Founding,
}

/// What a request comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Why.
    pub reason: Reason,
    /// Where.
    pub landing: Landing,
    /// The identifier that decided, of those asked for.
    pub matched: Option<usize>,
    /// Identifiers, of those asked for, that become the record's.
    pub attached: Vec<usize>,
    /// Other customers that share an identifier, in the order of strength; not those decided to be different.
    pub possible: Vec<CustomerId>,
    /// Suspicions to write down: identifiers, of those asked for, that are another customer's.
    pub suspicions: Vec<usize>,
    /// What of the hints fills a gap.
    pub filled: Hinted,
}

impl Decision {
    /// Whether anything is to be written.
    #[must_use]
    pub fn changes(&self) -> bool {
        !matches!(self.landing, Landing::On(_))
            || !self.attached.is_empty()
            || !self.suspicions.is_empty()
            || self.filled.any()
    }
}

fn pair(one: CustomerId, other: CustomerId) -> (CustomerId, CustomerId) {
    (one.min(other), one.max(other))
}

impl Directory {
    /// Decides one request; changes nothing.
    #[must_use]
    pub fn decide(&self, ask: &Ask) -> Decision {
        let known: Vec<(usize, Known)> = ask
            .keys
            .iter()
            .enumerate()
            .filter_map(|(at, key)| Some((at, *self.identifiers.get(key)?)))
            .collect();
        let unknown: Vec<usize> = (0..ask.keys.len())
            .filter(|at| known.iter().all(|(known, _)| known != at))
            .collect();
        match known.first().copied() {
            Some((at, strongest)) if !self.is_somebody_else(ask, &unknown, at, strongest) => {
                self.found(ask, &known, unknown)
            }
            _ => self.created(ask, &known, unknown),
        }
    }

    /// Whether the identifiers that come with a match say that it is not its customer who is there.
    fn is_somebody_else(&self, ask: &Ask, unknown: &[usize], matched: usize, by: Known) -> bool {
        let Some(held) = self.held.get(&by.place.customer) else {
            return false;
        };
        let proof = ask.keys[matched].kind;
        unknown.iter().map(|at| &ask.keys[*at]).any(|key| {
            let rival = |other: &&Key| other.kind == key.kind && other.namespace == key.namespace;
            let mut rivals = held.iter().filter(rival).peekable();
            let contradicts =
                rivals.peek().is_some() && rivals.all(|rival| !ask.keys.contains(rival));
            let outweighs =
                proof.is_shareable() || (key.kind == Kind::External && proof != Kind::External);
            contradicts && outweighs
        })
    }

    fn found(&self, ask: &Ask, known: &[(usize, Known)], attached: Vec<usize>) -> Decision {
        let (matched, strongest) = known[0];
        let place = strongest.place;
        let others = others(known, Some(place.customer));
        // A record of the source's own counts only where the identifiers lie on several records.
        let scattered = !attached.is_empty()
            || known
                .iter()
                .any(|(_, known)| known.place.record != place.record);
        let of_source = self
            .brought
            .get(&(ask.source.clone(), ask.set.clone()))
            .and_then(|places| {
                places
                    .iter()
                    .rfind(|there| there.customer == place.customer)
            });
        let landing = match of_source {
            Some(there) if scattered => Landing::On(*there),
            _ if attached.is_empty() => Landing::On(place),
            _ => Landing::Beside(place),
        };
        let apart = |other: CustomerId| self.apart.contains(&pair(place.customer, other));
        let suspected = |other: CustomerId| self.suspected.contains(&pair(place.customer, other));
        Decision {
            reason: if others.is_empty() {
                Reason::Matched
            } else {
                Reason::StrongestOfSeveral
            },
            landing,
            matched: Some(matched),
            attached,
            possible: customers(&others, |other| !apart(other)),
            suspicions: others
                .iter()
                .filter(|(_, other)| {
                    !apart(other.place.customer) && !suspected(other.place.customer)
                })
                .map(|(at, _)| *at)
                .collect(),
            filled: ask.offered.and(
                self.missing
                    .get(&place.customer)
                    .copied()
                    .unwrap_or_default(),
            ),
        }
    }

    fn created(&self, ask: &Ask, known: &[(usize, Known)], attached: Vec<usize>) -> Decision {
        let others = others(known, None);
        Decision {
            reason: Reason::Created,
            landing: Landing::Founding,
            matched: None,
            attached,
            possible: customers(&others, |_| true),
            suspicions: others.iter().map(|(at, _)| *at).collect(),
            filled: ask.offered,
        }
    }

    /// Enters what a decision wrote, so that the next request of the same batch is decided knowing it. `place` is
    /// where the fact came in, `identifiers` are the ids given to the attached identifiers, in their order.
    pub fn enter(
        &mut self,
        ask: &Ask,
        decision: &Decision,
        place: Place,
        identifiers: &[IdentifierId],
    ) {
        for (at, identifier) in decision.attached.iter().zip(identifiers) {
            let key = ask.keys[*at].clone();
            self.held
                .entry(place.customer)
                .or_default()
                .insert(key.clone());
            let known = Known {
                identifier: *identifier,
                place,
            };
            self.identifiers.insert(key, known);
        }
        if !matches!(decision.landing, Landing::On(_)) {
            self.brought
                .entry((ask.source.clone(), ask.set.clone()))
                .or_default()
                .push(place);
        }
        self.suspected.extend(
            decision
                .possible
                .iter()
                .map(|other| pair(place.customer, *other)),
        );
        if decision.landing == Landing::Founding {
            self.missing.insert(place.customer, Hinted::ALL);
        }
        if let Some(missing) = self.missing.get_mut(&place.customer) {
            *missing = missing.without(decision.filled);
        }
    }
}

/// The strongest known identifier of each customer but this one.
fn others(known: &[(usize, Known)], but: Option<CustomerId>) -> Vec<(usize, Known)> {
    let mut seen: BTreeSet<CustomerId> = but.into_iter().collect();
    known
        .iter()
        .filter(|(_, known)| seen.insert(known.place.customer))
        .copied()
        .collect()
}

fn customers(others: &[(usize, Known)], keep: impl Fn(CustomerId) -> bool) -> Vec<CustomerId> {
    others
        .iter()
        .map(|(_, known)| known.place.customer)
        .filter(|customer| keep(*customer))
        .collect()
}

#[cfg(test)]
mod tests;
