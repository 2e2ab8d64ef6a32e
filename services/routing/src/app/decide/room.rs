//! Where there is room for work: in its queue, or in one that its queue overflows into.

use rapport_foundation::id::QueueId;

use super::super::Error;
use super::Fold;
use crate::domain::engine::Refusal;
use crate::domain::policy::Leg;
use crate::domain::{Channel, Queue, Skills, Ticket, WorkItem, WorkState};

impl Fold<'_> {
    /// The first queue of a chain that has room for work with these skills of its own, and of the target that it comes to
    /// there.
    pub(super) fn room(
        &mut self,
        queue: QueueId,
        channel: Channel,
        own: &Skills,
        target: Option<&Leg>,
    ) -> Option<QueueId> {
        let mut next = Some(queue);
        for _ in 0..Queue::LONGEST_CHAIN {
            let queue = next?;
            let skills = match target.filter(|leg| leg.queue == queue) {
                Some(leg) => own.clone().and(&leg.skills),
                None => self.skills_for(queue, own),
            };
            let open = self.tenant.is_open(self.now, queue);
            if open && self.tenant.engine.has_room(queue, channel, &skills) {
                return Some(queue);
            }
            next = self.tenant.queues.get(&queue)?.overflow;
        }
        None
    }

    /// The same for a call that asks for work, which is refused where there is none.
    pub(super) fn room_or_refuse(
        &mut self,
        queue: QueueId,
        channel: Channel,
        own: &Skills,
        target: Option<&Leg>,
    ) -> Result<QueueId, Error> {
        let room = self.room(queue, channel, own, target);
        room.ok_or_else(|| match self.tenant.is_open(self.now, queue) {
            true => Refusal::QueueFull.into(),
            false => Refusal::QueueClosed.into(),
        })
    }

    /// Whether everything that nobody has accepted of a ticket finds room in another queue.
    pub(super) fn room_to_move(&mut self, ticket: &Ticket, to: QueueId) -> Result<(), Error> {
        if ticket.queue == to {
            return Ok(());
        }
        for work in self.unaccepted(ticket) {
            let own = self.own_skills(&work, ticket);
            self.room_or_refuse(to, work.channel, &own, None)?;
        }
        Ok(())
    }

    /// Work of a ticket, and of those that were merged into it, that nobody has accepted.
    pub(super) fn unaccepted(&self, ticket: &Ticket) -> Vec<WorkItem> {
        let is =
            |work: &&WorkItem| matches!(work.state, WorkState::Waiting | WorkState::Offered(_));
        let family = self.family(ticket.id).into_iter();
        let items = family.flat_map(|id| self.tenant.engine.items_of(id));
        items.filter(is).cloned().collect()
    }

    /// What work requires wherever it goes: what its ticket does, and what its contact asked for beyond that.
    pub(super) fn own_skills(&self, work: &WorkItem, ticket: &Ticket) -> Skills {
        let known = self.skills_for(work.queue, &ticket.skills);
        let asked = match &work.route {
            Some(route) => route.own.beyond(&ticket.skills),
            None => work.skills.beyond(&known),
        };
        asked.and(&ticket.skills)
    }

    /// A chain of overflow names queues that are there, and ends.
    pub(super) fn leads_somewhere(&self, queue: &Queue) -> Result<(), Error> {
        let (mut next, mut length) = (queue.overflow, 1);
        while let Some(id) = next {
            length += 1;
            if id == queue.id || length > Queue::LONGEST_CHAIN {
                return Err(Error::EndlessOverflow);
            }
            let queue = self.tenant.queues.get(&id);
            next = queue.ok_or_else(|| Error::not_found("queue", id))?.overflow;
        }
        Ok(())
    }
}
