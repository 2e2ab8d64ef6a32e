//! Contacts that agents hand on, put on hold, and ask others about.

use rapport_foundation::id::{AgentId, InteractionId, TicketId, TicketNoteId, WorkItemId};
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
        let told = told(TicketField::WorkNext, (item, agent), &next);
        let goes_on = next.id;
        self.step(Input::WorkHandedOn {
            item,
            agent,
            next: Box::new(next),
            disposition: transfer.disposition.clone(),
            skip_wrap_up: transfer.skip_wrap_up,
        })?;
        self.goes_on_as(before.interaction, goes_on, before.ticket);
        self.tell_change(before.ticket, told, said);
        self.put_note_with(note, before.ticket, &transfer.note, said);
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
        let told = told(TicketField::WorkConsult, (item, agent), &consult);
        self.step(Input::ConsultStarted {
            item,
            agent,
            consult: Box::new(consult),
        })?;
        self.tell_change(before.ticket, told, said);
        self.put_note_with(note, before.ticket, text, said);
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
        self.goes_on_as(next.interaction, next.id, next.ticket);
        let told = told(TicketField::WorkNext, (item, agent), &next);
        self.tell_change(next.ticket, told, said);
        if let Some(second) = next.agent() {
            self.take_up(next.ticket, second);
        }
    }

    /// What a contact is by now, for what else is said of it in this batch.
    fn goes_on_as(&mut self, contact: Option<InteractionId>, item: WorkItemId, ticket: TicketId) {
        if let Some(contact) = contact {
            self.loaded.by_interaction.insert(contact, (item, ticket));
        }
    }

    /// What was said with work, if anything was.
    fn put_note_with(
        &mut self,
        note: Option<TicketNoteId>,
        ticket: TicketId,
        text: &Personal,
        said: &By,
    ) {
        if let Some(id) = note {
            self.put_note(id, self.whole(ticket), text, &said.author);
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

/// What the history tells of work that an agent had, and of what goes on with its contact or is asked for beside it.
fn told(field: TicketField, (item, agent): (WorkItemId, AgentId), next: &WorkItem) -> Changed {
    let place = format!("{},{}", next.id, next.queue);
    Changed {
        field,
        old: format!("{item},{agent}"),
        new: match next.kept() {
            Some(kept) => format!("{place},{}", kept.agent),
            None => place,
        },
    }
}
