//! `DeleteCustomer`.

use rapport_foundation::context::Context;
use rapport_foundation::events::{Data, append_many};
use rapport_foundation::id::IdentifierId;
use rapport_proto::events::v1::{CustomerDeleted, IdentifierRemoved};

use super::command::Delete;
use super::{App, event, locked, matches, replayed, shown};
use crate::domain::customer::{Customer, Shown, State};
use crate::error::Error;
use crate::store::Rows;

impl App {
    /// Deletes a customer with everything that is part of it, and sets its identifiers free.
    ///
    /// # Errors
    /// [`Error::NoCustomer`], [`Error::Unchangeable`], [`Error::EtagMismatch`].
    pub async fn delete_customer(&self, ctx: &Context, command: &Delete) -> Result<Shown, Error> {
        let app = self;
        self.store
            .write(ctx.tenant, |rows| async move {
                if !replayed(&rows, &command.key).await? {
                    let version = app.deleted(&rows, command).await?;
                    command
                        .key
                        .settle(rows.scoped(), command.customer.uuid(), version)
                        .await?;
                }
                shown(&rows, command.customer).await
            })
            .await
    }

    async fn deleted(&self, rows: &Rows, command: &Delete) -> Result<i64, Error> {
        let before = locked(rows, command.customer).await?;
        before.changeable()?;
        matches(&before, command.version)?;
        let at = self.clock.now();
        let mut happened = Vec::new();
        let parts = rows.parts(&[before.id]).await?;
        // First the rows that every change of this customer counts: whoever comes at the same time waits here.
        for part in &parts {
            let gone = Customer {
                state: State::Deleted,
                updated_at: at,
                deleted_at: Some(at),
                ..part.clone()
            };
            rows.save_standing(&gone).await?;
            let data = Data::CustomerDeleted(CustomerDeleted {
                customer_id: part.id.to_string(),
            });
            happened.push(event(at, part.id, data));
        }
        let records = rows.records_of(parts.iter().map(|part| part.id)).await?;
        let records: Vec<_> = records.into_iter().map(|(record, _)| record).collect();
        let held = rows.held_by(&records).await?;
        let ids: Vec<IdentifierId> = held.iter().map(|held| held.id).collect();
        rows.end_identifiers(&ids, at).await?;
        happened.extend(ids.iter().map(|id| {
            let data = Data::IdentifierRemoved(IdentifierRemoved {
                customer_id: before.id.to_string(),
                identifier_id: id.to_string(),
            });
            event(at, before.id, data)
        }));
        append_many(rows.scoped(), &happened).await?;
        Ok(before.version + 1)
    }
}
