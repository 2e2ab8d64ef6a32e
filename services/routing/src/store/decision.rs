//! Storing what the engine decided: one transaction for everything a batch of inputs led to.

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::events::{self, Mark, Outgoing};
use rapport_foundation::id::{AgentId, InteractionId, RecordId, TenantId, TicketId, WorkItemId};
use rapport_foundation::idempotency::{Key, settle_many};
use rapport_foundation::time::Micros;
use sea_orm::ActiveValue;
use uuid::Uuid;

use super::conversations::Joining;
use super::entities::ended_contact;
use super::lease::{Fence, Lease};
use super::picks::Pick;
use super::sealed::Worded;
use super::slas::SlaRow;
use super::{
    Store, calendars, contact_commands, conversations, customers, figures, lease, offers, picks,
    policies, queues, records, repeats, routing_policies, slas, standings, ticket_routes,
    work_items,
};
use crate::domain::contact_command::ContactCommand;
use crate::domain::engine::{Pace, Turn};
use crate::domain::policy::{RouteRecord, RoutingPolicy};
use crate::domain::sla::{Calendar, Policy};
use crate::domain::statistics::Spell;
use crate::domain::{
    Agent, CustomerRef, HandOver, HistoryEntry, Note, Offer, OfferOutcome, Queue, RepeatRule,
    Standing, Ticket, WorkItem,
};

/// Rows in one statement.
const CHUNK: usize = 1000;

/// An offer and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OfferRow {
    pub(crate) offer: Offer,
    pub(crate) outcome: OfferOutcome,
    pub(crate) ended_at: Option<Micros>,
    /// It was made where work is offered to several at once.
    pub(crate) broadcast: bool,
}

/// A request id, and the result and its version that it is answered with when it is repeated.
pub(crate) type Settlement = (Key, Uuid, i64);

/// Everything a batch of inputs led to, as rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Decision {
    pub(crate) tickets: Vec<Ticket>,
    /// Tickets that calls are about.
    pub(crate) picks: Vec<Pick>,
    /// What of them changed.
    pub(crate) history: Vec<Worded<HistoryEntry>>,
    pub(crate) notes: Vec<Worded<Note>>,
    /// What virtual agents handed over with work.
    pub(crate) hand_overs: Vec<Worded<HandOver>>,
    pub(crate) items: Vec<WorkItem>,
    /// Work that was taken out of a ticket into another.
    pub(crate) splits: Vec<(TicketId, Vec<WorkItemId>)>,
    pub(crate) offers: Vec<OfferRow>,
    pub(crate) queues: Vec<Queue>,
    /// Agents made or changed by hand.
    pub(crate) agents: Vec<Agent>,
    /// How agents stand, of those the engine changed.
    pub(crate) standings: Vec<(AgentId, Standing)>,
    /// What disciplines that look back are remembered by.
    pub(crate) paces: Vec<Pace>,
    pub(crate) turns: Vec<Turn>,
    /// Commands to connectors, as they are now.
    pub(crate) commands: Vec<ContactCommand>,
    /// How agents spent their time.
    pub(crate) spells: Vec<Spell>,
    /// Customers heard of.
    pub(crate) customers: Vec<CustomerRef>,
    /// Contacts that were over before their interaction was linked.
    pub(crate) contacts_ended: Vec<(InteractionId, Micros)>,
    /// Those of them whose interaction was linked now.
    pub(crate) contacts_met: Vec<InteractionId>,
    /// What became of conversations, in its order.
    pub(crate) joinings: Vec<Joining>,
    /// Records of customers whose words are forgotten.
    pub(crate) erased: Vec<RecordId>,
    /// Calendars made or changed.
    pub(crate) calendars: Vec<Calendar>,
    /// Policies made or changed.
    pub(crate) policies: Vec<Policy>,
    /// Versions of the routing policy made or changed.
    pub(crate) routing_policies: Vec<RoutingPolicy>,
    /// What counts as a repeated contact, where that is another.
    pub(crate) repeat_rule: Option<RepeatRule>,
    /// What the routing policy chose for tickets.
    pub(crate) routes: Vec<RouteRecord>,
    /// The clocks of tickets.
    pub(crate) slas: Vec<SlaRow>,
    /// What is promised is different: every open ticket is to be dated anew.
    pub(crate) redate: bool,
    pub(crate) events: Vec<Outgoing>,
    pub(crate) settlements: Vec<Settlement>,
    /// How far the logs of other services are applied with it.
    pub(crate) marks: Vec<Mark>,
}

impl Decision {
    /// Whether there is nothing to store.
    pub(crate) fn is_empty(&self) -> bool {
        self.tickets.is_empty()
            && self.picks.is_empty()
            && self.history.is_empty()
            && self.notes.is_empty()
            && self.hand_overs.is_empty()
            && self.items.is_empty()
            && self.splits.is_empty()
            && self.offers.is_empty()
            && self.queues.is_empty()
            && self.agents.is_empty()
            && self.standings.is_empty()
            && self.paces.is_empty()
            && self.turns.is_empty()
            && self.commands.is_empty()
            && self.spells.is_empty()
            && self.customers.is_empty()
            && self.contacts_ended.is_empty()
            && self.contacts_met.is_empty()
            && self.joinings.is_empty()
            && self.erased.is_empty()
            && self.calendars.is_empty()
            && self.policies.is_empty()
            && self.routing_policies.is_empty()
            && self.repeat_rule.is_none()
            && self.routes.is_empty()
            && self.slas.is_empty()
            && !self.redate
            && self.events.is_empty()
            && self.settlements.is_empty()
            && self.marks.is_empty()
    }
}

/// What became of an attempt to store a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Committed {
    /// It is stored, by this attempt or by an earlier one whose answer was lost.
    Stored,
    /// Somebody else owns the tenant: nothing is stored.
    Fenced,
}

impl Store {
    /// Stores a decision of the owner that holds `lease`. May be called again with the same
    /// decision after a failure whose outcome is not known.
    pub(crate) async fn decide(
        &self,
        tenant: TenantId,
        lease: Lease,
        decision: &Decision,
    ) -> Result<Committed, Error> {
        let write = |s: Scoped| async move {
            match lease::pass(&s, lease).await? {
                Fence::Passed => return Ok::<_, Error>(Committed::Stored),
                Fence::Shut => return Ok(Committed::Fenced),
                Fence::Open => {}
            }
            for mark in &decision.marks {
                mark.advance(&s).await?;
            }
            settle_many(&s, &decision.settlements).await?;
            self.put_all(&s, decision).await?;
            Ok(Committed::Stored)
        };
        let committed = self.db.write(tenant, write).await?;
        if committed == Committed::Stored {
            for OfferRow { offer, .. } in &decision.offers {
                self.known.offers.insert((tenant, offer.id), *offer);
            }
        }
        Ok(committed)
    }

    async fn put_all(&self, s: &Scoped, decision: &Decision) -> Result<(), Error> {
        s.together(|s| async move { self.put_rows(&s, decision).await })
            .await?;
        put_contacts(s, decision).await?;
        if decision.redate {
            slas::redate(s).await?;
        }
        conversations::note(s, &decision.joinings).await?;
        // Last: whatever was sealed in this decision goes with it.
        self.forget(s, &decision.erased).await
    }

    async fn put_rows(&self, s: &Scoped, decision: &Decision) -> Result<(), Error> {
        queues::put(s, &decision.queues).await?;
        self.put_agents(s, &decision.agents).await?;
        standings::put(s, &decision.standings).await?;
        records::put(s, &decision.paces, &decision.turns).await?;
        figures::put(s, &decision.spells).await?;
        customers::note(s, &decision.customers).await?;
        self.put_tickets(s, &decision.tickets).await?;
        picks::put(s, &decision.picks).await?;
        self.put_history(s, &decision.history).await?;
        self.put_notes(s, &decision.notes).await?;
        self.put_hand_overs(s, &decision.hand_overs).await?;
        work_items::put(s, &decision.items).await?;
        work_items::split(s, &decision.splits).await?;
        offers::put(s, &decision.offers).await?;
        contact_commands::put(s, &decision.commands).await?;
        calendars::put(s, &decision.calendars).await?;
        policies::put(s, &decision.policies).await?;
        routing_policies::put(s, &decision.routing_policies).await?;
        if let Some(rule) = &decision.repeat_rule {
            repeats::put(s, rule).await?;
        }
        ticket_routes::put(s, &decision.routes).await?;
        slas::put(s, &decision.slas).await?;
        events::append_many(s, &decision.events).await
    }
}

/// Contacts that are over; of those that one batch tells of both, the second counts.
async fn put_contacts(s: &Scoped, decision: &Decision) -> Result<(), Error> {
    for chunk in decision.contacts_ended.chunks(CHUNK) {
        let row = |(id, at): &(InteractionId, Micros)| ended_contact::ActiveModel {
            // Set by the scoped store.
            tenant_id: ActiveValue::NotSet,
            interaction_id: ActiveValue::Set(id.uuid()),
            ended_at: ActiveValue::Set(*at),
        };
        let key = [
            ended_contact::Column::TenantId,
            ended_contact::Column::InteractionId,
        ];
        s.insert_absent(chunk.iter().map(row).collect(), key)
            .await?;
    }
    if !decision.contacts_met.is_empty() {
        let ids = decision.contacts_met.iter().map(|id| id.uuid());
        let met = s.among(ended_contact::Column::InteractionId, ids);
        s.delete_where::<ended_contact::Entity>(met).await?;
    }
    Ok(())
}
