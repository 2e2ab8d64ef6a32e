#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use rapport_foundation::id::{QueueId, WorkItemId};
use rapport_foundation::time::Micros;
use uuid::Uuid;

use super::{Line, Rank, Spot, Waiting};
use crate::domain::engine::skills::{Grades, SkillBook};
use crate::domain::{Channel, Level, Priority, Skill, Skills};

const CHANNELS: [Channel; 2] = [Channel::Phone, Channel::Chat];

/// Work by queue, channel and what it asks for, as a list.
type Listed = (u128, Channel, Skills, Rank);

fn queue(n: u128) -> QueueId {
    QueueId::from_uuid(Uuid::from_u128(n))
}

fn skills(graded: &[(u8, u8)]) -> Skills {
    let skill = |(name, level): &(u8, u8)| Skill {
        code: format!("s{name}").parse().unwrap(),
        level: Level::of(*level).unwrap(),
    };
    graded.iter().map(skill).collect()
}

fn some_skills(most: usize) -> impl Strategy<Value = Skills> {
    prop::collection::vec((0..6_u8, 1..=4_u8), 0..=most).prop_map(|graded| skills(&graded))
}

fn listed() -> impl Strategy<Value = Listed> {
    let rank = (0..4_usize, -2..6_i64, 1..40_u128).prop_map(|(priority, at, id)| {
        let id = WorkItemId::from_uuid(Uuid::from_u128(id));
        Rank::new(Priority::ALL[priority], Micros(at), id)
    });
    (1..=3_u128, 0..2_usize, some_skills(7), rank)
        .prop_map(|(queue, channel, asked, rank)| (queue, CHANNELS[channel], asked, rank))
}

/// The index and the list it must agree with.
#[derive(Default)]
struct Both {
    waiting: Waiting,
    book: SkillBook,
    /// A place is taken once, whatever its work asks for.
    list: BTreeMap<(u128, Channel, Rank), Skills>,
}

impl Both {
    fn grades(&mut self, skills: &Skills) -> Grades {
        self.book.grades(skills)
    }

    /// Puts work there, or takes away what is in its place.
    fn toggle(&mut self, (q, channel, asked, rank): Listed) {
        let place = (q, channel, rank);
        let there = self.list.remove(&place);
        let grades = self.grades(there.as_ref().unwrap_or(&asked));
        let spot = Spot {
            line: Line::Queue(queue(q)),
            channel,
            asked: &grades,
        };
        assert_eq!(self.waiting.contains(spot, rank), there.is_some());
        if there.is_some() {
            self.waiting.remove(spot, rank);
        } else {
            self.waiting.insert(spot, rank);
            // Twice is once.
            self.waiting.insert(spot, rank);
            self.list.insert(place, asked);
        }
        assert_eq!(self.waiting.len(), self.list.len());
        let here = self.list.keys().filter(|(of, ..)| *of == q).count();
        assert_eq!(self.waiting.len_of(queue(q)), here);
    }

    fn first(
        &mut self,
        queues: &[u128],
        held: &Skills,
        phone: bool,
        declined: u128,
    ) -> [Option<Rank>; 2] {
        let room = |channel: Channel| phone || channel != Channel::Phone;
        let declined = WorkItemId::from_uuid(Uuid::from_u128(declined));
        let grades = self.grades(held);
        let lines = queues.iter().map(|q| Line::Queue(queue(*q)));
        let found = self
            .waiting
            .first(lines, room, &grades, |id| id == declined);
        let fits = |((q, channel, rank), asked): &(&(u128, Channel, Rank), &Skills)| {
            queues.contains(q) && room(*channel) && held.cover(asked) && rank.id != declined
        };
        let first = self
            .list
            .iter()
            .filter(fits)
            .map(|(place, _)| place.2)
            .min();
        [found, first]
    }
}

#[test]
fn ways_that_do_not_part_are_one_edge_whatever_came_and_went() {
    let asked = [
        skills(&[(1, 1), (2, 1), (3, 1)]),
        skills(&[(1, 1), (2, 1), (4, 1)]),
        skills(&[(5, 2)]),
        skills(&[(1, 1), (2, 1), (3, 1), (5, 2)]),
    ];
    let rank = |n: usize| {
        let id = WorkItemId::from_uuid(Uuid::from_u128(n as u128));
        Rank::new(Priority::ALL[0], Micros(0), id)
    };
    let mut both = Both::default();
    // Skills are numbered in the order in which they are seen: all are, before the first is looked for.
    for asked in &asked {
        both.grades(asked);
    }
    let mut nodes = Vec::new();
    for round in [0..4, 0..4] {
        for n in round {
            both.toggle((1, CHANNELS[0], asked[n].clone(), rank(n)));
            nodes.push(both.waiting.tree.len());
        }
    }
    // What stands alone is a root and a node, and of what is gone nothing is left.
    assert_eq!(nodes[0], 2);
    assert_eq!(nodes[6..], [2, 0]);
    assert!(nodes.iter().all(|count| *count <= 7), "{nodes:?}");
}

proptest! {
    #[test]
    fn the_first_that_suits_is_found_whatever_came_and_went(
        steps in prop::collection::vec(listed(), 1..120),
        asked in prop::collection::vec(
            (prop::collection::vec(1..=3_u128, 0..3), some_skills(6), any::<bool>(), 1..40_u128),
            1..20,
        ),
    ) {
        let mut both = Both::default();
        let mut questions = asked.iter().cycle();
        for (n, step) in steps.iter().enumerate() {
            both.toggle(step.clone());
            if n % 3 == 0 && let Some((queues, held, phone, declined)) = questions.next() {
                let [found, first] = both.first(queues, held, *phone, *declined);
                prop_assert_eq!(found, first);
            }
        }
        // Everything goes, and nothing is left of it.
        for ((queue, channel, rank), asked) in both.list.clone() {
            both.toggle((queue, channel, asked, rank));
        }
        prop_assert_eq!(both.waiting.len(), 0);
        prop_assert!(both.waiting.is_bare());
    }
}
