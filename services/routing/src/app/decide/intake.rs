//! What another service's log says becomes tickets and work.

use rapport_foundation::id::{InteractionId, TicketId};
use rapport_foundation::time::Micros;

use super::super::command::{Fact, Linked, What};
use super::super::news;
use super::Fold;
use super::routing::Chosen;
use super::tickets::Asking;
use crate::domain::engine::Input;
use crate::domain::policy::Route;
use crate::domain::{By, CustomerRef, Figures, Opening, WorkItem, WorkState};
use crate::store::{Joining, Needs};

pub(super) fn needs(facts: &[Fact], needs: &mut Needs) {
    for fact in facts {
        match &fact.what {
            What::Linked(linked) => {
                needs.interactions.push(linked.interaction);
                if linked.asks_for_agent {
                    needs.repeats.extend(linked.customer);
                }
                needs.conversations.extend(linked.conversation);
                if !linked.inbound {
                    needs.answered.extend(linked.conversation);
                }
            }
            What::CustomerKnown {
                interaction,
                customer,
            } => {
                needs.interactions.push(*interaction);
                needs.repeats.push(*customer);
            }
            What::ContactEnded { interaction, .. } => needs.interactions.push(*interaction),
            What::Conversations(Joining::Joined { whole, part, .. }) => {
                needs.conversations.extend([*whole, *part]);
            }
            What::Conversations(Joining::Undone { .. }) | What::Erased { .. } => {}
        }
    }
}

impl Fold<'_> {
    pub(super) fn apply(&mut self, facts: &[Fact]) {
        for fact in facts {
            self.cause.clone_from(&fact.traceparent);
            match &fact.what {
                What::Linked(linked) => self.linked(linked),
                What::CustomerKnown {
                    interaction,
                    customer,
                } => {
                    self.customer_known(*interaction, *customer);
                }
                What::ContactEnded { interaction, at } => self.contact_ended(*interaction, *at),
                What::Conversations(joining) => self.joined(*joining),
                What::Erased { records } => self.decision.erased.extend(records),
            }
        }
    }

    fn linked(&mut self, linked: &Linked) {
        self.decision.customers.extend(linked.customer);
        let over = self.loaded.ended.remove(&linked.interaction);
        if over {
            self.decision.contacts_met.push(linked.interaction);
        }
        self.heard(linked);
        if !linked.asks_for_agent || self.loaded.by_interaction.contains_key(&linked.interaction) {
            return;
        }
        let open = linked.conversation.and_then(|id| self.open_in(id));
        let (ticket, route) = match open {
            Some(ticket) => {
                self.recognise(ticket, linked.customer);
                self.wake(self.whole(ticket), self.when(linked));
                if !linked.live && self.is_asked_for(ticket, linked) {
                    return;
                }
                (ticket, None)
            }
            None => self.open_for(linked),
        };
        let asking = Asking {
            channel: linked.channel,
            interaction: Some(linked.interaction),
            skills: linked.skills.clone(),
            priority: linked.priority,
            connector: linked.connector.clone().filter(|_| linked.live),
            route,
        };
        if over {
            self.came_too_late(ticket, asking);
        } else if let Ok(item) = self.ask(ticket, asking) {
            self.loaded
                .by_interaction
                .insert(linked.interaction, (item, ticket));
        }
    }

    /// A ticket for a contact, and the way of its work.
    fn open_for(&mut self, linked: &Linked) -> (TicketId, Option<Box<Route>>) {
        let named = self.queue_of_code(linked.queue.as_ref());
        let chosen = match named {
            Some(_) => None,
            None => self.chosen_for_contact(linked),
        };
        let target = chosen.as_ref().and_then(Chosen::start).map(|leg| leg.queue);
        let queue = match named.or(target) {
            Some(queue) => queue,
            None => self.default_queue(),
        };
        let usual = self.usual_priority(queue);
        let priority = linked.priority.unwrap_or(usual);
        let opening = Opening {
            subject: Default::default(),
            description: Default::default(),
            priority: chosen
                .as_ref()
                .map_or(priority, |chosen| chosen.priority(priority)),
            queue,
            customer: linked.customer,
            conversation: linked.conversation,
            skills: linked.skills.clone(),
            tags: Default::default(),
            purpose: linked.purpose,
            severity: None,
            category: None,
            subcategory: None,
            parent: None,
            attributes: Default::default(),
            split_from: None,
        };
        let id = self.open(opening, Some(linked.interaction), &By::default());
        self.count_from(id, self.when(linked), Some(linked.channel));
        (id, self.keep_choice(id, chosen, &linked.skills))
    }

    /// Whether somebody is or will be at it already: the third message in a row to the same
    /// thread asks for nobody new, a call does.
    fn is_asked_for(&self, ticket: TicketId, linked: &Linked) -> bool {
        let family = self.family(self.whole(ticket)).into_iter();
        let mut items = family.flat_map(|id| self.tenant.engine.items_of(id));
        items.any(|work| {
            work.channel == linked.channel && !matches!(work.state, WorkState::WrappingUp { .. })
        })
    }

    /// The customer hung up before we knew what it was about: abandoned, offered to nobody.
    fn came_too_late(&mut self, ticket: TicketId, asking: Asking) {
        let known = self.loaded.tickets.get(&self.whole(ticket));
        let Some(queue) = known.map(|ticket| ticket.queue) else {
            return;
        };
        let Ok(work) = self.work_for(ticket, queue, asking) else {
            return;
        };
        self.publish(work.id, news::queued(&work));
        let wait = work.waited(self.now);
        self.publish(work.id, news::abandoned(&work, wait));
        let state = WorkState::Abandoned { at: self.now };
        // It waits nowhere, and left as soon as anybody can.
        let route = None;
        let queue = self.tenant.queues.get(&queue);
        let left_early = queue.is_some_and(|queue| !queue.short_abandon.is_zero());
        self.decision.items.push(WorkItem {
            state,
            route,
            figures: Figures {
                left_early,
                ..Figures::default()
            },
            ..work
        });
    }

    /// What follows in this batch names the whole: the older of the open tickets is its.
    fn joined(&mut self, joining: Joining) {
        self.decision.joinings.push(joining);
        let Joining::Joined { whole, part, .. } = joining else {
            return;
        };
        let open = &mut self.loaded.by_conversation;
        let oldest = [whole, part].iter().filter_map(|id| open.get(id)).min();
        if let Some(oldest) = oldest.copied() {
            open.insert(whole, oldest);
        }
    }

    fn customer_known(&mut self, interaction: InteractionId, customer: CustomerRef) {
        self.decision.customers.push(customer);
        if let Some((_, ticket)) = self.loaded.by_interaction.get(&interaction).copied() {
            self.recognise(ticket, Some(customer));
        }
    }

    fn recognise(&mut self, ticket: TicketId, customer: Option<CustomerRef>) {
        let Some(customer) = customer else { return };
        let now = self.now;
        let Some(known) = self.loaded.tickets.get_mut(&ticket) else {
            return;
        };
        let before = known.clone();
        if known.recognised(customer, now) {
            self.mark_repeat(ticket);
            self.put_ticket(ticket, Some(&before), &By::default());
            self.publish_update(&before, ticket);
            // The engine refuses no knowledge.
            let _ = self.step(Input::CustomerKnown { ticket, customer });
        }
    }

    fn contact_ended(&mut self, interaction: InteractionId, at: Micros) {
        let asked = self.loaded.by_interaction.get(&interaction);
        let asked = asked.and_then(|(item, _)| self.tenant.engine.item(*item));
        if asked.is_some_and(|work| work.outlasts(at)) {
            // They hung up to be called: it is no end of what came of that.
            return;
        }
        self.tenant.commands.cancel(interaction, self.now);
        match self.loaded.by_interaction.get(&interaction).copied() {
            // Accepted work is for its agent to complete; what is over is over.
            Some((item, _)) => {
                let _ = self.step(Input::WorkItemWithdrawn {
                    item,
                    abandoned: true,
                });
            }
            None => {
                self.loaded.ended.insert(interaction);
                self.decision.contacts_ended.push((interaction, at));
            }
        }
    }
}
