//! PostgreSQL: a small pool of sessions that remember which tenant their row security is set to.
//!
//! Setting the tenant in every transaction costs a round trip (60 % measured), so a session keeps it and a call
//! prefers a session that is already on its tenant. A session counts as unknown while it is out, and gets its
//! tenant back only when the call ended cleanly: a cancelled or failed call makes the next one set it again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sea_orm::sqlx::postgres::PgPoolOptions;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement, sqlx,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{DatabaseConfig, Error};
use crate::id::TenantId;
use crate::role::Role;

const SET_TENANT: &str = "select set_config('app.tenant', $1, false)";
/// An idle connection is tried before use when it was idle for this long; a ping each time would cost 12–22 %.
const PING_AFTER: Duration = Duration::from_secs(30);

/// The sessions of the app login.
#[derive(Clone)]
pub(crate) struct Sessions(Arc<Pool>);

struct Pool {
    idle: Mutex<Vec<Session>>,
    permits: Arc<Semaphore>,
    acquire_timeout: Duration,
}

struct Session {
    conn: DatabaseConnection,
    /// The tenant the session variable is known to hold.
    tenant: Option<TenantId>,
    /// What a connection made anew inside the pool is to be set to, so that a reconnect cannot lose the tenant.
    wanted: Arc<Mutex<Option<TenantId>>>,
}

/// A session that is out for one call; goes back when dropped.
pub(crate) struct Lease {
    conn: DatabaseConnection,
    held: Option<Held>,
}

struct Held {
    session: Option<Session>,
    tenant: TenantId,
    clean: bool,
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    /// A connection that belongs to no tenant.
    pub(crate) fn plain(conn: DatabaseConnection) -> Self {
        Self { conn, held: None }
    }

    pub(crate) fn connection(&self) -> &DatabaseConnection {
        &self.conn
    }

    /// The call ended as it should: the session is known to be on its tenant still.
    pub(crate) fn finished_cleanly(&mut self) {
        if let Some(held) = &mut self.held {
            held.clean = true;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(mut session) = self.session.take() {
            session.tenant = self.clean.then_some(self.tenant);
            lock(&self.pool.idle).push(session);
        }
    }
}

impl Sessions {
    pub(crate) async fn open(config: &DatabaseConfig, role: Role) -> Result<Self, Error> {
        let count = config.max_connections.max(1);
        let mut sessions = Vec::new();
        for _ in 0..count {
            sessions.push(Session::open(config, role).await?);
        }
        if let Some(first) = sessions.first() {
            refuse_unbound_login(&first.conn).await?;
        }
        Ok(Self(Arc::new(Pool {
            idle: Mutex::new(sessions),
            permits: Arc::new(Semaphore::new(usize::try_from(count).unwrap_or(1))),
            acquire_timeout: config.acquire_timeout(),
        })))
    }

    /// A session set to this tenant.
    pub(crate) async fn lease(&self, tenant: TenantId) -> Result<Lease, Error> {
        let permit = tokio::time::timeout(
            self.0.acquire_timeout,
            Arc::clone(&self.0.permits).acquire_owned(),
        )
        .await
        .map_err(|_| Error::Busy)?
        .map_err(|_| Error::Unreachable)?;
        let mut session = self.take(tenant).ok_or(Error::Unreachable)?;
        let known = session.tenant.take();
        *lock(&session.wanted) = Some(tenant);
        let conn = session.conn.clone();
        let lease = Lease {
            conn: conn.clone(),
            held: Some(Held {
                session: Some(session),
                tenant,
                clean: false,
                pool: Arc::clone(&self.0),
                _permit: permit,
            }),
        };
        if known != Some(tenant) {
            set_tenant(&conn, tenant).await?;
        }
        Ok(lease)
    }

    pub(crate) async fn close(&self) {
        self.0.permits.close();
        let sessions = std::mem::take(&mut *lock(&self.0.idle));
        for session in sessions {
            let _ = session.conn.close_by_ref().await;
        }
    }

    /// Prefers a session on this tenant, then one that is unknown or was used longest ago.
    fn take(&self, tenant: TenantId) -> Option<Session> {
        let mut idle = lock(&self.0.idle);
        let at = idle
            .iter()
            .rposition(|session| session.tenant == Some(tenant))
            .unwrap_or(0);
        (!idle.is_empty()).then(|| idle.remove(at))
    }
}

impl Session {
    async fn open(config: &DatabaseConfig, role: Role) -> Result<Self, Error> {
        let wanted: Arc<Mutex<Option<TenantId>>> = Arc::default();
        let mut options = options(&config.url, config, role);
        options
            .max_connections(1)
            .min_connections(0)
            .connect_lazy(true);
        let hook = Arc::clone(&wanted);
        options.map_sqlx_postgres_pool_opts(move |pool: PgPoolOptions| {
            let wanted = Arc::clone(&hook);
            pool.after_connect(move |conn, _| {
                let tenant = *lock(&wanted);
                Box::pin(async move {
                    if let Some(tenant) = tenant {
                        sqlx::query(SET_TENANT)
                            .bind(tenant.uuid().to_string())
                            .execute(conn)
                            .await?;
                    }
                    Ok(())
                })
            })
        });
        Ok(Self {
            conn: Database::connect(options).await?,
            tenant: None,
            wanted,
        })
    }
}

/// The pool of the system login, which sees all tenants.
pub(crate) async fn open_system(
    config: &DatabaseConfig,
    role: Role,
) -> Result<DatabaseConnection, Error> {
    if config.system_url.is_empty() {
        return Err(Error::Misconfigured(
            "PostgreSQL needs system_url beside url".into(),
        ));
    }
    let mut options = options(&config.system_url, config, role);
    options
        .max_connections(config.system_connections.max(1))
        .min_connections(0);
    Ok(Database::connect(options).await?)
}

fn options(url: &str, config: &DatabaseConfig, role: Role) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .acquire_timeout(config.acquire_timeout())
        .idle_timeout(None)
        .max_lifetime(None)
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .set_application_name(format!("rapport-{role}"))
        .statement_timeout(Duration::from_millis(config.statement_timeout_ms))
        .test_before_acquire_if_idle_for(PING_AFTER)
        .map_sqlx_postgres_opts(|session| session.options([AS_IT_IS, ABANDONED]));
    options
}

/// No transaction waits for anything but the database. One in which nothing happens for so long is of a process that was
/// stopped or cut off: its rows must not stay locked for whoever takes its place.
const ABANDONED: (&str, &str) = ("idle_in_transaction_session_timeout", "3s");

/// A prepared statement soon keeps one plan for all values, made for the tables as they were. Made while they were empty it
/// joins a tenant's rows whole, long after: 117 ms instead of 1.6 for a batch of 218 contacts (measured). Planning anew
/// costs a tenth of a millisecond, and a batch is one statement a table.
const AS_IT_IS: (&str, &str) = ("plan_cache_mode", "force_custom_plan");

/// A session that broke while it was idle is replaced once: the server may have been restarted meanwhile.
async fn set_tenant(conn: &DatabaseConnection, tenant: TenantId) -> Result<(), Error> {
    match set_tenant_once(conn, tenant).await {
        Err(Error::Unreachable) => set_tenant_once(conn, tenant).await,
        outcome => outcome,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "sets the session up before anything is scoped"
)]
async fn set_tenant_once(conn: &DatabaseConnection, tenant: TenantId) -> Result<(), Error> {
    let value = tenant.uuid().to_string();
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, SET_TENANT, [value.into()]);
    conn.query_one_raw(statement).await?;
    Ok(())
}

/// A login that row security does not hold would turn every forgotten filter into a leak.
#[expect(clippy::disallowed_methods, reason = "looks at the login itself")]
async fn refuse_unbound_login(conn: &DatabaseConnection) -> Result<(), Error> {
    let sql =
        "select rolsuper or rolbypassrls as unbound from pg_roles where rolname = current_user";
    let row = conn
        .query_one_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await?;
    let unbound = row
        .map(|row| row.try_get::<bool>("", "unbound"))
        .transpose()?
        .unwrap_or(true);
    if unbound {
        return Err(Error::Misconfigured(
            "the login of `url` is a superuser or bypasses row security".into(),
        ));
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
