//! Customers: loading, storing and changing them.

use rapport_foundation::db::{Engine, Error};
use rapport_foundation::id::{CustomerId, RecordId};
use rapport_foundation::personal::Personal;
use rapport_foundation::seal::SubjectKeys;
use sea_orm::{ActiveValue::Set, ColumnTrait as _, QueryFilter as _};

use super::Rows;
use super::entities::customers::{ActiveModel, Column, Entity, Model};
use super::sealing::{
    CUSTOMER_DISPLAY_NAME, CUSTOMER_FAMILY_NAME, CUSTOMER_GIVEN_NAME, Column as Sealed,
};
use crate::domain::customer::{Customer, CustomerKind, Profile, Stage, State};
use crate::domain::preferences::{Channel, Language, Preferences, Zone};

impl Rows {
    /// A customer by its id, whatever its state.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn customer(&self, id: CustomerId) -> Result<Option<Customer>, Error> {
        Ok(self.customers(&[id]).await?.pop())
    }

    /// Those of these customers that exist.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn customers(&self, ids: &[CustomerId]) -> Result<Vec<Customer>, Error> {
        let ids = ids.iter().map(|id| id.uuid());
        let rows = self.s.find::<Entity>().filter(Column::Id.is_in(ids));
        self.opened(rows.all().await?).await
    }

    /// Everything that is part of these customers, themselves included, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn parts(&self, of: &[CustomerId]) -> Result<Vec<Customer>, Error> {
        let ids = of.iter().map(|id| id.uuid());
        let rows = self.s.find::<Entity>().filter(Column::PartOf.is_in(ids));
        let mut parts = self.opened(rows.all().await?).await?;
        parts.sort_by_key(|part| part.id);
        Ok(parts)
    }

    /// Keeps others from changing these customers and what is part of them until the transaction ends, and answers
    /// whether that took anything: on SQLite the transaction holds the whole file. Every change of a customer
    /// changes the row of the one it is part of; these rows are locked in one order and before all others.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn lock(
        &self,
        customers: impl IntoIterator<Item = CustomerId> + Send,
    ) -> Result<bool, Error> {
        if self.s.engine() == Engine::Sqlite {
            return Ok(false);
        }
        let ids: Vec<_> = customers.into_iter().map(CustomerId::uuid).collect();
        let rows = self.s.find::<Entity>().filter(Column::Id.is_in(ids));
        rows.order_by_asc(Column::Id).for_update().all().await?;
        Ok(true)
    }

    /// Customers newest first, older than `before`; only those that stand for themselves unless `all`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn page(
        &self,
        before: Option<CustomerId>,
        limit: u64,
        all: bool,
    ) -> Result<Vec<Customer>, Error> {
        let mut rows = self
            .s
            .find::<Entity>()
            .order_by_desc(Column::Id)
            .limit(limit);
        if let Some(before) = before {
            rows = rows.filter(Column::Id.lt(before.uuid()));
        }
        if !all {
            rows = rows.filter(Column::State.eq(State::Active.code()));
        }
        self.opened(rows.all().await?).await
    }

    /// Stores new customers. Their founders' keys must be among `keys`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn insert_customers(
        &self,
        customers: &[Customer],
        keys: &SubjectKeys,
    ) -> Result<(), Error> {
        let rows: Result<Vec<ActiveModel>, Error> = customers
            .iter()
            .map(|customer| inserted(customer, keys))
            .collect();
        for chunk in chunks(rows?) {
            self.s.insert_many(chunk).await?;
        }
        Ok(())
    }

    /// Writes how a customer stands, and counts the change. `customer` is as it shall be, with the version it was
    /// read at.
    ///
    /// # Errors
    /// When it was changed since, the transaction is run again.
    pub async fn save_standing(&self, customer: &Customer) -> Result<(), Error> {
        let change = ActiveModel {
            state: Set(customer.state.code()),
            merged_into: Set(customer.merged_into.map(CustomerId::uuid)),
            part_of: Set(customer.part_of.uuid()),
            updated_at: Set(customer.updated_at),
            deleted_at: Set(customer.deleted_at),
            ..ActiveModel::default()
        };
        self.save(customer, change).await
    }

    /// Writes a customer's profile, and counts the change; see [`Rows::save_standing`].
    ///
    /// # Errors
    /// When it was changed since, the transaction is run again.
    pub async fn save_profile(&self, customer: &Customer) -> Result<(), Error> {
        let keys = self
            .vault
            .keys(&self.s, &[customer.founder.to_string()])
            .await?;
        let change = ActiveModel {
            updated_at: Set(customer.updated_at),
            ..described(customer, &keys)?
        };
        self.save(customer, change).await
    }

    async fn save(&self, customer: &Customer, mut change: ActiveModel) -> Result<(), Error> {
        change.version = Set(customer.version + 1);
        let saved = self
            .s
            .update_where::<Entity>(|update| {
                update
                    .set(change)
                    .filter(Column::Id.eq(customer.id.uuid()))
                    .filter(Column::Version.eq(customer.version))
            })
            .await?;
        self.s.stale_if_none(saved)
    }

    async fn opened(&self, rows: Vec<Model>) -> Result<Vec<Customer>, Error> {
        let founders: Vec<String> = rows
            .iter()
            .filter(|row| {
                row.display_name.is_some() || row.given_name.is_some() || row.family_name.is_some()
            })
            .map(|row| RecordId::from_uuid(row.founder).to_string())
            .collect();
        let keys = self.vault.existing(&self.s, &founders).await?;
        rows.into_iter().map(|row| opened(row, &keys)).collect()
    }
}

/// Rows of one statement: far below what the engines bind at once.
pub(super) fn chunks<T>(rows: Vec<T>) -> impl Iterator<Item = Vec<T>> {
    const ROWS: usize = 500;
    let mut rows = rows.into_iter();
    std::iter::from_fn(move || {
        let chunk: Vec<T> = rows.by_ref().take(ROWS).collect();
        (!chunk.is_empty()).then_some(chunk)
    })
}

fn inserted(customer: &Customer, keys: &SubjectKeys) -> Result<ActiveModel, Error> {
    Ok(ActiveModel {
        id: Set(customer.id.uuid()),
        state: Set(customer.state.code()),
        merged_into: Set(customer.merged_into.map(CustomerId::uuid)),
        part_of: Set(customer.part_of.uuid()),
        founder: Set(customer.founder.uuid()),
        created_at: Set(customer.created_at),
        updated_at: Set(customer.updated_at),
        deleted_at: Set(customer.deleted_at),
        version: Set(customer.version),
        ..described(customer, keys)?
    })
}

fn described(customer: &Customer, keys: &SubjectKeys) -> Result<ActiveModel, Error> {
    let founder = customer.founder.to_string();
    let id = customer.id.uuid();
    let seal = |column: Sealed, name: &Option<Personal>| {
        column.seal_optional(keys, &founder, id, name.as_ref())
    };
    let profile = &customer.profile;
    let likes = &profile.preferences;
    Ok(ActiveModel {
        display_name: Set(seal(CUSTOMER_DISPLAY_NAME, &profile.display_name)?),
        given_name: Set(seal(CUSTOMER_GIVEN_NAME, &profile.given_name)?),
        family_name: Set(seal(CUSTOMER_FAMILY_NAME, &profile.family_name)?),
        kind: Set(profile.kind.map(CustomerKind::code)),
        stage: Set(profile.stage.map(Stage::code)),
        channel: Set(likes.channel.map(Channel::code)),
        language: Set(likes.language.as_ref().map(|tag| tag.as_str().to_owned())),
        time_zone: Set(likes
            .time_zone
            .as_ref()
            .map(|zone| zone.as_str().to_owned())),
        ..ActiveModel::default()
    })
}

fn opened(row: Model, keys: &SubjectKeys) -> Result<Customer, Error> {
    let founder = RecordId::from_uuid(row.founder);
    let subject = founder.to_string();
    let open = |column: Sealed, sealed: &Option<Vec<u8>>| {
        column.open_optional(keys, &subject, row.id, sealed.as_deref())
    };
    Ok(Customer {
        id: CustomerId::from_uuid(row.id),
        state: State::from_code(row.state).ok_or(Error::Corrupt("an unknown customer state"))?,
        merged_into: row.merged_into.map(CustomerId::from_uuid),
        part_of: CustomerId::from_uuid(row.part_of),
        founder,
        profile: Profile {
            display_name: open(CUSTOMER_DISPLAY_NAME, &row.display_name)?,
            given_name: open(CUSTOMER_GIVEN_NAME, &row.given_name)?,
            family_name: open(CUSTOMER_FAMILY_NAME, &row.family_name)?,
            kind: row.kind.and_then(CustomerKind::from_code),
            stage: row.stage.and_then(Stage::from_code),
            preferences: Preferences {
                channel: row.channel.and_then(Channel::from_code),
                language: row.language.map(Language::stored),
                time_zone: row.time_zone.map(Zone::stored),
            },
        },
        created_at: row.created_at,
        updated_at: row.updated_at,
        deleted_at: row.deleted_at,
        version: row.version,
    })
}
