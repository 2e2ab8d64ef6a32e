//! Certificates: of clients, as a credential; of the listener, taken up without a restart.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use rapport_foundation::channel::{Channel, Tls};
use rapport_foundation::context::PrincipalKind;
use rapport_foundation::id::TenantId;
use rapport_foundation::service::TlsFiles;
use rapport_foundation::testing::eventually;
use rapport_foundation::time::Clock;
use rapport_gateway::{CertificateGrant, Certificates, ClientCertificates};
use rapport_proto::access::v1::revocation_service_client::RevocationServiceClient;
use rapport_proto::access::v1::revoke_tokens_request::Target;
use rapport_proto::access::v1::{PrincipalTarget, RevokeTokensRequest};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, IsCa, KeyPair, SanType,
};
use tempfile::TempDir;
use tonic::Code;
use tonic::body::Body;
use tonic::client::Grpc;
use tower::ServiceExt as _;

use crate::fixture::{Client, Fixture, Plan};
use crate::staff::{asked, request_id};
use crate::upstream::{SERVER_STREAM, UNARY};
use crate::wire;

const DAY: Duration = Duration::from_secs(86_400);

/// An authority that signs certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = lasting(CertificateParams::default(), 30);
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate and its key, PEM.
    fn sign(&self, names: Vec<SanType>, days: u32) -> (String, String) {
        let mut params = lasting(CertificateParams::default(), days);
        params.subject_alt_names = names;
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    fn client(&self, uris: &[&str]) -> (String, String) {
        self.client_for(uris, 30)
    }

    pub(crate) fn client_for<S: AsRef<str>>(&self, uris: &[S], days: u32) -> (String, String) {
        let uri = |uri: &S| SanType::URI(uri.as_ref().try_into().unwrap());
        self.sign(uris.iter().map(uri).collect(), days)
    }

    fn server(&self) -> (String, String) {
        self.sign(vec![SanType::DnsName("gate.test".try_into().unwrap())], 30)
    }
}

/// Begins a day ago.
fn lasting(mut params: CertificateParams, days: u32) -> CertificateParams {
    let now = u64::try_from(Clock::system().now().0 / 1_000_000).unwrap();
    let now = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(now);
    params.not_before = now - DAY;
    params.not_after = now + DAY * days;
    params
}

/// A gateway behind TLS.
pub(crate) struct House {
    pub(crate) fixture: Fixture,
    server: Authority,
    pub(crate) clients: Authority,
    folder: TempDir,
}

impl House {
    async fn open(mode: ClientCertificates) -> Self {
        let plan = Plan {
            clock: Clock::system(),
            ..Plan::default()
        };
        House::of(plan, mode).await
    }

    pub(crate) async fn of(mut plan: Plan, mode: ClientCertificates) -> Self {
        let (server, clients) = (Authority::new("servers"), Authority::new("clients"));
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &server.server());
        std::fs::write(folder.path().join("ca.pem"), clients.pem()).unwrap();
        plan.config.listen.tls = Some(TlsFiles {
            certificate_file: folder.path().join("cert.pem"),
            key_file: folder.path().join("key.pem"),
            client_ca_file: Some(folder.path().join("ca.pem")),
        });
        plan.config.listen.client_certificates = mode;
        plan.config.listen.tls_reload_seconds = 1;
        plan.config.auth.certificates = Some(Certificates {
            trust_domain: "example.org".into(),
            grants: vec![
                CertificateGrant {
                    path: "/tenant/*/connector/".into(),
                    scopes: vec!["profiles.read".into(), "routing.work".into()],
                    roles: vec!["connector".into()],
                },
                CertificateGrant {
                    path: "/tenant/*/system/crm".into(),
                    scopes: vec!["profiles.read".into()],
                    roles: Vec::new(),
                },
            ],
            max_lifetime_seconds: 60 * 86_400,
        });
        House {
            fixture: plan.open().await,
            server,
            clients,
            folder,
        }
    }

    pub(crate) fn id(&self, rest: &str) -> String {
        format!("spiffe://example.org/tenant/{}/{rest}", self.fixture.tenant)
    }

    /// A client that presents a certificate, or none, and a token, or none.
    pub(crate) async fn client(&self, identity: Option<&(String, String)>, token: &str) -> Client {
        let mut client = self.fixture.client(token).await;
        client.grpc = Grpc::new(self.channel(identity));
        client
    }

    fn channel(&self, identity: Option<&(String, String)>) -> Channel {
        let tls = Tls {
            ca: self.server.pem().into_bytes(),
            server_name: Some("gate.test".into()),
            identity: identity.map(|(certificate, key)| {
                (certificate.clone().into_bytes(), key.clone().into_bytes())
            }),
        };
        let url = format!("https://{}", self.fixture.address);
        Channel::connect(&url, Some(&tls)).unwrap()
    }

    pub(crate) async fn code(&self, identity: Option<&(String, String)>, token: &str) -> Code {
        let client = self.client(identity, token).await;
        let answer = client.unary(UNARY, "hello").await;
        answer.map_or_else(|status| status.code(), |_| Code::Ok)
    }
}

fn write(folder: &Path, (certificate, key): &(String, String)) {
    std::fs::write(folder.join("cert.pem"), certificate).unwrap();
    std::fs::write(folder.join("key.pem"), key).unwrap();
}

#[tokio::test]
async fn a_certificate_names_its_principal_and_grants_what_is_configured() {
    let house = House::open(ClientCertificates::Required).await;
    let shop = house.clients.client(&[&house.id("connector/shop")]);
    assert_eq!(house.code(Some(&shop), "").await, Code::Ok);
    let seen = house.fixture.upstream.last().context;
    assert_eq!(
        (seen.kind, seen.tenant),
        (PrincipalKind::Connector, house.fixture.tenant)
    );
    assert_eq!(seen.connector.as_deref(), Some("shop"));
    assert_eq!(
        (seen.principal.as_str(), seen.has_role("connector")),
        (house.id("connector/shop").as_str(), true)
    );
    let crm = house.clients.client(&[&house.id("system/crm")]);
    assert_eq!(house.code(Some(&crm), "").await, Code::Ok);
    assert_eq!(
        house.fixture.upstream.last().context.kind,
        PrincipalKind::System
    );
    // Believed, and granted nothing.
    let erp = house.clients.client(&[&house.id("system/erp")]);
    assert_eq!(house.code(Some(&erp), "").await, Code::PermissionDenied);
    // With a token beside it, the token says who calls.
    let token = house.fixture.token();
    assert_eq!(house.code(Some(&shop), &token).await, Code::Ok);
    assert_eq!(house.fixture.upstream.last().context.principal, "anna");
    assert_eq!(
        house.code(Some(&shop), "x.y.z").await,
        Code::Unauthenticated,
        "nor falls back"
    );
}

/// It is the connection's: no protocol that is turned into another one loses it.
#[tokio::test]
async fn a_certificate_is_as_good_in_every_protocol() {
    let house = House::open(ClientCertificates::Optional).await;
    let shop = house.id("connector/shop");
    let presented = house.clients.client(&[&shop]);
    let framed = wire::message("x");
    let calls: [(&str, &str, &str, Vec<u8>); 6] = [
        ("POST", UNARY, "application/grpc", framed.clone()),
        ("POST", UNARY, "application/grpc-web+proto", framed.clone()),
        (
            "POST",
            UNARY,
            "application/grpc-web-text",
            STANDARD.encode(&framed).into(),
        ),
        ("POST", UNARY, "application/proto", framed[5..].to_vec()),
        (
            "POST",
            UNARY,
            "application/json",
            br#"{"customerId":"x"}"#.to_vec(),
        ),
        ("GET", "/v1/customers/x", "", Vec::new()),
    ];
    for (verb, path, content_type, body) in calls {
        let call = async |channel: Channel| {
            let mut request = Request::builder().method(verb).uri(path);
            if !content_type.is_empty() {
                request = request.header("content-type", content_type);
            }
            let body = Body::new(Full::new(Bytes::from(body.clone())));
            let response = channel.oneshot(request.body(body).unwrap()).await.unwrap();
            let (status, headers) = (response.status(), response.headers().clone());
            // To its end, where gRPC says how it went.
            drop(response.into_body().collect().await);
            (status.as_u16(), headers.get("grpc-status").cloned())
        };
        let before = house.fixture.upstream.calls();
        call(house.channel(Some(&presented))).await;
        assert_eq!(
            house.fixture.upstream.calls(),
            before + 1,
            "{content_type} {path}"
        );
        let seen = house.fixture.upstream.last().context;
        assert_eq!(seen.principal, shop, "{content_type} {path}");
        let (status, grpc) = call(house.channel(None)).await;
        let refused = status == 401 || grpc.is_some_and(|code| code == "16");
        assert!(refused, "{content_type} {path}: {status}");
        assert_eq!(house.fixture.upstream.calls(), before + 1);
    }
}

#[tokio::test]
async fn a_certificate_that_names_nobody_here_opens_nothing() {
    let house = House::open(ClientCertificates::Required).await;
    let shop = house.id("connector/shop");
    let elsewhere = shop.replace("example.org", "example.com");
    let below = shop.replace("example.org", "example.org.evil.com");
    let nobodys = format!(
        "spiffe://example.org/tenant/{}/connector/x",
        TenantId::new(house.fixture.clock.now())
    );
    for uris in [
        &[elsewhere.as_str()][..],
        &[&below],
        &[&nobodys],
        &[&house.id("operator/x")],
        &["https://example.org/"],
        &[&shop, &house.id("connector/other")],
        &[],
    ] {
        let identity = house.clients.client(uris);
        assert_eq!(
            house.code(Some(&identity), "").await,
            Code::Unauthenticated,
            "{uris:?}"
        );
    }
    // It began a day ago, and may be good for 60.
    for (days, code) in [(59, Code::Ok), (60, Code::Unauthenticated)] {
        let identity = house.clients.client_for(&[&shop], days);
        assert_eq!(house.code(Some(&identity), "").await, code, "{days}");
    }
    // Of another authority, or of none: the handshake fails.
    let stranger = Authority::new("strangers").client(&[&shop]);
    assert_eq!(house.code(Some(&stranger), "").await, Code::Unavailable);
    assert_eq!(
        house.code(None, &house.fixture.token()).await,
        Code::Unavailable
    );
}

#[tokio::test]
async fn where_certificates_are_optional_a_token_is_as_good_and_a_stranger_is_still_refused() {
    let house = House::open(ClientCertificates::Optional).await;
    let shop = house.clients.client(&[&house.id("connector/shop")]);
    assert_eq!(house.code(Some(&shop), "").await, Code::Ok);
    assert_eq!(house.code(None, &house.fixture.token()).await, Code::Ok);
    assert_eq!(house.code(None, "").await, Code::Unauthenticated);
    let stranger = Authority::new("strangers").client(&[&house.id("connector/shop")]);
    assert_eq!(house.code(Some(&stranger), "").await, Code::Unavailable);
}

#[tokio::test]
async fn a_certificate_can_be_revoked_and_its_streams_end() {
    let house = House::open(ClientCertificates::Optional).await;
    let shop = house.clients.client(&[&house.id("connector/shop")]);
    let client = house.client(Some(&shop), "").await;
    let mut stream = client.watch(SERVER_STREAM, "wait").await.unwrap();
    for _ in 0..3 {
        stream.message().await.unwrap();
    }
    let wanted = RevokeTokensRequest {
        request_id: request_id(),
        target: Some(Target::Principal(PrincipalTarget {
            issuer: "spiffe://example.org".into(),
            principal: house.id("connector/shop"),
        })),
        ..RevokeTokensRequest::default()
    };
    let mut revocations = RevocationServiceClient::new(house.channel(None));
    let manager = house.fixture.manager(&[]);
    revocations
        .revoke_tokens(asked(&manager, wanted))
        .await
        .unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(5), stream.message()).await;
    assert_eq!(ended.unwrap().unwrap_err().code(), Code::Unauthenticated);
    assert_eq!(
        client.unary(UNARY, "x").await.unwrap_err().code(),
        Code::Unauthenticated
    );
}

#[tokio::test]
async fn renewed_files_are_taken_up_and_no_call_is_dropped() {
    let mut house = House::open(ClientCertificates::Optional).await;
    let token = house.fixture.token();
    let before = house.client(None, &token).await;
    let mut stream = before.watch(SERVER_STREAM, "wait").await.unwrap();
    assert!(before.unary(UNARY, "x").await.is_ok());

    // Half of a pair first, as when two files are written one after the other.
    let renewed = Authority::new("renewed");
    let pair = renewed.server();
    std::fs::write(house.folder.path().join("cert.pem"), &pair.0).unwrap();
    assert_eq!(house.code(None, &token).await, Code::Ok);
    write(house.folder.path(), &pair);
    house.server = renewed;
    eventually("the new pair is shown", async || {
        (house.code(None, &token).await == Code::Ok).then_some(())
    })
    .await;
    assert!(
        before.unary(UNARY, "x").await.is_ok(),
        "on the connection of before"
    );
    assert!(stream.message().await.unwrap().is_some());

    // So is the authority of clients, and the one before is forgotten.
    let old = house.clients.client(&[&house.id("connector/shop")]);
    house.clients = Authority::new("other clients");
    std::fs::write(house.folder.path().join("ca.pem"), house.clients.pem()).unwrap();
    let new = house.clients.client(&[&house.id("connector/shop")]);
    eventually("the new authority is believed", async || {
        (house.code(Some(&new), "").await == Code::Ok).then_some(())
    })
    .await;
    assert_eq!(house.code(Some(&old), "").await, Code::Unavailable);
}

#[tokio::test]
async fn settings_that_would_believe_too_much_keep_the_gateway_from_opening() {
    let certificates = |role: &str, path: &str, trust_domain: &str| Certificates {
        trust_domain: trust_domain.into(),
        grants: vec![CertificateGrant {
            path: path.into(),
            scopes: Vec::new(),
            roles: vec![role.into()],
        }],
        max_lifetime_seconds: 1,
    };
    let fixture = Fixture::open().await;
    for (settings, with_ca) in [
        (certificates("operator", "/tenant/", "example.org"), true),
        (certificates("connector", "/", "example.org"), true),
        (certificates("connector", "/tenant/", "Example/org"), true),
        (certificates("connector", "/tenant/", "example.org"), false),
    ] {
        let mut config = fixture.config.clone();
        config.auth.certificates = Some(settings);
        config.listen.tls = with_ca.then(|| TlsFiles {
            certificate_file: "c".into(),
            key_file: "k".into(),
            client_ca_file: Some("ca".into()),
        });
        let readiness = rapport_foundation::service::Readiness::starting().await;
        let opened = rapport_gateway::open(fixture.env.env.clone(), config, &readiness).await;
        let error = opened.err().unwrap().to_string();
        assert!(error.contains("auth.certificates"), "{error}");
    }
}
