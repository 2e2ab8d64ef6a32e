//! The life of a work item apart from its offers: queued, withdrawn, completed.

use rapport_foundation::id::{QueueId, TicketId, WorkItemId};
use rapport_foundation::time::Micros;

use super::commands::About;
use super::input::{Effect, Refusal};
use super::seat::Seat;
use super::{Engine, Timer};
use crate::domain::contact_command::CommandKind;
use crate::domain::policy::Route;
use crate::domain::{Channel, CustomerRef, OfferEnd, Priority, Skills, WorkItem, WorkState};

/// What becomes of work that nobody has accepted.
pub(super) struct Change {
    queue: QueueId,
    skills: Skills,
    priority: Priority,
    route: Option<Box<Route>>,
    /// Whom it is offered to may keep it, if they still may take it.
    keeps_offer: bool,
}

impl Change {
    pub(super) const fn by_hand(queue: QueueId, skills: Skills, priority: Priority) -> Self {
        Self {
            queue,
            skills,
            priority,
            route: None,
            keeps_offer: false,
        }
    }

    /// To where a route is; none when it has no targets.
    pub(super) fn along(route: Route, priority: Priority, keeps_offer: bool) -> Option<Self> {
        Some(Self {
            queue: route.leg()?.queue,
            skills: route.skills(),
            priority: route.priority(priority),
            route: Some(Box::new(route)),
            keeps_offer,
        })
    }
}

impl Engine {
    pub(super) fn queue(
        &mut self,
        now: Micros,
        work: WorkItem,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        if !self.has_room(work.queue, work.channel, &work.skills) {
            return Err(Refusal::QueueFull);
        }
        self.admit(now, work, out)
    }

    /// The same, however many wait.
    pub(super) fn admit(
        &mut self,
        now: Micros,
        work: WorkItem,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let id = work.id;
        if self.items.contains_key(&id) {
            return Err(Refusal::WorkKnown);
        }
        self.insert(WorkItem {
            state: WorkState::Waiting,
            ..work
        });
        self.touched.open.insert(id);
        out.push(Effect::Queued { item: id });
        self.match_item(now, id, out);
        Ok(())
    }

    /// Whether one more may come to the queue. Who need not wait is never turned away: a limit of zero is a queue
    /// without a waiting room.
    pub fn has_room(&mut self, queue: QueueId, channel: Channel, skills: &Skills) -> bool {
        let most = self.queues.get(&queue).and_then(|q| q.most_waiting);
        let Some(most) = most.and_then(|most| usize::try_from(most).ok()) else {
            return true;
        };
        if self.waiting.len_of(queue) < most {
            return true;
        }
        let asked = self.book.grades(skills);
        self.floor
            .first(queue, channel, &asked, |_| false)
            .is_some()
    }

    /// Puts an open item into every index that its state asks for.
    pub(super) fn insert(&mut self, work: WorkItem) {
        let id = work.id;
        self.by_ticket.insert((work.ticket, id));
        for decline in &work.declines {
            self.timers
                .set(decline.until, Timer::DeclineEnds(id, decline.agent));
        }
        for agent in work.agents() {
            let accepted = work.offer().is_none();
            self.floor.change(agent, |seat| {
                seat.take(id, work.channel);
                seat.working += u16::from(accepted);
                if work.parked().is_some() {
                    seat.park(id, work.channel);
                }
            });
        }
        let held = self.hold(work);
        if let Some(at) = held.eases_at {
            self.timers.set(at, Timer::WorkEases(id));
        }
        if let Some(until) = held.work.route.as_ref().and_then(|route| route.until) {
            self.timers.set(until, Timer::TargetEnds(id));
        }
        if let Some(kept) = held.work.kept() {
            self.timers.set(kept.until, Timer::KeepEnds(id));
        }
        if let Some(until) = held.work.paused_until() {
            self.timers.set(until, Timer::PauseEnds(id));
        }
        if let Some(parked) = held.work.parked() {
            self.timers.set(parked.until, Timer::ParkEnds(id));
        }
        match &held.work.state {
            WorkState::Waiting => {
                self.waiting.insert(held.spot(), held.rank());
            }
            WorkState::Offered(_) => {
                for offer in held.work.offers() {
                    self.offers.insert(offer.id, id);
                    let lapses = Timer::OfferLapses(id, offer.agent);
                    self.timers.set(offer.expires_at, lapses);
                }
            }
            WorkState::WrappingUp { until, .. } => self.timers.set(*until, Timer::WrapUpEnds(id)),
            _ => {}
        }
        self.items.insert(id, Box::new(held));
    }

    pub(super) fn withdraw(
        &mut self,
        now: Micros,
        id: WorkItemId,
        abandoned: bool,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let work = self.item(id).ok_or(Refusal::WorkNotOpen)?;
        if abandoned && work.is_to_be_called() {
            // They hung up to be called.
            return Ok(());
        }
        if !matches!(work.state, WorkState::Waiting | WorkState::Offered(_)) {
            return self.contact_over(now, id, abandoned, out);
        }
        let wait = work.waited(now);
        let reason = if abandoned {
            OfferEnd::Abandoned
        } else {
            OfferEnd::Withdrawn
        };
        let freed = self.end_offers(id, reason, out);
        self.leave_consult(id, out);
        if abandoned {
            self.note_left(now, id);
            self.close_item(id, WorkState::Abandoned { at: now });
            out.push(Effect::Abandoned { item: id, wait });
        } else {
            self.hang_up_waiting(id, out);
            self.close_item(id, WorkState::Withdrawn { at: now });
            out.push(Effect::Withdrawn { item: id });
        }
        for agent in freed {
            self.match_agent(now, agent, out);
        }
        Ok(())
    }

    /// Nobody is to take a contact any more that waits with its connector: it ends. Who is asked about one has none of their
    /// own, and who is to be called has hung up.
    fn hang_up_waiting(&self, id: WorkItemId, out: &mut Vec<Effect>) {
        let work = self.item(id);
        let waits = work.filter(|work| work.consult_of().is_none() && !work.is_to_be_called());
        if waits.is_some() {
            self.command(id, CommandKind::HangUp, About::default(), out);
        }
    }

    /// The contact ended in its agent's hands: the agent completes the work, but if they do not return there is nobody
    /// on the line for anybody else.
    fn contact_over(
        &mut self,
        now: Micros,
        id: WorkItemId,
        abandoned: bool,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let held = self.items.get_mut(&id).ok_or(Refusal::WorkNotOpen)?;
        if !abandoned || !matches!(held.work.state, WorkState::Accepted { .. }) {
            return Err(Refusal::WorkAccepted);
        }
        let passage = held.work.passage.as_deref();
        let told = passage.is_none_or(|p| p.over || p.connector.is_none());
        if !held.work.settled || !told {
            held.work.settled = true;
            if held.work.has_connector() {
                held.work.pass(|passage| passage.over = true);
            }
            self.touch_item(id);
        }
        // Whoever is asked about it is on the line with nobody they need.
        let asked = self.item(id).and_then(WorkItem::consult);
        if let Some(asked) = asked.and_then(|asked| self.items.get_mut(&asked)) {
            let over = asked.work.has_connector();
            asked.work.pass(|passage| passage.over = over);
        }
        self.end_consult(now, id, out);
        Ok(())
    }

    pub(super) fn change_item(
        &mut self,
        now: Micros,
        id: WorkItemId,
        change: Change,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let work = self.item(id).ok_or(Refusal::WorkNotOpen)?;
        if !matches!(work.state, WorkState::Waiting | WorkState::Offered(_)) {
            return Err(Refusal::WorkAccepted);
        }
        let moves = work.queue != change.queue || work.skills != change.skills;
        if !moves && work.priority == change.priority && work.route == change.route {
            return Ok(());
        }
        let (from, channel) = (work.queue, work.channel);
        if from != change.queue && !self.has_room(change.queue, channel, &change.skills) {
            return Err(Refusal::QueueFull);
        }
        let keeps = change.keeps_offer && self.may_keep(now, id, &change);
        let kept = self.item(id).and_then(WorkItem::agent).filter(|_| keeps);
        let freed = if moves {
            self.end_offers_but(id, kept, OfferEnd::Withdrawn, out)
        } else {
            Vec::new()
        };
        if moves {
            self.stop_keeping(id);
        }
        self.stop_waiting(id);
        self.alter(now, id, |work| {
            work.queue = change.queue;
            work.skills = change.skills;
            work.priority = change.priority;
            work.route = change.route;
        });
        self.time_leg(id);
        self.touch_item(id);
        if moves {
            // Kept by one, and new to the others of its queue.
            self.note_unfilled(id);
        }
        // Who had it before them takes what is first now, which need not be this.
        for agent in freed {
            self.match_agent(now, agent, out);
        }
        self.match_item(now, id, out);
        Ok(())
    }

    /// Whether the agent it is offered to, of several the first, may take it as it is to be.
    fn may_keep(&mut self, now: Micros, id: WorkItemId, change: &Change) -> bool {
        let route = change.route.as_deref();
        let (asked, _) = self.book.asked(now, &change.skills, route);
        let offered = self.item(id).and_then(WorkItem::offer);
        let seat = offered.and_then(|offer| self.floor.seat(offer.agent));
        let keeps =
            |seat: &Seat| seat.profile.queues.contains(&change.queue) && seat.held.cover(&asked);
        seat.is_some_and(keeps)
    }

    pub(super) fn know_customer(&mut self, ticket: TicketId, customer: CustomerRef) {
        for id in self.ids_of(ticket).collect::<Vec<_>>() {
            if let Some(held) = self.items.get_mut(&id)
                && held.work.customer != Some(customer)
            {
                held.work.customer = Some(customer);
                self.touch_item(id);
            }
        }
    }

    pub(super) fn settle_ticket(&mut self, now: Micros, ticket: TicketId, out: &mut Vec<Effect>) {
        for id in self.ids_of(ticket).collect::<Vec<_>>() {
            // What is in somebody's hands refuses, and that is right: they finish it.
            let _ = self.withdraw(now, id, false, out);
        }
        self.mark_settled(ticket, true);
    }

    pub(super) fn mark_settled(&mut self, ticket: TicketId, settled: bool) {
        for id in self.ids_of(ticket).collect::<Vec<_>>() {
            // Where nobody is at the other end any more, nothing is taken up again.
            let item = self.item(id);
            let past = item.is_some_and(|work| work.is_over() || self.is_past_consult(work));
            if let Some(held) = self.items.get_mut(&id)
                && held.work.settled != settled
                && (settled || !past)
            {
                held.work.settled = settled;
                self.touch_item(id);
            }
        }
    }
}
