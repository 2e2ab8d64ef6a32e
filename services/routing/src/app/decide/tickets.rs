use std::sync::Arc;

use rapport_foundation::events::Data;
use rapport_foundation::id::{AgentId, InteractionId, QueueId, TicketId, WorkItemId};
use rapport_foundation::time::Micros;
use rapport_proto::events::v1 as pb;

use super::super::Error;
use super::super::command::{Actor, Done, NewTicket};
use super::Fold;
use super::facts::facts;
use super::routing::Chosen;
use crate::domain::engine::Input;
use crate::domain::policy::Route;
use crate::domain::sla::Happening;
use crate::domain::{
    By, Channel, Code, Figures, Opening, Priority, Skills, Solution, Ticket, TicketChange,
    TicketState, WorkItem, WorkState, text,
};

/// The work that a ticket asks for.
pub(super) struct Asking {
    pub(super) channel: Channel,
    pub(super) interaction: Option<InteractionId>,
    pub(super) skills: Skills,
    pub(super) priority: Option<Priority>,
    /// Who holds the contact, with somebody at the other end.
    pub(super) connector: Option<Arc<str>>,
    /// The way a policy chose for it; none to the queue of its ticket.
    pub(super) route: Option<Box<Route>>,
}

impl Asking {
    /// Asked for by hand.
    fn by_hand(channel: Channel, route: Option<Box<Route>>) -> Self {
        Self {
            channel,
            interaction: None,
            skills: Skills::new(),
            priority: None,
            connector: None,
            route,
        }
    }
}

impl Fold<'_> {
    pub(super) fn open_ticket(&mut self, new: &NewTicket, said: &By) -> Result<Done, Error> {
        if let Some(parent) = new.parent {
            self.check_parent(None, parent)?;
        }
        let chosen = match new.queue {
            Some(id) => self.known_queue(id).map(|_| None)?,
            None => self.chosen_by_hand(new),
        };
        let target = chosen.as_ref().and_then(Chosen::start);
        let queue = match new.queue.or(target.map(|leg| leg.queue)) {
            Some(id) => id,
            None => self.default_queue(),
        };
        if let Some(channel) = new.work_channel {
            self.room_or_refuse(queue, channel, &new.skills, target)?;
        }
        let usual = self.usual_priority(queue);
        let priority = new.priority.unwrap_or(usual);
        let opening = Opening {
            subject: new.subject.clone(),
            description: new.description.clone(),
            priority: chosen
                .as_ref()
                .map_or(priority, |chosen| chosen.priority(priority)),
            queue,
            customer: new.customer,
            conversation: new.conversation,
            skills: new.skills.clone(),
            tags: new.tags.clone(),
            purpose: new.purpose,
            severity: new.severity,
            category: new.category.clone(),
            subcategory: new.subcategory.clone(),
            parent: new.parent,
            attributes: new.attributes.clone(),
            split_from: None,
        };
        let id = self.open(opening, None, said);
        self.count_from(id, self.now, new.work_channel);
        self.decision.customers.extend(new.customer);
        let route = self.keep_choice(id, chosen, &new.skills);
        if let Some(channel) = new.work_channel {
            self.ask(id, Asking::by_hand(channel, route))?;
        }
        Ok(Done::new(id.uuid(), 1))
    }

    /// Opens a ticket and publishes it.
    pub(super) fn open(
        &mut self,
        opening: Opening,
        by: Option<InteractionId>,
        said: &By,
    ) -> TicketId {
        let mut ticket = Ticket::open(TicketId::new(self.now), opening, self.now);
        // What is split from another is no contact of its own.
        if ticket.split_from.is_none() {
            ticket.repeat_of = self.loaded.repeats.repeated(&ticket);
        }
        self.loaded.repeats.add(&ticket);
        let id = ticket.id;
        let opened = pb::TicketOpened {
            ticket: Some(facts(&ticket)),
            interaction_id: text(by),
        };
        if let Some(conversation) = ticket.conversation {
            self.loaded
                .by_conversation
                .entry(conversation)
                .or_insert(id);
        }
        self.loaded.tickets.insert(id, ticket);
        self.put_ticket(id, None, said);
        self.publish(id, Data::TicketOpened(opened));
        id
    }

    /// Queues work for a ticket where there is room for it. Who asks by hand was refused before anything changed; what
    /// is asked for here is not lost for want of room, and waits in the ticket's queue all the same.
    pub(super) fn ask(&mut self, ticket: TicketId, asking: Asking) -> Result<WorkItemId, Error> {
        let whole = self.loaded.tickets.get(&self.whole(ticket));
        let known = whole.ok_or(Error::Broken)?;
        let queue = known.queue;
        let own = known.skills.clone().and(&asking.skills);
        let target = asking.route.as_ref().and_then(|route| route.leg());
        let room = self.room(queue, asking.channel, &own, target);
        let mut work = self.work_for(ticket, room.unwrap_or(queue), asking)?;
        let kept = self.kept_for(&work);
        work.pass(|passage| passage.kept = kept);
        let id = work.id;
        self.step(Input::WorkItemAdmitted(Box::new(work)))?;
        Ok(id)
    }

    /// The work item that an asking would queue there.
    pub(super) fn work_for(
        &self,
        ticket: TicketId,
        queue: QueueId,
        asking: Asking,
    ) -> Result<WorkItem, Error> {
        let whole = self.loaded.tickets.get(&self.whole(ticket));
        let whole = whole.ok_or(Error::Broken)?;
        let ticket = self.loaded.tickets.get(&ticket);
        let ticket = ticket.ok_or(Error::Broken)?;
        let mut skills = self.skills_for(queue, &whole.skills).and(&asking.skills);
        let mut priority = asking.priority.unwrap_or(whole.priority);
        // What was promised may have moved the ticket the moment it was opened.
        let route = asking.route.filter(|route| {
            let leg = route.leg();
            leg.is_some_and(|leg| leg.queue == queue)
        });
        if let Some(route) = &route {
            skills = route.skills();
            priority = route.priority(priority);
        }
        let mut work = WorkItem {
            id: WorkItemId::new(self.now),
            ticket: ticket.id,
            interaction: asking.interaction,
            customer: ticket.customer,
            channel: asking.channel,
            queue,
            skills,
            priority,
            queued_at: self.now,
            offers_made: 0,
            declines: Vec::new(),
            settled: false,
            handed_over: false,
            state: WorkState::Waiting,
            other_offers: Vec::new(),
            route,
            passage: None,
            traceparent: self.cause.clone(),
            figures: Figures::default(),
            version: 1,
        };
        work.pass(|passage| passage.connector = asking.connector);
        Ok(work)
    }

    pub(super) fn change_ticket(
        &mut self,
        id: TicketId,
        change: &TicketChange,
        etag: Option<i64>,
        said: &By,
    ) -> Result<Done, Error> {
        if let Some(queue) = change.queue {
            self.known_queue(queue)?;
        }
        if let Some(Some(owner)) = change.owner {
            self.known_agent(owner)?;
        }
        if let Some(Some(parent)) = change.parent {
            self.check_parent(Some(id), parent)?;
        }
        let now = self.now;
        let ticket = self.ticket(id, etag)?;
        let before = ticket.clone();
        if let Some(queue) = change.queue {
            self.room_to_move(&before, queue)?;
        }
        let ticket = self.ticket(id, etag)?;
        ticket.change(change.clone(), now)?;
        self.mark_repeat(id);
        let after = self.ticket(id, None)?.clone();
        self.put_ticket(id, Some(&before), said);
        self.publish_update(&before, id);
        self.changed_by_hand(&before, &after);
        let graded = change.priority.is_some() || before.priority != after.priority;
        if change.queue.is_some() || change.skills.is_some() || graded {
            self.move_work(&before, &after);
        }
        Ok(Done::new(id.uuid(), after.version))
    }

    /// Work nobody has accepted goes where its ticket goes. What the contact asked for beyond its ticket stays: the
    /// language of a caller, the urgency of a call. Work that a policy put on a way stays on it while the ticket stays in
    /// its queue. Where there is no room it stays where it waits.
    pub(super) fn move_work(&mut self, before: &Ticket, after: &Ticket) {
        for work in self.unaccepted(after) {
            let asked = (self.own_skills(&work, before))
                .beyond(&before.skills)
                .and(&after.skills);
            let priority = match work.priority == before.priority {
                true => after.priority,
                false => work.priority,
            };
            let input = if work.route.is_some() && before.queue == after.queue {
                Input::RoutedWorkChanged {
                    item: work.id,
                    own: asked,
                    priority,
                }
            } else {
                let moved = (after.queue != before.queue)
                    .then(|| self.room(after.queue, work.channel, &asked, None))
                    .flatten();
                let queue = moved.unwrap_or(work.queue);
                Input::WorkItemChanged {
                    item: work.id,
                    queue,
                    skills: self.skills_for(queue, &asked),
                    priority,
                }
            };
            // It was neither accepted nor is there no room.
            let _ = self.step(input);
        }
    }

    pub(super) fn resolve_ticket(
        &mut self,
        id: TicketId,
        by: Actor,
        solution: &Solution,
        etag: Option<i64>,
        said: &By,
    ) -> Result<Done, Error> {
        let (by, workers) = self.at_work(id, by);
        let now = self.now;
        let ticket = self.ticket(id, etag)?;
        let before = ticket.clone();
        ticket.resolve(by, workers, solution.clone(), now)?;
        let version = ticket.version;
        let resolved = pb::TicketResolved {
            ticket: Some(facts(ticket)),
            outcome: text(ticket.outcome.as_ref()),
            root_cause: text(ticket.root_cause.as_ref()),
        };
        self.put_ticket(id, Some(&before), said);
        self.publish(id, Data::TicketResolved(resolved));
        self.settled(id, Happening::Resolved)?;
        Ok(Done::new(id.uuid(), version))
    }

    pub(super) fn cancel_ticket(
        &mut self,
        id: TicketId,
        by: Actor,
        outcome: Option<&Code>,
        etag: Option<i64>,
        said: &By,
    ) -> Result<Done, Error> {
        let (by, workers) = self.at_work(id, by);
        let now = self.now;
        let ticket = self.ticket(id, etag)?;
        let before = ticket.clone();
        ticket.cancel(by, workers, outcome.cloned(), now)?;
        let version = ticket.version;
        let closed = pb::TicketClosed {
            ticket: Some(facts(ticket)),
            cancelled: true,
        };
        self.put_ticket(id, Some(&before), said);
        self.publish(id, Data::TicketClosed(closed));
        self.settled(id, Happening::Cancelled)?;
        Ok(Done::new(id.uuid(), version))
    }

    /// Who speaks, and who has accepted work of the ticket.
    fn at_work(&self, id: TicketId, by: Actor) -> (Option<AgentId>, Vec<AgentId>) {
        let accepted = |work: &WorkItem| match work.state {
            // Who is asked about another's contact holds up nothing.
            WorkState::Accepted { agent, .. } if work.consult_of().is_none() => Some(agent),
            _ => None,
        };
        let family = self.family(id).into_iter();
        let items = family.flat_map(|id| self.tenant.engine.items_of(id));
        let workers: Vec<AgentId> = items.filter_map(accepted).collect();
        let by = match by {
            Actor::Agent(agent) => Some(agent),
            Actor::ForOthers => workers.first().copied(),
        };
        (by, workers)
    }

    /// Nothing is to be solved any more, for now or for ever.
    fn settled(&mut self, id: TicketId, how: Happening) -> Result<(), Error> {
        // What follows in this batch opens a new one.
        let family = self.family(id);
        self.loaded
            .by_conversation
            .retain(|_, ticket| !family.contains(ticket));
        for id in family.iter().filter(|_| how == Happening::Resolved) {
            let ticket = self.loaded.tickets.get(id);
            if let Some(conversation) = ticket.and_then(|ticket| ticket.conversation) {
                self.loaded.solved.insert(conversation, *id);
            }
        }
        self.happened(id, self.now, how);
        self.step_family(id, Input::TicketSettled);
        Ok(())
    }

    pub(super) fn reopen_ticket(
        &mut self,
        id: TicketId,
        work_channel: Option<Channel>,
        etag: Option<i64>,
        said: &By,
    ) -> Result<Done, Error> {
        let now = self.now;
        let ticket = self.ticket(id, etag)?;
        if let Some(channel) = work_channel {
            let (queue, skills) = (ticket.queue, ticket.skills.clone());
            self.room_or_refuse(queue, channel, &skills, None)?;
        }
        let ticket = self.ticket(id, etag)?;
        let before = ticket.clone();
        ticket.reopen(now)?;
        let version = ticket.version;
        let reopened = pb::TicketReopened {
            ticket: Some(facts(ticket)),
        };
        self.put_ticket(id, Some(&before), said);
        self.publish(id, Data::TicketReopened(reopened));
        self.happened(id, now, Happening::Reopened);
        self.step_family(id, Input::TicketReopened);
        if let Some(channel) = work_channel {
            self.ask(id, Asking::by_hand(channel, None))?;
        }
        Ok(Done::new(id.uuid(), version))
    }

    pub(super) fn close_ticket(
        &mut self,
        id: TicketId,
        etag: Option<i64>,
        said: &By,
    ) -> Result<Done, Error> {
        let now = self.now;
        let ticket = self.ticket(id, etag)?;
        let before = ticket.clone();
        ticket.close(now)?;
        let version = ticket.version;
        let closed = pb::TicketClosed {
            ticket: Some(facts(ticket)),
            cancelled: false,
        };
        self.put_ticket(id, Some(&before), said);
        self.publish(id, Data::TicketClosed(closed));
        Ok(Done::new(id.uuid(), version))
    }

    /// An agent has accepted work of the ticket.
    pub(super) fn take_up(&mut self, id: TicketId, agent: AgentId) {
        self.take_up_by(id, agent, &By::agent(agent));
    }

    /// The same, because somebody wanted it so. A bot takes nothing up: nobody of us is at it yet.
    pub(super) fn take_up_by(&mut self, id: TicketId, agent: AgentId, by: &By) {
        if self.tenant.engine.is_virtual(agent) {
            return;
        }
        let (now, id) = (self.now, self.whole(id));
        let Some(ticket) = self.loaded.tickets.get_mut(&id) else {
            return;
        };
        let before = ticket.clone();
        let waited = ticket.waiting_on.is_some();
        if ticket.taken_up(agent, now) {
            self.put_ticket(id, Some(&before), by);
            self.publish_update(&before, id);
        }
        if waited {
            self.happened(id, now, Happening::Resumed);
        }
    }

    /// A ticket that stands for itself, in this version.
    pub(super) fn ticket(&mut self, id: TicketId, etag: Option<i64>) -> Result<&mut Ticket, Error> {
        self.own_ticket(id)?;
        let ticket = self.loaded.tickets.get_mut(&id);
        let ticket = ticket.ok_or_else(|| Error::not_found("ticket", id))?;
        if etag.is_some_and(|etag| etag != ticket.version) {
            return Err(Error::EtagMismatch);
        }
        Ok(ticket)
    }

    pub(super) fn skills_for(&self, queue: QueueId, own: &Skills) -> Skills {
        let queue = self.tenant.queues.get(&queue);
        match queue {
            Some(queue) => own.clone().and(&queue.required_skills),
            None => own.clone(),
        }
    }

    pub(super) fn usual_priority(&self, queue: QueueId) -> Priority {
        self.tenant
            .queues
            .get(&queue)
            .map_or(Priority::Normal, |queue| queue.default_priority)
    }

    /// A new contact about it came in: what waited for the customer waits no more.
    pub(super) fn wake(&mut self, id: TicketId, at: Micros) {
        let now = self.now;
        let open = TicketChange {
            state: Some(TicketState::Open),
            ..TicketChange::default()
        };
        let Some(ticket) = self.loaded.tickets.get_mut(&id) else {
            return;
        };
        let before = ticket.clone();
        if ticket.state == TicketState::Pending && ticket.change(open, now).is_ok() {
            self.put_ticket(id, Some(&before), &By::default());
            self.publish_update(&before, id);
            self.happened(id, at, Happening::Resumed);
        }
    }
}
