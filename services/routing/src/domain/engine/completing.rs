//! Work that its agent is done with: the contact ends, wrap-up begins, lasts and is over.

use std::time::Duration;

use rapport_foundation::id::{AgentId, WorkItemId};
use rapport_foundation::time::Micros;

use super::commands::About;
use super::input::{Effect, Refusal};
use super::{Engine, Timer};
use crate::domain::contact_command::CommandKind;
use crate::domain::{Code, WorkState};

impl Engine {
    /// Whoever completes what others are on the line with leaves it to them.
    pub(super) fn complete_by_hand(
        &mut self,
        now: Micros,
        (id, agent): (WorkItemId, AgentId),
        how: (Option<Code>, bool),
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        if self.in_conference(id) && self.has_contact(id, agent).is_ok() {
            return self.complete_transfer(now, (id, agent), how, out);
        }
        self.complete(now, id, agent, how.0, how.1, out)
    }

    pub(super) fn complete(
        &mut self,
        now: Micros,
        id: WorkItemId,
        agent: AgentId,
        disposition: Option<Code>,
        skip_wrap_up: bool,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let skip_wrap_up = skip_wrap_up || self.is_virtual(agent);
        let held = self.items.get_mut(&id).ok_or(Refusal::WorkNotOpen)?;
        match &held.work.state {
            WorkState::Accepted { agent: theirs, at } if *theirs == agent => {
                let accepted_at = *at;
                self.take_up(now, id, out);
                self.leave_contact(now, id, agent, out);
                let held = self.items.get_mut(&id).ok_or(Refusal::WorkNotOpen)?;
                let wrap_up = self
                    .queues
                    .get(&held.work.queue)
                    .map(|q| q.wrap_up)
                    .unwrap_or_default();
                let until = if skip_wrap_up { now } else { now + wrap_up };
                if held.work.held_since().is_some() {
                    held.work.pass(|passage| passage.resume(now));
                }
                held.work.state = WorkState::WrappingUp {
                    agent,
                    accepted_at,
                    at: now,
                    until,
                    disposition,
                };
                if until > now {
                    self.timers.set(until, Timer::WrapUpEnds(id));
                    self.touch_item(id);
                    out.push(Effect::WrapUpStarted { item: id, agent });
                } else {
                    self.end_wrap_up(now, id, out);
                }
                Ok(())
            }
            WorkState::Accepted { .. } => Err(Refusal::NotTheirs),
            _ => Err(Refusal::WorkNotAccepted),
        }
    }

    /// The agent is done with a contact: with nobody else on the line it is over, and who is asked about it is asked no
    /// more. Who is asked only leaves.
    fn leave_contact(
        &mut self,
        now: Micros,
        id: WorkItemId,
        agent: AgentId,
        out: &mut Vec<Effect>,
    ) {
        let Some(work) = self.item(id) else { return };
        if work.consult_of().is_some() {
            if self.leave_consult(id, out) {
                self.command(id, CommandKind::HangUp, About::agent(agent), out);
            }
        } else if work.next().is_none() {
            self.end_consult(now, id, out);
            self.command(id, CommandKind::HangUp, About::agent(agent), out);
        }
    }

    pub(super) fn end_wrap_up_early(
        &mut self,
        now: Micros,
        id: WorkItemId,
        agent: AgentId,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        match self.item(id).ok_or(Refusal::WorkNotOpen)?.state {
            WorkState::WrappingUp {
                agent: theirs,
                until,
                ..
            } if theirs == agent => {
                self.timers.cancel(until, Timer::WrapUpEnds(id));
                self.end_wrap_up(now, id, out);
                Ok(())
            }
            WorkState::WrappingUp { .. } => Err(Refusal::NotTheirs),
            _ => Err(Refusal::NotWrappingUp),
        }
    }

    /// Wrap-up takes longer than it would by itself, as far as its queue lets it.
    pub(super) fn extend_wrap_up(
        &mut self,
        (id, agent): (WorkItemId, AgentId),
        by: Duration,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let held = self.items.get_mut(&id).ok_or(Refusal::WorkNotOpen)?;
        let most = self.queues.get(&held.work.queue).map(|q| q.most_wrap_up);
        let WorkState::WrappingUp {
            agent: theirs,
            at,
            ref mut until,
            ..
        } = held.work.state
        else {
            return Err(Refusal::NotWrappingUp);
        };
        if theirs != agent {
            return Err(Refusal::NotTheirs);
        }
        let last = at + most.unwrap_or_default();
        let longer = last.min(*until + by);
        if longer <= *until {
            return Err(Refusal::WrapUpTooLong);
        }
        self.timers.cancel(*until, Timer::WrapUpEnds(id));
        *until = longer;
        self.timers.set(longer, Timer::WrapUpEnds(id));
        self.touch_item(id);
        out.push(Effect::WorkChanged { item: id, agent });
        Ok(())
    }

    pub(super) fn end_wrap_up(&mut self, now: Micros, id: WorkItemId, out: &mut Vec<Effect>) {
        let Some(work) = self.item(id) else { return };
        let WorkState::WrappingUp {
            agent,
            accepted_at,
            at,
            ref disposition,
            ..
        } = work.state
        else {
            return;
        };
        let (channel, queue, disposition) = (work.channel, work.queue, disposition.clone());
        let handle = work.figures.at_it(accepted_at, now);
        self.close_item(
            id,
            WorkState::Completed {
                agent,
                accepted_at,
                handled_at: at,
                at: now,
                disposition: disposition.clone(),
            },
        );
        out.push(Effect::Completed {
            item: id,
            agent,
            handle,
            wrap_up: now - at,
            disposition,
        });
        self.floor.change(agent, |seat| {
            seat.give_back(id, channel);
            seat.working = seat.working.saturating_sub(1);
            seat.standing.idle_since = now;
        });
        if self.counts_pace(queue) {
            let handle = u64::try_from(handle.as_micros()).unwrap_or(u64::MAX / 2);
            self.records.note_pace(queue, agent, handle);
        }
        self.touch_agent(agent);
        self.match_agent(now, agent, out);
    }
}
