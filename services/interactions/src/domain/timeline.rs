//! Everything of one customer in one order: newest first, and by id where the time is the same.

use rapport_foundation::id::{ConversationId, EntryId, EventId, MemberId, RecordId, TicketId};
use rapport_foundation::money::Amount;
use rapport_foundation::time::Micros;
use uuid::Uuid;

use super::code::{PointsChange, TicketChange};
use super::interaction::Interaction;

/// A place in a timeline. Never moves, whatever is added before or behind it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Place {
    /// When it happened.
    pub at: Micros,
    /// The id of what happened.
    pub id: Uuid,
}

/// Something another service says about a customer; shown among the interactions, never one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Projection {
    /// The event that said so.
    pub event: EventId,
    /// When it happened.
    pub at: Micros,
    /// The record of the customer it is about, when the event named one.
    pub record: Option<RecordId>,
    /// The conversation it grew out of; nil when it grew out of none.
    pub conversation: ConversationId,
    /// What happened.
    pub change: Change,
}

/// What happened elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Something about a ticket.
    Ticket(TicketId, TicketChange),
    /// Something about points; negative when they left the member.
    Points {
        /// The ledger entry.
        entry: EntryId,
        /// The member.
        member: MemberId,
        /// The points.
        points: Amount,
        /// What moved them.
        change: PointsChange,
    },
}

/// One entry of a timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When and which.
    pub place: Place,
    /// What happened.
    pub what: What,
}

/// What an entry holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A contact.
    Contact(Box<Interaction>),
    /// Something another service did.
    Change(Change),
}

/// Merges two lists, each newest first, into the first `most` of both.
#[must_use]
pub fn merge<T>(a: Vec<(Place, T)>, b: Vec<(Place, T)>, most: usize) -> Vec<(Place, T)> {
    let (mut a, mut b) = (a.into_iter().peekable(), b.into_iter().peekable());
    let mut merged = Vec::with_capacity(most);
    while merged.len() < most {
        let next = match (a.peek(), b.peek()) {
            (Some(left), Some(right)) if left.0 >= right.0 => a.next(),
            (_, Some(_)) => b.next(),
            (_, None) => a.next(),
        };
        let Some(next) = next else { break };
        merged.push(next);
    }
    merged
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn places(times: &[i64], salt: u128) -> Vec<(Place, ())> {
        let mut places: Vec<_> = times
            .iter()
            .enumerate()
            .map(|(n, at)| {
                (
                    Place {
                        at: Micros(*at),
                        id: Uuid::from_u128(n as u128 * 2 + salt),
                    },
                    (),
                )
            })
            .collect();
        places.sort_by_key(|(place, ())| std::cmp::Reverse(*place));
        places
    }

    proptest! {
        #[test]
        fn pages_of_any_size_tell_everything_once_and_in_order(
            a in prop::collection::vec(0_i64..5, 0..30),
            b in prop::collection::vec(0_i64..5, 0..30),
            size in 1_usize..7,
        ) {
            let (a, b) = (places(&a, 0), places(&b, 1));
            let mut all: Vec<Place> = a.iter().chain(&b).map(|(place, ())| *place).collect();
            all.sort_by_key(|place| std::cmp::Reverse(*place));
            let mut told = Vec::new();
            loop {
                let after = told.last().copied();
                let rest = |list: &[(Place, ())]| -> Vec<(Place, ())> {
                    list.iter().filter(|(place, ())| after.is_none_or(|after| *place < after)).take(size).copied().collect()
                };
                let page = merge(rest(&a), rest(&b), size);
                if page.is_empty() {
                    break;
                }
                told.extend(page.into_iter().map(|(place, ())| place));
            }
            prop_assert_eq!(told, all);
        }
    }
}
