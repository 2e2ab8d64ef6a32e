use rapport_foundation::context::Context;
use rapport_foundation::id::QueueId;
use rapport_foundation::idempotency::Key;

use super::command::{Command, NewQueue, QueueChange};
use super::{App, Error, Listed, Paging, found, part};
use crate::domain::Queue;
use crate::store::QueueFilter;

/// A queue and how many work items wait in it.
pub(crate) type Counted = (Queue, u32);

impl App {
    pub(crate) async fn create_queue(
        &self,
        ctx: &Context,
        key: Key,
        new: NewQueue,
    ) -> Result<Counted, Error> {
        self.decided_queue(ctx, key, Command::CreateQueue(new))
            .await
    }

    pub(crate) async fn get_queue(&self, ctx: &Context, id: QueueId) -> Result<Counted, Error> {
        found(self.store().queue(ctx.tenant, id).await?, "queue", id)
    }

    pub(crate) async fn list_queues(
        &self,
        ctx: &Context,
        filter: &QueueFilter,
        paging: &Paging,
    ) -> Result<Listed<Counted>, Error> {
        let code = part(filter.code.as_ref());
        let listing = self.listing(ctx, &["ListQueues", &code], paging)?;
        let store = self.store();
        let page = store
            .queues(ctx.tenant, filter, listing.after, listing.size)
            .await?;
        Ok(listing.listed(page))
    }

    pub(crate) async fn update_queue(
        &self,
        ctx: &Context,
        key: Key,
        id: QueueId,
        change: QueueChange,
        etag: Option<i64>,
    ) -> Result<Counted, Error> {
        self.decided_queue(ctx, key, Command::ChangeQueue { id, change, etag })
            .await
    }

    async fn decided_queue(
        &self,
        ctx: &Context,
        key: Key,
        command: Command,
    ) -> Result<Counted, Error> {
        let done = self.shell().submit(ctx.tenant, Some(key), command).await?;
        self.get_queue(ctx, QueueId::from_uuid(done.id)).await
    }
}
