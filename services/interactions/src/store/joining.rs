//! Which conversation that is there already a contact belongs to, once it is linked: by the mails it names, by the ids
//! it quotes, by its customer's open ticket, by time; in this order of trust.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rapport_foundation::db::bulk::{self, Type};
use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{ConversationId, InteractionId, TenantId};
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;
use sea_orm::Value;
use uuid::Uuid;

use super::changes::{self, Making, Merged};
use super::mails::{self, Clue};
use super::{Store, matters};
use crate::domain::{
    Basis, Channel, Customer, Direction, Interaction, Kind, MatterChange, Purpose, Quoted,
    ThreadingRules, quoted,
};

/// Who makes the changes that rules make.
const ACTOR: &str = "svc_interactions";

/// A contact that was just linked, as far as threading needs it.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) interaction: InteractionId,
    conversation: ConversationId,
    event_at: Micros,
    channel: Channel,
    purpose: Option<Purpose>,
    /// Whether a person turned to us with it, not long ago.
    by_person: bool,
    asks_for_agent: bool,
    clues: Vec<Clue>,
    quoted: Vec<Quoted>,
    pub(crate) customer: Option<Customer>,
}

impl Store {
    /// A contact before its customer is known. What was erased names nothing.
    pub(crate) fn arrival(&self, tenant: TenantId, interaction: &Interaction) -> Arrival {
        let contact = &interaction.contact;
        let passive = matches!(contact.kind, Kind::Visit | Kind::Status | Kind::Reaction);
        Arrival {
            interaction: interaction.id,
            conversation: interaction.conversation,
            event_at: contact.event_at,
            channel: contact.channel,
            purpose: contact.purpose,
            by_person: contact.direction == Direction::Inbound
                && !contact.automatic
                && !contact.history
                && !passive,
            asks_for_agent: interaction.asks_for_agent,
            clues: mails::clues(&self.vault, tenant, contact),
            quoted: quoted::quoted(contact),
            customer: None,
        }
    }

    /// Joins the conversations of these contacts to those they belong to; answers the changes.
    pub(crate) async fn join(
        &self,
        s: &Scoped,
        arrivals: &[Arrival],
        now: Micros,
    ) -> Result<Vec<MatterChange>, Error> {
        let mut changes = Vec::new();
        let mut joined: BTreeSet<InteractionId> = BTreeSet::new();
        let named = by_mail(s, arrivals).await?.into_iter();
        let quoted = by_quoted(s, arrivals).await?;
        for (arrival, other, basis) in named.chain(quoted) {
            joined.insert(arrival.interaction);
            changes.extend(self.join_one(s, arrival, other, basis, now).await?);
        }
        let open: Vec<&Arrival> = arrivals
            .iter()
            .filter(|one| one.by_person && one.customer.is_some())
            .filter(|one| !joined.contains(&one.interaction))
            .collect();
        if open.is_empty() {
            return Ok(changes);
        }
        let rules = self.threading_rules(s).await?;
        for (arrival, other, basis) in by_customer(s, &open, &rules).await? {
            changes.extend(self.join_one(s, arrival, other, basis, now).await?);
        }
        Ok(changes)
    }

    /// Makes two wholes one, under the older: unless they are one already, people left them apart, or they would be too
    /// many.
    async fn join_one(
        &self,
        s: &Scoped,
        arrival: &Arrival,
        other: ConversationId,
        basis: Basis,
        now: Micros,
    ) -> Result<Option<MatterChange>, Error> {
        let one = matters::root(s, arrival.conversation).await?;
        let other = matters::root(s, other).await?;
        if one == other {
            return Ok(None);
        }
        let (mine, theirs) = (
            matters::members(s, one).await?,
            matters::members(s, other).await?,
        );
        if changes::are_apart(s, &mine, &theirs).await? {
            return Ok(None);
        }
        let making = Making {
            actor: ACTOR.to_owned(),
            reason: Personal::default(),
            at: now,
        };
        let pair = (one.max(other), one.min(other));
        match self.merge_conversations(s, pair, basis, &making).await? {
            Merged::Done(change) => Ok(Some(change)),
            Merged::Already | Merged::TooMany => Ok(None),
        }
    }
}

type Join<'a> = (&'a Arrival, ConversationId, Basis);

/// What else the mails lead to that a mail names. Mails that came before those they answer are joined here.
async fn by_mail<'a>(s: &Scoped, arrivals: &'a [Arrival]) -> Result<Vec<Join<'a>>, Error> {
    let clues: BTreeSet<&Clue> = arrivals.iter().flat_map(|one| &one.clues).collect();
    let clues: Vec<Clue> = clues.into_iter().cloned().collect();
    let leads = mails::led_to(s, &clues).await?;
    let mut joins = Vec::new();
    for arrival in arrivals {
        let led: BTreeSet<ConversationId> = (arrival.clues.iter())
            .filter_map(|clue| leads.get(clue).copied())
            .collect();
        // One conversation is what recording chose; only several are news.
        let several = led.len() > 1 || !led.contains(&arrival.conversation);
        joins.extend(
            led.into_iter()
                .filter(|other| several && *other != arrival.conversation)
                .map(|other| (arrival, other, Basis::Mail)),
        );
    }
    Ok(joins)
}

/// What is quoted counts when it belongs to the same customer: an id is no secret.
async fn by_quoted<'a>(s: &Scoped, arrivals: &'a [Arrival]) -> Result<Vec<Join<'a>>, Error> {
    let mut joins = Vec::new();
    for arrival in arrivals {
        let Some(customer) = arrival.customer else {
            continue;
        };
        for quoted in &arrival.quoted {
            if let Some(other) = belonging(s, *quoted, customer).await? {
                joins.push((arrival, other, Basis::QuotedId));
            }
        }
    }
    Ok(joins)
}

/// The conversation behind a quoted id, when it is the customer's.
async fn belonging(
    s: &Scoped,
    quoted: Quoted,
    customer: Customer,
) -> Result<Option<ConversationId>, Error> {
    let conversation = match quoted {
        Quoted::Conversation(id) => id,
        Quoted::Ticket(ticket) => {
            let sql = "select conversation_id, record_id from known_ticket where tenant_id = $1 and ticket_id = $2";
            let Some(row) = s.raw_one(sql, [ticket.uuid().into()]).await? else {
                return Ok(None);
            };
            let id: Uuid = row.try_get("", "conversation_id")?;
            let record: Uuid = row.try_get("", "record_id")?;
            if id.is_nil() {
                return Ok(None);
            }
            if same_customer(s, record, customer).await? {
                return Ok(Some(ConversationId::from_uuid(id)));
            }
            ConversationId::from_uuid(id)
        }
    };
    let root = matters::root(s, conversation).await?;
    let sql = "select 1 as one from record_customer a cross join record_customer m cross join conversation_link l \
               where a.tenant_id = $1 and a.record_id = $2 and m.tenant_id = $1 and m.customer_id = a.customer_id \
               and l.tenant_id = $1 and l.record_id = m.record_id and (l.conversation_id = $3 or l.conversation_id in \
               (select conversation_id from conversation_root where tenant_id = $1 and root_id = $3)) limit 1";
    let values: [Value; 2] = [customer.record.uuid().into(), root.uuid().into()];
    let is_theirs = s.raw_one(sql, values).await?.is_some();
    Ok(is_theirs.then_some(root))
}

async fn same_customer(s: &Scoped, record: Uuid, customer: Customer) -> Result<bool, Error> {
    let sql = "select 1 as one from record_customer a cross join record_customer b \
               where a.tenant_id = $1 and a.record_id = $2 \
               and b.tenant_id = $1 and b.record_id = $3 and b.customer_id = a.customer_id";
    let values: [Value; 2] = [record.into(), customer.record.uuid().into()];
    Ok(s.raw_one(sql, values).await?.is_some())
}

/// What a contact that names nothing belongs to, by whose it is: it must have begun a conversation of its own.
async fn by_customer<'a>(
    s: &Scoped,
    arrivals: &[&'a Arrival],
    rules: &ThreadingRules,
) -> Result<Vec<Join<'a>>, Error> {
    let asking: Vec<&Arrival> = arrivals
        .iter()
        .copied()
        .filter(|one| one.asks_for_agent && !rules.ignore_open_tickets)
        .collect();
    let tickets = open_tickets(s, &asking).await?;
    let mut candidates = Vec::new();
    for arrival in arrivals {
        let window = rules.window(arrival.channel, arrival.purpose);
        let ticket = tickets.get(&arrival.interaction);
        if ticket.is_some() || window.is_some() {
            candidates.push((*arrival, ticket, window));
        }
    }
    let begun = beginnings(s, candidates.iter().map(|(arrival, ..)| *arrival)).await?;
    let mut joins = Vec::new();
    for (arrival, ticket, window) in candidates {
        if !begun.contains(&arrival.interaction) {
            continue;
        }
        // Two open tickets are two matters: which of them it is about nobody can tell.
        if let Some([conversation]) = ticket.map(Vec::as_slice) {
            joins.push((arrival, *conversation, Basis::OpenTicket));
        } else if let (None, Some(window)) = (ticket, window) {
            let from = arrival.event_at - window;
            let last = last_before(s, arrival, from).await?;
            joins.extend(last.map(|other| (arrival, other, Basis::TimeWindow)));
        }
    }
    Ok(joins)
}

/// The conversations that open tickets of each contact's customer grew out of, other than its own.
async fn open_tickets(
    s: &Scoped,
    arrivals: &[&Arrival],
) -> Result<BTreeMap<InteractionId, Vec<ConversationId>>, Error> {
    const KEYS: [(&str, Type); 3] = [
        ("interaction", Type::Uuid),
        ("record", Type::Uuid),
        ("nowhere", Type::Uuid),
    ];
    let rows = arrivals.iter().filter_map(|arrival| {
        let customer = arrival.customer?;
        Some(vec![
            arrival.interaction.uuid().into(),
            customer.record.uuid().into(),
            Uuid::nil().into(),
        ])
    });
    let query = "select distinct k.interaction, coalesce(r.root_id, t.conversation_id) as root_id \
                 from k cross join record_customer a cross join record_customer m cross join known_ticket t \
                 left join conversation_root r on r.tenant_id = t.tenant_id and r.conversation_id = t.conversation_id \
                 where a.tenant_id = $1 and a.record_id = k.record and m.tenant_id = $1 \
                 and m.customer_id = a.customer_id and t.tenant_id = $1 and t.record_id = m.record_id \
                 and t.open = 1 and t.conversation_id <> k.nowhere";
    let mut tickets: BTreeMap<InteractionId, Vec<ConversationId>> = BTreeMap::new();
    for row in bulk::select(s, &KEYS, rows.collect(), query).await? {
        let interaction = InteractionId::from_uuid(row.try_get("", "interaction")?);
        let root = ConversationId::from_uuid(row.try_get("", "root_id")?);
        tickets.entry(interaction).or_default().push(root);
    }
    let own: HashMap<InteractionId, ConversationId> = arrivals
        .iter()
        .map(|one| (one.interaction, one.conversation))
        .collect();
    tickets.retain(|id, roots| own.get(id).is_some_and(|own| !roots.contains(own)));
    Ok(tickets)
}

/// Those that are the first of a conversation that nothing was joined to.
async fn beginnings<'a>(
    s: &Scoped,
    arrivals: impl Iterator<Item = &'a Arrival>,
) -> Result<BTreeSet<InteractionId>, Error> {
    const KEYS: [(&str, Type); 3] = [
        ("interaction", Type::Uuid),
        ("wanted", Type::Uuid),
        ("at", Type::Big),
    ];
    let row = |one: &Arrival| -> Vec<Value> {
        vec![
            one.interaction.uuid().into(),
            one.conversation.uuid().into(),
            one.event_at.0.into(),
        ]
    };
    let query = "select k.interaction from k cross join conversation c where c.tenant_id = $1 and c.id = k.wanted \
                 and c.first_at >= k.at and not exists (select 1 from conversation_root r \
                 where r.tenant_id = $1 and (r.conversation_id = k.wanted or r.root_id = k.wanted))";
    let rows = arrivals.map(row).collect();
    let found = bulk::select(s, &KEYS, rows, query).await?;
    let id = found
        .iter()
        .map(|row| Ok(InteractionId::from_uuid(row.try_get("", "interaction")?)));
    id.collect()
}

/// The conversation of the customer's last contact before this one, not before `from`.
async fn last_before(
    s: &Scoped,
    arrival: &Arrival,
    from: Micros,
) -> Result<Option<ConversationId>, Error> {
    let Some(customer) = arrival.customer else {
        return Ok(None);
    };
    let sql = "select c.id from record_customer a cross join record_customer m cross join conversation_link l \
               cross join conversation c where a.tenant_id = $1 and a.record_id = $2 and m.tenant_id = $1 \
               and m.customer_id = a.customer_id and l.tenant_id = $1 and l.record_id = m.record_id \
               and c.tenant_id = $1 and c.id = l.conversation_id and c.id <> $3 \
               and c.last_at between $4 and $5 order by c.last_at desc, c.id desc limit 1";
    let values: [Value; 4] = [
        customer.record.uuid().into(),
        arrival.conversation.uuid().into(),
        from.0.into(),
        arrival.event_at.0.into(),
    ];
    let row = s.raw_one(sql, values).await?;
    let id = row.map(|row| row.try_get("", "id")).transpose()?;
    Ok(id.map(ConversationId::from_uuid))
}
