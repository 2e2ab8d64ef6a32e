//! What a tenant wants to become of numbers: one row a tenant, replaced as a whole, and read again once a second.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rapport_foundation::db::{Engine, Error, Scoped};
use rapport_foundation::id::TenantId;
use rapport_foundation::time::Micros;
use sea_orm::{QueryResult, Value};

use super::Store;
use crate::domain::numbers::Policy;
use crate::domain::{Numbers, Treatment};

/// How old what is known of a policy may be: another replica may have set it. Texts are masked before their transaction
/// begins, so that it cannot be read there.
const FRESH: Duration = Duration::from_secs(1);
/// Tenants whose policies are kept in memory.
const CACHED: usize = 10_000;

/// Policies as last read, by tenant, and when that was.
#[derive(Debug, Default)]
pub(crate) struct PolicyCache(Mutex<HashMap<TenantId, (Policy, Micros)>>);

impl PolicyCache {
    /// The policy, when it is fresh. Of those who meet a stale one the first is told to read it again; the others take
    /// it as it is meanwhile.
    fn get(&self, tenant: TenantId, now: Micros) -> Option<Policy> {
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (policy, read_at) = cached.get_mut(&tenant)?;
        if *read_at <= now && now < *read_at + FRESH {
            return Some(*policy);
        }
        *read_at = now;
        None
    }

    fn put(&self, tenant: TenantId, policy: Policy, now: Micros) {
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cached.len() >= CACHED {
            cached.clear();
        }
        let known = cached.get(&tenant).map_or(0, |(known, _)| known.version);
        // What was read before it was set comes after it.
        if known <= policy.version {
            cached.insert(tenant, (policy, now));
        }
    }
}

const SELECT: &str = "select version, cards, accounts, identities, secrets, keep_last_four from number_policy \
     where tenant_id = $1";

impl Store {
    /// What becomes of numbers of a tenant that are logged now.
    pub(crate) async fn numbers_now(
        &self,
        tenant: TenantId,
        default: Numbers,
        now: Micros,
    ) -> Result<Numbers, Error> {
        if let Some(policy) = self.policies.get(tenant, now) {
            return Ok(policy.numbers);
        }
        let policy = self
            .db
            .read(tenant, async |s| self.number_policy(&s, default).await)
            .await?;
        self.remember(tenant, policy, now);
        Ok(policy.numbers)
    }

    /// Takes a policy over that was just read or set.
    pub(crate) fn remember(&self, tenant: TenantId, policy: Policy, now: Micros) {
        self.policies.put(tenant, policy, now);
    }

    /// A tenant's policy; the default where none was ever set.
    pub(crate) async fn number_policy(
        &self,
        s: &Scoped,
        default: Numbers,
    ) -> Result<Policy, Error> {
        let row = s.raw_one(SELECT, []).await?;
        row.as_ref().map_or(
            Ok(Policy {
                numbers: default,
                version: 0,
            }),
            read,
        )
    }

    /// A tenant's policy, which nobody else changes until the transaction ends.
    pub(crate) async fn number_policy_to_change(
        &self,
        s: &Scoped,
        default: Numbers,
    ) -> Result<Policy, Error> {
        if s.engine() == Engine::Postgres {
            s.raw_one(&format!("{SELECT} for update"), []).await?;
        }
        self.number_policy(s, default).await
    }

    /// Replaces the policy of this version; answers the new one.
    pub(crate) async fn set_number_policy(
        &self,
        s: &Scoped,
        numbers: Numbers,
        version: i64,
        now: Micros,
    ) -> Result<Policy, Error> {
        let values: [Value; 8] = [
            (version + 1).into(),
            numbers.cards.code().into(),
            numbers.accounts.code().into(),
            numbers.identities.code().into(),
            numbers.secrets.code().into(),
            numbers.keep_last_four.into(),
            now.0.into(),
            version.into(),
        ];
        let sql = "insert into number_policy \
                   (tenant_id, version, cards, accounts, identities, secrets, keep_last_four, changed_at) \
                   values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (tenant_id) do update set \
                   version = excluded.version, cards = excluded.cards, accounts = excluded.accounts, \
                   identities = excluded.identities, secrets = excluded.secrets, \
                   keep_last_four = excluded.keep_last_four, changed_at = excluded.changed_at \
                   where number_policy.version = $9";
        s.stale_if_none(s.raw_exec(sql, values).await?)?;
        Ok(Policy {
            numbers,
            version: version + 1,
        })
    }
}

fn read(row: &QueryResult) -> Result<Policy, Error> {
    let treatment = |column: &str| {
        Treatment::from_code(row.try_get("", column)?)
            .ok_or(Error::Corrupt("a stored code is not known"))
    };
    Ok(Policy {
        numbers: Numbers {
            cards: treatment("cards")?,
            accounts: treatment("accounts")?,
            identities: treatment("identities")?,
            secrets: treatment("secrets")?,
            keep_last_four: row.try_get("", "keep_last_four")?,
        },
        version: row.try_get("", "version")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_those_who_meet_a_stale_policy_reads_it_again() {
        let (cache, tenant) = (PolicyCache::default(), TenantId::nil());
        let policy = Policy {
            numbers: Numbers::all(Treatment::Seal, false),
            version: 2,
        };
        assert_eq!(cache.get(tenant, Micros(0)), None);
        cache.put(tenant, policy, Micros(0));
        assert_eq!(cache.get(tenant, Micros(999_999)), Some(policy));
        assert_eq!(cache.get(tenant, Micros(1_000_000)), None);
        assert_eq!(cache.get(tenant, Micros(1_000_001)), Some(policy));
        cache.put(
            tenant,
            Policy {
                version: 1,
                ..policy
            },
            Micros(1_000_002),
        );
        assert_eq!(cache.get(tenant, Micros(1_000_003)), Some(policy));
        // A clock that was set back.
        assert_eq!(cache.get(tenant, Micros(5)), None);
    }
}
