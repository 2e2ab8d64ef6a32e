//! What counts as a repeated contact.

use std::time::Duration;

use rapport_foundation::context::Context;
use rapport_foundation::idempotency::Key;

use super::command::Command;
use super::{App, Error};
use crate::domain::RepeatRule;

impl App {
    pub(crate) async fn repeat_rule(&self, ctx: &Context) -> Result<RepeatRule, Error> {
        Ok(self.store().repeat_rule(ctx.tenant).await?)
    }

    pub(crate) async fn set_repeat_rule(
        &self,
        ctx: &Context,
        key: Key,
        within: Duration,
        etag: Option<i64>,
    ) -> Result<RepeatRule, Error> {
        let command = Command::SetRepeatRule { within, etag };
        self.shell().submit(ctx.tenant, Some(key), command).await?;
        self.repeat_rule(ctx).await
    }
}
