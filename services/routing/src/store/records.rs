//! What disciplines that look back are remembered by.

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{AgentId, QueueId, TenantId};
use sea_orm::ColumnTrait as _;
use sea_orm::Condition;

use super::columns::count;
use super::entities::{agent_pace, queue_turn};
use crate::domain::Taken;
use crate::domain::engine::{Pace, Turn};

/// Rows in one statement: 5 columns each at most.
const CHUNK: usize = 1000;

/// What is remembered of these queues, or of all.
pub(super) async fn of(
    s: &Scoped,
    queues: Option<&[QueueId]>,
) -> Result<(Vec<Pace>, Vec<Turn>), Error> {
    let ids = || queues.map(|queues| queues.iter().map(|id| id.uuid()).collect::<Vec<_>>());
    let of_queues = ids().map(|ids| agent_pace::Column::QueueId.is_in(ids));
    let paces = s
        .find::<agent_pace::Entity>()
        .filter(Condition::all().add_option(of_queues))
        .all()
        .await?;
    let of_queues = ids().map(|ids| queue_turn::Column::QueueId.is_in(ids));
    let turns = s
        .find::<queue_turn::Entity>()
        .filter(Condition::all().add_option(of_queues))
        .all()
        .await?;
    let paces = paces.into_iter().map(read_pace);
    let turns = turns.into_iter().map(read_turn);
    Ok((
        paces.collect::<Result<_, Error>>()?,
        turns.collect::<Result<_, Error>>()?,
    ))
}

/// Stores what is another.
pub(super) async fn put(s: &Scoped, paces: &[Pace], turns: &[Turn]) -> Result<(), Error> {
    for chunk in paces.chunks(CHUNK) {
        let row = |pace: &Pace| agent_pace::ActiveModel::from(write_pace(s.tenant(), pace));
        let rows = chunk.iter().map(row).collect();
        let key = [
            agent_pace::Column::TenantId,
            agent_pace::Column::QueueId,
            agent_pace::Column::AgentId,
        ];
        s.upsert_many(rows, key, [agent_pace::Column::HandleTime])
            .await?;
    }
    for chunk in turns.chunks(CHUNK) {
        let row = |turn: &Turn| queue_turn::ActiveModel::from(write_turn(s.tenant(), turn));
        let rows = chunk.iter().map(row).collect();
        let key = [queue_turn::Column::TenantId, queue_turn::Column::QueueId];
        let changed = [
            queue_turn::Column::LastAgentId,
            queue_turn::Column::Taken,
            queue_turn::Column::TakenAt,
        ];
        s.upsert_many(rows, key, changed).await?;
    }
    Ok(())
}

fn write_pace(tenant: TenantId, pace: &Pace) -> agent_pace::Model {
    agent_pace::Model {
        tenant_id: tenant.uuid(),
        queue_id: pace.queue.uuid(),
        agent_id: pace.agent.uuid(),
        handle_time: i64::try_from(pace.handle).unwrap_or(i64::MAX),
    }
}

fn read_pace(row: agent_pace::Model) -> Result<Pace, Error> {
    Ok(Pace {
        queue: QueueId::from_uuid(row.queue_id),
        agent: AgentId::from_uuid(row.agent_id),
        handle: count(row.handle_time)?,
    })
}

fn write_turn(tenant: TenantId, turn: &Turn) -> queue_turn::Model {
    queue_turn::Model {
        tenant_id: tenant.uuid(),
        queue_id: turn.queue.uuid(),
        last_agent_id: turn.last.map(|agent| agent.uuid()),
        taken: i64::try_from(turn.taken.sum).unwrap_or(i64::MAX),
        taken_at: turn.taken.at,
    }
}

fn read_turn(row: queue_turn::Model) -> Result<Turn, Error> {
    Ok(Turn {
        queue: QueueId::from_uuid(row.queue_id),
        last: row.last_agent_id.map(AgentId::from_uuid),
        taken: Taken {
            sum: count(row.taken)?,
            at: row.taken_at,
        },
    })
}
