//! The routing engine: a pure state machine.
//!
//! [`Engine::step`] takes the time and one [`Input`] and answers with [`Effect`]s. It does no
//! I/O, reads no clock and draws no random number, so the same inputs give the same decisions
//! on any machine: in production, in a replay and in a simulation. Timers are data: the
//! driver asks [`Engine::next_deadline`] and calls again with [`Input::Tick`].
//!
//! What keeps a step cheap is never looking at everything: waiting work is kept by queue and
//! the skills it asks for (`waiting`), free agents by queue in the order they are asked (`floor`).

mod assign;
mod broadcast;
mod callback;
mod candidates;
mod check;
mod commands;
mod completing;
mod consult;
mod easing;
mod effect;
mod figures;
mod floor;
mod input;
mod lifecycle;
mod manual;
mod park;
mod presence;
mod records;
mod refusal;
mod restore;
mod route;
mod seat;
mod select;
mod shifts;
mod skills;
mod split;
mod timers;
mod transfer;
mod waiting;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use rapport_foundation::id::{AgentId, CalendarId, OfferId, QueueId, TicketId, WorkItemId};
use rapport_foundation::time::Micros;
use uuid::Uuid;

pub use candidates::{Candidate, Hindrance, Vacancy};
pub use check::Fault;
pub use figures::AtWork;
pub use input::{Effect, Input, Profile, Refusal, StreamId, Terms};
pub use manual::Handing;
pub use records::{Pace, Turn};
pub use restore::{Changes, Snapshot};

use crate::domain::sla::Hours;
use crate::domain::{Presence, Standing, WorkItem, WorkState};
use floor::Floor;
use lifecycle::Change;
use records::Records;
use skills::{Grades, SkillBook};
use timers::{Timer, Timers};
use waiting::{Line, Rank, Spot, Waiting};

/// What holds for every queue of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long accepted work is kept for an agent whose last stream broke.
    pub grace: Duration,
    /// How long an agent who said no to a work item is passed over for it.
    pub decline_pause: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            grace: Duration::from_secs(60),
            decline_pause: Duration::from_secs(30),
        }
    }
}

/// By ids and codes that the service or the tenant made, looked up many times in a decision.
type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// One tenant's agents, queues and open work, and who gets what.
#[derive(Clone, Debug, Default)]
pub struct Engine {
    settings: Settings,
    queues: Map<QueueId, Terms>,
    floor: Floor,
    items: Map<WorkItemId, Box<Held>>,
    offers: Map<OfferId, WorkItemId>,
    by_ticket: BTreeSet<(TicketId, WorkItemId)>,
    waiting: Waiting,
    timers: Timers,
    book: SkillBook,
    records: Records,
    calendars: BTreeMap<CalendarId, Hours>,
    /// What went out as an offer in this step, or lost one of several: it may go to more.
    unfilled: BTreeSet<WorkItemId>,
    touched: Touched,
}

/// An open work item and what is derived from it once.
#[derive(Clone, Debug)]
struct Held {
    work: WorkItem,
    /// What it asks for now.
    asked: Grades,
    /// When it asks for less, unless somebody accepts it before.
    eases_at: Option<Micros>,
}

#[derive(Clone, Debug, Default)]
struct Touched {
    open: BTreeSet<WorkItemId>,
    ended: BTreeMap<WorkItemId, WorkItem>,
    agents: BTreeSet<AgentId>,
}

impl Held {
    fn rank(&self) -> Rank {
        Rank::of(&self.work)
    }

    fn spot(&self) -> Spot<'_> {
        Spot {
            line: Line::of(&self.work),
            channel: self.work.channel,
            asked: &self.asked,
        }
    }
}

impl Engine {
    /// An engine that knows nobody.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            ..Self::default()
        }
    }

    /// Decides. What became due by `now` is settled first, so nothing is decided on a state
    /// that time has overtaken: an offer that lapsed at `now` cannot be accepted at `now`.
    pub fn step(&mut self, now: Micros, input: Input) -> Vec<Effect> {
        let mut out = Vec::new();
        self.floor.set_now(now);
        while let Some(timer) = self.timers.take_due(now) {
            self.fire(now, timer, &mut out);
        }
        let refused = match input {
            Input::Tick => Ok(()),
            Input::WorkItemQueued(work) => self.queue(now, *work, &mut out),
            Input::WorkItemAdmitted(work) => self.admit(now, *work, &mut out),
            Input::WorkItemWithdrawn { item, abandoned } => {
                self.withdraw(now, item, abandoned, &mut out)
            }
            Input::WorkItemChanged {
                item,
                queue,
                skills,
                priority,
            } => self.change_item(
                now,
                item,
                Change::by_hand(queue, skills, priority),
                &mut out,
            ),
            Input::RoutedWorkChanged {
                item,
                own,
                priority,
            } => self.change_routed(now, item, own, priority, &mut out),
            Input::CustomerKnown { ticket, customer } => {
                self.know_customer(ticket, customer);
                Ok(())
            }
            Input::TicketSettled(ticket) => {
                self.settle_ticket(now, ticket, &mut out);
                Ok(())
            }
            Input::TicketReopened(ticket) => {
                self.mark_settled(ticket, false);
                Ok(())
            }
            Input::WorkSplit { items, ticket } => {
                self.split(&items, ticket);
                Ok(())
            }
            Input::QueueChanged(terms) => {
                self.set_terms(now, terms, &mut out);
                Ok(())
            }
            Input::AgentChanged(profile) => {
                self.set_profile(now, profile, &mut out);
                Ok(())
            }
            Input::StatusSet {
                agent,
                status,
                reason,
            } => self.set_status(now, agent, status, reason, &mut out),
            Input::StreamOpened { agent, stream } => self.open_stream(now, agent, stream, &mut out),
            Input::StreamClosed { agent, stream } => {
                self.close_stream(now, agent, stream, &mut out)
            }
            Input::OfferAccepted { offer, agent } => self.accept(now, offer, agent, &mut out),
            Input::OfferRejected { offer, agent } => self.reject(now, offer, agent, &mut out),
            Input::WorkCompleted {
                item,
                agent,
                disposition,
                skip_wrap_up,
            } => self.complete_by_hand(now, (item, agent), (disposition, skip_wrap_up), &mut out),
            Input::WrapUpEnded { item, agent } => {
                self.end_wrap_up_early(now, item, agent, &mut out)
            }
            Input::WrapUpExtended { item, agent, by } => {
                self.extend_wrap_up((item, agent), by, &mut out)
            }
            Input::WorkAssigned { item, to } => self.assign(now, item, to, &mut out),
            Input::WorkMoved {
                item,
                queue,
                skills,
                priority,
            } => self.move_work(now, item, (queue, skills, priority), &mut out),
            Input::WorkReleased { item, to } => self.release(now, item, to, &mut out),
            Input::WorkHandedOver {
                item,
                agent,
                queue,
                skills,
                priority,
            } => self.hand_over(now, item, agent, (queue, skills, priority), &mut out),
            Input::CalendarChanged { calendar, hours } => {
                self.set_calendar(now, calendar, *hours, &mut out);
                Ok(())
            }
            Input::WorkHandedOn {
                item,
                agent,
                next,
                disposition,
                skip_wrap_up,
            } => self.hand_on(
                now,
                (item, agent),
                *next,
                (disposition, skip_wrap_up),
                &mut out,
            ),
            Input::CallbackRequested {
                item,
                attempts,
                pause,
                not_before,
            } => self.request_callback(now, item, (attempts, pause), not_before, &mut out),
            Input::NotCalled { item, agent, at } => {
                self.not_called(now, (item, agent, at), &mut out)
            }
            Input::ConsultStarted {
                item,
                agent,
                consult,
            } => self.start_consult(now, (item, agent), *consult, &mut out),
            Input::ConsultEnded { item, agent } => self.end_consult_of(now, item, agent, &mut out),
            Input::TransferCompleted {
                item,
                agent,
                disposition,
                skip_wrap_up,
            } => {
                let how = (disposition, skip_wrap_up);
                self.complete_transfer(now, (item, agent), how, &mut out)
            }
            Input::ConferenceStarted { item, agent } => {
                self.start_conference(now, item, agent, &mut out)
            }
            Input::Called { item } => {
                self.note_called(now, item);
                Ok(())
            }
            Input::Connected { item, agent, at } => self.connected(now, (item, agent, at)),
            Input::NotConnected {
                item,
                agent,
                at,
                unreachable,
            } => self.not_connected(now, (item, agent, at), unreachable, &mut out),
            Input::NotTransferred { item, from, given } => {
                self.not_transferred(now, (item, from), given, &mut out)
            }
            Input::WorkParked { item, agent, until } => {
                self.park(now, (item, agent), until, &mut out)
            }
            Input::WorkUnparked { item, agent } => self.unpark(now, item, agent, &mut out),
            Input::CustomerWrote(ticket) => {
                self.customer_wrote(now, ticket, &mut out);
                Ok(())
            }
            Input::NotDone {
                item,
                agent,
                kind,
                at,
            } => self.not_done((item, agent), kind, at, &mut out),
            Input::WorkHeld { item, agent } => self.put_on_hold(now, item, agent, &mut out),
            Input::WorkResumed { item, agent } => self.take_from_hold(now, item, agent, &mut out),
        };
        self.fill_up(now, &mut out);
        if let Err(refusal) = refused {
            out.push(Effect::Refused(refusal));
        }
        out
    }

    /// When the engine wants to be woken with [`Input::Tick`], if ever.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Micros> {
        self.timers.next()
    }

    /// The rows touched since the last call, as they are now. Whoever drives the engine
    /// stores them before telling anybody of the effects.
    pub fn take_changes(&mut self) -> Changes {
        let touched = std::mem::take(&mut self.touched);
        let mut items: BTreeMap<WorkItemId, WorkItem> = touched.ended;
        for id in touched.open {
            if let Some(held) = self.items.get(&id) {
                items.insert(id, held.work.clone());
            }
        }
        let agents = touched
            .agents
            .into_iter()
            .filter_map(|id| Some((id, self.standing(id)?.clone())));
        let agents = agents.collect();
        let (paces, turns) = self.records.take_changes();
        Changes {
            items: items.into_values().collect(),
            agents,
            paces,
            turns,
        }
    }

    /// An open work item.
    #[must_use]
    pub fn item(&self, id: WorkItemId) -> Option<&WorkItem> {
        self.items.get(&id).map(|held| &held.work)
    }

    /// A work item that is open or was when the changes were last taken.
    #[must_use]
    pub fn last_seen(&self, id: WorkItemId) -> Option<&WorkItem> {
        self.item(id).or_else(|| self.touched.ended.get(&id))
    }

    /// The open work items of a ticket.
    pub fn items_of(&self, ticket: TicketId) -> impl Iterator<Item = &WorkItem> {
        self.ids_of(ticket).filter_map(|id| self.item(id))
    }

    fn ids_of(&self, ticket: TicketId) -> impl Iterator<Item = WorkItemId> {
        let all = (ticket, WorkItemId::nil())..=(ticket, WorkItemId::from_uuid(Uuid::max()));
        self.by_ticket.range(all).map(|(_, id)| *id)
    }

    /// What an agent has in hand: offered, accepted, in wrap-up; by id.
    pub fn held_by(&self, agent: AgentId) -> impl Iterator<Item = &WorkItem> {
        let seat = self.floor.seat(agent);
        seat.into_iter()
            .flat_map(|s| &s.holds)
            .filter_map(|id| self.item(*id))
    }

    /// How an agent stands.
    #[must_use]
    pub fn standing(&self, agent: AgentId) -> Option<&Standing> {
        self.floor.seat(agent).map(|seat| &seat.standing)
    }

    /// The work that waits, in no order.
    pub fn waiting_work(&self) -> impl Iterator<Item = &WorkItem> {
        let items = self.items.values().map(|held| &held.work);
        items.filter(|work| work.state == WorkState::Waiting)
    }

    /// Whether what is due next is an offer that lapses.
    #[must_use]
    pub fn offer_lapses_next(&self) -> bool {
        self.timers.offer_lapses_next()
    }

    /// How many work items wait, over all queues.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many work items wait in one queue.
    #[must_use]
    pub fn waiting_in(&self, queue: QueueId) -> usize {
        self.waiting.len_of(queue)
    }

    /// The settings of every agent.
    pub fn profiles(&self) -> impl Iterator<Item = &Profile> {
        self.floor.seats().map(|seat| &seat.profile)
    }

    /// Whether the queue is known.
    #[must_use]
    pub fn knows_queue(&self, queue: QueueId) -> bool {
        self.queues.contains_key(&queue)
    }

    fn fire(&mut self, now: Micros, timer: Timer, out: &mut Vec<Effect>) {
        match timer {
            Timer::OfferLapses(item, agent) => self.lapse(now, item, agent, out),
            Timer::WrapUpEnds(item) => self.end_wrap_up(now, item, out),
            Timer::DeclineEnds(item, agent) => self.end_decline(now, item, agent, out),
            Timer::GraceEnds(agent) => self.end_grace(now, agent, out),
            Timer::TargetEnds(item) => self.leave_leg(now, item, out),
            Timer::WorkEases(item) => self.ease(now, item, out),
            Timer::SkillEnds(agent) => self.end_skill(now, agent),
            Timer::ShiftTurns(agent) => self.turn_shift(now, agent, out),
            Timer::KeepEnds(item) => self.end_keeping(now, item, out),
            Timer::PauseEnds(item) => self.end_pause(now, item, out),
            Timer::ParkEnds(item) => self.end_park(now, item, out),
        }
    }

    fn rank_of(&self, id: WorkItemId) -> Option<Rank> {
        self.items.get(&id).map(|held| held.rank())
    }

    fn touch_item(&mut self, id: WorkItemId) {
        if let Some(held) = self.items.get_mut(&id) {
            held.work.version += 1;
            self.touched.open.insert(id);
        }
    }

    fn touch_agent(&mut self, id: AgentId) {
        self.touched.agents.insert(id);
    }

    /// Takes an open item out of everything and keeps its last state for the store.
    fn close_item(&mut self, id: WorkItemId, state: WorkState) {
        self.stop_waiting(id);
        self.stop_keeping(id);
        self.stop_easing(id);
        self.stop_pausing(id);
        let Some(mut held) = self.items.remove(&id) else {
            return;
        };
        self.waiting.remove(held.spot(), held.rank());
        for decline in held.work.declines.drain(..) {
            self.timers
                .cancel(decline.until, Timer::DeclineEnds(id, decline.agent));
        }
        self.by_ticket.remove(&(held.work.ticket, id));
        held.work.state = state;
        held.work.version += 1;
        self.touched.open.remove(&id);
        self.touched.ended.insert(id, held.work);
    }

    fn is_present(&self, agent: AgentId) -> bool {
        self.standing(agent)
            .is_some_and(|s| s.presence == Presence::Present)
    }
}
