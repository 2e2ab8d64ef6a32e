//! Intake rules: one row a tenant, replaced as a whole.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rapport_foundation::db::{Engine, Error, Scoped};
use rapport_foundation::id::TenantId;
use rapport_foundation::time::Micros;
use sea_orm::Value;
use serde::{Deserialize, Serialize};

use super::Store;
use crate::domain::{Channel, Direction, Kind, Priority, Purpose, RoutingHint, Rule, Rules};

/// Rules as last read, by tenant. Their version is read with every batch, so that a change counts at once.
#[derive(Debug, Default)]
pub(crate) struct RulesCache(Mutex<HashMap<TenantId, Arc<Rules>>>);

/// Tenants whose rules are kept in memory.
const CACHED: usize = 10_000;

impl RulesCache {
    fn get(&self, tenant: TenantId, version: i64) -> Option<Arc<Rules>> {
        let cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cached
            .get(&tenant)
            .filter(|rules| rules.version == version)
            .cloned()
    }

    fn put(&self, tenant: TenantId, rules: &Arc<Rules>) {
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cached.len() >= CACHED {
            cached.clear();
        }
        cached.insert(tenant, Arc::clone(rules));
    }
}

#[derive(Serialize, Deserialize)]
struct Written {
    #[serde(default, skip_serializing_if = "is_zero")]
    direction: i16,
    #[serde(default, skip_serializing_if = "is_zero")]
    channel: i16,
    #[serde(default, skip_serializing_if = "is_zero")]
    purpose: i16,
    #[serde(default, skip_serializing_if = "is_zero")]
    kind: i16,
    asks: bool,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    queue: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    skills: Vec<String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    priority: i16,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
fn is_zero(number: &i16) -> bool {
    *number == 0
}

impl From<&Rule> for Written {
    fn from(rule: &Rule) -> Self {
        Self {
            direction: rule.direction.map_or(0, Direction::code),
            channel: rule.channel.map_or(0, Channel::code),
            purpose: rule.purpose.map_or(0, Purpose::code),
            kind: rule.kind.map_or(0, Kind::code),
            asks: rule.asks_for_agent,
            queue: rule.routing.queue.clone(),
            skills: rule.routing.skills.clone(),
            priority: rule.routing.priority.map_or(0, Priority::code),
        }
    }
}

impl From<Written> for Rule {
    fn from(rule: Written) -> Self {
        Self {
            direction: Direction::from_code(rule.direction),
            channel: Channel::from_code(rule.channel),
            purpose: Purpose::from_code(rule.purpose),
            kind: Kind::from_code(rule.kind),
            asks_for_agent: rule.asks,
            routing: RoutingHint {
                queue: rule.queue,
                skills: rule.skills,
                priority: Priority::from_code(rule.priority),
            },
        }
    }
}

impl Store {
    /// A tenant's rules.
    pub(crate) async fn rules(&self, s: &Scoped) -> Result<Arc<Rules>, Error> {
        let row = s
            .raw_one("select version from intake_rules where tenant_id = $1", [])
            .await?;
        let version = row.map_or(Ok(0), |row| row.try_get("", "version"))?;
        self.rules_of(s, version).await
    }

    /// The rules for what is logged now. What was erased is read in the same statement, so that nothing of the batch is
    /// sealed with a key that is gone.
    pub(super) async fn rules_to_record(&self, s: &Scoped) -> Result<Arc<Rules>, Error> {
        let sql = "select coalesce((select version from intake_rules where tenant_id = $1), 0) as version, \
                   coalesce((select erasures from erasure_state where tenant_id = $1), 0) as erasures";
        let Some(row) = s.raw_one(sql, []).await? else {
            return Ok(Arc::default());
        };
        self.vault.erased(s.tenant(), row.try_get("", "erasures")?);
        self.rules_of(s, row.try_get("", "version")?).await
    }

    async fn rules_of(&self, s: &Scoped, version: i64) -> Result<Arc<Rules>, Error> {
        if version == 0 {
            return Ok(Arc::default());
        }
        if let Some(rules) = self.rules.get(s.tenant(), version) {
            return Ok(rules);
        }
        let row = s
            .raw_one(
                "select version, rules from intake_rules where tenant_id = $1",
                [],
            )
            .await?;
        let Some(row) = row else {
            return Ok(Arc::default());
        };
        let written: String = row.try_get("", "rules")?;
        let written: Vec<Written> = serde_json::from_str(&written)
            .map_err(|_| Error::Corrupt("stored rules cannot be decoded"))?;
        let rules = written.into_iter().map(Rule::from).collect();
        let rules = Arc::new(Rules {
            rules,
            version: row.try_get("", "version")?,
        });
        self.rules.put(s.tenant(), &rules);
        Ok(rules)
    }

    /// A tenant's rules, which nobody else changes until the transaction ends.
    pub(crate) async fn rules_to_change(&self, s: &Scoped) -> Result<Arc<Rules>, Error> {
        if s.engine() == Engine::Postgres {
            let lock = "select version from intake_rules where tenant_id = $1 for update";
            s.raw_one(lock, []).await?;
        }
        self.rules(s).await
    }

    /// Replaces the rules of this version; answers the new ones.
    pub(crate) async fn set_rules(
        &self,
        s: &Scoped,
        rules: &[Rule],
        version: i64,
        now: Micros,
    ) -> Result<Rules, Error> {
        let written: Vec<Written> = rules.iter().map(Written::from).collect();
        let written = serde_json::to_string(&written)
            .map_err(|_| Error::Misconfigured("rules cannot be encoded".into()))?;
        let next = version + 1;
        let values: [Value; 3] = [next.into(), written.into(), now.0.into()];
        if version == 0 {
            let sql = "insert into intake_rules (tenant_id, version, rules, changed_at) values ($1, $2, $3, $4) \
                       on conflict (tenant_id) do nothing";
            s.stale_if_none(s.raw_exec(sql, values).await?)?;
        } else {
            let sql = "update intake_rules set version = $2, rules = $3, changed_at = $4 \
                       where tenant_id = $1 and version = $5";
            let values = values
                .into_iter()
                .chain([version.into()])
                .collect::<Vec<_>>();
            s.stale_if_none(s.raw_exec(sql, values).await?)?;
        }
        Ok(Rules {
            rules: rules.to_vec(),
            version: next,
        })
    }
}
