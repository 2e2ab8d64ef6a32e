//! Verification, once per header value.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use moka::sync::Cache;

use super::demand::{Demand, Demands};
use super::{Context, PrincipalKind, SKEW_SECONDS, Travelling, TrustedKeys, VALID_SECONDS};
use crate::role::Role;
use crate::time::{Clock, Micros};

/// Most verified headers kept at a time.
const KEPT: u64 = 20_000;

/// Why a context was not believed. For the log only; callers get one answer for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The call carries none, or more than one.
    #[error("missing")]
    Missing,
    /// It is not of the wire form, or holds a field this version does not know.
    #[error("malformed")]
    Malformed,
    /// Its key id is not among the trusted keys.
    #[error("unknown key")]
    UnknownKey,
    /// The signature does not fit.
    #[error("bad signature")]
    BadSignature,
    /// It was signed for another role.
    #[error("wrong audience")]
    WrongAudience,
    /// Its 60 seconds are over.
    #[error("expired")]
    Expired,
    /// It is dated in the future, or claims to be valid for longer than is ever given.
    #[error("impossible dates")]
    ImpossibleDates,
    /// The key may not speak for the principal it names.
    #[error("key may not sign for this principal")]
    ForeignPrincipal,
}

/// Checks contexts that are addressed to one role.
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

struct Inner {
    trusted: TrustedKeys,
    audience: Role,
    clock: Clock,
    verified: Cache<HeaderValue, (Context, Micros)>,
    demands: Demands,
}

impl Verifier {
    /// A verifier for one audience.
    pub fn new(trusted: TrustedKeys, audience: Role, clock: Clock) -> Self {
        Self::with(trusted, audience, clock, Demands::default())
    }

    /// A verifier that leaves some demands out, to show that each of them is what keeps an attack out.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn without(&self, off: &[Demand]) -> Self {
        let Inner {
            trusted,
            audience,
            clock,
            ..
        } = &*self.0;
        let off = Demands::without(off);
        Self::with(trusted.clone(), *audience, clock.clone(), off)
    }

    fn with(trusted: TrustedKeys, audience: Role, clock: Clock, demands: Demands) -> Self {
        let verified = Cache::builder()
            .max_capacity(KEPT)
            .time_to_live(Duration::from_secs(120))
            .build();
        Verifier(Arc::new(Inner {
            trusted,
            audience,
            clock,
            verified,
            demands,
        }))
    }

    /// The role this verifier answers for.
    pub fn audience(&self) -> Role {
        self.0.audience
    }

    pub(crate) fn demands(&self) -> Demands {
        self.0.demands
    }

    /// Checks the value of the `x-rapport-context` header.
    ///
    /// # Errors
    /// The first reason not to believe it.
    pub fn verify(&self, header: &HeaderValue) -> Result<Context, Refused> {
        let now = self.0.clock.now();
        if let Some((context, expires)) = self.0.verified.get(header) {
            return if now > expires && self.0.demands.stands(Demand::Expiry) {
                Err(Refused::Expired)
            } else {
                Ok(context)
            };
        }
        let (context, expires) = self.check(header.as_bytes(), now)?;
        self.0
            .verified
            .insert(header.clone(), (context.clone(), expires));
        Ok(context)
    }

    fn check(&self, header: &[u8], now: Micros) -> Result<(Context, Micros), Refused> {
        let stands = |demand| self.0.demands.stands(demand);
        let text = std::str::from_utf8(header).map_err(|_| Refused::Malformed)?;
        let (signed, signature) = text.rsplit_once('.').ok_or(Refused::Malformed)?;
        let (key_id, claims) = signed.split_once('.').ok_or(Refused::Malformed)?;
        let key = self.0.trusted.0.get(key_id).ok_or(Refused::UnknownKey)?;
        let signature = decode(signature)?;
        let fits = key.key.verify(signed.as_bytes(), &signature);
        if fits.is_err() && stands(Demand::Signature) {
            return Err(Refused::BadSignature);
        }

        let claims: Travelling =
            serde_json::from_slice(&decode(claims)?).map_err(|_| Refused::Malformed)?;
        if claims.audience != self.0.audience && stands(Demand::Audience) {
            return Err(Refused::WrongAudience);
        }
        let skew = SKEW_SECONDS * 1_000_000;
        let impossible = claims.issued > now.0.saturating_add(skew)
            || claims.expires.saturating_sub(claims.issued) > VALID_SECONDS * 1_000_000;
        if impossible && stands(Demand::Dates) {
            return Err(Refused::ImpossibleDates);
        }
        let expires = Micros(claims.expires.saturating_add(skew));
        if now > expires && stands(Demand::Expiry) {
            return Err(Refused::Expired);
        }
        let service = claims.kind == PrincipalKind::Service;
        let own = key.principal == claims.principal;
        let foreign =
            !key.may_sign_for(&claims.principal) || (own && !service) || (service && !own);
        if foreign && stands(Demand::Principal) {
            return Err(Refused::ForeignPrincipal);
        }
        Ok((claims.into_context(), expires))
    }
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Verifier({})", self.0.audience)
    }
}

fn decode(text: &str) -> Result<Vec<u8>, Refused> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Refused::Malformed)
}
