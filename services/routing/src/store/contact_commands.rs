//! Commands to the connectors that hold contacts. The owner of the tenant alone writes them.

use rapport_foundation::db::{Engine, Error, Scoped, present as clock};
use rapport_foundation::id::{
    AgentId, ContactCommandId, InteractionId, QueueId, TenantId, WorkItemId,
};
use rapport_foundation::time::Micros;
use sea_orm::{ColumnTrait as _, Condition};
use uuid::Uuid;

use super::columns::{count, named};
use super::entities::contact_command::{ActiveModel, Column, Entity, Model};
use super::{Page, Store};
use crate::domain::contact_command::{CommandKind, CommandState, ContactCommand};

/// Rows in one statement: 22 columns each.
const CHUNK: usize = 500;

/// Which commands to list.
#[derive(Clone, Debug, Default)]
pub(crate) struct CommandFilter {
    pub(crate) state: Option<CommandState>,
    pub(crate) item: Option<WorkItemId>,
    pub(crate) interaction: Option<InteractionId>,
    pub(crate) connector: Option<String>,
}

impl Store {
    /// One command.
    pub(crate) async fn contact_command(
        &self,
        tenant: TenantId,
        id: ContactCommandId,
    ) -> Result<Option<ContactCommand>, Error> {
        let find = |s: Scoped| async move { Ok(by_id(&s, &[id]).await?.pop()) };
        self.db.read(tenant, find).await
    }

    /// Commands that fit every given condition, newest first, behind `after`.
    pub(crate) async fn contact_commands(
        &self,
        tenant: TenantId,
        filter: &CommandFilter,
        after: Option<Uuid>,
        size: u64,
    ) -> Result<Page<ContactCommand>, Error> {
        let connector = filter.connector.as_deref();
        let wanted = Condition::all()
            .add_option(filter.state.map(|state| Column::State.eq(state.as_str())))
            .add_option(filter.item.map(|id| Column::WorkItemId.eq(id.uuid())))
            .add_option(
                filter
                    .interaction
                    .map(|id| Column::InteractionId.eq(id.uuid())),
            )
            .add_option(connector.map(|connector| Column::Connector.eq(connector)));
        let found = self.newest::<Entity, _>(tenant, Column::Id, wanted, after, size, read);
        Ok(Page::of(found.await?, size, |command| command.id.uuid()))
    }
}

/// What the database's clock says.
pub(super) async fn present(s: &Scoped) -> Result<Micros, Error> {
    let tenant = match s.engine() {
        Engine::Postgres => "$1::uuid",
        _ => "$1",
    };
    let sql = format!(
        "select {tenant} as tenant_id, {} as present",
        clock(s.engine())
    );
    let row = s.raw_one(&sql, []).await?;
    let row = row.ok_or(Error::Corrupt("the database tells no time"))?;
    Ok(Micros(row.try_get("", "present")?))
}

/// Every command that something may still become of.
pub(super) async fn open(s: &Scoped) -> Result<Vec<ContactCommand>, Error> {
    fitting(s, is_open()).await
}

/// Those of them that are given up by `now`.
pub(super) async fn expired(s: &Scoped, now: Micros) -> Result<Vec<ContactCommand>, Error> {
    fitting(s, is_open().add(Column::ExpiresAt.lte(now))).await
}

fn is_open() -> Condition {
    let open = CommandState::ALL.iter().filter(|state| state.is_open());
    Condition::all().add(Column::State.is_in(open.map(|state| state.as_str())))
}

async fn fitting(s: &Scoped, wanted: Condition) -> Result<Vec<ContactCommand>, Error> {
    let rows = s.find::<Entity>().filter(wanted).all().await?;
    rows.into_iter().map(read).collect()
}

/// These commands, in any state.
pub(super) async fn by_id(
    s: &Scoped,
    ids: &[ContactCommandId],
) -> Result<Vec<ContactCommand>, Error> {
    let mut found = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        let these = s.among(Column::Id, chunk.iter().map(|id| id.uuid()));
        found.extend(fitting(s, Condition::all().add(these)).await?);
    }
    Ok(found)
}

/// Stores commands as they are now.
pub(super) async fn put(s: &Scoped, commands: &[ContactCommand]) -> Result<(), Error> {
    for chunk in commands.chunks(CHUNK) {
        let rows = chunk
            .iter()
            .map(|command| write(s.tenant(), command).into());
        let rows: Vec<ActiveModel> = rows.collect();
        let changed = [
            Column::State,
            Column::Attempt,
            Column::MayBeDone,
            Column::Stream,
            Column::ReadyAt,
            Column::LeaseUntil,
            Column::ExpiresAt,
            Column::EndedAt,
            Column::Reason,
            Column::Version,
        ];
        s.upsert_many(rows, [Column::TenantId, Column::Id], changed)
            .await?;
    }
    Ok(())
}

fn write(tenant: TenantId, command: &ContactCommand) -> Model {
    Model {
        tenant_id: tenant.uuid(),
        id: command.id.uuid(),
        work_item_id: command.item.uuid(),
        interaction_id: command.interaction.uuid(),
        connector: command.connector.to_string(),
        kind: command.kind.as_str().to_owned(),
        agent_id: command.agent.map(AgentId::uuid),
        queue_id: command.queue.map(QueueId::uuid),
        desk_id: command.desk.map(AgentId::uuid),
        next_id: command.next.map(WorkItemId::uuid),
        consult: command.consult,
        state: command.state.as_str().to_owned(),
        attempt: command.attempt.into(),
        may_be_done: command.may_be_done,
        stream: Some(command.stream).filter(|stream| !stream.is_nil()),
        made_at: command.made_at,
        ready_at: command.ready_at,
        expires_at: command.expires_at,
        lease_until: command.lease_until,
        ended_at: command.ended_at,
        reason: command.reason.clone(),
        version: command.version,
    }
}

fn read(row: Model) -> Result<ContactCommand, Error> {
    Ok(ContactCommand {
        id: ContactCommandId::from_uuid(row.id),
        item: WorkItemId::from_uuid(row.work_item_id),
        interaction: InteractionId::from_uuid(row.interaction_id),
        connector: row.connector.into(),
        kind: named(CommandKind::named(&row.kind))?,
        agent: row.agent_id.map(AgentId::from_uuid),
        queue: row.queue_id.map(QueueId::from_uuid),
        desk: row.desk_id.map(AgentId::from_uuid),
        next: row.next_id.map(WorkItemId::from_uuid),
        consult: row.consult,
        state: named(CommandState::named(&row.state))?,
        attempt: count(row.attempt)?,
        may_be_done: row.may_be_done,
        stream: row.stream.unwrap_or_default(),
        made_at: row.made_at,
        ready_at: row.ready_at,
        expires_at: row.expires_at,
        lease_until: row.lease_until,
        ended_at: row.ended_at,
        reason: row.reason,
        version: row.version,
    })
}
