//! For whom new work is kept for a time: somebody who knows the matter, or its customer.

use rapport_foundation::id::{AgentId, TicketId};

use super::Fold;
use crate::domain::{AgentPreference, Kept, WorkItem};

impl Fold<'_> {
    /// For whom its queue keeps new work, if they are at work: nobody waits for who is not.
    pub(super) fn kept_for(&self, work: &WorkItem) -> Option<Kept> {
        let queue = self.tenant.queues.get(&work.queue)?;
        let agent = self.preferred(queue.preference, work.ticket)?;
        let engine = &self.tenant.engine;
        let comes = engine.serves(agent, work.queue, work.channel, &work.skills);
        comes.then(|| Kept {
            agent,
            until: self.now + queue.preference_time,
        })
    }

    fn preferred(&self, preference: AgentPreference, ticket: TicketId) -> Option<AgentId> {
        if preference == AgentPreference::Nobody {
            return None;
        }
        let ticket = self.loaded.tickets.get(&self.whole(ticket))?;
        let last = || self.loaded.repeats.last_agent(ticket);
        match preference {
            AgentPreference::LastAgent => ticket.owner.or_else(last),
            _ => ticket.owner,
        }
    }
}
