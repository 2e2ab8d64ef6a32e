use std::collections::HashMap;

use rapport_foundation::context::Context;
use rapport_foundation::id::QueueId;
use rapport_foundation::idempotency::Key;
use rapport_foundation::time::Micros;

use super::command::{Command, NewQueue, QueueChange};
use super::{App, Error, Listed, Paging, found, part};
use crate::domain::Queue;
use crate::store::QueueFilter;

/// A queue as it stands now.
#[derive(Debug)]
pub(crate) struct Counted {
    pub(crate) queue: Queue,
    /// How many work items wait in it.
    pub(crate) waiting: u32,
    /// Whether it is open and when that is looked at again; none without hours.
    pub(crate) turn: Option<(bool, Micros)>,
}

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
        let found = found(self.store().queue(ctx.tenant, id).await?, "queue", id)?;
        let mut stand = self.standing(ctx, vec![found]).await?;
        stand.pop().ok_or(Error::Broken)
    }

    /// Queues as they stand now.
    async fn standing(
        &self,
        ctx: &Context,
        queues: Vec<(Queue, u32)>,
    ) -> Result<Vec<Counted>, Error> {
        let timed = queues.iter().any(|(queue, _)| queue.opening.is_some());
        let hours = match timed {
            true => self.store().hours(ctx.tenant).await?,
            false => HashMap::new(),
        };
        let now = self.0.env.clock.now();
        let stand = |(queue, waiting): (Queue, u32)| Counted {
            turn: (queue.opening.and_then(|id| hours.get(&id))).map(|hours| hours.at(now)),
            queue,
            waiting,
        };
        Ok(queues.into_iter().map(stand).collect())
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
        let listed = listing.listed(page);
        Ok(Listed {
            rows: self.standing(ctx, listed.rows).await?,
            next: listed.next,
        })
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
