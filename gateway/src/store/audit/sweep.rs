//! What is older than it is to be kept is let go of: whole stretches from anchor to anchor, oldest first. The anchors stay, so
//! that the chain goes on from the last one whose stretch is gone.

use rapport_foundation::db::{self, System, bulk};
use rapport_foundation::time::Micros;
use uuid::Uuid;

use super::system::{RESOURCE, anchor, named_by_tenant};
use super::{Audit, entry};
use crate::domain::audit::{Anchor, Entry};

/// Entries removed by one statement.
const PAGE: i64 = 1000;

/// A stretch that is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swept {
    /// The number of the anchor at its end.
    pub n: i64,
    /// How many entries it had.
    pub entries: u64,
}

impl Audit {
    /// Removes the oldest stretch whose end was anchored before a moment, behind the anchor with a number. None: there is no
    /// such stretch.
    ///
    /// # Errors
    /// When the store fails, or when it does not let go of something as young as that.
    pub async fn sweep(&self, after: i64, before: Micros) -> Result<Option<Swept>, db::Error> {
        self.db
            .system_write(|s| async move {
                let Some(end) = due(&s, after, before).await? else {
                    return Ok(None);
                };
                let entries = remove(&s, end.chain.replica, end.chain.seq).await?;
                Ok(Some(Swept { n: end.n, entries }))
            })
            .await
    }
}

async fn due(s: &System, after: i64, before: Micros) -> Result<Option<Anchor>, db::Error> {
    let sql = "select a.* from audit_anchors a where a.n > $1 and a.at < $2 \
               and a.n <= (select max(n) from audit_anchors where at < $2) \
               and exists (select 1 from audit_entries e where e.replica_id = a.replica_id and e.seq <= a.seq) \
               order by a.n limit 1";
    let row = s.raw_one(sql, [after.into(), before.0.into()]).await?;
    row.as_ref().map(anchor).transpose()
}

async fn remove(s: &System, replica: Uuid, until: i64) -> Result<u64, db::Error> {
    let next =
        "select * from audit_entries where replica_id = $1 and seq <= $2 order by seq limit $3";
    let mut removed = 0;
    loop {
        let rows = s
            .raw_all(next, [replica.into(), until.into(), PAGE.into()])
            .await?;
        let page: Vec<Entry> = rows.iter().map(entry).collect::<Result<_, _>>()?;
        let Some(last) = page.last() else {
            return Ok(removed);
        };
        for (tenant, rows) in named_by_tenant(&page) {
            let sql = "delete from audit_resources where tenant_id = $1 and (resource_id, at, replica_id, seq) in \
                       (select resource_id, at, replica_id, seq from k)";
            bulk::change(&s.scoped(tenant), RESOURCE, rows, sql).await?;
        }
        let sql = "delete from audit_entries where replica_id = $1 and seq <= $2";
        removed += s.raw_exec(sql, [replica.into(), last.seq.into()]).await?;
    }
}
