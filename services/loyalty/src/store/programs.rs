use std::collections::HashMap;

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::ProgramId;
use sea_orm::{ColumnTrait as _, IntoActiveModel as _};
use uuid::Uuid;

use super::entities::program::{Column, Entity, row};
use crate::domain::Program;

/// Stores a new programme. [`Error::Unique`] when its code is taken.
pub(crate) async fn insert(s: &Scoped, program: &Program) -> Result<(), Error> {
    s.insert(row(s.tenant(), program).into_active_model())
        .await?;
    Ok(())
}

pub(crate) async fn get(s: &Scoped, id: ProgramId) -> Result<Option<Program>, Error> {
    let row = s
        .find::<Entity>()
        .filter(Column::Id.eq(id.uuid()))
        .one()
        .await?;
    row.map(Program::try_from).transpose()
}

/// Whether a programme with this code is there.
pub(crate) async fn has_code(s: &Scoped, code: &str) -> Result<bool, Error> {
    s.find::<Entity>()
        .filter(Column::Code.eq(code))
        .exists()
        .await
}

pub(crate) async fn many(
    s: &Scoped,
    ids: impl IntoIterator<Item = ProgramId>,
) -> Result<HashMap<ProgramId, Program>, Error> {
    let ids: Vec<Uuid> = ids.into_iter().map(ProgramId::uuid).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = s
        .find::<Entity>()
        .filter(Column::Id.is_in(ids))
        .all()
        .await?;
    by_id(rows.into_iter().map(Program::try_from))
}

/// Every programme of the tenant, oldest first.
pub(crate) async fn all(s: &Scoped) -> Result<Vec<Program>, Error> {
    let rows = s.find::<Entity>().order_by_asc(Column::Id).all().await?;
    rows.into_iter().map(Program::try_from).collect()
}

/// Newest first, those older than `before`.
pub(crate) async fn page(
    s: &Scoped,
    before: Option<ProgramId>,
    limit: u64,
) -> Result<Vec<Program>, Error> {
    let mut rows = s.find::<Entity>().order_by_desc(Column::Id).limit(limit);
    if let Some(before) = before {
        rows = rows.filter(Column::Id.lt(before.uuid()));
    }
    rows.all()
        .await?
        .into_iter()
        .map(Program::try_from)
        .collect()
}

fn by_id(
    programs: impl Iterator<Item = Result<Program, Error>>,
) -> Result<HashMap<ProgramId, Program>, Error> {
    programs
        .map(|program| program.map(|program| (program.id, program)))
        .collect()
}
