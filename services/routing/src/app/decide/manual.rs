//! What supervisors decide about work by hand. The history of its ticket tells who did it and what for.

use rapport_foundation::id::{AgentId, QueueId, TicketChangeId, TicketId, WorkItemId};

use super::super::Error;
use super::super::command::Done;
use super::Fold;
use super::history::record_of;
use crate::domain::engine::{Handing, Input, Refusal};
use crate::domain::sla::Happening;
use crate::domain::{By, Changed, HistoryEntry, Priority, TicketField, WorkItem};
use crate::store::Worded;

impl Fold<'_> {
    pub(super) fn assign_work(
        &mut self,
        item: WorkItemId,
        to: Handing,
        said: &By,
    ) -> Result<Done, Error> {
        self.known_agent(to.agent)?;
        let before = self.open_work(item)?;
        self.step(Input::WorkAssigned { item, to })?;
        self.tell(
            &before,
            TicketField::WorkAgent,
            holder(&before),
            Some(to),
            said,
        );
        Ok(self.work_done(item))
    }

    pub(super) fn move_work_by_hand(
        &mut self,
        item: WorkItemId,
        queue: QueueId,
        priority: Option<Priority>,
        said: &By,
    ) -> Result<Done, Error> {
        self.known_queue(queue)?;
        let before = self.open_work(item)?;
        let ticket = self.loaded.tickets.get(&before.ticket);
        let own = self.own_skills(&before, ticket.ok_or(Error::Broken)?);
        self.step(Input::WorkMoved {
            item,
            queue,
            skills: self.skills_for(queue, &own),
            priority: priority.unwrap_or(before.priority),
        })?;
        let what = Changed {
            field: TicketField::WorkQueue,
            old: format!("{item},{}", before.queue),
            new: format!("{item},{queue}"),
        };
        self.add_change(before.ticket, what, said);
        Ok(self.work_done(item))
    }

    pub(super) fn release_work(
        &mut self,
        item: WorkItemId,
        to: Option<Handing>,
        said: &By,
    ) -> Result<Done, Error> {
        if let Some(to) = to {
            self.known_agent(to.agent)?;
        }
        let before = self.open_work(item)?;
        self.step(Input::WorkReleased { item, to })?;
        self.tell(&before, TicketField::WorkAgent, holder(&before), to, said);
        Ok(self.work_done(item))
    }

    /// Whoever takes live work has answered the customer, unless a connector is to connect them first, or they are a bot.
    pub(super) fn answer_by_taking(&mut self, item: WorkItemId, agent: AgentId) {
        let engine = &self.tenant.engine;
        let work = engine.last_seen(item);
        let live = work.filter(|work| work.channel.is_live() && !work.is_commanded());
        if let Some(work) = live.filter(|_| !engine.is_virtual(agent)) {
            self.happened(work.ticket, self.now, Happening::AgentReply);
        }
    }

    pub(super) fn open_work(&self, item: WorkItemId) -> Result<WorkItem, Error> {
        let work = self.tenant.engine.item(item);
        Ok(work.cloned().ok_or(Refusal::WorkNotOpen)?)
    }

    /// Tells who had the work, and who has it now. Who has it at once has taken it up.
    fn tell(
        &mut self,
        work: &WorkItem,
        field: TicketField,
        old: String,
        to: Option<Handing>,
        said: &By,
    ) {
        let mut new = work.id.to_string();
        if let Some(to) = to {
            new = format!("{new},{}", to.agent);
            let beyond = self.tenant.engine.last_seen(work.id);
            let beyond = beyond.is_some_and(|work| work.figures.over_capacity);
            for (holds, name) in [
                (to.forced, "forced"),
                (beyond, "over_capacity"),
                (to.without_skills, "without_skills"),
            ] {
                if holds {
                    new = format!("{new},{name}");
                }
            }
        }
        self.add_change(work.ticket, Changed { field, old, new }, said);
        if let Some(to) = to.filter(|to| to.forced) {
            self.take_up_by(work.ticket, to.agent, said);
            self.answer_by_taking(work.id, to.agent);
        }
    }

    pub(super) fn add_change(&mut self, id: TicketId, what: Changed, said: &By) {
        let Some(ticket) = self.loaded.tickets.get(&id) else {
            return;
        };
        let what = HistoryEntry {
            id: TicketChangeId::new(self.now),
            ticket: id,
            at: self.now,
            version: ticket.version,
            by: said.clone(),
            what,
        };
        let record = record_of(ticket);
        self.decision.history.push(Worded { what, record });
    }
}

/// A work item and whose it is, as the history tells it.
pub(super) fn holder(work: &WorkItem) -> String {
    match work.agent() {
        Some(agent) => format!("{},{agent}", work.id),
        None => work.id.to_string(),
    }
}
