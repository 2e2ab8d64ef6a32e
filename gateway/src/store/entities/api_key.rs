//! One row a key.

use rapport_foundation::db::Error;
use rapport_foundation::id::{ApiKeyId, TenantId};
use rapport_foundation::time::Micros;
use sea_orm::entity::prelude::*;

use super::{names, stored};
use crate::domain::api_key::{ApiKey, Former, Holder, Rights};
use crate::domain::key_text::Hash;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_keys")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) display_name: String,
    pub(crate) prefix: String,
    pub(crate) hash: Vec<u8>,
    pub(crate) former_hash: Option<Vec<u8>>,
    pub(crate) former_until: Option<Micros>,
    /// None for a system.
    pub(crate) connector: Option<String>,
    pub(crate) scopes: String,
    pub(crate) roles: String,
    pub(crate) expires_at: Option<Micros>,
    pub(crate) revoked_at: Option<Micros>,
    pub(crate) last_used_at: Option<Micros>,
    pub(crate) version: i64,
    pub(crate) created_at: Micros,
    pub(crate) updated_at: Micros,
}

super::tenant_owned!();

impl From<&ApiKey> for Model {
    fn from(key: &ApiKey) -> Self {
        Model {
            tenant_id: key.tenant.uuid(),
            id: key.id.uuid(),
            display_name: key.display_name.clone(),
            prefix: key.prefix.clone(),
            hash: key.hash.to_vec(),
            former_hash: key.former.as_ref().map(|former| former.hash.to_vec()),
            former_until: key.former.as_ref().map(|former| former.until),
            connector: match &key.holder {
                Holder::Connector(name) => Some(name.clone()),
                Holder::System => None,
            },
            scopes: stored(&key.rights.scopes),
            roles: stored(&key.rights.roles),
            expires_at: key.expires,
            revoked_at: key.revoked,
            last_used_at: key.last_used,
            version: key.version,
            created_at: key.created,
            updated_at: key.updated,
        }
    }
}

impl TryFrom<Model> for ApiKey {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self, Error> {
        let former = row.former_hash.zip(row.former_until);
        let former = former.map(|(bytes, until)| hash(&bytes).map(|hash| Former { hash, until }));
        Ok(ApiKey {
            id: ApiKeyId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            display_name: row.display_name,
            prefix: row.prefix,
            hash: hash(&row.hash)?,
            former: former.transpose()?,
            holder: row.connector.map_or(Holder::System, Holder::Connector),
            rights: Rights {
                scopes: names(&row.scopes)?,
                roles: names(&row.roles)?,
            },
            expires: row.expires_at,
            revoked: row.revoked_at,
            last_used: row.last_used_at,
            version: row.version,
            created: row.created_at,
            updated: row.updated_at,
        })
    }
}

fn hash(bytes: &[u8]) -> Result<Hash, Error> {
    bytes
        .try_into()
        .map_err(|_| Error::Corrupt("the hash of a key"))
}
