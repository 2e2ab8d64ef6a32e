//! What only shows in numbers: while somebody floods one connection, the calls on another go on and memory stays where
//! it was. A program with this one test, so that nothing else is measured.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::time::{Duration, Instant};

#[path = "../it/fixture.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod fixture;
#[path = "../it/tokens.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod tokens;
#[path = "../it/upstream.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod upstream;
#[path = "../it/wire.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod wire;

use fixture::{Fixture, Plan};
use upstream::{BIDI, SERVER_STREAM, UNARY};
use wire::{Wire, frame};

/// What a flood may cost us in memory, and a call of a neighbour in time.
const MOST_MIB: u64 = 24;
const LONGEST: Duration = Duration::from_secs(2);

/// Resident memory of this process.
fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.unwrap().parse::<u64>().unwrap() / 1024
}

/// Sends a flood as far as it is taken, reading what comes back, until the other side ends it.
async fn pour(fixture: &Fixture, flood: Vec<u8>) {
    let wire = Wire::open(fixture, &[]).await;
    let (mut read, mut write) = wire.split();
    let writing = tokio::spawn(async move {
        for piece in flood.chunks(16 * 1024) {
            if !write.send(piece).await {
                return;
            }
        }
        // Held open: that it ends is for the other side to see to.
        std::future::pending::<()>().await;
    });
    let ended = read.ends_within(Duration::from_secs(20)).await;
    writing.abort();
    assert!(ended, "the flood was not ended");
}

/// Calls of a neighbour during a flood: each succeeds, and none waits for long.
async fn neighbour(fixture: &Fixture, flood: impl Future<Output = ()>) -> (usize, Duration) {
    let client = fixture.client(&fixture.token()).await;
    client.unary(UNARY, "hello").await.unwrap();
    let mut flood = std::pin::pin!(flood);
    let (mut calls, mut longest) = (0, Duration::ZERO);
    loop {
        let begun = Instant::now();
        let call = client.unary(UNARY, "hello");
        let mut call = std::pin::pin!(call);
        let over = tokio::select! {
            answer = &mut call => {
                answer.unwrap();
                false
            }
            () = &mut flood => {
                call.await.unwrap();
                true
            }
        };
        calls += 1;
        longest = longest.max(begun.elapsed());
        if over {
            return (calls, longest);
        }
    }
}

#[expect(
    clippy::print_stdout,
    reason = "the figures, for whoever asks for them"
)]
async fn withstands(fixture: &Fixture, what: &str, flood: impl Future<Output = ()>) {
    let before = resident_mib();
    let (calls, longest) = neighbour(fixture, flood).await;
    let grown = resident_mib().saturating_sub(before);
    println!("{what}: {calls} calls of a neighbour, the longest {longest:?}, {grown} MiB more");
    assert!(grown <= MOST_MIB, "{what}: {grown} MiB more");
    assert!(
        longest <= LONGEST,
        "{what}: a neighbour waited for {longest:?}"
    );
}

/// Headers and a reset, again and again.
fn resets(token: &str, streams: u32) -> Vec<u8> {
    let call = wire::call(UNARY, token);
    let mut bytes = Vec::new();
    for at in 0..streams {
        bytes.extend(frame(wire::HEADERS, wire::END_HEADERS, 2 * at + 1, &call));
        bytes.extend(frame(wire::RST_STREAM, 0, 2 * at + 1, &[0, 0, 0, 8]));
    }
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_on_one_connection_disturbs_no_other_and_takes_no_memory() {
    let mut plan = Plan::default();
    plan.config.limits.handshake_ms = 500;
    plan.config.limits.slow_reader_ms = 500;
    let fixture = plan.open().await;
    let token = fixture.token();
    for (what, flood) in [
        (
            "200,000 PING",
            frame(wire::PING, 0, 0, &[7; 8]).repeat(200_000),
        ),
        (
            "100,000 SETTINGS",
            frame(wire::SETTINGS, 0, 0, &[]).repeat(100_000),
        ),
        (
            "100,000 WINDOW_UPDATE",
            frame(wire::WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]).repeat(100_000),
        ),
        (
            "100,000 empty DATA",
            [
                frame(
                    wire::HEADERS,
                    wire::END_HEADERS,
                    1,
                    &wire::call(BIDI, &token),
                ),
                frame(wire::DATA, 0, 1, &[]).repeat(100_000),
            ]
            .concat(),
        ),
        ("2,000 rapid resets", resets(&token, 2_000)),
        (
            "1,000 CONTINUATION",
            [
                frame(wire::HEADERS, 0, 1, &wire::call(UNARY, &token)),
                frame(wire::CONTINUATION, 0, 1, &wire::block(&[("x", "y")])).repeat(1_000),
            ]
            .concat(),
        ),
        (
            "a frame of 16 MiB",
            frame(wire::DATA, 0, 1, &vec![0; 16 * 1024 * 1024 - 1]),
        ),
    ] {
        withstands(&fixture, what, pour(&fixture, flood)).await;
    }
    withstands(&fixture, "10,000 streams", many_streams(&fixture, &token)).await;
    withstands(&fixture, "200 who never read", deaf(&fixture, &token)).await;
    withstands(&fixture, "200 who say nothing", silent(&fixture)).await;
    withstands(&fixture, "bombs in gzip", bombs(&fixture)).await;
}

/// Ten thousand calls that wait, on one connection: all but the first 256 are refused, and that without end.
async fn many_streams(fixture: &Fixture, token: &str) {
    let (mut read, mut write) = Wire::open(fixture, &[]).await.split();
    let call = |at: u32| wire::whole_call(2 * at + 1, SERVER_STREAM, token, "wait");
    let calls: Vec<u8> = (0..10_000).flat_map(call).collect();
    let writing = tokio::spawn(async move { write.send(&calls).await });
    let (mut begun, mut refused) = (0, 0);
    while let Some(frame) = read.next().await {
        match frame.kind {
            wire::HEADERS => begun += 1,
            wire::RST_STREAM => refused += 1,
            _ => {}
        }
        if begun + refused >= 10_000 {
            break;
        }
    }
    writing.abort();
    assert!(
        begun <= 256 && refused > 0,
        "{begun} begun, {refused} refused"
    );
}

/// Many that ask for much and open no window.
async fn deaf(fixture: &Fixture, token: &str) {
    let call = wire::whole_call(1, UNARY, token, &"x".repeat(16_000));
    let mut wires = Vec::new();
    for _ in 0..200 {
        let mut wire = Wire::open(fixture, &[0, 4, 0, 0, 0, 0]).await;
        wire.send(&call).await;
        wires.push(wire);
    }
    for mut wire in wires {
        assert!(wire.ends_within(Duration::from_secs(10)).await);
    }
}

/// Slow loris: many that hold a place and never come to the point.
async fn silent(fixture: &Fixture) {
    let mut wires = Vec::new();
    for at in 0..200 {
        let mut wire = Wire::silent(fixture).await;
        let said: [&[u8]; 3] = [b"", b"PRI * HTTP/2.0\r\n", b"GET / HTTP/1.1\r\nhost:"];
        wire.send(said[at % 3]).await;
        wires.push(wire);
    }
    for mut wire in wires {
        assert!(wire.ends_within(Duration::from_secs(10)).await);
    }
}

/// A small message that would be a gigabyte: nobody here unpacks it.
async fn bombs(fixture: &Fixture) {
    let client = fixture.client(&fixture.token()).await;
    let client = client.with("grpc-encoding", "gzip");
    for _ in 0..20 {
        let status = client.unary(UNARY, &"\0".repeat(1_000_000)).await;
        assert_eq!(status.unwrap_err().code(), tonic::Code::Unimplemented);
    }
}
