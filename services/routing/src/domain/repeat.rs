//! Which tickets repeat an earlier one: first contact resolution counts those that do not.

use std::time::Duration;

use rapport_foundation::id::{AgentId, TicketId};
use rapport_foundation::time::Micros;

use super::{Code, Purpose, Ticket};

/// What counts as a repeated contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepeatRule {
    /// How long after an earlier ticket was solved; nothing repeats anything within no time.
    pub within: Duration,
    /// Counts changes; 0 until somebody has set it.
    pub version: i64,
}

impl Default for RepeatRule {
    /// The usual window of first contact resolution: seven days.
    fn default() -> Self {
        Self {
            within: Duration::from_secs(7 * 24 * 3_600),
            version: 0,
        }
    }
}

/// What of an earlier ticket decides whether another repeats it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// Which ticket.
    pub id: TicketId,
    /// What it belongs to.
    pub category: Option<Code>,
    /// What it is about, in kind.
    pub purpose: Option<Purpose>,
    /// When it was solved; none while it is not.
    pub solved_at: Option<Micros>,
    /// Whose it is.
    pub owner: Option<AgentId>,
}

impl From<&Ticket> for Earlier {
    fn from(ticket: &Ticket) -> Self {
        Self {
            id: ticket.id,
            category: ticket.category.clone(),
            purpose: ticket.purpose,
            solved_at: ticket.resolved_at,
            owner: ticket.owner,
        }
    }
}

impl RepeatRule {
    /// The latest of a customer's tickets that another ticket of theirs repeats.
    #[must_use]
    pub fn repeated<'a>(
        &self,
        ticket: &Ticket,
        theirs: impl IntoIterator<Item = &'a Earlier>,
    ) -> Option<TicketId> {
        let repeated = |earlier: &&Earlier| self.is_repeated(ticket, earlier);
        let ids = theirs
            .into_iter()
            .filter(repeated)
            .map(|earlier| earlier.id);
        ids.max()
    }

    fn is_repeated(&self, ticket: &Ticket, earlier: &Earlier) -> bool {
        let recent = |solved: Micros| solved + self.within >= ticket.created_at;
        !self.within.is_zero()
            && earlier.id < ticket.id
            && earlier.solved_at.is_none_or(recent)
            && has_same_reason(ticket, earlier)
    }
}

/// The category is the finer word. Where one of them has none, what both are about in kind tells.
fn has_same_reason(ticket: &Ticket, earlier: &Earlier) -> bool {
    match (&ticket.category, &earlier.category) {
        (Some(one), Some(other)) => one == other,
        _ => ticket.purpose.is_some() && ticket.purpose == earlier.purpose,
    }
}

#[cfg(test)]
mod tests {
    use rapport_foundation::id::QueueId;

    use super::*;
    use crate::domain::{Opening, Priority};

    const DAY: i64 = 24 * 3_600 * 1_000_000;

    fn ticket(day: i64, category: &str, purpose: Option<Purpose>) -> Ticket {
        let at = Micros(day * DAY);
        let opening = Opening {
            subject: Default::default(),
            description: Default::default(),
            priority: Priority::Normal,
            queue: QueueId::nil(),
            customer: None,
            conversation: None,
            skills: Default::default(),
            tags: Default::default(),
            purpose,
            severity: None,
            category: category.parse().ok(),
            subcategory: None,
            parent: None,
            attributes: Default::default(),
            split_from: None,
        };
        Ticket::open(TicketId::new(at), opening, at)
    }

    fn solved(mut ticket: Ticket, day: i64) -> Earlier {
        ticket.resolved_at = Some(Micros(day * DAY));
        Earlier::from(&ticket)
    }

    #[test]
    fn the_same_reason_within_the_window_is_a_repetition() {
        let rule = RepeatRule::default();
        let (support, order) = (Some(Purpose::Support), Some(Purpose::Order));
        // Ids are given in the order in which tickets are opened.
        let earlier = [
            (solved(ticket(10, "network", support), 93), true),
            (solved(ticket(10, "network", support), 92), false),
            (Earlier::from(&ticket(10, "network", order)), true),
            (Earlier::from(&ticket(10, "billing", support)), false),
            (Earlier::from(&ticket(10, "", support)), true),
            (Earlier::from(&ticket(10, "", order)), false),
            (Earlier::from(&ticket(10, "", None)), false),
        ];
        let new = ticket(100, "network", support);
        let later = (Earlier::from(&ticket(101, "network", support)), false);
        for (earlier, expected) in earlier.into_iter().chain([later]) {
            let found = rule.repeated(&new, [&earlier]);
            assert_eq!(found, expected.then_some(earlier.id), "{earlier:?}");
        }
        let same = Earlier::from(&ticket(99, "", None));
        let without_reason = ticket(100, "", None);
        assert_eq!(rule.repeated(&without_reason, [&same]), None);
    }

    #[test]
    fn of_several_the_latest_is_repeated_and_within_no_time_none() {
        let (first, second) = (ticket(1, "network", None), ticket(2, "network", None));
        let theirs = [Earlier::from(&second), Earlier::from(&first)];
        let third = ticket(3, "network", None);
        assert_eq!(
            RepeatRule::default().repeated(&third, &theirs),
            Some(second.id)
        );
        let never = RepeatRule {
            within: Duration::ZERO,
            version: 1,
        };
        assert_eq!(never.repeated(&third, &theirs), None);
    }
}
