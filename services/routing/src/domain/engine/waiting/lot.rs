use super::tree::{Bound, Entry, NodeId, Tree};
use super::{Rank, Spot};
use crate::domain::Channel;
use crate::domain::engine::skills::{Grade, Grades};

/// What waits in one line.
#[derive(Clone, Debug, Default)]
pub(super) struct Lot {
    bundles: Vec<Bundle>,
    count: usize,
}

/// What waits on one channel. Each skill that comes first in what some work asks for has a tree of its own: whoever comes
/// free looks at those of the skills they hold, of which the most urgent is known without entering them.
#[derive(Clone, Debug)]
struct Bundle {
    channel: Channel,
    /// In order, and apart from the roots, so that whoever looks for some goes through little memory.
    leads: Vec<Lead>,
    roots: Vec<Root>,
}

/// The skill that comes first in what is asked for, or that nothing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Lead(u32);

#[derive(Clone, Copy, Debug)]
struct Root {
    node: NodeId,
    /// How urgent the most urgent in its tree is.
    bound: Bound,
}

impl Lead {
    const NOTHING: Self = Self(0);

    const fn of(grade: Grade) -> Self {
        Self(grade.skill() + 1)
    }

    fn of_all(asked: &Grades) -> Self {
        asked
            .as_slice()
            .first()
            .map_or(Self::NOTHING, |first| Self::of(*first))
    }
}

impl Lot {
    pub(super) const fn len(&self) -> usize {
        self.count
    }

    /// Whether it is new here.
    pub(super) fn insert(&mut self, tree: &mut Tree, spot: Spot<'_>, rank: Rank) -> bool {
        let place = self.place(spot.channel).unwrap_or_else(|| {
            self.bundles.push(Bundle::new(spot.channel));
            self.bundles.len() - 1
        });
        let new = self.bundles[place].insert(tree, spot.asked, rank);
        self.count += usize::from(new);
        new
    }

    /// Whether it was here.
    pub(super) fn remove(&mut self, tree: &mut Tree, spot: Spot<'_>, rank: Rank) -> bool {
        let Some(place) = self.place(spot.channel) else {
            return false;
        };
        let was = self.bundles[place].remove(tree, spot.asked, rank);
        self.count -= usize::from(was);
        was
    }

    pub(super) fn contains(&self, tree: &Tree, spot: Spot<'_>, rank: Rank) -> bool {
        self.place(spot.channel).is_some_and(|place| {
            let bundle = &self.bundles[place];
            let root = bundle.place(Lead::of_all(spot.asked));
            root.is_ok_and(|root| tree.contains(bundle.roots[root].node, spot.asked, rank))
        })
    }

    /// Where whoever holds these may find something, on the channels there is `room` for.
    pub(super) fn entries<'a>(
        &'a self,
        room: &'a impl Fn(Channel) -> bool,
        held: &'a [Grade],
    ) -> impl Iterator<Item = Entry> + 'a {
        let bundles = self.bundles.iter().filter(|bundle| room(bundle.channel));
        bundles.flat_map(|bundle| bundle.entries(held))
    }

    fn place(&self, channel: Channel) -> Option<usize> {
        self.bundles
            .iter()
            .position(|bundle| bundle.channel == channel)
    }
}

impl Bundle {
    const fn new(channel: Channel) -> Self {
        Self {
            channel,
            leads: Vec::new(),
            roots: Vec::new(),
        }
    }

    fn place(&self, lead: Lead) -> Result<usize, usize> {
        self.leads.binary_search(&lead)
    }

    fn insert(&mut self, tree: &mut Tree, asked: &Grades, rank: Rank) -> bool {
        let lead = Lead::of_all(asked);
        let place = self.place(lead).unwrap_or_else(|place| {
            let node = tree.plant();
            let bound = tree.bound(node);
            self.leads.insert(place, lead);
            self.roots.insert(place, Root { node, bound });
            place
        });
        let root = &mut self.roots[place];
        let new = tree.insert(root.node, asked, rank);
        root.bound = tree.bound(root.node);
        new
    }

    fn remove(&mut self, tree: &mut Tree, asked: &Grades, rank: Rank) -> bool {
        let Ok(place) = self.place(Lead::of_all(asked)) else {
            return false;
        };
        let root = &mut self.roots[place];
        let was = tree.remove(root.node, asked, rank);
        root.bound = tree.bound(root.node);
        if tree.uproot(root.node) {
            self.leads.remove(place);
            self.roots.remove(place);
        }
        was
    }

    fn entries<'a>(&'a self, held: &'a [Grade]) -> impl Iterator<Item = Entry> + 'a {
        let plain = (self.leads.first() == Some(&Lead::NOTHING)).then_some((0, 0));
        let led = held.iter().enumerate().filter_map(|(decided, grade)| {
            let place = self.place(Lead::of(*grade)).ok()?;
            Some((place, decided))
        });
        plain.into_iter().chain(led).map(|(place, decided)| {
            let Root { node, bound } = self.roots[place];
            Entry {
                bound,
                node,
                decided,
            }
        })
    }
}
