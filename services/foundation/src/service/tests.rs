#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::convert::Infallible;
use std::time::Duration;

use http::{HeaderValue, Request, Response};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::service::Routes;

use super::*;
use crate::channel::Channel;
use crate::context::{self, Claims, Context, KeySet, PrincipalKind};
use crate::deadline;
use crate::id::TenantId;
use crate::role::Role;
use crate::time::Clock;

const METHOD: &str = "/rapport.profiles.v1.CustomerService/GetCustomer";
const INTERNAL: &str = "/rapport.profiles.v1.LogService/WatchHeads";

/// Answers by what the call asks for in `x-do`, and with who it is otherwise.
#[derive(Clone)]
struct Handler;

impl tower::Service<Request<Body>> for Handler {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = futures::future::BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(async move {
            match request.headers().get("x-do").map(HeaderValue::as_bytes) {
                Some(b"panic") => panic!("asked to"),
                Some(b"hang") => std::future::pending().await,
                _ => {
                    assert!(!request.headers().contains_key(context::HEADER));
                    let context = request.extensions().get::<Context>().unwrap();
                    let mut response = tonic::Status::ok("").into_http::<Body>();
                    let principal = context.principal.parse().unwrap();
                    response.headers_mut().insert("x-principal", principal);
                    Ok(response)
                }
            }
        })
    }
}

impl tonic::server::NamedService for Handler {
    const NAME: &'static str = "rapport.profiles.v1.CustomerService";
}

struct House {
    keys: KeySet,
    clock: Clock,
    /// The same guarded service, in this process and over a socket.
    ways: Vec<Channel>,
    shutdown: CancellationToken,
}

impl House {
    async fn open() -> House {
        let clock = Clock::system();
        let keys = KeySet::ephemeral().unwrap();
        let mut routes = Routes::new(Handler);
        // The log service's path, served by the same handler.
        let router = routes.axum_router_mut();
        let handler =
            tower::ServiceExt::map_request(Handler, |request: Request<_>| request.map(Body::new));
        *router = std::mem::take(router).route_service(INTERNAL, handler);
        let guarded = guard(routes, keys.verifier(Role::Profiles, &clock));

        let shutdown = CancellationToken::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (served, stop) = (guarded.clone(), shutdown.clone());
        tokio::spawn(async move {
            let readiness = Readiness::starting().await;
            serve(listener, &ListenConfig::default(), served, &readiness, stop)
                .await
                .unwrap();
        });
        let ways = vec![
            Channel::local(guarded),
            Channel::connect(&url, None).unwrap(),
        ];
        House {
            keys,
            clock,
            ways,
            shutdown,
        }
    }

    fn header(&self, role: Role) -> HeaderValue {
        let signer = self.keys.signer(role, &self.clock).unwrap();
        let tenant = TenantId::new(self.clock.now());
        let context = match role {
            Role::Gateway => Claims::new(tenant, "anna", PrincipalKind::Staff).into(),
            _ => signer.service_context(tenant, None),
        };
        signer.header_for(&context, Role::Profiles)
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn request(path: &str, headers: &[(&'static str, HeaderValue)]) -> Request<Body> {
    let mut request = Request::post(path).body(Body::empty()).unwrap();
    let all = request.headers_mut();
    all.insert("content-type", HeaderValue::from_static("application/grpc"));
    for (name, value) in headers {
        all.append(*name, value.clone());
    }
    request
}

async fn code(way: &Channel, request: Request<Body>) -> (tonic::Code, Option<HeaderValue>) {
    let response = way.once(request).await.unwrap();
    let status = tonic::Status::from_header_map(response.headers()).unwrap();
    (
        status.code(),
        response.headers().get("x-principal").cloned(),
    )
}

#[tokio::test]
async fn only_a_signed_context_opens_a_service_on_both_ways() {
    let house = House::open().await;
    let good = house.header(Role::Gateway);
    let forged = HeaderValue::from_static("a.b.c");
    for way in &house.ways {
        let seen = code(way, request(METHOD, &[(context::HEADER, good.clone())])).await;
        assert_eq!(
            seen,
            (tonic::Code::Ok, Some(HeaderValue::from_static("anna")))
        );
        for headers in [
            vec![],
            vec![(context::HEADER, forged.clone())],
            vec![
                (context::HEADER, good.clone()),
                (context::HEADER, forged.clone()),
            ],
        ] {
            let (code, _) = code(way, request(METHOD, &headers)).await;
            assert_eq!(code, tonic::Code::Unauthenticated);
        }
    }
}

#[tokio::test]
async fn internal_methods_are_for_services_only() {
    let house = House::open().await;
    for way in &house.ways {
        let outside = request(INTERNAL, &[(context::HEADER, house.header(Role::Gateway))]);
        assert_eq!(code(way, outside).await.0, tonic::Code::Unimplemented);
        let inside = request(INTERNAL, &[(context::HEADER, house.header(Role::Routing))]);
        let principal = Some(HeaderValue::from_static("svc_routing"));
        assert_eq!(code(way, inside).await, (tonic::Code::Ok, principal));
    }
}

#[tokio::test]
async fn deadlines_and_panics_get_the_same_code_on_both_ways() {
    let house = House::open().await;
    for way in &house.ways {
        for (what, expected) in [
            ("hang", tonic::Code::DeadlineExceeded),
            ("panic", tonic::Code::Internal),
        ] {
            let asked = request(
                METHOD,
                &[
                    (context::HEADER, house.header(Role::Gateway)),
                    (deadline::HEADER, HeaderValue::from_static("200")),
                    ("x-do", HeaderValue::from_static(what)),
                ],
            );
            assert_eq!(code(way, asked).await.0, expected, "{what}");
        }
    }
}

#[tokio::test]
async fn health_is_not_serving_until_ready() {
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_check_response::ServingStatus;
    use tonic_health::pb::health_client::HealthClient;

    let readiness = Readiness::starting().await;
    let mut health = HealthClient::new(Channel::local(readiness.server()));
    let mut seen = Vec::new();
    for step in 0..6 {
        match step {
            1 => readiness.ready().await,
            2 => readiness.able(false).await,
            3 => readiness.able(true).await,
            4 => readiness.not_ready().await,
            // Able again while it is draining: no more ready than before.
            5 => {
                readiness.able(false).await;
                readiness.able(true).await;
            }
            _ => (),
        }
        let answer = health.check(HealthCheckRequest::default()).await.unwrap();
        seen.push(answer.into_inner().status());
    }
    let expected = [
        ServingStatus::NotServing,
        ServingStatus::Serving,
        ServingStatus::NotServing,
        ServingStatus::Serving,
        ServingStatus::NotServing,
        ServingStatus::NotServing,
    ];
    assert_eq!(seen, expected);
    assert!(!readiness.is_ready());
}

#[tokio::test]
async fn ending_is_bounded_even_with_a_task_that_never_ends_and_a_peer_that_says_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let readiness = Readiness::starting().await;
    let (serving, stop) = (readiness.clone(), shutdown.clone());
    let keys = KeySet::ephemeral().unwrap();
    let guarded = guard(
        Routes::new(Handler),
        keys.verifier(Role::Profiles, &Clock::system()),
    );
    let server = Task::spawn("server", async move {
        let _ = serve(listener, &ListenConfig::default(), guarded, &serving, stop).await;
    });
    let polite = shutdown.clone();
    let tasks = vec![
        server,
        Task::spawn("polite", async move { polite.cancelled().await }),
        Task::spawn("stubborn", std::future::pending()),
    ];
    readiness.ready().await;
    let _silent = tokio::net::TcpStream::connect(address).await.unwrap();

    let config = DrainConfig {
        announce_ms: 0,
        limit_ms: 200,
    };
    let ended = run(tasks, async {}, &readiness, &shutdown, &config);
    let Stopped::CutOff(late) = tokio::time::timeout(Duration::from_secs(10), ended)
        .await
        .unwrap()
    else {
        panic!("the stubborn task must be named");
    };
    assert!(late.contains(&"stubborn") && !late.contains(&"polite"));
    assert!(!readiness.is_ready());
}

#[tokio::test]
async fn a_task_that_ends_by_itself_ends_the_process() {
    let shutdown = CancellationToken::new();
    let readiness = Readiness::starting().await;
    let stop = shutdown.clone();
    let tasks = vec![
        Task::spawn("worker", async { panic!("asked to") }),
        Task::spawn("other", async move { stop.cancelled().await }),
    ];
    let asked = std::future::pending();
    let ended = run(tasks, asked, &readiness, &shutdown, &DrainConfig::default()).await;
    assert_eq!(ended, Stopped::Failed("worker"));
}
