//! Tickets that repeat an earlier one.

use std::time::Duration;

use rapport_foundation::id::TicketId;
use uuid::Uuid;

use super::super::Error;
use super::super::command::Done;
use super::Fold;
use crate::domain::RepeatRule;

impl Fold<'_> {
    /// Notes which ticket this one repeats, unless that is known. What is marked stays marked: somebody had to come
    /// again, whatever it is called later.
    pub(super) fn mark_repeat(&mut self, id: TicketId) {
        let Some(ticket) = self.loaded.tickets.get_mut(&id) else {
            return;
        };
        if ticket.repeat_of.is_none() {
            ticket.repeat_of = self.loaded.repeats.repeated(ticket);
        }
    }

    pub(super) fn set_repeat_rule(
        &mut self,
        within: Duration,
        etag: Option<i64>,
    ) -> Result<Done, Error> {
        let version = self.loaded.repeats.rule.version;
        if etag.is_some_and(|etag| etag != version) {
            return Err(Error::EtagMismatch);
        }
        let rule = RepeatRule {
            within,
            version: version + 1,
        };
        self.loaded.repeats.rule = rule;
        self.decision.repeat_rule = Some(rule);
        Ok(Done::new(Uuid::nil(), rule.version))
    }
}
