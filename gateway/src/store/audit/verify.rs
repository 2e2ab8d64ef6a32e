//! Reading the whole trail, to see whether it is what was written.

use std::collections::BTreeMap;

use rapport_foundation::db::{self, System, bulk};
use rapport_foundation::time::Micros;
use sea_orm::Value;
use uuid::Uuid;

use super::system::{RESOURCE, anchor, named, named_by_tenant};
use super::{Audit, entry};
use crate::domain::audit::{Anchor, Anchored, ChainCheck, Entry, Fault, check_anchors};

/// Rows read at a time.
const PAGE: i64 = 1000;

impl Audit {
    /// What is wrong with the trail, of which that may be gone which was anchored before a moment. Anchors are read first: what
    /// is written meanwhile only lies behind them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn verify(&self, gone_before: Option<Micros>) -> Result<Vec<Fault>, db::Error> {
        self.db
            .system_read(|s| async move {
                let (mut anchored, mut faults) = anchors(&s).await?;
                let mut replicas = replicas(&s).await?;
                replicas.extend(anchored.keys().copied());
                replicas.sort();
                replicas.dedup();
                for replica in replicas {
                    let check = ChainCheck::new(replica, anchored.remove(&replica), gone_before);
                    faults.extend(chain(&s, replica, check).await?);
                }
                faults.extend(strays(&s).await?);
                Ok(faults)
            })
            .await
    }
}

async fn anchors(s: &System) -> Result<(Anchored, Vec<Fault>), db::Error> {
    let sql = "select * from audit_anchors where n > $1 order by n limit $2";
    let (mut anchored, mut faults) = (Anchored::new(), Vec::new());
    let mut last: Option<Anchor> = None;
    loop {
        let after = last.as_ref().map_or(0, |anchor| anchor.n);
        let rows = s.raw_all(sql, [after.into(), PAGE.into()]).await?;
        let page: Vec<Anchor> = rows.iter().map(anchor).collect::<Result<_, _>>()?;
        faults.extend(check_anchors(last.as_ref(), &page, &mut anchored));
        match page.into_iter().next_back() {
            Some(anchor) => last = Some(anchor),
            None => return Ok((anchored, faults)),
        }
    }
}

async fn replicas(s: &System) -> Result<Vec<Uuid>, db::Error> {
    let sql = "select distinct replica_id from audit_entries";
    let rows = s.raw_all(sql, []).await?;
    rows.iter()
        .map(|row| row.try_get("", "replica_id").map_err(db::Error::from))
        .collect()
}

async fn chain(s: &System, replica: Uuid, mut check: ChainCheck) -> Result<Vec<Fault>, db::Error> {
    let sql =
        "select * from audit_entries where replica_id = $1 and seq > $2 order by seq limit $3";
    let mut faults = Vec::new();
    loop {
        let values: [Value; 3] = [replica.into(), check.seen().into(), PAGE.into()];
        let rows = s.raw_all(sql, values).await?;
        if rows.is_empty() {
            faults.extend(check.end());
            return Ok(faults);
        }
        let mut page: Vec<Entry> = Vec::with_capacity(rows.len());
        for row in &rows {
            match entry(row) {
                Ok(entry) => {
                    faults.extend(check.see(&entry));
                    page.push(entry);
                }
                // Nothing of ours writes such a row.
                Err(db::Error::Corrupt(_)) => faults.push(check.skip(row.try_get("", "seq")?)),
                Err(error) => return Err(error),
            }
        }
        faults.extend(unfindable(s, replica, &page).await?);
    }
}

/// Entries that cannot be found any more by what they named.
async fn unfindable(s: &System, replica: Uuid, page: &[Entry]) -> Result<Vec<Fault>, db::Error> {
    let sql = "select r.seq as seq from k join audit_resources r on r.tenant_id = $1 \
               and r.resource_id = k.resource_id and r.at = k.at \
               and r.replica_id = k.replica_id and r.seq = k.seq";
    let mut found: BTreeMap<i64, usize> = BTreeMap::new();
    for (tenant, rows) in named_by_tenant(page) {
        for row in bulk::select(&s.scoped(tenant), RESOURCE, rows, sql).await? {
            *found.entry(row.try_get("", "seq")?).or_default() += 1;
        }
    }
    let lost = |entry: &&Entry| found.get(&entry.seq).copied().unwrap_or(0) != named(entry).count();
    let faults = page.iter().filter(lost).map(|entry| {
        let seq = entry.seq;
        Fault(format!(
            "replica {replica}: entry {seq} is not found by all the resources it names"
        ))
    });
    Ok(faults.collect())
}

/// Resources that lead to nothing.
async fn strays(s: &System) -> Result<Option<Fault>, db::Error> {
    let sql = "select count(*) as count from audit_resources r where not exists (select 1 from audit_entries e \
               where e.replica_id = r.replica_id and e.seq = r.seq and e.tenant_id = r.tenant_id and e.at = r.at)";
    let row = s.raw_one(sql, []).await?;
    let strays: i64 = row.map_or(Ok(0), |row| row.try_get("", "count"))?;
    Ok((strays > 0).then(|| Fault(format!("{strays} resources lead to no entry"))))
}
