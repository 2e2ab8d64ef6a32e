//! Contacts that agents hand on, and put on hold.

use rapport_foundation::context::Context;
use rapport_foundation::id::WorkItemId;
use rapport_foundation::idempotency::Key;
use rapport_foundation::personal::Personal;

use super::command::{Command, Target, Transfer};
use super::{App, Error};
use crate::domain::engine::Refusal;
use crate::domain::{Code, WorkItem};

impl App {
    /// What was handed on, and what goes on with its contact.
    pub(crate) async fn transfer_work_item(
        &self,
        ctx: &Context,
        key: Key,
        item: WorkItemId,
        transfer: Transfer,
    ) -> Result<(WorkItem, WorkItem), Error> {
        let agent = self.at_work(ctx, item).await?;
        let said = self.said(ctx, None, Personal::default()).await?;
        let command = Command::HandOnWork {
            item,
            agent,
            transfer,
            said,
        };
        self.handed_on(ctx, key, command).await
    }

    /// The work of a contact, and that of who is asked about it.
    pub(crate) async fn start_consult(
        &self,
        ctx: &Context,
        key: Key,
        item: WorkItemId,
        to: Target,
        note: Personal,
    ) -> Result<(WorkItem, WorkItem), Error> {
        let agent = self.at_work(ctx, item).await?;
        let said = self.said(ctx, None, Personal::default()).await?;
        let command = Command::StartConsult {
            item,
            agent,
            to,
            note,
            said,
        };
        let work = self.decided_work(ctx, key, command).await?;
        let asked = match work.consult() {
            Some(asked) => self.get_work_item(ctx, asked).await?,
            // It is over by the time it is asked for again.
            None => self.last_asked(ctx, item).await?,
        };
        Ok((work, asked))
    }

    async fn last_asked(&self, ctx: &Context, item: WorkItemId) -> Result<WorkItem, Error> {
        let asked = self.store().last_asked(ctx.tenant, item).await?;
        asked.ok_or(Error::Refused(Refusal::NotConsulting))
    }

    /// What was handed on, and what goes on with its contact.
    pub(crate) async fn complete_transfer(
        &self,
        ctx: &Context,
        key: Key,
        item: WorkItemId,
        disposition: Option<Code>,
        skip_wrap_up: bool,
    ) -> Result<(WorkItem, WorkItem), Error> {
        let agent = self.at_work(ctx, item).await?;
        let said = self.said(ctx, None, Personal::default()).await?;
        let command = Command::CompleteTransfer {
            item,
            agent,
            disposition,
            skip_wrap_up,
            said,
        };
        self.handed_on(ctx, key, command).await
    }

    async fn handed_on(
        &self,
        ctx: &Context,
        key: Key,
        command: Command,
    ) -> Result<(WorkItem, WorkItem), Error> {
        let work = self.decided_work(ctx, key, command).await?;
        let next = self.get_work_item(ctx, work.next().ok_or(Error::Broken)?);
        let next = next.await?;
        Ok((work, next))
    }

    pub(crate) async fn start_conference(
        &self,
        ctx: &Context,
        key: Key,
        item: WorkItemId,
    ) -> Result<WorkItem, Error> {
        let agent = self.at_work(ctx, item).await?;
        self.decided_work(ctx, key, Command::StartConference { item, agent })
            .await
    }

    pub(crate) async fn end_consult(
        &self,
        ctx: &Context,
        key: Key,
        item: WorkItemId,
    ) -> Result<WorkItem, Error> {
        let agent = self.at_work(ctx, item).await?;
        self.decided_work(ctx, key, Command::EndConsult { item, agent })
            .await
    }

    pub(crate) async fn hold_work_item(
        &self,
        ctx: &Context,
        key: Key,
        item: WorkItemId,
        hold: bool,
    ) -> Result<WorkItem, Error> {
        let agent = self.at_work(ctx, item).await?;
        self.decided_work(ctx, key, Command::HoldWork { item, agent, hold })
            .await
    }
}
