//! A small contact centre to try things on.

use std::collections::BTreeSet;
use std::time::Duration;

use rapport_foundation::id::{AgentId, CalendarId, OfferId, QueueId, TicketId, WorkItemId};
use rapport_foundation::time::Micros;
use uuid::Uuid;

use crate::domain::engine::{Effect, Engine, Input, Profile, Settings, Terms};
use crate::domain::policy::{Leg, Relaxation};
use crate::domain::sla::{Hours, Opening, Timetable, Weekday, Weekly};
use crate::domain::{
    AgentKind, Capacity, Channel, ChannelCapacity, Discipline, Figures, Offer, OfferEnd, Priority,
    Skill, Skills, Status, WorkItem, WorkSelection, WorkState,
};

pub(super) fn secs(n: u64) -> Micros {
    Micros::EPOCH + Duration::from_secs(n)
}

pub(super) fn agent(n: u128) -> AgentId {
    AgentId::from_uuid(Uuid::from_u128(n))
}

pub(super) fn queue(n: u128) -> QueueId {
    QueueId::from_uuid(Uuid::from_u128(n))
}

pub(super) fn item(n: u128) -> WorkItemId {
    WorkItemId::from_uuid(Uuid::from_u128(n))
}

pub(super) fn ticket(n: u128) -> TicketId {
    TicketId::from_uuid(Uuid::from_u128(n))
}

pub(super) fn skills(names: &[&str]) -> Skills {
    let skill = |name: &&str| name.parse::<Skill>().unwrap();
    names.iter().map(skill).collect()
}

pub(super) fn terms(n: u128) -> Terms {
    Terms {
        id: queue(n),
        offer_timeout: Duration::from_secs(20),
        wrap_up: Duration::from_secs(10),
        most_wrap_up: Duration::from_secs(45),
        max_lapsed_offers: 1,
        most_waiting: None,
        answer_target: Duration::from_secs(20),
        short_abandon: Duration::from_secs(5),
        discipline: Discipline::default(),
        commanded: false,
    }
}

pub(super) fn profile(n: u128, queues: &[u128], held: &[&str]) -> Profile {
    Profile {
        id: agent(n),
        queues: queues.iter().map(|q| queue(*q)).collect::<BTreeSet<_>>(),
        skills: skills(held),
        skills_until: Default::default(),
        capacity: Capacity {
            named: vec![ChannelCapacity::of(Channel::Chat, 2)],
            ..Capacity::of_each(1, Micros::EPOCH)
        },
        work_selection: WorkSelection::Oldest,
        kind: AgentKind::Person,
        shifts: None,
    }
}

pub(super) fn work(n: u128, in_queue: u128, at: Micros) -> WorkItem {
    WorkItem {
        id: item(n),
        ticket: ticket(n),
        interaction: None,
        customer: None,
        channel: Channel::Phone,
        queue: queue(in_queue),
        skills: Skills::new(),
        priority: Priority::Normal,
        queued_at: at,
        offers_made: 0,
        declines: Vec::new(),
        settled: false,
        handed_over: false,
        state: WorkState::Waiting,
        other_offers: Vec::new(),
        route: None,
        passage: None,
        traceparent: None,
        figures: Figures::default(),
        version: 1,
    }
}

/// Open in those minutes of every day, in UTC.
pub(super) fn hours(minutes: &[(u16, u16)]) -> Hours {
    let weekly = Weekday::ALL.iter().flat_map(|day| {
        minutes.iter().map(|(from, to)| Weekly {
            day: *day,
            opening: Opening {
                from: *from,
                to: *to,
            },
        })
    });
    let timetable = Timetable {
        zone: "UTC".into(),
        weekly: weekly.collect(),
        exceptions: Vec::new(),
    };
    Hours::new(&timetable).unwrap()
}

pub(super) fn calendar(n: u128) -> CalendarId {
    CalendarId::from_uuid(Uuid::from_u128(n))
}

/// A target; after no seconds it is for ever.
pub(super) fn leg(in_queue: u128, seconds: u64, skip_unstaffed: bool) -> Leg {
    Leg {
        queue: queue(in_queue),
        skills: Skills::new(),
        raise_to: None,
        timeout: Some(Duration::from_secs(seconds)).filter(|span| !span.is_zero()),
        skip_unstaffed,
        relaxations: Vec::new(),
    }
}

/// A level less of a skill after some seconds and each time so long again, until it is not asked for.
pub(super) fn relaxed(skill: &str, seconds: u64) -> Relaxation {
    Relaxation {
        skill: skill.parse().unwrap(),
        after: Duration::from_secs(seconds),
        every: Duration::from_secs(seconds),
        down_to: None,
    }
}

/// An engine that is checked after every step.
pub(super) struct Desk {
    pub(super) engine: Engine,
    pub(super) now: Micros,
}

impl Desk {
    /// One queue; agents 1..=n serve it, are there and available.
    pub(super) fn with_agents(n: u128) -> Self {
        let mut desk = Self {
            engine: Engine::new(Settings::default()),
            now: secs(0),
        };
        desk.step(Input::QueueChanged(terms(1)));
        for id in 1..=n {
            desk.hire(profile(id, &[1], &[]));
            desk.now = secs(u64::try_from(id).unwrap());
        }
        desk
    }

    pub(super) fn hire(&mut self, profile: Profile) {
        let agent = profile.id;
        self.step(Input::AgentChanged(profile));
        self.step(Input::StreamOpened { agent, stream: 1 });
        self.step(Input::StatusSet {
            agent,
            status: Status::Available,
            reason: None,
        });
    }

    pub(super) fn step(&mut self, input: Input) -> Vec<Effect> {
        let effects = self.engine.step(self.now, input);
        self.engine.check().unwrap();
        effects
    }

    /// Lets time pass up to `at`, waking the engine exactly when it asks for it.
    pub(super) fn pass_until(&mut self, at: Micros) -> Vec<Effect> {
        let mut effects = Vec::new();
        while let Some(due) = self.engine.next_deadline().filter(|due| *due <= at) {
            self.now = self.now.max(due);
            effects.extend(self.step(Input::Tick));
        }
        self.now = at;
        effects
    }

    pub(super) fn queue(&mut self, work: WorkItem) -> Vec<Effect> {
        self.step(Input::WorkItemQueued(Box::new(work)))
    }

    pub(super) fn accept(&mut self, offer: Offer) -> Vec<Effect> {
        self.step(Input::OfferAccepted {
            offer: offer.id,
            agent: offer.agent,
        })
    }

    pub(super) fn complete(&mut self, item: WorkItemId, agent: AgentId) -> Vec<Effect> {
        self.step(Input::WorkCompleted {
            item,
            agent,
            disposition: None,
            skip_wrap_up: false,
        })
    }

    pub(super) fn offer_for(&self, n: u128) -> Option<Offer> {
        self.engine
            .item(item(n))
            .and_then(|work| work.offer())
            .copied()
    }
}

pub(super) fn offers(effects: &[Effect]) -> Vec<Offer> {
    let offered = |effect: &Effect| match effect {
        Effect::Offered(offer) => Some(*offer),
        _ => None,
    };
    effects.iter().filter_map(offered).collect()
}

pub(super) fn ends(effects: &[Effect]) -> Vec<(OfferId, OfferEnd)> {
    let ended = |effect: &Effect| match effect {
        Effect::OfferEnded { offer, reason } => Some((offer.id, *reason)),
        _ => None,
    };
    effects.iter().filter_map(ended).collect()
}
