//! Which records make up which customer: a function of records, edges and decisions, whatever the order they
//! arrived in.

use std::collections::{BTreeMap, BTreeSet};

use rapport_foundation::id::{CustomerId, RecordId};

use super::edge::{Basis, Edge, EdgeKind};

/// A record as the view needs it: which customer it came in for. That never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Node {
    /// The record.
    pub record: RecordId,
    /// The customer it was created for.
    pub home: CustomerId,
}

/// Who is who.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// The customer of each record.
    pub customer_of: BTreeMap<RecordId, CustomerId>,
    /// For each customer that began with a record, the customer it is part of: itself unless merged.
    pub part_of: BTreeMap<CustomerId, CustomerId>,
}

/// Connects the records by the edges that hold. A decision that two records must not be linked outranks every
/// match, also one that would connect them by a detour.
#[must_use]
pub fn view(nodes: &[Node], edges: &[Edge]) -> View {
    let mut groups = Groups::new(nodes);
    let holding = |kind: EdgeKind| {
        let mut found: Vec<&Edge> = edges
            .iter()
            .filter(|edge| edge.kind == kind && edge.holds())
            .collect();
        found.sort_by_key(|edge| edge.id);
        found
    };
    let apart: Vec<(RecordId, RecordId)> = holding(EdgeKind::MustNotLink)
        .into_iter()
        .map(|edge| (edge.from, edge.to))
        .collect();
    let mut merges = Vec::new();
    for edge in holding(EdgeKind::SameAs) {
        if groups.join(edge.from, edge.to, &apart) && edge.basis == Basis::Merge {
            merges.push((edge.from, edge.to));
        }
    }
    let home: BTreeMap<RecordId, CustomerId> =
        nodes.iter().map(|node| (node.record, node.home)).collect();
    let merged: BTreeSet<CustomerId> = merges
        .iter()
        .filter_map(|(from, _)| home.get(from).copied())
        .collect();
    let mut remaining: BTreeMap<RecordId, CustomerId> = BTreeMap::new();
    for node in nodes {
        let group = groups.of(node.record);
        let candidate = remaining.entry(group).or_insert(node.home);
        // The one that was merged into no other; between several the older.
        let rank = |customer: CustomerId| (merged.contains(&customer), customer);
        if rank(node.home) < rank(*candidate) {
            *candidate = node.home;
        }
    }
    let mut view = View::default();
    for node in nodes {
        if let Some(customer) = remaining.get(&groups.of(node.record)) {
            view.customer_of.insert(node.record, *customer);
            view.part_of.insert(node.home, *customer);
        }
    }
    view
}

/// Disjoint groups of records, each named by its oldest record.
struct Groups(BTreeMap<RecordId, RecordId>);

impl Groups {
    fn new(nodes: &[Node]) -> Self {
        Self(
            nodes
                .iter()
                .map(|node| (node.record, node.record))
                .collect(),
        )
    }

    fn of(&self, record: RecordId) -> RecordId {
        let mut at = record;
        while let Some(next) = self.0.get(&at).filter(|next| **next != at) {
            at = *next;
        }
        at
    }

    /// Makes the groups of two records one, unless a decision keeps them apart; answers whether they are one now.
    fn join(&mut self, one: RecordId, other: RecordId, apart: &[(RecordId, RecordId)]) -> bool {
        if !self.0.contains_key(&one) || !self.0.contains_key(&other) {
            return false;
        }
        let (one, other) = (self.of(one), self.of(other));
        if one == other {
            return true;
        }
        let kept_apart = apart.iter().any(|(left, right)| {
            let pair = (self.of(*left), self.of(*right));
            pair == (one, other) || pair == (other, one)
        });
        if !kept_apart {
            self.0.insert(one.max(other), one.min(other));
        }
        !kept_apart
    }
}

#[cfg(test)]
mod tests;
