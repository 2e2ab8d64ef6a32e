//! What a resolution needs to know, in as few queries as it takes.

use std::collections::{BTreeMap, BTreeSet};

use rapport_foundation::db::Error;
use rapport_foundation::id::{CustomerId, RecordId};
use rapport_foundation::personal::Personal;
use rapport_foundation::seal::SubjectKeys;
use rapport_foundation::time::Micros;
use sea_orm::{ColumnTrait as _, Value};

use super::Rows;
use super::entities::customers;
use super::identifiers::placeholders;
use super::sealing::CUSTOMER_DISPLAY_NAME;
use crate::domain::identifier::Key;
use crate::domain::preferences::{Language, Zone};
use crate::domain::resolve::{Ask, Directory, Hinted, Known, Place};

/// Rows of one statement.
const CHUNK: usize = 400;

/// What the store knows that bears on some requests, and what is needed to write down what they come to.
#[derive(Debug, Default)]
pub struct Loaded {
    /// For the decisions.
    pub directory: Directory,
    /// The record each customer in question began with.
    pub founders: BTreeMap<CustomerId, RecordId>,
}

/// Hints that fill the gaps of a customer that is there.
#[derive(Debug, Clone, Default)]
pub struct Filling {
    /// How to address them.
    pub display_name: Option<Personal>,
    /// The language.
    pub language: Option<Language>,
    /// The time zone.
    pub time_zone: Option<Zone>,
}

impl Rows {
    /// What bears on one request, when all its identifiers are known: usually a single query. None when it must
    /// be decided by a batch, because something is unknown.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn glance(&self, ask: &Ask) -> Result<Option<Directory>, Error> {
        let mut directory = Directory {
            identifiers: self.known(&ask.keys).await?,
            ..Directory::default()
        };
        if directory.identifiers.len() < ask.keys.len() {
            return Ok(None);
        }
        let places = || directory.identifiers.values().map(|known| known.place);
        let customers: BTreeSet<CustomerId> = places().map(|place| place.customer).collect();
        let records: BTreeSet<RecordId> = places().map(|place| place.record).collect();
        if ask.offered.any() || customers.len() > 1 {
            let parts = self.parts_briefly(&customers).await?;
            directory.missing = missing(&parts);
            if customers.len() > 1 {
                let homes: Vec<CustomerId> = parts.iter().map(|part| part.id).collect();
                (directory.suspected, directory.apart) = self.suspected_and_apart(&homes).await?;
            }
        }
        if records.len() > 1 {
            directory.brought = self.brought(std::slice::from_ref(ask)).await?;
        }
        Ok(Some(directory))
    }

    /// What bears on the requests of a batch. What one of them changes may matter to the next, so nothing is left
    /// out that a known customer has.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn directory(&self, asks: &[Ask]) -> Result<Loaded, Error> {
        let keys: BTreeSet<&Key> = asks.iter().flat_map(|ask| &ask.keys).collect();
        let keys: Vec<Key> = keys.into_iter().cloned().collect();
        let mut loaded = Loaded {
            directory: Directory {
                identifiers: self.known_and_locked(&keys).await?,
                ..Directory::default()
            },
            ..Loaded::default()
        };
        let directory = &mut loaded.directory;
        let known = directory.identifiers.values();
        let customers: BTreeSet<CustomerId> = known.map(|known| known.place.customer).collect();
        if customers.is_empty() {
            return Ok(loaded);
        }
        let parts = self.parts_briefly(&customers).await?;
        loaded.founders = parts.iter().map(|part| (part.id, part.founder)).collect();
        directory.missing = missing(&parts);
        let customers: Vec<CustomerId> = customers.into_iter().collect();
        directory.held = self.held_keys(&customers).await?;
        directory.brought = self.brought(asks).await?;
        let homes: Vec<CustomerId> = parts.iter().map(|part| part.id).collect();
        (directory.suspected, directory.apart) = self.suspected_and_apart(&homes).await?;
        Ok(loaded)
    }

    /// Whose these identifiers are, with those customers locked: what comes between a look and a lock is looked up
    /// again, so that a batch meets no change it would have to be run again for.
    async fn known_and_locked(&self, keys: &[Key]) -> Result<BTreeMap<Key, Known>, Error> {
        const LOOKS: usize = 4;
        let mut known = self.known(keys).await?;
        for _ in 0..LOOKS {
            let customers: BTreeSet<CustomerId> =
                known.values().map(|known| known.place.customer).collect();
            if customers.is_empty() || !self.lock(customers).await? {
                return Ok(known);
            }
            let again = self.known(keys).await?;
            if again == known {
                return Ok(known);
            }
            known = again;
        }
        Err(self.s.raced())
    }

    /// Counts a change of customers that records came in for, provided they are still part of the customer that
    /// was the answer: else it was merged, split or deleted meanwhile, and the batch is run again.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn count_change(
        &self,
        places: &BTreeSet<(CustomerId, CustomerId)>,
        at: Micros,
    ) -> Result<(), Error> {
        for (customer, part_of) in places {
            let sql = "update customers set version = version + 1, updated_at = $4 \
                       where tenant_id = $1 and id = $2 and part_of = $3 and state in (1, 2)";
            let values = [(*customer).into(), (*part_of).into(), at.0.into()];
            self.s.stale_if_none(self.s.raw_exec(sql, values).await?)?;
        }
        Ok(())
    }

    /// Fills the gaps of a customer, and overwrites nothing.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn fill(
        &self,
        customer: CustomerId,
        founder: RecordId,
        filling: &Filling,
        keys: &SubjectKeys,
    ) -> Result<(), Error> {
        let name = filling.display_name.as_ref();
        let name = CUSTOMER_DISPLAY_NAME.seal_optional(
            keys,
            &founder.to_string(),
            customer.uuid(),
            name,
        )?;
        let sql = "update customers set display_name = coalesce(display_name, $3), \
                   language = coalesce(language, $4), time_zone = coalesce(time_zone, $5) \
                   where tenant_id = $1 and id = $2";
        let language = filling.language.as_ref().map(|tag| tag.as_str().to_owned());
        let time_zone = filling
            .time_zone
            .as_ref()
            .map(|zone| zone.as_str().to_owned());
        let values: [Value; 4] = [
            customer.into(),
            name.into(),
            language.into(),
            time_zone.into(),
        ];
        self.s.raw_exec(sql, values).await?;
        Ok(())
    }

    async fn brought(
        &self,
        asks: &[Ask],
    ) -> Result<BTreeMap<(String, Vec<u8>), Vec<Place>>, Error> {
        let mut brought: BTreeMap<(String, Vec<u8>), Vec<Place>> = BTreeMap::new();
        let sets: BTreeSet<(&str, &[u8])> = asks
            .iter()
            .filter(|ask| ask.keys.len() > 1)
            .map(|ask| (ask.source.as_str(), ask.set.as_slice()))
            .collect();
        let sets: Vec<(&str, &[u8])> = sets.into_iter().collect();
        for chunk in sets.chunks(CHUNK) {
            let (sources, sets): (BTreeSet<&str>, BTreeSet<&[u8]>) = chunk.iter().copied().unzip();
            let sql = brought_sql(sources.len(), sets.len());
            let values = sources.iter().map(|source| Value::from(*source));
            let values = values.chain(sets.iter().map(|set| Value::from(set.to_vec())));
            for row in self.s.raw_all(&sql, values.collect::<Vec<_>>()).await? {
                let place = Place {
                    record: RecordId::from_uuid(row.try_get("", "id")?),
                    home: CustomerId::from_uuid(row.try_get("", "customer_id")?),
                    customer: CustomerId::from_uuid(row.try_get("", "part_of")?),
                };
                let key = (
                    row.try_get("", "source")?,
                    row.try_get("", "identifier_set")?,
                );
                brought.entry(key).or_default().push(place);
            }
        }
        for places in brought.values_mut() {
            places.sort_by_key(|place| place.record);
        }
        Ok(brought)
    }

    async fn parts_briefly(&self, of: &BTreeSet<CustomerId>) -> Result<Vec<Part>, Error> {
        let mut parts = Vec::new();
        let of: Vec<_> = of.iter().map(|id| id.uuid()).collect();
        for chunk in of.chunks(CHUNK) {
            let column = customers::Column::PartOf;
            let rows = self
                .s
                .find::<customers::Entity>()
                .filter(column.is_in(chunk.to_vec()));
            parts.extend(rows.all().await?.into_iter().map(|row| Part {
                id: CustomerId::from_uuid(row.id),
                part_of: CustomerId::from_uuid(row.part_of),
                founder: RecordId::from_uuid(row.founder),
                has: Hinted {
                    display_name: row.display_name.is_some(),
                    language: row.language.is_some(),
                    time_zone: row.time_zone.is_some(),
                },
            }));
        }
        Ok(parts)
    }
}

/// Records of so many sources with so many sets of identifiers. Sorted by whoever asks: an order by id would make
/// SQLite walk all records of the tenant.
pub(super) fn brought_sql(sources: usize, sets: usize) -> String {
    format!(
        "select r.id, r.customer_id, r.source, r.identifier_set, c.part_of from records r cross join customers c \
         where r.tenant_id = $1 and r.source in ({}) and r.identifier_set in ({}) \
           and c.tenant_id = r.tenant_id and c.id = r.customer_id",
        placeholders(2, sources),
        placeholders(2 + sources, sets)
    )
}

/// A customer without anything personal.
struct Part {
    id: CustomerId,
    part_of: CustomerId,
    founder: RecordId,
    has: Hinted,
}

/// What no part of a customer has.
fn missing(parts: &[Part]) -> BTreeMap<CustomerId, Hinted> {
    let mut missing = BTreeMap::new();
    for part in parts {
        let lacks = missing.entry(part.part_of).or_insert(Hinted::ALL);
        *lacks = lacks.without(part.has);
    }
    missing
}
