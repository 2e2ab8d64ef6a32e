//! One open way to the store, pooled or inside a transaction, and what was noticed while it was used.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult,
    QueryResult, Statement, Value,
};

use super::Error;
use super::bundle::Bundle;

/// A connection of a pool, or a transaction that has begun.
#[derive(Clone)]
pub(crate) enum Conn {
    Pooled(DatabaseConnection),
    Transaction(Arc<DatabaseTransaction>, Arc<Notes>),
}

#[async_trait::async_trait]
impl ConnectionTrait for Conn {
    fn get_database_backend(&self) -> DbBackend {
        match self {
            Self::Pooled(conn) => conn.get_database_backend(),
            Self::Transaction(tx, _) => ConnectionTrait::get_database_backend(tx.as_ref()),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the one way to the connection")]
    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match self {
            Self::Pooled(conn) => conn.execute_raw(statement).await,
            Self::Transaction(tx, notes) => notes.unless_failed(tx.execute_raw(statement)).await,
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the one way to the connection")]
    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match self {
            Self::Pooled(conn) => conn.execute_unprepared(sql).await,
            Self::Transaction(tx, notes) => notes.unless_failed(tx.execute_unprepared(sql)).await,
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the one way to the connection")]
    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match self {
            Self::Pooled(conn) => conn.query_one_raw(statement).await,
            Self::Transaction(tx, notes) => notes.unless_failed(tx.query_one_raw(statement)).await,
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the one way to the connection")]
    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::Pooled(conn) => conn.query_all_raw(statement).await,
            Self::Transaction(tx, notes) => notes.unless_failed(tx.query_all_raw(statement)).await,
        }
    }
}

type AfterCommit = Box<dyn FnOnce() + Send>;

/// What a transaction did or met, for whoever runs it.
#[derive(Default)]
pub(crate) struct Notes {
    repeatable: AtomicBool,
    /// No connection could be had.
    unconnected: AtomicBool,
    /// A connection that was there already broke.
    broken: AtomicBool,
    appended: AtomicBool,
    after_commit: Mutex<Vec<AfterCommit>>,
    /// The first statement of the transaction that the engine refused.
    failure: OnceLock<Error>,
}

impl Notes {
    pub(crate) fn is_repeatable(&self) -> bool {
        self.repeatable.load(Ordering::Relaxed)
    }

    /// Maps an engine error and remembers what it says about the connection.
    pub(crate) fn noted(&self, error: DbErr) -> Error {
        let unconnected = matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_));
        let error = self.noting(Error::from(error));
        if unconnected {
            self.unconnected.store(true, Ordering::Relaxed);
        } else if matches!(error, Error::Unreachable) {
            self.broken.store(true, Ordering::Relaxed);
        }
        error
    }

    /// Remembers whether running the transaction again may help against this error.
    pub(crate) fn noting(&self, error: Error) -> Error {
        if error.is_repeatable() {
            self.repeatable.store(true, Ordering::Relaxed);
        }
        error
    }

    /// Runs a statement of the transaction, unless an earlier one has failed. PostgreSQL has aborted it then; SQLite may
    /// have rolled it back (a full disk does that), and what followed would be stored one by one, outside of it.
    async fn unless_failed<T>(
        &self,
        statement: impl Future<Output = Result<T, DbErr>> + Send,
    ) -> Result<T, DbErr> {
        if self.failure().is_some() {
            return Err(DbErr::Custom("an earlier statement failed".to_owned()));
        }
        statement.await.inspect_err(|error| {
            // Only the first says what went wrong.
            let _ = self.failure.set(Error::from(error.clone()));
        })
    }

    /// Why the transaction cannot be committed any more.
    pub(crate) fn failure(&self) -> Option<&Error> {
        self.failure.get()
    }

    pub(crate) fn is_unconnected(&self) -> bool {
        self.unconnected.load(Ordering::Relaxed)
    }

    /// Whether a connection broke and another one may do: after a restart of the server all that were idle are dead.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed) && !self.is_unconnected()
    }

    pub(crate) fn has_appended(&self) -> bool {
        self.appended.load(Ordering::Relaxed)
    }

    pub(crate) fn run_after_commit(&self) {
        let actions = std::mem::take(
            &mut *self
                .after_commit
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        for action in actions {
            action();
        }
    }
}

/// The connection with its notes; shared by the scoped and the system view.
#[derive(Clone)]
pub(crate) struct Access {
    conn: Conn,
    notes: Arc<Notes>,
    /// Insertions that are kept until all are there.
    bundle: Option<Arc<Bundle>>,
}

impl Access {
    pub(crate) fn reading(conn: &DatabaseConnection, notes: Arc<Notes>) -> Self {
        Self {
            conn: Conn::Pooled(conn.clone()),
            notes,
            bundle: None,
        }
    }

    pub(crate) fn writing(tx: Arc<DatabaseTransaction>, notes: Arc<Notes>) -> Self {
        Self {
            conn: Conn::Transaction(tx, Arc::clone(&notes)),
            notes,
            bundle: None,
        }
    }

    /// The same, with insertions kept in a bundle.
    pub(crate) fn bundling(&self, bundle: Arc<Bundle>) -> Self {
        Self {
            bundle: Some(bundle),
            ..self.clone()
        }
    }

    /// Runs an insertion that nobody waits for an answer of, or keeps it.
    pub(crate) async fn insert(&self, sql: String, values: Vec<Value>) -> Result<(), Error> {
        match &self.bundle {
            Some(bundle) => bundle.add(&sql, values),
            None => drop(self.exec(&sql, values).await?),
        }
        Ok(())
    }

    pub(crate) fn conn(&self) -> &Conn {
        &self.conn
    }

    pub(crate) fn engine(&self) -> DbBackend {
        self.conn.get_database_backend()
    }

    pub(crate) fn in_transaction(&self) -> bool {
        matches!(self.conn, Conn::Transaction(..))
    }

    /// Maps an engine error and remembers whether running the transaction again may help.
    pub(crate) fn noted(&self, error: DbErr) -> Error {
        self.notes.noted(error)
    }

    pub(crate) fn noting(&self, error: Error) -> Error {
        self.notes.noting(error)
    }

    pub(crate) fn note_appended(&self) {
        self.notes.appended.store(true, Ordering::Relaxed);
    }

    /// Runs `action` once the transaction has committed; at once when there is none.
    pub(crate) fn after_commit(&self, action: impl FnOnce() + Send + 'static) {
        if self.in_transaction() {
            self.notes
                .after_commit
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(Box::new(action));
        } else {
            action();
        }
    }

    fn statement(&self, sql: &str, values: Vec<Value>) -> Statement {
        Statement::from_sql_and_values(self.engine(), sql, values)
    }

    #[expect(clippy::disallowed_methods, reason = "the one way to the connection")]
    pub(crate) async fn one(
        &self,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<Option<QueryResult>, Error> {
        self.conn
            .query_one_raw(self.statement(sql, values))
            .await
            .map_err(|error| self.noted(error))
    }

    #[expect(clippy::disallowed_methods, reason = "the one way to the connection")]
    pub(crate) async fn all(
        &self,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<Vec<QueryResult>, Error> {
        self.conn
            .query_all_raw(self.statement(sql, values))
            .await
            .map_err(|error| self.noted(error))
    }

    #[expect(clippy::disallowed_methods, reason = "the one way to the connection")]
    pub(crate) async fn exec(&self, sql: &str, values: Vec<Value>) -> Result<u64, Error> {
        if !self.in_transaction() {
            return Err(Error::Misconfigured("a write outside a transaction".into()));
        }
        let done = self
            .conn
            .execute_raw(self.statement(sql, values))
            .await
            .map_err(|error| self.noted(error))?;
        Ok(done.rows_affected())
    }
}
