//! Erasing a customer.

use rapport_foundation::context::Context;
use rapport_foundation::events::{self, Data, Outgoing};
use rapport_foundation::id::CustomerId;
use rapport_foundation::idempotency::Key;
use rapport_foundation::time::Micros;
use rapport_proto::events::v1 as told;

use super::App;
use crate::Error;
use crate::store::{Erased, Erasure, Moment};

impl App {
    /// Erases everything that is held of a customer; answers how many contacts were forgotten. What is logged of them
    /// later is new.
    pub(crate) async fn erase_customer(
        &self,
        ctx: &Context,
        key: &Key,
        customer: CustomerId,
    ) -> Result<i64, Error> {
        self.must_know(ctx, customer).await?;
        let now = self.now();
        let moment = Moment {
            now,
            until: now + self.config.duplicates_known(),
        };
        self.env
            .db
            .write(ctx.tenant, async |s| {
                if let Some((_, count)) = key.claim(&s).await?.replayed()? {
                    return Ok(count);
                }
                let erased = match self.store.erase_customer(&s, customer, moment).await? {
                    Erasure::Done(erased) => erased,
                    Erasure::Held(hold) => return Err(Error::LegalHold(hold)),
                };
                let count = i64::try_from(erased.interactions).unwrap_or(i64::MAX);
                events::append_many(&s, &[event(customer, &erased, count, now)]).await?;
                key.settle(&s, customer.uuid(), count).await?;
                Ok(count)
            })
            .await
    }
}

/// Told with ids only: whoever keeps something of their own of this customer erases it.
fn event(customer: CustomerId, erased: &Erased, count: i64, now: Micros) -> Outgoing {
    let data = Data::CustomerErased(told::CustomerErased {
        customer_id: customer.to_string(),
        record_ids: erased.records.iter().map(ToString::to_string).collect(),
        interaction_count: count,
    });
    Outgoing::new(now, customer.to_string(), data)
}
