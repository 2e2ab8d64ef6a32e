//! The clocks of tickets that are one matter: of all that happened to any of them, so that a merge can be taken back.

use std::borrow::Cow;

use rapport_foundation::id::TicketId;
use rapport_foundation::time::Micros;
use serde::{Deserialize, Serialize};

use super::history::{Happening, History, WaitingOn};
use super::record::SlaRecord;

/// What happened to a ticket that was merged into another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// Which ticket.
    pub ticket: TicketId,
    /// When it was merged: from then on only messages in its own conversations are its own.
    pub at: Micros,
    /// What happened to it.
    pub history: History,
}

impl SlaRecord {
    /// What the clocks are made of: what happened to the ticket and to all that were merged into it.
    #[must_use]
    pub fn whole(&self) -> Cow<'_, History> {
        match self.joined.as_slice() {
            [] => Cow::Borrowed(&self.history),
            joined => Cow::Owned(whole(&self.history, joined)),
        }
    }

    /// Another ticket, and what was merged into that, counts with this one.
    pub fn join(&mut self, part: &Self, at: Micros) {
        let own = Joined {
            ticket: part.ticket,
            at,
            history: part.history.clone(),
        };
        self.joined.push(own);
        self.joined.extend(part.joined.iter().cloned());
    }

    /// These tickets count for themselves again: what happened to them goes into the record of the first.
    pub fn leave(&mut self, part: &mut Self, family: &[TicketId]) {
        let (theirs, ours) = std::mem::take(&mut self.joined)
            .into_iter()
            .partition(|joined: &Joined| family.contains(&joined.ticket));
        self.joined = ours;
        part.joined = theirs;
        let own = |joined: &Joined| joined.ticket == part.ticket;
        if let Some(place) = part.joined.iter().position(own) {
            part.history = part.joined.remove(place).history;
        }
    }

    /// Takes in what happened to the ticket itself, or to one that was merged into it. Answers whether anything may be
    /// different now. A message in one of their conversations may be answered in another, and asked again in the first.
    pub fn note(&mut self, ticket: TicketId, at: Micros, what: Happening) -> bool {
        if self.joined.is_empty() || !what.is_message() {
            return self.history.note(at, what);
        }
        let mut joined = self.joined.iter_mut();
        let history = match joined.find(|joined| joined.ticket == ticket) {
            Some(joined) => &mut joined.history,
            None => &mut self.history,
        };
        history.put(at, what)
    }

    /// Whether the customer turned to us about a merged ticket since it was merged.
    #[must_use]
    pub fn was_asked_since(&self, ticket: TicketId) -> bool {
        let joined = self.joined.iter().find(|joined| joined.ticket == ticket);
        joined.is_some_and(|joined| {
            let mut events = joined.history.events().iter();
            events.any(|event| event.what == Happening::CustomerMessage && event.at >= joined.at)
        })
    }

    /// Whoever dates it next does so as after an edit of a policy: what is found to be past is noted, and not done.
    pub const fn date_anew(&mut self) {
        self.edition = None;
    }
}

/// How far one of the tickets is at a moment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Track {
    /// It is not there yet, or another stands for it.
    Absent,
    Runs,
    Waits(WaitingOn),
    Over(Happening),
}

impl Track {
    const fn after(self, what: Happening) -> Self {
        match what {
            Happening::Opened | Happening::Resumed | Happening::Reopened => Self::Runs,
            Happening::WaitingOnCustomer => Self::Waits(WaitingOn::Customer),
            Happening::WaitingOnThirdParty => Self::Waits(WaitingOn::ThirdParty),
            Happening::Resolved | Happening::Cancelled => Self::Over(what),
            Happening::CustomerMessage | Happening::AgentReply => self,
        }
    }

    /// The greater is how far the whole is: it waits only where nothing of it runs.
    const fn weight(self) -> u8 {
        match self {
            Self::Absent => 0,
            Self::Over(_) => 1,
            Self::Waits(WaitingOn::ThirdParty) => 2,
            Self::Waits(WaitingOn::Customer) => 3,
            Self::Runs => 4,
        }
    }
}

/// The earliest opening counts, every message does, and the whole waited or was solved while each of the tickets that
/// were there did. From its merge on how far a ticket is is said by the one that stands for it.
fn whole(own: &History, joined: &[Joined]) -> History {
    let mut moments: Vec<(Micros, usize, Option<Happening>)> = Vec::new();
    for (place, (history, until)) in std::iter::once((own, None))
        .chain(joined.iter().map(|j| (&j.history, Some(j.at))))
        .enumerate()
    {
        let events = history.events().iter();
        moments.extend(events.map(|event| (event.at, place, Some(event.what))));
        moments.extend(until.map(|at| (at, place, None)));
    }
    moments.sort_by_key(|(at, _, what)| (*at, what.is_none()));
    let mut tracks = vec![Track::Absent; joined.len() + 1];
    let mut before = Track::Absent;
    let mut whole = History::default();
    for (at, place, what) in moments {
        if let Some(track) = tracks.get_mut(place) {
            *track = what.map_or(Track::Absent, |what| track.after(what));
        }
        let furthest = tracks.iter().copied().max_by_key(|track| track.weight());
        let now = furthest.unwrap_or(Track::Absent);
        turn(&mut whole, at, before, now);
        before = now;
        if let Some(message) = what.filter(|what| what.is_message()) {
            whole.note(at, message);
        }
    }
    let forgotten = joined.iter().map(|joined| joined.history.forgotten());
    whole.forget(own.forgotten() + forgotten.sum::<u32>());
    whole
}

fn turn(whole: &mut History, at: Micros, before: Track, now: Track) {
    if before == now {
        return;
    }
    let reopened = matches!(before, Track::Over(_)) && !matches!(now, Track::Over(_));
    let first = match before {
        Track::Absent => Some(Happening::Opened),
        _ => reopened.then_some(Happening::Reopened),
    };
    if let Some(first) = first {
        whole.note(at, first);
    }
    let then = match now {
        Track::Runs if matches!(before, Track::Waits(_)) => Some(Happening::Resumed),
        Track::Runs | Track::Absent => None,
        Track::Waits(on) => Some(on.into()),
        Track::Over(how) => Some(how),
    };
    if let Some(then) = then {
        whole.note(at, then);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;
    use Happening::{
        AgentReply, CustomerMessage, Opened, Reopened, Resolved, Resumed, WaitingOnCustomer,
        WaitingOnThirdParty,
    };

    type Told<'a> = &'a [(i64, Happening)];

    fn history(events: Told<'_>) -> History {
        let mut history = History::default();
        for (at, what) in events {
            history.note(Micros(*at), *what);
        }
        history
    }

    fn merged(own: Told<'_>, joined: &[(i64, Told<'_>)]) -> Vec<(i64, Happening)> {
        let joined = joined.iter().map(|(at, events)| Joined {
            ticket: TicketId::new(Micros(*at)),
            at: Micros(*at),
            history: history(events),
        });
        told(&whole(&history(own), &joined.collect::<Vec<_>>()))
    }

    fn told(history: &History) -> Vec<(i64, Happening)> {
        let events = history.events().iter();
        events.map(|event| (event.at.0, event.what)).collect()
    }

    #[test]
    fn the_earliest_opening_counts_and_every_message() {
        let younger = &[(20, Opened), (30, AgentReply)][..];
        let older = &[(5, Opened), (8, CustomerMessage)][..];
        let expected = [(5, Opened), (8, CustomerMessage), (30, AgentReply)];
        assert_eq!(merged(younger, &[(50, older)]), expected);
        assert_eq!(merged(older, &[(50, younger)]), expected);
    }

    #[test]
    fn the_whole_waits_where_everything_waits_and_as_the_one_that_stands_for_it_does_afterwards() {
        let own = &[(20, Opened), (40, WaitingOnThirdParty), (90, Resumed)][..];
        let part = &[(0, Opened), (10, WaitingOnCustomer)][..];
        assert_eq!(
            merged(own, &[(60, part)]),
            [
                (0, Opened),
                (10, WaitingOnCustomer),
                (20, Resumed),
                (40, WaitingOnCustomer),
                (60, WaitingOnThirdParty),
                (90, Resumed),
            ]
        );
    }

    #[test]
    fn what_was_solved_before_the_rest_began_stood_until_then() {
        let own = &[(30, Opened), (70, Resolved)][..];
        let part = &[(0, Opened), (10, Resolved)][..];
        assert_eq!(
            merged(own, &[(50, part)]),
            [(0, Opened), (10, Resolved), (30, Reopened), (70, Resolved)]
        );
    }

    fn record(at: i64) -> SlaRecord {
        let traits = super::super::Traits {
            queue: rapport_foundation::id::QueueId::nil(),
            priority: crate::domain::Priority::Normal,
            channel: None,
            purpose: None,
        };
        SlaRecord::new(TicketId::new(Micros(at)), traits, Micros(at))
    }

    #[test]
    fn what_is_asked_in_one_conversation_and_answered_in_another_can_be_asked_again() {
        for answered_by_whole in [true, false] {
            let (mut whole, part) = (record(1), record(2));
            whole.join(&part, Micros(3));
            let (asks, answers) = match answered_by_whole {
                true => (part.ticket, whole.ticket),
                false => (whole.ticket, part.ticket),
            };
            whole.note(asks, Micros(4), CustomerMessage);
            whole.note(answers, Micros(5), AgentReply);
            whole.note(asks, Micros(6), CustomerMessage);
            whole.note(asks, Micros(7), CustomerMessage);
            let expected = [
                (1, Opened),
                (4, CustomerMessage),
                (5, AgentReply),
                (6, CustomerMessage),
            ];
            assert_eq!(told(&whole.whole()), expected);
        }
    }

    #[test]
    fn a_merge_that_is_taken_back_leaves_each_with_its_own() {
        let (mut top, mut middle, low) = (record(1), record(2), record(3));
        let (before, low_id) = (middle.clone(), low.ticket);
        middle.join(&low, Micros(10));
        top.join(&middle, Micros(20));
        let middle_id = middle.ticket;
        top.note(low_id, Micros(30), CustomerMessage);
        top.note(top.ticket, Micros(31), AgentReply);
        assert!(top.was_asked_since(low_id) && !top.was_asked_since(middle_id));
        top.leave(&mut middle, &[middle_id, low_id]);
        assert_eq!((top.joined.len(), middle.joined.len()), (0, 1));
        assert_eq!(middle.history, before.history);
        let mut low = low;
        middle.leave(&mut low, &[low_id]);
        assert_eq!(middle.whole().as_ref(), &before.history);
        let last = low.history.events().last().unwrap();
        assert_eq!((last.at, last.what), (Micros(30), CustomerMessage));
    }
}
