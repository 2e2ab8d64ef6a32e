use std::collections::BTreeSet;

use rapport_foundation::id::{CalendarId, SlaPolicyId};
use rapport_foundation::time::Micros;

use super::book::{Book, Calendar};
use super::hours::Hours;
use super::policy::{Conditions, Policy, Promise, Step, Target};
use super::timetable::{Exception, Timetable, TimetableFault, Weekly};
use crate::domain::Code;

/// New settings of a calendar; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct CalendarChange {
    /// How people call it.
    pub display_name: Option<String>,
    /// Name of the zone in the IANA database.
    pub zone: Option<String>,
    /// The openings of a week.
    pub weekly: Option<Vec<Weekly>>,
    /// The dates on which the week does not hold.
    pub exceptions: Option<Vec<Exception>>,
}

/// New settings of a policy; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct PolicyChange {
    /// How people call it.
    pub display_name: Option<String>,
    /// When it is tried.
    pub rank: Option<i32>,
    /// Whether it holds for nothing.
    pub disabled: Option<bool>,
    /// When its clocks run.
    pub calendar: Option<CalendarId>,
    /// For which tickets.
    pub conditions: Option<Conditions>,
    /// How long things may take.
    pub targets: Option<Vec<Target>>,
    /// What is done when time runs out.
    pub steps: Option<Vec<Step>>,
}

/// Why something cannot be promised.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SlaRefusal {
    /// Another one has this code.
    #[error("the code is taken")]
    CodeTaken,
    /// There are as many as there may be.
    #[error("there are too many")]
    TooMany,
    /// There is no such calendar.
    #[error("there is no calendar {0}")]
    NoCalendar(CalendarId),
    /// There is no such policy.
    #[error("there is no policy {0}")]
    NoPolicy(SlaPolicyId),
    /// Nobody can count with the timetable.
    #[error("the timetable is impossible: {0:?}")]
    Timetable(Vec<TimetableFault>),
    /// A step belongs to a clock without a target.
    #[error("the step {0} belongs to a clock without a target")]
    StepWithoutTarget(Code),
}

impl Book {
    /// A calendar that could be added.
    ///
    /// # Errors
    /// When it could not.
    pub fn new_calendar(
        &self,
        id: CalendarId,
        code: Code,
        change: CalendarChange,
        now: Micros,
    ) -> Result<Calendar, SlaRefusal> {
        if self.calendars.len() >= Self::CALENDARS_MAX {
            return Err(SlaRefusal::TooMany);
        }
        if self.calendars.values().any(|known| known.code == code) {
            return Err(SlaRefusal::CodeTaken);
        }
        let timetable = Timetable {
            zone: change.zone.unwrap_or_default(),
            weekly: change.weekly.unwrap_or_default(),
            exceptions: change.exceptions.unwrap_or_default(),
        };
        Ok(Calendar {
            id,
            display_name: change.display_name.unwrap_or_else(|| code.to_string()),
            code,
            hours: Hours::new(&timetable).map_err(SlaRefusal::Timetable)?,
            timetable,
            created_at: now,
            updated_at: now,
            version: 1,
        })
    }

    /// A calendar as it would be after a change.
    ///
    /// # Errors
    /// When it cannot be so.
    pub fn changed_calendar(
        &self,
        id: CalendarId,
        change: CalendarChange,
        now: Micros,
    ) -> Result<Calendar, SlaRefusal> {
        let known = self.calendars.get(&id);
        let mut calendar = known.cloned().ok_or(SlaRefusal::NoCalendar(id))?;
        let mut timetable = calendar.timetable.clone();
        set(&mut calendar.display_name, change.display_name);
        set(&mut timetable.zone, change.zone);
        set(&mut timetable.weekly, change.weekly);
        set(&mut timetable.exceptions, change.exceptions);
        calendar.set(timetable).map_err(SlaRefusal::Timetable)?;
        calendar.updated_at = now;
        calendar.version += 1;
        Ok(calendar)
    }

    /// A policy that could be added.
    ///
    /// # Errors
    /// When it could not.
    pub fn new_policy(
        &self,
        id: SlaPolicyId,
        code: Code,
        change: PolicyChange,
        now: Micros,
    ) -> Result<Policy, SlaRefusal> {
        if self.policies.len() >= Self::POLICIES_MAX {
            return Err(SlaRefusal::TooMany);
        }
        if self.policies.values().any(|known| known.code == code) {
            return Err(SlaRefusal::CodeTaken);
        }
        let policy = Policy {
            id,
            display_name: change.display_name.unwrap_or_else(|| code.to_string()),
            code,
            promise: Promise {
                rank: change.rank.unwrap_or_default(),
                disabled: change.disabled.unwrap_or_default(),
                calendar: change.calendar.unwrap_or(CalendarId::nil()),
                conditions: change.conditions.unwrap_or_default(),
                targets: change.targets.unwrap_or_default(),
                steps: change.steps.unwrap_or_default(),
            },
            created_at: now,
            updated_at: now,
            version: 1,
        };
        self.check(policy)
    }

    /// A policy as it would be after a change.
    ///
    /// # Errors
    /// When it cannot be so.
    pub fn changed_policy(
        &self,
        id: SlaPolicyId,
        change: PolicyChange,
        now: Micros,
    ) -> Result<Policy, SlaRefusal> {
        let known = self.policies.get(&id);
        let mut policy = known.cloned().ok_or(SlaRefusal::NoPolicy(id))?;
        set(&mut policy.display_name, change.display_name);
        let promise = &mut policy.promise;
        set(&mut promise.rank, change.rank);
        set(&mut promise.disabled, change.disabled);
        set(&mut promise.calendar, change.calendar);
        set(&mut promise.conditions, change.conditions);
        set(&mut promise.targets, change.targets);
        set(&mut promise.steps, change.steps);
        policy.updated_at = now;
        policy.version += 1;
        self.check(policy)
    }

    /// What the parts of a policy say of each other.
    fn check(&self, policy: Policy) -> Result<Policy, SlaRefusal> {
        let promise = &policy.promise;
        if !self.calendars.contains_key(&promise.calendar) {
            return Err(SlaRefusal::NoCalendar(promise.calendar));
        }
        let promised: BTreeSet<_> = promise.targets.iter().map(|target| target.clock).collect();
        let lost = promise
            .steps
            .iter()
            .find(|step| !promised.contains(&step.clock));
        match lost {
            Some(step) => Err(SlaRefusal::StepWithoutTarget(step.code.clone())),
            None => Ok(policy),
        }
    }
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}
