use rapport_foundation::events::Data;
use rapport_foundation::id::{AgentId, InteractionId, QueueId, TicketId, WorkItemId};
use rapport_foundation::time::Micros;
use rapport_proto::events::v1 as pb;
use rapport_proto::types::v1 as types;

use super::super::Error;
use super::super::command::{Actor, Done, NewTicket};
use super::Fold;
use super::routing::Chosen;
use crate::domain::engine::Input;
use crate::domain::policy::Route;
use crate::domain::sla::Happening;
use crate::domain::{
    Channel, Code, Opening, Priority, Skills, Ticket, TicketChange, TicketState, WorkItem,
    WorkState,
};

/// The work that a ticket asks for.
pub(super) struct Asking {
    pub(super) channel: Channel,
    pub(super) interaction: Option<InteractionId>,
    pub(super) skills: Skills,
    pub(super) priority: Option<Priority>,
    /// The way a policy chose for it; none to the queue of its ticket.
    pub(super) route: Option<Box<Route>>,
}

impl Asking {
    /// Asked for by hand.
    const fn by_hand(channel: Channel, route: Option<Box<Route>>) -> Self {
        Self {
            channel,
            interaction: None,
            skills: Skills::new(),
            priority: None,
            route,
        }
    }
}

impl Fold<'_> {
    pub(super) fn open_ticket(&mut self, new: &NewTicket) -> Result<Done, Error> {
        let chosen = match new.queue {
            Some(id) => self.known_queue(id).map(|_| None)?,
            None => self.chosen_by_hand(new),
        };
        let target = chosen.as_ref().and_then(Chosen::start).map(|leg| leg.queue);
        let queue = match new.queue.or(target) {
            Some(id) => id,
            None => self.default_queue(),
        };
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
        };
        let id = self.open(opening, None);
        self.count_from(id, self.now, new.work_channel);
        self.decision.customers.extend(new.customer);
        let route = self.keep_choice(id, chosen, &new.skills);
        if let Some(channel) = new.work_channel {
            self.ask(id, Asking::by_hand(channel, route))?;
        }
        Ok(Done::new(id.uuid(), 1))
    }

    /// Opens a ticket and publishes it.
    pub(super) fn open(&mut self, opening: Opening, by: Option<InteractionId>) -> TicketId {
        let ticket = Ticket::open(TicketId::new(self.now), opening, self.now);
        let id = ticket.id;
        let opened = pb::TicketOpened {
            ticket: Some(facts(&ticket)),
            interaction_id: by.map(|id| id.to_string()).unwrap_or_default(),
        };
        if let Some(conversation) = ticket.conversation {
            self.loaded
                .by_conversation
                .entry(conversation)
                .or_insert(id);
        }
        self.loaded.tickets.insert(id, ticket);
        self.tickets.insert(id);
        self.publish(id, Data::TicketOpened(opened));
        id
    }

    /// Queues work for a ticket.
    pub(super) fn ask(&mut self, ticket: TicketId, asking: Asking) -> Result<WorkItemId, Error> {
        let work = self.work_for(ticket, asking)?;
        let id = work.id;
        self.step(Input::WorkItemQueued(Box::new(work)))?;
        Ok(id)
    }

    /// The work item that an asking would queue.
    pub(super) fn work_for(&self, ticket: TicketId, asking: Asking) -> Result<WorkItem, Error> {
        let ticket = self.loaded.tickets.get(&ticket);
        let ticket = ticket.ok_or(Error::Broken)?;
        let mut skills = self.skills_for(ticket.queue, &ticket.skills);
        skills.extend(asking.skills);
        let mut priority = asking.priority.unwrap_or(ticket.priority);
        // What was promised may have moved the ticket the moment it was opened.
        let route = asking.route.filter(|route| {
            let leg = route.leg();
            leg.is_some_and(|leg| leg.queue == ticket.queue)
        });
        if let Some(route) = &route {
            skills = route.skills();
            priority = route.priority(priority);
        }
        Ok(WorkItem {
            id: WorkItemId::new(self.now),
            ticket: ticket.id,
            interaction: asking.interaction,
            customer: ticket.customer,
            channel: asking.channel,
            queue: ticket.queue,
            skills,
            priority,
            queued_at: self.now,
            offers_made: 0,
            declines: Vec::new(),
            settled: false,
            state: WorkState::Waiting,
            route,
            traceparent: self.cause.clone(),
            version: 1,
        })
    }

    pub(super) fn change_ticket(
        &mut self,
        id: TicketId,
        change: &TicketChange,
        etag: Option<i64>,
    ) -> Result<Done, Error> {
        if let Some(queue) = change.queue {
            self.known_queue(queue)?;
        }
        if let Some(Some(owner)) = change.owner {
            self.known_agent(owner)?;
        }
        let now = self.now;
        let ticket = self.ticket(id, etag)?;
        let before = ticket.clone();
        ticket.change(change.clone(), now)?;
        let after = ticket.clone();
        self.tickets.insert(id);
        self.changed_by_hand(&before, &after);
        if change.queue.is_some() || change.skills.is_some() || change.priority.is_some() {
            self.move_work(&before, &after);
        }
        Ok(Done::new(id.uuid(), after.version))
    }

    /// Work nobody has accepted goes where its ticket goes. What the contact asked for beyond its ticket stays: the
    /// language of a caller, the urgency of a call. Work that a policy put on a way stays on it while the ticket stays in
    /// its queue.
    pub(super) fn move_work(&mut self, before: &Ticket, after: &Ticket) {
        let old = self.skills_for(before.queue, &before.skills);
        let new = self.skills_for(after.queue, &after.skills);
        let open: Vec<WorkItem> = self.tenant.engine.items_of(after.id).cloned().collect();
        for work in open {
            let priority = match work.priority == before.priority {
                true => after.priority,
                false => work.priority,
            };
            let own: Skills = match &work.route {
                Some(route) => route.own.difference(&before.skills).cloned().collect(),
                None => work.skills.difference(&old).cloned().collect(),
            };
            let input = if work.route.is_some() && before.queue == after.queue {
                Input::RoutedWorkChanged {
                    item: work.id,
                    own: own.union(&after.skills).cloned().collect(),
                    priority,
                }
            } else {
                Input::WorkItemChanged {
                    item: work.id,
                    queue: after.queue,
                    skills: own.union(&new).cloned().collect(),
                    priority,
                }
            };
            // What is in an agent's hands stays there.
            let _ = self.step(input);
        }
    }

    pub(super) fn resolve_ticket(
        &mut self,
        id: TicketId,
        by: Actor,
        outcome: Option<&Code>,
        root_cause: Option<&Code>,
        etag: Option<i64>,
    ) -> Result<Done, Error> {
        let (by, workers) = self.at_work(id, by);
        let now = self.now;
        let ticket = self.ticket(id, etag)?;
        ticket.resolve(by, workers, outcome.cloned(), root_cause.cloned(), now)?;
        let version = ticket.version;
        let resolved = pb::TicketResolved {
            ticket: Some(facts(ticket)),
            outcome: ticket
                .outcome
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            root_cause: ticket
                .root_cause
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
        };
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
    ) -> Result<Done, Error> {
        let (by, workers) = self.at_work(id, by);
        let now = self.now;
        let ticket = self.ticket(id, etag)?;
        ticket.cancel(by, workers, outcome.cloned(), now)?;
        let version = ticket.version;
        let closed = pb::TicketClosed {
            ticket: Some(facts(ticket)),
            cancelled: true,
        };
        self.publish(id, Data::TicketClosed(closed));
        self.settled(id, Happening::Cancelled)?;
        Ok(Done::new(id.uuid(), version))
    }

    /// Who speaks, and who has accepted work of the ticket.
    fn at_work(&self, id: TicketId, by: Actor) -> (Option<AgentId>, Vec<AgentId>) {
        let accepted = |work: &WorkItem| match work.state {
            WorkState::Accepted { agent, .. } => Some(agent),
            _ => None,
        };
        let items = self.tenant.engine.items_of(id);
        let workers: Vec<AgentId> = items.filter_map(accepted).collect();
        let by = match by {
            Actor::Agent(agent) => Some(agent),
            Actor::ForOthers => workers.first().copied(),
        };
        (by, workers)
    }

    /// Nothing is to be solved any more, for now or for ever.
    fn settled(&mut self, id: TicketId, how: Happening) -> Result<(), Error> {
        self.tickets.insert(id);
        // What follows in this batch opens a new one.
        self.loaded
            .by_conversation
            .retain(|_, ticket| *ticket != id);
        let conversation = self.loaded.tickets.get(&id).and_then(|t| t.conversation);
        if let Some(conversation) = conversation.filter(|_| how == Happening::Resolved) {
            self.loaded.solved.insert(conversation, id);
        }
        self.happened(id, self.now, how);
        self.step(Input::TicketSettled(id))?;
        Ok(())
    }

    pub(super) fn reopen_ticket(
        &mut self,
        id: TicketId,
        work_channel: Option<Channel>,
        etag: Option<i64>,
    ) -> Result<Done, Error> {
        let now = self.now;
        let ticket = self.ticket(id, etag)?;
        ticket.reopen(now)?;
        let version = ticket.version;
        let reopened = pb::TicketReopened {
            ticket: Some(facts(ticket)),
        };
        self.tickets.insert(id);
        self.publish(id, Data::TicketReopened(reopened));
        self.happened(id, now, Happening::Reopened);
        self.step(Input::TicketReopened(id))?;
        if let Some(channel) = work_channel {
            self.ask(id, Asking::by_hand(channel, None))?;
        }
        Ok(Done::new(id.uuid(), version))
    }

    pub(super) fn close_ticket(&mut self, id: TicketId, etag: Option<i64>) -> Result<Done, Error> {
        let now = self.now;
        let ticket = self.ticket(id, etag)?;
        ticket.close(now)?;
        let version = ticket.version;
        let closed = pb::TicketClosed {
            ticket: Some(facts(ticket)),
            cancelled: false,
        };
        self.tickets.insert(id);
        self.publish(id, Data::TicketClosed(closed));
        Ok(Done::new(id.uuid(), version))
    }

    /// An agent has accepted work of the ticket.
    pub(super) fn take_up(&mut self, id: TicketId, agent: AgentId) {
        let now = self.now;
        let Some(ticket) = self.loaded.tickets.get_mut(&id) else {
            return;
        };
        let waited = ticket.waiting_on.is_some();
        if ticket.taken_up(agent, now) {
            self.tickets.insert(id);
        }
        if waited {
            self.happened(id, now, Happening::Resumed);
        }
    }

    fn ticket(&mut self, id: TicketId, etag: Option<i64>) -> Result<&mut Ticket, Error> {
        let ticket = self.loaded.tickets.get_mut(&id);
        let ticket = ticket.ok_or_else(|| Error::not_found("ticket", id))?;
        if etag.is_some_and(|etag| etag != ticket.version) {
            return Err(Error::EtagMismatch);
        }
        Ok(ticket)
    }

    fn skills_for(&self, queue: QueueId, own: &Skills) -> Skills {
        let mut skills = own.clone();
        if let Some(queue) = self.tenant.queues.get(&queue) {
            skills.extend(queue.required_skills.iter().cloned());
        }
        skills
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
        if let Some(ticket) = self.loaded.tickets.get_mut(&id)
            && ticket.state == TicketState::Pending
            && ticket.change(open, now).is_ok()
        {
            self.tickets.insert(id);
            self.happened(id, at, Happening::Resumed);
        }
    }
}

/// What every event of a ticket says about it.
pub(super) fn facts(ticket: &Ticket) -> pb::TicketFacts {
    pb::TicketFacts {
        ticket_id: ticket.id.to_string(),
        conversation_id: ticket
            .conversation
            .map(|id| id.to_string())
            .unwrap_or_default(),
        customer: ticket.customer.map(|customer| types::CustomerRef {
            customer_id: customer.customer.to_string(),
            record_id: customer.record.to_string(),
        }),
        queue_id: ticket.queue.to_string(),
        owner_agent_id: ticket.owner.map(|id| id.to_string()).unwrap_or_default(),
    }
}
