use std::collections::{BTreeSet, HashMap};

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{AgentId, CalendarId, QueueId, TenantId};
use rapport_foundation::personal::Personal;
use rapport_foundation::seal::SubjectKeys;
use sea_orm::{ActiveValue, ColumnTrait as _, Condition, Iterable as _};
use uuid::Uuid;

use super::columns::{
    capacities_in, capacities_out, count, named, skills_in, skills_out, skills_until_in,
    skills_until_out,
};
use super::entities::agent::{ActiveModel, Column, Entity, Model};
use super::entities::{agent_queue, work_item};
use super::{Page, Store, standings, work_items};
use crate::domain::{Agent, AgentKind, Capacity, Standing, Status, WorkSelection};

/// Agents in one statement.
const CHUNK: usize = 400;

/// Which agents to list.
#[derive(Clone, Debug, Default)]
pub(crate) struct AgentFilter {
    pub(crate) queue: Option<QueueId>,
    pub(crate) status: Option<Status>,
    pub(crate) principal: Option<String>,
}

/// An agent and how many work items they have in hand.
#[derive(Clone, Debug)]
pub(crate) struct StoredAgent {
    pub(crate) agent: Agent,
    pub(crate) holds: u32,
}

impl Store {
    /// What an agent is found by: their principal, without telling it.
    fn principal_index(&self, tenant: TenantId, principal: &str) -> Vec<u8> {
        self.vault.blind(tenant, "agent principal", principal)
    }

    /// One agent.
    pub(crate) async fn agent(
        &self,
        tenant: TenantId,
        id: AgentId,
    ) -> Result<Option<StoredAgent>, Error> {
        let only = Condition::all().add(Column::Id.eq(id.uuid()));
        Ok(self.agents_where(tenant, only, 1).await?.pop())
    }

    /// The agent whose token says `principal`.
    pub(crate) async fn agent_of(
        &self,
        tenant: TenantId,
        principal: &str,
    ) -> Result<Option<AgentId>, Error> {
        let known = (tenant, self.principal_index(tenant, principal));
        if let Some(agent) = self.known.agents.get(&known) {
            return Ok(Some(agent));
        }
        let find = |s: Scoped| {
            let index = known.1.clone();
            async move {
                let row = s
                    .find::<Entity>()
                    .filter(Column::PrincipalIndex.eq(index))
                    .one()
                    .await?;
                Ok::<_, Error>(row.map(|row| AgentId::from_uuid(row.id)))
            }
        };
        let agent = self.db.read(tenant, find).await?;
        if let Some(agent) = agent {
            self.known.agents.insert(known, agent);
        }
        Ok(agent)
    }

    /// Agents that fit every given condition, newest first, behind `after`.
    pub(crate) async fn agents(
        &self,
        tenant: TenantId,
        filter: &AgentFilter,
        after: Option<Uuid>,
        size: u64,
    ) -> Result<Page<StoredAgent>, Error> {
        let principal = filter
            .principal
            .as_ref()
            .map(|text| self.principal_index(tenant, text));
        let of_queue = match filter.queue {
            Some(queue) => Some(self.serving(tenant, queue).await?),
            None => None,
        };
        let of_status = match filter.status {
            Some(status) => Some(self.of_status(tenant, status).await?),
            None => None,
        };
        let condition = Condition::all()
            .add_option(of_status.map(|ids| Column::Id.is_in(ids)))
            .add_option(principal.map(|index| Column::PrincipalIndex.eq(index)))
            .add_option(of_queue.map(|ids| Column::Id.is_in(ids)))
            .add_option(after.map(|id| Column::Id.lt(id)));
        let agents = self.agents_where(tenant, condition, size + 1).await?;
        Ok(Page::of(agents, size, |stored| stored.agent.id.uuid()))
    }

    async fn serving(&self, tenant: TenantId, queue: QueueId) -> Result<Vec<Uuid>, Error> {
        let find = |s: Scoped| async move {
            let of_queue = agent_queue::Column::QueueId.eq(queue.uuid());
            let rows = s
                .find::<agent_queue::Entity>()
                .filter(of_queue)
                .all()
                .await?;
            Ok(rows.into_iter().map(|row| row.agent_id).collect())
        };
        self.db.read(tenant, find).await
    }

    async fn agents_where(
        &self,
        tenant: TenantId,
        condition: Condition,
        most: u64,
    ) -> Result<Vec<StoredAgent>, Error> {
        let find = |s: Scoped| {
            let condition = condition.clone();
            async move {
                let rows = s
                    .find::<Entity>()
                    .filter(condition)
                    .order_by_desc(Column::Id);
                let agents = self.agents_of(&s, rows.limit(most).all().await?).await?;
                let ids: Vec<_> = agents.iter().map(|agent| agent.id).collect();
                let holds = holds(&s, &ids).await?;
                let with = |agent: Agent| StoredAgent {
                    holds: holds.get(&agent.id).copied().unwrap_or(0),
                    agent,
                };
                Ok(agents.into_iter().map(with).collect())
            }
        };
        self.db.read(tenant, find).await
    }

    /// These agents.
    pub(super) async fn agents_by_id(
        &self,
        s: &Scoped,
        ids: &[AgentId],
    ) -> Result<Vec<Agent>, Error> {
        let ids = ids.iter().map(|id| id.uuid());
        let rows = s
            .find::<Entity>()
            .filter(s.among(Column::Id, ids))
            .all()
            .await?;
        self.agents_of(s, rows).await
    }

    /// Which of these principals have an agent.
    pub(super) async fn taken_principals(
        &self,
        s: &Scoped,
        principals: &[String],
    ) -> Result<Vec<(String, AgentId)>, Error> {
        let mut taken = Vec::new();
        for principal in principals {
            let index = self.principal_index(s.tenant(), principal);
            let row = s
                .find::<Entity>()
                .filter(Column::PrincipalIndex.eq(index))
                .one()
                .await?;
            taken.extend(row.map(|row| (principal.clone(), AgentId::from_uuid(row.id))));
        }
        Ok(taken)
    }

    /// How connectors reach these agents.
    pub(crate) async fn addresses(
        &self,
        tenant: TenantId,
        ids: &[AgentId],
    ) -> Result<HashMap<AgentId, Personal>, Error> {
        let find = |s: Scoped| async move { self.agents_by_id(&s, ids).await };
        let agents = self.db.read(tenant, find).await?.into_iter();
        Ok(agents.map(|agent| (agent.id, agent.address)).collect())
    }

    /// Every agent of the tenant.
    pub(super) async fn all_agents(&self, s: &Scoped) -> Result<Vec<Agent>, Error> {
        let rows = s.find::<Entity>().all().await?;
        self.agents_of(s, rows).await
    }

    async fn agents_of(&self, s: &Scoped, rows: Vec<Model>) -> Result<Vec<Agent>, Error> {
        let subjects: Vec<String> = rows.iter().map(|row| subject(row.id)).collect();
        let keys = self.vault.existing(s, &subjects).await?;
        let mut queues: HashMap<Uuid, BTreeSet<QueueId>> = HashMap::new();
        for chunk in rows.chunks(CHUNK) {
            let ids = chunk.iter().map(|row| row.id);
            let of_agents = s.among(agent_queue::Column::AgentId, ids);
            for pair in s
                .find::<agent_queue::Entity>()
                .filter(of_agents)
                .all()
                .await?
            {
                let served = queues.entry(pair.agent_id).or_default();
                served.insert(QueueId::from_uuid(pair.queue_id));
            }
        }
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let mut standings = standings::of(s, ids).await?;
        let read_one = |row: Model| {
            let served = queues.remove(&row.id).unwrap_or_default();
            let standing = standings.remove(&row.id);
            let standing = standing.ok_or(Error::Corrupt("an agent without a standing"))?;
            read(row, served, standing, &keys)
        };
        rows.into_iter().map(read_one).collect()
    }

    /// Stores agents as they were set up or changed by hand.
    pub(super) async fn put_agents(&self, s: &Scoped, agents: &[Agent]) -> Result<(), Error> {
        if agents.is_empty() {
            return Ok(());
        }
        let subjects: Vec<String> = agents
            .iter()
            .map(|agent| subject(agent.id.uuid()))
            .collect();
        let keys = self.vault.keys(s, &subjects).await?;
        let mut rows = Vec::with_capacity(agents.len());
        let mut pairs = Vec::new();
        for agent in agents {
            let index = self.principal_index(s.tenant(), agent.principal.expose());
            rows.push(ActiveModel::from(write(s.tenant(), agent, index, &keys)?));
            pairs.extend(agent.queues.iter().map(|queue| agent_queue::ActiveModel {
                tenant_id: ActiveValue::Set(s.tenant().uuid()),
                agent_id: ActiveValue::Set(agent.id.uuid()),
                queue_id: ActiveValue::Set(queue.uuid()),
            }));
        }
        let changed = Column::iter().filter(|c| !matches!(c, Column::TenantId | Column::Id));
        s.upsert_many(rows, [Column::TenantId, Column::Id], changed)
            .await?;
        let ids = agents.iter().map(|agent| agent.id.uuid());
        s.delete_where::<agent_queue::Entity>(s.among(agent_queue::Column::AgentId, ids))
            .await?;
        for chunk in pairs.chunks(CHUNK) {
            s.insert_many(chunk.to_vec()).await?;
        }
        Ok(())
    }
}

/// Who serves any of these queues.
pub(super) async fn serving(s: &Scoped, queues: &[QueueId]) -> Result<Vec<AgentId>, Error> {
    let of_queues = agent_queue::Column::QueueId.is_in(queues.iter().map(|id| id.uuid()));
    let rows = s
        .find::<agent_queue::Entity>()
        .filter(of_queues)
        .all()
        .await?;
    let ids: BTreeSet<AgentId> = rows
        .into_iter()
        .map(|row| AgentId::from_uuid(row.agent_id))
        .collect();
    Ok(ids.into_iter().collect())
}

async fn holds(s: &Scoped, agents: &[AgentId]) -> Result<HashMap<AgentId, u32>, Error> {
    let ids = agents.iter().map(|id| id.uuid());
    let theirs = s.among(work_item::Column::AgentId, ids);
    let open = work_item::Column::State.is_in(work_items::OPEN);
    let mut counts = HashMap::new();
    for row in s
        .find::<work_item::Entity>()
        .filter(theirs)
        .filter(open)
        .all()
        .await?
    {
        if let Some(agent) = row.agent_id {
            *counts.entry(AgentId::from_uuid(agent)).or_insert(0) += 1;
        }
    }
    for work in work_items::offered_besides(s, agents).await? {
        for offer in work.other_offers {
            *counts.entry(offer.agent).or_insert(0) += 1;
        }
    }
    Ok(counts)
}

fn subject(agent: Uuid) -> String {
    AgentId::from_uuid(agent).to_string()
}

fn place(agent: Uuid, column: &str) -> Vec<u8> {
    format!("agents/{agent}/{column}").into_bytes()
}

fn write(
    tenant: TenantId,
    agent: &Agent,
    principal_index: Vec<u8>,
    keys: &SubjectKeys,
) -> Result<Model, Error> {
    let id = agent.id.uuid();
    let key = keys
        .get(&subject(id))
        .ok_or(Error::Corrupt("a data key is missing"))?;
    Ok(Model {
        tenant_id: tenant.uuid(),
        id,
        principal: key.seal(agent.principal.expose().as_bytes(), &place(id, "principal")),
        principal_index,
        display_name: key.seal(
            agent.display_name.expose().as_bytes(),
            &place(id, "display_name"),
        ),
        address: Some(agent.address.expose())
            .filter(|address| !address.is_empty())
            .map(|address| key.seal(address.as_bytes(), &place(id, "address"))),
        skills: skills_out(&agent.skills),
        skills_until: skills_until_out(&agent.skills_until),
        capacities: capacities_out(&agent.capacity.named),
        usual_capacity: agent.capacity.usual.into(),
        total_capacity: agent.capacity.total.map(Into::into),
        capacity_since: agent.capacity.since,
        work_selection: agent.work_selection.as_str().to_owned(),
        kind: agent.kind.as_str().to_owned(),
        shift_calendar_id: agent.shifts.map(|id| id.uuid()),
        created_at: agent.created_at,
        updated_at: agent.updated_at,
        version: agent.version,
    })
}

fn read(
    row: Model,
    queues: BTreeSet<QueueId>,
    standing: Standing,
    keys: &SubjectKeys,
) -> Result<Agent, Error> {
    // An agent whose key was destroyed is forgotten by name; the engine goes on without it.
    let key = keys.get(&subject(row.id));
    let open = |sealed: &[u8], column: &str| match &key {
        Some(key) => match key.open_text(sealed, &place(row.id, column)) {
            Err(Error::Erased) => Ok(Personal::default()),
            text => text,
        },
        None => Ok(Personal::default()),
    };
    Ok(Agent {
        id: AgentId::from_uuid(row.id),
        principal: open(&row.principal, "principal")?,
        display_name: open(&row.display_name, "display_name")?,
        address: match &row.address {
            Some(sealed) => open(sealed, "address")?,
            None => Personal::default(),
        },
        skills: skills_in(&row.skills)?,
        skills_until: skills_until_in(row.skills_until.as_ref())?,
        queues,
        capacity: Capacity {
            usual: count(row.usual_capacity)?,
            named: capacities_in(&row.capacities)?,
            total: row.total_capacity.map(count).transpose()?,
            since: row.capacity_since,
        },
        work_selection: named(WorkSelection::named(&row.work_selection))?,
        kind: named(AgentKind::named(&row.kind))?,
        shifts: row.shift_calendar_id.map(CalendarId::from_uuid),
        standing,
        created_at: row.created_at,
        updated_at: row.updated_at,
        version: row.version,
    })
}
