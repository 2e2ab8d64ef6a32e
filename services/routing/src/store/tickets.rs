use std::collections::BTreeMap;

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{AgentId, ConversationId, CustomerId, QueueId, TenantId, TicketId};
use rapport_foundation::personal::Personal;
use rapport_foundation::seal::SubjectKeys;
use sea_orm::{ColumnTrait as _, Condition, Iterable as _};
use uuid::Uuid;

use super::columns::{
    codes_in, codes_out, count, customer, named, optional_code, skills_in, skills_out,
};
use super::entities::ticket::{ActiveModel, Column, Entity, Model};
use super::sealed::{open, seal, subject_of};
use super::{Page, Store, conversations, customers, merges};
use crate::domain::sla::WaitingOn;
use crate::domain::{
    Attributes, Code, Impact, Priority, Purpose, Severity, Ticket, TicketState, Urgency,
};

/// Names of the states in which something is still to be solved.
pub(super) const OPEN: [&str; 3] = ["new", "open", "pending"];

/// Rows in one statement: 36 columns each.
const CHUNK: usize = 400;

/// Which tickets to list.
#[derive(Clone, Debug, Default)]
pub(crate) struct TicketFilter {
    pub(crate) state: Option<TicketState>,
    pub(crate) queue: Option<QueueId>,
    pub(crate) owner: Option<AgentId>,
    pub(crate) customer: Option<CustomerId>,
    pub(crate) conversation: Option<ConversationId>,
    /// Those that were merged into this one itself, instead of those that stand for themselves.
    pub(crate) merged_into: Option<TicketId>,
    pub(crate) parent: Option<TicketId>,
}

impl Store {
    /// One ticket, its customer as known today.
    pub(crate) async fn ticket(
        &self,
        tenant: TenantId,
        id: TicketId,
    ) -> Result<Option<Ticket>, Error> {
        Ok(self.tickets_named(tenant, &[id]).await?.pop())
    }

    /// These tickets, their customers as known today.
    pub(crate) async fn tickets_named(
        &self,
        tenant: TenantId,
        ids: &[TicketId],
    ) -> Result<Vec<Ticket>, Error> {
        let find = |s: Scoped| async move {
            let mut found = self.tickets_by_id(&s, ids).await?;
            self.as_known_today(&s, &mut found).await?;
            Ok::<_, Error>(found)
        };
        self.db.read(tenant, find).await
    }

    /// This ticket, its customer as known today.
    pub(crate) async fn as_of_today(
        &self,
        tenant: TenantId,
        ticket: Ticket,
    ) -> Result<Ticket, Error> {
        if ticket.customer.is_none() {
            return Ok(ticket);
        }
        let find = |s: Scoped| {
            let mut tickets = [ticket.clone()];
            async move {
                self.as_known_today(&s, &mut tickets).await?;
                let [ticket] = tickets;
                Ok::<_, Error>(ticket)
            }
        };
        self.db.read(tenant, find).await
    }

    /// Whether there is such a ticket.
    pub(crate) async fn has_ticket(&self, tenant: TenantId, id: TicketId) -> Result<bool, Error> {
        let find = |s: Scoped| async move {
            let rows = s.find::<Entity>().filter(Column::Id.eq(id.uuid()));
            rows.exists().await
        };
        self.db.read(tenant, find).await
    }

    /// Tickets that fit every given condition, newest first, behind `after`.
    pub(crate) async fn tickets(
        &self,
        tenant: TenantId,
        filter: &TicketFilter,
        after: Option<Uuid>,
        size: u64,
    ) -> Result<Page<Ticket>, Error> {
        let tickets = self.db.read(tenant, |s: Scoped| async move {
            let records = match filter.customer {
                Some(customer) => Some(customers::records_of(&s, customer).await?),
                None => None,
            };
            let parts = match filter.conversation {
                Some(whole) => Some(conversations::parts_of(&s, &[whole]).await?.into_keys()),
                None => None,
            };
            let theirs = Condition::all()
                .add_option(records.map(|records| Column::RecordId.is_in(records)))
                .add_option(
                    parts.map(|parts| Column::ConversationId.is_in(parts.map(|id| id.uuid()))),
                );
            let (theirs, merged) = match filter.merged_into {
                Some(whole) => (theirs, Column::MergedIntoId.eq(whole.uuid())),
                None if theirs.is_empty() => (theirs, Column::MergedIntoId.is_null()),
                None => {
                    let wholes = merges::wholes_where(&s, theirs.clone()).await?;
                    let wholes = Column::Id.is_in(wholes.into_iter().map(TicketId::uuid));
                    let theirs = Condition::any().add(theirs).add(wholes);
                    (theirs, Column::MergedIntoId.is_null())
                }
            };
            let above = match filter.parent {
                Some(parent) => Some(merges::family(&s, parent).await?.into_iter()),
                None => None,
            };
            let condition = Condition::all()
                .add_option(above.map(|ids| Column::ParentId.is_in(ids.map(TicketId::uuid))))
                .add_option(filter.state.map(|state| Column::State.eq(state.as_str())))
                .add_option(filter.queue.map(|id| Column::QueueId.eq(id.uuid())))
                .add_option(filter.owner.map(|id| Column::OwnerAgentId.eq(id.uuid())))
                .add(theirs)
                .add(merged)
                .add_option(after.map(|id| Column::Id.lt(id)));
            let rows = s
                .find::<Entity>()
                .filter(condition)
                .order_by_desc(Column::Id);
            let rows = rows.limit(size + 1).all().await?;
            let mut tickets = self.opened(&s, rows).await?;
            self.as_known_today(&s, &mut tickets).await?;
            Ok::<_, Error>(tickets)
        });
        Ok(Page::of(tickets.await?, size, |ticket| ticket.id.uuid()))
    }

    /// These tickets, as they were stored.
    pub(super) async fn tickets_by_id(
        &self,
        s: &Scoped,
        ids: &[TicketId],
    ) -> Result<Vec<Ticket>, Error> {
        let mut tickets = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(CHUNK) {
            let ids = chunk.iter().map(|id| id.uuid());
            let rows = s
                .find::<Entity>()
                .filter(s.among(Column::Id, ids))
                .all()
                .await?;
            tickets.extend(self.opened(s, rows).await?);
        }
        Ok(tickets)
    }

    /// These tickets and those above them, as far up as any may be.
    pub(super) async fn tickets_above(
        &self,
        s: &Scoped,
        ids: &[TicketId],
    ) -> Result<Vec<Ticket>, Error> {
        let mut found = Vec::new();
        let mut wanted = ids.to_vec();
        for _ in 0..Ticket::ABOVE_MAX {
            if wanted.is_empty() {
                break;
            }
            let tickets = self.tickets_by_id(s, &wanted).await?;
            let above = |ticket: &Ticket| ticket.merged_into.or(ticket.parent);
            wanted = tickets.iter().filter_map(above).collect();
            found.extend(tickets);
        }
        Ok(found)
    }

    /// The tickets of these conversations that are open or merged into others, oldest first.
    pub(super) async fn open_tickets_of(
        &self,
        s: &Scoped,
        conversations: &[ConversationId],
    ) -> Result<Vec<Ticket>, Error> {
        self.tickets_of(s, conversations, &OPEN).await
    }

    /// The tickets of these conversations that are solved and not closed, or merged into others, oldest first.
    pub(super) async fn solved_tickets_of(
        &self,
        s: &Scoped,
        conversations: &[ConversationId],
    ) -> Result<Vec<Ticket>, Error> {
        let solved = TicketState::Resolved.as_str();
        self.tickets_of(s, conversations, &[solved]).await
    }

    async fn tickets_of(
        &self,
        s: &Scoped,
        conversations: &[ConversationId],
        states: &[&str],
    ) -> Result<Vec<Ticket>, Error> {
        let mut tickets = Vec::new();
        for chunk in conversations.chunks(CHUNK) {
            let ids = chunk.iter().map(|id| id.uuid());
            let rows = s
                .find::<Entity>()
                .filter(s.among(Column::ConversationId, ids));
            let may = Condition::any()
                .add(Column::State.is_in(states.iter().copied()))
                .add(Column::MergedIntoId.is_not_null());
            let rows = rows.filter(may).order_by_asc(Column::Id);
            let rows = rows.all().await?;
            tickets.extend(self.opened(s, rows).await?);
        }
        Ok(tickets)
    }

    async fn as_known_today(&self, s: &Scoped, tickets: &mut [Ticket]) -> Result<(), Error> {
        let records: Vec<_> = tickets
            .iter()
            .filter_map(|t| Some(t.customer?.record))
            .collect();
        let known = customers::of_records(s, &records).await?;
        for customer in tickets.iter_mut().filter_map(|t| t.customer.as_mut()) {
            if let Some(today) = known.get(&customer.record) {
                customer.customer = *today;
            }
        }
        Ok(())
    }

    pub(super) async fn opened(&self, s: &Scoped, rows: Vec<Model>) -> Result<Vec<Ticket>, Error> {
        let subjects: Vec<String> = rows
            .iter()
            .filter_map(|row| row.sealed_for.clone())
            .collect();
        let keys = self.vault.existing(s, &subjects).await?;
        rows.into_iter().map(|row| read(row, &keys)).collect()
    }

    /// Stores tickets as they are now, their texts sealed for the customer they are about.
    pub(super) async fn put_tickets(&self, s: &Scoped, tickets: &[Ticket]) -> Result<(), Error> {
        let sealed: BTreeMap<TicketId, String> = tickets
            .iter()
            .filter(|ticket| has_words(ticket))
            .map(|ticket| {
                let record = ticket.customer.map(|customer| customer.record);
                (ticket.id, subject_of(ticket.id, record))
            })
            .collect();
        let subjects: Vec<String> = sealed.values().cloned().collect();
        let keys = self.vault.keys(s, &subjects).await?;
        for chunk in tickets.chunks(CHUNK) {
            let mut rows = Vec::with_capacity(chunk.len());
            for ticket in chunk {
                let row = write(s.tenant(), ticket, sealed.get(&ticket.id).cloned(), &keys)?;
                rows.push(ActiveModel::from(row));
            }
            let changed = Column::iter().filter(|c| !matches!(c, Column::TenantId | Column::Id));
            s.upsert_many(rows, [Column::TenantId, Column::Id], changed)
                .await?;
        }
        Ok(())
    }
}

fn has_words(ticket: &Ticket) -> bool {
    let words = [&ticket.subject, &ticket.description, &ticket.resolution];
    words.iter().any(|text| !text.is_empty()) || !ticket.attributes.is_empty()
}

fn place(id: Uuid, column: &str) -> String {
    format!("tickets/{id}/{column}")
}

fn attributes_out(attributes: &Attributes) -> Result<Personal, Error> {
    let texts = attributes.iter();
    let texts: BTreeMap<&Code, &str> = texts.map(|(key, value)| (key, value.expose())).collect();
    match texts.is_empty() {
        true => Ok(Personal::default()),
        false => serde_json::to_string(&texts)
            .map(Personal::from)
            .map_err(|_| Error::Corrupt("attributes that cannot be stored")),
    }
}

fn attributes_in(text: &Personal) -> Result<Attributes, Error> {
    if text.is_empty() {
        return Ok(Attributes::new());
    }
    let texts: BTreeMap<Code, String> = serde_json::from_str(text.expose())
        .map_err(|_| Error::Corrupt("the attributes of a ticket"))?;
    let texts = texts.into_iter();
    Ok(texts.map(|(key, value)| (key, value.into())).collect())
}

fn severity(impact: Option<&String>, urgency: Option<&String>) -> Result<Option<Severity>, Error> {
    let impact = impact.map(|name| named(Impact::named(name))).transpose()?;
    let urgency = urgency
        .map(|name| named(Urgency::named(name)))
        .transpose()?;
    Severity::of(impact, urgency).map_err(|_| Error::Corrupt("half of a severity"))
}

fn write(
    tenant: TenantId,
    ticket: &Ticket,
    sealed_for: Option<String>,
    keys: &SubjectKeys,
) -> Result<Model, Error> {
    let id = ticket.id.uuid();
    let sealed = |text: &Personal, column: &str| match &sealed_for {
        Some(subject) if !text.is_empty() => {
            seal(keys, subject, text, &place(id, column)).map(Some)
        }
        _ => Ok(None),
    };
    let text = |code: &Option<Code>| code.as_ref().map(ToString::to_string);
    Ok(Model {
        tenant_id: tenant.uuid(),
        id,
        state: ticket.state.as_str().to_owned(),
        waiting_on: ticket.waiting_on.map(|on| on.as_str().to_owned()),
        subject: sealed(&ticket.subject, "subject")?,
        description: sealed(&ticket.description, "description")?,
        resolution: sealed(&ticket.resolution, "resolution")?,
        attributes: sealed(&attributes_out(&ticket.attributes)?, "attributes")?,
        sealed_for: sealed_for.clone(),
        priority: ticket.priority.as_str().to_owned(),
        queue_id: ticket.queue.uuid(),
        owner_agent_id: ticket.owner.map(AgentId::uuid),
        record_id: ticket.customer.map(|c| c.record.uuid()),
        customer_id: ticket.customer.map(|c| c.customer.uuid()),
        conversation_id: ticket.conversation.map(ConversationId::uuid),
        skills: skills_out(&ticket.skills),
        tags: codes_out(&ticket.tags),
        root_cause: text(&ticket.root_cause),
        outcome: text(&ticket.outcome),
        purpose: ticket.purpose.map(|purpose| purpose.as_str().to_owned()),
        reopen_count: ticket.reopen_count.into(),
        created_at: ticket.created_at,
        updated_at: ticket.updated_at,
        resolved_at: ticket.resolved_at,
        closed_at: ticket.closed_at,
        version: ticket.version,
        impact: ticket.severity.map(|s| s.impact.as_str().to_owned()),
        urgency: ticket.severity.map(|s| s.urgency.as_str().to_owned()),
        category: text(&ticket.category),
        subcategory: text(&ticket.subcategory),
        parent_id: ticket.parent.map(TicketId::uuid),
        merged_into_id: ticket.merged_into.map(TicketId::uuid),
        merged_count: ticket.merged_count.into(),
        split_from_id: ticket.split_from.map(TicketId::uuid),
        repeat_of_id: ticket.repeat_of.map(TicketId::uuid),
        reassignment_count: ticket.reassignment_count.into(),
    })
}

fn read(row: Model, keys: &SubjectKeys) -> Result<Ticket, Error> {
    let words = |sealed: Option<&Vec<u8>>, column: &str| {
        open(
            keys,
            row.sealed_for.as_ref(),
            sealed,
            &place(row.id, column),
        )
    };
    Ok(Ticket {
        id: TicketId::from_uuid(row.id),
        state: named(TicketState::named(&row.state))?,
        waiting_on: row
            .waiting_on
            .as_deref()
            .map(|on| named(WaitingOn::named(on)))
            .transpose()?,
        subject: words(row.subject.as_ref(), "subject")?,
        description: words(row.description.as_ref(), "description")?,
        resolution: words(row.resolution.as_ref(), "resolution")?,
        attributes: attributes_in(&words(row.attributes.as_ref(), "attributes")?)?,
        severity: severity(row.impact.as_ref(), row.urgency.as_ref())?,
        category: optional_code(row.category.as_ref())?,
        subcategory: optional_code(row.subcategory.as_ref())?,
        parent: row.parent_id.map(TicketId::from_uuid),
        merged_into: row.merged_into_id.map(TicketId::from_uuid),
        merged_count: count(row.merged_count)?,
        split_from: row.split_from_id.map(TicketId::from_uuid),
        repeat_of: row.repeat_of_id.map(TicketId::from_uuid),
        reassignment_count: count(row.reassignment_count)?,
        priority: named(Priority::named(&row.priority))?,
        queue: QueueId::from_uuid(row.queue_id),
        owner: row.owner_agent_id.map(AgentId::from_uuid),
        customer: customer(row.record_id, row.customer_id),
        conversation: row.conversation_id.map(ConversationId::from_uuid),
        skills: skills_in(&row.skills)?,
        tags: codes_in(&row.tags)?,
        root_cause: optional_code(row.root_cause.as_ref())?,
        outcome: optional_code(row.outcome.as_ref())?,
        purpose: row
            .purpose
            .as_deref()
            .map(|p| named(Purpose::named(p)))
            .transpose()?,
        reopen_count: count(row.reopen_count)?,
        created_at: row.created_at,
        updated_at: row.updated_at,
        resolved_at: row.resolved_at,
        closed_at: row.closed_at,
        version: row.version,
    })
}
