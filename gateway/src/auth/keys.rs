//! API keys: found in memory by their prefix, compared by their hash. One that is not there costs no question to anybody;
//! one made on another replica is known here within a refresh.

use std::sync::Arc;

use rapport_foundation::context::{Claims, Context, PrincipalKind};
use rapport_foundation::time::Micros;

use super::Rejected;
use super::caller::{Caller, Evidence};
use crate::directory::{Known, LiveKey};
use crate::domain::api_key::Holder;
use crate::domain::key_text::{self, Hash};
use crate::policy::Roles;
use crate::protection::{Protection, Protections};

/// The caller behind a key's text.
pub(super) fn verify(
    text: &str,
    hash: &Hash,
    known: &Known,
    now: Micros,
    protections: Protections,
) -> Result<Caller, Rejected> {
    let prefix = key_text::read(text).ok_or(Rejected::Malformed)?;
    let live = known.key(prefix).ok_or(Rejected::KeyUnknown)?;
    caller(live, hash, now, protections)
}

/// The caller behind a key, if this is the hash of one of its secrets.
pub(super) fn caller(
    live: &Arc<LiveKey>,
    hash: &Hash,
    now: Micros,
    protections: Protections,
) -> Result<Caller, Rejected> {
    let key = &live.key;
    let secret = match protections.on(Protection::KeySecret) {
        true => hash,
        false => &key.hash,
    };
    let at = match protections.on(Protection::KeyExpiry) {
        true => now,
        false => Micros::EPOCH,
    };
    let expires = key.accepts(secret, at).ok_or(Rejected::KeyOver)?;
    let (kind, connector) = match &key.holder {
        Holder::Connector(name) => (PrincipalKind::Connector, Some(name.clone())),
        Holder::System => (PrincipalKind::System, None),
    };
    let own = Context::from(Claims {
        tenant: key.tenant,
        principal: key.id.to_string(),
        kind,
        roles: key.rights.roles.clone(),
        scopes: key.rights.scopes.clone(),
        connector,
        on_behalf_of: None,
        token_expires: (expires < Micros::MAX).then_some(expires),
    });
    Ok(Caller {
        context: own.clone(),
        roles: Roles::named(key.rights.roles.iter().map(String::as_str)),
        expires,
        identity: key.identity(),
        own,
        evidence: Evidence::Key {
            key: Arc::clone(live),
            hash: *hash,
        },
    })
}
