//! Who calls: one credential in (a token, an API key, a certificate), one verified caller out.
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

use crate::accept::Client;
use crate::config::{Auth, ClaimNames};
use crate::directory::{Directory, Known};
use crate::domain::key_text::Hash;
use crate::error::{OpenError, Rejection};
use crate::policy::Authority;
use crate::protection::{Protection, Protections};

mod cache;
mod caller;
mod certificate;
mod claims;
mod credential;
pub mod development;
mod issuers;
mod jwks;
mod jwt;
mod keys;
mod patience;
mod rejected;

pub use caller::Caller;
pub use certificate::PeerCertificate;
pub(crate) use credential::API_KEY;
pub use jwks::KeyRing;
pub use rejected::Rejected;

use cache::{Entry, Generation, Verified};
use caller::{Evidence, access_of};
use certificate::Certificates;
use credential::Credential;
use issuers::TrustedIssuer;
use patience::{Drawn, Patience};

/// Checks credentials.
#[derive(Clone)]
pub struct Authenticator(Arc<Inner>);

struct Inner {
    issuers: Vec<TrustedIssuer>,
    verified: Verified,
    patience: Patience,
    directory: Directory,
    clock: Clock,
    rules: claims::Rules,
    protections: Protections,
    certificates: Option<Certificates>,
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
        authority: &Authority,
        directory: Directory,
        clock: Clock,
        protections: Protections,
        shutdown: &CancellationToken,
    ) -> Result<(Self, Vec<Task>), OpenError> {
        // Named, because it panics at the first token when a dependency brings a second one along. Installed
        // already is as good.
        let _ = CryptoProvider::install_default(&jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER);
        let (mut issuers, tasks) = issuers::open(config, http, protections, shutdown).await?;
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
                tenants: Vec::new(),
                names: ClaimNames::default(),
                keys: KeyRing::of_secret(secret.expose().as_bytes()),
            });
        }
        if issuers.is_empty() {
            tracing::warn!("no issuer is configured: every token will be refused");
        }
        let inner = Inner {
            issuers,
            verified: Verified::new(config.cached_tokens),
            patience: Patience::of(config, protections),
            directory,
            clock,
            rules: claims::Rules::of(config, protections),
            certificates: Certificates::of(config, authority, protections)?,
            protections,
        };
        Ok((Authenticator(Arc::new(inner)), tasks))
    }

    /// The caller behind the headers of a call from a client, or behind the certificate of its connection.
    ///
    /// # Errors
    /// [`Rejection::Unauthenticated`], whatever was wrong; [`Rejection::TooManyRefused`] when it was not looked at.
    pub(crate) fn authenticate(
        &self,
        headers: &HeaderMap,
        peer: Option<&Arc<PeerCertificate>>,
        client: Option<Client>,
    ) -> Result<Caller, Rejection> {
        self.check(headers, peer, client)
            .map_err(|reason| match reason {
                // Each of a flood in the log would be a flood there.
                Rejected::TooMany(retry_after) => {
                    tracing::debug!(%reason, "a credential was not looked at");
                    Rejection::TooManyRefused { retry_after }
                }
                // Nor each call while the database is away.
                Rejected::Stale => Rejection::AccessStale,
                reason => {
                    tracing::warn!(%reason, "a credential was refused");
                    Rejection::Unauthenticated
                }
            })
    }

    /// The caller as they would be let in now, on the same credential.
    ///
    /// # Errors
    /// Why they would not.
    pub(crate) fn again(&self, caller: &Caller) -> Result<Caller, Rejected> {
        self.known_well_enough()?;
        caller.again(
            &self.0.directory.known(),
            self.0.clock.now(),
            self.0.protections,
        )
    }

    /// What ends a stream whose caller would not be let in again.
    pub(crate) fn why_ended(&self) -> Rejection {
        match self.known_well_enough() {
            Err(_) => Rejection::AccessStale,
            Ok(()) => Rejection::TokenEnded,
        }
    }

    /// Whether it is known well enough who may call: revocations may have been made that have not come here.
    fn known_well_enough(&self) -> Result<(), Rejected> {
        let closed = self.0.directory.is_closed() && self.0.protections.on(Protection::Stale);
        if closed { Err(Rejected::Stale) } else { Ok(()) }
    }

    fn check(
        &self,
        headers: &HeaderMap,
        peer: Option<&Arc<PeerCertificate>>,
        client: Option<Client>,
    ) -> Result<Caller, Rejected> {
        let this = &*self.0;
        let credential = Credential::of(headers, peer, this.protections)?;
        let (now, hash) = (this.clock.now(), credential.hash());
        let known = this.directory.known();
        let remembered = this.verified.get(&hash, &known, this.protections);
        let (mut entry, drawn) = match remembered {
            Some(entry) => (entry, None),
            None => {
                let drawn = this.patience.draw(client)?;
                (self.verify(&credential, &hash, &known, now)?, Some(drawn))
            }
        };
        if now >= entry.caller.expires && this.protections.on(Protection::Expiry) {
            return Err(Rejected::Expired);
        }
        // Not part of what is remembered: a tenant can be suspended at any moment, give roles and take them, revoke.
        let access = access_of(&known, entry.caller.own.tenant, this.protections)?;
        if drawn.is_some() || !Arc::ptr_eq(&entry.access, access) {
            entry.caller = entry.caller.under(access, this.protections)?;
            entry.access = Arc::clone(access);
            this.verified.insert(hash, entry.clone());
            // Good to the end: from here on it is remembered.
            drawn.into_iter().for_each(Drawn::give_back);
        }
        self.known_well_enough()?;
        if let Evidence::Key { key, .. } = &entry.caller.evidence {
            key.touch(now);
        }
        Ok(entry.caller)
    }

    /// Verifies what is not remembered. What the tenant says of the caller is not asked yet.
    fn verify(
        &self,
        credential: &Credential<'_>,
        hash: &Hash,
        known: &Known,
        now: Micros,
    ) -> Result<Entry, Rejected> {
        let (caller, under) = match credential {
            Credential::Token(token) => {
                let (caller, under) = self.verify_token(token, now)?;
                (caller, Some(under))
            }
            Credential::Key(text) => {
                let caller = keys::verify(text, hash, known, now, self.0.protections)?;
                (caller, None)
            }
            Credential::Certificate(peer) => {
                let certificates = self.0.certificates.as_ref().ok_or(Rejected::NoCredential)?;
                (certificates.caller(peer, now)?, None)
            }
        };
        Ok(Entry {
            caller,
            access: Arc::default(),
            under,
        })
    }

    fn verify_token(
        &self,
        token: &str,
        now: Micros,
    ) -> Result<(Caller, (Generation, u64)), Rejected> {
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
        let caller = claims::read(parsed.claims, issuer, &self.0.rules, now)?;
        Ok((caller, (generation, under)))
    }
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let issuers: Vec<_> = self.0.issuers.iter().map(|known| &known.issuer).collect();
        write!(f, "Authenticator({issuers:?})")
    }
}
