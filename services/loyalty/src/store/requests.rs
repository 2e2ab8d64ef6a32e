//! What request ids of the ledger were used for. Kept for ever.

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{EntryId, HoldId, MemberId};
use rapport_foundation::time::Micros;
use sea_orm::{ColumnTrait as _, IntoActiveModel as _};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::entities::request::{Column, Entity, Model};
use super::stored;
use crate::domain::Balance;

/// Who asked under which request id; unique in the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RequestId {
    pub(crate) principal: String,
    pub(crate) method: String,
    pub(crate) id: Uuid,
}

/// What was asked and what came of it.
#[derive(Debug, Clone)]
pub(crate) struct Settled {
    pub(crate) request: RequestId,
    pub(crate) hash: Vec<u8>,
    pub(crate) member: MemberId,
    pub(crate) entry: Option<EntryId>,
    pub(crate) hold: Option<HoldId>,
    pub(crate) balance: Balance,
    pub(crate) at: Micros,
}

/// The answered balance as JSON.
#[derive(Serialize, Deserialize)]
struct Answered {
    available: i64,
    held: i64,
    pending: i64,
    debt: i64,
    next_expiring: Option<(i64, Micros)>,
    as_of: Micros,
}

/// What is known of these requests.
pub(crate) async fn known<'a>(
    s: &Scoped,
    requests: impl Iterator<Item = &'a RequestId> + Clone,
) -> Result<Vec<Settled>, Error> {
    let ids: Vec<Uuid> = requests.clone().map(|request| request.id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = s
        .find::<Entity>()
        .filter(Column::Principal.is_in(distinct(requests.clone().map(|key| &key.principal))))
        .filter(Column::Method.is_in(distinct(requests.map(|key| &key.method))))
        .filter(Column::RequestId.is_in(ids))
        .all()
        .await?;
    rows.into_iter().map(settled).collect()
}

/// Stores what came of requests. A concurrent transaction with the same request id makes this one start
/// again: then the other's outcome is the answer.
pub(crate) async fn insert(s: &Scoped, done: &[Settled]) -> Result<(), Error> {
    if done.is_empty() {
        return Ok(());
    }
    let mut rows = Vec::with_capacity(done.len());
    for one in done {
        rows.push(row(s, one)?.into_active_model());
    }
    let key = [
        Column::TenantId,
        Column::Principal,
        Column::Method,
        Column::RequestId,
    ];
    if s.insert_fresh(rows, key).await?.len() != done.len() {
        return Err(s.raced());
    }
    Ok(())
}

fn distinct<'a>(values: impl Iterator<Item = &'a String>) -> Vec<&'a str> {
    let mut values: Vec<&str> = values.map(String::as_str).collect();
    values.sort_unstable();
    values.dedup();
    values
}

fn row(s: &Scoped, one: &Settled) -> Result<Model, Error> {
    let balance = &one.balance;
    let answered = Answered {
        available: balance.available,
        held: balance.held,
        pending: balance.pending,
        debt: balance.debt,
        next_expiring: balance.next_expiring,
        as_of: balance.as_of,
    };
    Ok(Model {
        tenant_id: s.tenant().uuid(),
        principal: one.request.principal.clone(),
        method: one.request.method.clone(),
        request_id: one.request.id,
        hash: one.hash.clone(),
        member_id: one.member.uuid(),
        entry_id: one.entry.map(EntryId::uuid),
        hold_id: one.hold.map(HoldId::uuid),
        balance: stored::to_json(&answered)?,
        created_at: one.at,
    })
}

fn settled(row: Model) -> Result<Settled, Error> {
    let answered: Answered = stored::from_json(&row.balance)?;
    Ok(Settled {
        request: RequestId {
            principal: row.principal,
            method: row.method,
            id: row.request_id,
        },
        hash: row.hash,
        member: MemberId::from_uuid(row.member_id),
        entry: row.entry_id.map(EntryId::from_uuid),
        hold: row.hold_id.map(HoldId::from_uuid),
        balance: Balance {
            available: answered.available,
            held: answered.held,
            pending: answered.pending,
            debt: answered.debt,
            next_expiring: answered.next_expiring,
            as_of: answered.as_of,
        },
        at: row.created_at,
    })
}
