//! Who and what a crowd is made of.

use std::collections::BTreeSet;
use std::time::Duration;

use rapport_foundation::id::{AgentId, QueueId, TicketId, WorkItemId};
use rapport_foundation::time::Micros;
use uuid::Uuid;

use super::Size;
use crate::domain::engine::{Profile, Terms};
use crate::domain::policy::{Leg, Relaxation, Route};
use crate::domain::{
    AgentKind, Capacity, Channel, ChannelCapacity, Code, Discipline, Figures, Level, Priority,
    Queue, Skill, Skills, Standing, WorkItem, WorkSelection, WorkState,
};
use crate::simulate::dice::{Dice, Purpose};

/// When the crowd comes to work. What waits then came in the hour before.
pub(super) const OPENING: Micros = Micros(3_600_000_000);
const HOUR_MICROS: usize = 3_600_000_000;
/// Queues that an agent serves at most.
const QUEUES_OF_AGENT: usize = 8;
/// How many skills agents hold, from and to.
const HELD: (usize, usize) = (5, 15);
/// Levels that are held, and asked for, at most.
const LEVELS_HELD: usize = 10;
const LEVELS_ASKED: usize = 5;
/// What each agent takes at once.
const CAPACITY: [(Channel, u16); 3] =
    [(Channel::Phone, 1), (Channel::Chat, 3), (Channel::Email, 2)];
const PRIORITIES: [Priority; 4] = [
    Priority::Low,
    Priority::Normal,
    Priority::Normal,
    Priority::High,
];

/// Draws agents and work.
#[derive(Debug)]
pub(super) struct People {
    pub(super) size: Size,
    skills: Vec<Code>,
    /// For each skill, the chance that it or one before it is drawn.
    chances: Vec<f64>,
    dice: Dice,
    drawn: u128,
}

impl People {
    pub(super) fn new(size: Size) -> Self {
        let weights = (1..=size.skills).map(|n| 1.0 / n as f64);
        let total: f64 = weights.clone().sum();
        let mut sum = 0.0;
        let chances = weights.map(|weight| {
            sum += weight / total;
            sum
        });
        Self {
            size,
            skills: (0..size.skills)
                .filter_map(|n| format!("skill-{n}").parse().ok())
                .collect(),
            chances: chances.collect(),
            dice: Dice::of(size.seed, 0, Purpose::Arrival, 0),
            drawn: 0,
        }
    }

    /// Those who come once a snapshot of that size was drawn.
    pub(super) fn after(size: Size) -> Self {
        Self {
            dice: Dice::of(size.seed, 2, Purpose::Arrival, 0),
            drawn: size.waiting as u128,
            ..Self::new(size)
        }
    }

    pub(super) fn queues(&self) -> Vec<Terms> {
        let terms = |n| Terms {
            id: queue_id(n),
            offer_timeout: Duration::from_secs(1),
            wrap_up: Duration::ZERO,
            most_wrap_up: Duration::ZERO,
            max_lapsed_offers: u32::MAX,
            most_waiting: None,
            answer_target: Queue::ANSWER_TARGET,
            short_abandon: Duration::ZERO,
            discipline: Discipline::default(),
            commanded: false,
        };
        (0..self.size.queues).map(terms).collect()
    }

    pub(super) fn agents(&mut self) -> Vec<(Profile, Standing)> {
        (0..self.size.agents)
            .map(|seat| (self.agent(seat), Standing::new(Micros::EPOCH)))
            .collect()
    }

    fn agent(&mut self, seat: usize) -> Profile {
        let mut queues = BTreeSet::new();
        for _ in 0..self.between((1, QUEUES_OF_AGENT)) {
            queues.insert(queue_id(below(&mut self.dice, self.size.queues)));
        }
        Profile {
            id: agent_id(seat),
            queues,
            skills: self.skills(HELD, LEVELS_HELD),
            skills_until: Default::default(),
            capacity: Capacity {
                named: CAPACITY
                    .map(|(c, most)| ChannelCapacity::of(c, most))
                    .to_vec(),
                ..Capacity::of_each(0, Micros::EPOCH)
            },
            work_selection: WorkSelection::Oldest,
            kind: AgentKind::Person,
            shifts: None,
        }
    }

    /// New work. Before the opening it came in at some time in the hour before.
    pub(super) fn work(&mut self, now: Micros) -> WorkItem {
        let id = Uuid::from_u128(self.drawn + 1);
        self.drawn += 1;
        let queued_at = match now {
            Micros::EPOCH => {
                Micros::EPOCH + Duration::from_micros(below(&mut self.dice, HOUR_MICROS) as u64)
            }
            now => now,
        };
        let queue = queue_id(below(&mut self.dice, self.size.queues));
        let skills = self.skills(self.size.asked, LEVELS_ASKED);
        let relaxes = self.dice.even() < self.size.relaxing;
        let route = relaxes.then(|| self.route(queue, &skills, queued_at));
        let (channel, _) = CAPACITY[below(&mut self.dice, CAPACITY.len())];
        WorkItem {
            id: WorkItemId::from_uuid(id),
            ticket: TicketId::from_uuid(id),
            interaction: None,
            customer: None,
            channel,
            queue,
            skills,
            priority: PRIORITIES[below(&mut self.dice, PRIORITIES.len())],
            queued_at,
            offers_made: 0,
            declines: Vec::new(),
            settled: false,
            handed_over: false,
            state: WorkState::Waiting,
            other_offers: Vec::new(),
            route: route.map(Box::new),
            passage: None,
            traceparent: None,
            figures: Figures::default(),
            version: 1,
        }
    }

    /// A level less of the first skill after half an hour or more, and one less each half an hour from then on.
    fn route(&mut self, queue: QueueId, skills: &Skills, at: Micros) -> Route {
        let first = skills.iter().next().map(|skill| skill.code.clone());
        let relaxations = first.map(|skill| Relaxation {
            skill,
            after: Duration::from_secs(1800 + 60 * below(&mut self.dice, 60) as u64),
            every: Duration::from_secs(1800),
            down_to: None,
        });
        let leg = Leg {
            queue,
            skills: Skills::new(),
            raise_to: None,
            timeout: None,
            skip_unstaffed: false,
            relaxations: relaxations.into_iter().collect(),
        };
        Route::new(skills.clone(), vec![leg], 0, at)
    }

    /// So many different skills, each at some level.
    fn skills(&mut self, count: (usize, usize), levels: usize) -> Skills {
        let count = self.between(count).min(self.skills.len());
        let mut skills = Skills::new();
        while skills.len() < count {
            let chance = self.dice.even();
            let place = self.chances.partition_point(|sum| *sum < chance);
            let code = &self.skills[place.min(self.skills.len() - 1)];
            let level = u8::try_from(1 + below(&mut self.dice, levels)).ok();
            if skills.level(code).is_none()
                && let Some(level) = level.and_then(Level::of)
            {
                let code = code.clone();
                skills.insert(Skill { code, level });
            }
        }
        skills
    }

    fn between(&mut self, (least, most): (usize, usize)) -> usize {
        least + below(&mut self.dice, most - least + 1)
    }
}

/// Evenly one of so many.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number between 0 and a small one"
)]
pub(super) fn below(dice: &mut Dice, count: usize) -> usize {
    let place = (dice.even() * count as f64) as usize;
    place.min(count.saturating_sub(1))
}

pub(super) const fn agent_id(seat: usize) -> AgentId {
    AgentId::from_uuid(Uuid::from_u128(seat as u128 + 1))
}

const fn queue_id(queue: usize) -> QueueId {
    QueueId::from_uuid(Uuid::from_u128(queue as u128 + 1))
}
