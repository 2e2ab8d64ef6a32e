//! The store as one tenant sees it: every statement that goes through here is bound to the tenant.

use std::sync::Arc;

use sea_orm::sea_query::extension::postgres::PgFunc;
use sea_orm::sea_query::{ArrayType, Expr, ExprTrait as _, IntoCondition, OnConflict};
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ColumnTrait, EntityTrait, Insert, IntoActiveModel,
    QueryFilter, QueryResult, UpdateMany, Value,
};
use uuid::Uuid;

use super::access::Access;
use super::arrays::{Insertion, Taken};
use super::bundle::Bundle;
use super::rows::Rows;
use super::{Engine, Error};
use crate::id::TenantId;

/// An entity whose table carries the tenant. Without this an entity cannot be reached through [`Scoped`].
pub trait TenantOwned: EntityTrait {
    /// The column that holds the tenant.
    fn tenant_column() -> Self::Column;
}

/// The rows of one tenant, inside one read or one transaction. Cheap to clone; must not outlive the closure it
/// was given to.
#[derive(Clone)]
pub struct Scoped {
    tenant: TenantId,
    access: Access,
}

impl std::fmt::Debug for Scoped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Scoped").field(&self.tenant).finish()
    }
}

impl Scoped {
    pub(crate) fn new(tenant: TenantId, access: Access) -> Self {
        Self { tenant, access }
    }

    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    /// Whose rows these are.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Which engine this is: for the few statements that must differ.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.access.engine()
    }

    /// Starts a query over the tenant's rows.
    #[expect(clippy::disallowed_methods, reason = "scoped on the same line")]
    pub fn find<E: TenantOwned>(&self) -> Rows<E>
    where
        E::Model: Send + Sync,
    {
        Rows::new(
            E::find().filter(E::tenant_column().eq(self.tenant.uuid())),
            self.access.clone(),
        )
    }

    /// Runs writes of several tables; on PostgreSQL what [`Scoped::insert_many`] and [`Scoped::upsert_many`] are asked
    /// for goes there in one statement, after all else: none of it may be looked for within.
    ///
    /// # Errors
    /// What the writes say.
    pub async fn together<Fut>(&self, writes: impl FnOnce(Self) -> Fut + Send) -> Result<(), Error>
    where
        Fut: Future<Output = Result<(), Error>> + Send,
    {
        if self.engine() != Engine::Postgres {
            return writes(self.clone()).await;
        }
        let bundle = Arc::<Bundle>::default();
        let bundling = Self {
            access: self.access.bundling(Arc::clone(&bundle)),
            ..self.clone()
        };
        writes(bundling).await?;
        match bundle.take() {
            Some((sql, values)) => self.access.exec(&sql, values).await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// That a column holds one of these ids: on PostgreSQL in one array, so that one prepared text serves every number
    /// of them.
    pub fn among(&self, column: impl ColumnTrait, ids: impl IntoIterator<Item = Uuid>) -> Expr {
        if self.engine() != Engine::Postgres {
            return column.is_in(ids);
        }
        let ids = ids.into_iter().map(Value::from).collect();
        let ids = Value::Array(ArrayType::Uuid, Some(Box::new(ids)));
        column.into_expr().eq(PgFunc::any(Expr::val(ids)))
    }

    /// Stores one row; the tenant column is set here, whatever the model says.
    ///
    /// # Errors
    /// [`Error::Unique`] when the key is taken.
    pub async fn insert<A>(&self, mut active: A) -> Result<<A::Entity as EntityTrait>::Model, Error>
    where
        A: ActiveModelTrait + ActiveModelBehavior + Send,
        A::Entity: TenantOwned,
        <A::Entity as EntityTrait>::Model: IntoActiveModel<A> + Send,
    {
        self.own(&mut active)?;
        active
            .insert(self.access.conn())
            .await
            .map_err(|error| self.access.noted(error))
    }

    /// Stores many rows in one statement and answers how many; none is fine. Keep it below a few thousand values.
    ///
    /// # Errors
    /// [`Error::Unique`] when a key is taken.
    pub async fn insert_many<A>(&self, rows: Vec<A>) -> Result<u64, Error>
    where
        A: ActiveModelTrait + Send,
        A::Entity: TenantOwned,
    {
        let count = rows.len() as u64;
        self.place(rows, Vec::new(), Taken::Fails).await?;
        Ok(count)
    }

    /// Stores those rows whose key (the given columns) is free, in one statement, and answers the fresh ones.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn insert_fresh<A>(
        &self,
        mut rows: Vec<A>,
        key: impl IntoIterator<Item = <A::Entity as EntityTrait>::Column> + Send,
    ) -> Result<Vec<<A::Entity as EntityTrait>::Model>, Error>
    where
        A: ActiveModelTrait + Send,
        A::Entity: TenantOwned,
        <A::Entity as EntityTrait>::Model: IntoActiveModel<A> + Send,
    {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        for row in &mut rows {
            self.own(row)?;
        }
        let key: Vec<_> = key.into_iter().collect();
        if let Some(insertion) = Insertion::of(self.engine(), &rows) {
            return insertion.fresh::<A>(&self.access, &key).await;
        }
        let keep = OnConflict::columns(key).do_nothing().to_owned();
        Insert::many(rows)
            .on_conflict(keep)
            .exec_with_returning(self.access.conn())
            .await
            .map_err(|error| self.access.noted(error))
    }

    /// Stores those rows whose key (the given columns) is free, in one statement.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn insert_absent<A>(
        &self,
        rows: Vec<A>,
        key: impl IntoIterator<Item = <A::Entity as EntityTrait>::Column> + Send,
    ) -> Result<(), Error>
    where
        A: ActiveModelTrait + Send,
        A::Entity: TenantOwned,
    {
        let key = key.into_iter().collect();
        self.place(rows, key, Taken::Stays).await
    }

    /// Stores many rows in one statement; where the key (the given columns) is taken, the row's `changed` columns get
    /// the new values. None is fine. Keep it below a few thousand values.
    ///
    /// # Errors
    /// [`Error::Unique`] when another key is taken.
    pub async fn upsert_many<A>(
        &self,
        rows: Vec<A>,
        key: impl IntoIterator<Item = <A::Entity as EntityTrait>::Column> + Send,
        changed: impl IntoIterator<Item = <A::Entity as EntityTrait>::Column> + Send,
    ) -> Result<(), Error>
    where
        A: ActiveModelTrait + Send,
        A::Entity: TenantOwned,
    {
        let (key, changed) = (key.into_iter().collect(), changed.into_iter().collect());
        self.place(rows, key, Taken::Changes(changed)).await
    }

    /// Stores many rows in one statement: as arrays, or as the ORM does where they cannot be told so.
    async fn place<A>(
        &self,
        mut rows: Vec<A>,
        key: Vec<<A::Entity as EntityTrait>::Column>,
        taken: Taken<<A::Entity as EntityTrait>::Column>,
    ) -> Result<(), Error>
    where
        A: ActiveModelTrait + Send,
        A::Entity: TenantOwned,
    {
        if rows.is_empty() {
            return Ok(());
        }
        for row in &mut rows {
            self.own(row)?;
        }
        if let Some(insertion) = Insertion::of(self.engine(), &rows) {
            return insertion.run(&self.access, &key, taken).await;
        }
        let insert = Insert::many(rows);
        let mut on = OnConflict::columns(key);
        let insert = match taken {
            Taken::Fails => insert,
            Taken::Changes(columns) => insert.on_conflict(on.update_columns(columns).to_owned()),
            Taken::Stays => insert.on_conflict(on.do_nothing().to_owned()),
        };
        insert
            .exec_without_returning(self.access.conn())
            .await
            .map_err(|error| self.access.noted(error))?;
        Ok(())
    }

    /// Changes the tenant's rows that the closure selects, in one statement; answers how many.
    /// `s.update_where::<ticket::Entity>(|q| q.set(active).filter(Column::Id.eq(id)).filter(Column::Version.eq(v)))`
    ///
    /// # Errors
    /// [`Error::Unique`] when a changed key is taken.
    #[expect(clippy::disallowed_methods, reason = "scoped on the same line")]
    pub async fn update_where<E: TenantOwned>(
        &self,
        change: impl FnOnce(UpdateMany<E>) -> UpdateMany<E> + Send,
    ) -> Result<u64, Error> {
        self.demand_transaction()?;
        let update = change(E::update_many().filter(E::tenant_column().eq(self.tenant.uuid())));
        let done = update
            .exec(self.access.conn())
            .await
            .map_err(|error| self.access.noted(error))?;
        Ok(done.rows_affected)
    }

    /// Deletes the tenant's rows that fulfil the condition; answers how many.
    ///
    /// # Errors
    /// When the store fails.
    #[expect(clippy::disallowed_methods, reason = "scoped on the same line")]
    pub async fn delete_where<E: TenantOwned>(
        &self,
        condition: impl IntoCondition + Send,
    ) -> Result<u64, Error> {
        self.demand_transaction()?;
        let delete = E::delete_many()
            .filter(E::tenant_column().eq(self.tenant.uuid()))
            .filter(condition.into_condition());
        let done = delete
            .exec(self.access.conn())
            .await
            .map_err(|error| self.access.noted(error))?;
        Ok(done.rows_affected)
    }

    /// The first row of a raw query. `$1` is bound to the tenant and must be compared with (or inserted into)
    /// `tenant_id`; the values given stand at `$2` and on.
    ///
    /// # Errors
    /// [`Error::Misconfigured`] when the text does not name `tenant_id` and `$1`.
    pub async fn raw_one(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value> + Send,
    ) -> Result<Option<QueryResult>, Error> {
        let values = self.bound(sql, values)?;
        self.access.one(sql, values).await
    }

    /// Every row of a raw query; see [`Scoped::raw_one`].
    ///
    /// # Errors
    /// [`Error::Misconfigured`] when the text does not name `tenant_id` and `$1`.
    pub async fn raw_all(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value> + Send,
    ) -> Result<Vec<QueryResult>, Error> {
        let values = self.bound(sql, values)?;
        self.access.all(sql, values).await
    }

    /// Runs a raw statement and answers how many rows it touched; see [`Scoped::raw_one`].
    ///
    /// # Errors
    /// [`Error::Misconfigured`] when the text does not name `tenant_id` and `$1`.
    pub async fn raw_exec(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value> + Send,
    ) -> Result<u64, Error> {
        let values = self.bound(sql, values)?;
        self.access.exec(sql, values).await
    }

    /// The row was changed since it was read: the transaction is repeated with what is there now.
    #[must_use]
    pub fn stale(&self) -> Error {
        self.access.noting(Error::Stale)
    }

    /// A concurrent transaction came first: the transaction is repeated.
    #[must_use]
    pub fn raced(&self) -> Error {
        self.access.noting(Error::Raced)
    }

    /// For `WHERE version = $n`: no row touched means that it was changed since it was read.
    ///
    /// # Errors
    /// [`Error::Stale`] when no row was touched.
    pub fn stale_if_none(&self, rows_affected: u64) -> Result<(), Error> {
        if rows_affected == 0 {
            Err(self.stale())
        } else {
            Ok(())
        }
    }

    /// Runs `action` once the transaction has committed, never when it rolls back.
    pub fn after_commit(&self, action: impl FnOnce() + Send + 'static) {
        self.access.after_commit(action);
    }

    fn own<A>(&self, active: &mut A) -> Result<(), Error>
    where
        A: ActiveModelTrait,
        A::Entity: TenantOwned,
    {
        self.demand_transaction()?;
        active
            .try_set(
                <A::Entity as TenantOwned>::tenant_column(),
                self.tenant.uuid().into(),
            )
            .map_err(Error::from)
    }

    fn demand_transaction(&self) -> Result<(), Error> {
        if self.access.in_transaction() {
            return Ok(());
        }
        Err(Error::Misconfigured("a write outside a transaction".into()))
    }

    fn bound(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<Value>, Error> {
        if !sql.contains("tenant_id") || !names_first(sql) {
            return Err(Error::Misconfigured(
                "a raw statement that is not bound to the tenant".into(),
            ));
        }
        Ok(std::iter::once(self.tenant.uuid().into())
            .chain(values)
            .collect())
    }
}

/// Whether `$1` itself (not `$10`) is in the text.
fn names_first(sql: &str) -> bool {
    sql.match_indices("$1")
        .any(|(at, _)| !sql[at + 2..].starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::names_first;

    #[test]
    fn a_later_placeholder_is_not_the_tenants() {
        assert!(names_first("select 1 where tenant_id = $1"));
        assert!(!names_first("select 1 where tenant_id = $12"));
    }
}
