//! Keeps the map from record to customer, as profiles says. A merge changes nothing else here.

use rapport_foundation::error::Failure;
use rapport_foundation::events::{Batch, Data, Handler};
use rapport_proto::events::v1::RecordMove;

use crate::Error;
use crate::app::facts;
use crate::domain::Customer;
use crate::store::Store;

/// Handles the events of profiles.
pub(crate) struct Moves {
    store: Store,
}

impl Moves {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }
}

#[async_trait::async_trait]
impl Handler for Moves {
    async fn apply(&self, batch: &Batch) -> Result<(), Failure> {
        let mut met: Vec<Customer> = Vec::new();
        let mut moved: Vec<Customer> = Vec::new();
        for event in &batch.events {
            match &event.data {
                Some(Data::CustomerCreated(created)) => {
                    met.extend(created.customer.as_ref().and_then(facts::customer))
                }
                Some(Data::CustomersMerged(merged)) => {
                    moved.extend(merged.moves.iter().filter_map(one))
                }
                Some(Data::CustomersUnmerged(unmerged)) => {
                    moved.extend(unmerged.moves.iter().filter_map(one))
                }
                _ => {}
            }
        }
        let outcome: Result<(), Error> = self
            .store
            .db
            .write(batch.tenant, async |s| {
                batch.mark.advance(&s).await?;
                // A record is met before it can be moved, and the last move of a batch counts.
                self.store.meet(&s, &met).await?;
                self.store.move_records(&s, &moved).await?;
                Ok(())
            })
            .await;
        Ok(outcome?)
    }
}

fn one(moved: &RecordMove) -> Option<Customer> {
    Some(Customer {
        customer: moved.customer_id.parse().ok()?,
        record: moved.record_id.parse().ok()?,
    })
}
