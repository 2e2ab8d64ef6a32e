//! The relay: gives committed events their gap-free position.
//!
//! A sequence orders insertions, not commits, so a position may only be given after the commit. One process at a
//! time does it (a lease keeps others from contending; the lease's row lock is what makes it safe), moving up to
//! 512 events from the outbox to the log in one transaction. Rows that depend on each other keep their order: what
//! a transaction saw was inserted, and committed, before it inserted its own.

use std::time::Duration;

use sea_orm::Value;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::bus::{Head, Position};
use super::log::current_epoch;
use crate::db::{Database, Engine, Error, System, present};
use crate::id::TenantId;
use crate::role::Role;
use crate::service::Task;
use crate::time::Micros;

/// Events moved in one transaction.
const BATCH: i64 = 512;
/// On PostgreSQL other processes append and move too, unheard by the bus of this one.
const POLL_POSTGRES: Duration = Duration::from_millis(200);
/// On SQLite one process does everything; the poll only finds what a crash left behind.
const POLL_SQLITE: Duration = Duration::from_secs(2);
/// After a failure.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Between two passes while events keep coming: each is a transaction, and every consumer of the log wakes behind it.
/// What comes after a moment of rest is moved at once.
const SPACING: Duration = Duration::from_millis(20);
/// On a busy database passes take longer, and come so many times as long apart: moving never takes more than this part of
/// the time from those who wait for their calls.
const REST: u32 = 4;
const LONGEST_SPACING: Duration = Duration::from_millis(200);
/// How long another process leaves the work to the holder of the lease after its last sign of life.
const LEASE: Duration = Duration::from_secs(2);
/// Moved heads are looked up from a little before the last one seen: a move is seen after it is committed.
const OVERLAP: Duration = Duration::from_secs(2);

/// Moves events from the outbox to the log, and tells this process's watchers of heads that moved. All its times are the
/// database's: the clocks of its processes may differ, and be set.
pub struct Relay {
    db: Database,
    holder: Uuid,
    /// The last move that was noticed; none before the first look.
    seen: Option<Micros>,
}

impl Relay {
    /// Runs until shutdown; what was committed by then and is within reach is moved first.
    pub fn spawn(db: Database, role: Role, shutdown: CancellationToken) -> Task {
        debug_assert_eq!(db.role(), role);
        let mut relay = Self {
            db,
            holder: Uuid::now_v7(),
            seen: None,
        };
        Task::spawn("relay", async move { relay.run(&shutdown).await })
    }

    async fn run(&mut self, shutdown: &CancellationToken) {
        let poll = match self.db.engine() {
            Engine::Postgres => POLL_POSTGRES,
            _ => POLL_SQLITE,
        };
        let mut pause = poll;
        loop {
            let ending = shutdown.is_cancelled();
            let began = tokio::time::Instant::now();
            match self.pass().await {
                Ok(()) => pause = poll,
                Err(error) => {
                    tracing::warn!(role = %self.db.role(), %error, "the relay cannot move events");
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
            if ending {
                self.release().await;
                return;
            }
            let took = began.elapsed();
            let next = began + took + (took * REST).clamp(SPACING, LONGEST_SPACING);
            let bus = self.db.bus().clone();
            tokio::select! {
                () = bus.appended() => {}
                () = tokio::time::sleep(pause) => {}
                () = shutdown.cancelled() => {}
            }
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                () = shutdown.cancelled() => {}
            }
        }
    }

    /// Moves everything there is, or notices what another process moved.
    async fn pass(&mut self) -> Result<(), Error> {
        let mut moved_any = false;
        while self.waiting().await? {
            let Some((count, heads)) = self.move_batch().await? else {
                break;
            };
            moved_any = true;
            for head in heads {
                self.db.bus().moved(head);
            }
            if count < BATCH {
                break;
            }
        }
        if !moved_any && self.db.engine() == Engine::Postgres {
            self.notice_others().await?;
        }
        Ok(())
    }

    async fn waiting(&self) -> Result<bool, Error> {
        self.db
            .system_read(|s| async move {
                // By the index: a table from which all was moved is still full of what was there.
                let first = "select 1 as one from outbox order by seq limit 1";
                Ok(s.raw_one(first, []).await?.is_some())
            })
            .await
    }

    /// One transaction; none when another process holds the lease.
    async fn move_batch(&self) -> Result<Option<(i64, Vec<Head>)>, Error> {
        let holder = self.holder;
        self.db
            .system_write(|s| async move {
                if !take_lease(&s, holder).await? {
                    return Ok(None);
                }
                let epoch = current_epoch(&s).await?;
                match s.engine() {
                    Engine::Postgres => move_in_one_statement(&s, epoch).await.map(Some),
                    _ => move_in_steps(&s, epoch).await.map(Some),
                }
            })
            .await
    }

    /// Heads that another process's relay moved.
    async fn notice_others(&mut self) -> Result<(), Error> {
        let now = present(self.db.engine());
        let since = match self.seen {
            Some(seen) => (seen - OVERLAP).0.to_string(),
            None => format!("{now} - {}", OVERLAP.as_micros()),
        };
        let sql =
            format!("select tenant_id, epoch, n, moved_at from log_head where moved_at >= {since}");
        let rows = self
            .db
            .system_read(|s| {
                let sql = sql.clone();
                async move { s.raw_all(&sql, []).await }
            })
            .await?;
        for row in rows {
            let position = Position {
                epoch: row.try_get("", "epoch")?,
                n: row.try_get("", "n")?,
            };
            let tenant = TenantId::from_uuid(row.try_get("", "tenant_id")?);
            let moved_at = Micros(row.try_get("", "moved_at")?);
            self.seen = self.seen.max(Some(moved_at));
            self.db.bus().moved(Head { tenant, position });
        }
        Ok(())
    }

    async fn release(&self) {
        let holder = self.holder;
        let released = self
            .db
            .system_write(|s| async move {
                s.raw_exec(
                    "update relay_lease set until = 0 where one = 1 and holder = $1",
                    [holder.into()],
                )
                .await
            })
            .await;
        if let Err(error) = released {
            tracing::debug!(%error, "the relay's lease runs out by itself");
        }
    }
}

/// Takes or keeps the lease. Its row stays locked until the end of the transaction, so that two movers can never
/// overlap, whatever their clocks say.
async fn take_lease(s: &System, holder: Uuid) -> Result<bool, Error> {
    let now = present(s.engine());
    let mut sql = format!("update relay_lease set holder = $1, until = {now} + $2 where one = 1");
    // A file has one process: what another holder left there is from before a crash.
    if s.engine() == Engine::Postgres {
        sql += &format!(" and (holder = $1 or until < {now})");
    }
    let lease = i64::try_from(LEASE.as_micros()).unwrap_or(i64::MAX);
    let values: [Value; 2] = [holder.into(), lease.into()];
    Ok(s.raw_exec(&sql, values).await? > 0)
}

/// With the present moment in place of NOW.
const MOVE: &str = "with taken as materialized (select * from outbox order by seq limit $2), \
     numbered as (select t.*, coalesce(h.n, 0) + row_number() over (partition by t.tenant_id order by t.seq) as n \
                  from taken t left join log_head h on h.tenant_id = t.tenant_id and h.epoch = $1), \
     logged as (insert into log (tenant_id, epoch, n, id, aggregate, kind, at, traceparent, data) \
                select tenant_id, $1, n, id, aggregate, kind, at, traceparent, data from numbered), \
     heads as (insert into log_head (tenant_id, epoch, n, moved_at) \
               select tenant_id, $1, max(n), NOW from numbered group by tenant_id \
               on conflict (tenant_id) do update \
               set epoch = excluded.epoch, n = excluded.n, moved_at = excluded.moved_at), \
     gone as (delete from outbox where seq in (select seq from taken)) \
     select tenant_id, max(n) as n, count(*) as moved from numbered group by tenant_id";

async fn move_in_one_statement(s: &System, epoch: i64) -> Result<(i64, Vec<Head>), Error> {
    let sql = MOVE.replace("NOW", present(s.engine()));
    let rows = s.raw_all(&sql, [epoch.into(), BATCH.into()]).await?;
    let mut count = 0;
    let mut heads = Vec::with_capacity(rows.len());
    for row in rows {
        count += row.try_get::<i64>("", "moved")?;
        let position = Position {
            epoch,
            n: row.try_get("", "n")?,
        };
        heads.push(Head {
            tenant: TenantId::from_uuid(row.try_get("", "tenant_id")?),
            position,
        });
    }
    Ok((count, heads))
}

/// SQLite changes data in one statement at a time; the transaction holds the only writer, so nothing slips between.
async fn move_in_steps(s: &System, epoch: i64) -> Result<(i64, Vec<Head>), Error> {
    let bound = "select max(seq) as last, count(*) as moved from (select seq from outbox order by seq limit $1)";
    let Some(row) = s.raw_one(bound, [BATCH.into()]).await? else {
        return Ok((0, Vec::new()));
    };
    let Some(last) = row.try_get::<Option<i64>>("", "last")? else {
        return Ok((0, Vec::new()));
    };
    let moved: i64 = row.try_get("", "moved")?;
    let log = "insert into log (tenant_id, epoch, n, id, aggregate, kind, at, traceparent, data) \
               select t.tenant_id, $1, coalesce(h.n, 0) + row_number() over (partition by t.tenant_id order by t.seq), \
                      t.id, t.aggregate, t.kind, t.at, t.traceparent, t.data \
               from outbox t left join log_head h on h.tenant_id = t.tenant_id and h.epoch = $1 where t.seq <= $2";
    s.raw_exec(log, [epoch.into(), last.into()]).await?;
    let now = present(s.engine());
    let heads = format!(
        "insert into log_head (tenant_id, epoch, n, moved_at) \
                 select t.tenant_id, $1, coalesce(max(h.n), 0) + count(*), {now} \
                 from outbox t left join log_head h on h.tenant_id = t.tenant_id and h.epoch = $1 \
                 where t.seq <= $2 group by t.tenant_id \
                 on conflict (tenant_id) do update \
                 set epoch = excluded.epoch, n = excluded.n, moved_at = excluded.moved_at returning tenant_id, n"
    );
    let rows = s.raw_all(&heads, [epoch.into(), last.into()]).await?;
    s.raw_exec("delete from outbox where seq <= $1", [last.into()])
        .await?;
    let head = |row: sea_orm::QueryResult| {
        let position = Position {
            epoch,
            n: row.try_get("", "n")?,
        };
        Ok(Head {
            tenant: TenantId::from_uuid(row.try_get("", "tenant_id")?),
            position,
        })
    };
    let heads = rows
        .into_iter()
        .map(head)
        .collect::<Result<_, sea_orm::DbErr>>()?;
    Ok((moved, heads))
}
