//! From settings to a gateway, step by step.

use std::time::Duration;

use rapport_foundation::channel::Channel;
use rapport_foundation::http_client::HttpClient;
use rapport_foundation::role::Role;
use rapport_foundation::service::{Env, Readiness, Task, guard};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::app::Access;
use crate::app::audit::Trail;
use crate::audit::Auditor;
use crate::auth::Authenticator;
use crate::dialects::DialectsLayer;
use crate::directory::{Directory, Limit};
use crate::layers::{self, LifetimeSource, Parts};
use crate::limits::Limiter;
use crate::policy::{Authority, Policies};
use crate::protection::Protections;
use crate::proxy::Proxy;
use crate::store::{self, Store};
use crate::{Config, Gateway, OpenError, grpc, reflection, work};

/// What every step works with.
struct Assembly {
    env: Env,
    config: Config,
    protections: Protections,
    policies: Policies,
    authority: Authority,
    store: Store,
    directory: Directory,
    tasks: Vec<Task>,
}

/// Reads what must be known, starts what goes on beside the calls, and puts the layers around the proxy.
pub(crate) async fn gateway(
    env: Env,
    config: Config,
    readiness: &Readiness,
    protections: Protections,
) -> Result<Gateway, OpenError> {
    let mut this = Assembly::begin(env, config, protections).await?;
    let authenticator = this.authenticator().await?;
    this.keep_up(readiness);
    let (auditor, drained) = this.auditor().await?;
    this.serve_itself()?;
    let proxy = Proxy::new(&this.env.neighbours, this.env.signer.clone(), protections);
    let parts = this.parts(authenticator, auditor, readiness)?;
    Ok(Gateway {
        parts,
        proxy,
        store: this.store,
        directory: this.directory,
        listen: this.config.listen,
        limits: this.config.limits,
        protections,
        shutdown: this.env.shutdown,
        tasks: this.tasks,
        drained,
    })
}

impl Assembly {
    async fn begin(env: Env, config: Config, protections: Protections) -> Result<Self, OpenError> {
        config.limits.check()?;
        config.quotas.check()?;
        config.auth.check()?;
        config.check_certificates()?;
        config.check_stale()?;
        let mut policies = Policies::read(rapport_proto::pool())?;
        if config.reflection {
            policies = policies.with(reflection::methods());
        }
        let store = Store::new(env.db.clone());
        let directory = Directory::new(env.clock.clone());
        directory.refresh(&store).await?;
        Ok(Assembly {
            authority: Authority::of(&policies, protections),
            env,
            config,
            protections,
            policies,
            store,
            directory,
            tasks: Vec::new(),
        })
    }

    async fn authenticator(&mut self) -> Result<Authenticator, OpenError> {
        let http = HttpClient::new(&self.config.http_client)?;
        let (authenticator, tasks) = Authenticator::open(
            &self.config.auth,
            &http,
            &self.authority,
            self.directory.clone(),
            self.env.clock.clone(),
            self.protections,
            &self.env.shutdown,
        )
        .await?;
        self.tasks.extend(tasks);
        Ok(authenticator)
    }

    /// What is known of the tenants is read again and again, and what was noted in memory written.
    fn keep_up(&mut self, readiness: &Readiness) {
        let (directory, store) = (&self.directory, &self.store);
        let every = Duration::from_millis(self.config.tenant_refresh_ms.max(100));
        let stop = self.env.shutdown.clone();
        let limit = Limit::of(&self.config);
        self.tasks
            .push(directory.keep_fresh(store.clone(), every, limit, readiness.clone(), stop));
        let every = Duration::from_secs(self.config.access.write_seconds.max(1));
        self.tasks.push(work::keep_written(
            directory.clone(),
            store.clone(),
            every,
            self.env.clock.clone(),
            self.env.shutdown.clone(),
        ));
    }

    /// The audit trail. It is written to its end once the guard is gone.
    async fn auditor(&mut self) -> Result<(Auditor, DropGuard), OpenError> {
        let drained = CancellationToken::new();
        let trail = store::audit::Audit::new(self.env.db.clone());
        let (clock, config) = (self.env.clock.clone(), &self.config.audit);
        let (auditor, writer) = Auditor::open(config, trail, clock, drained.clone()).await?;
        self.tasks.push(writer);
        self.tasks.push(work::keep_audit_young(
            config.clone(),
            store::audit::Audit::new(self.env.db.clone()),
            self.env.clock.clone(),
            self.env.shutdown.clone(),
        ));
        Ok((auditor, drained.drop_guard()))
    }

    /// The gateway's own services, reached like those of any other role.
    fn serve_itself(&self) -> Result<(), OpenError> {
        let env = &self.env;
        let access = Access {
            store: self.store.clone(),
            directory: self.directory.clone(),
            clock: env.clock.clone(),
            page_tokens: env.page_tokens.clone(),
            authority: self.authority.clone(),
            limits: self.config.access.clone(),
            longest: self.config.auth.longest(),
        };
        let trail = store::audit::Audit::new(env.db.clone());
        let reader = Trail::new(trail, env.clock.clone(), env.page_tokens.clone());
        let mut api = grpc::routes(access, reader);
        if self.config.reflection {
            api = reflection::served(api)?;
        }
        // Behind the same guard as every service: the way to it is no shorter because it is near.
        let own = guard(api, env.verifier.clone());
        env.neighbours.set(Role::Gateway, Channel::local(own));
        Ok(())
    }

    fn dialects(&self) -> Result<DialectsLayer, OpenError> {
        let most_bytes = layers::most_bytes(&self.config.limits, self.protections);
        let pool = rapport_proto::pool();
        let dialects = DialectsLayer::read(pool, &self.policies, most_bytes, self.protections)?;
        Ok(dialects)
    }

    fn parts(
        &self,
        authenticator: Authenticator,
        auditor: Auditor,
        readiness: &Readiness,
    ) -> Result<Parts, OpenError> {
        let config = &self.config;
        Ok(Parts {
            dialects: self.dialects()?,
            origins: config.origins()?,
            limiter: Limiter::new(
                config.quotas.clone(),
                &config.overload,
                self.directory.clone(),
                self.protections,
            ),
            lifetime: LifetimeSource {
                clock: self.env.clock.clone(),
                shutdown: self.env.shutdown.clone(),
                authenticator: authenticator.clone(),
                directory: self.directory.clone(),
                protections: self.protections,
            },
            authenticator,
            auditor,
            policies: self.policies.clone(),
            health: readiness.server(),
            access_log: config.access_log,
            deadlines: config.deadlines.clone(),
            limits: config.limits.clone(),
            protections: self.protections,
        })
    }
}
