//! Calendars and policies as they are set up by hand.

use rapport_foundation::id::{CalendarId, SlaPolicyId};

use super::super::Error;
use super::super::command::{Done, NewCalendar, NewPolicy};
use super::Fold;
use crate::domain::engine::Input;
use crate::domain::sla::{Action, Calendar, CalendarChange, Policy, PolicyChange};

impl Fold<'_> {
    pub(super) fn create_calendar(&mut self, new: &NewCalendar) -> Result<Done, Error> {
        let id = CalendarId::new(self.now);
        let NewCalendar { code, settings } = new.clone();
        let calendar = self
            .tenant
            .book
            .new_calendar(id, code, settings, self.now)?;
        // No policy knows it yet: it dates nothing.
        Ok(self.put_calendar(calendar))
    }

    pub(super) fn change_calendar(
        &mut self,
        id: CalendarId,
        change: &CalendarChange,
        etag: Option<i64>,
        only_validate: bool,
    ) -> Result<Done, Error> {
        let book = &self.tenant.book;
        let version = book.calendars.get(&id).map(|known| known.version);
        let calendar = book.changed_calendar(id, change.clone(), self.now)?;
        expect(version, etag)?;
        if only_validate {
            return Ok(Done::new(id.uuid(), calendar.version));
        }
        self.decision.redate = true;
        Ok(self.put_calendar(calendar))
    }

    pub(super) fn create_policy(
        &mut self,
        new: &NewPolicy,
        only_validate: bool,
    ) -> Result<Done, Error> {
        let id = SlaPolicyId::new(self.now);
        let NewPolicy { code, settings } = new.clone();
        self.check_names(&settings)?;
        let policy = self.tenant.book.new_policy(id, code, settings, self.now)?;
        Ok(self.put_policy(policy, only_validate))
    }

    pub(super) fn change_policy(
        &mut self,
        id: SlaPolicyId,
        change: &PolicyChange,
        etag: Option<i64>,
        only_validate: bool,
    ) -> Result<Done, Error> {
        let book = &self.tenant.book;
        let version = book.policies.get(&id).map(|known| known.version);
        let policy = book.changed_policy(id, change.clone(), self.now)?;
        expect(version, etag)?;
        self.check_names(change)?;
        Ok(self.put_policy(policy, only_validate))
    }

    fn put_calendar(&mut self, calendar: Calendar) -> Done {
        let done = Done::new(calendar.id.uuid(), calendar.version);
        self.calendars.insert(calendar.id);
        // The engine refuses no calendar.
        let _ = self.step(Input::CalendarChanged {
            calendar: calendar.id,
            hours: Box::new(calendar.hours.clone()),
        });
        self.tenant.book.calendars.insert(calendar.id, calendar);
        done
    }

    fn put_policy(&mut self, policy: Policy, only_validate: bool) -> Done {
        let done = Done::new(policy.id.uuid(), policy.version);
        if !only_validate {
            self.decision.redate = true;
            self.policies.insert(policy.id);
            self.tenant.book.policies.insert(policy.id, policy);
        }
        done
    }

    /// The queues and agents that a policy names.
    fn check_names(&self, change: &PolicyChange) -> Result<(), Error> {
        for queue in change.conditions.iter().flat_map(|named| &named.queues) {
            self.known_queue(*queue)?;
        }
        for step in change.steps.iter().flatten() {
            match step.action {
                Action::Move(queue) => drop(self.known_queue(queue)?),
                Action::Assign(agent) => self.known_agent(agent)?,
                Action::Notify | Action::RaisePriority(_) => {}
            }
        }
        Ok(())
    }
}

fn expect(version: Option<i64>, etag: Option<i64>) -> Result<(), Error> {
    if etag.is_some() && etag != version {
        return Err(Error::EtagMismatch);
    }
    Ok(())
}
