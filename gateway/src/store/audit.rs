//! The audit trail's rows. A tenant reads its own; chains and anchors run through all tenants.

use rapport_foundation::db::{self, Database};
use rapport_foundation::id::{AnyId, TenantId};
use rapport_foundation::time::Micros;
use sea_orm::{QueryResult, Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::audit::{Call, Entry, Hash, kind_of};

mod sweep;
mod system;
mod verify;

pub use sweep::Swept;

/// The trail in the gateway's database.
#[derive(Clone)]
pub struct Audit {
    db: Database,
}

/// Which entries are wanted. All that is given must hold.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Ended at this time or later.
    pub from: Option<Micros>,
    /// Ended before this time.
    pub until: Option<Micros>,
    /// Of principals of this issuer.
    pub issuer: Option<String>,
    /// Of this principal.
    pub principal: Option<String>,
    /// Of methods that begin so.
    pub method_prefix: Option<String>,
    /// That named this resource.
    pub resource: Option<AnyId>,
    /// That ended with this code.
    pub outcome: Option<i16>,
}

/// The place of an entry among those of its tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    at: Micros,
    replica: Uuid,
    seq: i64,
}

impl Cursor {
    /// The place of this entry.
    #[must_use]
    pub fn of(entry: &Entry) -> Self {
        Self {
            at: entry.call.at,
            replica: entry.replica,
            seq: entry.seq,
        }
    }
}

/// Which way a listing goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Newest first.
    Falling,
    /// Oldest first.
    Rising,
}

impl Audit {
    /// The trail in a database.
    pub fn new(db: Database) -> Self {
        Self { db }
    }

    /// Entries of a tenant behind a place.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(
        &self,
        tenant: TenantId,
        query: &Query,
        order: Order,
        after: Option<Cursor>,
        most: u32,
    ) -> Result<Vec<Entry>, db::Error> {
        let (sql, values) = statement(query, order, after, most);
        let (sql, values) = (&sql, &values);
        let rows = self
            .db
            .read(
                tenant,
                |s| async move { s.raw_all(sql, values.clone()).await },
            )
            .await?;
        rows.iter().map(entry).collect()
    }
}

/// One statement for every question: what is not asked for is not in it. A resource leads to its entries by its own
/// index, everything else by the time.
fn statement(
    query: &Query,
    order: Order,
    after: Option<Cursor>,
    most: u32,
) -> (String, Vec<Value>) {
    let mut asked = Asked::default();
    let (from, by) = match query.resource {
        None => ("audit_entries e", "e"),
        Some(_) => (
            "audit_resources r join audit_entries e on e.tenant_id = r.tenant_id and e.at = r.at \
             and e.replica_id = r.replica_id and e.seq = r.seq",
            "r",
        ),
    };
    let (way, beyond) = match order {
        Order::Falling => ("desc", "<"),
        Order::Rising => ("asc", ">"),
    };
    asked.add(query.resource.map(AnyId::uuid), "r.resource_id =");
    asked.add(query.from.map(|at| at.0), &format!("{by}.at >="));
    asked.add(query.until.map(|at| at.0), &format!("{by}.at <"));
    asked.add(query.issuer.clone(), "e.issuer =");
    asked.add(query.principal.clone(), "e.principal =");
    asked.add(query.outcome, "e.outcome =");
    if let Some(prefix) = &query.method_prefix {
        let length = i64::try_from(prefix.len()).unwrap_or(i64::MAX);
        let length = asked.value(length);
        asked.add(
            Some(prefix.clone()),
            &format!("substr(e.method, 1, cast({length} as integer)) ="),
        );
    }
    if let Some(Cursor { at, replica, seq }) = after {
        let place =
            [at.0.into(), replica.into(), seq.into()].map(|value: Value| asked.value(value));
        let place = place.join(", ");
        let key = format!("({by}.at, {by}.replica_id, {by}.seq)");
        asked.conditions += &format!(" and {key} {beyond} ({place})");
    }
    let limit = asked.value(i64::from(most));
    let sql = format!(
        "select e.* from {from} where {by}.tenant_id = $1{conditions} \
         order by {by}.at {way}, {by}.replica_id {way}, {by}.seq {way} limit {limit}",
        conditions = asked.conditions
    );
    (sql, asked.values)
}

/// Conditions and their values; the tenant stands before them.
#[derive(Default)]
struct Asked {
    conditions: String,
    values: Vec<Value>,
}

impl Asked {
    /// Takes a value and answers its place.
    fn value(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len() + 1)
    }

    fn add(&mut self, value: Option<impl Into<Value>>, condition: &str) {
        if let Some(value) = value {
            let place = self.value(value);
            self.conditions += &format!(" and {condition} {place}");
        }
    }
}

fn entry(row: &QueryResult) -> Result<Entry, db::Error> {
    let text = |name| row.try_get::<String>("", name).map_err(db::Error::from);
    let number = |name| row.try_get::<i64>("", name).map_err(db::Error::from);
    let uuid = |name| row.try_get::<Uuid>("", name).map_err(db::Error::from);
    let hash: Vec<u8> = row.try_get("", "hash")?;
    let kind: i16 = row.try_get("", "kind")?;
    let ids = text("resources")?;
    let ids = ids.split(',').filter(|id| !id.is_empty());
    let call = Call {
        tenant: TenantId::from_uuid(uuid("tenant_id")?),
        at: Micros(number("at")?),
        duration_us: number("duration_us")?,
        issuer: text("issuer")?,
        principal: text("principal")?,
        kind: kind_of(kind).ok_or(db::Error::Corrupt("a principal's kind"))?,
        on_behalf_of: text("on_behalf_of")?,
        method: text("method")?,
        outcome: row.try_get("", "outcome")?,
        resources: ids
            .map(AnyId::parse)
            .collect::<Option<_>>()
            .ok_or(db::Error::Corrupt("the resources of a call"))?,
        resource_count: number("resource_count")?,
        untold: row.try_get("", "untold")?,
        request_id: text("request_id")?,
        trace_id: text("trace_id")?,
    };
    Ok(Entry {
        replica: uuid("replica_id")?,
        seq: number("seq")?,
        call,
        hash: Hash::from_slice(&hash).ok_or(db::Error::Corrupt("a hash"))?,
    })
}
