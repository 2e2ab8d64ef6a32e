//! What somebody decides by hand on a random day.

use proptest::prelude::*;
use rapport_foundation::id::WorkItemId;

use super::super::desk::*;
use super::{AGENTS, Day, QUEUES, SKILLS};
use crate::domain::engine::{Handing, Input};
use crate::domain::{Offer, Priority, WorkItem, WorkState};

#[derive(Clone, Debug)]
pub(super) enum ByHand {
    Assign {
        pick: usize,
        to: Handing,
    },
    Move {
        pick: usize,
        queue: u128,
        skill: usize,
        priority: usize,
    },
    Release {
        pick: usize,
        to: Option<Handing>,
    },
    /// Whoever has it hands it over: a bot may.
    HandOver {
        pick: usize,
        queue: u128,
        skill: usize,
        priority: usize,
    },
}

pub(super) fn by_hand() -> impl Strategy<Value = ByHand> {
    let pick = any::<prop::sample::Index>().prop_map(|i| i.index(1 << 16));
    let to = (1..=AGENTS, any::<bool>(), any::<bool>(), any::<bool>());
    let to = to.prop_map(|(n, forced, over_capacity, without_skills)| Handing {
        agent: agent(n),
        forced,
        over_capacity,
        without_skills,
    });
    let moved = (
        pick.clone(),
        1..=QUEUES + 1,
        0..SKILLS.len(),
        0..Priority::ALL.len(),
    );
    prop_oneof![
        2 => (pick.clone(), to.clone()).prop_map(|(pick, to)| ByHand::Assign { pick, to }),
        1 => moved.clone().prop_map(
            |(pick, queue, skill, priority)| ByHand::Move { pick, queue, skill, priority }
        ),
        1 => moved.prop_map(
            |(pick, queue, skill, priority)| ByHand::HandOver { pick, queue, skill, priority }
        ),
        2 => (pick, prop::option::of(to)).prop_map(|(pick, to)| ByHand::Release { pick, to }),
    ]
}

impl ByHand {
    /// Any open work is picked: what cannot be done is refused.
    pub(super) fn input(&self, open: &[WorkItem]) -> Option<Input> {
        let picked = |pick: usize| open.get(pick % open.len().max(1)).map(|work| work.id);
        Some(match self {
            Self::Assign { pick, to } => Input::WorkAssigned {
                item: picked(*pick)?,
                to: *to,
            },
            Self::Move {
                pick,
                queue: to,
                skill,
                priority,
            } => Input::WorkMoved {
                item: picked(*pick)?,
                queue: queue(*to),
                skills: skills(SKILLS[*skill]),
                priority: Priority::ALL[*priority],
            },
            Self::Release { pick, to } => Input::WorkReleased {
                item: picked(*pick)?,
                to: *to,
            },
            Self::HandOver {
                pick,
                queue: to,
                skill,
                priority,
            } => {
                let accepted: Vec<&WorkItem> = open
                    .iter()
                    .filter(|work| matches!(work.state, WorkState::Accepted { .. }))
                    .collect();
                let work = accepted.get(pick % accepted.len().max(1))?;
                Input::WorkHandedOver {
                    item: work.id,
                    agent: work.agent()?,
                    queue: queue(*to),
                    skills: skills(SKILLS[*skill]),
                    priority: Priority::ALL[*priority],
                }
            }
        })
    }
}

/// The work that an input puts before somebody by hand, and to whom.
pub(super) fn handed(input: &Input) -> Option<(WorkItemId, Handing)> {
    match input {
        Input::WorkAssigned { item, to } => Some((*item, *to)),
        Input::WorkReleased { item, to } => Some((*item, (*to)?)),
        Input::NotTransferred { item, from, .. } => {
            let back = Handing {
                agent: *from,
                forced: true,
                over_capacity: true,
                without_skills: true,
            };
            Some((*item, back))
        }
        _ => None,
    }
}

impl Day {
    /// What the engine offers by itself finds room, whatever was given by hand; and who has more than they take was
    /// given it by hand.
    pub(super) fn assert_room(&self, made: &[Offer], handed: Option<(WorkItemId, Handing)>) {
        for offer in made {
            let Some(work) = self
                .engine
                .item(offer.item)
                .filter(|w| w.offer_to(offer.agent) == Some(offer))
            else {
                continue;
            };
            let agent = self.engine.at_work(offer.agent).unwrap();
            let (held, limit) = (
                agent.in_hand.get(work.channel),
                agent.limit.get(work.channel),
            );
            assert!(held <= limit, "{} has {held} of {limit}", offer.agent);
            // What was offered last had room beside all the rest.
            let is_last = made.iter().rfind(|other| other.agent == offer.agent) == Some(offer);
            let given = handed.is_some_and(|(_, to)| to.agent == offer.agent);
            if is_last && !given {
                let limits = agent.profile.capacity.by_channel();
                assert!(limits.holds(agent.in_hand, work.channel), "{}", offer.agent);
            }
        }
        for work in self.engine.snapshot().items {
            let flagged = work.figures.over_capacity;
            assert!(!flagged || (self.allowed.contains(&work.id) && work.agent().is_some()));
        }
    }
}
