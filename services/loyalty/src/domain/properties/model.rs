//! The naive model: every single point is a token that is somewhere. Slow, and simple enough to be
//! read. Time is walked second by second.

use std::collections::HashMap;
use std::time::Duration;

use rapport_foundation::id::{EntryId, HoldId};
use rapport_foundation::time::Micros;

use crate::domain::Terms;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Done,
    Refused,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Where {
    Available,
    Held(HoldId),
    Spent,
    Lapsed,
    Gone,
}

#[derive(Debug, Clone)]
struct Token {
    lot: usize,
    active: Micros,
    end: Option<Micros>,
    at: Where,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    now: Micros,
    tokens: Vec<Token>,
    lots: usize,
    debt: i64,
    earns: HashMap<EntryId, (usize, i64)>,
    holds: HashMap<HoldId, Micros>,
    captures: HashMap<EntryId, Vec<usize>>,
    last_hold: (Vec<usize>, Micros),
    last_capture: Vec<usize>,
}

impl Model {
    /// Walks to `now`, a second at a time.
    pub(super) fn pass(&mut self, now: Micros) {
        if self.now == Micros::EPOCH {
            self.now = now;
        }
        while self.now < now {
            self.now += Duration::from_secs(1);
            let due: Vec<HoldId> = self
                .holds
                .iter()
                .filter(|(_, end)| **end <= self.now)
                .map(|(id, _)| *id)
                .collect();
            for hold in due {
                self.release(hold);
            }
            self.settle();
        }
    }

    pub(super) fn balance(&mut self, now: Micros) -> [i64; 4] {
        self.pass(now);
        let count = |fits: &dyn Fn(&Token) -> bool| {
            i64::try_from(self.tokens.iter().filter(|token| fits(token)).count()).unwrap()
        };
        let available = |token: &Token| token.at == Where::Available;
        [
            count(&|token| available(token) && token.active <= now),
            count(&|token| available(token) && token.active > now),
            count(&|token| matches!(token.at, Where::Held(_))),
            self.debt,
        ]
    }

    pub(super) fn earn(&mut self, now: Micros, entry: EntryId, units: i64, terms: Terms) {
        self.pass(now);
        let (active, end) = terms.span(now);
        let lot = self.lots;
        self.lots += 1;
        self.tokens.extend((0..units).map(|_| Token {
            lot,
            active,
            end,
            at: Where::Available,
        }));
        self.earns.insert(entry, (lot, units));
        self.settle();
    }

    pub(super) fn hold(&mut self, now: Micros, units: i64, timeout: Duration) -> Verdict {
        self.pass(now);
        let wanted = usize::try_from(units).unwrap();
        let mut chosen = self.spendable(|token| token.active <= now);
        if chosen.len() < wanted {
            return Verdict::Refused;
        }
        chosen.truncate(wanted);
        self.last_hold = (chosen, now + timeout);
        Verdict::Done
    }

    pub(super) fn name_hold(&mut self, hold: HoldId) {
        let (chosen, end) = std::mem::take(&mut self.last_hold);
        for token in chosen {
            self.tokens[token].at = Where::Held(hold);
        }
        self.holds.insert(hold, end);
    }

    pub(super) fn capture(&mut self, now: Micros, hold: HoldId, units: Option<i64>) -> Verdict {
        self.pass(now);
        let mut held = self.where_is(Where::Held(hold));
        held.sort_by_key(|token| self.rank(*token));
        let wanted = units.map_or(held.len(), |units| usize::try_from(units).unwrap());
        if !self.holds.contains_key(&hold) || wanted > held.len() {
            return Verdict::Refused;
        }
        held.truncate(wanted);
        for token in &held {
            self.tokens[*token].at = Where::Spent;
        }
        self.last_capture = held;
        self.release(hold);
        self.settle();
        Verdict::Done
    }

    pub(super) fn name_capture(&mut self, entry: EntryId) {
        self.captures
            .insert(entry, std::mem::take(&mut self.last_capture));
    }

    pub(super) fn void(&mut self, now: Micros, hold: HoldId) -> Verdict {
        self.pass(now);
        if !self.holds.contains_key(&hold) {
            return Verdict::Refused;
        }
        self.release(hold);
        self.settle();
        Verdict::Done
    }

    pub(super) fn claw_back(&mut self, now: Micros, entry: EntryId, units: Option<i64>) -> Verdict {
        self.pass(now);
        let (lot, left) = self.earns[&entry];
        let wanted = units.unwrap_or(left);
        if left == 0 || wanted > left {
            return Verdict::Refused;
        }
        self.earns.insert(entry, (lot, left - wanted));
        for _ in 0..wanted {
            let own = |at: Where| {
                self.tokens
                    .iter()
                    .position(|token| token.lot == lot && token.at == at)
            };
            let token = own(Where::Available)
                .or_else(|| own(Where::Lapsed))
                .or_else(|| self.spendable(|_| true).first().copied());
            match token {
                Some(token) => self.tokens[token].at = Where::Gone,
                None => self.debt += 1,
            }
        }
        Verdict::Done
    }

    pub(super) fn refund(&mut self, now: Micros, entry: EntryId, units: Option<i64>) -> Verdict {
        self.pass(now);
        let mut spent = self.captures[&entry].clone();
        let wanted = units.map_or(spent.len(), |units| usize::try_from(units).unwrap());
        if spent.is_empty() || wanted > spent.len() {
            return Verdict::Refused;
        }
        for _ in 0..wanted {
            let token = spent.pop().unwrap();
            self.tokens[token].at = Where::Available;
        }
        self.captures.insert(entry, spent);
        self.settle();
        Verdict::Done
    }

    fn release(&mut self, hold: HoldId) {
        self.holds.remove(&hold);
        for token in self.where_is(Where::Held(hold)) {
            self.tokens[token].at = Where::Available;
        }
    }

    /// What is over lapses; then a debt takes what is there.
    fn settle(&mut self) {
        for token in &mut self.tokens {
            if token.at == Where::Available && token.end.is_some_and(|end| end <= self.now) {
                token.at = Where::Lapsed;
            }
        }
        let pays = self.spendable(|_| true);
        for token in pays.into_iter().take(usize::try_from(self.debt).unwrap()) {
            self.tokens[token].at = Where::Gone;
            self.debt -= 1;
        }
    }

    fn spendable(&self, fits: impl Fn(&Token) -> bool) -> Vec<usize> {
        let mut tokens = self.where_is(Where::Available);
        tokens.retain(|token| fits(&self.tokens[*token]));
        tokens.sort_by_key(|token| self.rank(*token));
        tokens
    }

    fn where_is(&self, at: Where) -> Vec<usize> {
        (0..self.tokens.len())
            .filter(|token| self.tokens[*token].at == at)
            .collect()
    }

    fn rank(&self, token: usize) -> (Micros, usize) {
        let token = &self.tokens[token];
        (token.end.unwrap_or(Micros::MAX), token.lot)
    }
}
