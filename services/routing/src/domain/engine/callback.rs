//! Customers who are called back: they hang up and keep their place. Who is not reached is called again after a pause, so
//! often as was said.

use std::time::Duration;

use rapport_foundation::id::{AgentId, WorkItemId};
use rapport_foundation::time::Micros;

use super::input::{Effect, Refusal};
use super::{Engine, Timer};
use crate::domain::{Callback, OfferEnd, WorkItem, WorkState};

impl Engine {
    /// The customer need not wait on the line, and is not called before a time, if one is given.
    pub(super) fn request_callback(
        &mut self,
        now: Micros,
        id: WorkItemId,
        (attempts, pause): (u16, Duration),
        not_before: Option<Micros>,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let work = self.item(id).ok_or(Refusal::WorkNotOpen)?;
        if !matches!(work.state, WorkState::Waiting | WorkState::Offered(_)) {
            return Err(Refusal::WorkAccepted);
        }
        if !self.is_commanded(work) || work.consult_of().is_some() {
            return Err(Refusal::NotCommanded);
        }
        let paused_until = work.paused_until();
        let agents: Vec<AgentId> = work.agents().collect();
        self.link(id, |passage| {
            // Whichever queue it is in when somebody accepts: they are called.
            passage.commanded = true;
            passage.callback = Some(Callback {
                attempts_left: attempts,
                pause,
                paused_until,
                called: None,
            });
        });
        let later = not_before.filter(|at| *at > now && paused_until < Some(*at));
        let Some(until) = later else {
            let changed = |agent| Effect::WorkChanged { item: id, agent };
            out.extend(agents.into_iter().map(changed));
            return Ok(());
        };
        self.stop_pausing(id);
        let freed = self.end_offers(id, OfferEnd::Withdrawn, out);
        self.set_aside(id, attempts, until);
        for agent in freed {
            self.match_agent(now, agent, out);
        }
        Ok(())
    }

    /// The customer was reached.
    pub(super) fn note_called(&mut self, now: Micros, id: WorkItemId) {
        if self.item(id).is_some_and(WorkItem::is_to_be_called) {
            self.link(id, |passage| {
                if let Some(callback) = &mut passage.callback {
                    callback.called = Some(now);
                }
            });
        }
    }

    /// The customer was not reached: they are called again after a pause, or no more.
    pub(super) fn not_called(
        &mut self,
        now: Micros,
        (id, agent, at): (WorkItemId, AgentId, Micros),
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        self.still_has(id, agent, at)?;
        let callback = self.item(id).and_then(WorkItem::callback);
        let callback = callback.filter(|callback| callback.called.is_none());
        let callback = callback.ok_or(Refusal::NotCommanded)?;
        if self.item(id).is_some_and(|work| work.settled) {
            // The matter is solved: they complete it.
            return Err(Refusal::ContactOver);
        }
        self.part(now, id, out);
        match callback
            .attempts_left
            .checked_sub(1)
            .filter(|left| *left > 0)
        {
            Some(left) => self.set_aside(id, left, now + callback.pause),
            None => {
                let wait = self.item(id).map(|work| work.waited(now));
                self.note_left(now, id);
                self.close_item(id, WorkState::Abandoned { at: now });
                out.push(Effect::Abandoned {
                    item: id,
                    wait: wait.unwrap_or_default(),
                });
            }
        }
        self.match_agent(now, agent, out);
        self.match_item(now, id, out);
        Ok(())
    }

    fn set_aside(&mut self, id: WorkItemId, attempts_left: u16, until: Micros) {
        self.move_line(id, |callback| {
            callback.attempts_left = attempts_left;
            callback.paused_until = Some(until);
        });
        self.timers.set(until, Timer::PauseEnds(id));
    }

    /// It may be offered again.
    pub(super) fn stop_pausing(&mut self, id: WorkItemId) {
        let until = self.item(id).and_then(WorkItem::paused_until);
        let Some(until) = until else { return };
        self.timers.cancel(until, Timer::PauseEnds(id));
        self.move_line(id, |callback| callback.paused_until = None);
    }

    pub(super) fn end_pause(&mut self, now: Micros, id: WorkItemId, out: &mut Vec<Effect>) {
        self.stop_pausing(id);
        self.match_item(now, id, out);
    }

    /// Changes what a place in a line goes by.
    fn move_line(&mut self, id: WorkItemId, change: impl FnOnce(&mut Callback)) {
        let Some(held) = self.items.get_mut(&id) else {
            return;
        };
        let waits = held.work.state == WorkState::Waiting;
        if waits {
            self.waiting.remove(held.spot(), held.rank());
        }
        held.work.pass(|passage| {
            if let Some(callback) = &mut passage.callback {
                change(callback);
            }
        });
        if waits {
            self.waiting.insert(held.spot(), held.rank());
        }
        self.touch_item(id);
    }
}
