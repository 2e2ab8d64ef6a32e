use rapport_foundation::context::Context;
use rapport_foundation::id::AgentId;
use rapport_foundation::idempotency::Key;

use super::command::{AgentChange, Command, NewAgent};
use super::{App, Error, Listed, Paging, found, part};
use crate::domain::{Code, Status};
use crate::store::{AgentFilter, StoredAgent};

impl App {
    pub(crate) async fn create_agent(
        &self,
        ctx: &Context,
        key: Key,
        new: NewAgent,
    ) -> Result<StoredAgent, Error> {
        self.decided_agent(ctx, key, Command::CreateAgent(new))
            .await
    }

    pub(crate) async fn get_agent(&self, ctx: &Context, id: AgentId) -> Result<StoredAgent, Error> {
        found(self.store().agent(ctx.tenant, id).await?, "agent", id)
    }

    pub(crate) async fn list_agents(
        &self,
        ctx: &Context,
        filter: &AgentFilter,
        paging: &Paging,
    ) -> Result<Listed<StoredAgent>, Error> {
        let query = [
            "ListAgents".to_owned(),
            part(filter.queue),
            part(filter.status.map(Status::as_str)),
            part(filter.principal.as_ref()),
        ];
        let listing = self.listing(ctx, &query.each_ref().map(String::as_str), paging)?;
        let store = self.store();
        let page = store
            .agents(ctx.tenant, filter, listing.after, listing.size)
            .await?;
        Ok(listing.listed(page))
    }

    pub(crate) async fn update_agent(
        &self,
        ctx: &Context,
        key: Key,
        id: AgentId,
        change: AgentChange,
        etag: Option<i64>,
    ) -> Result<StoredAgent, Error> {
        self.decided_agent(ctx, key, Command::ChangeAgent { id, change, etag })
            .await
    }

    pub(crate) async fn set_agent_status(
        &self,
        ctx: &Context,
        key: Key,
        agent: AgentId,
        status: Status,
        reason: Option<Code>,
    ) -> Result<StoredAgent, Error> {
        self.get_agent(ctx, agent).await?;
        self.may_act_as(ctx, agent).await?;
        self.decided_agent(
            ctx,
            key,
            Command::SetStatus {
                agent,
                status,
                reason,
            },
        )
        .await
    }

    async fn decided_agent(
        &self,
        ctx: &Context,
        key: Key,
        command: Command,
    ) -> Result<StoredAgent, Error> {
        let done = self.shell().submit(ctx.tenant, Some(key), command).await?;
        self.get_agent(ctx, AgentId::from_uuid(done.id)).await
    }
}
