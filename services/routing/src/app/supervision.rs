use rapport_foundation::context::Context;
use rapport_foundation::id::{AgentId, QueueId, WorkItemId};
use rapport_foundation::idempotency::Key;
use rapport_foundation::personal::Personal;

use super::command::Command;
use super::watch::{AgentView, Forecast, Look, QueueView, Seen, View, Waiter, Watch};
use super::{App, Error};
use crate::domain::engine::Handing;
use crate::domain::statistics::Window;
use crate::domain::{Priority, WorkItem};

impl App {
    pub(crate) async fn watch_queues(
        &self,
        ctx: &Context,
        queues: Vec<QueueId>,
        window: Window,
    ) -> Result<Watch<QueueView>, Error> {
        let look = Look::Queues { queues, window };
        // What cannot be looked at is refused at once.
        self.look(ctx, look.clone()).await?;
        Ok(Watch::new(self.clone(), ctx.clone(), look))
    }

    pub(crate) async fn get_queue_statistics(
        &self,
        ctx: &Context,
        queues: Vec<QueueId>,
        window: Window,
    ) -> Result<Seen<QueueView>, Error> {
        match self.look(ctx, Look::Queues { queues, window }).await? {
            View::Queues(seen) => Ok(seen),
            _ => Err(Error::Broken),
        }
    }

    pub(crate) async fn watch_agents(
        &self,
        ctx: &Context,
        agents: Vec<AgentId>,
        queue: Option<QueueId>,
    ) -> Result<Watch<AgentView>, Error> {
        let look = Look::Agents { agents, queue };
        self.look(ctx, look.clone()).await?;
        Ok(Watch::new(self.clone(), ctx.clone(), look))
    }

    pub(crate) async fn estimate_wait(
        &self,
        ctx: &Context,
        waiter: Waiter,
    ) -> Result<Forecast, Error> {
        if let Waiter::Item(item) = waiter {
            self.get_work_item(ctx, item).await?;
        }
        match self.look(ctx, Look::Wait(waiter)).await? {
            View::Wait(forecast) => Ok(forecast),
            _ => Err(Error::Broken),
        }
    }

    pub(crate) async fn assign_work_item(
        &self,
        ctx: &Context,
        key: Key,
        item: WorkItemId,
        to: Handing,
        reason: Personal,
    ) -> Result<WorkItem, Error> {
        self.get_work_item(ctx, item).await?;
        let said = self.said(ctx, None, reason).await?;
        self.decided_work(ctx, key, Command::AssignWork { item, to, said })
            .await
    }

    pub(crate) async fn move_work_item(
        &self,
        ctx: &Context,
        key: Key,
        item: WorkItemId,
        (queue, priority): (QueueId, Option<Priority>),
        reason: Personal,
    ) -> Result<WorkItem, Error> {
        self.get_work_item(ctx, item).await?;
        let said = self.said(ctx, None, reason).await?;
        let command = Command::MoveWork {
            item,
            queue,
            priority,
            said,
        };
        self.decided_work(ctx, key, command).await
    }

    pub(crate) async fn release_work_item(
        &self,
        ctx: &Context,
        key: Key,
        item: WorkItemId,
        to: Option<Handing>,
        reason: Personal,
    ) -> Result<WorkItem, Error> {
        self.get_work_item(ctx, item).await?;
        let said = self.said(ctx, None, reason).await?;
        self.decided_work(ctx, key, Command::ReleaseWork { item, to, said })
            .await
    }
}
