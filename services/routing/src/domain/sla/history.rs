use rapport_foundation::time::Micros;
use serde::{Deserialize, Serialize};

use crate::domain::code::named;

named! {
    /// For whom a ticket waits, other than for us.
    pub enum WaitingOn {
        /// The customer.
        Customer = "customer",
        /// A third party, such as a supplier.
        ThirdParty = "third_party",
    }
}

named! {
    /// What happens to a ticket that its clocks know of.
    pub enum Happening {
        /// It was opened.
        Opened = "opened",
        /// The customer turned to us.
        CustomerMessage = "customer_message",
        /// One of us answered the customer. What a machine sends is no answer.
        AgentReply = "agent_reply",
        /// It waits for the customer.
        WaitingOnCustomer = "waiting_on_customer",
        /// It waits for a third party.
        WaitingOnThirdParty = "waiting_on_third_party",
        /// It waits for nobody but us.
        Resumed = "resumed",
        /// It was declared solved.
        Resolved = "resolved",
        /// It was taken up again.
        Reopened = "reopened",
        /// It needs no solution any more.
        Cancelled = "cancelled",
    }
}

impl Happening {
    pub(super) const fn is_message(self) -> bool {
        matches!(self, Self::CustomerMessage | Self::AgentReply)
    }

    const fn is_waiting(self) -> bool {
        matches!(self, Self::WaitingOnCustomer | Self::WaitingOnThirdParty)
    }
}

impl From<WaitingOn> for Happening {
    fn from(on: WaitingOn) -> Self {
        match on {
            WaitingOn::Customer => Self::WaitingOnCustomer,
            WaitingOn::ThirdParty => Self::WaitingOnThirdParty,
        }
    }
}

/// Something that happened to a ticket, and when it counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Micros,
    /// What.
    pub what: Happening,
}

/// What the clocks of a ticket are a function of: its events in the order of their times.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    events: Vec<Event>,
    /// Answered messages that were let go to make room.
    #[serde(default)]
    forgotten: u32,
}

impl History {
    /// Events kept of a ticket. Beyond it the oldest answered messages are let go; a ticket that has none is told of
    /// nothing any more but what goes on and what ends.
    pub const EVENTS_MAX: usize = 1_000;

    /// Its events, the earliest first.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// How many answered messages were let go: the cycles before the first that is kept.
    #[must_use]
    pub const fn forgotten(&self) -> u32 {
        self.forgotten
    }

    /// Takes in what happened. News may come in any order: a message counts from when it was sent. Answers whether
    /// anything is different now.
    pub fn note(&mut self, at: Micros, what: Happening) -> bool {
        if self.is_full() && (what.is_message() || what.is_waiting()) {
            return false;
        }
        let at = self.not_before_what_it_ends(at, what);
        let place = self.events.partition_point(|event| event.at <= at);
        let before = self.events[..place].last().map(|event| event.what);
        if before == Some(what) {
            return false;
        }
        self.events.insert(place, Event { at, what });
        // The earlier of two messages in a row is the one that counts.
        if what.is_message()
            && let Some(after) = self.events.get(place + 1)
            && after.what == what
        {
            self.events.remove(place + 1);
        }
        if self.is_full() {
            self.forget_an_answered_message();
        }
        true
    }

    /// Takes in a message, although there may be another before it: who answered it may be told elsewhere.
    pub(super) fn put(&mut self, at: Micros, message: Happening) -> bool {
        if self.is_full() {
            return false;
        }
        let place = self.events.partition_point(|event| event.at <= at);
        let what = message;
        self.events.insert(place, Event { at, what });
        true
    }

    /// So many answered messages more were let go.
    pub(super) const fn forget(&mut self, messages: u32) {
        self.forgotten += messages;
    }

    fn is_full(&self) -> bool {
        self.events.len() >= Self::EVENTS_MAX
    }

    /// A message that was sent before we began to wait ends the waiting when it comes, not before it began.
    fn not_before_what_it_ends(&self, at: Micros, what: Happening) -> Micros {
        let ends = |event: &&Event| match what {
            Happening::Resumed => event.what.is_waiting(),
            Happening::Reopened => event.what == Happening::Resolved,
            _ => false,
        };
        let begun = self.events.iter().rev().find(ends);
        begun.map_or(at, |begun| at.max(begun.at))
    }

    fn forget_an_answered_message(&mut self) {
        let answered = |event: &Event| event.what == Happening::AgentReply;
        let Some(first) = self.events.iter().position(answered) else {
            return;
        };
        let pair = self.events[first + 1..].windows(2).position(|pair| {
            pair[0].what == Happening::CustomerMessage && pair[1].what == Happening::AgentReply
        });
        if let Some(place) = pair {
            self.events.drain(first + 1 + place..first + 3 + place);
            self.forgotten += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    fn noted(events: &[(i64, Happening)]) -> Vec<(i64, Happening)> {
        let mut history = History::default();
        for (at, what) in events {
            history.note(Micros(*at), *what);
        }
        let seen = history.events().iter();
        seen.map(|event| (event.at.0, event.what)).collect()
    }

    #[test]
    fn of_messages_in_a_row_the_earliest_is_kept_whatever_comes_first() {
        use Happening::{AgentReply, CustomerMessage, Opened};
        let expected = [(0, Opened), (5, CustomerMessage), (9, AgentReply)];
        for order in [[5, 6, 7], [7, 6, 5], [6, 7, 5]] {
            let mut events = vec![(0, Opened), (9, AgentReply), (10, AgentReply)];
            events.extend(order.map(|at| (at, CustomerMessage)));
            assert_eq!(noted(&events), expected, "{order:?}");
        }
    }

    #[test]
    fn a_message_sent_before_we_waited_for_it_ends_the_waiting_when_that_began() {
        use Happening::{Opened, Resumed, WaitingOnCustomer};
        let seen = noted(&[(0, Opened), (10, WaitingOnCustomer), (4, Resumed)]);
        assert_eq!(seen, [(0, Opened), (10, WaitingOnCustomer), (10, Resumed)]);
    }

    #[test]
    fn a_long_conversation_keeps_its_beginning_and_its_end() {
        let mut history = History::default();
        history.note(Micros(0), Happening::Opened);
        history.note(Micros(1), Happening::AgentReply);
        for n in 1..3_000 {
            history.note(Micros(n * 10), Happening::CustomerMessage);
            history.note(Micros(n * 10 + 5), Happening::AgentReply);
        }
        history.note(Micros(40_000), Happening::CustomerMessage);
        let events = history.events();
        assert!(events.len() <= History::EVENTS_MAX, "{}", events.len());
        let cycles = (events.len() - 2).div_ceil(2);
        assert_eq!(cycles + history.forgotten() as usize, 3_000);
        assert_eq!(events[1].what, Happening::AgentReply);
        assert_eq!(events.last().unwrap().at, Micros(40_000));
    }
}
