//! A gateway with an identity provider on one side and a service on the other.

use std::net::SocketAddr;
use std::path::PathBuf;

use http::{HeaderMap, HeaderValue, Request};
use http_body_util::BodyExt as _;
use rapport_foundation::channel::Channel;
use rapport_foundation::context::Demand;
use rapport_foundation::id::TenantId;
use rapport_foundation::role::Role;
use rapport_foundation::service::{ListenConfig, Readiness, Task, guard, serve};
use rapport_foundation::testing::{Engine, House, TestEnv};
use rapport_foundation::time::{Clock, Micros};
use rapport_gateway::domain::tenant::Tenant;
use rapport_gateway::layers::Front;
use rapport_gateway::{Config, Issuer, Listen, Protection, Quotas, migrations, open_without};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic_prost::ProstCodec;
use tower::ServiceExt as _;

use crate::tokens::{self, AUDIENCE, ISSUER, Key};
use crate::upstream::Upstream;

pub(crate) const START: Micros = Micros(1_800_000_000_000_000);

/// On which side of a socket the service stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Embedded,
    Split,
}

pub(crate) struct Fixture {
    pub(crate) clock: Clock,
    pub(crate) key: Key,
    pub(crate) tenant: TenantId,
    pub(crate) upstream: Upstream,
    pub(crate) dropped: mpsc::UnboundedReceiver<()>,
    pub(crate) front: Front,
    pub(crate) address: SocketAddr,
    pub(crate) readiness: Readiness,
    pub(crate) env: TestEnv,
    pub(crate) tasks: Vec<Task>,
    pub(crate) folder: TempDir,
    pub(crate) config: Config,
}

/// How a fixture differs from the usual.
pub(crate) struct Plan {
    pub(crate) way: Way,
    pub(crate) engine: Engine,
    pub(crate) clock: Clock,
    /// Keys the identity provider publishes; the first is the one that signs.
    pub(crate) keys: Vec<Key>,
    pub(crate) jwks_url: Option<String>,
    pub(crate) config: Config,
    /// Protections of the gateway that are taken away, and demands of the service behind it.
    pub(crate) off: Vec<Protection>,
    pub(crate) off_behind: Vec<Demand>,
}

impl Default for Plan {
    fn default() -> Self {
        Plan {
            way: Way::Embedded,
            engine: Engine::Sqlite,
            clock: Clock::manual(START),
            keys: vec![Key::es256("first")],
            jwks_url: None,
            config: Config {
                listen: Listen {
                    address: SocketAddr::from(([127, 0, 0, 1], 0)),
                    ..Listen::default()
                },
                // Tests call as nobody clicks.
                quotas: Quotas {
                    staff: Quotas::default().tenant,
                    ..Quotas::default()
                },
                ..Config::default()
            },
            off: Vec::new(),
            off_behind: Vec::new(),
        }
    }
}

impl Fixture {
    pub(crate) async fn open() -> Self {
        Plan::default().open().await
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now().0 / 1_000_000
    }

    /// Claims of a member of staff who may do most things.
    pub(crate) fn claims(&self) -> Value {
        tokens::claims(
            &self.tenant.to_string(),
            &["agent", "connector"],
            self.now(),
        )
    }

    pub(crate) fn token(&self) -> String {
        self.key.token(&self.claims())
    }

    /// A client over a socket of its own, with the credential in every call.
    pub(crate) async fn client(&self, token: &str) -> Client {
        let channel = Channel::connect(&format!("http://{}", self.address), None).unwrap();
        Client {
            grpc: Grpc::new(channel),
            token: token.to_owned(),
            headers: HeaderMap::new(),
        }
    }

    /// The answer of the front to a call with these headers beside the usual: headers and trailers as one.
    pub(crate) async fn answer(
        &self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> (http::StatusCode, HeaderMap) {
        let mut request = Request::post(path).body(message("hello")).unwrap();
        request
            .headers_mut()
            .insert("content-type", HeaderValue::from_static("application/grpc"));
        for (name, value) in headers {
            let name = http::HeaderName::try_from(*name).unwrap();
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            request.headers_mut().append(name, value);
        }
        let (parts, body) = self
            .front
            .clone()
            .oneshot(request)
            .await
            .unwrap()
            .into_parts();
        let mut headers = parts.headers;
        if let Some(trailers) = body.collect().await.unwrap().trailers() {
            headers.extend(trailers.clone());
        }
        (parts.status, headers)
    }

    /// The code a token gets.
    pub(crate) async fn code(&self, token: &str) -> String {
        let bearer = format!("Bearer {token}");
        let (_, headers) = self
            .answer(crate::upstream::UNARY, &[("authorization", &bearer)])
            .await;
        headers
            .get("grpc-status")
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    }
}

/// A body with one message.
pub(crate) fn message(text: &str) -> Body {
    let payload = prost::Message::encode_to_vec(&text.to_owned());
    let mut bytes = vec![0];
    bytes.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
    bytes.extend(payload);
    Body::new(http_body_util::Full::new(bytes::Bytes::from(bytes)))
}

impl Plan {
    pub(crate) async fn open(mut self) -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let file: PathBuf = folder.path().join("jwks.json");
        std::fs::write(&file, tokens::set(&self.keys.iter().collect::<Vec<_>>())).unwrap();
        self.config.auth.issuers.push(Issuer {
            issuer: ISSUER.into(),
            audiences: vec![AUDIENCE.into(), "another".into()],
            jwks_file: self.jwks_url.is_none().then_some(file),
            jwks_url: self.jwks_url.clone(),
            tenants: Vec::new(),
            claims: rapport_gateway::ClaimNames::default(),
        });
        let house = House::new(self.clock.clone());
        let env = house.env(&self.engine, Role::Gateway, migrations).await;
        let (upstream, dropped) = Upstream::new();
        for role in Role::SERVICES {
            house
                .neighbours
                .set(role, self.attach(&house, role, &upstream).await);
        }
        let readiness = Readiness::starting().await;
        let gateway = open_without(env.env.clone(), self.config.clone(), &readiness, &self.off);
        let gateway = gateway.await.unwrap();
        let tenant = TenantId::new(self.clock.now());
        let fresh = gateway
            .ensure_tenant(&Tenant::new(tenant, "A tenant", self.clock.now()))
            .await
            .unwrap();
        assert!(fresh);
        let front = gateway.front();
        let listener = gateway.bind().await.unwrap();
        let address = listener.local_addr().unwrap();
        // Apart from the services it answers on threads of its own.
        let threads = match self.way {
            Way::Embedded => 0,
            Way::Split => 2,
        };
        let tasks = gateway.serve(listener, threads).unwrap();
        readiness.ready().await;
        Fixture {
            clock: self.clock,
            key: self.keys.remove(0),
            tenant,
            upstream,
            dropped,
            front,
            address,
            readiness,
            env,
            tasks,
            folder,
            config: self.config,
        }
    }

    async fn attach(&self, house: &House, role: Role, upstream: &Upstream) -> Channel {
        let router = tonic::service::Routes::default().into_axum_router();
        let routes = router.fallback_service(tower::ServiceExt::map_request(
            upstream.clone(),
            |request: Request<_>| request.map(Body::new),
        ));
        let verifier = house.keys.verifier(role, &house.clock);
        let verifier = verifier.without(&self.off_behind);
        let guarded = guard(routes.into(), verifier);
        if self.way == Way::Embedded {
            return Channel::local(guarded);
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = house.shutdown.clone();
        tokio::spawn(async move {
            let readiness = Readiness::starting().await;
            serve(
                listener,
                &ListenConfig::default(),
                guarded,
                &readiness,
                stop,
            )
            .await
            .unwrap();
        });
        Channel::connect(&url, None).unwrap()
    }
}

/// A gRPC client for methods whose messages are strings.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) grpc: Grpc<Channel>,
    pub(crate) token: String,
    pub(crate) headers: HeaderMap,
}

type Codec = ProstCodec<String, String>;

impl Client {
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, value.parse().unwrap());
        self
    }

    fn request<M>(&self, message: M) -> tonic::Request<M> {
        let mut request = tonic::Request::new(message);
        let headers = request.metadata_mut().as_mut();
        headers.extend(self.headers.clone());
        if !self.token.is_empty() {
            let bearer = format!("Bearer {}", self.token);
            headers.insert("authorization", bearer.parse().unwrap());
        }
        request
    }

    pub(crate) async fn unary(
        &self,
        path: &'static str,
        text: &str,
    ) -> Result<tonic::Response<String>, tonic::Status> {
        let mut grpc = self.grpc.clone();
        grpc.ready().await.unwrap();
        let request = self.request(text.to_owned());
        grpc.unary(request, path.parse().unwrap(), Codec::default())
            .await
    }

    pub(crate) async fn watch(
        &self,
        path: &'static str,
        text: &str,
    ) -> Result<tonic::Streaming<String>, tonic::Status> {
        let mut grpc = self.grpc.clone();
        grpc.ready().await.unwrap();
        let request = self.request(text.to_owned());
        let response = grpc
            .server_streaming(request, path.parse().unwrap(), Codec::default())
            .await?;
        Ok(response.into_inner())
    }

    pub(crate) async fn converse(
        &self,
        path: &'static str,
        messages: impl futures::Stream<Item = String> + Send + 'static,
    ) -> Result<tonic::Streaming<String>, tonic::Status> {
        let mut grpc = self.grpc.clone();
        grpc.ready().await.unwrap();
        let response = grpc
            .streaming(
                self.request(messages),
                path.parse().unwrap(),
                Codec::default(),
            )
            .await?;
        Ok(response.into_inner())
    }
}
