//! One row a revocation.

use rapport_foundation::db::Error;
use rapport_foundation::id::{RevocationId, TenantId};
use rapport_foundation::time::Micros;
use sea_orm::entity::prelude::*;

use crate::domain::identity::Identity;
use crate::domain::revocation::{Revocation, Target};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "revocations")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    /// Of the principal or of the token; none of both: the tenant.
    pub(crate) issuer: Option<String>,
    pub(crate) principal: Option<String>,
    pub(crate) token_id: Option<String>,
    pub(crate) before_at: Micros,
    pub(crate) reason: String,
    pub(crate) created_at: Micros,
    pub(crate) expires_at: Micros,
}

super::tenant_owned!();

pub(crate) fn row(tenant: TenantId, revocation: &Revocation) -> Model {
    let (issuer, principal, token_id) = match &revocation.target {
        Target::Token { issuer, token_id } => (Some(issuer.clone()), None, Some(token_id.clone())),
        Target::Principal(identity) => (
            Some(identity.issuer().to_owned()),
            Some(identity.principal().to_owned()),
            None,
        ),
        Target::Tenant => (None, None, None),
    };
    Model {
        tenant_id: tenant.uuid(),
        id: revocation.id.uuid(),
        issuer,
        principal,
        token_id,
        before_at: revocation.before,
        reason: revocation.reason.clone(),
        created_at: revocation.created,
        expires_at: revocation.expires,
    }
}

impl TryFrom<Model> for Revocation {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self, Error> {
        let target = match (row.issuer, row.principal, row.token_id) {
            (Some(issuer), None, Some(token_id)) => Target::Token { issuer, token_id },
            (Some(issuer), Some(principal), None) => {
                Target::Principal(Identity::new(issuer, principal))
            }
            (None, None, None) => Target::Tenant,
            _ => return Err(Error::Corrupt("what a revocation revokes")),
        };
        Ok(Revocation {
            id: RevocationId::from_uuid(row.id),
            target,
            before: row.before_at,
            reason: row.reason,
            created: row.created_at,
            expires: row.expires_at,
        })
    }
}
