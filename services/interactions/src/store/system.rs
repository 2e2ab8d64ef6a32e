//! What runs across tenants: one transaction for a batch, and the search for what is due.

use std::collections::BTreeMap;
use std::sync::Arc;

use rapport_foundation::db::{Engine, Error};
use rapport_foundation::events::{self, Outgoing};
use rapport_foundation::id::{InteractionId, TenantId};
use rapport_foundation::time::Micros;

use sea_orm::QueryResult;

use super::index::{self, Range};
use super::record::{self, Logged, Outcome, Telling};
use super::{Pending, Store};

/// A pending interaction with its tenant.
#[derive(Debug, Clone)]
pub(crate) struct DuePending {
    pub(crate) tenant: TenantId,
    pub(crate) pending: Pending,
}

impl Store {
    /// Logs contacts of any tenants in one transaction, in the order given within each; tells what was logged with
    /// `announce`. Answers what became of each.
    pub(crate) async fn record(
        &self,
        tellings: &[Arc<Telling>],
        announce: fn(&Telling, &Logged) -> Outgoing,
    ) -> Result<Vec<Outcome>, Error> {
        // Tenants in one order: two replicas that lock rows of several tenants do so alike.
        let mut groups: BTreeMap<TenantId, Vec<usize>> = BTreeMap::new();
        for (place, telling) in tellings.iter().enumerate() {
            groups.entry(telling.tenant).or_default().push(place);
        }
        self.db
            .system_write(async |system| {
                let mut outcomes: Vec<Option<Outcome>> = vec![None; tellings.len()];
                let mut told = Vec::new();
                for (tenant, places) in &groups {
                    let s = system.scoped(*tenant);
                    let group: Vec<&Telling> = places
                        .iter()
                        .filter_map(|place| tellings.get(*place))
                        .map(Arc::as_ref)
                        .collect();
                    let rules = self.rules(&s).await?;
                    let recorded = record::record(&s, &self.vault, &rules, &group).await?;
                    for ((place, telling), outcome) in places.iter().zip(group).zip(recorded) {
                        if let Outcome::Fresh(logged) = &outcome {
                            told.push((*tenant, announce(telling, logged)));
                        }
                        if let Some(slot) = outcomes.get_mut(*place) {
                            *slot = Some(outcome);
                        }
                    }
                }
                events::append_across(&system, &told).await?;
                outcomes
                    .into_iter()
                    .collect::<Option<Vec<_>>>()
                    .ok_or_else(|| Error::Misconfigured("a contact of a batch was left out".into()))
            })
            .await
    }

    /// Tenants whose log holds more than was put into the index.
    pub(crate) async fn not_indexed(&self) -> Result<Vec<TenantId>, Error> {
        let sql = "select h.tenant_id from log_head h left join search_mark m on m.tenant_id = h.tenant_id \
                   where m.tenant_id is null or m.epoch < h.epoch or (m.epoch = h.epoch and m.n < h.n) limit 64";
        let rows = self
            .db
            .system_read(async |system| system.raw_all(sql, []).await)
            .await?;
        let tenant = |row: &QueryResult| Ok(TenantId::from_uuid(row.try_get("", "tenant_id")?));
        rows.iter().map(tenant).collect()
    }

    /// Asks PostgreSQL's index of words.
    pub(super) async fn search_across(
        &self,
        tenant: TenantId,
        wanted: &str,
        range: &Range,
        most: u64,
    ) -> Result<Vec<QueryResult>, Error> {
        self.db
            .system_read(async |system| {
                index::tsvector(&system.scoped(tenant), wanted, range, most).await
            })
            .await
    }

    /// Takes entries of the index away whose texts were erased.
    pub(crate) async fn forget_words(&self) -> Result<(), Error> {
        let erased = "select e.doc, e.tenant_id, e.interaction_id from subject_keys k join search_entry e \
                      on e.tenant_id = k.tenant_id and e.subject_key = k.subject where k.wrapped is null";
        let words =
            format!("delete from search_words where rowid in (select doc from ({erased}) g)");
        let entries = format!(
            "delete from search_entry where (tenant_id, interaction_id) in \
             (select tenant_id, interaction_id from ({erased}) g)"
        );
        let sqlite = self.db.engine() == Engine::Sqlite;
        self.db
            .system_write(async |system| {
                if sqlite {
                    system.raw_exec(&words, []).await?;
                }
                system.raw_exec(&entries, []).await?;
                Ok(())
            })
            .await
    }

    /// Pending interactions that are due, the longest waiting first.
    pub(crate) async fn due_pending(
        &self,
        now: Micros,
        most: i64,
    ) -> Result<Vec<DuePending>, Error> {
        let sql = "select tenant_id, interaction_id, attempts, next_at, facts, traceparent from pending_link \
                   where next_at <= $1 order by next_at limit $2";
        let rows = self
            .db
            .system_read(async |system| system.raw_all(sql, [now.0.into(), most.into()]).await)
            .await?;
        let due = rows.iter().map(|row| {
            let pending = Pending {
                interaction: InteractionId::from_uuid(row.try_get("", "interaction_id")?),
                attempts: i32::try_from(row.try_get::<i64>("", "attempts")?).unwrap_or(i32::MAX),
                next_at: Micros(row.try_get("", "next_at")?),
                facts: row.try_get("", "facts")?,
                traceparent: row.try_get("", "traceparent")?,
            };
            Ok(DuePending {
                tenant: TenantId::from_uuid(row.try_get("", "tenant_id")?),
                pending,
            })
        });
        due.collect()
    }
}
