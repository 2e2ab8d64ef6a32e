//! Events that could not be applied, set aside with those of the same aggregate that came after them, so that all
//! other events flow. They stay visible until they are replayed or discarded.

use std::collections::HashSet;

use prost::Message as _;
use rapport_proto::events::v1::Event;

use super::bus::Position;
use super::mark::{Batch, Handler, Mark, position_of};
use crate::db::{Database, Error, Scoped};
use crate::error::Failure;
use crate::id::{EventId, TenantId};
use crate::role::Role;
use crate::time::{Clock, Micros};

/// Parked events listed or replayed in one go.
const MOST: i64 = 1_000;

/// A parked event.
#[derive(Debug, Clone)]
pub struct Parked {
    /// Which service said so.
    pub source: String,
    /// Why it is here: a stable reason, or `BEHIND` for one that only waits for an earlier one.
    pub reason: String,
    /// Since when.
    pub parked_at: Micros,
    /// The event itself.
    pub event: Event,
}

/// The reason of an event that waits behind an earlier one of its aggregate.
pub const BEHIND: &str = "BEHIND";

/// The parked events of a tenant, in the order of their logs; at most a thousand.
///
/// # Errors
/// When the store fails.
pub async fn list(db: &Database, tenant: TenantId) -> Result<Vec<Parked>, Error> {
    db.read(tenant, |s| async move {
        let sql = "select source, reason, parked_at, event from parked_events \
                   where tenant_id = $1 order by source, epoch, n limit $2";
        let rows = s.raw_all(sql, [MOST.into()]).await?;
        rows.iter().map(decode).collect()
    })
    .await
}

/// Applies the parked events of one aggregate in order; answers how many were. Stops at the first that fails
/// again, which stays parked with the rest.
///
/// # Errors
/// The failure of the event that failed again.
pub async fn replay(
    db: &Database,
    tenant: TenantId,
    source: Role,
    aggregate: &str,
    handler: &dyn Handler,
) -> Result<usize, Failure> {
    let mut applied = 0;
    while let Some(event) = first_of(db, tenant, source, aggregate).await? {
        let mark = Mark::unparking(source, position_of(&event));
        handler
            .apply(&Batch {
                tenant,
                source,
                events: vec![event],
                mark,
            })
            .await?;
        applied += 1;
    }
    Ok(applied)
}

/// Gives up on one parked event; those behind it stay until they are replayed. Answers whether it was there.
///
/// # Errors
/// When the store fails.
pub async fn discard(
    db: &Database,
    tenant: TenantId,
    source: Role,
    at: Position,
) -> Result<bool, Error> {
    db.write(tenant, |s| async move { remove(&s, source, at).await })
        .await
}

/// Sets an event aside in this transaction.
pub(super) async fn park(
    s: &Scoped,
    source: Role,
    event: &Event,
    reason: &str,
) -> Result<(), Error> {
    let at = position_of(event);
    let sql = "insert into parked_events (tenant_id, source, epoch, n, id, aggregate, kind, reason, event, parked_at) \
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing";
    let id: EventId = event
        .id
        .parse()
        .map_err(|_| Error::Corrupt("an event without an id"))?;
    let values = [
        source.as_str().into(),
        at.epoch.into(),
        at.n.into(),
        id.uuid().into(),
        event.aggregate_id.as_str().into(),
        event.r#type.as_str().into(),
        reason.into(),
        event.encode_to_vec().into(),
        Clock::system().now().0.into(),
    ];
    s.raw_exec(sql, values).await?;
    Ok(())
}

pub(super) async fn remove(s: &Scoped, source: Role, at: Position) -> Result<bool, Error> {
    let sql =
        "delete from parked_events where tenant_id = $1 and source = $2 and epoch = $3 and n = $4";
    Ok(
        s.raw_exec(sql, [source.as_str().into(), at.epoch.into(), at.n.into()])
            .await?
            > 0,
    )
}

/// The aggregates that have parked events.
pub(super) async fn aggregates(s: &Scoped, source: Role) -> Result<HashSet<String>, Error> {
    let sql = "select distinct aggregate from parked_events where tenant_id = $1 and source = $2";
    let rows = s.raw_all(sql, [source.as_str().into()]).await?;
    rows.iter()
        .map(|row| row.try_get("", "aggregate").map_err(Error::from))
        .collect()
}

async fn first_of(
    db: &Database,
    tenant: TenantId,
    source: Role,
    aggregate: &str,
) -> Result<Option<Event>, Error> {
    db.read(tenant, |s| async move {
        let sql = "select source, reason, parked_at, event from parked_events \
                   where tenant_id = $1 and source = $2 and aggregate = $3 order by epoch, n limit 1";
        let row = s.raw_one(sql, [source.as_str().into(), aggregate.into()]).await?;
        row.as_ref().map(decode).transpose().map(|parked| parked.map(|parked| parked.event))
    })
    .await
}

fn decode(row: &sea_orm::QueryResult) -> Result<Parked, Error> {
    let event: Vec<u8> = row.try_get("", "event")?;
    Ok(Parked {
        source: row.try_get("", "source")?,
        reason: row.try_get("", "reason")?,
        parked_at: Micros(row.try_get("", "parked_at")?),
        event: Event::decode(event.as_slice())
            .map_err(|_| Error::Corrupt("a parked event does not decode"))?,
    })
}
