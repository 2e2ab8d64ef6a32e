//! What virtual agents do beyond taking offers and completing work.

use rapport_foundation::id::{AgentId, WorkItemId};

use super::super::Error;
use super::super::command::{Done, NewHandOver};
use super::Fold;
use super::history::record_of;
use crate::domain::engine::{Input, Refusal};
use crate::domain::{By, Changed, HandOver, TicketField};
use crate::store::Worded;

impl Fold<'_> {
    /// Work goes from a virtual agent to a queue where there is room, and what was collected goes with it. It stops no
    /// clock: nobody has answered yet.
    pub(super) fn hand_work_over(
        &mut self,
        item: WorkItemId,
        agent: AgentId,
        to: &NewHandOver,
        said: &By,
    ) -> Result<Done, Error> {
        self.known_queue(to.queue)?;
        let before = self.tenant.engine.item(item).cloned();
        let before = before.ok_or(Refusal::WorkNotOpen)?;
        let ticket = self.loaded.tickets.get(&before.ticket);
        let ticket = ticket.ok_or(Error::Broken)?;
        let (own, record) = (self.own_skills(&before, ticket), record_of(ticket));
        let queue = self.room_or_refuse(to.queue, before.channel, &own, None)?;
        self.step(Input::WorkHandedOver {
            item,
            agent,
            queue,
            skills: self.skills_for(queue, &own),
            priority: to.priority.unwrap_or(before.priority),
        })?;
        let what = HandOver {
            item,
            ticket: before.ticket,
            agent,
            at: self.now,
            entries: to.entries.clone(),
        };
        self.decision.hand_overs.push(Worded { what, record });
        let what = Changed {
            field: TicketField::WorkQueue,
            old: format!("{item},{}", before.queue),
            new: format!("{item},{queue}"),
        };
        self.add_change(before.ticket, what, said);
        Ok(self.work_done(item))
    }
}
