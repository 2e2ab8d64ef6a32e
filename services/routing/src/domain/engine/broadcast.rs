//! Work that is out as an offer to several at once, where its queue says so. Each offer takes its agent's capacity while
//! it stands; whoever accepts first has the work, and the others are free again.

use rapport_foundation::id::{AgentId, WorkItemId};
use rapport_foundation::time::Micros;

use super::Engine;
use super::input::{Effect, Terms};
use super::waiting::Rank;
use crate::domain::{OfferEnd, WorkItem};

impl Engine {
    /// It may go out to more at the end of the step.
    pub(super) fn note_unfilled(&mut self, id: WorkItemId) {
        let queue = self.items.get(&id).map(|held| held.work.queue);
        if queue.is_some_and(|queue| self.discipline(queue).most_offers() > 1) {
            self.unfilled.insert(id);
        }
    }

    /// Offers what went out in this step to as many as its queue says. Everybody has got what waited for them by now, so
    /// that nothing waits for somebody who only is one of several here.
    pub(super) fn fill_up(&mut self, now: Micros, out: &mut Vec<Effect>) {
        if self.unfilled.is_empty() {
            return;
        }
        let unfilled = std::mem::take(&mut self.unfilled).into_iter();
        let mut ranks: Vec<Rank> = unfilled.filter_map(|id| self.rank_of(id)).collect();
        ranks.sort_unstable();
        for Rank { id, .. } in ranks {
            while self.wants_more(id)
                && let Some(agent) = self.next_for(id)
            {
                self.make_offer(now, id, agent, out);
            }
        }
    }

    /// Whether it is out to several, or was at the beginning of this step, in which their offers lapse one after the other:
    /// what all let lapse nobody in particular did not answer.
    pub(super) fn asks_several(&self, id: WorkItemId) -> bool {
        let several = self.item(id).is_some_and(|work| work.offers().count() > 1);
        several || self.unfilled.contains(&id)
    }

    fn wants_more(&self, id: WorkItemId) -> bool {
        self.item(id).is_some_and(|work| {
            let out = work.offers().count();
            out > 0 && out < self.discipline(work.queue).most_offers()
        })
    }

    /// Takes every offer of an item back; answers whose they were.
    pub(super) fn end_offers(
        &mut self,
        id: WorkItemId,
        reason: OfferEnd,
        out: &mut Vec<Effect>,
    ) -> Vec<AgentId> {
        self.end_offers_but(id, None, reason, out)
    }

    /// The same but for that of one agent.
    pub(super) fn end_offers_but(
        &mut self,
        id: WorkItemId,
        but: Option<AgentId>,
        reason: OfferEnd,
        out: &mut Vec<Effect>,
    ) -> Vec<AgentId> {
        let Some(work) = self.item(id) else {
            return Vec::new();
        };
        let offers = work.offers().map(|offer| offer.agent);
        let ended: Vec<AgentId> = offers.filter(|agent| Some(*agent) != but).collect();
        for agent in &ended {
            self.end_offer(id, *agent, reason, out);
        }
        ended
    }

    /// A queue is new or has other terms. Where it offers work to fewer at once, offers beyond that are taken back, the
    /// first to stand last.
    pub(super) fn set_terms(&mut self, now: Micros, terms: Terms, out: &mut Vec<Effect>) {
        let (queue, most) = (terms.id, terms.discipline.most_offers());
        let fewer = most < self.discipline(queue).most_offers();
        self.queues.insert(queue, terms);
        if !fewer {
            return;
        }
        let items = self.items.values().map(|held| &held.work);
        let beyond = items.filter(|work| work.queue == queue && work.offers().count() > most);
        let mut beyond: Vec<WorkItemId> = beyond.map(|work| work.id).collect();
        beyond.sort_unstable();
        let mut freed = Vec::new();
        for id in beyond {
            let offers = self.item(id).into_iter().flat_map(WorkItem::offers);
            let agents: Vec<AgentId> = offers.skip(most).map(|offer| offer.agent).collect();
            for agent in agents {
                self.end_offer(id, agent, OfferEnd::Withdrawn, out);
                freed.push(agent);
            }
        }
        for agent in freed {
            self.match_agent(now, agent, out);
        }
    }
}
