use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Offset as _, TimeZone as _};
use chrono_tz::Tz;
use rapport_foundation::time::Micros;

use super::timetable::{Opening, Timetable, TimetableFault};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const DAY: i64 = 24 * 60 * MINUTE;
/// Minutes of a local day.
const MIDNIGHT: u16 = 24 * 60;
/// From the first day of the common era to 1970-01-01.
const DAYS_BEFORE_1970: i64 = 719_163;
/// 2400-01-01. What is later is a slip; time zones are not known so far ahead either.
const LATEST: i64 = 13_569_465_600 * SECOND;

/// A stretch of time, its end excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Where it begins.
    pub from: Micros,
    /// Where it is over.
    pub to: Micros,
}

impl Span {
    /// How long it is.
    #[must_use]
    pub fn length(self) -> Duration {
        self.to - self.from
    }
}

/// When we are there: a timetable, ready to be counted with.
///
/// We are open at an instant when the clock on the wall, in the calendar's zone, shows a time of that day's openings.
/// So an hour that a change of the clocks leaves out counts nothing, and one that comes twice counts twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hours {
    zone: Tz,
    /// Minutes of each day of the week, Monday first, with what runs into it from the day before.
    usual: [Vec<(u16, u16)>; 7],
    weekly: [Vec<Opening>; 7],
    exceptions: BTreeMap<NaiveDate, Vec<Opening>>,
}

impl Hours {
    /// How far from its start a clock is followed. A calendar opens every week but for a limited number of dated
    /// closures, so whatever is not reached by then was not meant to be.
    pub const HORIZON: Duration = Duration::from_secs(10 * 366 * 24 * 3_600);

    /// How far ahead it is looked for the next change.
    const LOOK: Duration = Duration::from_secs(14 * 24 * 3_600);

    /// The hours of a timetable.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn new(timetable: &Timetable) -> Result<Self, Vec<TimetableFault>> {
        let faults = timetable.faults();
        let Ok(zone) = timetable.zone.parse::<Tz>() else {
            return Err(faults);
        };
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut weekly: [Vec<Opening>; 7] = Default::default();
        for at in &timetable.weekly {
            weekly[at.day.place()].push(at.opening);
        }
        let exceptions = timetable
            .exceptions
            .iter()
            .map(|exception| (exception.date, exception.openings.clone()));
        let usual = std::array::from_fn(|place| of_day(&weekly[place], &weekly[(place + 6) % 7]));
        Ok(Self {
            zone,
            usual,
            exceptions: exceptions.collect(),
            weekly,
        })
    }

    /// The name of its zone in the IANA database.
    #[must_use]
    pub fn zone(&self) -> &'static str {
        self.zone.name()
    }

    /// How much of the time between two instants we are open. What lies further back than the horizon is not counted.
    #[must_use]
    pub fn open_between(&self, from: Micros, to: Micros) -> Duration {
        let from = from.max(to - Self::HORIZON);
        self.spans(from, to).map(Span::length).sum()
    }

    /// The first instant by which we have been open for so long since `from`; none when that is beyond the horizon.
    #[must_use]
    pub fn advance(&self, from: Micros, open: Duration) -> Option<Micros> {
        if open.is_zero() {
            return Some(from);
        }
        let mut left = open;
        for span in self.spans(from, from + Self::HORIZON) {
            if span.length() >= left {
                return Some(span.from + left);
            }
            left -= span.length();
        }
        None
    }

    /// Whether we are open at an instant, and when that has to be looked at again: when it changes, a fortnight later at
    /// most.
    #[must_use]
    pub fn at(&self, at: Micros) -> (bool, Micros) {
        let last = at + Self::LOOK;
        match self.spans(at, last).next() {
            Some(span) if span.from <= at => (true, span.to),
            Some(span) => (false, span.from),
            None => (false, last),
        }
    }

    /// When we are open between two instants, in order; what touches is one.
    pub fn spans(&self, from: Micros, to: Micros) -> Spans<'_> {
        Spans {
            hours: self,
            at: from.0.max(0),
            to: to.0.min(LATEST),
            ready: VecDeque::new(),
        }
    }

    /// What there is between two instants of one day of UTC.
    fn within(&self, from: i64, to: i64, found: &mut VecDeque<Span>) {
        let mut at = from;
        while at < to {
            let offset = self.offset(at);
            let until = self.same_offset_until(at, to, offset);
            for day in (at + offset).div_euclid(DAY)..=(until - 1 + offset).div_euclid(DAY) {
                for (opens, closes) in self.of_date(day) {
                    let begins = day * DAY + i64::from(opens) * MINUTE - offset;
                    let ends = day * DAY + i64::from(closes) * MINUTE - offset;
                    push(found, begins.max(at), ends.min(until));
                }
            }
            at = until;
        }
    }

    /// Minutes of a local day, counted from 1970-01-01.
    fn of_date(&self, day: i64) -> MinutesOf<'_> {
        let weekday = usize::try_from((day + 3).rem_euclid(7)).unwrap_or(0);
        let usual = || MinutesOf::Usual(self.usual[weekday].iter());
        if self.exceptions.is_empty() {
            return usual();
        }
        let date = |day| {
            i32::try_from(day + DAYS_BEFORE_1970)
                .ok()
                .and_then(NaiveDate::from_num_days_from_ce_opt)
        };
        let exception = |day| date(day).and_then(|date| self.exceptions.get(&date));
        match (exception(day), exception(day - 1)) {
            // A date that is an exception is all its own: what began the day before ends at midnight.
            (Some(own), _) => MinutesOf::Exception(of_day(own, &[]).into_iter()),
            (None, Some(before)) => {
                MinutesOf::Exception(of_day(&self.weekly[weekday], before).into_iter())
            }
            (None, None) => usual(),
        }
    }

    /// What local time is ahead of UTC.
    fn offset(&self, at: i64) -> i64 {
        let Some(at) = DateTime::from_timestamp(at.div_euclid(SECOND), 0) else {
            return 0;
        };
        let offset = self.zone.offset_from_utc_datetime(&at.naive_utc()).fix();
        i64::from(offset.local_minus_utc()) * SECOND
    }

    /// The end of the stretch with this offset that holds `at`, `to` at most. Clocks are changed on whole seconds, and
    /// not twice in a day.
    fn same_offset_until(&self, at: i64, to: i64, offset: i64) -> i64 {
        if self.offset(to - 1) == offset {
            return to;
        }
        let (mut same, mut other) = (at.div_euclid(SECOND), (to - 1).div_euclid(SECOND));
        while other - same > 1 {
            let middle = same + (other - same) / 2;
            if self.offset(middle * SECOND) == offset {
                same = middle;
            } else {
                other = middle;
            }
        }
        other * SECOND
    }
}

/// The minutes of a day, from its own openings and those of the day before that run into it: in order, none twice.
fn of_day(own: &[Opening], before: &[Opening]) -> Vec<(u16, u16)> {
    let begun = own
        .iter()
        .map(|opening| (opening.from, opening.to.min(MIDNIGHT)));
    let left = before
        .iter()
        .filter(|opening| opening.to > MIDNIGHT)
        .map(|opening| (0, opening.to - MIDNIGHT));
    let mut minutes: Vec<(u16, u16)> = begun.chain(left).collect();
    minutes.sort_unstable();
    let mut merged: Vec<(u16, u16)> = Vec::with_capacity(minutes.len());
    for (from, to) in minutes {
        match merged.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => merged.push((from, to)),
        }
    }
    merged
}

enum MinutesOf<'a> {
    Usual(std::slice::Iter<'a, (u16, u16)>),
    Exception(std::vec::IntoIter<(u16, u16)>),
}

impl Iterator for MinutesOf<'_> {
    type Item = (u16, u16);

    fn next(&mut self) -> Option<(u16, u16)> {
        match self {
            Self::Usual(minutes) => minutes.next().copied(),
            Self::Exception(minutes) => minutes.next(),
        }
    }
}

fn push(found: &mut VecDeque<Span>, from: i64, to: i64) {
    if from >= to {
        return;
    }
    match found.back_mut() {
        Some(last) if last.to.0 == from => last.to = Micros(to),
        _ => found.push_back(Span {
            from: Micros(from),
            to: Micros(to),
        }),
    }
}

/// Open hours, one after the other. A day of UTC is looked at at a time.
#[derive(Debug)]
pub struct Spans<'a> {
    hours: &'a Hours,
    at: i64,
    to: i64,
    ready: VecDeque<Span>,
}

impl Iterator for Spans<'_> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        // The last one found may go on in the next day.
        while self.ready.len() < 2 && self.at < self.to {
            let until = ((self.at.div_euclid(DAY) + 1) * DAY).min(self.to);
            self.hours.within(self.at, until, &mut self.ready);
            self.at = until;
        }
        self.ready.pop_front()
    }
}

#[cfg(test)]
mod tests;
