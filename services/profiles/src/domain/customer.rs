//! A customer: what is known by hand, and how it stands towards others.

use std::collections::BTreeSet;

use rapport_foundation::id::{CustomerId, IdentifierId, RecordId};
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;

use super::coded;
use super::identifier::Identifier;
use super::preferences::Preferences;

coded! {
    /// Whether a customer stands for itself.
    State {
        /// It does.
        Active = 1,
        /// It is part of another customer.
        Merged = 2,
        /// It was deleted.
        Deleted = 3,
    }
}

coded! {
    /// Person or organisation.
    CustomerKind {
        /// One human being.
        Person = 1,
        /// A company, household or other group.
        Organisation = 2,
    }
}

coded! {
    /// Where a customer is on their way with us.
    Stage {
        /// Known, has not bought.
        Prospect = 1,
        /// First purchase.
        New = 2,
        /// Bought again.
        Returning = 3,
        /// Buys regularly.
        Loyal = 4,
        /// Recommends us.
        Advocate = 5,
        /// May leave.
        AtRisk = 6,
        /// Left.
        Lost = 7,
        /// Left and came back.
        WonBack = 8,
    }
}

/// What can be changed by hand; the paths an update mask may name.
pub const UPDATABLE: &[&str] = &[
    "display_name",
    "given_name",
    "family_name",
    "kind",
    "lifecycle_stage",
    "preferences",
];

/// What is known about a customer besides identifiers; what is not known is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// How to address them.
    pub display_name: Option<Personal>,
    /// Given name.
    pub given_name: Option<Personal>,
    /// Family name.
    pub family_name: Option<Personal>,
    /// Person or organisation.
    pub kind: Option<CustomerKind>,
    /// Where they are on their way with us.
    pub stage: Option<Stage>,
    /// What they like.
    pub preferences: Preferences,
}

impl Profile {
    /// This profile with its gaps filled from another. What is known stays: whoever merges customers or passes
    /// hints on must not overwrite what a person entered.
    #[must_use]
    pub fn filled_from(mut self, other: &Self) -> Self {
        let fill = |own: &mut Option<Personal>, other: &Option<Personal>| {
            if own.is_none() {
                own.clone_from(other);
            }
        };
        fill(&mut self.display_name, &other.display_name);
        fill(&mut self.given_name, &other.given_name);
        fill(&mut self.family_name, &other.family_name);
        self.kind = self.kind.or(other.kind);
        self.stage = self.stage.or(other.stage);
        let (own, other) = (&mut self.preferences, &other.preferences);
        own.channel = own.channel.or(other.channel);
        own.language = own.language.take().or_else(|| other.language.clone());
        own.time_zone = own.time_zone.take().or_else(|| other.time_zone.clone());
        self
    }

    /// Sets the fields of the mask to the new values, and tells which of them differ from before.
    #[must_use]
    pub fn updated(&self, new: Self, mask: &BTreeSet<String>) -> (Self, Vec<&'static str>) {
        let mut next = self.clone();
        let mut changed = Vec::new();
        for path in UPDATABLE.iter().filter(|path| mask.contains(**path)) {
            let differs = match *path {
                "display_name" => put(&mut next.display_name, &new.display_name),
                "given_name" => put(&mut next.given_name, &new.given_name),
                "family_name" => put(&mut next.family_name, &new.family_name),
                "kind" => put(&mut next.kind, &new.kind),
                "lifecycle_stage" => put(&mut next.stage, &new.stage),
                _ => put(&mut next.preferences, &new.preferences),
            };
            if differs {
                changed.push(*path);
            }
        }
        (next, changed)
    }
}

fn put<T: PartialEq + Clone>(own: &mut T, new: &T) -> bool {
    let differs = own != new;
    if differs {
        own.clone_from(new);
    }
    differs
}

/// A customer as stored: what it says about itself. What it shows is a view over all that is part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Its id.
    pub id: CustomerId,
    /// Whether it stands for itself.
    pub state: State,
    /// The customer it was merged into.
    pub merged_into: Option<CustomerId>,
    /// The customer it is part of in the end: itself unless it was merged.
    pub part_of: CustomerId,
    /// The record it began with. Names are sealed under it, and what is entered by hand belongs to it.
    pub founder: RecordId,
    /// What is known.
    pub profile: Profile,
    /// When it was created.
    pub created_at: Micros,
    /// When it last changed.
    pub updated_at: Micros,
    /// When it was deleted.
    pub deleted_at: Option<Micros>,
    /// Counts the changes, from 1.
    pub version: i64,
}

/// An identifier of a customer, for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its id.
    pub id: IdentifierId,
    /// What it is.
    pub identifier: Identifier,
    /// The record that brought it.
    pub record: RecordId,
    /// From when it is theirs.
    pub valid_from: Micros,
    /// Until when it was; absent while it is.
    pub valid_until: Option<Micros>,
}

/// A customer as it is shown: everything that is part of it together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The customer; gaps of its profile are filled from what is part of it.
    pub customer: Customer,
    /// The identifiers that are theirs now, oldest first.
    pub identifiers: Vec<Held>,
    /// The records behind the view, oldest first.
    pub records: Vec<RecordId>,
    /// Customers that share an identifier and were not decided to be different.
    pub possible: Vec<CustomerId>,
}

/// Why a customer cannot be changed as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unchangeable {
    /// It is part of another one, which is to be changed instead.
    #[error("the customer is part of another")]
    Merged {
        /// The customer that was meant.
        customer: CustomerId,
        /// The one it is part of.
        part_of: CustomerId,
    },
    /// It was deleted.
    #[error("the customer was deleted")]
    Deleted {
        /// The customer that was meant.
        customer: CustomerId,
    },
}

impl Customer {
    /// A new customer that stands for itself.
    #[must_use]
    pub fn new(id: CustomerId, founder: RecordId, profile: Profile, at: Micros) -> Self {
        Self {
            id,
            state: State::Active,
            merged_into: None,
            part_of: id,
            founder,
            profile,
            created_at: at,
            updated_at: at,
            deleted_at: None,
            version: 1,
        }
    }

    /// Only a customer that stands for itself may be changed.
    ///
    /// # Errors
    /// When it is merged or deleted.
    pub const fn changeable(&self) -> Result<(), Unchangeable> {
        match self.state {
            State::Active => Ok(()),
            State::Merged => Err(Unchangeable::Merged {
                customer: self.id,
                part_of: self.part_of,
            }),
            State::Deleted => Err(Unchangeable::Deleted { customer: self.id }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::preferences::Language;

    fn named(name: &str) -> Profile {
        Profile {
            display_name: Some(name.into()),
            ..Profile::default()
        }
    }

    #[test]
    fn filling_overwrites_nothing() {
        let other = Profile {
            given_name: Some("Ana".into()),
            stage: Some(Stage::Loyal),
            preferences: Preferences {
                language: Language::parse("fil"),
                ..Preferences::default()
            },
            ..named("Other")
        };
        let own = Profile {
            stage: Some(Stage::Lost),
            ..named("Own")
        };
        let filled = own.filled_from(&other);
        assert_eq!(filled.display_name, Some("Own".into()));
        assert_eq!(filled.given_name, Some("Ana".into()));
        assert_eq!(filled.stage, Some(Stage::Lost));
        assert_eq!(filled.preferences, other.preferences);
        assert_eq!(filled.clone().filled_from(&other), filled);
    }

    #[test]
    fn an_update_touches_the_mask_only_and_tells_what_differs() {
        let before = named("Before");
        let new = Profile {
            given_name: Some("Ana".into()),
            kind: Some(CustomerKind::Person),
            ..named("After")
        };
        let mask = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect();
        let (after, changed) = before.updated(new.clone(), &mask(&["display_name", "family_name"]));
        assert_eq!(changed, ["display_name"]);
        assert_eq!(after, named("After"));
        let (after, changed) = before.updated(Profile::default(), &mask(UPDATABLE));
        assert_eq!((after, changed), (Profile::default(), vec!["display_name"]));
        let (_, changed) = before.updated(before.clone(), &mask(UPDATABLE));
        assert!(changed.is_empty());
    }
}
