//! The store across tenants, for the relay, batchers, sweeps and migrations of data. On PostgreSQL it runs under a
//! login of its own.

use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, EntityTrait, Insert, IntoActiveModel, QueryResult,
    UpdateMany, Value,
};

use super::access::Access;
use super::rows::Rows;
use super::scoped::Scoped;
use super::{Engine, Error};
use crate::id::TenantId;

/// All tenants' rows, inside one read or one transaction.
#[derive(Clone)]
pub struct System {
    access: Access,
}

impl System {
    pub(crate) fn new(access: Access) -> Self {
        Self { access }
    }

    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    /// Which engine this is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.access.engine()
    }

    /// The same transaction seen as one tenant: what a batcher does for one of its commands stays scoped.
    #[must_use]
    pub fn scoped(&self, tenant: TenantId) -> Scoped {
        Scoped::new(tenant, self.access.clone())
    }

    /// Starts a query over all tenants' rows.
    #[expect(clippy::disallowed_methods, reason = "the declared way across tenants")]
    pub fn find<E: EntityTrait>(&self) -> Rows<E>
    where
        E::Model: Send + Sync,
    {
        Rows::new(E::find(), self.access.clone())
    }

    /// Stores one row.
    ///
    /// # Errors
    /// [`Error::Unique`] when the key is taken.
    pub async fn insert<A>(&self, active: A) -> Result<<A::Entity as EntityTrait>::Model, Error>
    where
        A: ActiveModelTrait + ActiveModelBehavior + Send,
        <A::Entity as EntityTrait>::Model: IntoActiveModel<A> + Send,
    {
        active
            .insert(self.access.conn())
            .await
            .map_err(|error| self.access.noted(error))
    }

    /// Stores many rows in one statement and answers how many; none is fine.
    ///
    /// # Errors
    /// [`Error::Unique`] when a key is taken.
    pub async fn insert_many<A>(&self, rows: Vec<A>) -> Result<u64, Error>
    where
        A: ActiveModelTrait + Send,
    {
        if rows.is_empty() {
            return Ok(0);
        }
        let count = rows.len() as u64;
        Insert::many(rows)
            .exec_without_returning(self.access.conn())
            .await
            .map_err(|error| self.access.noted(error))?;
        Ok(count)
    }

    /// Changes the rows that the closure selects; answers how many.
    ///
    /// # Errors
    /// When the store fails.
    #[expect(clippy::disallowed_methods, reason = "the declared way across tenants")]
    pub async fn update_where<E: EntityTrait>(
        &self,
        change: impl FnOnce(UpdateMany<E>) -> UpdateMany<E> + Send,
    ) -> Result<u64, Error> {
        let update = change(E::update_many());
        let done = update
            .exec(self.access.conn())
            .await
            .map_err(|error| self.access.noted(error))?;
        Ok(done.rows_affected)
    }

    /// The first row of a raw query.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn raw_one(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value> + Send,
    ) -> Result<Option<QueryResult>, Error> {
        let values = values.into_iter().collect();
        self.access.one(sql, values).await
    }

    /// Every row of a raw query.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn raw_all(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value> + Send,
    ) -> Result<Vec<QueryResult>, Error> {
        let values = values.into_iter().collect();
        self.access.all(sql, values).await
    }

    /// Runs a raw statement and answers how many rows it touched.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn raw_exec(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value> + Send,
    ) -> Result<u64, Error> {
        let values = values.into_iter().collect();
        self.access.exec(sql, values).await
    }

    /// A concurrent transaction came first: the transaction is repeated.
    #[must_use]
    pub fn raced(&self) -> Error {
        self.access.noting(Error::Raced)
    }

    /// For `WHERE version = $n` or a lease in the `WHERE`: no row touched means another came first.
    ///
    /// # Errors
    /// [`Error::Stale`] when no row was touched.
    pub fn stale_if_none(&self, rows_affected: u64) -> Result<(), Error> {
        if rows_affected == 0 {
            Err(self.access.noting(Error::Stale))
        } else {
            Ok(())
        }
    }

    /// Runs `action` once the transaction has committed, never when it rolls back.
    pub fn after_commit(&self, action: impl FnOnce() + Send + 'static) {
        self.access.after_commit(action);
    }
}
