//! Merging two customers and taking it back. Both only add and revoke edges: nothing is rewritten, so nothing can
//! be lost.

use std::collections::BTreeSet;

use rapport_foundation::id::CustomerId;
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;

use super::customer::{Customer, State, Unchangeable};
use super::edge::{Basis, Edge, EdgeKind, Explanation};

/// Who decides, when and why.
#[derive(Debug, Clone)]
pub struct Decided<'a> {
    /// The principal.
    pub by: &'a str,
    /// When.
    pub at: Micros,
    /// What they said.
    pub reason: Option<Personal>,
}

/// Why two customers cannot be merged or taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// One of them is merged or deleted.
    #[error(transparent)]
    Unchangeable(#[from] Unchangeable),
    /// The other customer is not part of this one.
    #[error("the customer is not part of the other")]
    NotMerged {
        /// The customer that was to be split.
        customer: CustomerId,
        /// The one that was to stand alone.
        other: CustomerId,
    },
}

/// The edge that makes `merged` part of `remaining`.
///
/// # Errors
/// When one of them does not stand for itself.
pub fn merge(
    remaining: &Customer,
    merged: &Customer,
    decided: &Decided<'_>,
) -> Result<Edge, Refused> {
    remaining.changeable()?;
    merged.changeable()?;
    let edge = Edge::new(
        EdgeKind::SameAs,
        Basis::Merge,
        (merged.founder, remaining.founder),
        Explanation::decision(remaining.id, merged.id),
        (decided.by, decided.at),
    );
    Ok(Edge {
        reason: decided.reason.clone(),
        ..edge
    })
}

/// Everything that was merged into a customer, itself included, among these.
#[must_use]
pub fn parts_of(customer: CustomerId, among: &[Customer]) -> BTreeSet<CustomerId> {
    let mut parts = BTreeSet::from([customer]);
    loop {
        let before = parts.len();
        let found = among.iter().filter(|candidate| {
            candidate
                .merged_into
                .is_some_and(|into| parts.contains(&into))
        });
        let found: Vec<CustomerId> = found.map(|candidate| candidate.id).collect();
        parts.extend(found);
        if parts.len() == before {
            return parts;
        }
    }
}

/// The decisions that keep `restored` apart from the customer it was taken out of: from the one it was merged
/// into, and from the one it is split from. Each is an edge that must not link.
///
/// # Errors
/// When `split` does not stand for itself, or `restored` is not part of it.
pub fn unmerge(
    split: &Customer,
    restored: &Customer,
    among: &[Customer],
    decided: &Decided<'_>,
) -> Result<Vec<Edge>, Refused> {
    split.changeable()?;
    if restored.state == State::Deleted {
        return Err(Unchangeable::Deleted {
            customer: restored.id,
        }
        .into());
    }
    let not_merged = Refused::NotMerged {
        customer: split.id,
        other: restored.id,
    };
    let into = restored.merged_into.ok_or(not_merged)?;
    if restored.state != State::Merged || restored.part_of != split.id {
        return Err(not_merged);
    }
    let others = among
        .iter()
        .filter(|customer| customer.id == into || customer.id == split.id);
    Ok(others
        .map(|other| Edge {
            reason: decided.reason.clone(),
            ..Edge::new(
                EdgeKind::MustNotLink,
                Basis::Unmerge,
                (restored.founder, other.founder),
                Explanation::decision(split.id, restored.id),
                (decided.by, decided.at),
            )
        })
        .collect())
}
