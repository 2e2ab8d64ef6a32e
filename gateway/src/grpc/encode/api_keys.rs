//! API keys to messages.

use rapport_foundation::etag;
use rapport_proto::access::v1::{ApiKey as Message, ApiKeyKind};

use crate::domain::api_key::{ApiKey, Holder};

pub(in crate::grpc) fn key(key: ApiKey) -> Message {
    let (kind, connector) = match key.holder {
        Holder::Connector(name) => (ApiKeyKind::Connector, name),
        Holder::System => (ApiKeyKind::System, String::new()),
    };
    Message {
        id: key.id.to_string(),
        display_name: key.display_name,
        prefix: key.prefix,
        kind: kind.into(),
        connector,
        scopes: key.rights.scopes,
        roles: key.rights.roles,
        expire_time: key.expires.map(Into::into),
        overlap_end_time: key.former.map(|former| former.until.into()),
        revoke_time: key.revoked.map(Into::into),
        last_use_time: key.last_used.map(Into::into),
        create_time: Some(key.created.into()),
        update_time: Some(key.updated.into()),
        etag: etag::of(key.version),
    }
}
