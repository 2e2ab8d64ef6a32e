use std::collections::HashMap;

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{CalendarId, QueueId, TenantId};
use sea_orm::{ColumnTrait as _, Condition, Iterable as _};
use uuid::Uuid;

use super::columns::{code, count, named, skills_in, skills_out, span_in, span_out};
use super::entities::queue::{ActiveModel, Column, Entity, Model};
use super::{Page, Store};
use crate::domain::{AgentPreference, Code, Discipline, Priority, Queue, Selection};

/// Which queues to list.
#[derive(Clone, Debug, Default)]
pub(crate) struct QueueFilter {
    pub(crate) code: Option<Code>,
}

impl Store {
    /// One queue and how many work items wait in it.
    pub(crate) async fn queue(
        &self,
        tenant: TenantId,
        id: QueueId,
    ) -> Result<Option<(Queue, u32)>, Error> {
        let find = |s: Scoped| async move {
            let row = s
                .find::<Entity>()
                .filter(Column::Id.eq(id.uuid()))
                .one()
                .await?;
            let Some(queue) = row.map(read).transpose()? else {
                return Ok(None);
            };
            let waiting = waiting(&s, &[queue.id])
                .await?
                .remove(&queue.id)
                .unwrap_or(0);
            Ok(Some((queue, waiting)))
        };
        self.db.read(tenant, find).await
    }

    /// Queues that fit every given condition, newest first, behind `after`.
    pub(crate) async fn queues(
        &self,
        tenant: TenantId,
        filter: &QueueFilter,
        after: Option<Uuid>,
        size: u64,
    ) -> Result<Page<(Queue, u32)>, Error> {
        let condition = Condition::all()
            .add_option(
                filter
                    .code
                    .as_ref()
                    .map(|code| Column::Code.eq(code.as_str())),
            )
            .add_option(after.map(|id| Column::Id.lt(id)));
        let find = |s: Scoped| {
            let condition = condition.clone();
            async move {
                let rows = s
                    .find::<Entity>()
                    .filter(condition)
                    .order_by_desc(Column::Id);
                let rows = rows.limit(size + 1).all().await?;
                let queues = rows
                    .into_iter()
                    .map(read)
                    .collect::<Result<Vec<_>, Error>>()?;
                let ids: Vec<_> = queues.iter().map(|queue| queue.id).collect();
                let waiting = waiting(&s, &ids).await?;
                let with = |queue: Queue| {
                    let waits = waiting.get(&queue.id).copied().unwrap_or(0);
                    (queue, waits)
                };
                Ok::<_, Error>(queues.into_iter().map(with).collect())
            }
        };
        Ok(Page::of(
            self.db.read(tenant, find).await?,
            size,
            |(queue, _): &(Queue, u32)| queue.id.uuid(),
        ))
    }
}

/// Every queue of the tenant.
pub(super) async fn all(s: &Scoped) -> Result<Vec<Queue>, Error> {
    s.find::<Entity>()
        .all()
        .await?
        .into_iter()
        .map(read)
        .collect()
}

/// How many work items wait in each of these queues.
async fn waiting(s: &Scoped, queues: &[QueueId]) -> Result<HashMap<QueueId, u32>, Error> {
    if queues.is_empty() {
        return Ok(HashMap::new());
    }
    let places: Vec<String> = (2..queues.len() + 2).map(|n| format!("${n}")).collect();
    let sql = format!(
        "select queue_id, count(*) as waits from work_items \
         where tenant_id = $1 and state = 'waiting' and queue_id in ({}) group by queue_id",
        places.join(", ")
    );
    let values: Vec<_> = queues.iter().map(|id| id.uuid().into()).collect();
    let mut counts = HashMap::new();
    for row in s.raw_all(&sql, values).await? {
        let queue = QueueId::from_uuid(row.try_get("", "queue_id")?);
        counts.insert(queue, count(row.try_get::<i64>("", "waits")?)?);
    }
    Ok(counts)
}

/// Stores queues as they are now.
pub(super) async fn put(s: &Scoped, queues: &[Queue]) -> Result<(), Error> {
    let rows: Vec<ActiveModel> = queues
        .iter()
        .map(|queue| write(s.tenant(), queue).into())
        .collect();
    let changed = Column::iter().filter(|c| !matches!(c, Column::TenantId | Column::Id));
    s.upsert_many(rows, [Column::TenantId, Column::Id], changed)
        .await
}

fn write(tenant: TenantId, queue: &Queue) -> Model {
    Model {
        tenant_id: tenant.uuid(),
        id: queue.id.uuid(),
        code: queue.code.to_string(),
        display_name: queue.display_name.clone(),
        default_priority: queue.default_priority.as_str().to_owned(),
        offer_timeout: span_out(queue.offer_timeout),
        wrap_up: span_out(queue.wrap_up),
        max_lapsed_offers: queue.max_lapsed_offers.into(),
        skills: skills_out(&queue.required_skills),
        most_waiting: queue.most_waiting.map(Into::into),
        overflow_id: queue.overflow.map(|id| id.uuid()),
        answer_target: span_out(queue.answer_target),
        short_abandon: span_out(queue.short_abandon),
        selection: queue.discipline.selection.as_str().to_owned(),
        most_occupancy_spread: queue.discipline.most_occupancy_spread.map(Into::into),
        weight: queue.discipline.weight.into(),
        broadcast: queue.discipline.broadcast.into(),
        commanded: queue.commanded,
        most_wrap_up: span_out(queue.most_wrap_up),
        preference: queue.preference.as_str().to_owned(),
        preference_time: span_out(queue.preference_time),
        opening_calendar_id: queue.opening.map(|id| id.uuid()),
        created_at: queue.created_at,
        updated_at: queue.updated_at,
        version: queue.version,
    }
}

fn read(row: Model) -> Result<Queue, Error> {
    Ok(Queue {
        id: QueueId::from_uuid(row.id),
        code: code(&row.code)?,
        display_name: row.display_name,
        default_priority: named(Priority::named(&row.default_priority))?,
        offer_timeout: span_in(row.offer_timeout)?,
        wrap_up: span_in(row.wrap_up)?,
        max_lapsed_offers: count(row.max_lapsed_offers)?,
        required_skills: skills_in(&row.skills)?,
        most_waiting: row.most_waiting.map(count).transpose()?,
        overflow: row.overflow_id.map(QueueId::from_uuid),
        answer_target: span_in(row.answer_target)?,
        short_abandon: span_in(row.short_abandon)?,
        discipline: Discipline {
            selection: named(Selection::named(&row.selection))?,
            most_occupancy_spread: row.most_occupancy_spread.map(count).transpose()?,
            weight: count(row.weight)?,
            broadcast: count(row.broadcast)?,
        },
        commanded: row.commanded,
        most_wrap_up: span_in(row.most_wrap_up)?,
        preference: named(AgentPreference::named(&row.preference))?,
        preference_time: span_in(row.preference_time)?,
        opening: row.opening_calendar_id.map(CalendarId::from_uuid),
        created_at: row.created_at,
        updated_at: row.updated_at,
        version: row.version,
    })
}
