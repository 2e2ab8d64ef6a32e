//! An environment to open services in, all in this process.

use std::ops::Deref;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use super::{Engine, Migrations, TestDatabase, engines};
use crate::channel::{Channel, Neighbours};
use crate::context::{self, Context, KeySet};
use crate::db::Database;
use crate::id::TenantId;
use crate::role::Role;
use crate::seal::{Keyring, Vault};
use crate::service::{Env, guard};
use crate::time::Clock;

/// What the services of one test share: keys, the ways between them, and the clock.
#[derive(Clone)]
pub struct House {
    /// Everybody's keys.
    pub keys: KeySet,
    /// The ways between the services.
    pub neighbours: Neighbours,
    /// The clock of all of them.
    pub clock: Clock,
    /// Ends all of them.
    pub shutdown: CancellationToken,
}

impl House {
    /// An empty house on this clock.
    ///
    /// # Panics
    /// When the random source fails.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test cannot go on without its keys")]
    pub fn new(clock: Clock) -> Self {
        Self {
            keys: KeySet::ephemeral().expect("fresh keys"),
            neighbours: Neighbours::default(),
            clock,
            shutdown: CancellationToken::new(),
        }
    }

    /// An environment for one service with a fresh database.
    pub async fn env(&self, engine: &Engine, role: Role, migrations: Migrations) -> TestEnv {
        let database = engine.database(role, migrations).await;
        self.env_on(database, role).await
    }

    /// An environment for one service on a database that is there already, as after a restart.
    ///
    /// # Panics
    /// When the database cannot be opened.
    #[expect(
        clippy::expect_used,
        reason = "a test cannot go on without its database"
    )]
    pub async fn env_on(&self, database: impl Into<Arc<TestDatabase>>, role: Role) -> TestEnv {
        let database = database.into();
        let db = Database::open(&database.config, role)
            .await
            .expect("the database opens");
        let vault = Vault::new(Keyring::single([42; 32]));
        let env = Env {
            role,
            db,
            page_tokens: vault.page_tokens(role.as_str()),
            vault,
            clock: self.clock.clone(),
            neighbours: self.neighbours.clone(),
            signer: self.keys.signer(role, &self.clock).expect("the role's key"),
            verifier: self.keys.verifier(role, &self.clock),
            shutdown: self.shutdown.child_token(),
        };
        TestEnv {
            env,
            house: self.clone(),
            database,
        }
    }
}

/// An environment with what lies behind it; use it as an [`Env`].
pub struct TestEnv {
    /// What a service is opened with: `rapport_x::open(t.env.clone(), config)`.
    pub env: Env,
    /// What it shares with the other services of the test.
    pub house: House,
    /// Its database.
    pub database: Arc<TestDatabase>,
}

impl Deref for TestEnv {
    type Target = Env;

    fn deref(&self) -> &Env {
        &self.env
    }
}

impl TestEnv {
    /// Puts the guard around a service's routes, lets its neighbours find it, and answers the way to it.
    pub fn attach(&self, routes: Routes) -> Channel {
        let channel = Channel::local(guard(routes, self.env.verifier.clone()));
        self.house.neighbours.set(self.env.role, channel.clone());
        channel
    }

    /// A request as the gateway passes it on: of a member of staff with these scopes.
    pub fn request<M>(&self, tenant: TenantId, scopes: &[&str], message: M) -> tonic::Request<M> {
        self.request_as(&super::context(tenant, scopes), message)
    }

    /// A request as the gateway passes it on, of any principal.
    ///
    /// # Panics
    /// When the gateway's key is missing.
    #[expect(clippy::expect_used, reason = "the house holds all keys")]
    pub fn request_as<M>(&self, context: &Context, message: M) -> tonic::Request<M> {
        let gateway = self
            .house
            .keys
            .signer(Role::Gateway, &self.house.clock)
            .expect("the gateway's key");
        let mut request = tonic::Request::new(message);
        let header = gateway.header_for(context, self.env.role);
        request
            .metadata_mut()
            .as_mut()
            .insert(context::HEADER, header);
        request
    }
}

impl Drop for TestEnv {
    fn drop(&mut self) {
        self.env.shutdown.cancel();
    }
}

/// An environment for one service alone, on the clock of the machine.
pub async fn env(engine: &Engine, role: Role, migrations: Migrations) -> TestEnv {
    House::new(Clock::system())
        .env(engine, role, migrations)
        .await
}

/// Runs one test body on every engine, each with a fresh database:
/// `on_every_engine(Role::Profiles, migrations, async |t| { … }).await`.
#[expect(
    clippy::print_stderr,
    reason = "a failing test must say on which engine"
)]
pub async fn on_every_engine(
    role: Role,
    migrations: Migrations,
    mut test: impl AsyncFnMut(TestEnv),
) {
    for engine in engines() {
        eprintln!("on {}", engine.name());
        let t = env(&engine, role, migrations).await;
        // Services that know each other keep their databases open after the test: close it by hand.
        let db = t.db.clone();
        Box::pin(test(t)).await;
        db.close().await;
    }
}
