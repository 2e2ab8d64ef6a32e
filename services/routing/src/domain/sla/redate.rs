use std::cmp::Ordering;

use rapport_foundation::time::Micros;

use super::book::Book;
use super::clock::Clock;
use super::record::SlaRecord;

/// What an edit of policies or calendars does to open tickets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Redating {
    /// Open tickets looked at.
    pub tickets: u64,
    /// Of them, those with a clock that is different now.
    pub tickets_changed: u64,
    /// Running clocks that are due sooner.
    pub clocks_sooner: u64,
    /// Running clocks that are due later.
    pub clocks_later: u64,
    /// Clocks that run now and did not.
    pub clocks_started: u64,
    /// Clocks that ran and do not any more.
    pub clocks_stopped: u64,
    /// Running clocks that are past their target now and were not: noted, and not told.
    pub breaches_found: u64,
}

impl Redating {
    /// Adds what becomes of one open ticket.
    pub fn add(&mut self, ticket: &SlaRecord, before: &Book, after: &Book, now: Micros) {
        let running = |book: &Book| -> Vec<Clock> {
            let terms = book.terms(&ticket.traits);
            let clocks = terms.map(|terms| terms.clocks(&ticket.whole()));
            let clocks = clocks.unwrap_or_default().into_iter();
            clocks.filter(|clock| clock.ended.is_none()).collect()
        };
        let (old, new) = (running(before), running(after));
        let unchanged = *self;
        for clock in &new {
            let was = old.iter().find(|was| was.id == clock.id);
            self.compare(was, clock);
            let late = was.is_some_and(|was| was.is_breached(now));
            self.breaches_found += u64::from(clock.is_breached(now) && !late);
        }
        let gone = |was: &&Clock| !new.iter().any(|clock| clock.id == was.id);
        self.clocks_stopped += old.iter().filter(gone).count() as u64;
        self.tickets_changed += u64::from(*self != unchanged);
        self.tickets += 1;
    }

    fn compare(&mut self, was: Option<&Clock>, is: &Clock) {
        let Some(was) = was else {
            self.clocks_started += 1;
            return;
        };
        // A clock that stands is due at no time yet; it will be later the more it may count.
        let order = match (was.due, is.due) {
            (Some(was), Some(is)) => is.cmp(&was),
            _ => is.target.cmp(&was.target),
        };
        match order {
            Ordering::Less => self.clocks_sooner += 1,
            Ordering::Greater => self.clocks_later += 1,
            Ordering::Equal => {}
        }
    }
}
