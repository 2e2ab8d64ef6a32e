//! A verified caller, whatever the credential was.

use std::sync::{Arc, LazyLock};

use rapport_foundation::context::{Claims, Context};
use rapport_foundation::id::TenantId;
use rapport_foundation::time::Micros;

use super::Rejected;
use crate::directory::{Known, LiveKey};
use crate::domain::access::Access;
use crate::domain::identity::Identity;
use crate::domain::key_text::Hash;
use crate::policy::Roles;
use crate::protection::{Protection, Protections};

/// A verified caller.
#[derive(Debug, Clone)]
pub struct Caller {
    /// What the services are told.
    pub context: Context,
    /// The roles, for the policy.
    pub roles: Roles,
    /// When the credential is no longer accepted.
    pub expires: Micros,
    /// Who it is, the same for every credential of the principal: what limits and records go by.
    pub identity: Identity,
    /// What the credential itself says, before the tenant's roles.
    pub(super) own: Context,
    pub(super) evidence: Evidence,
}

/// What the caller was known by.
#[derive(Debug, Clone)]
pub(super) enum Evidence {
    /// A token or a certificate, issued at a moment.
    Issued {
        token_id: Option<Arc<str>>,
        at: Micros,
    },
    /// A key, by this one of its secrets.
    Key { key: Arc<LiveKey>, hash: Hash },
}

impl Caller {
    /// Whether the caller stands outside any tenant: an operator of the installation.
    pub fn is_tenantless(&self) -> bool {
        self.context.tenant == TenantId::nil()
    }

    /// A caller who presented a token with these claims.
    #[cfg(test)]
    pub(crate) fn claiming(claims: Claims) -> Self {
        let own = Context::from(claims);
        Caller {
            context: own.clone(),
            roles: Roles::default(),
            expires: Micros::MAX,
            identity: Identity::new("https://idp.test", &own.principal),
            own,
            evidence: Evidence::Issued {
                token_id: None,
                at: Micros::EPOCH,
            },
        }
    }

    /// The caller with what the tenant says of them, or why they are no caller any more.
    pub(super) fn under(
        &self,
        access: &Access,
        protections: Protections,
    ) -> Result<Caller, Rejected> {
        if let Evidence::Issued { token_id, at } = &self.evidence
            && protections.on(Protection::Revocation)
            && access
                .revocations
                .hit(&self.identity, token_id.as_deref(), *at)
        {
            return Err(Rejected::Revoked);
        }
        let mut caller = self.clone();
        caller.context = self.own.clone();
        if let Some(given) = access.given(&self.identity) {
            let mut claims = Claims::clone(&self.own);
            claims.scopes.extend(given.iter().cloned());
            claims.scopes.sort_unstable();
            claims.scopes.dedup();
            caller.context = Context::from(claims);
        }
        Ok(caller)
    }

    /// The caller as they would be let in now.
    pub(super) fn again(
        &self,
        known: &Known,
        now: Micros,
        protections: Protections,
    ) -> Result<Caller, Rejected> {
        let access = access_of(known, self.own.tenant, protections)?;
        match &self.evidence {
            Evidence::Issued { .. } => self.under(access, protections),
            Evidence::Key { key, hash } => {
                let live = known.key(&key.key.prefix).ok_or(Rejected::KeyOver)?;
                super::keys::caller(live, hash, now, protections)?.under(access, protections)
            }
        }
    }
}

/// What a tenant says of its principals; of those outside any tenant the row of the installation speaks.
pub(super) fn access_of(
    known: &Known,
    tenant: TenantId,
    protections: Protections,
) -> Result<&Arc<Access>, Rejected> {
    static NOTHING: LazyLock<Arc<Access>> = LazyLock::new(Arc::default);
    match known.access(tenant) {
        Some(access) => Ok(access),
        None if !protections.on(Protection::TenantActive) => Ok(&NOTHING),
        None => Err(Rejected::TenantUnknown),
    }
}
