//! Contacts that agents hand on, put on hold, and ask others about.

use rapport_foundation::id::{AgentId, TicketNoteId, WorkItemId};
use rapport_foundation::personal::Personal;

use super::super::Error;
use super::super::command::{Done, Target, Transfer};
use super::Fold;
use crate::domain::engine::Input;
use crate::domain::{By, Changed, Code, Figures, Kept, Skills, TicketField, WorkItem, WorkState};

impl Fold<'_> {
    pub(super) fn hand_on(
        &mut self,
        item: WorkItemId,
        agent: AgentId,
        transfer: &Transfer,
        said: &By,
    ) -> Result<Done, Error> {
        let before = self.open_work(item)?;
        let mut next = self.next_work(&before, &transfer.to)?;
        let note = (!transfer.note.is_empty()).then(|| TicketNoteId::new(self.now));
        let turn = (!transfer.end_of_line).then(|| before.turn());
        next.pass(|passage| {
            passage.turn_at = turn;
            passage.note = note;
        });
        let told = Changed {
            field: TicketField::WorkNext,
            old: format!("{item},{agent}"),
            new: as_told(&next),
        };
        let goes_on = next.id;
        self.step(Input::WorkHandedOn {
            item,
            agent,
            next: Box::new(next),
            disposition: transfer.disposition.clone(),
            skip_wrap_up: transfer.skip_wrap_up,
        })?;
        if let Some(interaction) = before.interaction {
            let asked = &mut self.loaded.by_interaction;
            asked.insert(interaction, (goes_on, before.ticket));
        }
        self.tell_change(before.ticket, told, said);
        if let Some(id) = note {
            let whole = self.whole(before.ticket);
            self.put_note(id, whole, &transfer.note, &said.author);
        }
        Ok(self.work_done(item))
    }

    /// What goes on with the contact of a work item, or is asked for beside it.
    pub(super) fn next_work(&self, before: &WorkItem, to: &Target) -> Result<WorkItem, Error> {
        let queue = match to.queue {
            Some(queue) => self.known_queue(queue)?,
            None => before.queue,
        };
        if let Some((agent, _)) = to.agent {
            self.known_agent(agent)?;
        }
        let ticket = self.loaded.tickets.get(&before.ticket);
        let ticket = ticket.ok_or(Error::Broken)?;
        let own: Skills = match to.skills.is_empty() {
            true => self.own_skills(before, ticket),
            false => ticket.skills.clone().and(&to.skills),
        };
        let mut next = WorkItem {
            id: WorkItemId::new(self.now),
            ticket: before.ticket,
            interaction: before.interaction,
            customer: before.customer,
            channel: before.channel,
            queue,
            skills: self.skills_for(queue, &own),
            priority: to.priority.unwrap_or(before.priority),
            queued_at: self.now,
            offers_made: 0,
            declines: Vec::new(),
            settled: false,
            handed_over: false,
            state: WorkState::Waiting,
            other_offers: Vec::new(),
            route: None,
            passage: None,
            traceparent: self.cause.clone(),
            figures: Figures::default(),
            version: 1,
        };
        let kept = to.agent.map(|(agent, time)| Kept {
            agent,
            until: self.now + time,
        });
        next.pass(|passage| passage.kept = kept);
        Ok(next)
    }

    /// Has a second agent asked about a contact.
    pub(super) fn start_consult(
        &mut self,
        (item, agent): (WorkItemId, AgentId),
        to: &Target,
        text: &Personal,
        said: &By,
    ) -> Result<Done, Error> {
        let before = self.open_work(item)?;
        let mut consult = self.next_work(&before, to)?;
        let note = (!text.is_empty()).then(|| TicketNoteId::new(self.now));
        consult.pass(|passage| passage.note = note);
        let told = Changed {
            field: TicketField::WorkConsult,
            old: format!("{item},{agent}"),
            new: as_told(&consult),
        };
        self.step(Input::ConsultStarted {
            item,
            agent,
            consult: Box::new(consult),
        })?;
        self.tell_change(before.ticket, told, said);
        if let Some(id) = note {
            let whole = self.whole(before.ticket);
            self.put_note(id, whole, text, &said.author);
        }
        Ok(self.work_done(item))
    }

    pub(super) fn end_consult(&mut self, item: WorkItemId, agent: AgentId) -> Result<Done, Error> {
        self.step(Input::ConsultEnded { item, agent })?;
        Ok(self.work_done(item))
    }

    pub(super) fn start_conference(
        &mut self,
        item: WorkItemId,
        agent: AgentId,
    ) -> Result<Done, Error> {
        self.step(Input::ConferenceStarted { item, agent })?;
        Ok(self.work_done(item))
    }

    /// Gives a contact to who was asked about it.
    pub(super) fn complete_transfer(
        &mut self,
        (item, agent): (WorkItemId, AgentId),
        (disposition, skip_wrap_up): (Option<&Code>, bool),
        said: &By,
    ) -> Result<Done, Error> {
        self.step(Input::TransferCompleted {
            item,
            agent,
            disposition: disposition.cloned(),
            skip_wrap_up,
        })?;
        self.tell_given(item, agent, said);
        Ok(self.work_done(item))
    }

    /// A contact went to who was asked about it: they have taken it up, and what becomes of it concerns them.
    pub(super) fn tell_given(&mut self, item: WorkItemId, agent: AgentId, said: &By) {
        let engine = &self.tenant.engine;
        let next = engine.last_seen(item).and_then(WorkItem::next);
        let Some(next) = next.and_then(|next| engine.last_seen(next)).cloned() else {
            return;
        };
        if let Some(interaction) = next.interaction {
            let asked = &mut self.loaded.by_interaction;
            asked.insert(interaction, (next.id, next.ticket));
        }
        let told = Changed {
            field: TicketField::WorkNext,
            old: format!("{item},{agent}"),
            new: as_told(&next),
        };
        self.tell_change(next.ticket, told, said);
        if let Some(second) = next.agent() {
            self.take_up(next.ticket, second);
        }
    }

    pub(super) fn hold_work(
        &mut self,
        item: WorkItemId,
        agent: AgentId,
        hold: bool,
    ) -> Result<Done, Error> {
        self.step(match hold {
            true => Input::WorkHeld { item, agent },
            false => Input::WorkResumed { item, agent },
        })?;
        Ok(self.work_done(item))
    }
}

/// Work that goes on with a contact, as the history tells it.
fn as_told(next: &WorkItem) -> String {
    let place = format!("{},{}", next.id, next.queue);
    match next.kept() {
        Some(kept) => format!("{place},{}", kept.agent),
        None => place,
    }
}
