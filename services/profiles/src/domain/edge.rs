//! What is held to be known between two records: typed, weighted, explained, and revoked rather than removed.

use rapport_foundation::id::{CustomerId, EdgeId, IdentifierId, RecordId};
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;

use super::coded;
use super::identifier::Kind;

coded! {
    /// What an edge says about its two records.
    EdgeKind {
        /// They are of the same customer.
        SameAs = 1,
        /// They are of different customers, whatever else speaks for it.
        MustNotLink = 2,
        /// They share an identifier; somebody may want to look.
        PossibleSameAs = 3,
    }
}

coded! {
    /// What an edge rests on.
    Basis {
        /// An identifier that was known already.
        Match = 1,
        /// A person merged two customers.
        Merge = 2,
        /// A person took a merge back.
        Unmerge = 3,
        /// One request named identifiers of two customers, or an identifier that devices share.
        Conflict = 4,
    }
}

/// How sure an edge is, in thousandths. What people decide and what identifiers prove is certain here; scored
/// matches will stand below.
pub const CERTAIN: i16 = 1000;

/// Why an edge is there, in codes: never a value of an identifier.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Explanation {
    /// The identifier that spoke for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<IdentifierId>,
    /// Its kind, as the contract numbers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<i16>,
    /// Its namespace.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// The customers a person decided about: the one that remains or is split, then the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub customers: Vec<CustomerId>,
}

impl Explanation {
    /// An identifier spoke for it.
    #[must_use]
    pub fn identifier(id: IdentifierId, kind: Kind, namespace: &str) -> Self {
        Self {
            identifier: Some(id),
            kind: Some(kind.code()),
            namespace: namespace.to_owned(),
            customers: Vec::new(),
        }
    }

    /// A person decided.
    #[must_use]
    pub fn decision(remaining: CustomerId, other: CustomerId) -> Self {
        Self {
            customers: vec![remaining, other],
            ..Self::default()
        }
    }
}

/// An edge between two records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Its id.
    pub id: EdgeId,
    /// What it says.
    pub kind: EdgeKind,
    /// What it rests on.
    pub basis: Basis,
    /// The record that is said something about. Of a merge: the founder of the customer that becomes part.
    pub from: RecordId,
    /// The other record. Of a merge: the founder of the customer that remains.
    pub to: RecordId,
    /// How sure it is, in thousandths.
    pub weight: i16,
    /// Why it is there.
    pub explanation: Explanation,
    /// Who put it there.
    pub created_by: String,
    /// When.
    pub created_at: Micros,
    /// What they said; sealed at rest.
    pub reason: Option<Personal>,
    /// When it was revoked; absent while it holds.
    pub revoked_at: Option<Micros>,
    /// Counts its changes, from 1.
    pub version: i64,
}

impl Edge {
    /// Whether it holds.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.revoked_at.is_none()
    }

    /// A new record turned out to be of a known customer.
    #[must_use]
    pub fn matched(
        from: RecordId,
        to: RecordId,
        explanation: Explanation,
        by: &str,
        at: Micros,
    ) -> Self {
        Self::new(
            EdgeKind::SameAs,
            Basis::Match,
            (from, to),
            explanation,
            (by, at),
        )
    }

    /// Two customers share an identifier and stay apart. The pair has no direction: the older record comes first,
    /// so that the same suspicion is the same edge.
    #[must_use]
    pub fn suspected(
        one: RecordId,
        other: RecordId,
        explanation: Explanation,
        by: &str,
        at: Micros,
    ) -> Self {
        let pair = (one.min(other), one.max(other));
        Self::new(
            EdgeKind::PossibleSameAs,
            Basis::Conflict,
            pair,
            explanation,
            (by, at),
        )
    }

    /// An edge that begins to hold now.
    #[must_use]
    pub fn new(
        kind: EdgeKind,
        basis: Basis,
        (from, to): (RecordId, RecordId),
        explanation: Explanation,
        (by, at): (&str, Micros),
    ) -> Self {
        Self {
            id: EdgeId::new(at),
            kind,
            basis,
            from,
            to,
            weight: CERTAIN,
            explanation,
            created_by: by.to_owned(),
            created_at: at,
            reason: None,
            revoked_at: None,
            version: 1,
        }
    }
}
