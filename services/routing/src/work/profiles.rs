//! Reads the log of profiles: merges and separations move records between customers. Nothing
//! else changes: tickets and work name the record.

use async_trait::async_trait;
use rapport_foundation::db::{self, Database};
use rapport_foundation::error::Failure;
use rapport_foundation::events::{Batch, Data, Handler};
use rapport_proto::events::v1 as pb;

use crate::domain::CustomerRef;
use crate::store::Store;

/// Applies events of profiles, a batch in one transaction.
#[derive(Debug)]
pub(crate) struct Profiles {
    db: Database,
}

impl Profiles {
    pub(crate) const fn new(db: Database) -> Self {
        Self { db }
    }
}

#[async_trait]
impl Handler for Profiles {
    async fn apply(&self, batch: &Batch) -> Result<(), Failure> {
        let moves: Vec<CustomerRef> = batch
            .events
            .iter()
            .filter_map(|event| event.data.as_ref())
            .flat_map(moves)
            .collect();
        let moves = last_of_each(moves);
        let write = |s: db::Scoped| {
            let moves = &moves;
            async move {
                Store::move_records(&s, moves).await?;
                batch.mark.advance(&s).await
            }
        };
        self.db
            .write::<_, db::Error, _, _>(batch.tenant, write)
            .await?;
        Ok(())
    }
}

fn moves(data: &Data) -> Vec<CustomerRef> {
    let moves: &[pb::RecordMove] = match data {
        Data::CustomersMerged(merged) => &merged.moves,
        Data::CustomersUnmerged(unmerged) => &unmerged.moves,
        _ => return Vec::new(),
    };
    let read = |moved: &pb::RecordMove| {
        Some(CustomerRef {
            record: moved.record_id.parse().ok()?,
            customer: moved.customer_id.parse().ok()?,
        })
    };
    moves.iter().filter_map(read).collect()
}

/// One statement may touch a row once.
fn last_of_each(mut moves: Vec<CustomerRef>) -> Vec<CustomerRef> {
    moves.reverse();
    moves.sort_by_key(|moved| moved.record);
    moves.dedup_by_key(|moved| moved.record);
    moves
}

#[cfg(test)]
mod tests {
    use rapport_foundation::id::{CustomerId, RecordId};
    use rapport_foundation::time::Micros;

    use super::*;

    #[test]
    fn of_several_moves_of_a_record_the_last_counts() {
        let (record, other) = (RecordId::new(Micros(1)), RecordId::new(Micros(1)));
        let customers: Vec<_> = (0..3).map(|_| CustomerId::new(Micros(1))).collect();
        let to = |record, n: usize| CustomerRef {
            record,
            customer: customers[n],
        };
        let moved = last_of_each(vec![to(record, 0), to(other, 1), to(record, 2)]);
        assert_eq!(moved, [to(record, 2), to(other, 1)]);
    }
}
