//! What the use cases are asked, decoded and checked.

use std::collections::BTreeSet;

use rapport_foundation::id::{CustomerId, IdentifierId};
use rapport_foundation::idempotency::Key;
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;

use crate::domain::customer::Profile;
use crate::domain::identifier::Identifier;
use crate::domain::preferences::{Language, Zone};

/// `ResolveCustomer`.
#[derive(Debug, Clone)]
pub struct Resolve {
    /// What the contact is known by, strongest first, each once.
    pub identifiers: Vec<Identifier>,
    /// How to address them.
    pub display_name: Option<Personal>,
    /// The language.
    pub language: Option<Language>,
    /// The time zone.
    pub time_zone: Option<Zone>,
    /// Where the record comes from.
    pub source: String,
    /// When the identifiers were seen; absent for now.
    pub seen_at: Option<Micros>,
}

/// `CreateCustomer`.
#[derive(Debug, Clone)]
pub struct Create {
    /// The idempotency key.
    pub key: Key,
    /// What is known.
    pub profile: Profile,
    /// Ways to recognise them.
    pub identifiers: Vec<Identifier>,
}

/// `UpdateCustomer`.
#[derive(Debug, Clone)]
pub struct Update {
    /// The idempotency key.
    pub key: Key,
    /// The customer.
    pub customer: CustomerId,
    /// The new values.
    pub profile: Profile,
    /// Which of them to set.
    pub mask: BTreeSet<String>,
    /// The version the change applies to, when given.
    pub version: Option<i64>,
}

/// `ListCustomers`.
#[derive(Debug, Clone)]
pub struct List {
    /// How many at most.
    pub page_size: u32,
    /// Where to go on.
    pub page_token: String,
    /// Only the customer this identifier belongs to.
    pub identifier: Option<Identifier>,
    /// Whether deleted and merged ones are listed as well.
    pub show_deleted: bool,
}

/// `DeleteCustomer`.
#[derive(Debug, Clone)]
pub struct Delete {
    /// The idempotency key.
    pub key: Key,
    /// The customer.
    pub customer: CustomerId,
    /// The version the change applies to, when given.
    pub version: Option<i64>,
}

/// `AddIdentifier`.
#[derive(Debug, Clone)]
pub struct Add {
    /// The idempotency key.
    pub key: Key,
    /// The customer.
    pub customer: CustomerId,
    /// What to add.
    pub identifier: Identifier,
    /// The version the change applies to, when given.
    pub version: Option<i64>,
}

/// `RemoveIdentifier`.
#[derive(Debug, Clone)]
pub struct Remove {
    /// The idempotency key.
    pub key: Key,
    /// The customer.
    pub customer: CustomerId,
    /// The identifier.
    pub identifier: IdentifierId,
    /// The version the change applies to, when given.
    pub version: Option<i64>,
}

/// `MergeCustomers` and `UnmergeCustomers`.
#[derive(Debug, Clone)]
pub struct Merge {
    /// The idempotency key.
    pub key: Key,
    /// The customer that remains, or is split.
    pub customer: CustomerId,
    /// The customer that becomes part of it, or stands alone again.
    pub other: CustomerId,
    /// Why.
    pub reason: Option<Personal>,
    /// The version of the first one that the change applies to, when given.
    pub version: Option<i64>,
}
