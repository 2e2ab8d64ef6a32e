//! Rules on which contacts are one matter: one row a tenant, replaced as a whole.

use std::time::Duration;

use rapport_foundation::db::{Engine, Error, Scoped};
use rapport_foundation::time::Micros;
use sea_orm::Value;
use serde::{Deserialize, Serialize};

use super::Store;
use crate::domain::{Channel, Purpose, ThreadingRule, ThreadingRules};

#[derive(Serialize, Deserialize)]
struct Written {
    rules: Vec<WrittenRule>,
    #[serde(default)]
    ignore_open_tickets: bool,
}

#[derive(Serialize, Deserialize)]
struct WrittenRule {
    #[serde(default)]
    channel: i16,
    #[serde(default)]
    purpose: i16,
    seconds: u64,
}

impl Store {
    /// A tenant's rules.
    pub(crate) async fn threading_rules(&self, s: &Scoped) -> Result<ThreadingRules, Error> {
        let sql = "select version, rules from threading_rules where tenant_id = $1";
        let Some(row) = s.raw_one(sql, []).await? else {
            return Ok(ThreadingRules::default());
        };
        let written: String = row.try_get("", "rules")?;
        let written: Written = serde_json::from_str(&written)
            .map_err(|_| Error::Corrupt("stored rules cannot be decoded"))?;
        let rule = |rule: WrittenRule| ThreadingRule {
            channel: Channel::from_code(rule.channel),
            purpose: Purpose::from_code(rule.purpose),
            window: Duration::from_secs(rule.seconds),
        };
        Ok(ThreadingRules {
            rules: written.rules.into_iter().map(rule).collect(),
            ignore_open_tickets: written.ignore_open_tickets,
            version: row.try_get("", "version")?,
        })
    }

    /// A tenant's rules, which nobody else changes until the transaction ends.
    pub(crate) async fn threading_rules_to_change(
        &self,
        s: &Scoped,
    ) -> Result<ThreadingRules, Error> {
        if s.engine() == Engine::Postgres {
            let lock = "select version from threading_rules where tenant_id = $1 for update";
            s.raw_one(lock, []).await?;
        }
        self.threading_rules(s).await
    }

    /// Replaces the rules of the version they carry; answers the new ones.
    pub(crate) async fn set_threading_rules(
        &self,
        s: &Scoped,
        mut rules: ThreadingRules,
        now: Micros,
    ) -> Result<ThreadingRules, Error> {
        let written = |rule: &ThreadingRule| WrittenRule {
            channel: rule.channel.map_or(0, Channel::code),
            purpose: rule.purpose.map_or(0, Purpose::code),
            seconds: rule.window.as_secs(),
        };
        let written = serde_json::to_string(&Written {
            rules: rules.rules.iter().map(written).collect(),
            ignore_open_tickets: rules.ignore_open_tickets,
        });
        let written =
            written.map_err(|_| Error::Misconfigured("rules cannot be encoded".into()))?;
        let before = rules.version;
        rules.version += 1;
        let values: [Value; 4] = [
            rules.version.into(),
            written.into(),
            now.0.into(),
            before.into(),
        ];
        // The first rules have nothing to replace; of two firsts at once one is done again.
        let sql = "insert into threading_rules (tenant_id, version, rules, changed_at) values ($1, $2, $3, $4) \
                   on conflict (tenant_id) do update set version = excluded.version, rules = excluded.rules, \
                   changed_at = excluded.changed_at where threading_rules.version = $5";
        s.stale_if_none(s.raw_exec(sql, values).await?)?;
        Ok(rules)
    }
}
