//! Random days: whatever happens in whatever order, the promises hold, and an engine rebuilt
//! from what was stored decides like the one that went on.

mod by_hand;
mod figures;
mod ops;
mod order;
mod transfers;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use rapport_foundation::id::{AgentId, OfferId, QueueId, WorkItemId};
use rapport_foundation::time::Micros;

use super::desk::*;
use crate::domain::engine::{
    Changes, Effect, Engine, Input, Pace, Settings, Snapshot, Terms, Turn,
};
use crate::domain::policy::{Leg, Route};
use crate::domain::statistics::Statistics;
use crate::domain::{
    AgentKind, Capacity, Channel, ChannelCapacity, Offer, Presence, Priority, Standing, Status,
    WorkItem, WorkSelection, WorkState,
};
use by_hand::handed;
use ops::{AGENTS, CHANNELS, HOURS, Op, QUEUES, SKILLS, op};

/// Whom a contact was parted from, and to whom it was given, and when, if to anybody.
type Parted = (AgentId, Option<(AgentId, Micros)>);

/// Drives an engine and keeps what a store would keep, and what an onlooker would know.
struct Day {
    engine: Engine,
    now: Micros,
    /// When the step before was.
    before: Micros,
    made: u128,
    streams: BTreeSet<(AgentId, u64)>,
    rows: BTreeMap<WorkItemId, WorkItem>,
    standings: BTreeMap<AgentId, Standing>,
    paces: BTreeMap<(QueueId, AgentId), Pace>,
    turns: BTreeMap<QueueId, Turn>,
    open: BTreeSet<WorkItemId>,
    out: BTreeMap<WorkItemId, BTreeSet<OfferId>>,
    /// What was given to somebody by hand although their hands might be full.
    allowed: BTreeSet<WorkItemId>,
    /// Who is on the line with whom, as connectors are told.
    lines: BTreeMap<WorkItemId, AgentId>,
    /// What goes on with a contact that nobody was put through to since it was parted.
    parted: BTreeMap<WorkItemId, Parted>,
    /// The figures, counted as it goes.
    statistics: Statistics,
}

impl Day {
    fn begin() -> Self {
        let mut day = Self {
            engine: Engine::new(Settings::default()),
            now: secs(0),
            before: secs(0),
            made: 0,
            streams: BTreeSet::new(),
            rows: BTreeMap::new(),
            standings: BTreeMap::new(),
            paces: BTreeMap::new(),
            turns: BTreeMap::new(),
            open: BTreeSet::new(),
            out: BTreeMap::new(),
            allowed: BTreeSet::new(),
            lines: BTreeMap::new(),
            parted: BTreeMap::new(),
            statistics: Statistics::default(),
        };
        for n in 1..=QUEUES {
            day.step(Input::QueueChanged(Terms {
                commanded: n > 1,
                ..terms(n)
            }));
        }
        for n in 1..=AGENTS {
            day.step(Input::AgentChanged(profile(
                n,
                &[1, 1 + n % QUEUES],
                SKILLS[usize::try_from(n % 4).unwrap()],
            )));
            day.apply(&Op::Open {
                agent: n,
                stream: 1,
            });
            day.apply(&Op::Status {
                agent: n,
                status: 1,
            });
        }
        day
    }

    fn apply(&mut self, op: &Op) -> Vec<Effect> {
        let Some(input) = self.input(op) else {
            return Vec::new();
        };
        self.step(input)
    }

    fn input(&mut self, op: &Op) -> Option<Input> {
        let picked = |pick: usize, fits: &dyn Fn(&WorkItem) -> bool| {
            let fitting: Vec<_> = self
                .engine
                .snapshot()
                .items
                .into_iter()
                .filter(|w| fits(w))
                .collect();
            (!fitting.is_empty()).then(|| fitting[pick % fitting.len()].clone())
        };
        Some(match op {
            Op::Queue {
                queue: q,
                skill,
                channel,
                priority,
                ticket: t,
                next,
            } => {
                self.made += 1;
                let own = skills(SKILLS[*skill]);
                let route = next.map(|(then, after)| {
                    // Back to where it was, whoever is there, and then to somewhere else.
                    let eased = Leg {
                        relaxations: vec![relaxed("b", 1 + after / 3), relaxed("a", 9)],
                        ..leg(*q, after, false)
                    };
                    let legs = vec![eased, leg(*q, after, true), leg(then, 0, true)];
                    Box::new(Route::new(own.clone(), legs, 0, self.now))
                });
                let mut work = WorkItem {
                    ticket: ticket(*t),
                    skills: own,
                    route,
                    channel: CHANNELS[*channel],
                    priority: Priority::ALL[*priority],
                    ..work(self.made, *q, self.now)
                };
                if !self.made.is_multiple_of(3) {
                    work.pass(|passage| passage.connector = Some("pbx".into()));
                }
                Input::WorkItemQueued(Box::new(work))
            }
            Op::Withdraw { pick, abandoned } => Input::WorkItemWithdrawn {
                item: picked(*pick, &|_| true)?.id,
                abandoned: *abandoned,
            },
            Op::Change {
                pick,
                queue: q,
                priority,
            } => {
                let work = picked(*pick, &|_| true)?;
                if work.route.is_some() && *pick % 2 == 0 {
                    return Some(Input::RoutedWorkChanged {
                        item: work.id,
                        own: skills(SKILLS[*pick % SKILLS.len()]),
                        priority: Priority::ALL[*priority],
                    });
                }
                Input::WorkItemChanged {
                    item: work.id,
                    queue: queue(*q),
                    skills: work.skills,
                    priority: Priority::ALL[*priority],
                }
            }
            Op::Accept { pick, by } => {
                let offer = picked_offer(&picked(*pick, &|w| w.offer().is_some())?, *pick);
                let by = if *by == 0 { offer.agent } else { agent(*by) };
                Input::OfferAccepted {
                    offer: offer.id,
                    agent: by,
                }
            }
            Op::Reject { pick } => {
                let offer = picked_offer(&picked(*pick, &|w| w.offer().is_some())?, *pick);
                Input::OfferRejected {
                    offer: offer.id,
                    agent: offer.agent,
                }
            }
            Op::Complete { pick, skip } => {
                let work = picked(*pick, &|w| matches!(w.state, WorkState::Accepted { .. }))?;
                Input::WorkCompleted {
                    item: work.id,
                    agent: work.agent()?,
                    disposition: None,
                    skip_wrap_up: *skip,
                }
            }
            Op::EndWrapUp { pick } => {
                let work = picked(*pick, &|w| w.agent().is_some())?;
                Input::WrapUpEnded {
                    item: work.id,
                    agent: work.agent()?,
                }
            }
            Op::ExtendWrapUp { pick, seconds } => {
                let wraps_up = |w: &WorkItem| matches!(w.state, WorkState::WrappingUp { .. });
                let work = picked(*pick, &wraps_up)?;
                Input::WrapUpExtended {
                    item: work.id,
                    agent: work.agent()?,
                    by: Duration::from_secs(*seconds),
                }
            }
            Op::Park { pick, seconds } => {
                let held = |w: &WorkItem| matches!(w.state, WorkState::Accepted { .. });
                let parkable = |w: &WorkItem| held(w) && w.channel == Channel::Email;
                let work = picked(*pick, &parkable).or_else(|| picked(*pick, &held))?;
                let (item, agent) = (work.id, work.agent()?);
                match seconds {
                    Some(seconds) => Input::WorkParked {
                        item,
                        agent,
                        until: self.now + Duration::from_secs(*seconds),
                    },
                    None => Input::WorkUnparked { item, agent },
                }
            }
            Op::Write { ticket: t } => Input::CustomerWrote(ticket(*t)),
            Op::Status { agent: a, status } => {
                let status = [Status::Offline, Status::Available, Status::Away][*status];
                Input::StatusSet {
                    agent: agent(*a),
                    status,
                    reason: None,
                }
            }
            Op::Open { agent: a, stream } => {
                self.streams.insert((agent(*a), *stream));
                Input::StreamOpened {
                    agent: agent(*a),
                    stream: *stream,
                }
            }
            Op::Close { agent: a, stream } => {
                self.streams.remove(&(agent(*a), *stream));
                Input::StreamClosed {
                    agent: agent(*a),
                    stream: *stream,
                }
            }
            Op::Retrain {
                agent: a,
                queues,
                skill,
                usual,
                ends,
                rule,
                shifts,
                bot,
                total,
                mails,
            } => {
                // Mails that calls may come between, if they take any.
                let between = mails.map(|concurrent| ChannelCapacity {
                    weight: 2,
                    interrupted_by: [Channel::Phone].into(),
                    ..ChannelCapacity::of(Channel::Email, concurrent)
                });
                let mut other = profile(*a, queues, SKILLS[*skill]);
                if *bot {
                    other.kind = AgentKind::Virtual;
                }
                other.work_selection = WorkSelection::ALL[*rule];
                other.shifts = shifts.map(calendar);
                other.capacity = Capacity {
                    named: between.iter().cloned().collect(),
                    total: *total,
                    ..Capacity::of_each(*usual, self.now)
                };
                if let Some(seconds) = ends {
                    let until = self.now + Duration::from_secs(*seconds);
                    other.skills_until = [("b".parse().unwrap(), until)].into();
                }
                Input::AgentChanged(other)
            }
            Op::Hours {
                calendar: c,
                hours: h,
            } => Input::CalendarChanged {
                calendar: calendar(*c),
                hours: Box::new(hours(HOURS[*h])),
            },
            Op::Rule {
                queue: q,
                discipline,
            } => Input::QueueChanged(Terms {
                discipline: *discipline,
                commanded: *q > 1,
                ..terms(*q)
            }),
            Op::Settle { ticket: t } => Input::TicketSettled(ticket(*t)),
            Op::Reopen { ticket: t } => Input::TicketReopened(ticket(*t)),
            Op::Pass { seconds } => {
                self.now += Duration::from_secs(*seconds);
                Input::Tick
            }
            Op::PassToDeadline => {
                self.now = self.now.max(self.engine.next_deadline()?);
                Input::Tick
            }
            Op::ByHand(op) => op.input(&self.engine.snapshot().items)?,
            Op::Transfer(op) => op.input(self)?,
        })
    }

    fn step(&mut self, input: Input) -> Vec<Effect> {
        let before = self.engine.snapshot().items;
        let handed = handed(&input);
        let allowed = handed.filter(|(_, to)| to.over_capacity);
        self.allowed.extend(allowed.map(|(item, _)| item));
        let effects = self.engine.step(self.now, input);
        let by_itself = |offer: &Offer| handed.is_none_or(|(item, _)| item != offer.item);
        let made: Vec<Offer> = offers(&effects).into_iter().filter(by_itself).collect();
        self.assert_in_turn(&before, &made);
        // Who takes up what they parked takes it whatever they have in hand.
        let back = before.iter().filter(|work| {
            let now = self.engine.item(work.id);
            work.parked().is_some() && now.is_some_and(|now| now.parked().is_none())
        });
        self.allowed.extend(back.map(|work| work.id));
        self.assert_room(&made, handed);
        self.before = self.now;
        if let Err(faults) = self.engine.check() {
            panic!("{faults:?} after {effects:?}");
        }
        let Changes {
            items,
            agents,
            paces,
            turns,
        } = self.engine.take_changes();
        self.paces
            .extend(paces.into_iter().map(|p| ((p.queue, p.agent), p)));
        self.turns
            .extend(turns.into_iter().map(|turn| (turn.queue, turn)));
        for work in &items {
            self.statistics.item(self.now, work);
        }
        self.rows
            .extend(items.into_iter().map(|work| (work.id, work)));
        self.standings.extend(agents);
        for effect in &effects {
            self.watch(&before, effect);
        }
        self.assert_as_many_as_queues_say();
        self.assert_lines();
        let known: BTreeSet<_> = self
            .engine
            .snapshot()
            .items
            .iter()
            .map(|work| work.id)
            .collect();
        assert_eq!(
            known, self.open,
            "no work item is forgotten, none lives twice"
        );
        effects
    }

    /// What somebody who only hears the effects can tell.
    fn watch(&mut self, before: &[WorkItem], effect: &Effect) {
        match effect {
            Effect::Queued { item } => {
                self.open.insert(*item);
            }
            Effect::Offered(offer) => {
                let out = self.out.entry(offer.item).or_default();
                assert!(out.insert(offer.id), "offered twice");
                assert!(offer.expires_at > self.now);
            }
            Effect::OfferEnded { offer, .. } | Effect::Accepted { offer, .. } => {
                let out = self.out.entry(offer.item).or_default();
                assert!(out.remove(&offer.id), "ended without having been made");
                let taken = matches!(effect, Effect::Accepted { .. });
                assert!(!taken || out.is_empty(), "taken while out to another");
                if out.is_empty() {
                    self.out.remove(&offer.item);
                }
            }
            Effect::Abandoned { item, .. }
            | Effect::Withdrawn { item }
            | Effect::Completed { item, .. } => {
                assert!(self.open.remove(item), "ended twice");
                assert_eq!(self.out.get(item), None, "ended while an offer is out");
            }
            Effect::HandedOn { item, next, .. } => {
                // What goes on is new, or was beside it as the work of who was asked.
                let main = before.iter().find(|work| work.id == *item);
                let beside = main.and_then(WorkItem::consult) == Some(*next);
                assert!(self.open.contains(item) && self.open.contains(next) == beside);
            }
            Effect::Commanded { .. } | Effect::Released { .. } => self.watch_line(effect),
            Effect::WorkChanged { .. }
            | Effect::WrapUpStarted { .. }
            | Effect::StatusChanged { .. }
            | Effect::Refused(_) => {}
        }
    }

    /// The engine as a new process builds it from the tables, every agent's streams open again.
    fn rebuilt(&self) -> Engine {
        let running = self.engine.snapshot();
        let agents = running.agents.into_iter().map(|(profile, _)| {
            let standing = self.standings[&profile.id].clone();
            (profile, standing)
        });
        let stored = Snapshot {
            queues: running.queues,
            agents: agents.collect(),
            items: self.rows.values().cloned().collect(),
            paces: self.paces.values().copied().collect(),
            turns: self.turns.values().copied().collect(),
            calendars: running.calendars,
        };
        let mut engine = Engine::restore(Settings::default(), stored, self.now);
        for (agent, stream) in &self.streams {
            assert_eq!(
                engine.step(
                    self.now,
                    Input::StreamOpened {
                        agent: *agent,
                        stream: *stream
                    }
                ),
                []
            );
        }
        engine.take_changes();
        engine
    }
}

/// One of the offers that are out for work.
fn picked_offer(work: &WorkItem, pick: usize) -> Offer {
    let offers: Vec<Offer> = work.offers().copied().collect();
    offers[pick % offers.len()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_promises_hold(ops in prop::collection::vec(op(), 1..160)) {
        let mut day = Day::begin();
        for op in &ops {
            day.apply(op);
        }
        // Every state has a way out by event or by time: everybody leaves, time passes, and
        // nothing is in anybody's hands.
        for n in 1..=AGENTS {
            // A schedule goes on for ever. They take less than before from now on.
            let mut plain = profile(n, &[1], &[]);
            plain.capacity.since = day.now;
            day.step(Input::AgentChanged(plain));
            for stream in 1..=2 {
                day.apply(&Op::Close { agent: n, stream });
            }
        }
        while !day.apply(&Op::PassToDeadline).is_empty() || day.engine.next_deadline().is_some() {}
        for work in day.engine.snapshot().items {
            prop_assert_eq!(&work.state, &WorkState::Waiting);
        }
        for (_, standing) in day.engine.snapshot().agents {
            prop_assert_eq!(standing.presence, Presence::Absent);
        }
    }

    #[test]
    fn an_engine_rebuilt_from_what_was_stored_decides_like_the_one_that_went_on(
        before in prop::collection::vec(op(), 1..80),
        after in prop::collection::vec(op(), 1..40),
    ) {
        let mut day = Day::begin();
        for op in &before {
            day.apply(op);
        }
        let mut other = day.rebuilt();
        prop_assert_eq!(other.snapshot(), day.engine.snapshot());
        for op in &after {
            let Some(input) = day.input(op) else { continue };
            let decided = day.step(input.clone());
            prop_assert_eq!(other.step(day.now, input), decided);
            prop_assert_eq!(other.check(), Ok(()));
        }
        prop_assert_eq!(other.snapshot(), day.engine.snapshot());
    }
}
