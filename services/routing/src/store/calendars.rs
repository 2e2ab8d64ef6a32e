use std::collections::HashMap;

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{CalendarId, TenantId};
use sea_orm::{ColumnTrait as _, Condition, Iterable as _};
use uuid::Uuid;

use super::columns::{code, json_in, json_out};
use super::entities::calendar::{ActiveModel, Column, Entity, Model};
use super::entities::calendar_version as version;
use super::{Page, Store};
use crate::domain::Code;
use crate::domain::sla::{Calendar, Hours, Timetable};

/// Rows in one statement.
const CHUNK: usize = 400;

impl Store {
    /// One calendar.
    pub(crate) async fn calendar(
        &self,
        tenant: TenantId,
        id: CalendarId,
    ) -> Result<Option<Calendar>, Error> {
        let find = |s: Scoped| async move {
            let rows = s.find::<Entity>().filter(Column::Id.eq(id.uuid()));
            rows.one().await?.map(read).transpose()
        };
        self.db.read(tenant, find).await
    }

    /// The calendars, newest first, behind `after`; of this code, if one is given.
    pub(crate) async fn calendars(
        &self,
        tenant: TenantId,
        code: Option<&Code>,
        after: Option<Uuid>,
        size: u64,
    ) -> Result<Page<Calendar>, Error> {
        let wanted = Condition::all().add_option(code.map(|code| Column::Code.eq(code.as_str())));
        let rows = self.newest::<Entity, Calendar>(tenant, Column::Id, wanted, after, size, read);
        let rows = rows.await?;
        Ok(Page::of(rows, size, |row| row.id.uuid()))
    }

    /// What a version of a calendar said.
    pub(crate) async fn calendar_at(
        &self,
        tenant: TenantId,
        id: CalendarId,
        at: i64,
    ) -> Result<Option<Timetable>, Error> {
        let find = |s: Scoped| async move {
            let rows = s
                .find::<version::Entity>()
                .filter(version::Column::CalendarId.eq(id.uuid()))
                .filter(version::Column::Version.eq(at));
            let row = rows.one().await?;
            row.map(|row| json_in(row.timetable)).transpose()
        };
        self.db.read(tenant, find).await
    }
}

impl Store {
    /// The hours of every calendar of the tenant.
    pub(crate) async fn hours(
        &self,
        tenant: TenantId,
    ) -> Result<HashMap<CalendarId, Hours>, Error> {
        let find = |s: Scoped| async move { all(&s).await };
        let calendars = self.db.read(tenant, find).await?.into_iter();
        Ok(calendars
            .map(|calendar| (calendar.id, calendar.hours))
            .collect())
    }
}

/// Every calendar of the tenant.
pub(super) async fn all(s: &Scoped) -> Result<Vec<Calendar>, Error> {
    let rows = s.find::<Entity>().all().await?;
    rows.into_iter().map(read).collect()
}

/// Stores calendars as they are now, and keeps what they said.
pub(super) async fn put(s: &Scoped, calendars: &[Calendar]) -> Result<(), Error> {
    for chunk in calendars.chunks(CHUNK) {
        let rows = chunk.iter().map(|one| write(s.tenant(), one));
        let rows: Vec<Model> = rows.collect::<Result<_, Error>>()?;
        let versions = rows.iter().map(|row| {
            version::ActiveModel::from(version::Model {
                tenant_id: row.tenant_id,
                calendar_id: row.id,
                version: row.version,
                timetable: row.timetable.clone(),
            })
        });
        let key = [
            version::Column::TenantId,
            version::Column::CalendarId,
            version::Column::Version,
        ];
        s.insert_fresh(versions.collect(), key).await?;
        let rows = rows.into_iter().map(ActiveModel::from).collect();
        let changed = Column::iter().filter(|c| !matches!(c, Column::TenantId | Column::Id));
        s.upsert_many(rows, [Column::TenantId, Column::Id], changed)
            .await?;
    }
    Ok(())
}

fn write(tenant: TenantId, calendar: &Calendar) -> Result<Model, Error> {
    Ok(Model {
        tenant_id: tenant.uuid(),
        id: calendar.id.uuid(),
        code: calendar.code.to_string(),
        display_name: calendar.display_name.clone(),
        timetable: json_out(&calendar.timetable)?,
        created_at: calendar.created_at,
        updated_at: calendar.updated_at,
        version: calendar.version,
    })
}

fn read(row: Model) -> Result<Calendar, Error> {
    let timetable: Timetable = json_in(row.timetable)?;
    Ok(Calendar {
        id: CalendarId::from_uuid(row.id),
        code: code(&row.code)?,
        display_name: row.display_name,
        hours: Hours::new(&timetable).map_err(|_| Error::Corrupt("a timetable"))?,
        timetable,
        created_at: row.created_at,
        updated_at: row.updated_at,
        version: row.version,
    })
}
