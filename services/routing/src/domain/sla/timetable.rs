use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::domain::code::named;

named! {
    /// A day of the week.
    pub enum Weekday {
        /// Monday.
        Monday = "monday",
        /// Tuesday.
        Tuesday = "tuesday",
        /// Wednesday.
        Wednesday = "wednesday",
        /// Thursday.
        Thursday = "thursday",
        /// Friday.
        Friday = "friday",
        /// Saturday.
        Saturday = "saturday",
        /// Sunday.
        Sunday = "sunday",
    }
}

impl Weekday {
    /// Its place in the week, Monday first.
    #[must_use]
    pub const fn place(self) -> usize {
        self as usize
    }
}

/// A time of a day at which we are there, in minutes of the clock on the wall since midnight, its end excluded. An end
/// past 1440 is on the next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// Where it begins, before midnight.
    pub from: u16,
    /// Where it ends, a day later at most.
    pub to: u16,
}

impl Opening {
    /// Minutes of a day.
    pub const DAY: u16 = 24 * 60;

    const fn is_possible(self) -> bool {
        self.from < Self::DAY && self.from < self.to && self.to <= self.from + Self::DAY
    }
}

/// An opening of every week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weekly {
    /// The day it begins on.
    pub day: Weekday,
    /// When.
    pub opening: Opening,
}

/// A date on which the week does not hold: a holiday, or a special opening.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// The local date.
    pub date: NaiveDate,
    /// When we are there instead; empty for the whole day closed.
    pub openings: Vec<Opening>,
    /// What people call it.
    pub label: String,
}

/// When we are there, as it was written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timetable {
    /// Name of the zone in the IANA database.
    pub zone: String,
    /// The openings of a week; several on one day are a split shift.
    pub weekly: Vec<Weekly>,
    /// The dates on which the week does not hold.
    pub exceptions: Vec<Exception>,
}

/// What is wrong with a timetable, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimetableFault {
    /// The zone is not in the IANA database.
    UnknownZone,
    /// No week has an opening: a clock would never end.
    NeverOpens,
    /// The weekly opening at this place ends before it begins, or lasts longer than a day.
    WeeklyImpossible(usize),
    /// An opening of the exception at this place does.
    ExceptionImpossible(usize),
    /// The date of the exception at this place was there before.
    DateTwice(usize),
}

impl Timetable {
    /// Openings of a week at most.
    pub const WEEKLY_MAX: usize = 70;
    /// Exceptions at most. Fewer than the days clocks are followed, so that no list of holidays can close for ever.
    pub const EXCEPTIONS_MAX: usize = 1_000;
    /// Openings of one exception at most.
    pub const EXCEPTION_OPENINGS_MAX: usize = 10;

    /// Everything that is wrong with it.
    pub(super) fn faults(&self) -> Vec<TimetableFault> {
        let mut faults = Vec::new();
        if self.zone.parse::<chrono_tz::Tz>().is_err() {
            faults.push(TimetableFault::UnknownZone);
        }
        if self.weekly.is_empty() {
            faults.push(TimetableFault::NeverOpens);
        }
        for (place, at) in self.weekly.iter().enumerate() {
            if !at.opening.is_possible() {
                faults.push(TimetableFault::WeeklyImpossible(place));
            }
        }
        let mut dates = BTreeSet::new();
        for (place, exception) in self.exceptions.iter().enumerate() {
            if !exception
                .openings
                .iter()
                .all(|opening| opening.is_possible())
            {
                faults.push(TimetableFault::ExceptionImpossible(place));
            }
            if !dates.insert(exception.date) {
                faults.push(TimetableFault::DateTwice(place));
            }
        }
        faults
    }
}
