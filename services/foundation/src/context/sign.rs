//! Signing, once per (claims, audience).

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use moka::sync::Cache;

use super::{Claims, Context, PrincipalKind, SigningKey, Travelling};
use crate::id::TenantId;
use crate::role::Role;
use crate::time::{Clock, Micros};

/// A signature is used this long, so that the receiver still has a good part of its 60 s.
const REUSED_MICROS: i64 = 40 * 1_000_000;

/// Most signed contexts kept at a time; about 1 kB each.
const KEPT: u64 = 20_000;

/// Signs contexts with one private key.
#[derive(Clone)]
pub struct Signer(Arc<Inner>);

struct Inner {
    key: SigningKey,
    clock: Clock,
    signed: Cache<(Context, Role), Signed>,
}

#[derive(Clone)]
struct Signed {
    header: HeaderValue,
    at: Micros,
}

impl Signer {
    /// A signer with one key and the clock that dates its signatures.
    pub fn new(key: SigningKey, clock: Clock) -> Self {
        let signed = Cache::builder()
            .max_capacity(KEPT)
            .time_to_live(Duration::from_secs(60))
            .build();
        Signer(Arc::new(Inner { key, clock, signed }))
    }

    /// The principal this signer speaks as.
    pub fn principal(&self) -> &str {
        &self.0.key.principal
    }

    /// The value of the `x-rapport-context` header for one audience.
    ///
    /// A service's signer can produce one for a foreign principal, and every verifier refuses it.
    pub fn header_for(&self, context: &Context, audience: Role) -> HeaderValue {
        let now = self.0.clock.now();
        let key = (context.clone(), audience);
        if let Some(signed) = self.0.signed.get(&key)
            && now.0 >= signed.at.0
            && now.0 - signed.at.0 < REUSED_MICROS
        {
            return signed.header;
        }
        let header = self.sign(context, audience, now);
        let signed = Signed {
            header: header.clone(),
            at: now,
        };
        self.0.signed.insert(key, signed);
        header
    }

    /// The context in which this service calls a neighbour: as itself, for a tenant, and for whom.
    pub fn service_context(&self, tenant: TenantId, on_behalf_of: Option<&str>) -> Context {
        let mut claims = Claims::new(tenant, self.principal(), PrincipalKind::Service);
        claims.on_behalf_of = on_behalf_of.map(str::to_owned);
        Context::from(claims)
    }

    fn sign(&self, context: &Context, audience: Role, now: Micros) -> HeaderValue {
        let travelling = Travelling::new(context, audience, now);
        let json = serde_json::to_vec(&travelling).unwrap_or_default();
        let mut text = format!("{}.{}", self.0.key.id, URL_SAFE_NO_PAD.encode(json));
        let signature = self.0.key.pair.sign(text.as_bytes());
        text.push('.');
        text.push_str(&URL_SAFE_NO_PAD.encode(signature));
        // Base64url and dots are always a header value; an empty one would be refused by everybody.
        HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.principal())
    }
}
