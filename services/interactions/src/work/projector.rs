//! Shows in the timeline what routing and loyalty say about a customer.

use rapport_foundation::error::Failure;
use rapport_foundation::events::{Batch, Data, Event, Handler};
use rapport_foundation::id::ConversationId;
use rapport_foundation::money::Amount;
use rapport_foundation::time::Micros;
use rapport_proto::events::v1::{EntryFacts, TicketFacts};
use rapport_proto::types::v1::CustomerRef;

use crate::Error;
use crate::app::facts;
use crate::domain::{Change, PointsChange, Projection, TicketChange};
use crate::store::Store;

/// Handles the events of routing and of loyalty.
pub(crate) struct Projector {
    store: Store,
}

impl Projector {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }
}

#[async_trait::async_trait]
impl Handler for Projector {
    async fn apply(&self, batch: &Batch) -> Result<(), Failure> {
        let projections: Vec<Projection> = batch.events.iter().filter_map(projection).collect();
        let outcome: Result<(), Error> = self
            .store
            .db
            .write(batch.tenant, async |s| {
                batch.mark.advance(&s).await?;
                self.store.project(&s, &projections).await?;
                Ok(())
            })
            .await;
        Ok(outcome?)
    }
}

/// What an event shows in a timeline, if anything.
fn projection(event: &Event) -> Option<Projection> {
    let (customer, conversation, change) = match event.data.as_ref()? {
        Data::TicketOpened(opened) => ticket(opened.ticket.as_ref()?, TicketChange::Opened)?,
        Data::TicketResolved(resolved) => {
            ticket(resolved.ticket.as_ref()?, TicketChange::Resolved)?
        }
        Data::TicketReopened(reopened) => {
            ticket(reopened.ticket.as_ref()?, TicketChange::Reopened)?
        }
        Data::TicketClosed(closed) => ticket(closed.ticket.as_ref()?, TicketChange::Closed)?,
        Data::TicketMerged(merged) => ticket(merged.merged_ticket.as_ref()?, TicketChange::Merged)?,
        Data::TicketUnmerged(unmerged) if unmerged.merged_open => {
            ticket(unmerged.merged_ticket.as_ref()?, TicketChange::Unmerged)?
        }
        Data::PointsEarned(earned) => points(earned.entry.as_ref()?, PointsChange::Earned)?,
        Data::HoldCaptured(captured) => points(captured.entry.as_ref()?, PointsChange::Spent)?,
        Data::EntryReversed(reversed) => points(reversed.entry.as_ref()?, PointsChange::Reversed)?,
        Data::PointsExpired(expired) => points(expired.entry.as_ref()?, PointsChange::Expired)?,
        _ => return None,
    };
    let record = customer
        .and_then(facts::customer)
        .map(|customer| customer.record);
    if record.is_none() && conversation == ConversationId::nil() {
        // It can never be told whose it is.
        return None;
    }
    let at = Micros::from(event.time.as_ref()?);
    Some(Projection {
        event: event.id.parse().ok()?,
        at,
        record,
        conversation,
        change,
    })
}

type Part<'a> = (Option<&'a CustomerRef>, ConversationId, Change);

fn ticket(facts: &TicketFacts, change: TicketChange) -> Option<Part<'_>> {
    let conversation = facts
        .conversation_id
        .parse()
        .unwrap_or(ConversationId::nil());
    Some((
        facts.customer.as_ref(),
        conversation,
        Change::Ticket(facts.ticket_id.parse().ok()?, change),
    ))
}

fn points(facts: &EntryFacts, change: PointsChange) -> Option<Part<'_>> {
    let moved = facts.points.as_ref()?;
    let units = if change == PointsChange::Earned {
        moved.units
    } else {
        moved.units.checked_neg()?
    };
    let points = Amount::new(
        units,
        moved.code.clone(),
        i16::try_from(moved.exponent).ok()?,
    );
    let (entry, member) = (facts.entry_id.parse().ok()?, facts.member_id.parse().ok()?);
    Some((
        facts.customer.as_ref(),
        ConversationId::nil(),
        Change::Points {
            entry,
            member,
            points,
            change,
        },
    ))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use rapport_foundation::id::{EntryId, EventId, MemberId};
    use rapport_proto::events::v1::{HoldCaptured, PointsHeld};
    use rapport_proto::types::v1 as types;

    use super::*;

    fn event(data: Data) -> Event {
        let id = EventId::new(Micros(1)).to_string();
        Event {
            id,
            time: Some(Micros(5).into()),
            data: Some(data),
            ..Event::default()
        }
    }

    #[test]
    fn spent_points_are_shown_as_leaving() {
        let customer = types::CustomerRef {
            customer_id: rapport_foundation::id::CustomerId::new(Micros(1)).to_string(),
            record_id: rapport_foundation::id::RecordId::new(Micros(1)).to_string(),
        };
        let entry = EntryFacts {
            entry_id: EntryId::new(Micros(1)).to_string(),
            member_id: MemberId::new(Micros(1)).to_string(),
            customer: Some(customer),
            points: Some(types::Amount {
                units: 30,
                code: "PTS".into(),
                exponent: 0,
            }),
            ..EntryFacts::default()
        };
        let captured = HoldCaptured {
            entry: Some(entry.clone()),
            hold_id: String::new(),
        };
        let shown = projection(&event(Data::HoldCaptured(captured))).unwrap();
        assert!(matches!(shown.change, Change::Points { points, .. } if points.units == -30));
        let held = PointsHeld {
            entry: Some(entry),
            hold_id: String::new(),
        };
        assert!(projection(&event(Data::PointsHeld(held))).is_none());
    }

    #[test]
    fn a_ticket_of_nobody_waits_for_its_conversation() {
        let mut ticket = TicketFacts {
            ticket_id: rapport_foundation::id::TicketId::new(Micros(1)).to_string(),
            conversation_id: ConversationId::new(Micros(1)).to_string(),
            ..TicketFacts::default()
        };
        let opened = |ticket: &TicketFacts| {
            let opened = rapport_proto::events::v1::TicketOpened {
                ticket: Some(ticket.clone()),
                ..Default::default()
            };
            projection(&event(Data::TicketOpened(opened)))
        };
        assert!(opened(&ticket).is_some_and(|shown| shown.record.is_none()));
        ticket.conversation_id.clear();
        assert!(opened(&ticket).is_none());
    }
}
