//! What the driver knows of the house: who waits, who works, and for how long so.

use std::collections::HashMap;

use rapport_foundation::id::{AgentId, QueueId, TicketId, WorkItemId};
use rapport_foundation::time::Micros;
use uuid::Uuid;

use super::scenario::{Scenario, Team};
use super::tally::Tally;
use crate::domain::engine::{Profile, Terms};
use crate::domain::{AgentKind, Figures, Limits, Offer, PerChannel, WorkItem, WorkState};

/// A customer who is not through yet.
#[derive(Clone, Debug)]
pub(super) struct Customer {
    pub(super) demand: usize,
    /// Their number within the demand.
    pub(super) nth: u64,
    pub(super) arrived: Micros,
    /// How long they will be handled, in microseconds.
    pub(super) handle: u64,
    /// The batch they are counted in.
    pub(super) batch: Option<usize>,
    /// The offer that is out for them, and how many there were.
    pub(super) offer: Option<Offer>,
    pub(super) offers: u64,
    /// Since when they are handled.
    pub(super) accepted: Option<Micros>,
    /// Since when their agent writes things up.
    pub(super) handled: Option<Micros>,
}

/// An agent.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    pub(super) team: usize,
    /// Whether they are at work and say so.
    pub(super) there: bool,
    /// Whether a stream of theirs was ever opened.
    pub(super) known: bool,
    holds: PerChannel<u16>,
    in_hand: u32,
    since: Micros,
}

/// Everybody in the house, and sums over time that are brought up to date whenever somebody's state changes.
#[derive(Debug)]
pub(super) struct House<'a> {
    scenario: &'a Scenario,
    /// How much the agents of each team take at once.
    limits: Vec<Limits>,
    pub(super) customers: HashMap<u64, Customer>,
    pub(super) seats: Vec<Seat>,
    lengths: Vec<(u64, Micros)>,
    /// The batch that time is counted in.
    pub(super) batch: Option<usize>,
    /// Customers that are counted and wait.
    pub(super) unsettled: u64,
    pub(super) tally: Tally,
}

impl<'a> House<'a> {
    pub(super) fn new(scenario: &'a Scenario, seed: u64) -> Self {
        let of_team = |(team, setting): (usize, &Team)| {
            let seat = Seat {
                team,
                there: false,
                known: false,
                holds: PerChannel::all(0),
                in_hand: 0,
                since: Micros::EPOCH,
            };
            std::iter::repeat_n(seat, setting.agents as usize)
        };
        Self {
            scenario,
            limits: (scenario.teams.iter())
                .map(|team| team.capacity.by_channel())
                .collect(),
            customers: HashMap::new(),
            seats: scenario
                .teams
                .iter()
                .enumerate()
                .flat_map(of_team)
                .collect(),
            lengths: vec![(0, Micros::EPOCH); scenario.queues.len()],
            batch: None,
            unsettled: 0,
            tally: Tally::new(scenario, seed),
        }
    }

    /// One more or one less in an agent's hands. Says whether more may be there than is.
    pub(super) fn hand(&mut self, now: Micros, seat: usize, demand: usize, takes: bool) {
        self.bring_up(now, seat);
        let channel = self.scenario.demands[demand].channel;
        let seat = &mut self.seats[seat];
        if takes {
            let limits = &self.limits[seat.team];
            if !seat.there || !limits.has_room(&seat.holds, channel) {
                self.tally.exact.misplaced += 1;
            }
            *seat.holds.at(channel) += 1;
            seat.in_hand += 1;
        } else {
            let count = seat.holds.at(channel);
            *count = count.saturating_sub(1);
            seat.in_hand = seat.in_hand.saturating_sub(1);
        }
    }

    /// An agent comes or goes.
    pub(super) fn attend(&mut self, now: Micros, seat: usize, there: bool) {
        self.bring_up(now, seat);
        self.seats[seat].there = there;
    }

    /// One more or one less waits for this demand's queue.
    pub(super) fn lengthen(&mut self, now: Micros, demand: usize, more: bool) {
        let queue = self.scenario.demands[demand].queue;
        self.measure(now, queue);
        let length = &mut self.lengths[queue].0;
        *length = if more {
            *length + 1
        } else {
            length.saturating_sub(1)
        };
    }

    /// Counts time up to now in the old batch and goes on in a new one.
    pub(super) fn turn_over(&mut self, now: Micros, batch: Option<usize>) {
        (0..self.seats.len()).for_each(|seat| self.bring_up(now, seat));
        (0..self.lengths.len()).for_each(|queue| self.measure(now, queue));
        self.batch = batch;
    }

    fn bring_up(&mut self, now: Micros, at: usize) {
        let seat = &mut self.seats[at];
        let span = micros_between(seat.since, now);
        seat.since = now;
        if let Some(batch) = self.batch {
            let load = &mut self.tally.seats[at][batch];
            if seat.in_hand > 0 {
                load.busy += span;
            } else if seat.there {
                load.idle += span;
            }
        }
    }

    fn measure(&mut self, now: Micros, queue: usize) {
        let (length, since) = &mut self.lengths[queue];
        let span = micros_between(*since, now);
        *since = now;
        if let Some(batch) = self.batch {
            self.tally.queued[queue][batch] += *length * span;
        }
    }
}

pub(super) fn micros_between(from: Micros, to: Micros) -> u64 {
    u64::try_from(to.0.saturating_sub(from.0)).unwrap_or(0)
}

pub(super) const fn agent_id(seat: usize) -> AgentId {
    AgentId::from_uuid(Uuid::from_u128(seat as u128 + 1))
}

/// The seat of an agent that [`agent_id`] named.
pub(super) fn seat_of(agent: AgentId) -> usize {
    usize::try_from(agent.uuid().as_u128().wrapping_sub(1)).unwrap_or(usize::MAX)
}

pub(super) const fn item_id(number: u64) -> WorkItemId {
    WorkItemId::from_uuid(Uuid::from_u128(number as u128 + 1))
}

/// The customer of a work item that [`item_id`] named.
pub(super) fn number_of(item: WorkItemId) -> u64 {
    u64::try_from(item.uuid().as_u128().wrapping_sub(1)).unwrap_or(u64::MAX)
}

const fn queue_id(queue: usize) -> QueueId {
    QueueId::from_uuid(Uuid::from_u128(queue as u128 + 1))
}

/// The queues as the engine knows them.
pub(super) fn terms(scenario: &Scenario) -> impl Iterator<Item = Terms> {
    scenario
        .queues
        .iter()
        .enumerate()
        .map(|(queue, line)| Terms {
            id: queue_id(queue),
            offer_timeout: line.offer_timeout,
            wrap_up: line.wrap_up,
            most_wrap_up: line.wrap_up,
            max_lapsed_offers: line.max_lapsed_offers,
            most_waiting: line.most_waiting,
            answer_target: line.target,
            short_abandon: line.short_abandon,
            discipline: line.discipline,
            commanded: false,
        })
}

/// An agent as the engine knows them.
pub(super) fn profile(scenario: &Scenario, seat: usize, team: usize) -> Profile {
    let team = &scenario.teams[team];
    Profile {
        id: agent_id(seat),
        queues: team.queues.iter().map(|queue| queue_id(*queue)).collect(),
        skills: team.skills.clone(),
        skills_until: Default::default(),
        capacity: team.capacity.clone(),
        work_selection: team.work_selection,
        kind: AgentKind::Person,
        shifts: None,
    }
}

/// A contact as the engine knows it.
pub(super) fn work(scenario: &Scenario, demand: usize, number: u64, now: Micros) -> WorkItem {
    let demand = &scenario.demands[demand];
    WorkItem {
        id: item_id(number),
        ticket: TicketId::from_uuid(item_id(number).uuid()),
        interaction: None,
        customer: None,
        channel: demand.channel,
        queue: queue_id(demand.queue),
        skills: demand.skills.clone(),
        priority: demand.priority,
        queued_at: now,
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
