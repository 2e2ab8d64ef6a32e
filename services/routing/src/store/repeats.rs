//! Earlier tickets of customers, and what counts as a repetition of one.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{AgentId, CustomerId, RecordId, TenantId, TicketId};
use rapport_foundation::time::Micros;
use sea_orm::{ColumnTrait as _, Condition};

use super::columns::{count, named, optional_code};
use super::entities::{customer_map, ticket};
use super::tickets::OPEN;
use super::{Store, customers};
use crate::domain::{CustomerRef, Earlier, Purpose, RepeatRule, Ticket, TicketState};

/// Ids in one statement.
const CHUNK: usize = 400;

/// The tickets that new ones of some customers may repeat.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    pub(crate) rule: RepeatRule,
    /// Whose a record is today.
    today: HashMap<RecordId, CustomerId>,
    theirs: HashMap<CustomerId, Vec<Earlier>>,
}

impl Repeats {
    /// The ticket that this one repeats.
    pub(crate) fn repeated(&self, ticket: &Ticket) -> Option<TicketId> {
        let theirs = self.theirs.get(&self.customer(ticket.customer?))?;
        self.rule.repeated(ticket, theirs)
    }

    /// Who owns the latest of a customer's other tickets that anybody owns.
    pub(crate) fn last_agent(&self, ticket: &Ticket) -> Option<AgentId> {
        let theirs = self.theirs.get(&self.customer(ticket.customer?))?;
        let others = theirs.iter().filter(|earlier| earlier.id != ticket.id);
        let owned = others.filter_map(|earlier| Some((earlier.id, earlier.owner?)));
        owned.max().map(|(_, agent)| agent)
    }

    /// A ticket that later ones may repeat.
    pub(crate) fn add(&mut self, ticket: &Ticket) {
        if let Some(customer) = ticket.customer {
            let theirs = self.theirs.entry(self.customer(customer)).or_default();
            theirs.push(Earlier::from(ticket));
        }
    }

    fn customer(&self, known: CustomerRef) -> CustomerId {
        let today = self.today.get(&known.record);
        today.copied().unwrap_or(known.customer)
    }
}

impl Store {
    /// What counts as a repeated contact.
    pub(crate) async fn repeat_rule(&self, tenant: TenantId) -> Result<RepeatRule, Error> {
        self.db
            .read(tenant, |s: Scoped| async move { rule(&s).await })
            .await
    }
}

async fn rule(s: &Scoped) -> Result<RepeatRule, Error> {
    let sql = "select within_s, version from repeat_rules where tenant_id = $1";
    let Some(row) = s.raw_one(sql, []).await? else {
        return Ok(RepeatRule::default());
    };
    let within: i64 = row.try_get("", "within_s")?;
    Ok(RepeatRule {
        within: Duration::from_secs(count(within)?),
        version: row.try_get("", "version")?,
    })
}

/// Stores what counts as a repeated contact.
pub(super) async fn put(s: &Scoped, rule: &RepeatRule) -> Result<(), Error> {
    let sql = "insert into repeat_rules (tenant_id, within_s, version) values ($1, $2, $3) \
               on conflict (tenant_id) do update set within_s = excluded.within_s, \
               version = excluded.version";
    let within: i64 = count(rule.within.as_secs())?;
    s.raw_exec(sql, [within.into(), rule.version.into()])
        .await?;
    Ok(())
}

/// The tickets that new ones of these customers may repeat: those that are open, or were solved in time before `now`.
pub(super) async fn earlier(
    s: &Scoped,
    about: &[CustomerRef],
    now: Micros,
) -> Result<Repeats, Error> {
    let mut repeats = Repeats {
        rule: rule(s).await?,
        ..Repeats::default()
    };
    if about.is_empty() || repeats.rule.within.is_zero() {
        return Ok(repeats);
    }
    let records: Vec<RecordId> = about.iter().map(|customer| customer.record).collect();
    repeats.today = customers::of_records(s, &records).await?;
    for customer in about {
        let today = repeats.today.entry(customer.record);
        today.or_insert(customer.customer);
    }
    let asked: HashSet<CustomerId> = repeats.today.values().copied().collect();
    let asked: Vec<CustomerId> = asked.into_iter().collect();
    for chunk in asked.chunks(CHUNK) {
        let theirs = s.among(
            customer_map::Column::CustomerId,
            chunk.iter().map(|id| id.uuid()),
        );
        for row in s
            .find::<customer_map::Entity>()
            .filter(theirs)
            .all()
            .await?
        {
            let record = RecordId::from_uuid(row.record_id);
            let customer = CustomerId::from_uuid(row.customer_id);
            repeats.today.insert(record, customer);
        }
    }
    let records: Vec<RecordId> = repeats.today.keys().copied().collect();
    for chunk in records.chunks(CHUNK) {
        let rows = s
            .find::<ticket::Entity>()
            .filter(recent(s, chunk, &repeats.rule, now));
        for row in rows.all().await? {
            let Some(record) = row.record_id.map(RecordId::from_uuid) else {
                continue;
            };
            let Some(customer) = repeats.today.get(&record) else {
                continue;
            };
            let theirs = repeats.theirs.entry(*customer).or_default();
            theirs.push(read(&row)?);
        }
    }
    Ok(repeats)
}

fn recent(s: &Scoped, records: &[RecordId], rule: &RepeatRule, now: Micros) -> Condition {
    use ticket::Column;
    let may = Condition::any()
        .add(Column::State.is_in(OPEN))
        .add(Column::ResolvedAt.gte(now - rule.within));
    Condition::all()
        .add(s.among(Column::RecordId, records.iter().map(|id| id.uuid())))
        .add(Column::State.ne(TicketState::Cancelled.as_str()))
        .add(Column::MergedIntoId.is_null())
        .add(may)
}

fn read(row: &ticket::Model) -> Result<Earlier, Error> {
    let purpose = row.purpose.as_deref();
    Ok(Earlier {
        id: TicketId::from_uuid(row.id),
        category: optional_code(row.category.as_ref())?,
        purpose: purpose.map(|p| named(Purpose::named(p))).transpose()?,
        solved_at: row.resolved_at,
        owner: row.owner_agent_id.map(AgentId::from_uuid),
    })
}
