//! Messages of ours on their way: each change names the version it was decided on, by the database's own time.

mod hand;
mod queue;
mod told;

use rapport_foundation::db::bulk::{self, Type};
use rapport_foundation::db::{Engine, Error, Scoped, present};
use rapport_foundation::events::{self, Outgoing};
use rapport_foundation::id::{ConversationId, InteractionId, OutboundId, TenantId};
use rapport_foundation::time::Micros;
use sea_orm::{QueryResult, Value};
use uuid::Uuid;

use super::Store;
use super::wanted::{WANTED, wanted};
use crate::domain::outbound::{Doubt, News};
use crate::domain::{DeliveryState, Outbound, OutboundState};

pub(crate) use hand::{Asking, Handover};
pub(super) use queue::queue;
pub(crate) use queue::{QueueOutcome, Queueing};
pub(super) use told::{by_message, delivered, echoes};

const COLUMNS: &str = "o.id, o.conversation_id, o.connector, o.state, o.attempt, o.failures, o.doubt, o.delivery, o.reason, \
     o.message_id, o.reply_to, o.holder, o.queued_at, o.scheduled_at, o.ready_at, o.expires_at, o.lease_until, \
     o.sent_at, o.changed_at, o.version";

/// What changes.
const CHANGED: [(&str, Type); 16] = [
    ("id", Type::Uuid),
    ("version", Type::Big),
    ("state", Type::Small),
    ("attempt", Type::Big),
    ("failures", Type::Big),
    ("doubt", Type::Big),
    ("delivery", Type::Small),
    ("reason", Type::Text),
    ("message_id", Type::Text),
    ("holder", Type::Uuid),
    ("scheduled_at", Type::Big),
    ("ready_at", Type::Big),
    ("expires_at", Type::Big),
    ("lease_until", Type::Big),
    ("sent_at", Type::Big),
    ("changed_at", Type::Big),
];

/// A message and what it was before: what others are told is the difference.
#[derive(Debug, Clone)]
pub(crate) struct Moved {
    pub(crate) before: Outbound,
    pub(crate) after: Outbound,
}

impl Moved {
    fn new(before: Outbound) -> Self {
        Self {
            after: before.clone(),
            before,
        }
    }
}

/// How others are told.
pub(crate) type Tell = fn(&Outbound, News) -> Outgoing;

/// Which messages are wanted; each absent condition fits all.
#[derive(Debug, Clone, Default)]
pub(crate) struct OutboundFilter {
    pub(crate) state: Option<OutboundState>,
    pub(crate) connector: Option<String>,
    pub(crate) conversation: Option<ConversationId>,
}

impl Store {
    /// One message.
    pub(crate) async fn outbound(
        &self,
        tenant: TenantId,
        id: OutboundId,
    ) -> Result<Option<Outbound>, Error> {
        let found = self
            .db
            .read(tenant, async |s| load(&s, &[id.uuid()]).await)
            .await?;
        Ok(found.into_iter().next())
    }

    /// Messages that fit, below an id, the latest first.
    pub(crate) async fn outbounds(
        &self,
        tenant: TenantId,
        filter: &OutboundFilter,
        below: Option<OutboundId>,
        most: u64,
    ) -> Result<Vec<Outbound>, Error> {
        let mut sql = format!("select {COLUMNS} from outbound o where o.tenant_id = $1");
        let mut values: Vec<Value> = Vec::new();
        let mut also = |condition: &str, value: Option<Value>| {
            if let Some(value) = value {
                values.push(value);
                sql.push_str(&format!(" and o.{condition} ${}", values.len() + 1));
            }
        };
        also("state =", filter.state.map(|state| state.code().into()));
        also("connector =", filter.connector.as_deref().map(Value::from));
        also(
            "conversation_id =",
            filter.conversation.map(|id| id.uuid().into()),
        );
        also("id <", below.map(|id| id.uuid().into()));
        sql.push_str(&format!(" order by o.id desc limit {most}"));
        self.db
            .read(tenant, async |s| {
                let rows = s.raw_all(&sql, values.clone()).await?;
                rows.iter().map(read).collect()
            })
            .await
    }

    /// Changes messages, which nobody else changes meanwhile, and tells what came of it. Those that are not there are
    /// left out.
    pub(crate) async fn move_outbound<A: Send, E: From<Error> + Send>(
        &self,
        s: &Scoped,
        ids: &[OutboundId],
        tell: Tell,
        change: impl FnOnce(&mut [Moved], Micros) -> Result<A, E> + Send,
    ) -> Result<A, E> {
        let mut moved: Vec<Moved> = lock(s, ids).await?.into_iter().map(Moved::new).collect();
        let now = now(s).await?;
        let answer = change(&mut moved, now)?;
        save(s, &moved, tell).await?;
        Ok(answer)
    }

    /// Whether what a message says is still here.
    pub(crate) async fn has_outbound_text(
        &self,
        s: &Scoped,
        id: OutboundId,
    ) -> Result<bool, Error> {
        let sql = "select 1 as one from outbound_text t join subject_keys k \
                   on k.tenant_id = t.tenant_id and k.subject = t.subject_key \
                   where t.tenant_id = $1 and t.id = $2 and k.wrapped is not null";
        Ok(s.raw_one(sql, [id.uuid().into()]).await?.is_some())
    }
}

/// The present moment of the database.
async fn now(s: &Scoped) -> Result<Micros, Error> {
    let sql = format!("select $1 as tenant_id, {} as now", present(s.engine()));
    let sql = if s.engine() == Engine::Postgres {
        sql.replacen("$1", "$1::uuid", 1)
    } else {
        sql
    };
    let row = s.raw_one(&sql, []).await?;
    let row = row.ok_or(Error::Corrupt("the database tells no time"))?;
    Ok(Micros(row.try_get("", "now")?))
}

/// Messages by their ids, in no order.
pub(super) async fn load(s: &Scoped, ids: &[Uuid]) -> Result<Vec<Outbound>, Error> {
    let rows = wanted(ids.iter().copied());
    let query = format!(
        "select {COLUMNS} from k cross join outbound o where o.tenant_id = $1 and o.id = k.wanted"
    );
    let found = bulk::select(s, &WANTED, rows, &query).await?;
    found.iter().map(read).collect()
}

/// The same, in the order of their ids, and nobody else changes them until the transaction ends. All lock in this order.
async fn lock(s: &Scoped, ids: &[OutboundId]) -> Result<Vec<Outbound>, Error> {
    let rows = wanted(ids.iter().map(|id| id.uuid()));
    let lock = if s.engine() == Engine::Postgres {
        " for update of o"
    } else {
        ""
    };
    let query = format!(
        "select {COLUMNS} from outbound o where o.tenant_id = $1 and o.id in (select wanted from k) \
         order by o.id{lock}"
    );
    let found = bulk::select(s, &WANTED, rows, &query).await?;
    found.iter().map(read).collect()
}

/// Stores what changed and tells of it; what is needed no more is taken away.
async fn save(s: &Scoped, moved: &[Moved], tell: Tell) -> Result<(), Error> {
    let changed = || moved.iter().filter(|one| one.before != one.after);
    let rows: Vec<Vec<Value>> = changed().map(|one| values(&one.after)).collect();
    let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let set: Vec<String> = CHANGED[2..]
        .iter()
        .map(|(name, _)| format!("{name} = k.{name}"))
        .collect();
    let statement = format!(
        "update outbound set version = outbound.version + 1, {} from k \
         where outbound.tenant_id = $1 and outbound.id = k.id and outbound.version = k.version",
        set.join(", ")
    );
    if bulk::change(s, &CHANGED, rows, &statement).await? != count {
        return Err(s.raced());
    }
    let settled = changed().filter(|one| one.after.is_settled());
    let settled = wanted(settled.map(|one| one.after.id.uuid()));
    let gone = "delete from outbound_text where tenant_id = $1 and id in (select wanted from k)";
    bulk::change(s, &WANTED, settled, gone).await?;
    let told: Vec<Outgoing> = changed()
        .filter_map(|one| Some(tell(&one.after, one.after.news_since(&one.before)?)))
        .collect();
    events::append_many(s, &told).await
}

fn values(one: &Outbound) -> Vec<Value> {
    vec![
        one.id.uuid().into(),
        one.version.into(),
        one.state.code().into(),
        i64::from(one.attempt).into(),
        i64::from(one.failures).into(),
        i64::from(one.doubt.code()).into(),
        one.delivery.map_or(0, DeliveryState::code).into(),
        one.reason.as_str().into(),
        one.message_id.as_str().into(),
        one.holder.into(),
        one.scheduled_at.0.into(),
        one.ready_at.0.into(),
        one.expires_at.0.into(),
        one.lease_until.0.into(),
        one.sent_at.map_or(0, |at| at.0).into(),
        one.changed_at.0.into(),
    ]
}

fn read(row: &QueryResult) -> Result<Outbound, Error> {
    const UNKNOWN: Error = Error::Corrupt("a stored code is not known");
    let count = |name| -> Result<i32, Error> {
        Ok(i32::try_from(row.try_get::<i64>("", name)?).unwrap_or(i32::MAX))
    };
    let time = |name| -> Result<Micros, Error> { Ok(Micros(row.try_get("", name)?)) };
    let reply_to: Uuid = row.try_get("", "reply_to")?;
    Ok(Outbound {
        id: OutboundId::from_uuid(row.try_get("", "id")?),
        conversation: ConversationId::from_uuid(row.try_get("", "conversation_id")?),
        connector: row.try_get("", "connector")?,
        state: OutboundState::from_code(row.try_get("", "state")?).ok_or(UNKNOWN)?,
        attempt: count("attempt")?,
        failures: count("failures")?,
        doubt: Doubt::from_code(count("doubt")?),
        delivery: DeliveryState::from_code(row.try_get("", "delivery")?),
        reason: row.try_get("", "reason")?,
        message_id: row.try_get("", "message_id")?,
        reply_to: (!reply_to.is_nil()).then(|| InteractionId::from_uuid(reply_to)),
        holder: row.try_get("", "holder")?,
        queued_at: time("queued_at")?,
        scheduled_at: time("scheduled_at")?,
        ready_at: time("ready_at")?,
        expires_at: time("expires_at")?,
        lease_until: time("lease_until")?,
        sent_at: Some(time("sent_at")?).filter(|at| at.0 != 0),
        changed_at: time("changed_at")?,
        version: row.try_get("", "version")?,
    })
}
