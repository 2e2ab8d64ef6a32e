//! Who calls: one bearer token in, one verified caller out.
//!
//! Whatever is wrong with a credential, the caller learns one thing: that it is not valid. The reason goes
//! into the log.

use std::sync::Arc;

use http::HeaderMap;
use jsonwebtoken::crypto::CryptoProvider;
use rapport_foundation::http_client::HttpClient;
use rapport_foundation::service::Task;
use rapport_foundation::time::{Clock, Micros};
use tokio_util::sync::CancellationToken;

use crate::config::{Auth, ClaimNames};
use crate::directory::Directory;
use crate::error::{OpenError, Rejection};
use crate::protection::{Protection, Protections};

mod cache;
mod claims;
mod credential;
pub mod development;
mod jwks;
mod jwt;
mod rejected;

pub use claims::Caller;
pub use jwks::KeyRing;
pub use rejected::Rejected;

use cache::{Generation, Verified};

/// Checks credentials.
#[derive(Clone)]
pub struct Authenticator(Arc<Inner>);

struct Inner {
    issuers: Vec<TrustedIssuer>,
    verified: Verified,
    directory: Directory,
    clock: Clock,
    rules: claims::Rules,
    protections: Protections,
}

/// An identity provider as it is trusted: its keys sign for it and for nobody else.
struct TrustedIssuer {
    issuer: String,
    audiences: Vec<String>,
    names: ClaimNames,
    keys: KeyRing,
}

impl Authenticator {
    /// Reads the key sets that are files, starts to fetch those that are URLs, and gives the tasks that
    /// keep them fresh.
    ///
    /// # Errors
    /// When a setting or a key file cannot be used. A URL that does not answer is no error: its
    /// provider's tokens are refused until it does.
    pub async fn open(
        config: &Auth,
        http: &HttpClient,
        directory: Directory,
        clock: Clock,
        protections: Protections,
        shutdown: &CancellationToken,
    ) -> Result<(Self, Vec<Task>), OpenError> {
        // Named, because it panics at the first token when a dependency brings a second one along. Installed
        // already is as good.
        let _ = CryptoProvider::install_default(&jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER);
        let mut issuers = Vec::new();
        let mut tasks = Vec::new();
        for (at, issuer) in config.issuers.iter().enumerate() {
            let key = format!("auth.issuers[{at}]");
            if issuer.issuer.is_empty() || issuer.audiences.is_empty() {
                return Err(OpenError::setting(key, "needs `issuer` and `audiences`"));
            }
            if issuers
                .iter()
                .any(|known: &TrustedIssuer| known.issuer == issuer.issuer)
            {
                return Err(OpenError::setting(key, "names an issuer a second time"));
            }
            let source = jwks::Source::of(issuer, http)
                .map_err(|problem| OpenError::setting(key, problem))?;
            let (keys, task) = KeyRing::open(source, config, protections, shutdown.clone()).await?;
            tasks.push(task);
            issuers.push(TrustedIssuer {
                issuer: issuer.issuer.clone(),
                audiences: issuer.audiences.clone(),
                names: issuer.claims.clone(),
                keys,
            });
        }
        if let Some(secret) = &config.development_secret {
            if secret.expose().len() < development::SHORTEST_SECRET_BYTES {
                return Err(OpenError::setting(
                    "auth.development_secret",
                    "is shorter than 32 bytes",
                ));
            }
            tracing::warn!("tokens signed with the development secret are accepted");
            issuers.push(TrustedIssuer {
                issuer: development::ISSUER.into(),
                audiences: vec![development::AUDIENCE.into()],
                names: ClaimNames::default(),
                keys: KeyRing::of_secret(secret.expose().as_bytes()),
            });
        }
        if issuers.is_empty() {
            tracing::warn!("no issuer is configured: every call will be refused");
        }
        let inner = Inner {
            issuers,
            verified: Verified::new(config.cached_tokens),
            directory,
            clock,
            rules: claims::Rules::of(config, protections),
            protections,
        };
        Ok((Authenticator(Arc::new(inner)), tasks))
    }

    /// The caller behind the headers of a call.
    ///
    /// # Errors
    /// [`Rejection::Unauthenticated`], whatever was wrong.
    pub fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, Rejection> {
        self.check(headers).map_err(|reason| {
            tracing::warn!(%reason, "a credential was refused");
            Rejection::Unauthenticated
        })
    }

    fn check(&self, headers: &HeaderMap) -> Result<Caller, Rejected> {
        let this = &*self.0;
        let token = credential::bearer(headers, this.protections)?;
        let now = this.clock.now();
        let hash = cache::hash(token);
        let caller = match this.verified.get(&hash, this.protections) {
            Some(caller) => caller,
            None => {
                let (caller, under) = self.verify(token, now)?;
                this.verified.insert(hash, caller.clone(), under);
                caller
            }
        };
        if now >= caller.expires && this.protections.on(Protection::Expiry) {
            return Err(Rejected::Expired);
        }
        // Not part of what is remembered: a tenant can be suspended at any moment.
        let shut_out = !caller.is_tenantless() && !this.directory.is_active(caller.context.tenant);
        if shut_out && this.protections.on(Protection::TenantActive) {
            return Err(Rejected::TenantUnknown);
        }
        Ok(caller)
    }

    fn verify(&self, token: &str, now: Micros) -> Result<(Caller, (Generation, u64)), Rejected> {
        let protections = self.0.protections;
        let parsed = jwt::Parsed::read(token, protections)?;
        // The claimed issuer only chooses the keys; it is believed once one of them fits.
        let claimed = parsed.issuer()?;
        let issuer = self.0.issuers.iter().find(|known| known.issuer == claimed);
        let issuer = match issuer {
            None if !protections.on(Protection::Issuer) => self.0.issuers.first(),
            issuer => issuer,
        };
        let issuer = issuer.ok_or(Rejected::IssuerUnknown)?;
        let generation = issuer.keys.generation().clone();
        let under = generation.current();
        let key = issuer
            .keys
            .find(parsed.header.kid.as_deref(), protections)?;
        parsed.verify(&key, protections)?;
        let caller = claims::read(
            parsed.claims,
            &issuer.audiences,
            &issuer.names,
            &self.0.rules,
            now,
        )?;
        Ok((caller, (generation, under)))
    }
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let issuers: Vec<_> = self.0.issuers.iter().map(|known| &known.issuer).collect();
        write!(f, "Authenticator({issuers:?})")
    }
}
