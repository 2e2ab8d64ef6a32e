use rapport_foundation::context::Context;
use rapport_foundation::id::{AgentId, WorkItemId};
use rapport_foundation::idempotency::Key;
use rapport_foundation::personal::Personal;

use super::command::{Actor, Command, NewHandOver};
use super::{App, Error, found};
use crate::domain::{HandOver, WorkItem};

impl App {
    pub(crate) async fn hand_over_work(
        &self,
        ctx: &Context,
        key: Key,
        item: WorkItemId,
        to: NewHandOver,
    ) -> Result<WorkItem, Error> {
        let work = self.get_work_item(ctx, item).await?;
        let actor = self.actor(ctx).await?;
        let agent = match actor {
            Actor::Agent(agent) => agent,
            // Nobody's work is refused for that.
            Actor::ForOthers => work.agent().unwrap_or(AgentId::nil()),
        };
        let said = self.said(ctx, Some(actor), Personal::default()).await?;
        let command = Command::HandOver {
            item,
            agent,
            to,
            said,
        };
        self.decided_work(ctx, key, command).await
    }

    pub(crate) async fn get_hand_over(
        &self,
        ctx: &Context,
        item: WorkItemId,
    ) -> Result<HandOver, Error> {
        let work = self.get_work_item(ctx, item).await?;
        match self.actor(ctx).await? {
            Actor::Agent(agent) if !(work.is_open() && work.is_with(agent)) => {
                return Err(Error::NotTheAgent);
            }
            _ => {}
        }
        let given = self.store().hand_over(ctx.tenant, item).await?;
        found(given, "hand-over of work item", item)
    }
}
