//! The log: every event of this service with its position, kept in its own database.

use std::collections::BTreeMap;

use prost::Message as _;
use rapport_proto::events::v1::{self as pb, Event};
use tokio::sync::OnceCell;

use super::bus::{Head, Position};
use crate::db::{Database, Error, System};
use crate::error::{Code, Failure};
use crate::id::{EventId, TenantId};
use crate::time::{Clock, Micros};

/// Reads the log of one service.
#[derive(Clone)]
pub struct Log {
    db: Database,
    epoch: std::sync::Arc<OnceCell<i64>>,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Log").field(&self.db).finish()
    }
}

impl Log {
    /// The log in this database.
    #[must_use]
    pub fn new(db: Database) -> Self {
        Self {
            db,
            epoch: std::sync::Arc::default(),
        }
    }

    /// The events of a tenant behind `after`, at most `limit`, in order, with the end of the log.
    ///
    /// # Errors
    /// `OUT_OF_RANGE`: reason `CURSOR_AHEAD` when `after` is beyond the end of the log, reason `EPOCH_OVER` when it
    /// is a position that a restored database lost; the detail `resume_epoch` then names the epoch to go on with.
    pub async fn read(
        &self,
        tenant: TenantId,
        after: Position,
        limit: u32,
    ) -> Result<(Vec<Event>, Position), Failure> {
        let epoch = self.epoch().await?;
        let source = self.db.role().as_str();
        self.db
            .read(tenant, |s| async move {
                let sql = "select epoch, n, id, aggregate, kind, at, traceparent, data from log \
                           where tenant_id = $1 and (epoch, n) > ($2, $3) order by epoch, n limit $4";
                let values = [after.epoch.into(), after.n.into(), i64::from(limit).into()];
                let rows = s.raw_all(sql, values).await?;
                let events = rows
                    .iter()
                    .map(|row| decode(row, tenant, source))
                    .collect::<Result<Vec<_>, Error>>()?;
                let first_epoch = events.first().and_then(|event| event.position.as_ref()).map(|at| at.epoch);
                let head = head_of(&s, epoch).await?;
                if first_epoch != Some(after.epoch) && after.epoch != 0 {
                    check_cursor(&s, after, head, first_epoch).await?;
                }
                Ok((events, head))
            })
            .await
    }

    /// How far the log of every tenant goes.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn heads(&self) -> Result<Vec<Head>, Error> {
        let epoch = self.epoch().await?;
        self.db
            .system_read(|s| async move {
                let rows = s
                    .raw_all("select tenant_id, epoch, n from log_head", [])
                    .await?;
                rows.iter()
                    .map(|row| {
                        let tenant = TenantId::from_uuid(row.try_get("", "tenant_id")?);
                        let at = Position {
                            epoch: row.try_get("", "epoch")?,
                            n: row.try_get("", "n")?,
                        };
                        Ok(Head {
                            tenant,
                            position: in_epoch(at, epoch),
                        })
                    })
                    .collect()
            })
            .await
    }

    async fn epoch(&self) -> Result<i64, Error> {
        let load = || {
            self.db
                .system_read(|s| async move { current_epoch(&s).await })
        };
        self.epoch.get_or_try_init(load).await.copied()
    }
}

/// Starts a new epoch: to be called once on a database that was restored from a backup, before it serves.
///
/// # Errors
/// When the store fails.
pub async fn start_epoch(db: &Database) -> Result<i64, Error> {
    db.system_write(|s| async move {
        let now = Clock::system().now().0;
        let epoch = now.max(current_epoch(&s).await? + 1);
        s.raw_exec(
            "update log_epoch set epoch = $1, started_at = $2 where one = 1",
            [epoch.into(), now.into()],
        )
        .await?;
        Ok(epoch)
    })
    .await
}

pub(super) async fn current_epoch(s: &System) -> Result<i64, Error> {
    let row = s
        .raw_one("select epoch from log_epoch where one = 1", [])
        .await?;
    let row = row.ok_or_else(|| Error::Misconfigured("the schema has no log epoch".into()))?;
    Ok(row.try_get("", "epoch")?)
}

/// A head of an epoch that is over stands at the start of the current one.
fn in_epoch(at: Position, epoch: i64) -> Position {
    if at.epoch == epoch {
        at
    } else {
        Position { epoch, n: 0 }
    }
}

async fn head_of(s: &crate::db::Scoped, epoch: i64) -> Result<Position, Error> {
    let row = s
        .raw_one("select epoch, n from log_head where tenant_id = $1", [])
        .await?;
    let Some(row) = row else {
        return Ok(Position { epoch, n: 0 });
    };
    Ok(in_epoch(
        Position {
            epoch: row.try_get("", "epoch")?,
            n: row.try_get("", "n")?,
        },
        epoch,
    ))
}

/// Nothing follows `after` in its own epoch: it must then be the last position of it.
async fn check_cursor(
    s: &crate::db::Scoped,
    after: Position,
    head: Position,
    next_epoch: Option<i64>,
) -> Result<(), Failure> {
    if after > head {
        return Err(Failure::new(
            Code::OutOfRange,
            "CURSOR_AHEAD",
            "The position is ahead of the log.",
        )
        .with_meta("head_epoch", head.epoch.to_string())
        .with_meta("head_n", head.n.to_string()));
    }
    if after.epoch == head.epoch || after.n == 0 {
        return Ok(());
    }
    let sql = "select coalesce(max(n), 0) as last from log where tenant_id = $1 and epoch = $2";
    let row = s.raw_one(sql, [after.epoch.into()]).await?;
    let last = row
        .map(|row| row.try_get::<i64>("", "last").map_err(Error::from))
        .transpose()?
        .unwrap_or(0);
    if after.n <= last {
        return Ok(());
    }
    Err(Failure::new(
        Code::OutOfRange,
        "EPOCH_OVER",
        "The position was lost when the log was restored.",
    )
    .with_meta("resume_epoch", next_epoch.unwrap_or(head.epoch).to_string()))
}

fn decode(row: &sea_orm::QueryResult, tenant: TenantId, source: &str) -> Result<Event, Error> {
    let data: Vec<u8> = row.try_get("", "data")?;
    let mut event =
        Event::decode(data.as_slice()).map_err(|_| Error::Corrupt("an event does not decode"))?;
    event.id = EventId::from_uuid(row.try_get("", "id")?).to_string();
    event.source = source.to_owned();
    event.r#type = row.try_get("", "kind")?;
    event.tenant_id = tenant.to_string();
    event.aggregate_id = row.try_get("", "aggregate")?;
    event.time = Some(Micros(row.try_get("", "at")?).into());
    event.traceparent = row.try_get("", "traceparent")?;
    event.position = Some(pb::Position {
        epoch: row.try_get("", "epoch")?,
        n: row.try_get("", "n")?,
    });
    Ok(event)
}

impl From<Position> for pb::Position {
    fn from(at: Position) -> Self {
        Self {
            epoch: at.epoch,
            n: at.n,
        }
    }
}

impl From<pb::Position> for Position {
    fn from(at: pb::Position) -> Self {
        Self {
            epoch: at.epoch,
            n: at.n,
        }
    }
}

/// The newest head of each tenant among many.
pub(super) fn newest(heads: impl IntoIterator<Item = Head>) -> Vec<Head> {
    let mut by_tenant: BTreeMap<TenantId, Position> = BTreeMap::new();
    for head in heads {
        let at = by_tenant.entry(head.tenant).or_default();
        *at = (*at).max(head.position);
    }
    by_tenant
        .into_iter()
        .map(|(tenant, position)| Head { tenant, position })
        .collect()
}
