//! A tree of sets of grades (a set trie whose single ways are joined): a node stands for the grades on
//! the way to it, and knows how urgent the most urgent below it is. Whoever holds a set of skills goes
//! along the edges of those alone, so work that asks for others costs nothing, however much there is;
//! and an edge whose most urgent comes after what was found already is not gone.
//!
//! Set tries: Savnik, "Index data structure for fast subset and superset queries", CD-ARES 2013. Joined
//! ways: Morrison, "PATRICIA", Journal of the ACM 15 (4), 1968.

mod alike;
mod label;
mod sieve;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rapport_foundation::id::WorkItemId;

use super::{Rank, Urgency};
use crate::domain::engine::skills::{Grade, Grades};
use alike::Alike;
use label::Label;
use sieve::Sieve;

/// A node, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NodeId(u32);

/// How urgent the most urgent is.
pub(super) type Bound = Urgency;

const NOTHING: Bound = Bound::MAX;

/// As large as a line of the processor's cache, and in one. Of all but roots: there is something here, or there are
/// several ways on, or the way here and the way on are too long for one edge.
#[derive(Clone, Debug)]
#[repr(align(64))]
struct Node {
    alike: Alike,
    edges: Vec<Edge>,
    bound: Bound,
}

/// A way on, with the bound of its node: one look tells whether to go. No two of a node begin with the same grade.
#[derive(Clone, Copy, Debug)]
struct Edge {
    label: Label,
    node: NodeId,
    bound: Bound,
}

impl Node {
    const BARE: Self = Self {
        alike: Alike::None,
        edges: Vec::new(),
        bound: NOTHING,
    };

    fn is_bare(&self) -> bool {
        self.edges.is_empty() && self.alike.first().is_none()
    }

    fn place(&self, grade: Grade) -> Result<usize, usize> {
        self.edges
            .binary_search_by_key(&grade, |edge| edge.label.first())
    }

    fn most_urgent(&self) -> Bound {
        let below = self.edges.iter().map(|edge| edge.bound).min();
        let own = self.alike.first().map_or(NOTHING, |rank| rank.urgency);
        below.map_or(own, |below| below.min(own))
    }
}

/// Nodes by place, in blocks that never move; those nobody needs are used again.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    blocks: Vec<Vec<Node>>,
    bare: Vec<NodeId>,
}

/// A node, and which edge of the one before leads to it; of a root that means nothing.
#[derive(Clone, Copy, Debug)]
struct Step {
    node: NodeId,
    place: usize,
}

/// Nodes of a block.
const BLOCK: usize = 4096;
/// Of so many edges each is looked at; of more, those are looked up that may be gone.
const EDGES: usize = if cfg!(test) { 2 } else { 64 };

/// A node that may be entered, of which this is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    /// How urgent the most urgent there is.
    pub(super) bound: Bound,
    pub(super) node: NodeId,
    /// How many of the grades that are held, from the first, were decided on the way.
    pub(super) decided: usize,
}

impl Tree {
    /// A root.
    pub(super) fn plant(&mut self) -> NodeId {
        if let Some(node) = self.bare.pop() {
            return node;
        }
        if self.blocks.last().is_none_or(|block| block.len() == BLOCK) {
            self.blocks.push(Vec::with_capacity(BLOCK));
        }
        let full = (self.blocks.len() - 1) * BLOCK;
        let place = self.blocks.last_mut().map_or(0, |block| {
            block.push(Node::BARE);
            block.len() - 1
        });
        // Four thousand million nodes do not fit into a machine.
        NodeId(u32::try_from(full + place).unwrap_or(u32::MAX))
    }

    pub(super) fn insert(&mut self, root: NodeId, asked: &Grades, rank: Rank) -> bool {
        let (mut at, mut rest) = (root, asked.as_slice());
        self.lower(at, rank.urgency);
        while let Some(first) = rest.first() {
            let (node, gone) = self.grow(at, *first, rest, rank.urgency);
            (at, rest) = (node, &rest[gone..]);
        }
        self.node_mut(at).alike.insert(rank)
    }

    pub(super) fn remove(&mut self, root: NodeId, asked: &Grades, rank: Rank) -> bool {
        let Some(way) = self.way(root, asked) else {
            return false;
        };
        let end = way.last().map(|step| step.node);
        let removed = end.is_some_and(|end| self.node_mut(end).alike.remove(rank));
        let way = self.cut(&way);
        self.raise(way, rank.urgency);
        self.join(way);
        removed
    }

    pub(super) fn contains(&self, root: NodeId, asked: &Grades, rank: Rank) -> bool {
        let way = self.way(root, asked);
        way.and_then(|way| way.last().copied())
            .is_some_and(|step| self.node(step.node).alike.contains(rank))
    }

    /// How urgent the most urgent below a root is.
    pub(super) fn bound(&self, root: NodeId) -> Bound {
        self.node(root).bound
    }

    /// Gives a root back when nothing is there any more; answers whether it did.
    pub(super) fn uproot(&mut self, root: NodeId) -> bool {
        let bare = self.node(root).is_bare();
        if bare {
            self.strip(root);
        }
        bare
    }

    /// How many nodes are in use.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let all: usize = self.blocks.iter().map(Vec::len).sum();
        all - self.bare.len()
    }

    /// From a root to the node of these grades, if it is there.
    fn way(&self, root: NodeId, asked: &Grades) -> Option<Vec<Step>> {
        let mut rest = asked.as_slice();
        let mut at = Step {
            node: root,
            place: 0,
        };
        let mut way = vec![at];
        while let Some(first) = rest.first() {
            let node = self.node(at.node);
            let place = node.place(*first).ok()?;
            let edge = &node.edges[place];
            rest = rest.strip_prefix(edge.label.as_slice())?;
            at = Step {
                node: edge.node,
                place,
            };
            way.push(at);
        }
        Some(way)
    }

    /// The node at the end of the edge that begins with `first` as `rest` does, made where there is none, with
    /// something as urgent below it; and how many of `rest` lead there.
    fn grow(&mut self, at: NodeId, first: Grade, rest: &[Grade], found: Bound) -> (NodeId, usize) {
        let (place, gone) = match self.node(at).place(first) {
            Ok(place) => {
                let label = self.node(at).edges[place].label;
                let shared = label.shared(rest);
                if shared < label.as_slice().len() {
                    self.part(at, place, shared);
                }
                (place, shared)
            }
            Err(place) => {
                let edge = Edge {
                    label: Label::of(rest),
                    node: self.plant(),
                    bound: NOTHING,
                };
                self.node_mut(at).edges.insert(place, edge);
                (place, edge.label.as_slice().len())
            }
        };
        let edge = &mut self.node_mut(at).edges[place];
        edge.bound = edge.bound.min(found);
        let node = edge.node;
        self.lower(node, found);
        (node, gone)
    }

    /// Makes a node on an edge, after so many of its grades.
    fn part(&mut self, at: NodeId, place: usize, after: usize) {
        let whole = self.node(at).edges[place];
        let (front, back) = whole.label.split(after);
        let middle = self.plant();
        let node = self.node_mut(middle);
        node.bound = whole.bound;
        node.edges.push(Edge {
            label: back,
            ..whole
        });
        self.node_mut(at).edges[place] = Edge {
            label: front,
            node: middle,
            ..whole
        };
    }

    fn lower(&mut self, at: NodeId, found: Bound) {
        let node = self.node_mut(at);
        node.bound = node.bound.min(found);
    }

    /// Takes away what is bare at the end of a way. A root stays.
    fn cut<'a>(&mut self, mut way: &'a [Step]) -> &'a [Step] {
        while let [rest @ .., end] = way
            && let Some(above) = rest.last()
            && self.node(end.node).is_bare()
        {
            self.node_mut(above.node).edges.remove(end.place);
            self.strip(end.node);
            way = rest;
        }
        way
    }

    /// Makes good the bounds along a way from whose end something so urgent was taken.
    fn raise(&mut self, way: &[Step], gone: Bound) {
        for (depth, step) in way.iter().enumerate().rev() {
            let node = self.node_mut(step.node);
            if node.bound < gone {
                return;
            }
            let bound = node.most_urgent();
            node.bound = bound;
            if let Some(above) = depth.checked_sub(1).and_then(|above| way.get(above)) {
                self.node_mut(above.node).edges[step.place].bound = bound;
            }
        }
    }

    /// Makes one edge of the two at the end of a way, when nothing else is there.
    fn join(&mut self, way: &[Step]) {
        let [.., above, end] = way else {
            return;
        };
        let node = self.node(end.node);
        let ([on], None) = (node.edges.as_slice(), node.alike.first()) else {
            return;
        };
        let (on, edge) = (*on, &mut self.node_mut(above.node).edges[end.place]);
        if let Some(label) = edge.label.joined(&on.label) {
            *edge = Edge { label, ..on };
            self.strip(end.node);
        }
    }

    /// Nobody needs it.
    fn strip(&mut self, id: NodeId) {
        *self.node_mut(id) = Node::BARE;
        self.bare.push(id);
    }

    fn node(&self, id: NodeId) -> &Node {
        let place = id.0 as usize;
        &self.blocks[place / BLOCK][place % BLOCK]
    }

    fn node_mut(&mut self, id: NodeId) -> &mut Node {
        let place = id.0 as usize;
        &mut self.blocks[place / BLOCK][place % BLOCK]
    }
}

/// Looks for the first place that whoever holds these grades may take, the most urgent way first.
pub(super) struct Search<'a, P> {
    tree: &'a Tree,
    held: &'a [Grade],
    sieve: Sieve,
    passes_over: P,
    /// What may be entered, the most urgent first.
    open: BinaryHeap<Reverse<Entry>>,
    best: Option<Rank>,
}

impl<'a, P: Fn(WorkItemId) -> bool> Search<'a, P> {
    pub(super) fn new(tree: &'a Tree, held: &'a Grades, passes_over: P) -> Self {
        Self {
            tree,
            held: held.as_slice(),
            sieve: Sieve::of(held.as_slice()),
            passes_over,
            open: BinaryHeap::new(),
            best: None,
        }
    }

    pub(super) fn first(mut self, entries: impl Iterator<Item = Entry>) -> Option<Rank> {
        self.open = entries.map(Reverse).collect();
        while let Some(Reverse(entry)) = self.open.pop() {
            if entry.bound > self.limit() {
                break;
            }
            self.enter(entry.node, entry.decided);
        }
        self.best
    }

    fn limit(&self) -> Bound {
        self.best.map_or(NOTHING - 1, |best| best.urgency)
    }

    fn enter(&mut self, at: NodeId, decided: usize) {
        let tree = self.tree;
        let node = tree.node(at);
        let own = node.alike.find(|rank| !(self.passes_over)(rank.id));
        if let Some(own) = own {
            self.best = Some(self.best.map_or(own, |best| best.min(own)));
        }
        if node.edges.len() <= EDGES {
            self.look_at_each(node, decided);
        } else {
            self.look_up(node, decided);
        }
    }

    /// Of a few edges, those that may be gone.
    fn look_at_each(&mut self, node: &Node, decided: usize) {
        let (limit, sieve) = (self.limit(), self.sieve);
        let held = self.held.get(decided..).unwrap_or_default();
        let may = |edge: &&Edge| edge.bound <= limit && sieve.passes(edge.label.first());
        for edge in node.edges.iter().filter(may) {
            if let Some(more) = edge.label.admits(held) {
                self.open(edge, decided + more);
            }
        }
    }

    /// Of many edges, those for what is held.
    fn look_up(&mut self, node: &Node, decided: usize) {
        let (limit, all) = (self.limit(), self.held);
        for (place, held) in all.iter().enumerate().skip(decided) {
            let from = node
                .edges
                .partition_point(|edge| edge.label.first() < held.least());
            let suited = node.edges[from..]
                .iter()
                .take_while(|edge| edge.label.first() <= *held);
            for edge in suited.filter(|edge| edge.bound <= limit) {
                if let Some(more) = edge.label.admits_after_first(&all[place + 1..]) {
                    self.open(edge, place + 1 + more);
                }
            }
        }
    }

    fn open(&mut self, edge: &Edge, decided: usize) {
        self.open.push(Reverse(Entry {
            bound: edge.bound,
            node: edge.node,
            decided,
        }));
    }
}
