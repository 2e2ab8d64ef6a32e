//! Listens to interactions: what carries an order of a known customer earns.

use rapport_foundation::error::Failure;
use rapport_foundation::events::{Batch, Handler};
use rapport_foundation::money::Amount;
use rapport_foundation::telemetry::{current_traceparent, event_span};
use rapport_foundation::time::Clock;
use rapport_proto::events::v1::event::Data;
use rapport_proto::events::v1::{Event, InteractionFacts};
use rapport_proto::types::v1 as types;

use crate::Error;
use crate::app::Shelf;
use crate::app::linked::{Purchase, earn};
use crate::domain::{CustomerRef, OrderId};
use crate::store::Store;

pub(crate) struct Interactions {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) shelf: Shelf,
}

#[async_trait::async_trait]
impl Handler for Interactions {
    async fn apply(&self, batch: &Batch) -> Result<(), Failure> {
        let purchases: Vec<Purchase> = batch.events.iter().filter_map(purchase).collect();
        let (purchases, now) = (&purchases, self.clock.now());
        let done: Result<(), Error> = self
            .store
            .write(batch.tenant, |s| async move {
                batch.mark.advance(&s).await?;
                earn(&s, now, purchases, &self.shelf).await
            })
            .await;
        Ok(done?)
    }
}

/// The purchase in an event. History earns nothing; what is pending comes again once it is linked.
fn purchase(event: &Event) -> Option<Purchase> {
    let (facts, customer) = match event.data.as_ref()? {
        Data::InteractionLinked(linked) if !linked.pending => {
            (linked.interaction.as_ref()?, linked.customer.as_ref()?)
        }
        Data::CustomerLinked(linked) => (linked.interaction.as_ref()?, linked.customer.as_ref()?),
        _ => return None,
    };
    if facts.history || is_taken_back(facts) {
        return None;
    }
    let (order, total) = order(facts)?;
    Some(Purchase {
        customer: reference(customer)?,
        interaction: facts.interaction_id.parse().ok()?,
        order,
        total,
        traceparent: trace(event),
    })
}

/// A contact about goods that come back may name their order: it is no purchase, and must not use up the order's key.
fn is_taken_back(facts: &InteractionFacts) -> bool {
    matches!(
        facts.purpose(),
        types::Purpose::Return | types::Purpose::Complaint
    )
}

/// A batch holds events of many traces: each goes on in its own.
fn trace(event: &Event) -> Option<String> {
    let cause = Some(event.traceparent.as_str()).filter(|text| !text.is_empty());
    let span = event_span("loyalty takes in an order", cause);
    span.in_scope(current_traceparent)
        .or_else(|| cause.map(str::to_owned))
}

fn order(facts: &InteractionFacts) -> Option<(OrderId, Amount)> {
    let order = facts.order.as_ref()?;
    let total = order.total.as_ref()?;
    let exponent = i16::try_from(total.exponent).ok()?;
    let total = Amount::new(total.units, total.code.clone(), exponent);
    Some((OrderId::new(&order.order_id)?, total))
}

fn reference(customer: &types::CustomerRef) -> Option<CustomerRef> {
    Some(CustomerRef {
        customer: customer.customer_id.parse().ok()?,
        record: customer.record_id.parse().ok()?,
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use rapport_foundation::id::{CustomerId, InteractionId, RecordId};
    use rapport_foundation::time::Micros;
    use rapport_proto::events::v1::{CustomerLinked, InteractionLinked};

    use super::*;

    fn facts() -> InteractionFacts {
        InteractionFacts {
            interaction_id: InteractionId::new(Micros(1)).to_string(),
            order: Some(types::Order {
                order_id: "A-1".into(),
                total: Some(types::Amount {
                    units: 500,
                    code: "EUR".into(),
                    exponent: 2,
                }),
                lines: Vec::new(),
            }),
            ..InteractionFacts::default()
        }
    }

    fn customer() -> Option<types::CustomerRef> {
        Some(types::CustomerRef {
            customer_id: CustomerId::new(Micros(1)).to_string(),
            record_id: RecordId::new(Micros(1)).to_string(),
        })
    }

    fn linked(facts: InteractionFacts, pending: bool) -> Event {
        let customer = if pending { None } else { customer() };
        let data = InteractionLinked {
            interaction: Some(facts),
            customer,
            pending,
        };
        Event {
            data: Some(Data::InteractionLinked(data)),
            ..Event::default()
        }
    }

    #[test]
    fn an_order_of_a_known_customer_is_a_purchase_and_nothing_else_is() {
        let found = purchase(&linked(facts(), false)).unwrap();
        assert_eq!(
            (found.order.as_str(), found.total),
            ("A-1", Amount::new(500, "EUR", 2))
        );
        assert!(purchase(&linked(facts(), true)).is_none(), "pending");
        assert!(
            purchase(&linked(
                InteractionFacts {
                    history: true,
                    ..facts()
                },
                false
            ))
            .is_none()
        );
        assert!(
            purchase(&linked(
                InteractionFacts {
                    order: None,
                    ..facts()
                },
                false
            ))
            .is_none()
        );
        for purpose in [types::Purpose::Return, types::Purpose::Complaint] {
            let returned = InteractionFacts {
                purpose: purpose.into(),
                ..facts()
            };
            assert!(purchase(&linked(returned, false)).is_none(), "{purpose:?}");
        }
    }

    #[test]
    fn a_late_link_is_a_purchase_as_well() {
        let data = CustomerLinked {
            interaction: Some(facts()),
            customer: customer(),
        };
        let event = Event {
            data: Some(Data::CustomerLinked(data)),
            ..Event::default()
        };
        assert!(purchase(&event).is_some());
    }
}
