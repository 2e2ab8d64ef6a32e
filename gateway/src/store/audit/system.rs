//! Writing the chains: entries of all tenants in one transaction, and the anchors.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rapport_foundation::db::bulk::{self, Columns, Type};
use rapport_foundation::db::{self, System};
use rapport_foundation::id::TenantId;
use rapport_foundation::time::Micros;
use sea_orm::{QueryResult, Value};
use uuid::Uuid;

use super::Audit;
use crate::domain::audit::{Anchor, Chain, Entry, Hash, kind_code};

const ENTRY: &Columns = &[
    ("at", Type::Big),
    ("replica_id", Type::Uuid),
    ("seq", Type::Big),
    ("duration_us", Type::Big),
    ("principal", Type::Text),
    ("kind", Type::Small),
    ("on_behalf_of", Type::Text),
    ("method", Type::Text),
    ("outcome", Type::Small),
    ("resources", Type::Text),
    ("resource_count", Type::Big),
    ("untold", Type::Bool),
    ("request_id", Type::Text),
    ("trace_id", Type::Text),
    ("hash", Type::Bytes),
    ("issuer", Type::Text),
];

pub(super) const RESOURCE: &Columns = &[
    ("resource_id", Type::Uuid),
    ("at", Type::Big),
    ("replica_id", Type::Uuid),
    ("seq", Type::Big),
];

/// How many of the newest anchors are looked through for processes whose chain may have grown. A process that anchored
/// nothing for so long has had its end anchored by another one.
const RECENT: i64 = 1000;

impl Audit {
    /// Stores entries, all or none.
    ///
    /// # Errors
    /// [`db::Error::Unique`] when one of them is stored already, or what the store says.
    pub async fn append(&self, entries: &[Entry]) -> Result<(), db::Error> {
        self.db
            .system_write(|s| async move {
                let mut by_tenant: BTreeMap<TenantId, Vec<&Entry>> = BTreeMap::new();
                for entry in entries {
                    by_tenant.entry(entry.call.tenant).or_default().push(entry);
                }
                for (tenant, entries) in by_tenant {
                    let own = s.scoped(tenant);
                    let rows = entries.iter().map(|entry| row(entry)).collect();
                    bulk::insert(&own, "audit_entries", ENTRY, rows, "").await?;
                    let rows = entries.iter().flat_map(|entry| named(entry)).collect();
                    bulk::insert(&own, "audit_resources", RESOURCE, rows, "").await?;
                }
                Ok(())
            })
            .await
    }

    /// How far a process's chain is stored.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn stored(&self, replica: Uuid) -> Result<Option<Chain>, db::Error> {
        self.db
            .system_read(|s| async move { end(&s, replica).await })
            .await
    }

    /// Anchors what was written since the last time: by this process, and by others that may be gone. The first time it
    /// anchors the empty chain of this one. Answers the newest anchor.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn anchor(&self, own: Uuid, now: Micros) -> Result<Option<Anchor>, db::Error> {
        self.db
            .system_write(|s| async move {
                let (mut last, anchored) = recent(&s).await?;
                let mut replicas: Vec<Uuid> = anchored.keys().copied().collect();
                if !anchored.contains_key(&own) {
                    replicas.push(own);
                }
                // In one order everywhere.
                replicas.sort();
                for replica in replicas {
                    let known = anchored.get(&replica).copied();
                    let stands = end(&s, replica).await?;
                    let stands = stands.unwrap_or_else(|| Chain::new(replica));
                    if known.is_some_and(|seq| stands.seq <= seq) {
                        continue;
                    }
                    let anchor = Anchor::behind(last.as_ref(), stands, now);
                    insert(&s, &anchor).await?;
                    last = Some(anchor);
                }
                Ok(last)
            })
            .await
    }
}

/// The newest anchor, and how far each process was anchored.
async fn recent(s: &System) -> Result<(Option<Anchor>, HashMap<Uuid, i64>), db::Error> {
    let sql = "select * from audit_anchors order by n desc limit $1";
    let rows = s.raw_all(sql, [RECENT.into()]).await?;
    let anchors: Vec<Anchor> = rows.iter().map(anchor).collect::<Result<_, _>>()?;
    let mut anchored = HashMap::new();
    for Chain { replica, seq, .. } in anchors.iter().map(|anchor| anchor.chain) {
        let known: &mut i64 = anchored.entry(replica).or_insert(seq);
        *known = seq.max(*known);
    }
    Ok((anchors.into_iter().next(), anchored))
}

async fn end(s: &System, replica: Uuid) -> Result<Option<Chain>, db::Error> {
    let sql = "select seq, hash from audit_entries where replica_id = $1 order by seq desc limit 1";
    let Some(row) = s.raw_one(sql, [replica.into()]).await? else {
        return Ok(None);
    };
    Ok(Some(Chain {
        replica,
        seq: row.try_get("", "seq")?,
        hash: hash(&row, "hash")?,
    }))
}

/// Two processes may anchor at the same moment: the second one looks again.
async fn insert(s: &System, anchor: &Anchor) -> Result<(), db::Error> {
    let sql = "insert into audit_anchors (n, replica_id, seq, head, at, hash) \
               values ($1, $2, $3, $4, $5, $6) on conflict do nothing";
    let Chain { replica, seq, hash } = anchor.chain;
    let values: [Value; 6] = [
        anchor.n.into(),
        replica.into(),
        seq.into(),
        hash.0.to_vec().into(),
        anchor.at.0.into(),
        anchor.hash.0.to_vec().into(),
    ];
    match s.raw_exec(sql, values).await? {
        0 => Err(s.raced()),
        _ => Ok(()),
    }
}

pub(super) fn anchor(row: &QueryResult) -> Result<Anchor, db::Error> {
    let chain = Chain {
        replica: row.try_get("", "replica_id")?,
        seq: row.try_get("", "seq")?,
        hash: hash(row, "head")?,
    };
    Ok(Anchor {
        n: row.try_get("", "n")?,
        chain,
        at: Micros(row.try_get("", "at")?),
        hash: hash(row, "hash")?,
    })
}

fn hash(row: &QueryResult, name: &str) -> Result<Hash, db::Error> {
    let bytes: Vec<u8> = row.try_get("", name)?;
    Hash::from_slice(&bytes).ok_or(db::Error::Corrupt("a hash"))
}

fn row(entry: &Entry) -> Vec<Value> {
    let call = &entry.call;
    vec![
        call.at.0.into(),
        entry.replica.into(),
        entry.seq.into(),
        call.duration_us.into(),
        call.principal.clone().into(),
        kind_code(call.kind).into(),
        call.on_behalf_of.clone().into(),
        call.method.clone().into(),
        call.outcome.into(),
        call.resource_list().into(),
        call.resource_count.into(),
        call.untold.into(),
        call.request_id.clone().into(),
        call.trace_id.clone().into(),
        entry.hash.0.to_vec().into(),
        call.issuer.clone().into(),
    ]
}

/// The rows that lead from resources to these entries, by tenant.
pub(super) fn named_by_tenant(entries: &[Entry]) -> BTreeMap<TenantId, Vec<Vec<Value>>> {
    let mut by_tenant: BTreeMap<TenantId, Vec<Vec<Value>>> = BTreeMap::new();
    for entry in entries {
        let rows = by_tenant.entry(entry.call.tenant).or_default();
        rows.extend(named(entry));
    }
    by_tenant
}

/// The rows that lead from resources to their entry. Ids of two kinds may be of one thing, as of a message of ours and
/// its interaction: it leads there once.
pub(super) fn named(entry: &Entry) -> impl Iterator<Item = Vec<Value>> {
    let (at, replica, seq) = (entry.call.at.0, entry.replica, entry.seq);
    let ids: BTreeSet<Uuid> = entry.call.resources.iter().map(|id| id.uuid()).collect();
    ids.into_iter()
        .map(move |id| vec![id.into(), at.into(), replica.into(), seq.into()])
}
