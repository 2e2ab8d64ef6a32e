use proptest::prelude::*;
use rapport_foundation::time::Micros;

use super::*;
use crate::domain::customer::{Customer, Profile, State};
use crate::domain::edge::Explanation;
use crate::domain::merge::{Decided, merge, parts_of, unmerge};

const AT: Micros = Micros(1_700_000_000_000_000);
const DECIDED: Decided<'static> = Decided {
    by: "tester",
    at: AT,
    reason: None,
};

/// A store in memory: what the use cases do with rows, done with vectors.
#[derive(Debug, Clone, Default)]
struct World {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    customers: Vec<Customer>,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Record(usize),
    Merge(usize, usize),
    Unmerge(usize, usize),
}

impl World {
    fn with_customers(count: usize) -> Self {
        let mut world = Self::default();
        for _ in 0..count {
            let node = Node {
                record: RecordId::new(AT),
                home: CustomerId::new(AT),
            };
            world.nodes.push(node);
            world.customers.push(Customer::new(
                node.home,
                node.record,
                Profile::default(),
                AT,
            ));
        }
        world
    }

    fn view(&self) -> View {
        view(&self.nodes, &self.edges)
    }

    /// Another record turns up for whatever is known at this place.
    fn record(&mut self, at: usize) {
        let beside = self.nodes[at % self.nodes.len()];
        let record = RecordId::new(AT);
        self.nodes.push(Node {
            record,
            home: beside.home,
        });
        self.edges.push(Edge::matched(
            record,
            beside.record,
            Explanation::default(),
            "tester",
            AT,
        ));
    }

    fn merge(&mut self, remaining: usize, merged: usize) -> bool {
        let (remaining, merged) = (
            self.customers[remaining].clone(),
            self.customers[merged].clone(),
        );
        if remaining.id == merged.id {
            return false;
        }
        let Ok(edge) = merge(&remaining, &merged, &DECIDED) else {
            return false;
        };
        let sides = [remaining.id, merged.id].map(|side| parts_of(side, &self.customers));
        let home = |record| {
            self.nodes
                .iter()
                .find(|node| node.record == record)
                .map(|node| node.home)
        };
        for decision in &mut self.edges {
            let between = [(0, 1), (1, 0)].iter().any(|(one, other)| {
                home(decision.from).is_some_and(|home| sides[*one].contains(&home))
                    && home(decision.to).is_some_and(|home| sides[*other].contains(&home))
            });
            if decision.kind == EdgeKind::MustNotLink && between {
                decision.revoked_at = Some(AT);
            }
        }
        self.edges.push(edge);
        for customer in &mut self.customers {
            if customer.id == merged.id {
                customer.state = State::Merged;
                customer.merged_into = Some(remaining.id);
            }
            if sides[1].contains(&customer.id) {
                customer.part_of = remaining.id;
            }
        }
        true
    }

    fn unmerge(&mut self, split: usize, restored: usize) -> bool {
        let (split, restored) = (
            self.customers[split].clone(),
            self.customers[restored].clone(),
        );
        let Ok(decisions) = unmerge(&split, &restored, &self.customers, &DECIDED) else {
            return false;
        };
        for edge in &mut self.edges {
            if edge.basis == Basis::Merge && edge.from == restored.founder {
                edge.revoked_at = Some(AT);
            }
        }
        self.edges.extend(decisions);
        let parts = parts_of(restored.id, &self.customers);
        for customer in &mut self.customers {
            if customer.id == restored.id {
                customer.state = State::Active;
                customer.merged_into = None;
            }
            if parts.contains(&customer.id) {
                customer.part_of = restored.id;
            }
        }
        true
    }

    fn step(&mut self, step: Step) {
        let count = self.customers.len();
        match step {
            Step::Record(at) => self.record(at),
            Step::Merge(one, other) => {
                self.merge(one % count, other % count);
            }
            Step::Unmerge(one, other) => {
                self.unmerge(one % count, other % count);
            }
        }
    }
}

fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0_usize..40).prop_map(Step::Record),
        (0_usize..6, 0_usize..6).prop_map(|(one, other)| Step::Merge(one, other)),
        (0_usize..6, 0_usize..6).prop_map(|(one, other)| Step::Merge(one, other)),
        (0_usize..6, 0_usize..6).prop_map(|(one, other)| Step::Unmerge(one, other)),
    ];
    proptest::collection::vec(step, 0..40)
}

proptest! {
    #[test]
    fn the_view_is_what_the_rows_say_after_any_merges_and_unmerges(steps in any_steps()) {
        let mut world = World::with_customers(6);
        for step in steps {
            world.step(step);
            let view = world.view();
            for customer in &world.customers {
                prop_assert_eq!(view.part_of.get(&customer.id), Some(&customer.part_of));
                prop_assert_eq!(customer.state == State::Active, customer.part_of == customer.id);
            }
        }
    }

    #[test]
    fn the_order_of_arrival_does_not_matter(
        (edges, nodes, world) in any_steps()
            .prop_map(|steps| {
                let mut world = World::with_customers(6);
                steps.into_iter().for_each(|step| world.step(step));
                world
            })
            .prop_flat_map(|world| {
                let edges = Just(world.edges.clone()).prop_shuffle();
                let nodes = Just(world.nodes.clone()).prop_shuffle();
                (edges, nodes, Just(world))
            })
    ) {
        prop_assert_eq!(view(&nodes, &edges), world.view());
    }

    #[test]
    fn merging_and_unmerging_leaves_everybody_as_before(
        steps in any_steps(), one in 0_usize..6, other in 0_usize..6
    ) {
        let mut world = World::with_customers(6);
        steps.into_iter().for_each(|step| world.step(step));
        let before = world.view();
        if world.merge(one, other) {
            prop_assert_ne!(&world.view(), &before);
            prop_assert!(world.unmerge(one, other));
            prop_assert_eq!(world.view(), before);
        }
    }

    #[test]
    fn a_decision_outranks_every_match_however_long_the_detour(
        links in proptest::collection::vec((0_usize..8, 0_usize..8), 0..30),
        one in 0_usize..8, other in 0_usize..8
    ) {
        let nodes: Vec<Node> = World::with_customers(8).nodes;
        let mut edges: Vec<Edge> = links
            .iter()
            .map(|(from, to)| {
                let pair = (nodes[*from].record, nodes[*to].record);
                Edge::matched(pair.0, pair.1, Explanation::default(), "tester", AT)
            })
            .collect();
        let pair = (nodes[one].record, nodes[other].record);
        // Decided last, and yet it wins.
        edges.push(Edge::new(EdgeKind::MustNotLink, Basis::Unmerge, pair, Explanation::default(), ("tester", AT)));
        let view = view(&nodes, &edges);
        if one != other {
            prop_assert_ne!(view.customer_of[&nodes[one].record], view.customer_of[&nodes[other].record]);
        }
        prop_assert_eq!(view.customer_of.len(), nodes.len());
    }
}

#[test]
fn records_that_came_after_a_merge_go_with_the_identifier_they_came_by() {
    let mut world = World::with_customers(2);
    assert!(world.merge(0, 1));
    world.record(1);
    let (remaining, restored) = (world.customers[0].id, world.customers[1].id);
    let newest = world.nodes[2].record;
    assert_eq!(world.view().customer_of[&newest], remaining);
    assert!(world.unmerge(0, 1));
    assert_eq!(world.view().customer_of[&newest], restored);
}

#[test]
fn what_is_not_merged_cannot_be_unmerged_and_the_merged_cannot_be_merged_again() {
    let mut world = World::with_customers(3);
    assert!(!world.unmerge(0, 1));
    assert!(world.merge(0, 1));
    assert!(!world.merge(2, 1), "it is part of another");
    assert!(
        !world.unmerge(1, 0),
        "the one that is split must stand for itself"
    );
    assert!(world.merge(2, 0));
    assert!(world.unmerge(2, 1), "a part of a part can be taken out");
    assert_eq!(
        world.view().part_of[&world.customers[1].id],
        world.customers[1].id
    );
    assert!(world.merge(2, 1), "a person may decide anew");
}
