//! Identifiers: whose they are now, and for how long they were.

use std::collections::{BTreeMap, BTreeSet};

use rapport_foundation::db::Error;
use rapport_foundation::id::{CustomerId, IdentifierId, RecordId, TenantId};
use rapport_foundation::seal::{SubjectKeys, Vault};
use rapport_foundation::time::Micros;
use sea_orm::{ActiveValue::Set, ColumnTrait as _, QueryFilter as _, QueryResult, Value};

use super::customers::chunks;
use super::entities::identifiers::{ActiveModel, Column, Entity, Model};
use super::sealing::IDENTIFIER_VALUE;
use super::{Rows, Store};
use crate::domain::customer::Held;
use crate::domain::identifier::{Identifier, Key, Kind};
use crate::domain::resolve::{Known, Place};

/// Identifiers of one statement.
const KEYS: usize = 400;

impl Store {
    /// The identifier as the store compares it.
    #[must_use]
    pub fn key(&self, tenant: TenantId, identifier: &Identifier) -> Key {
        key(&self.vault, tenant, identifier)
    }

    /// A keyed hash of several identifiers together, whatever their order.
    #[must_use]
    pub fn set_of(&self, tenant: TenantId, identifiers: &[Identifier]) -> Vec<u8> {
        let texts: BTreeSet<String> = identifiers
            .iter()
            .map(|identifier| {
                format!(
                    "{}\u{0}{}",
                    identifier.kind().label(),
                    identifier.index_text()
                )
            })
            .collect();
        let text: Vec<String> = texts.into_iter().collect();
        self.vault
            .blind(tenant, "identifier_set", &text.join("\u{1}"))
    }
}

pub(super) fn key(vault: &Vault, tenant: TenantId, identifier: &Identifier) -> Key {
    let kind = identifier.kind();
    Key {
        kind,
        namespace: identifier.namespace().to_owned(),
        index: vault.blind(tenant, kind.label(), &identifier.index_text()),
    }
}

impl Rows {
    /// Whose these identifiers are now; those of nobody are left out.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn known(&self, keys: &[Key]) -> Result<BTreeMap<Key, Known>, Error> {
        let mut known = BTreeMap::new();
        for chunk in keys.chunks(KEYS) {
            let sql = known_sql(chunk.len());
            // The kind and the namespace went into the hash: it tells identifiers apart by itself.
            let blind: Vec<Value> = chunk
                .iter()
                .map(|key| Value::from(key.index.clone()))
                .collect();
            for row in self.s.raw_all(&sql, blind).await? {
                let (key, entry) = known_row(&row)?;
                known.insert(key, entry);
            }
        }
        Ok(known)
    }

    /// Which identifiers these customers are known by now, through everything that is part of them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn held_keys(
        &self,
        customers: &[CustomerId],
    ) -> Result<BTreeMap<CustomerId, BTreeSet<Key>>, Error> {
        let mut held: BTreeMap<CustomerId, BTreeSet<Key>> = BTreeMap::new();
        for chunk in customers.chunks(KEYS) {
            let sql = held_sql(chunk.len());
            let ids = chunk.iter().map(|id| Value::from(*id)).collect::<Vec<_>>();
            for row in self.s.raw_all(&sql, ids).await? {
                let (key, known) = known_row(&row)?;
                held.entry(known.place.customer).or_default().insert(key);
            }
        }
        Ok(held)
    }

    /// The identifiers that these records bring now, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn held_by(&self, records: &[RecordId]) -> Result<Vec<Held>, Error> {
        let mut held = Vec::new();
        for chunk in records.chunks(KEYS) {
            let ids = chunk.iter().map(|id| id.uuid());
            let rows = self
                .s
                .find::<Entity>()
                .filter(Column::RecordId.is_in(ids))
                .filter(Column::ValidUntil.is_null());
            let rows = rows.all().await?;
            let subjects: Vec<String> = rows
                .iter()
                .map(|row| RecordId::from_uuid(row.record_id).to_string())
                .collect();
            let keys = self.vault.existing(&self.s, &subjects).await?;
            for row in rows {
                held.extend(opened(row, &keys)?);
            }
        }
        held.sort_by_key(|held| held.id);
        Ok(held)
    }

    /// Stores new identifiers, whose records' keys are among `keys`.
    ///
    /// # Errors
    /// [`Error::Unique`] when one of them is somebody's.
    pub async fn insert_identifiers(&self, held: &[Held], keys: &SubjectKeys) -> Result<(), Error> {
        let tenant = self.s.tenant();
        let rows: Result<Vec<ActiveModel>, Error> = held
            .iter()
            .map(|held| {
                let key = key(&self.vault, tenant, &held.identifier);
                let subject = held.record.to_string();
                let value = IDENTIFIER_VALUE.seal(
                    keys,
                    &subject,
                    held.id.uuid(),
                    held.identifier.value(),
                )?;
                Ok(ActiveModel {
                    id: Set(held.id.uuid()),
                    record_id: Set(held.record.uuid()),
                    kind: Set(key.kind.code()),
                    namespace: Set(key.namespace),
                    blind: Set(key.index),
                    value: Set(value),
                    valid_from: Set(held.valid_from),
                    valid_until: Set(held.valid_until),
                    ..ActiveModel::default()
                })
            })
            .collect();
        for chunk in chunks(rows?) {
            self.s.insert_many(chunk).await?;
        }
        Ok(())
    }

    /// Ends the validity of these identifiers now; those that ended before stay as they are.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end_identifiers(&self, ids: &[IdentifierId], at: Micros) -> Result<u64, Error> {
        let mut ended = 0;
        for chunk in ids.chunks(KEYS) {
            let change = ActiveModel {
                valid_until: Set(Some(at)),
                ..ActiveModel::default()
            };
            let ids: Vec<_> = chunk.iter().map(|id| id.uuid()).collect();
            ended += self
                .s
                .update_where::<Entity>(|update| {
                    update
                        .set(change)
                        .filter(Column::Id.is_in(ids))
                        .filter(Column::ValidUntil.is_null())
                })
                .await?;
        }
        Ok(ended)
    }
}

/// Whose so many identifiers are. The joins are written as cross joins, which SQLite keeps in this order: without
/// statistics it would begin with all records of the tenant.
pub(super) fn known_sql(count: usize) -> String {
    format!(
        "select i.id, i.kind, i.namespace, i.blind, i.record_id, r.customer_id, c.part_of \
         from identifiers i cross join records r cross join customers c \
         where i.tenant_id = $1 and i.valid_until is null and i.blind in ({}) \
           and r.tenant_id = i.tenant_id and r.id = i.record_id \
           and c.tenant_id = r.tenant_id and c.id = r.customer_id",
        placeholders(2, count)
    )
}

/// The identifiers of so many customers; joined as in [`known_sql`].
pub(super) fn held_sql(count: usize) -> String {
    format!(
        "select i.id, i.kind, i.namespace, i.blind, i.record_id, r.customer_id, c.part_of \
         from customers c cross join records r cross join identifiers i \
         where c.tenant_id = $1 and c.part_of in ({}) \
           and r.tenant_id = c.tenant_id and r.customer_id = c.id \
           and i.tenant_id = r.tenant_id and i.record_id = r.id and i.valid_until is null",
        placeholders(2, count)
    )
}

/// `($2, $3, …)` without the parentheses.
pub(super) fn placeholders(first: usize, count: usize) -> String {
    let names: Vec<String> = (first..first + count).map(|at| format!("${at}")).collect();
    names.join(", ")
}

fn known_row(row: &QueryResult) -> Result<(Key, Known), Error> {
    let kind = Kind::from_code(row.try_get("", "kind")?)
        .ok_or(Error::Corrupt("an unknown identifier kind"))?;
    let key = Key {
        kind,
        namespace: row.try_get("", "namespace")?,
        index: row.try_get("", "blind")?,
    };
    let known = Known {
        identifier: IdentifierId::from_uuid(row.try_get("", "id")?),
        place: Place {
            record: RecordId::from_uuid(row.try_get("", "record_id")?),
            home: CustomerId::from_uuid(row.try_get("", "customer_id")?),
            customer: CustomerId::from_uuid(row.try_get("", "part_of")?),
        },
    };
    Ok((key, known))
}

/// An identifier whose key was destroyed is gone.
fn opened(row: Model, keys: &SubjectKeys) -> Result<Option<Held>, Error> {
    let record = RecordId::from_uuid(row.record_id);
    let value = IDENTIFIER_VALUE.open(keys, &record.to_string(), row.id, &row.value)?;
    let kind = Kind::from_code(row.kind).ok_or(Error::Corrupt("an unknown identifier kind"))?;
    Ok(value.map(|value| Held {
        id: IdentifierId::from_uuid(row.id),
        identifier: Identifier::stored(kind, row.namespace, value),
        record,
        valid_from: row.valid_from,
        valid_until: row.valid_until,
    }))
}
