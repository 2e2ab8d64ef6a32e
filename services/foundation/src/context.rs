//! The signed request context: who asks, for which tenant, with which rights.
//!
//! The gateway signs it for outside callers, a service for itself when it calls a neighbour.
//! Services trust nothing else. A context is signed with Ed25519 for one audience and 60 seconds,
//! and both sides keep the result: one signature per request would cost more than the proxying,
//! and one shared HMAC key would let each service speak for every other.
//!
//! Wire form of the header: `<key id>.<claims>.<signature>`, the last two base64url, the claims
//! JSON, and the signature over everything before the last dot.

use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Code, Failure};
use crate::id::TenantId;
use crate::role::Role;
use crate::time::Micros;

mod demand;
mod keys;
mod sign;
mod verify;

pub use demand::Demand;
pub use keys::{KeyError, KeySet, SigningKey, TrustedKey, TrustedKeys};
pub use sign::Signer;
pub use verify::{Refused, Verifier};

/// The metadata key that carries the signed context.
pub const HEADER: &str = "x-rapport-context";

/// How long a signature is good for.
pub const VALID_SECONDS: i64 = 60;

/// How far the clocks of two hosts of one installation may differ.
const SKEW_SECONDS: i64 = 5;

/// What kind of party stands behind a principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PrincipalKind {
    /// A person who works for the tenant.
    Staff,
    /// A system of the tenant: CRM, shop, warehouse.
    System,
    /// A connector that brings interactions in.
    Connector,
    /// An end customer.
    Customer,
    /// A service of the suite speaking for itself.
    Service,
    /// Whoever runs the installation.
    Operator,
}

/// What a context says. Reached through [`Context`], which dereferences to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Claims {
    /// The tenant everything in the call belongs to. Nil for an operator outside any tenant.
    pub tenant: TenantId,
    /// Who asks; unique within the tenant's issuer.
    pub principal: String,
    /// What kind of party the principal is.
    pub kind: PrincipalKind,
    /// Roles of the principal, sorted.
    pub roles: Vec<String>,
    /// Scopes of the principal, sorted; roles are expanded already where a method needs it.
    pub scopes: Vec<String>,
    /// The connector's name, from its credential and never from a message.
    pub connector: Option<String>,
    /// The principal a service acts for, when it acts for one.
    pub on_behalf_of: Option<String>,
    /// When the caller's token ends; a stream must not outlive it.
    pub token_expires: Option<Micros>,
}

impl Claims {
    /// Claims with nothing but the three things every caller has.
    pub fn new(tenant: TenantId, principal: impl Into<String>, kind: PrincipalKind) -> Self {
        Claims {
            tenant,
            principal: principal.into(),
            kind,
            roles: Vec::new(),
            scopes: Vec::new(),
            connector: None,
            on_behalf_of: None,
            token_expires: None,
        }
    }
}

/// A verified request context. Cheap to clone; read its fields directly (`ctx.tenant`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Context(Arc<Claims>);

impl Context {
    /// The verified context of a call.
    ///
    /// # Errors
    /// UNAUTHENTICATED when no verifying layer has put one there.
    pub fn of<T>(request: &tonic::Request<T>) -> Result<Context, Failure> {
        request
            .extensions()
            .get::<Context>()
            .cloned()
            .ok_or_else(|| Refused::Missing.into())
    }

    /// Whether the principal holds a role.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|held| held == role)
    }

    /// Whether the principal holds a scope.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|held| held == scope)
    }

    /// The person or system at the far end: `on_behalf_of` if a service speaks for someone, else the principal.
    pub fn originator(&self) -> &str {
        self.on_behalf_of.as_deref().unwrap_or(&self.principal)
    }
}

impl From<Claims> for Context {
    fn from(claims: Claims) -> Self {
        Context(Arc::new(claims))
    }
}

impl Deref for Context {
    type Target = Claims;

    fn deref(&self) -> &Claims {
        &self.0
    }
}

impl From<Refused> for Failure {
    /// One answer for every cause: the reason belongs in the log, not in the hands of whoever tries.
    fn from(refused: Refused) -> Self {
        tracing::warn!(reason = %refused, "a request context was refused");
        Failure::new(
            Code::Unauthenticated,
            "CONTEXT_REFUSED",
            "The call carries no valid request context.",
        )
    }
}

/// The claims as they travel. Unknown fields are refused: a reader that skips what it does not know
/// could miss a restriction.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Travelling {
    audience: Role,
    issued: i64,
    expires: i64,
    tenant: TenantId,
    principal: String,
    kind: PrincipalKind,
    roles: Vec<String>,
    scopes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    connector: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    on_behalf_of: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    token_expires: Option<i64>,
}

impl Travelling {
    fn new(claims: &Claims, audience: Role, now: Micros) -> Self {
        Travelling {
            audience,
            issued: now.0,
            expires: now.0.saturating_add(VALID_SECONDS * 1_000_000),
            tenant: claims.tenant,
            principal: claims.principal.clone(),
            kind: claims.kind,
            roles: claims.roles.clone(),
            scopes: claims.scopes.clone(),
            connector: claims.connector.clone(),
            on_behalf_of: claims.on_behalf_of.clone(),
            token_expires: claims.token_expires.map(|at| at.0),
        }
    }

    fn into_context(self) -> Context {
        Context::from(Claims {
            tenant: self.tenant,
            principal: self.principal,
            kind: self.kind,
            roles: self.roles,
            scopes: self.scopes,
            connector: self.connector,
            on_behalf_of: self.on_behalf_of,
            token_expires: self.token_expires.map(Micros),
        })
    }
}

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod tests;
