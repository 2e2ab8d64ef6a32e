//! Figures as an owner begins with them: counted from the tables.

use rapport_foundation::db::Error;
use rapport_foundation::id::TenantId;
use rapport_foundation::time::Micros;

use crate::domain::engine::Snapshot;
use crate::domain::statistics::Statistics;
use crate::store::Store;

/// Rows that are read at once.
const PAGE: u64 = 5_000;

/// Counts what is open, what ended as far back as figures go, and how agents spent their time.
pub(super) async fn recount(
    store: &Store,
    tenant: TenantId,
    snapshot: &Snapshot,
    now: Micros,
) -> Result<Statistics, Error> {
    let mut statistics = Statistics::default();
    let since = Statistics::horizon(now);
    let mut seen = since;
    for work in &snapshot.items {
        statistics.item(now, work);
        seen = seen.max(work.changed_at());
    }
    let mut after = None;
    loop {
        let page = store.ended_since(tenant, since, after, PAGE).await?;
        for work in &page {
            statistics.item(now, work);
            seen = seen.max(work.changed_at());
        }
        after = page.last().map(|work| work.id.uuid());
        if (page.len() as u64) < PAGE {
            break;
        }
    }
    for spell in store.spells_since(tenant, since).await? {
        seen = seen.max(spell.ended.unwrap_or(spell.began));
        statistics.spell(now, spell);
    }
    for (_, standing) in &snapshot.agents {
        seen = seen.max(standing.status_since).max(standing.idle_since);
    }
    statistics.resume(seen);
    Ok(statistics)
}
