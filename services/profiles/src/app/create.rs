//! `CreateCustomer`.

use rapport_foundation::context::Context;
use rapport_foundation::events::{Data, Outgoing, append_many};
use rapport_foundation::id::{CustomerId, IdentifierId, RecordId, TenantId};
use rapport_proto::events::v1 as events;
use rapport_proto::types::v1::CustomerRef;

use super::command::Create;
use super::{App, BY_HAND, event, raced_when_taken, shown};
use crate::domain::customer::{Customer, Held, Shown};
use crate::domain::identifier::Identifier;
use crate::error::Error;
use crate::store::{Record, Rows, Store};

impl App {
    /// Creates a customer with its first record.
    ///
    /// # Errors
    /// [`Error::IdentifierTaken`] when an identifier is another customer's.
    pub async fn create_customer(&self, ctx: &Context, command: &Create) -> Result<Shown, Error> {
        let app = self;
        self.store
            .write(ctx.tenant, |rows| async move {
                if let Some((id, _)) = command.key.claim(rows.scoped()).await?.replayed()? {
                    return shown(&rows, CustomerId::from_uuid(id)).await;
                }
                let (id, version) = app.founded(&rows, command).await?;
                command
                    .key
                    .settle(rows.scoped(), id.uuid(), version)
                    .await?;
                shown(&rows, id).await
            })
            .await
    }

    async fn founded(&self, rows: &Rows, command: &Create) -> Result<(CustomerId, i64), Error> {
        let tenant = rows.scoped().tenant();
        refuse_taken(&self.store, rows, tenant, &command.identifiers).await?;
        let at = self.clock.now();
        let (id, record) = (CustomerId::new(at), RecordId::new(at));
        let customer = Customer::new(id, record, command.profile.clone(), at);
        let record = Record {
            id: record,
            home: id,
            source: BY_HAND.to_owned(),
            identifier_set: self.store.set_of(tenant, &command.identifiers),
            display_name: None,
            language: None,
            time_zone: None,
            seen_at: at,
            created_at: at,
        };
        let held: Vec<Held> = command
            .identifiers
            .iter()
            .map(|identifier| Held {
                id: IdentifierId::new(at),
                identifier: identifier.clone(),
                record: record.id,
                valid_from: at,
                valid_until: None,
            })
            .collect();
        let keys = rows.keys_of([record.id]).await?;
        rows.insert_customers(std::slice::from_ref(&customer), &keys)
            .await?;
        rows.insert_records(std::slice::from_ref(&record), &keys)
            .await?;
        rows.insert_identifiers(&held, &keys)
            .await
            .map_err(|error| raced_when_taken(rows, error))?;
        let mut happened = vec![event(at, id, created(id, record.id))];
        happened.extend(
            held.iter()
                .map(|held| -> Outgoing { event(at, id, added(id, held)) }),
        );
        append_many(rows.scoped(), &happened).await?;
        Ok((id, customer.version))
    }
}

/// A customer exists.
pub(crate) fn created(customer: CustomerId, record: RecordId) -> Data {
    Data::CustomerCreated(events::CustomerCreated {
        customer: Some(CustomerRef {
            customer_id: customer.to_string(),
            record_id: record.to_string(),
        }),
    })
}

/// An identifier became a customer's.
pub(crate) fn added(customer: CustomerId, held: &Held) -> Data {
    Data::IdentifierAdded(events::IdentifierAdded {
        customer_id: customer.to_string(),
        identifier_id: held.id.to_string(),
        r#type: i32::from(held.identifier.kind().code()),
    })
}

async fn refuse_taken(
    store: &Store,
    rows: &Rows,
    tenant: TenantId,
    identifiers: &[Identifier],
) -> Result<(), Error> {
    let keys: Vec<_> = identifiers
        .iter()
        .map(|identifier| store.key(tenant, identifier))
        .collect();
    let known = rows.known(&keys).await?;
    for (at, key) in keys.iter().enumerate() {
        if let Some(known) = known.get(key) {
            return Err(Error::IdentifierTaken {
                field: format!("identifiers[{at}]"),
                owner: known.place.customer,
            });
        }
    }
    Ok(())
}
