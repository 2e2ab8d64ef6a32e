//! `AddIdentifier` and `RemoveIdentifier`.

use rapport_foundation::context::Context;
use rapport_foundation::events::{Data, append};
use rapport_foundation::id::{IdentifierId, RecordId};
use rapport_foundation::time::Micros;
use rapport_proto::events::v1::IdentifierRemoved;

use super::command::{Add, Remove};
use super::create::added;
use super::{App, event, locked, matches, raced_when_taken, replayed, shown};
use crate::domain::customer::{Customer, Held, Shown};
use crate::error::Error;
use crate::store::Rows;

/// Identifiers of one customer.
const MOST: usize = 500;

impl App {
    /// Adds a way to recognise a customer, to the record it began with. Adding what it has already is no change.
    ///
    /// # Errors
    /// [`Error::IdentifierTaken`] when it is another customer's; [`Error::NoCustomer`], [`Error::Unchangeable`],
    /// [`Error::EtagMismatch`], [`Error::TooManyIdentifiers`].
    pub async fn add_identifier(
        &self,
        ctx: &Context,
        command: &Add,
    ) -> Result<(Shown, IdentifierId), Error> {
        let app = self;
        self.store
            .write(ctx.tenant, |rows| async move {
                let before = command.key.claim(rows.scoped()).await?.replayed()?;
                let identifier = match before {
                    Some((id, _)) => IdentifierId::from_uuid(id),
                    None => {
                        let (id, version) = app.added(&rows, command).await?;
                        command
                            .key
                            .settle(rows.scoped(), id.uuid(), version)
                            .await?;
                        id
                    }
                };
                Ok((shown(&rows, command.customer).await?, identifier))
            })
            .await
    }

    async fn added(&self, rows: &Rows, command: &Add) -> Result<(IdentifierId, i64), Error> {
        let before = locked(rows, command.customer).await?;
        before.changeable()?;
        matches(&before, command.version)?;
        let key = self.store.key(rows.scoped().tenant(), &command.identifier);
        if let Some(known) = rows.known(std::slice::from_ref(&key)).await?.get(&key) {
            return if known.place.customer == before.id {
                Ok((known.identifier, before.version))
            } else {
                Err(Error::IdentifierTaken {
                    field: "identifier".into(),
                    owner: known.place.customer,
                })
            };
        }
        if held_now(rows, &before).await?.len() >= MOST {
            return Err(Error::TooManyIdentifiers(before.id));
        }
        let at = self.clock.now();
        let held = Held {
            id: IdentifierId::new(at),
            identifier: command.identifier.clone(),
            record: before.founder,
            valid_from: at,
            valid_until: None,
        };
        count(rows, &before, at).await?;
        let keys = rows.keys_of([before.founder]).await?;
        rows.insert_identifiers(std::slice::from_ref(&held), &keys)
            .await
            .map_err(|error| raced_when_taken(rows, error))?;
        append(
            rows.scoped(),
            &event(at, before.id, added(before.id, &held)),
        )
        .await?;
        Ok((held.id, before.version + 1))
    }

    /// Ends the validity of an identifier.
    ///
    /// # Errors
    /// [`Error::NoIdentifier`] when the customer does not have it now; [`Error::NoCustomer`],
    /// [`Error::Unchangeable`], [`Error::EtagMismatch`].
    pub async fn remove_identifier(&self, ctx: &Context, command: &Remove) -> Result<Shown, Error> {
        let app = self;
        self.store
            .write(ctx.tenant, |rows| async move {
                if !replayed(&rows, &command.key).await? {
                    let version = app.removed(&rows, command).await?;
                    command
                        .key
                        .settle(rows.scoped(), command.customer.uuid(), version)
                        .await?;
                }
                shown(&rows, command.customer).await
            })
            .await
    }

    async fn removed(&self, rows: &Rows, command: &Remove) -> Result<i64, Error> {
        let before = locked(rows, command.customer).await?;
        before.changeable()?;
        matches(&before, command.version)?;
        let held = held_now(rows, &before).await?;
        if held.iter().all(|held| held.id != command.identifier) {
            return Err(Error::NoIdentifier(command.identifier));
        }
        let at = self.clock.now();
        count(rows, &before, at).await?;
        rows.end_identifiers(&[command.identifier], at).await?;
        let data = Data::IdentifierRemoved(IdentifierRemoved {
            customer_id: before.id.to_string(),
            identifier_id: command.identifier.to_string(),
        });
        append(rows.scoped(), &event(at, before.id, data)).await?;
        Ok(before.version + 1)
    }
}

/// The identifiers a customer is known by now, through everything that is part of it.
async fn held_now(rows: &Rows, customer: &Customer) -> Result<Vec<Held>, Error> {
    let parts = rows.parts(&[customer.id]).await?;
    let records = rows.records_of(parts.iter().map(|part| part.id)).await?;
    let records: Vec<RecordId> = records.into_iter().map(|(record, _)| record).collect();
    Ok(rows.held_by(&records).await?)
}

/// Counts a change that is not in the customer's own row.
async fn count(rows: &Rows, customer: &Customer, at: Micros) -> Result<(), Error> {
    let changed = Customer {
        updated_at: at,
        ..customer.clone()
    };
    Ok(rows.save_standing(&changed).await?)
}
