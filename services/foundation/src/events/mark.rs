//! The high-water mark of a consumer, moved in the transaction of its effect: what makes the effect happen once.

use rapport_proto::events::v1::Event;

use super::bus::Position;
use super::parked;
use crate::db::{Error, Scoped};
use crate::error::Failure;
use crate::id::TenantId;
use crate::role::Role;
use crate::time::Clock;

/// Applies another service's events.
#[async_trait::async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Applies the events of a batch in order and moves the mark in the same transaction, also for events that
    /// mean nothing here: `batch.mark.advance(&s).await?` inside `db.write(batch.tenant, …)`.
    ///
    /// # Errors
    /// A transient failure has the batch repeated for as long as it takes. Any other failure has it split until
    /// the guilty event is alone, which after five attempts is parked with all that follow of its aggregate.
    async fn apply(&self, batch: &Batch) -> Result<(), Failure>;
}

/// Consecutive events of one tenant from one source.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Whose events.
    pub tenant: TenantId,
    /// Which service said so.
    pub source: Role,
    /// At least one, at most a page; in order, without gaps.
    pub events: Vec<Event>,
    /// What to move in the transaction of the effect.
    pub mark: Mark,
}

/// Moves a consumer's position over exactly the events of its batch.
#[derive(Debug, Clone)]
pub struct Mark {
    source: Role,
    moves: Moves,
}

#[derive(Debug, Clone, Copy)]
enum Moves {
    /// From just before the first to the last.
    Over { first: Position, last: Position },
    /// An event that was parked leaves its place.
    Unparks(Position),
}

impl Mark {
    pub(super) fn over(source: Role, first: Position, last: Position) -> Self {
        Self {
            source,
            moves: Moves::Over { first, last },
        }
    }

    pub(super) fn unparking(source: Role, at: Position) -> Self {
        Self {
            source,
            moves: Moves::Unparks(at),
        }
    }

    /// Moves the mark in this transaction.
    ///
    /// # Errors
    /// [`Error::Raced`] when it does not stand just before the batch: another process has applied it already.
    pub async fn advance(&self, s: &Scoped) -> Result<(), Error> {
        let moved = match self.moves {
            Moves::Over { first, last } => self.move_over(s, first, last).await?,
            Moves::Unparks(at) => parked::remove(s, self.source, at).await?,
        };
        // Not noted as repeatable: running the same transaction again could never move it.
        if moved { Ok(()) } else { Err(Error::Raced) }
    }

    async fn move_over(&self, s: &Scoped, first: Position, last: Position) -> Result<bool, Error> {
        let now = Clock::system().now().0;
        let source = self.source.as_str();
        let sql = "update consumed set epoch = $3, n = $4, moved_at = $5 where tenant_id = $1 and source = $2 \
                   and ((epoch = $6 and n = $7) or (epoch < $6 and $7 = 0))";
        let values = [
            source.into(),
            last.epoch.into(),
            last.n.into(),
            now.into(),
            first.epoch.into(),
            (first.n - 1).into(),
        ];
        if s.raw_exec(sql, values).await? > 0 {
            return Ok(true);
        }
        if first.n != 1 {
            return Ok(false);
        }
        let sql = "insert into consumed (tenant_id, source, epoch, n, moved_at) values ($1, $2, $3, $4, $5) \
                   on conflict do nothing";
        let values = [source.into(), last.epoch.into(), last.n.into(), now.into()];
        Ok(s.raw_exec(sql, values).await? > 0)
    }
}

/// Where the mark of this source stands for this tenant.
pub(super) async fn standing(s: &Scoped, source: Role) -> Result<Position, Error> {
    let sql = "select epoch, n from consumed where tenant_id = $1 and source = $2";
    let Some(row) = s.raw_one(sql, [source.as_str().into()]).await? else {
        return Ok(Position::default());
    };
    Ok(Position {
        epoch: row.try_get("", "epoch")?,
        n: row.try_get("", "n")?,
    })
}

/// Whether `next` may directly follow `at`.
pub(super) fn follows(at: Position, next: Position) -> bool {
    (next.epoch == at.epoch && next.n == at.n + 1) || (next.epoch > at.epoch && next.n == 1)
}

/// An event's position.
pub(super) fn position_of(event: &Event) -> Position {
    event.position.map(Position::from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_next_position_follows() {
        let at = |epoch, n| Position { epoch, n };
        assert!(follows(at(0, 0), at(7, 1)));
        assert!(follows(at(7, 1), at(7, 2)));
        assert!(follows(at(7, 9), at(8, 1)));
        assert!(!follows(at(7, 1), at(7, 3)));
        assert!(!follows(at(7, 1), at(7, 1)));
        assert!(!follows(at(7, 1), at(8, 2)));
        assert!(!follows(at(8, 1), at(7, 2)));
    }
}
