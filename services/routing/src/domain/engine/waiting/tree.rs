//! A tree of sets of grades (a set trie): a node stands for the grades on the way to it, and
//! knows how urgent the most urgent below it is. Whoever holds a set of skills goes down the
//! branches of those alone, so work that asks for others costs nothing, however much there is;
//! and a branch whose most urgent comes after what was found already is not entered.
//!
//! Set tries: Savnik, "Index data structure for fast subset and superset queries", CD-ARES 2013.

mod alike;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rapport_foundation::id::WorkItemId;

use super::{Rank, Urgency};
use crate::domain::engine::skills::{Grade, Grades};
use alike::Alike;

/// A node, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NodeId(u32);

/// How urgent the most urgent is.
type Bound = Urgency;

const NOTHING: Bound = Bound::MAX;

/// As large as a line of the processor's cache, and in one.
#[derive(Clone, Debug)]
#[repr(align(64))]
struct Node {
    alike: Alike,
    children: Vec<Child>,
    bound: Bound,
}

/// A branch, with the bound of its node: one look tells whether to enter it.
#[derive(Clone, Copy, Debug)]
struct Child {
    grade: Grade,
    node: NodeId,
    bound: Bound,
}

impl Node {
    const BARE: Self = Self {
        alike: Alike::None,
        children: Vec::new(),
        bound: NOTHING,
    };

    fn place(&self, grade: Grade) -> Result<usize, usize> {
        self.children
            .binary_search_by_key(&grade, |child| child.grade)
    }

    fn child(&self, grade: Grade) -> Option<NodeId> {
        let place = self.place(grade).ok()?;
        self.children.get(place).map(|child| child.node)
    }

    fn most_urgent(&self) -> Bound {
        let below = self.children.iter().map(|child| child.bound).min();
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

/// Nodes of a block.
const BLOCK: usize = 4096;
/// Of so many branches each is tried; of more, those are looked up that may be entered.
const BRANCHES: usize = if cfg!(test) { 2 } else { 12 };

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
        let found = rank.urgency;
        let mut at = root;
        self.lower(at, found);
        for grade in asked.as_slice() {
            at = self.grow(at, *grade, found);
        }
        self.node_mut(at).alike.insert(rank)
    }

    pub(super) fn remove(&mut self, root: NodeId, asked: &Grades, rank: Rank) -> bool {
        let Some(way) = self.way(root, asked) else {
            return false;
        };
        let Some(removed) = way.last().map(|at| self.node_mut(*at).alike.remove(rank)) else {
            return false;
        };
        self.raise(&way, asked, rank.urgency);
        removed
    }

    pub(super) fn contains(&self, root: NodeId, asked: &Grades, rank: Rank) -> bool {
        let way = self.way(root, asked);
        way.and_then(|way| way.last().copied())
            .is_some_and(|at| self.node(at).alike.contains(rank))
    }

    /// How many nodes are in use.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let all: usize = self.blocks.iter().map(Vec::len).sum();
        all - self.bare.len()
    }

    /// The nodes from a root to the one of these grades, if it is there.
    fn way(&self, root: NodeId, asked: &Grades) -> Option<Vec<NodeId>> {
        let mut way = Vec::with_capacity(asked.as_slice().len() + 1);
        way.push(root);
        let mut at = root;
        for grade in asked.as_slice() {
            at = self.node(at).child(*grade)?;
            way.push(at);
        }
        Some(way)
    }

    /// The branch of a node, made where there is none, with something as urgent below it.
    fn grow(&mut self, at: NodeId, grade: Grade, found: Bound) -> NodeId {
        match self.node(at).place(grade) {
            Ok(place) => {
                let child = &mut self.node_mut(at).children[place];
                child.bound = child.bound.min(found);
                let node = child.node;
                self.lower(node, found);
                node
            }
            Err(place) => {
                let node = self.plant();
                self.lower(node, found);
                let bound = found;
                self.node_mut(at)
                    .children
                    .insert(place, Child { grade, node, bound });
                node
            }
        }
    }

    fn lower(&mut self, at: NodeId, found: Bound) {
        let node = self.node_mut(at);
        node.bound = node.bound.min(found);
    }

    /// Makes good the bounds along a way from whose end something so urgent was taken, and takes
    /// away what is bare. A root stays.
    fn raise(&mut self, way: &[NodeId], asked: &Grades, gone: Bound) {
        for (depth, at) in way.iter().enumerate().rev() {
            let node = self.node_mut(*at);
            if node.bound < gone {
                return;
            }
            let bound = node.most_urgent();
            node.bound = bound;
            let Some(above) = depth.checked_sub(1) else {
                return;
            };
            let grade = asked.as_slice()[above];
            let parent = self.node_mut(way[above]);
            let Ok(place) = parent.place(grade) else {
                return;
            };
            if bound == NOTHING {
                parent.children.remove(place);
                *self.node_mut(*at) = Node::BARE;
                self.bare.push(*at);
            } else {
                parent.children[place].bound = bound;
            }
        }
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

/// Looks for the first place that whoever holds these grades may take, the most urgent branch first.
pub(super) struct Search<'a, P> {
    tree: &'a Tree,
    held: &'a Grades,
    passes_over: P,
    /// Nodes to enter, and how many of the grades, from the first, were decided on the way.
    open: BinaryHeap<Reverse<(Bound, NodeId, usize)>>,
    best: Option<Rank>,
}

impl<'a, P: Fn(WorkItemId) -> bool> Search<'a, P> {
    pub(super) fn new(tree: &'a Tree, held: &'a Grades, passes_over: P) -> Self {
        Self {
            tree,
            held,
            passes_over,
            open: BinaryHeap::new(),
            best: None,
        }
    }

    pub(super) fn first(mut self, roots: impl IntoIterator<Item = NodeId>) -> Option<Rank> {
        let roots = roots.into_iter();
        let open = roots.map(|root| Reverse((self.tree.node(root).bound, root, 0)));
        self.open = open.collect();
        while let Some(Reverse((bound, at, decided))) = self.open.pop() {
            if bound > self.limit() {
                break;
            }
            self.enter(at, decided);
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
        if node.children.len() <= BRANCHES {
            self.try_each(node, decided);
        } else {
            self.look_up(node, decided);
        }
    }

    /// Of a few branches, those that may be entered.
    fn try_each(&mut self, node: &Node, decided: usize) {
        let limit = self.limit();
        let held = self.held.as_slice().get(decided..).unwrap_or_default();
        for child in node.children.iter().filter(|child| child.bound <= limit) {
            let skill = child.grade.skill();
            let place = held.partition_point(|held| held.skill() > skill);
            let suits = |held: &Grade| held.skill() == skill && *held >= child.grade;
            if held.get(place).is_some_and(suits) {
                let open = (child.bound, child.node, decided + place + 1);
                self.open.push(Reverse(open));
            }
        }
    }

    /// Of many branches, those for what is held.
    fn look_up(&mut self, node: &Node, decided: usize) {
        let limit = self.limit();
        for (place, held) in self.held.as_slice().iter().enumerate().skip(decided) {
            let from = node
                .children
                .partition_point(|child| child.grade < held.least());
            let suited = node.children[from..]
                .iter()
                .take_while(|child| child.grade <= *held);
            for child in suited.filter(|child| child.bound <= limit) {
                self.open
                    .push(Reverse((child.bound, child.node, place + 1)));
            }
        }
    }
}
