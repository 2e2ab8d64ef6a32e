//! Those who manage a tenant's principals, and their calls.

use rapport_foundation::channel::Channel;
use rapport_proto::access::v1::api_key_service_client::ApiKeyServiceClient;
use rapport_proto::access::v1::revocation_service_client::RevocationServiceClient;
use rapport_proto::access::v1::role_service_client::RoleServiceClient;
use rapport_proto::access::v1::{
    ApiKey, ApiKeyKind, CreateApiKeyRequest, CreateApiKeyResponse, RevokeTokensRequest,
};
use serde_json::{Value, json};
use tonic::{Request, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::fixture::Fixture;
use crate::tokens::{claims, with};

pub(crate) const READ: &str = "profiles.read";

/// What the staff calls through.
pub(crate) struct Desk {
    pub(crate) keys: ApiKeyServiceClient<Channel>,
    pub(crate) roles: RoleServiceClient<Channel>,
    pub(crate) revocations: RevocationServiceClient<Channel>,
}

impl Desk {
    pub(crate) fn of(fixture: &Fixture) -> Self {
        let channel = Channel::connect(&format!("http://{}", fixture.address), None).unwrap();
        Desk {
            keys: ApiKeyServiceClient::new(channel.clone()),
            roles: RoleServiceClient::new(channel.clone()),
            revocations: RevocationServiceClient::new(channel),
        }
    }

    /// A key of a system with these scopes, made by whoever has the token.
    pub(crate) async fn key(&mut self, token: &str, scopes: &[&str]) -> CreateApiKeyResponse {
        let request = asked(token, new_key(scopes));
        self.keys
            .create_api_key(request)
            .await
            .unwrap()
            .into_inner()
    }

    pub(crate) async fn revoke(&mut self, token: &str, wanted: RevokeTokensRequest) {
        let request = asked(token, wanted);
        self.revocations.revoke_tokens(request).await.unwrap();
    }
}

impl Fixture {
    /// A manager with more scopes.
    pub(crate) fn manager(&self, scopes: &[&str]) -> String {
        let claims = claims(&self.tenant.to_string(), &["manager"], self.now());
        let claims = with(claims, "scope", json!(scopes));
        self.key.token(&with(claims, "sub", json!("manager")))
    }

    /// Whoever runs the installation.
    pub(crate) fn operator(&self) -> String {
        let claims = claims("", &["operator"], self.now());
        self.key.token(&with(claims, "tenant", Value::Null))
    }

    /// Somebody with no right at all.
    pub(crate) fn nobody(&self, subject: &str) -> String {
        let claims = claims(&self.tenant.to_string(), &[], self.now());
        self.key.token(&with(claims, "sub", json!(subject)))
    }
}

pub(crate) fn new_key(scopes: &[&str]) -> CreateApiKeyRequest {
    CreateApiKeyRequest {
        request_id: request_id(),
        display_name: "Shop".into(),
        kind: ApiKeyKind::System.into(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        ..CreateApiKeyRequest::default()
    }
}

pub(crate) fn made(response: &CreateApiKeyResponse) -> &ApiKey {
    response.api_key.as_ref().unwrap()
}

pub(crate) fn asked<M>(token: &str, message: M) -> Request<M> {
    let mut request = Request::new(message);
    let bearer = format!("Bearer {token}").parse().unwrap();
    request.metadata_mut().insert("authorization", bearer);
    request
}

pub(crate) fn request_id() -> String {
    Uuid::now_v7().to_string()
}

pub(crate) fn reason(status: &Status) -> String {
    let info = status.get_details_error_info();
    info.map_or_else(|| format!("{status:?}"), |info| info.reason)
}
