//! How agents stand: written with nearly every decision, so many in one statement.

use std::collections::HashMap;

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{AgentId, TenantId};
use rapport_foundation::time::Micros;
use sea_orm::{ColumnTrait as _, Iterable as _};
use uuid::Uuid;

use super::Store;
use super::columns::{count, named, optional_code};
use super::entities::agent_standing::{ActiveModel, Column, Entity, Model};
use crate::domain::{Load, Presence, Shift, Standing, Status};

/// Rows in one statement.
const CHUNK: usize = 500;

impl Store {
    /// Agents of a status.
    pub(super) async fn of_status(
        &self,
        tenant: TenantId,
        status: Status,
    ) -> Result<Vec<Uuid>, Error> {
        let find = |s: Scoped| async move {
            let rows = s
                .find::<Entity>()
                .filter(Column::Status.eq(status.as_str()));
            let rows = rows.all().await?;
            Ok(rows.into_iter().map(|row| row.agent_id).collect())
        };
        self.db.read(tenant, find).await
    }
}

/// How these agents stand.
pub(super) async fn of(
    s: &Scoped,
    agents: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, Standing>, Error> {
    let agents: Vec<Uuid> = agents.into_iter().collect();
    let mut standings = HashMap::with_capacity(agents.len());
    for chunk in agents.chunks(CHUNK) {
        let ids = chunk.iter().copied();
        let rows = s.find::<Entity>().filter(s.among(Column::AgentId, ids));
        for row in rows.all().await? {
            standings.insert(row.agent_id, read(&row)?);
        }
    }
    Ok(standings)
}

/// Stores how agents stand.
pub(super) async fn put(s: &Scoped, standings: &[(AgentId, Standing)]) -> Result<(), Error> {
    for chunk in standings.chunks(CHUNK) {
        let row = |(agent, standing): &(AgentId, Standing)| {
            ActiveModel::from(write(s.tenant(), *agent, standing))
        };
        let rows = chunk.iter().map(row).collect();
        let changed = Column::iter().filter(|c| !matches!(c, Column::TenantId | Column::AgentId));
        s.upsert_many(rows, [Column::TenantId, Column::AgentId], changed)
            .await?;
    }
    Ok(())
}

fn write(tenant: TenantId, agent: AgentId, standing: &Standing) -> Model {
    let (presence, leaving_until) = match standing.presence {
        Presence::Present => ("present", None::<Micros>),
        Presence::Leaving { until } => ("leaving", Some(until)),
        Presence::Absent => ("absent", None),
    };
    Model {
        tenant_id: tenant.uuid(),
        agent_id: agent.uuid(),
        status: standing.status.as_str().to_owned(),
        status_reason: standing.reason.as_ref().map(ToString::to_string),
        status_since: standing.status_since,
        presence: presence.to_owned(),
        leaving_until,
        idle_since: standing.idle_since,
        lapsed_offers: standing.lapsed_offers.into(),
        busy_time: i64::try_from(standing.load.busy).unwrap_or(i64::MAX),
        staffed_time: i64::try_from(standing.load.staffed).unwrap_or(i64::MAX),
        counted_until: Some(standing.load.until),
        on_shift: standing.shift.map(|shift| shift.on),
        shift_until: standing.shift.map(|shift| shift.until),
        works_over: standing.shift.is_some_and(|shift| shift.by_hand),
    }
}

fn read(row: &Model) -> Result<Standing, Error> {
    let presence = match (row.presence.as_str(), row.leaving_until) {
        ("present", _) => Presence::Present,
        ("leaving", Some(until)) => Presence::Leaving { until },
        ("absent", _) => Presence::Absent,
        _ => return Err(Error::Corrupt("the presence of an agent")),
    };
    Ok(Standing {
        status: named(Status::named(&row.status))?,
        reason: optional_code(row.status_reason.as_ref())?,
        status_since: row.status_since,
        presence,
        idle_since: row.idle_since,
        lapsed_offers: count(row.lapsed_offers)?,
        shift: row.on_shift.zip(row.shift_until).map(|(on, until)| Shift {
            on,
            until,
            by_hand: row.works_over,
        }),
        load: Load {
            busy: count(row.busy_time)?,
            staffed: count(row.staffed_time)?,
            // Nothing was counted before there was the column.
            until: row
                .counted_until
                .unwrap_or(row.idle_since.max(row.status_since)),
        },
    })
}
