//! Which conversations are one matter: a view over what was logged, made by changes that can be taken back.

use std::collections::{BTreeMap, BTreeSet};

use rapport_foundation::id::{ConversationChangeId, ConversationId};
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;

pub use super::code::{Basis, Redraw};

/// A change of which interactions are one matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatterChange {
    /// Its id.
    pub id: ConversationChangeId,
    /// Its place among the tenant's changes.
    pub number: i64,
    /// What it does.
    pub kind: Redraw,
    /// Why two became one; none for a split.
    pub basis: Option<Basis>,
    /// The conversation that stayed or was split.
    pub conversation: ConversationId,
    /// The conversation that became part of it or was made.
    pub other: ConversationId,
    /// How many interactions were taken out.
    pub taken_out: i32,
    /// When it was made.
    pub at: Micros,
    /// Who made it.
    pub actor: String,
    /// What they gave as the reason.
    pub reason: Personal,
    /// How it was taken back, when it was.
    pub undone: Option<Undone>,
}

/// That a change was taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// When.
    pub at: Micros,
    /// By whom.
    pub actor: String,
    /// What they gave as the reason.
    pub reason: Personal,
}

/// Which conversation each is directly a part of. A forest: whoever has no entry stands for itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forest(BTreeMap<ConversationId, ConversationId>);

impl Forest {
    /// From pairs of a part and what it is a part of.
    pub fn of(parts: impl IntoIterator<Item = (ConversationId, ConversationId)>) -> Self {
        Self(parts.into_iter().collect())
    }

    /// What a conversation is a part of in the end.
    #[must_use]
    pub fn root(&self, of: ConversationId) -> ConversationId {
        let mut at = of;
        // As many steps as there are entries: a circle, which there never is, would end as well.
        for _ in 0..=self.0.len() {
            match self.0.get(&at) {
                Some(next) => at = *next,
                None => break,
            }
        }
        at
    }

    /// Makes the whole of one part of the whole of another; nothing where both are one already. Answers the part and
    /// the whole it became a part of.
    pub fn merge(
        &mut self,
        part: ConversationId,
        into: ConversationId,
    ) -> Option<(ConversationId, ConversationId)> {
        let (part, into) = (self.root(part), self.root(into));
        (part != into).then(|| {
            self.0.insert(part, into);
            (part, into)
        })
    }

    /// Takes a conversation out of what it is directly a part of, with all that is part of it.
    pub fn cut(&mut self, part: ConversationId) {
        self.0.remove(&part);
    }

    /// A conversation and all that is part of it.
    #[must_use]
    pub fn under(&self, top: ConversationId) -> BTreeSet<ConversationId> {
        let mut under = BTreeSet::from([top]);
        loop {
            let before = under.len();
            let next = self.0.iter().filter(|(_, into)| under.contains(into));
            let next: Vec<ConversationId> = next.map(|(part, _)| *part).collect();
            under.extend(next);
            if under.len() == before {
                return under;
            }
        }
    }
}

/// Whether rules must leave two wholes apart: somebody split them, or took back that they were one.
#[must_use]
pub fn is_apart(
    changes: &[(Redraw, ConversationId, ConversationId, bool)],
    one: &BTreeSet<ConversationId>,
    other: &BTreeSet<ConversationId>,
) -> bool {
    changes.iter().any(|(kind, a, b, undone)| {
        let between =
            (one.contains(a) && other.contains(b)) || (one.contains(b) && other.contains(a));
        let parts = match kind {
            Redraw::Merge => *undone,
            Redraw::Split => !*undone,
        };
        between && parts
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn id(n: u8) -> ConversationId {
        ConversationId::from_uuid(Uuid::from_u128(u128::from(n) + 1))
    }

    proptest! {
        /// Merges and undos in any order end in the components that the standing merges make.
        #[test]
        fn wholes_are_the_components_of_what_stands(
            steps in prop::collection::vec((0_u8..8, 0_u8..8, any::<bool>(), 0_usize..20), 0..40),
        ) {
            let mut forest = Forest::default();
            let mut standing: Vec<(ConversationId, ConversationId)> = Vec::new();
            for (a, b, undo, which) in steps {
                if undo && !standing.is_empty() {
                    let (part, _) = standing.remove(which % standing.len());
                    forest.cut(part);
                } else if let Some(made) = forest.merge(id(a), id(b)) {
                    standing.push(made);
                }
                // The components, the slow way.
                let mut class: Vec<usize> = (0..8).collect();
                for _ in 0..8 {
                    for (part, into) in &standing {
                        let place = |of: &ConversationId| (0_u8..8).position(|n| id(n) == *of).unwrap_or(0);
                        let low = class[place(part)].min(class[place(into)]);
                        class[place(part)] = low;
                        class[place(into)] = low;
                    }
                }
                for a in 0..8_u8 {
                    for b in 0..8_u8 {
                        let together = forest.root(id(a)) == forest.root(id(b));
                        prop_assert_eq!(together, class[usize::from(a)] == class[usize::from(b)]);
                    }
                    let root = forest.root(id(a));
                    prop_assert!(forest.under(root).contains(&id(a)));
                    prop_assert_eq!(forest.root(root), root);
                }
            }
        }
    }

    #[test]
    fn the_second_of_two_opposite_merges_changes_nothing() {
        let mut forest = Forest::default();
        assert_eq!(forest.merge(id(1), id(2)), Some((id(1), id(2))));
        assert_eq!(forest.merge(id(2), id(1)), None);
        assert_eq!(forest.root(id(1)), id(2));
    }

    #[test]
    fn what_was_split_or_undone_stays_apart_and_what_was_undone_of_a_split_does_not() {
        let (a, b) = (BTreeSet::from([id(1), id(3)]), BTreeSet::from([id(2)]));
        let apart = |kind, undone| is_apart(&[(kind, id(2), id(3), undone)], &a, &b);
        assert!(apart(Redraw::Split, false) && apart(Redraw::Merge, true));
        assert!(!apart(Redraw::Split, true) && !apart(Redraw::Merge, false));
        assert!(!is_apart(&[(Redraw::Split, id(1), id(3), false)], &a, &b));
    }
}
