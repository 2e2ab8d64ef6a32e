//! What a batch of commands needs to be decided, read at once.

use std::collections::{HashMap, HashSet};

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{
    AgentId, ContactCommandId, ConversationId, InteractionId, RoutingPolicyId, TenantId, TicketId,
    WorkItemId,
};
use rapport_foundation::idempotency::{Claim, Key, look_up_many};
use rapport_foundation::time::Micros;

use super::entities::ended_contact;
use super::{
    Repeats, Store, contact_commands, conversations, merges, repeats, routing_policies, slas,
    work_items,
};
use crate::domain::contact_command::ContactCommand;
use crate::domain::policy::RoutingPolicy;
use crate::domain::sla::SlaRecord;
use crate::domain::{Agent, CustomerRef, Ticket, TicketState, WorkItem};

/// Rows in one statement.
const CHUNK: usize = 1000;

/// What to read.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    pub(crate) tickets: Vec<TicketId>,
    /// Tickets, and those above them.
    pub(crate) above: Vec<TicketId>,
    /// The tickets of these.
    pub(crate) work_items: Vec<WorkItemId>,
    /// Work items to be taken out of their ticket, by their ids and by the interactions that asked for them.
    pub(crate) taken: (Vec<WorkItemId>, Vec<InteractionId>),
    pub(crate) conversations: Vec<ConversationId>,
    /// Conversations in which one of us answered: also the solved tickets of these.
    pub(crate) answered: Vec<ConversationId>,
    pub(crate) interactions: Vec<InteractionId>,
    pub(crate) agents: Vec<AgentId>,
    pub(crate) principals: Vec<String>,
    pub(crate) routing_policies: Vec<RoutingPolicyId>,
    pub(crate) keys: Vec<Key>,
    /// Customers with contacts that may be repeated ones.
    pub(crate) repeats: Vec<CustomerRef>,
    /// Tickets whose reason may be another: their customers, too.
    pub(crate) reclassified: Vec<TicketId>,
    /// What counts as a repeated contact, whoever it is about.
    pub(crate) repeat_rule: bool,
    /// Commands that connectors speak of, the tickets they are about, and the work that their contacts are by now.
    pub(crate) commands: Vec<ContactCommandId>,
    /// The same of commands that are given up by now.
    pub(crate) expired: bool,
    /// What the database's clock says.
    pub(crate) present: bool,
    /// When it is decided.
    pub(crate) now: Micros,
}

/// What there is.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) tickets: HashMap<TicketId, Ticket>,
    /// What the clocks of these tickets are made of, where somebody kept it.
    pub(crate) slas: HashMap<TicketId, SlaRecord>,
    /// The oldest ticket of each conversation that is open, or merged into one that is.
    pub(crate) by_conversation: HashMap<ConversationId, TicketId>,
    /// The latest solved ticket of each conversation in which one of us answered, or merged into a solved one.
    pub(crate) solved: HashMap<ConversationId, TicketId>,
    /// The work items that interactions asked for, in any state.
    pub(crate) by_interaction: HashMap<InteractionId, (WorkItemId, TicketId)>,
    /// Work items to be taken out of their ticket, in any state.
    pub(crate) taken: Vec<WorkItem>,
    /// Contacts that were over before.
    pub(crate) ended: HashSet<InteractionId>,
    pub(crate) agents: HashMap<AgentId, Agent>,
    /// Principals that have an agent.
    pub(crate) principals: HashMap<String, AgentId>,
    pub(crate) routing_policies: HashMap<RoutingPolicyId, RoutingPolicy>,
    pub(crate) commands: HashMap<ContactCommandId, ContactCommand>,
    /// The tickets of commands that are given up by then are there.
    pub(crate) expired_by: Micros,
    /// What the database's clock says, if that was asked for.
    pub(crate) present: Micros,
    /// Which earlier tickets new ones may repeat.
    pub(crate) repeats: Repeats,
    /// What each of the needed keys was used for, in their order.
    pub(crate) claims: Vec<Option<Claim>>,
}

impl Store {
    /// Reads what is needed.
    pub(crate) async fn load(&self, tenant: TenantId, needs: &Needs) -> Result<Loaded, Error> {
        let read = |s: Scoped| async move {
            let claims = look_up_many(&s, &needs.keys).await?;
            let mut loaded = Loaded {
                claims,
                ..Loaded::default()
            };
            if needs.present {
                loaded.present = contact_commands::present(&s).await?;
            }
            let mut commands = contact_commands::by_id(&s, &needs.commands).await?;
            if needs.expired {
                commands.extend(contact_commands::expired(&s, needs.now).await?);
                loaded.expired_by = needs.now;
            }
            let about = commands
                .iter()
                .flat_map(|c| [Some(c.item), c.next])
                .flatten();
            let about: Vec<WorkItemId> = about.chain(needs.work_items.iter().copied()).collect();
            let contacts = commands.iter().map(|command| command.interaction);
            let contacts: Vec<InteractionId> =
                contacts.chain(needs.interactions.iter().copied()).collect();
            loaded.commands = commands.into_iter().map(|one| (one.id, one)).collect();
            let mut ids = work_items::tickets_of(&s, &about).await?;
            let asked = work_items::of_interactions(&s, &contacts).await?;
            ids.extend(&needs.tickets);
            ids.extend(asked.iter().map(|(_, (_, ticket))| *ticket));
            ids.sort_unstable();
            ids.dedup();
            loaded.by_interaction = asked.into_iter().collect();
            let mut tickets = self.tickets_by_id(&s, &ids).await?;
            tickets.extend(self.tickets_above(&s, &needs.above).await?);
            let within = conversations::parts_of(&s, &needs.conversations).await?;
            let parts: Vec<ConversationId> = within.keys().copied().collect();
            let wholes = |ticket: &Ticket| {
                let part = ticket.conversation;
                part.and_then(|part| within.get(&part))
                    .into_iter()
                    .flatten()
            };
            let mut open = self.open_tickets_of(&s, &parts).await?;
            open.sort_unstable_by_key(|ticket| ticket.id);
            let answered: Vec<ConversationId> = within
                .iter()
                .filter(|(_, wholes)| wholes.iter().any(|id| needs.answered.contains(id)))
                .map(|(part, _)| *part)
                .collect();
            let mut solved = self.solved_tickets_of(&s, &answered).await?;
            // The oldest comes first: the latest stays.
            solved.sort_unstable_by_key(|ticket| ticket.id);
            let ids = |tickets: &[Ticket]| tickets.iter().map(|ticket| ticket.id).collect();
            let (open_ids, solved_ids): (Vec<TicketId>, Vec<TicketId>) = (ids(&open), ids(&solved));
            let found = tickets.into_iter().chain(open).chain(solved);
            loaded.tickets = found.map(|ticket| (ticket.id, ticket)).collect();
            self.add_families(&s, &mut loaded.tickets).await?;
            let known = |id: &TicketId| loaded.tickets.get(id);
            for ticket in open_ids.iter().filter_map(known) {
                if merges::standing_for(&loaded.tickets, ticket)
                    .state
                    .is_open()
                {
                    for whole in wholes(ticket) {
                        loaded.by_conversation.entry(*whole).or_insert(ticket.id);
                    }
                }
            }
            for ticket in solved_ids.iter().filter_map(known) {
                let state = merges::standing_for(&loaded.tickets, ticket).state;
                if state == TicketState::Resolved {
                    let ids = wholes(ticket).map(|whole| (*whole, ticket.id));
                    loaded.solved.extend(ids);
                }
            }
            loaded.taken = work_items::taken(&s, &needs.taken).await?;
            let ids: Vec<TicketId> = loaded.tickets.keys().copied().collect();
            loaded.slas = slas::of_tickets(&s, &ids).await?;
            for chunk in needs.interactions.chunks(CHUNK) {
                let ids = chunk.iter().map(|id| id.uuid());
                let ended = s.among(ended_contact::Column::InteractionId, ids);
                let rows = s
                    .find::<ended_contact::Entity>()
                    .filter(ended)
                    .all()
                    .await?;
                let ids = rows
                    .into_iter()
                    .map(|row| InteractionId::from_uuid(row.interaction_id));
                loaded.ended.extend(ids);
            }
            if !needs.agents.is_empty() {
                let agents = self.agents_by_id(&s, &needs.agents).await?;
                loaded.agents = agents.into_iter().map(|agent| (agent.id, agent)).collect();
            }
            let taken = self.taken_principals(&s, &needs.principals).await?;
            loaded.principals = taken.into_iter().collect();
            let policies = routing_policies::by_id(&s, &needs.routing_policies).await?;
            let policies = policies.into_iter().map(|policy| (policy.id, policy));
            loaded.routing_policies = policies.collect();
            let reclassified = needs.reclassified.iter();
            let customers = reclassified.filter_map(|id| loaded.tickets.get(id)?.customer);
            let about: Vec<CustomerRef> = needs.repeats.iter().copied().chain(customers).collect();
            if needs.repeat_rule || !about.is_empty() {
                loaded.repeats = repeats::earlier(&s, &about, needs.now).await?;
            }
            Ok(loaded)
        };
        self.db.read(tenant, read).await
    }
}
