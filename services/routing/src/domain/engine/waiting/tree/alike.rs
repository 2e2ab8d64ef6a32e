use std::collections::BTreeSet;

use super::super::Rank;

/// Work of one queue that asks for the same, in order. Mostly it is one, which needs no set of its own.
#[derive(Clone, Debug, Default)]
pub(super) enum Alike {
    #[default]
    None,
    One(Rank),
    #[expect(
        clippy::box_collection,
        reason = "sets that many ask for are few, and a node is small without them"
    )]
    Many(Box<BTreeSet<Rank>>),
}

impl Alike {
    pub(super) fn insert(&mut self, rank: Rank) -> bool {
        match self {
            Self::None => *self = Self::One(rank),
            Self::One(one) if *one == rank => return false,
            Self::One(one) => *self = Self::Many(Box::new(BTreeSet::from([*one, rank]))),
            Self::Many(many) => return many.insert(rank),
        }
        true
    }

    pub(super) fn remove(&mut self, rank: Rank) -> bool {
        match self {
            Self::One(one) if *one == rank => *self = Self::None,
            Self::Many(many) => {
                let removed = many.remove(&rank);
                if let (1, Some(one)) = (many.len(), many.first()) {
                    *self = Self::One(*one);
                }
                return removed;
            }
            _ => return false,
        }
        true
    }

    pub(super) fn first(&self) -> Option<Rank> {
        match self {
            Self::None => None,
            Self::One(one) => Some(*one),
            Self::Many(many) => many.first().copied(),
        }
    }

    pub(super) fn find(&self, fits: impl Fn(&Rank) -> bool) -> Option<Rank> {
        match self {
            Self::None => None,
            Self::One(one) => Some(*one).filter(fits),
            Self::Many(many) => many.iter().find(|rank| fits(rank)).copied(),
        }
    }

    pub(super) fn contains(&self, rank: Rank) -> bool {
        match self {
            Self::None => false,
            Self::One(one) => *one == rank,
            Self::Many(many) => many.contains(&rank),
        }
    }
}
