//! What figures are counted from: work that ended, and how agents spent their time.

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{AgentId, TenantId};
use rapport_foundation::time::Micros;
use sea_orm::{ColumnTrait as _, Condition};
use uuid::Uuid;

use super::entities::agent_spell::{ActiveModel, Column, Entity, Model};
use super::{Store, work_items};
use crate::domain::WorkItem;
use crate::domain::statistics::Spell;

/// Rows in one statement: 5 columns each.
const CHUNK: usize = 1000;

impl Store {
    /// Work items that ended at or after a moment, in the order of their ids, behind `after`.
    pub(crate) async fn ended_since(
        &self,
        tenant: TenantId,
        since: Micros,
        after: Option<Uuid>,
        size: u64,
    ) -> Result<Vec<WorkItem>, Error> {
        let find = |s: Scoped| async move { work_items::ended_since(&s, since, after, size).await };
        self.db.read(tenant, find).await
    }

    /// Spells of agents that run, or ended at or after a moment.
    pub(crate) async fn spells_since(
        &self,
        tenant: TenantId,
        since: Micros,
    ) -> Result<Vec<Spell>, Error> {
        let condition = Condition::any()
            .add(Column::EndedAt.is_null())
            .add(Column::EndedAt.gte(since));
        let find = |s: Scoped| {
            let condition = condition.clone();
            async move {
                let rows = s.find::<Entity>().filter(condition).all().await?;
                Ok(rows.into_iter().map(read).collect())
            }
        };
        self.db.read(tenant, find).await
    }
}

/// Stores spells as they are now; no two of them may begin at the same moment for one agent.
pub(super) async fn put(s: &Scoped, spells: &[Spell]) -> Result<(), Error> {
    for chunk in spells.chunks(CHUNK) {
        let row = |spell: &Spell| ActiveModel::from(write(s.tenant(), spell));
        let rows = chunk.iter().map(row).collect();
        let key = [Column::TenantId, Column::AgentId, Column::BeganAt];
        s.upsert_many(rows, key, [Column::EndedAt, Column::Busy])
            .await?;
    }
    Ok(())
}

fn write(tenant: TenantId, spell: &Spell) -> Model {
    Model {
        tenant_id: tenant.uuid(),
        agent_id: spell.agent.uuid(),
        began_at: spell.began,
        ended_at: spell.ended,
        busy: spell.busy,
    }
}

const fn read(row: Model) -> Spell {
    Spell {
        agent: AgentId::from_uuid(row.agent_id),
        began: row.began_at,
        ended: row.ended_at,
        busy: row.busy,
    }
}
