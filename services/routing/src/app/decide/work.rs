use std::time::Duration;

use rapport_foundation::id::{AgentId, OfferId, WorkItemId};

use super::super::Error;
use super::super::command::Done;
use super::Fold;
use crate::domain::engine::{Input, Refusal};
use crate::domain::{By, Code, OfferOutcome};

impl Fold<'_> {
    pub(super) fn accept_offer(
        &mut self,
        offer: OfferId,
        agent: AgentId,
        item: WorkItemId,
    ) -> Result<Done, Error> {
        let decided = self.step(Input::OfferAccepted { offer, agent });
        decided.map_err(|refusal| self.over(offer, refusal))?;
        let work = self.tenant.engine.last_seen(item);
        // Who is asked about another's contact has not taken up the matter.
        let taken = work.filter(|work| work.consult_of().is_none());
        if let Some(ticket) = taken.map(|work| work.ticket) {
            self.take_up(ticket, agent);
            self.answer_by_taking(item, agent);
        }
        Ok(self.work_done(item))
    }

    pub(super) fn reject_offer(
        &mut self,
        offer: OfferId,
        agent: AgentId,
        item: WorkItemId,
    ) -> Result<Done, Error> {
        let decided = self.step(Input::OfferRejected { offer, agent });
        decided.map_err(|refusal| self.over(offer, refusal))?;
        Ok(self.work_done(item))
    }

    pub(super) fn complete_work(
        &mut self,
        item: WorkItemId,
        agent: AgentId,
        disposition: Option<&Code>,
        skip_wrap_up: bool,
    ) -> Result<Done, Error> {
        let disposition = disposition.cloned();
        self.step(Input::WorkCompleted {
            item,
            agent,
            disposition,
            skip_wrap_up,
        })?;
        // From a conference the contact goes to the other.
        if self
            .tenant
            .engine
            .last_seen(item)
            .is_some_and(|w| w.next().is_some())
        {
            self.tell_given(item, agent, &By::agent(agent));
        }
        Ok(self.work_done(item))
    }

    pub(super) fn end_wrap_up(&mut self, item: WorkItemId, agent: AgentId) -> Result<Done, Error> {
        self.step(Input::WrapUpEnded { item, agent })?;
        Ok(self.work_done(item))
    }

    pub(super) fn extend_wrap_up(
        &mut self,
        item: WorkItemId,
        agent: AgentId,
        by: Duration,
    ) -> Result<Done, Error> {
        self.step(Input::WrapUpExtended { item, agent, by })?;
        Ok(self.work_done(item))
    }

    /// Puts work aside for a time, or takes it up again.
    pub(super) fn park_work(
        &mut self,
        item: WorkItemId,
        agent: AgentId,
        time: Option<Duration>,
    ) -> Result<Done, Error> {
        self.step(match time {
            Some(time) => Input::WorkParked {
                item,
                agent,
                until: self.now + time,
            },
            None => Input::WorkUnparked { item, agent },
        })?;
        Ok(self.work_done(item))
    }

    pub(super) fn work_done(&self, item: WorkItemId) -> Done {
        let work = self.tenant.engine.last_seen(item).cloned();
        let version = work.as_ref().map_or(0, |work| work.version);
        Done {
            work: work.map(Box::new),
            ..Done::new(item.uuid(), version)
        }
    }

    /// Why the offer is not out any more, when it ended in this very batch.
    fn over(&self, offer: OfferId, refusal: Refusal) -> Error {
        match (refusal, self.offers.get(&offer).map(|row| row.outcome)) {
            (Refusal::OfferNotOut, Some(OfferOutcome::Ended(end))) => Error::OfferEnded(end),
            (Refusal::OfferNotOut, Some(OfferOutcome::Accepted)) => Error::OfferTaken,
            (refusal, _) => refusal.into(),
        }
    }
}
