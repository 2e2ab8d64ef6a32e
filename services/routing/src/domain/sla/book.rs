use std::collections::BTreeMap;

use rapport_foundation::id::{CalendarId, SlaPolicyId};
use rapport_foundation::time::Micros;
use serde::{Deserialize, Serialize};

use super::clock::{Clock, clocks};
use super::history::History;
use super::hours::Hours;
use super::policy::{Policy, Traits};
use super::timetable::{Timetable, TimetableFault};
use crate::domain::Code;

/// When we are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// Which calendar.
    pub id: CalendarId,
    /// What it is known by; unique in the tenant.
    pub code: Code,
    /// How people call it.
    pub display_name: String,
    /// As it was written down.
    pub timetable: Timetable,
    /// The same, to count with.
    pub hours: Hours,
    /// When it was made.
    pub created_at: Micros,
    /// When it last changed.
    pub updated_at: Micros,
    /// Counts changes from 1.
    pub version: i64,
}

impl Calendar {
    /// Takes another timetable.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn set(&mut self, timetable: Timetable) -> Result<(), Vec<TimetableFault>> {
        self.hours = Hours::new(&timetable)?;
        self.timetable = timetable;
        Ok(())
    }
}

/// What a ticket was last dated by. The versions stay, so that what was promised can be told for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edition {
    /// The policy.
    pub policy: SlaPolicyId,
    /// Its version.
    pub policy_version: i64,
    /// The calendar.
    pub calendar: CalendarId,
    /// Its version.
    pub calendar_version: i64,
}

/// A policy and its calendar.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// What is promised.
    pub policy: &'a Policy,
    /// When we are there.
    pub calendar: &'a Calendar,
}

impl Terms<'_> {
    /// Which versions of both.
    #[must_use]
    pub const fn edition(&self) -> Edition {
        Edition {
            policy: self.policy.id,
            policy_version: self.policy.version,
            calendar: self.calendar.id,
            calendar_version: self.calendar.version,
        }
    }

    /// The clocks of a ticket with this history.
    #[must_use]
    pub fn clocks(&self, history: &History) -> Vec<Clock> {
        clocks(history, &self.policy.promise.targets, &self.calendar.hours)
    }
}

/// The policies and calendars of a tenant, as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    /// When we are there.
    pub calendars: BTreeMap<CalendarId, Calendar>,
    /// What is promised.
    pub policies: BTreeMap<SlaPolicyId, Policy>,
}

impl Book {
    /// Policies of a tenant at most: each new ticket is held against all of them.
    pub const POLICIES_MAX: usize = 500;
    /// Calendars of a tenant at most.
    pub const CALENDARS_MAX: usize = 500;

    /// What holds for a ticket.
    #[must_use]
    pub fn terms(&self, ticket: &Traits) -> Option<Terms<'_>> {
        let fitting = self
            .policies
            .values()
            .filter(|policy| !policy.promise.disabled && policy.promise.conditions.fit(ticket));
        // Ids sort by when they were made.
        let policy = fitting.min_by_key(|policy| (policy.promise.rank, policy.id))?;
        let calendar = self.calendars.get(&policy.promise.calendar)?;
        Some(Terms { policy, calendar })
    }
}
