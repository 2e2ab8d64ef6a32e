//! The keys of a whole batch at once: for batchers, which would else spend their time on round trips.

use std::collections::HashMap;

use sea_orm::Value;
use uuid::Uuid;

use super::{Claim, Key};
use crate::db::{Error, Scoped};
use crate::time::Clock;

/// Keys in one statement: at nine values each far below the engines' limits.
const CHUNK: usize = 500;

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
    for chunk in keys.chunks(CHUNK) {
        let places = rows(chunk.len(), 3, 2);
        // Joined, so that each key is one look into the primary key on both engines.
        let sql = format!(
            "select i.principal, i.method, i.request_id, i.hash, i.result_id, i.result_version \
             from (values {places}) as wanted join idempotency i on i.tenant_id = $1 \
             and i.principal = wanted.column1 and i.method = wanted.column2 \
             and i.request_id = wanted.column3"
        );
        let values: Vec<Value> = chunk.iter().flat_map(Key::columns).collect();
        for row in s.raw_all(&sql, values).await? {
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
    for chunk in settled.chunks(CHUNK) {
        let rows = (0..chunk.len()).map(|n| {
            let at = |column: usize| n * 8 + column + 2;
            let places: Vec<String> = (0..8).map(|column| format!("${}", at(column))).collect();
            format!("($1, {})", places.join(", "))
        });
        let sql = format!(
            "insert into idempotency (tenant_id, principal, method, request_id, hash, permanent, created_at, \
             result_id, result_version) values {} on conflict do nothing",
            rows.collect::<Vec<_>>().join(", ")
        );
        let values = chunk.iter().flat_map(|(key, result, version)| {
            let [principal, method, request_id] = key.columns();
            [
                principal,
                method,
                request_id,
                key.hash.to_vec().into(),
                key.permanent.into(),
                now.into(),
                (*result).into(),
                (*version).into(),
            ]
        });
        let values: Vec<Value> = values.collect();
        if s.raw_exec(&sql, values).await? != chunk.len() as u64 {
            return Err(s.raced());
        }
    }
    Ok(())
}

/// `($2, $3), ($4, $5), …`: so many rows of so many places.
fn rows(count: usize, width: usize, first: usize) -> String {
    let row = |n: usize| {
        let places = (0..width).map(|column| format!("${}", first + n * width + column));
        format!("({})", places.collect::<Vec<_>>().join(", "))
    };
    (0..count).map(row).collect::<Vec<_>>().join(", ")
}
