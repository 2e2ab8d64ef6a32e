//! Listens to profiles: which customer a record belongs to.

use rapport_foundation::error::Failure;
use rapport_foundation::events::{Batch, Handler};
use rapport_foundation::id::{CustomerId, RecordId};
use rapport_foundation::time::Clock;
use rapport_proto::events::v1::RecordMove;
use rapport_proto::events::v1::event::Data;

use crate::Error;
use crate::store::{Store, customers};

pub(crate) struct Profiles {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
}

#[async_trait::async_trait]
impl Handler for Profiles {
    /// A merge and its taking back are the same to us: records change their customer. Members stay as
    /// they are, both accounts of a merged customer included.
    async fn apply(&self, batch: &Batch) -> Result<(), Failure> {
        let mut moves = Vec::new();
        for event in &batch.events {
            let moved = match &event.data {
                Some(Data::CustomersMerged(merged)) => &merged.moves,
                Some(Data::CustomersUnmerged(unmerged)) => &unmerged.moves,
                _ => continue,
            };
            moves.extend(moved.iter().filter_map(read));
        }
        let (moves, now) = (&moves, self.clock.now());
        let done: Result<(), Error> = self
            .store
            .write(batch.tenant, |s| async move {
                batch.mark.advance(&s).await?;
                customers::move_records(&s, moves, now).await?;
                Ok(())
            })
            .await;
        Ok(done?)
    }
}

fn read(moved: &RecordMove) -> Option<(RecordId, CustomerId)> {
    Some((
        moved.record_id.parse().ok()?,
        moved.customer_id.parse().ok()?,
    ))
}
