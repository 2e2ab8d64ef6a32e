//! Whose turn it is on a random day, and before how many work is at once.

use std::cmp::Reverse;

use super::Day;
use crate::domain::{Offer, WorkItem, WorkSelection, WorkState};

impl Day {
    /// Who got an offer was the first of those whom that agent could have got instead: the most urgent, of these the
    /// oldest; of the same queue's, where the agent weighs their queues otherwise. Only who waited all the while is looked at;
    /// what comes back within a step comes after its offers.
    pub(super) fn assert_in_turn(&self, before: &[WorkItem], made: &[Offer]) {
        let rank = |work: &WorkItem| (Reverse(work.priority), work.turn(), work.id);
        let agents = self.engine.snapshot().agents;
        for offer in made {
            let taken = self.engine.item(offer.item);
            let Some(taken) = taken.filter(|work| work.offer_to(offer.agent) == Some(offer)) else {
                continue;
            };
            let (profile, _) = agents.iter().find(|(p, _)| p.id == offer.agent).unwrap();
            let passed_over = before.iter().find(|work| {
                let now = self.engine.item(work.id);
                let waited = work.state == WorkState::Waiting && now == Some(work);
                let declined = work.declines.iter().any(|d| d.agent == offer.agent);
                let asker = before
                    .iter()
                    .find(|main| work.consult_of() == Some(main.id));
                let asks = asker.and_then(WorkItem::agent) == Some(offer.agent);
                let theirs = match work.kept() {
                    Some(kept) => kept.agent == offer.agent,
                    // What eased since may have done so after the offer.
                    None => {
                        profile.queues.contains(&work.queue)
                            && profile.skills.cover(&work.asked_for(self.before))
                    }
                };
                waited
                    && work.paused_until().is_none()
                    && !declined
                    && !asks
                    && theirs
                    && work.channel == taken.channel
                    && (profile.work_selection == WorkSelection::Oldest
                        || work.queue == taken.queue
                        || work.priority > taken.priority)
                    && rank(work) < rank(taken)
            });
            assert_eq!(passed_over, None, "{} was offered before it", taken.id);
        }
    }

    /// No work is out to two agents at once, unless its queue says so, and then to no more than it says.
    pub(super) fn assert_as_many_as_queues_say(&self) {
        for (item, out) in &self.out {
            let queue = self.engine.item(*item).unwrap().queue;
            let most = usize::from(self.engine.discipline(queue).broadcast).max(1);
            assert!(
                out.len() <= most,
                "{item} is out to {} of {most}",
                out.len()
            );
        }
    }
}
