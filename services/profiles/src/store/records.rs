//! Source records: stored once, never changed.

use rapport_foundation::db::Error;
use rapport_foundation::id::{CustomerId, RecordId};
use rapport_foundation::personal::Personal;
use rapport_foundation::seal::SubjectKeys;
use rapport_foundation::time::Micros;
use sea_orm::{ActiveValue::Set, ColumnTrait as _};

use super::Rows;
use super::customers::chunks;
use super::entities::records::{ActiveModel, Column, Entity};
use super::sealing::RECORD_DISPLAY_NAME;
use crate::domain::preferences::{Language, Zone};

/// What a source said, once and for all.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its id; also the subject its values are sealed under.
    pub id: RecordId,
    /// The customer it came in for.
    pub home: CustomerId,
    /// Where it comes from.
    pub source: String,
    /// Keyed hash of all the identifiers it came with.
    pub identifier_set: Vec<u8>,
    /// How the source addresses them.
    pub display_name: Option<Personal>,
    /// The language the source knows.
    pub language: Option<Language>,
    /// The time zone the source knows.
    pub time_zone: Option<Zone>,
    /// When the source saw it.
    pub seen_at: Micros,
    /// When it was stored.
    pub created_at: Micros,
}

impl Rows {
    /// Makes and fetches the data keys of new records.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn keys_of(
        &self,
        records: impl IntoIterator<Item = RecordId>,
    ) -> Result<SubjectKeys, Error> {
        let subjects: Vec<String> = records.into_iter().map(|id| id.to_string()).collect();
        self.vault.keys(&self.s, &subjects).await
    }

    /// Stores new records, whose keys are among `keys`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn insert_records(
        &self,
        records: &[Record],
        keys: &SubjectKeys,
    ) -> Result<(), Error> {
        let rows: Result<Vec<ActiveModel>, Error> = records
            .iter()
            .map(|record| {
                let (subject, name) = (record.id.to_string(), record.display_name.as_ref());
                let name =
                    RECORD_DISPLAY_NAME.seal_optional(keys, &subject, record.id.uuid(), name)?;
                Ok(ActiveModel {
                    id: Set(record.id.uuid()),
                    customer_id: Set(record.home.uuid()),
                    source: Set(record.source.clone()),
                    identifier_set: Set(record.identifier_set.clone()),
                    display_name: Set(name),
                    language: Set(record.language.as_ref().map(|tag| tag.as_str().to_owned())),
                    time_zone: Set(record
                        .time_zone
                        .as_ref()
                        .map(|zone| zone.as_str().to_owned())),
                    seen_at: Set(record.seen_at),
                    created_at: Set(record.created_at),
                    ..ActiveModel::default()
                })
            })
            .collect();
        for chunk in chunks(rows?) {
            self.s.insert_many(chunk).await?;
        }
        Ok(())
    }

    /// The records that came in for these customers, oldest first, with the customer each came in for.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn records_of(
        &self,
        homes: impl IntoIterator<Item = CustomerId> + Send,
    ) -> Result<Vec<(RecordId, CustomerId)>, Error> {
        let homes: Vec<_> = homes.into_iter().map(CustomerId::uuid).collect();
        let rows = self
            .s
            .find::<Entity>()
            .filter(Column::CustomerId.is_in(homes));
        let mut rows = rows.all().await?;
        rows.sort_by_key(|row| row.id);
        Ok(rows
            .into_iter()
            .map(|row| {
                (
                    RecordId::from_uuid(row.id),
                    CustomerId::from_uuid(row.customer_id),
                )
            })
            .collect())
    }
}
