//! Restarts under load, replica by replica: of the calls that may be sent again none fails.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{HeaderMap, Request};
use rapport_foundation::channel::{Channel, PoolConfig};
use rapport_foundation::role::Role;
use rapport_foundation::service::{
    DrainConfig, Env, ListenConfig, Readiness, Stopped, Task, guard, run, serve,
};
use rapport_foundation::testing::eventually;
use rapport_gateway::{Config, Issuer, Listen};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tonic::Code;
use tonic::client::Grpc;

use crate::fixture::{Client, Fixture, Plan};
use crate::tokens::{AUDIENCE, ISSUER};
use crate::upstream::{UNARY, Upstream};

/// Something with a port that ends as on SIGTERM: not ready, announced, GOAWAY, what runs is finished.
struct Replica {
    address: SocketAddr,
    readiness: Readiness,
    stop: CancellationToken,
    tasks: Vec<Task>,
}

impl Replica {
    async fn restart_begins(self) -> SocketAddr {
        let drain = DrainConfig {
            announce_ms: 20,
            limit_ms: 10_000,
        };
        let ended = run(self.tasks, async {}, &self.readiness, &self.stop, &drain).await;
        assert_eq!(ended, Stopped::Cleanly);
        self.address
    }
}

/// A replica of profiles.
async fn service(fixture: &Fixture, at: SocketAddr) -> (Replica, Upstream) {
    let (upstream, _) = Upstream::new();
    let router = tonic::service::Routes::default().into_axum_router();
    let routes = router.fallback_service(tower::ServiceExt::map_request(
        upstream.clone(),
        |request: Request<_>| request.map(tonic::body::Body::new),
    ));
    let house = &fixture.env.house;
    let guarded = guard(
        routes.into(),
        house.keys.verifier(Role::Profiles, &house.clock),
    );
    let listener = TcpListener::bind(at).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (readiness, stop) = (Readiness::starting().await, CancellationToken::new());
    readiness.ready().await;
    let (told, ending) = (readiness.clone(), stop.clone());
    let task = Task::spawn("service", async move {
        let config = ListenConfig::default();
        serve(listener, &config, guarded, &told, ending)
            .await
            .unwrap();
    });
    let tasks = vec![task];
    let replica = Replica {
        address,
        readiness,
        stop,
        tasks,
    };
    (replica, upstream)
}

/// A replica of the gateway, on the same database and behind the same identity provider.
async fn gateway(fixture: &Fixture, at: SocketAddr) -> Replica {
    let mut config = Config {
        listen: Listen {
            address: at,
            ..Listen::default()
        },
        quotas: Plan::default().config.quotas,
        ..Config::default()
    };
    config.auth.issuers.push(Issuer {
        issuer: ISSUER.into(),
        audiences: vec![AUDIENCE.into()],
        jwks_file: Some(fixture.folder.path().join("jwks.json")),
        jwks_url: None,
        tenants: Vec::new(),
        claims: rapport_gateway::ClaimNames::default(),
    });
    let (readiness, stop) = (Readiness::starting().await, CancellationToken::new());
    let env = Env {
        shutdown: stop.clone(),
        ..fixture.env.env.clone()
    };
    let gateway = rapport_gateway::open(env, config, &readiness)
        .await
        .unwrap();
    let listener = gateway.bind().await.unwrap();
    let address = listener.local_addr().unwrap();
    let tasks = gateway.serve(listener, 2).unwrap();
    readiness.ready().await;
    Replica {
        address,
        readiness,
        stop,
        tasks,
    }
}

/// Calls at a fixed rate, whatever becomes of them.
struct Load {
    end: Arc<AtomicBool>,
    running: JoinHandle<HashMap<Code, usize>>,
}

impl Load {
    /// Every call is made at most so many times; again only after UNAVAILABLE.
    fn begin(client: &Client, attempts: u32) -> Self {
        let (client, end) = (client.clone(), Arc::new(AtomicBool::new(false)));
        let ended = Arc::clone(&end);
        let running = tokio::spawn(async move {
            let mut tick = tokio::time::interval(Duration::from_millis(2));
            // A slow machine makes fewer calls, not the same ones later.
            tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
            let mut calls = JoinSet::new();
            while !ended.load(Ordering::Relaxed) {
                tick.tick().await;
                calls.spawn(call(client.clone(), attempts));
            }
            let mut seen = HashMap::new();
            while let Some(code) = calls.join_next().await {
                *seen.entry(code.unwrap()).or_default() += 1;
            }
            seen
        });
        Load { end, running }
    }

    async fn end(self) -> HashMap<Code, usize> {
        self.end.store(true, Ordering::Relaxed);
        self.running.await.unwrap()
    }
}

async fn call(client: Client, attempts: u32) -> Code {
    let mut code = Code::Ok;
    for attempt in 1..=attempts {
        code = match client.unary(UNARY, "hello").await {
            Ok(_) => return Code::Ok,
            Err(status) => status.code(),
        };
        if code != Code::Unavailable || attempt == attempts {
            break;
        }
        let longest = Duration::from_millis(50) * 2_u32.pow(attempt);
        tokio::time::sleep(longest.mul_f64(f64::from(attempt) / 4.0)).await;
    }
    code
}

async fn busy(upstream: &Upstream, calls: usize) {
    let before = upstream.calls();
    eventually("calls arrive", async || {
        (upstream.calls() >= before + calls).then_some(())
    })
    .await;
}

fn anywhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn urls(replicas: &[SocketAddr]) -> Vec<String> {
    let url = |address: &SocketAddr| format!("http://{address}");
    replicas.iter().map(url).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_is_restarted_replica_by_replica_and_no_call_fails() {
    let fixture = Fixture::open().await;
    let (first, seen) = service(&fixture, anywhere()).await;
    let (second, also_seen) = service(&fixture, anywhere()).await;
    let both = urls(&[first.address, second.address]);
    let channel = Channel::pool(&both, None, &PoolConfig::default()).unwrap();
    fixture.env.house.neighbours.set(Role::Profiles, channel);

    let load = Load::begin(&fixture.client(&fixture.token()).await, 1);
    let mut running = vec![(first, seen), (second, also_seen)];
    for _ in 0..4 {
        let (leaving, seen) = running.remove(0);
        busy(&seen, 30).await;
        let address = leaving.restart_begins().await;
        busy(&running[0].1, 30).await;
        running.push(service(&fixture, address).await);
    }
    busy(&running[1].1, 30).await;
    let seen = load.end().await;
    assert_eq!(seen.keys().collect::<Vec<_>>(), [&Code::Ok], "{seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gateway_is_restarted_replica_by_replica_and_no_call_fails_that_is_tried_again() {
    let fixture = Fixture::open().await;
    let mut running = vec![
        gateway(&fixture, anywhere()).await,
        gateway(&fixture, anywhere()).await,
    ];
    let both = urls(&[running[0].address, running[1].address]);
    let channel = Channel::pool(&both, None, &PoolConfig::default()).unwrap();
    let client = Client {
        grpc: Grpc::new(channel),
        token: fixture.token(),
        headers: HeaderMap::new(),
    };
    let load = Load::begin(&client, 3);
    for _ in 0..4 {
        busy(&fixture.upstream, 50).await;
        let address = running.remove(0).restart_begins().await;
        busy(&fixture.upstream, 50).await;
        running.push(gateway(&fixture, address).await);
    }
    let seen = load.end().await;
    assert_eq!(seen.keys().collect::<Vec<_>>(), [&Code::Ok], "{seen:?}");
}

#[tokio::test]
async fn only_idempotent_methods_are_sent_again_and_each_attempt_has_less_time() {
    let fixture = Fixture::open().await;
    let mut times = Vec::new();
    for (path, attempts) in [(UNARY, 3), (crate::upstream::SERVER_STREAM, 1)] {
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        let address = unavailable_after(Duration::from_millis(60), sender).await;
        let channel = Channel::pool(&urls(&[address]), None, &PoolConfig::default()).unwrap();
        for role in Role::SERVICES {
            fixture.env.house.neighbours.set(role, channel.clone());
        }
        let client = fixture.client(&fixture.token()).await;
        let code = match path {
            UNARY => client.unary(path, "hello").await.unwrap_err().code(),
            _ => client.watch(path, "hello").await.unwrap_err().code(),
        };
        assert_eq!(code, Code::Unavailable);
        let mut seen = Vec::new();
        while let Ok(left) = receiver.try_recv() {
            seen.push(left);
        }
        assert_eq!(seen.len(), attempts, "{path}");
        times.push(seen);
    }
    let unary: Vec<u64> = times[0].iter().map(|left| left.unwrap()).collect();
    assert!(
        unary[1] + 60 <= unary[0] && unary[2] + 60 <= unary[1],
        "{unary:?}"
    );
}

/// A service that takes its time to say UNAVAILABLE, and tells what time each call had left.
async fn unavailable_after(
    pause: Duration,
    seen: tokio::sync::mpsc::UnboundedSender<Option<u64>>,
) -> SocketAddr {
    let listener = TcpListener::bind(anywhere()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = tower::service_fn(move |request: Request<tonic::body::Body>| {
        let left = request.headers().get(rapport_foundation::deadline::HEADER);
        let left = left.map(|left| left.to_str().unwrap().parse().unwrap());
        seen.send(left).unwrap();
        async move {
            tokio::time::sleep(pause).await;
            let status = tonic::Status::new(Code::Unavailable, "asked to");
            Ok::<_, std::convert::Infallible>(status.into_http())
        }
    });
    tokio::spawn(async move {
        let readiness = Readiness::starting().await;
        let service = tower::util::BoxCloneSyncService::new(service);
        let never = CancellationToken::new();
        serve(
            listener,
            &ListenConfig::default(),
            service,
            &readiness,
            never,
        )
        .await
        .unwrap();
    });
    address
}
