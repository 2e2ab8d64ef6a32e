//! What sees all tenants: batches of resolutions, and the check of the invariants.

use std::collections::BTreeMap;

use rapport_foundation::db::{Database, Error as DbError, System};
use rapport_foundation::id::{CustomerId, EdgeId, RecordId, TenantId};
use rapport_foundation::time::Micros;
use sea_orm::QueryResult;

use super::{Rows, Store};
use crate::domain::customer::State;
use crate::domain::edge::{Basis, Edge, EdgeKind, Explanation};
use crate::domain::view::Node;
use crate::error::Error;

/// The transaction of a batch: rows of whichever tenant a command is of.
#[derive(Clone)]
pub struct Across {
    system: System,
    store: Store,
}

impl Across {
    /// One tenant's rows in this transaction.
    #[must_use]
    pub fn rows(&self, tenant: TenantId) -> Rows {
        Rows {
            s: self.system.scoped(tenant),
            vault: self.store.vault.clone(),
        }
    }

    /// A concurrent transaction came first: the batch is run again.
    #[must_use]
    pub fn raced(&self) -> DbError {
        self.system.raced()
    }
}

/// What is stored about how customers stand, of one tenant.
#[derive(Debug, Default)]
pub struct Standings {
    /// Each customer: its state, what it was merged into and what it is part of.
    pub customers: BTreeMap<CustomerId, (State, Option<CustomerId>, CustomerId)>,
    /// Each record and the customer it came in for.
    pub nodes: Vec<Node>,
    /// Every edge, without what was said about it.
    pub edges: Vec<Edge>,
    /// Identifiers that are somebody's more than once.
    pub doubled: u64,
    /// Identifiers of deleted customers that are not ended, and identifiers of records that are not there.
    pub astray: u64,
}

impl Store {
    /// One transaction over several tenants; run again when it lost a race.
    ///
    /// # Errors
    /// What the closure answers, or what kept the store from committing.
    pub async fn write_across<T, F, Fut>(&self, mut f: F) -> Result<T, Error>
    where
        F: FnMut(Across) -> Fut + Send,
        Fut: Future<Output = Result<T, Error>> + Send,
        T: Send,
    {
        let store = self.clone();
        self.db
            .system_write(move |system| {
                f(Across {
                    system,
                    store: store.clone(),
                })
            })
            .await
    }
}

/// The tenants that have customers.
///
/// # Errors
/// When the store fails.
pub async fn tenants(db: &Database) -> Result<Vec<TenantId>, Error> {
    db.system_read(|system| async move {
        let sql = "select distinct tenant_id from records order by tenant_id";
        let rows = system.raw_all(sql, []).await?;
        let tenants = rows
            .iter()
            .map(|row| row.try_get("", "tenant_id").map(TenantId::from_uuid));
        Ok(tenants.collect::<Result<_, _>>().map_err(DbError::from)?)
    })
    .await
}

/// Everything that the check of one tenant looks at.
///
/// # Errors
/// When the store fails.
pub async fn standings(db: &Database, tenant: TenantId) -> Result<Standings, Error> {
    db.system_read(|system| async move {
        let mut standings = Standings::default();
        let of = [tenant.uuid().into()];
        let sql = "select id, state, merged_into, part_of from customers where tenant_id = $1";
        for row in system.raw_all(sql, of.clone()).await? {
            let (id, standing) = standing(&row)?;
            standings.customers.insert(id, standing);
        }
        let sql = "select id, customer_id from records where tenant_id = $1";
        for row in system.raw_all(sql, of.clone()).await? {
            standings.nodes.push(node(&row)?);
        }
        let sql = "select id, kind, basis, from_record, to_record, created_at, revoked_at, version \
                           from edges where tenant_id = $1";
        for row in system.raw_all(sql, of.clone()).await? {
            standings.edges.push(edge(&row)?);
        }
        standings.doubled = count(&system, DOUBLED, tenant).await?;
        standings.astray = count(&system, ASTRAY, tenant).await?;
        Ok(standings)
    })
    .await
}

const DOUBLED: &str = "select count(*) as number from (select 1 as one from identifiers \
     where tenant_id = $1 and valid_until is null group by kind, namespace, blind having count(*) > 1) as twice";

const ASTRAY: &str = "select count(*) as number from identifiers i \
     left join records r on r.tenant_id = i.tenant_id and r.id = i.record_id \
     left join customers c on c.tenant_id = r.tenant_id and c.id = r.customer_id \
     where i.tenant_id = $1 and i.valid_until is null and (c.id is null or c.state = 3)";

async fn count(system: &System, sql: &str, tenant: TenantId) -> Result<u64, Error> {
    let row = system.raw_one(sql, [tenant.uuid().into()]).await?;
    let number: i64 = row
        .map_or(Ok(0), |row| row.try_get("", "number"))
        .map_err(DbError::from)?;
    Ok(u64::try_from(number).unwrap_or(0))
}

type Standing = (State, Option<CustomerId>, CustomerId);

fn standing(row: &QueryResult) -> Result<(CustomerId, Standing), DbError> {
    let state = State::from_code(row.try_get("", "state")?);
    let merged_into: Option<uuid::Uuid> = row.try_get("", "merged_into")?;
    Ok((
        CustomerId::from_uuid(row.try_get("", "id")?),
        (
            state.ok_or(DbError::Corrupt("an unknown customer state"))?,
            merged_into.map(CustomerId::from_uuid),
            CustomerId::from_uuid(row.try_get("", "part_of")?),
        ),
    ))
}

fn node(row: &QueryResult) -> Result<Node, DbError> {
    Ok(Node {
        record: RecordId::from_uuid(row.try_get("", "id")?),
        home: CustomerId::from_uuid(row.try_get("", "customer_id")?),
    })
}

fn edge(row: &QueryResult) -> Result<Edge, DbError> {
    let revoked_at: Option<i64> = row.try_get("", "revoked_at")?;
    Ok(Edge {
        id: EdgeId::from_uuid(row.try_get("", "id")?),
        kind: EdgeKind::from_code(row.try_get("", "kind")?)
            .ok_or(DbError::Corrupt("an unknown edge kind"))?,
        basis: Basis::from_code(row.try_get("", "basis")?)
            .ok_or(DbError::Corrupt("an unknown edge basis"))?,
        from: RecordId::from_uuid(row.try_get("", "from_record")?),
        to: RecordId::from_uuid(row.try_get("", "to_record")?),
        weight: crate::domain::edge::CERTAIN,
        explanation: Explanation::default(),
        created_by: String::new(),
        created_at: Micros(row.try_get("", "created_at")?),
        reason: None,
        revoked_at: revoked_at.map(Micros),
        version: row.try_get("", "version")?,
    })
}
