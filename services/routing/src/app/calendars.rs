use rapport_foundation::context::Context;
use rapport_foundation::id::CalendarId;
use rapport_foundation::idempotency::Key;

use super::command::{Command, NewCalendar};
use super::{App, Error, Listed, Paging, found, part};
use crate::domain::Code;
use crate::domain::sla::{Calendar, CalendarChange, Redating};

impl App {
    pub(crate) async fn create_calendar(
        &self,
        ctx: &Context,
        key: Key,
        new: NewCalendar,
    ) -> Result<Calendar, Error> {
        let command = Command::CreateCalendar(new);
        let done = self.shell().submit(ctx.tenant, Some(key), command).await?;
        self.get_calendar(ctx, CalendarId::from_uuid(done.id)).await
    }

    pub(crate) async fn get_calendar(
        &self,
        ctx: &Context,
        id: CalendarId,
    ) -> Result<Calendar, Error> {
        found(self.store().calendar(ctx.tenant, id).await?, "calendar", id)
    }

    pub(crate) async fn list_calendars(
        &self,
        ctx: &Context,
        code: Option<Code>,
        paging: &Paging,
    ) -> Result<Listed<Calendar>, Error> {
        let listing = self.listing(ctx, &["ListCalendars", &part(code.as_ref())], paging)?;
        let store = self.store();
        let page = store.calendars(ctx.tenant, code.as_ref(), listing.after, listing.size);
        Ok(listing.listed(page.await?))
    }

    /// Without a key it is only told what would become of it.
    pub(crate) async fn update_calendar(
        &self,
        ctx: &Context,
        key: Option<Key>,
        id: CalendarId,
        change: CalendarChange,
        etag: Option<i64>,
    ) -> Result<(Calendar, Redating, bool), Error> {
        let (store, tenant, now) = (self.store(), ctx.tenant, self.now());
        let command = Command::ChangeCalendar {
            id,
            change: change.clone(),
            etag,
            only_validate: key.is_none(),
        };
        let does = key.is_some();
        let done = self.shell().submit(tenant, key, command).await?;
        let mut after = store.book(tenant).await?;
        let mut before = after.clone();
        let calendar = if does {
            found(after.calendars.get(&id).cloned(), "calendar", id)?
        } else {
            let calendar = after.changed_calendar(id, change, now)?;
            after.calendars.insert(id, calendar.clone());
            calendar
        };
        // A repetition is told what the change did, as tickets stand now.
        let earlier = store.calendar_at(tenant, id, done.version - 1).await?;
        if let (Some(timetable), Some(known)) = (earlier, before.calendars.get_mut(&id)) {
            known
                .set(timetable)
                .map_err(crate::domain::sla::SlaRefusal::Timetable)?;
        }
        let (redating, partial) = self.redating(tenant, &before, &after).await?;
        Ok((calendar, redating, partial))
    }
}
