//! Work that is taken out of a ticket into one of its own.

use std::collections::BTreeSet;

use rapport_foundation::error::{Failure, Violation};
use rapport_foundation::events::Data;
use rapport_foundation::id::{AgentId, TicketId, WorkItemId};
use rapport_foundation::time::Micros;
use rapport_proto::events::v1 as pb;

use super::super::Error;
use super::super::command::{Done, Split};
use super::super::news::{News, Tiding};
use super::Fold;
use crate::domain::engine::Input;
use crate::domain::sla::{SlaRecord, traits};
use crate::domain::{
    By, Changed, Channel, CustomerRef, Opening, Ticket, TicketField, TicketRefusal, TicketState,
    WorkItem, WorkState,
};

impl Fold<'_> {
    pub(super) fn split_ticket(
        &mut self,
        id: TicketId,
        split: &Split,
        etag: Option<i64>,
        said: &By,
    ) -> Result<Done, Error> {
        let before = self.ticket(id, etag)?.clone();
        if before.state.is_over() {
            return Err(TicketRefusal::Closed.into());
        }
        let taken = self.taken(id, split)?;
        let now = self.now;
        let opening = opening(&before, split, &taken);
        let since = taken.iter().map(|work| work.queued_at).min();
        let channel = taken.first().map(|work| work.channel);
        let new = self.open(opening, None, said);
        self.count_split(new, since.unwrap_or(now), channel);
        self.ticket(id, None)?.part_with(now)?;
        self.put_ticket(id, Some(&before), said);
        let told = |field, new: TicketId| Changed {
            field,
            old: String::new(),
            new: new.to_string(),
        };
        self.tell_change(new, told(TicketField::SplitFrom, id), said);
        self.tell_change(id, told(TicketField::Split, new), said);
        // Who is asked about a contact goes with it.
        let with = |work: &WorkItem| [Some(work.id), work.consult()];
        let items: Vec<_> = taken.iter().flat_map(with).flatten().collect();
        let ticket_split = pb::TicketSplit {
            ticket: self.facts_of(id),
            split_ticket: self.facts_of(new),
            work_item_ids: items.iter().map(ToString::to_string).collect(),
        };
        self.publish(id, Data::TicketSplit(ticket_split));
        self.decision.splits.push((new, items.clone()));
        // The engine refuses no news of tickets.
        let _ = self.step(Input::WorkSplit { items, ticket: new });
        if before.state == TicketState::Resolved {
            let _ = self.step(Input::TicketReopened(new));
        }
        self.hand_over(new);
        let version = self.loaded.tickets.get(&new).map_or(1, |t| t.version);
        Ok(Done::new(new.uuid(), version))
    }

    /// Begins its clocks. What is past for them already was told of the old ticket, or is not told at all.
    fn count_split(&mut self, new: TicketId, since: Micros, channel: Option<Channel>) {
        if let Some(ticket) = self.loaded.tickets.get(&new) {
            let record = SlaRecord {
                dated: true,
                ..SlaRecord::new(new, traits(ticket, channel), since)
            };
            self.loaded.slas.insert(new, record);
            self.stand(new);
        }
    }

    /// Whoever has work in hand goes on with the new ticket, and is told so.
    fn hand_over(&mut self, new: TicketId) {
        let items = self.tenant.engine.items_of(new);
        let theirs = |work: &WorkItem| {
            let agents: Vec<AgentId> = work.agents().collect();
            let work = work.clone();
            agents.into_iter().map(move |agent| (agent, work.clone()))
        };
        let held: Vec<_> = items.flat_map(theirs).collect();
        for (agent, work) in held {
            if matches!(work.state, WorkState::Accepted { .. }) {
                self.take_up(new, agent);
            }
            let what = Tiding::Work(Box::new(work));
            self.news.push(News { agent, what });
        }
    }

    /// What is to be taken out, as it is now; all that is not the ticket's at once.
    fn taken(&self, id: TicketId, split: &Split) -> Result<Vec<WorkItem>, Error> {
        let family = self.family(id);
        let engine = &self.tenant.engine;
        let as_it_is = |work: &WorkItem| engine.last_seen(work.id).unwrap_or(work).clone();
        let mut theirs: Vec<WorkItem> = self.loaded.taken.iter().map(as_it_is).collect();
        theirs.retain(|work| family.contains(&work.ticket));
        let mut wrong = Vec::new();
        let mut chosen = BTreeSet::new();
        let mut choose = |field: String, found: Vec<WorkItemId>| {
            if found.is_empty() {
                wrong.push(Violation {
                    field,
                    reason: "NOT_OF_TICKET",
                    description: "asks for no work of this ticket".to_owned(),
                });
            }
            chosen.extend(found);
        };
        let which = |fits: &dyn Fn(&WorkItem) -> bool| -> Vec<WorkItemId> {
            let fitting = theirs.iter().filter(|work| fits(work));
            fitting.map(|work| work.id).collect()
        };
        for (place, item) in split.items.iter().enumerate() {
            let found = which(&|work| work.id == *item);
            choose(format!("work_item_ids[{place}]"), found);
        }
        for (place, interaction) in split.interactions.iter().enumerate() {
            // All that its contact went through.
            let found = which(&|work| work.interaction == Some(*interaction));
            choose(format!("interaction_ids[{place}]"), found);
        }
        if !wrong.is_empty() {
            return Err(Failure::invalid(wrong).into());
        }
        theirs.retain(|work| chosen.contains(&work.id));
        Ok(theirs)
    }
}

/// As the old one is; of the customer of the work where that is one.
fn opening(old: &Ticket, split: &Split, taken: &[WorkItem]) -> Opening {
    let subject = split.subject.clone();
    Opening {
        subject: subject.unwrap_or_else(|| old.subject.clone()),
        description: Default::default(),
        priority: old.priority,
        queue: old.queue,
        customer: customer_of(taken).or(old.customer),
        conversation: split.conversation,
        skills: old.skills.clone(),
        tags: old.tags.clone(),
        purpose: old.purpose,
        severity: old.severity,
        category: old.category.clone(),
        subcategory: old.subcategory.clone(),
        parent: old.parent,
        attributes: Default::default(),
        split_from: Some(old.id),
    }
}

fn customer_of(taken: &[WorkItem]) -> Option<CustomerRef> {
    let mut customers = taken.iter().filter_map(|work| work.customer);
    let first = customers.next()?;
    let same = customers.all(|customer| customer.record == first.record);
    same.then_some(first)
}
