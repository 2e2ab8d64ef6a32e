//! `UpdateCustomer`.

use rapport_foundation::context::Context;
use rapport_foundation::events::{Data, append};
use rapport_proto::events::v1::CustomerUpdated;

use super::command::Update;
use super::{App, event, locked, matches, replayed, shown};
use crate::domain::customer::{Customer, Shown};
use crate::error::Error;
use crate::store::Rows;

impl App {
    /// Sets the fields named in the mask. What is the same already is no change.
    ///
    /// # Errors
    /// [`Error::NoCustomer`], [`Error::Unchangeable`], [`Error::EtagMismatch`].
    pub async fn update_customer(&self, ctx: &Context, command: &Update) -> Result<Shown, Error> {
        let app = self;
        self.store
            .write(ctx.tenant, |rows| async move {
                if !replayed(&rows, &command.key).await? {
                    let version = app.updated(&rows, command).await?;
                    command
                        .key
                        .settle(rows.scoped(), command.customer.uuid(), version)
                        .await?;
                }
                shown(&rows, command.customer).await
            })
            .await
    }

    async fn updated(&self, rows: &Rows, command: &Update) -> Result<i64, Error> {
        let before = locked(rows, command.customer).await?;
        before.changeable()?;
        matches(&before, command.version)?;
        let (profile, changed) = before
            .profile
            .updated(command.profile.clone(), &command.mask);
        if changed.is_empty() {
            return Ok(before.version);
        }
        let at = self.clock.now();
        let after = Customer {
            profile,
            updated_at: at,
            ..before
        };
        rows.save_profile(&after).await?;
        let data = Data::CustomerUpdated(CustomerUpdated {
            customer_id: after.id.to_string(),
            fields: changed.into_iter().map(str::to_owned).collect(),
        });
        append(rows.scoped(), &event(at, after.id, data)).await?;
        Ok(after.version + 1)
    }
}
