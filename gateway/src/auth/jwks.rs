//! The public keys of an issuer: from a file or a URL, kept fresh beside the calls and never during one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use rapport_foundation::http_client::HttpClient;
use rapport_foundation::service::Task;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Rejected;
use super::cache::Generation;
use crate::config::{Auth, Issuer};
use crate::error::OpenError;
use crate::protection::{Protection, Protections};

/// How long to wait after a failed reading while there are no keys at all.
const EAGER: Duration = Duration::from_secs(2);

/// One key and the one algorithm it is good for.
pub(super) struct Key {
    id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) algorithm_name: &'static str,
    pub(super) key: DecodingKey,
}

/// Where a key set comes from.
pub(super) enum Source {
    File(PathBuf),
    Url(String, Box<HttpClient>),
}

impl Source {
    pub(super) fn of(issuer: &Issuer, http: &HttpClient) -> Result<Self, &'static str> {
        match (&issuer.jwks_file, &issuer.jwks_url) {
            (Some(file), None) => Ok(Source::File(file.clone())),
            (None, Some(url)) => Ok(Source::Url(url.clone(), Box::new(http.clone()))),
            _ => Err("needs exactly one of `jwks_file` and `jwks_url`"),
        }
    }

    async fn read(&self) -> Result<Vec<u8>, String> {
        match self {
            Source::File(path) => tokio::fs::read(path)
                .await
                .map_err(|error| error.to_string()),
            Source::Url(url, http) => match http.get(url).await {
                Ok(answer) if answer.status == http::StatusCode::OK => Ok(answer.body.into()),
                Ok(answer) => Err(format!("status {}", answer.status)),
                Err(error) => Err(error.to_string()),
            },
        }
    }
}

/// The keys of one issuer.
#[derive(Clone)]
pub struct KeyRing(Arc<Ring>);

struct Ring {
    keys: ArcSwap<Vec<Arc<Key>>>,
    /// Told when a token names a key that is not here.
    unknown: Notify,
    generation: Generation,
}

impl KeyRing {
    /// Reads the keys and gives the task that keeps them fresh.
    pub(super) async fn open(
        source: Source,
        config: &Auth,
        protections: Protections,
        shutdown: CancellationToken,
    ) -> Result<(Self, Task), OpenError> {
        let ring = KeyRing::with(Vec::new());
        let mut seen = Vec::new();
        match (load(&source).await, &source) {
            (Ok((keys, bytes)), _) => {
                seen = bytes;
                ring.replace(keys);
            }
            (Err(problem), Source::File(path)) => {
                let path = path.clone();
                return Err(OpenError::File { path, problem });
            }
            (Err(problem), Source::Url(url, _)) => {
                tracing::warn!(%url, %problem, "a key set could not be read; its tokens are refused until it can");
            }
        }
        let keeper = Keeper {
            ring: ring.clone(),
            source,
            seen,
            refresh: Duration::from_secs(config.jwks_refresh_seconds.max(1)),
            floor: Duration::from_secs(protections.limit(
                Protection::KeySetFloor,
                config.jwks_floor_seconds,
                0,
            )),
            keep: Duration::from_secs(config.jwks_keep_seconds),
        };
        let task = Task::spawn("key set", async move {
            tokio::select! {
                () = keeper.run() => (),
                () = shutdown.cancelled() => (),
            }
        });
        Ok((ring, task))
    }

    /// A ring with one shared secret.
    pub(super) fn of_secret(secret: &[u8]) -> Self {
        KeyRing::with(vec![Arc::new(Key {
            id: None,
            algorithm: Algorithm::HS256,
            algorithm_name: "HS256",
            key: DecodingKey::from_secret(secret),
        })])
    }

    fn with(keys: Vec<Arc<Key>>) -> Self {
        KeyRing(Arc::new(Ring {
            keys: ArcSwap::from_pointee(keys),
            unknown: Notify::new(),
            generation: Generation::default(),
        }))
    }

    /// The key a token names; without a name the only one there is. A name that is not known asks for a
    /// reading of the set, and the call does not wait for it.
    pub(super) fn find(
        &self,
        id: Option<&str>,
        protections: Protections,
    ) -> Result<Arc<Key>, Rejected> {
        let keys = self.0.keys.load();
        let found = match id {
            Some(id) => keys.iter().find(|key| match &key.id {
                Some(known) => known == id,
                // The development secret has no name and needs none.
                None => keys.len() == 1 && key.algorithm == Algorithm::HS256,
            }),
            None => keys.first().filter(|_| keys.len() == 1),
        };
        if found.is_none() && id.is_some() {
            self.0.unknown.notify_one();
        }
        if found.is_none() && !protections.on(Protection::KeyId) {
            return keys.first().cloned().ok_or(Rejected::KeyUnknown);
        }
        found.cloned().ok_or(Rejected::KeyUnknown)
    }

    /// How often the keys have changed.
    pub(super) fn generation(&self) -> &Generation {
        &self.0.generation
    }

    fn replace(&self, keys: Vec<Arc<Key>>) {
        self.0.keys.store(Arc::new(keys));
        self.0.generation.raise();
    }
}

/// Reads a key set again and again.
struct Keeper {
    ring: KeyRing,
    source: Source,
    /// What was read last, to tell whether anything changed.
    seen: Vec<u8>,
    refresh: Duration,
    floor: Duration,
    keep: Duration,
}

impl Keeper {
    async fn run(mut self) {
        let mut last_good = Instant::now();
        loop {
            let empty = self.ring.0.keys.load().is_empty();
            let pause = if empty {
                EAGER.min(self.refresh)
            } else {
                self.refresh
            };
            let read_at = Instant::now();
            tokio::select! {
                () = tokio::time::sleep(pause) => (),
                () = async {
                    self.ring.0.unknown.notified().await;
                    tokio::time::sleep_until(read_at + self.floor).await;
                } => (),
            }
            match load(&self.source).await {
                Ok((keys, bytes)) => {
                    last_good = Instant::now();
                    // Raising the count for nothing would forget every verified token.
                    if bytes != self.seen {
                        self.seen = bytes;
                        tracing::info!(keys = keys.len(), "a key set was read");
                        self.ring.replace(keys);
                    }
                }
                Err(problem) => {
                    tracing::warn!(%problem, "a key set could not be read; the last good one stays");
                    if last_good.elapsed() > self.keep && !empty {
                        tracing::error!("the last good key set is too old and is dropped");
                        self.seen.clear();
                        self.ring.replace(Vec::new());
                    }
                }
            }
        }
    }
}

async fn load(source: &Source) -> Result<(Vec<Arc<Key>>, Vec<u8>), String> {
    let bytes = source.read().await?;
    Ok((parse(&bytes)?, bytes))
}

fn parse(bytes: &[u8]) -> Result<Vec<Arc<Key>>, String> {
    let set: JwkSet = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let keys: Vec<_> = set.keys.iter().filter_map(key_of).map(Arc::new).collect();
    if keys.is_empty() {
        return Err("it holds no RS256, ES256 or EdDSA signing key".into());
    }
    Ok(keys)
}

/// A key with its algorithm by its own form, never by a token. None for what is not for signatures, not
/// asymmetric, or not of an algorithm that is accepted.
fn key_of(jwk: &Jwk) -> Option<Key> {
    if matches!(&jwk.common.public_key_use, Some(usage) if *usage != PublicKeyUse::Signature) {
        return None;
    }
    let (algorithm, algorithm_name) = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, "RS256"),
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, "ES256")
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, "EdDSA")
        }
        _ => return None,
    };
    let stated = jwk.common.key_algorithm.as_ref().map(ToString::to_string);
    if stated.is_some_and(|stated| stated != algorithm_name) {
        return None;
    }
    Some(Key {
        id: jwk.common.key_id.clone(),
        algorithm,
        algorithm_name,
        key: DecodingKey::from_jwk(jwk).ok()?,
    })
}

#[cfg(test)]
mod tests;
