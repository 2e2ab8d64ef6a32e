//! A query over rows that the caller may see. Neither the ORM's select nor the connection escapes from it.

use sea_orm::sea_query::{IntoCondition, NullOrdering};
use sea_orm::{
    EntityTrait, IntoSimpleExpr, Order, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    Select,
};

use super::Error;
use super::access::Access;

/// A query that starts from the rows of one tenant (or of all, from a [`super::System`]).
#[must_use]
pub struct Rows<E: EntityTrait> {
    select: Select<E>,
    access: Access,
}

impl<E: EntityTrait> Rows<E>
where
    E::Model: Send + Sync,
{
    pub(crate) fn new(select: Select<E>, access: Access) -> Self {
        Self { select, access }
    }

    /// Keeps rows that fulfil the condition.
    pub fn filter(mut self, condition: impl IntoCondition) -> Self {
        self.select = self.select.filter(condition.into_condition());
        self
    }

    /// Orders by a column or expression, after the orders given before.
    pub fn order_by(mut self, by: impl IntoSimpleExpr, order: Order) -> Self {
        self.select = self.select.order_by(by, order);
        self
    }

    /// Smallest first.
    pub fn order_by_asc(self, by: impl IntoSimpleExpr) -> Self {
        self.order_by(by, Order::Asc)
    }

    /// Greatest first.
    pub fn order_by_desc(self, by: impl IntoSimpleExpr) -> Self {
        self.order_by(by, Order::Desc)
    }

    /// Orders and says where absent values stand: the engines differ when it is left open.
    pub fn order_by_with_nulls(
        mut self,
        by: impl IntoSimpleExpr,
        order: Order,
        nulls: NullOrdering,
    ) -> Self {
        self.select = self.select.order_by_with_nulls(by, order, nulls);
        self
    }

    /// So many rows at most.
    pub fn limit(mut self, most: u64) -> Self {
        self.select = self.select.limit(most);
        self
    }

    /// Locks the rows until the transaction ends (PostgreSQL; a SQLite transaction holds the whole file anyway).
    pub fn for_update(mut self) -> Self {
        if self.access.engine() == super::Engine::Postgres {
            self.select = self.select.lock_exclusive();
        }
        self
    }

    /// The first row.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn one(self) -> Result<Option<E::Model>, Error> {
        let access = self.access;
        self.select
            .one(access.conn())
            .await
            .map_err(|error| access.noted(error))
    }

    /// Every row.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn all(self) -> Result<Vec<E::Model>, Error> {
        let access = self.access;
        self.select
            .all(access.conn())
            .await
            .map_err(|error| access.noted(error))
    }

    /// How many rows there are.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn count(self) -> Result<u64, Error> {
        let access = self.access;
        self.select
            .count(access.conn())
            .await
            .map_err(|error| access.noted(error))
    }

    /// Whether there is any row.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn exists(self) -> Result<bool, Error> {
        Ok(self.limit(1).count().await? > 0)
    }
}
