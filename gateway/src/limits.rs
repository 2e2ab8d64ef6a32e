//! How much of the suite one caller may use, and how much of it all may use together.
//!
//! Three questions before a call goes on, cheapest first: is its principal within its rate, is its tenant; is there
//! room among the calls each of them has running; does the part of the suite it goes to keep up. No question takes a
//! lock that all calls share.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use rapport_foundation::context::PrincipalKind;
use rapport_foundation::id::TenantId;
use rapport_foundation::role::Role;
use rapport_proto::options::v1::DeadlineClass;

use crate::auth::Caller;
use crate::directory::Directory;
use crate::domain::quota::Quota;
use crate::error::Rejection;
use crate::policy::Method;
use crate::protection::Protections;

mod aimd;
mod config;
mod overload;
mod permit;
mod share;

pub use config::{OverloadConfig, Quotas};
pub(crate) use permit::{Asked, Permit};

use overload::Overload;
use share::Share;

/// Most shares remembered; a few hundred bytes each. One that is forgotten begins anew, with a full burst.
const MOST_SHARES: u64 = 200_000;
/// A share nobody drew from for so long is forgotten: its bucket is full again by then, and no stream is older, since
/// connections end before that by their age.
const IDLE: Duration = Duration::from_secs(2 * 3600);

/// Who a share belongs to: a tenant, or one of its principals. Of the principal a keyed hash is enough; nobody outside
/// can make two of them meet.
type Holder = (TenantId, Option<u64>);

/// Decides whether a call may go on.
#[derive(Clone)]
pub(crate) struct Limiter(Arc<Inner>);

struct Inner {
    shares: Cache<Holder, Arc<Share>>,
    directory: Directory,
    quotas: Quotas,
    hasher: RandomState,
    parts: [Arc<Overload>; Role::ALL.len()],
    protections: Protections,
}

impl Limiter {
    pub(crate) fn new(
        quotas: Quotas,
        overload: &OverloadConfig,
        directory: Directory,
        protections: Protections,
    ) -> Self {
        let shares = Cache::builder()
            .max_capacity(MOST_SHARES)
            // The default would turn away who is new, and with them their bucket.
            .eviction_policy(EvictionPolicy::lru())
            .time_to_idle(IDLE)
            .build();
        Limiter(Arc::new(Inner {
            shares,
            directory,
            quotas,
            hasher: RandomState::new(),
            parts: Role::ALL.map(|_| Arc::new(Overload::new(overload, protections))),
            protections,
        }))
    }

    /// Lets a call go on for as long as its permit is held.
    ///
    /// # Errors
    /// Which limit it met, and when to come again.
    pub(crate) fn admit(&self, caller: &Caller, method: &Method) -> Result<Permit, Rejection> {
        let (tenant, principal) = self.shares_of(caller);
        principal.draw(method.rate, "principal")?;
        tenant.draw(method.rate, "tenant")?;
        let slots = [
            Share::occupy(&principal, method.streaming, "principal")?,
            Share::occupy(&tenant, method.streaming, "tenant")?,
        ];
        let measured = !method.streaming && method.deadline == DeadlineClass::Interactive;
        let part = self
            .0
            .parts
            .get(method.upstream.index())
            .filter(|_| measured);
        let part = part
            .map(|part| Overload::enter(part, &tenant, method.upstream))
            .transpose()?;
        Ok(Permit::new(slots, part))
    }

    fn shares_of(&self, caller: &Caller) -> (Arc<Share>, Arc<Share>) {
        let this = &*self.0;
        let tenant = caller.context.tenant;
        let of_tenant = this.directory.quota(tenant);
        let of_tenant = this.quotas.tenant.overlaid(of_tenant.as_ref());
        let principal = this
            .hasher
            .hash_one((caller.context.kind, &caller.identity));
        (
            self.share((tenant, None), &of_tenant),
            self.share(
                (tenant, Some(principal)),
                this.quotas.of(caller.context.kind),
            ),
        )
    }

    /// The share of a holder under this quota; a changed quota begins a new one.
    fn share(&self, holder: Holder, quota: &Quota) -> Arc<Share> {
        let shares = &self.0.shares;
        if let Some(share) = shares.get(&holder)
            && share.is_under(quota)
        {
            return share;
        }
        // Of many first calls at the same moment one makes the share for all.
        let fresh = || Arc::new(Share::new(*quota, self.0.protections));
        let entry = shares.entry(holder);
        let changed = |share: &Arc<Share>| !share.is_under(quota);
        entry.or_insert_with_if(fresh, changed).into_value()
    }
}

impl Quotas {
    fn of(&self, kind: PrincipalKind) -> &Quota {
        match kind {
            PrincipalKind::Staff => &self.staff,
            PrincipalKind::Customer => &self.customer,
            PrincipalKind::System
            | PrincipalKind::Connector
            | PrincipalKind::Service
            | PrincipalKind::Operator => &self.machine,
        }
    }
}

#[cfg(test)]
mod tests;
