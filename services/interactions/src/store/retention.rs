//! How long contacts are kept: a tenant's rules, and forgetting what their time is over of.

use std::time::Duration;

use rapport_foundation::db::{Engine, Error, Scoped};
use rapport_foundation::id::{InteractionId, TenantId};
use rapport_foundation::time::Micros;
use sea_orm::{QueryResult, Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::forget::forget;
use super::{Store, erasure, holds};
use crate::domain::retention::{Age, RetentionRule, RetentionRules};
use crate::domain::{Channel, Place, Purpose};

/// Contacts that are looked at in one go, and thus forgotten in one transaction at most.
const PAGE: u64 = 256;

#[derive(Serialize, Deserialize)]
struct Written {
    #[serde(default)]
    channel: i16,
    #[serde(default)]
    purpose: i16,
    days: u32,
}

/// When contacts are over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Due {
    pub(crate) now: Micros,
    /// How long one is left in peace after it was received.
    pub(crate) grace: Duration,
    /// Until when a repetition of one is known.
    pub(crate) until: Micros,
}

impl Store {
    /// A tenant's rules.
    pub(crate) async fn retention_rules(&self, s: &Scoped) -> Result<RetentionRules, Error> {
        let sql = "select version, rules from retention_rules where tenant_id = $1";
        let Some(row) = s.raw_one(sql, []).await? else {
            return Ok(RetentionRules::default());
        };
        let written: String = row.try_get("", "rules")?;
        let written: Vec<Written> = serde_json::from_str(&written)
            .map_err(|_| Error::Corrupt("stored rules cannot be decoded"))?;
        let rule = |one: Written| RetentionRule {
            channel: Channel::from_code(one.channel),
            purpose: Purpose::from_code(one.purpose),
            keep_days: one.days,
        };
        Ok(RetentionRules {
            rules: written.into_iter().map(rule).collect(),
            version: row.try_get("", "version")?,
        })
    }

    /// A tenant's rules, which nobody else changes until the transaction ends.
    pub(crate) async fn retention_rules_to_change(
        &self,
        s: &Scoped,
    ) -> Result<RetentionRules, Error> {
        if s.engine() == Engine::Postgres {
            let lock = "select version from retention_rules where tenant_id = $1 for update";
            s.raw_one(lock, []).await?;
        }
        self.retention_rules(s).await
    }

    /// Replaces the rules of this version; answers the new ones.
    pub(crate) async fn set_retention_rules(
        &self,
        s: &Scoped,
        rules: &[RetentionRule],
        version: i64,
        now: Micros,
    ) -> Result<RetentionRules, Error> {
        let written = |rule: &RetentionRule| Written {
            channel: rule.channel.map_or(0, Channel::code),
            purpose: rule.purpose.map_or(0, Purpose::code),
            days: rule.keep_days,
        };
        let written: Vec<Written> = rules.iter().map(written).collect();
        let written = serde_json::to_string(&written)
            .map_err(|_| Error::Misconfigured("rules cannot be encoded".into()))?;
        let values: [Value; 4] = [
            (version + 1).into(),
            written.into(),
            now.0.into(),
            version.into(),
        ];
        let sql = "insert into retention_rules (tenant_id, version, rules, changed_at) values ($1, $2, $3, $4) \
                   on conflict (tenant_id) do update set version = excluded.version, rules = excluded.rules, \
                   changed_at = excluded.changed_at where retention_rules.version = $5";
        s.stale_if_none(s.raw_exec(sql, values).await?)?;
        Ok(RetentionRules {
            rules: rules.to_vec(),
            version: version + 1,
        })
    }

    /// Looks through a page of old contacts behind a place, the oldest first; answers those whose time is over, and the
    /// last place of the page, or none when nothing lies behind it.
    pub(crate) async fn due(
        &self,
        tenant: TenantId,
        behind: Option<Place>,
        due: Due,
    ) -> Result<(Vec<InteractionId>, Option<Place>), Error> {
        self.db
            .read(tenant, async |s| {
                let rules = self.retention_rules(&s).await?;
                let Some(latest) = rules.latest(due.now) else {
                    return Ok((Vec::new(), None));
                };
                let page = page(&s, behind, latest).await?;
                let last = page.last().map(|(place, _)| *place);
                let last = last.filter(|_| page.len() as u64 == PAGE);
                let over = page.into_iter().filter_map(|(place, age)| {
                    let is_over = age.is_some_and(|age| rules.is_over(&age, due.now, due.grace));
                    is_over.then(|| InteractionId::from_uuid(place.id))
                });
                Ok((over.collect(), last))
            })
            .await
    }

    /// Forgets contacts whose time is over, but those that must be kept; answers the others. Whose they were stays known.
    pub(crate) async fn forget_due(
        &self,
        s: &Scoped,
        ids: &[InteractionId],
        due: Due,
    ) -> Result<Vec<InteractionId>, Error> {
        // A hold that is placed at the same time comes before or after, not between.
        erasure::one_at_a_time(s).await?;
        let wanted: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
        let held = holds::over(s, &wanted).await?;
        let free: Vec<Uuid> = wanted
            .into_iter()
            .filter(|id| !held.contains_key(id))
            .collect();
        forget(s, &self.vault, &free, due.until).await?;
        Ok(free.into_iter().map(InteractionId::from_uuid).collect())
    }
}

/// Places of contacts, and of those that are not forgotten yet what is decided by.
async fn page(
    s: &Scoped,
    behind: Option<Place>,
    latest: Micros,
) -> Result<Vec<(Place, Option<Age>)>, Error> {
    let behind = behind.unwrap_or(Place {
        at: Micros(i64::MIN),
        id: Uuid::nil(),
    });
    let sql = format!(
        "select id, event_at, received_at, channel, purpose, cast(length(content_digest) as bigint) as held from interaction \
         where tenant_id = $1 and (event_at, id) > ($2, $3) and event_at < $4 order by event_at, id limit {PAGE}"
    );
    let values: [Value; 3] = [behind.at.0.into(), behind.id.into(), latest.0.into()];
    let rows = s.raw_all(&sql, values).await?;
    rows.iter().map(aged).collect()
}

fn aged(row: &QueryResult) -> Result<(Place, Option<Age>), Error> {
    let event_at = Micros(row.try_get("", "event_at")?);
    let place = Place {
        at: event_at,
        id: row.try_get("", "id")?,
    };
    let age = Age {
        channel: Channel::from_code(row.try_get("", "channel")?)
            .ok_or(Error::Corrupt("a stored code is not known"))?,
        purpose: Purpose::from_code(row.try_get("", "purpose")?),
        event_at,
        received_at: Micros(row.try_get("", "received_at")?),
    };
    Ok((place, (row.try_get::<i64>("", "held")? > 0).then_some(age)))
}
