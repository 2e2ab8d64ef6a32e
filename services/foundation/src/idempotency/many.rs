//! The keys of a whole batch at once: for batchers, which would else spend their time on round trips.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Claim, Key};
use crate::db::bulk::{self, Type};
use crate::db::{Error, Scoped};
use crate::time::Clock;

/// What names a key within its tenant.
const KEY: [(&str, Type); 3] = [
    ("principal", Type::Text),
    ("method", Type::Text),
    ("request_id", Type::Uuid),
];
/// What is stored when a key is used.
const USE: [(&str, Type); 8] = [
    KEY[0],
    KEY[1],
    KEY[2],
    ("hash", Type::Bytes),
    ("permanent", Type::Bool),
    ("created_at", Type::Big),
    ("result_id", Type::Uuid),
    ("result_version", Type::Big),
];

/// Principal, method and request id.
type Asked = (String, String, Uuid);
/// Hash of the request, result and its version.
type Answered = (Vec<u8>, Uuid, i64);

/// What each of these keys was used for, in their order; none for a fresh one.
///
/// # Errors
/// When the store fails.
pub async fn look_up_many(s: &Scoped, keys: &[Key]) -> Result<Vec<Option<Claim>>, Error> {
    let mut known: HashMap<Asked, Answered> = HashMap::new();
    let rows = keys.iter().map(|key| key.columns().to_vec()).collect();
    let its = bulk::each(
        s.engine(),
        "idempotency i",
        "i.tenant_id = $1 and i.principal = k.principal and i.method = k.method and i.request_id = k.request_id",
    );
    let query = format!(
        "select i.principal, i.method, i.request_id, i.hash, i.result_id, i.result_version from k {its}"
    );
    for row in bulk::select(s, &KEY, rows, &query).await? {
        let key = (
            row.try_get("", "principal")?,
            row.try_get("", "method")?,
            row.try_get("", "request_id")?,
        );
        let result: Option<Uuid> = row.try_get("", "result_id")?;
        let version: Option<i64> = row.try_get("", "result_version")?;
        if let (Some(result), Some(version)) = (result, version) {
            known.insert(key, (row.try_get("", "hash")?, result, version));
        }
    }
    let claim = |key: &Key| {
        let id = (key.principal.clone(), key.method.to_owned(), key.request_id);
        let (hash, result_id, result_version) = known.get(&id)?;
        if hash[..] != key.hash {
            return Some(Claim::Reused);
        }
        Some(Claim::Replay {
            result_id: *result_id,
            result_version: *result_version,
        })
    };
    Ok(keys.iter().map(claim).collect())
}

/// Claims and settles fresh keys in the transaction of their effects: each with its result and the result's
/// version. They must differ from each other.
///
/// # Errors
/// [`Error::Raced`] when one was used meanwhile; the transaction must then not commit.
pub async fn settle_many(s: &Scoped, settled: &[(Key, Uuid, i64)]) -> Result<(), Error> {
    let now = Clock::system().now().0;
    let row = |(key, result, version): &(Key, Uuid, i64)| {
        let mut row = key.columns().to_vec();
        row.extend([
            key.hash.to_vec().into(),
            key.permanent.into(),
            now.into(),
            (*result).into(),
            (*version).into(),
        ]);
        row
    };
    let rows = settled.iter().map(row).collect();
    let stored = bulk::insert(s, "idempotency", &USE, rows, "on conflict do nothing").await?;
    if stored != settled.len() as u64 {
        return Err(s.raced());
    }
    Ok(())
}
