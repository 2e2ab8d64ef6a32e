use std::time::Duration;

use rapport_foundation::context::Context;
use rapport_foundation::id::{AgentId, WorkItemId};
use rapport_foundation::idempotency::Key;

use super::command::{Command, Waiting};
use super::{App, Error, Listed, Paging, found, part};
use crate::domain::engine::Refusal;
use crate::domain::{Code, WorkItem};
use crate::store::WorkItemFilter;

impl App {
    pub(crate) async fn get_work_item(
        &self,
        ctx: &Context,
        id: WorkItemId,
    ) -> Result<WorkItem, Error> {
        found(
            self.store().work_item(ctx.tenant, id).await?,
            "work_item",
            id,
        )
    }

    pub(crate) async fn list_work_items(
        &self,
        ctx: &Context,
        filter: &WorkItemFilter,
        paging: &Paging,
    ) -> Result<Listed<WorkItem>, Error> {
        let query = [
            "ListWorkItems".to_owned(),
            part(filter.state),
            part(filter.ticket),
            part(filter.queue),
            part(filter.agent),
        ];
        let listing = self.listing(ctx, &query.each_ref().map(String::as_str), paging)?;
        let store = self.store();
        let page = store
            .work_items(ctx.tenant, filter, listing.after, listing.size)
            .await?;
        Ok(listing.listed(page))
    }

    pub(crate) async fn complete_work(
        &self,
        ctx: &Context,
        key: Key,
        item: WorkItemId,
        disposition: Option<Code>,
        skip_wrap_up: bool,
    ) -> Result<WorkItem, Error> {
        let agent = self.at_work(ctx, item).await?;
        let command = Command::CompleteWork {
            item,
            agent,
            disposition,
            skip_wrap_up,
        };
        self.decided_work(ctx, key, command).await
    }

    pub(crate) async fn end_wrap_up(
        &self,
        ctx: &Context,
        key: Key,
        item: WorkItemId,
    ) -> Result<WorkItem, Error> {
        let agent = self.at_work(ctx, item).await?;
        self.decided_work(ctx, key, Command::EndWrapUp { item, agent })
            .await
    }

    pub(crate) async fn extend_wrap_up(
        &self,
        ctx: &Context,
        key: Key,
        item: WorkItemId,
        by: Duration,
    ) -> Result<WorkItem, Error> {
        let agent = self.at_work(ctx, item).await?;
        self.decided_work(ctx, key, Command::ExtendWrapUp { item, agent, by })
            .await
    }

    /// Puts work aside for a time, or takes it up again.
    pub(crate) async fn park_work(
        &self,
        ctx: &Context,
        key: Key,
        item: WorkItemId,
        time: Option<Duration>,
    ) -> Result<WorkItem, Error> {
        let agent = self.at_work(ctx, item).await?;
        self.decided_work(ctx, key, Command::ParkWork { item, agent, time })
            .await
    }

    /// The customer hangs up, and is called when an agent accepts. A connector speaks of its own contacts only.
    pub(crate) async fn request_callback(
        &self,
        ctx: &Context,
        key: Key,
        waiting: Waiting,
        (attempts, pause): (u16, Duration),
    ) -> Result<WorkItem, Error> {
        let work = self.waiting_work(ctx, waiting).await?;
        let item = work.id;
        let command = Command::RequestCallback {
            item,
            attempts,
            pause,
        };
        self.decided_work(ctx, key, command).await
    }

    /// The work whose customer waits. A connector knows that of its own contacts only.
    async fn waiting_work(&self, ctx: &Context, waiting: Waiting) -> Result<WorkItem, Error> {
        let (stored, missing) = match waiting {
            Waiting::Work(id) => {
                let stored = self.store().work_item(ctx.tenant, id).await?;
                (stored, Error::not_found("work_item", id))
            }
            Waiting::Contact(id) => {
                let stored = self.store().work_of_contact(ctx.tenant, id).await?;
                (stored, Error::not_found("interaction", id))
            }
        };
        let theirs = |work: &WorkItem| {
            let passage = work.passage.as_deref();
            let holder = passage.and_then(|passage| passage.connector.as_deref());
            ctx.connector.is_none() || ctx.connector.as_deref() == holder
        };
        stored.filter(theirs).ok_or(missing)
    }

    /// Whose hands the work is in, when the caller may act for them.
    pub(super) async fn at_work(&self, ctx: &Context, item: WorkItemId) -> Result<AgentId, Error> {
        let work = self.get_work_item(ctx, item).await?;
        let agent = work
            .agent()
            .ok_or(Error::Refused(Refusal::WorkNotAccepted))?;
        self.may_act_as(ctx, agent).await?;
        Ok(agent)
    }

    pub(super) async fn decided_work(
        &self,
        ctx: &Context,
        key: Key,
        command: Command,
    ) -> Result<WorkItem, Error> {
        let done = self.shell().submit(ctx.tenant, Some(key), command).await?;
        match done.work {
            Some(work) => Ok(*work),
            // A repetition is answered with what has become of it.
            None => {
                self.get_work_item(ctx, WorkItemId::from_uuid(done.id))
                    .await
            }
        }
    }
}
