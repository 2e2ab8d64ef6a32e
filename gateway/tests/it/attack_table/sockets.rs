//! Attacks by how a connection behaves: S34 to S39.

use std::time::Duration;

use futures::FutureExt as _;
use rapport_gateway::Protection as P;

use super::{Row, THROUGH};
use crate::fixture::Plan;
use crate::upstream::{SERVER_STREAM, UNARY};
use crate::wire::{self, Wire, frame};

/// Longer than any limit these rows set.
const A_WHILE: Duration = Duration::from_millis(900);
const LIMIT_MS: u64 = 150;

fn or_closed(through: bool) -> String {
    if through { THROUGH } else { "closed" }.to_owned()
}

/// Whether a connection that should be ended is still there.
async fn outlives(mut wire: Wire) -> String {
    or_closed(!wire.ends_within(A_WHILE).await)
}

/// Whether a connection still answers a PING after all that was sent.
async fn answers(mut wire: Wire) -> String {
    wire.send(&frame(wire::PING, 0, 0, b"are you?")).await;
    let answer = wire.until(|frame| frame.payload == b"are you?").await;
    or_closed(answer.is_some())
}

async fn second_connection(plan: Plan) -> String {
    let fixture = plan.open().await;
    let first = fixture.client(&fixture.token()).await;
    first.unary(UNARY, "hello").await.unwrap();
    let second = fixture.client(&fixture.token()).await;
    let outcome = match second.unary(UNARY, "hello").await {
        Ok(_) => THROUGH.to_owned(),
        Err(status) => i32::from(status.code()).to_string(),
    };
    first.unary(UNARY, "hello").await.unwrap();
    outcome
}

async fn large_headers(plan: Plan) -> String {
    let fixture = plan.open().await;
    let mut wire = Wire::open(&fixture, &[]).await;
    let much = "a".repeat(2_000);
    let mut block = wire::call(UNARY, &fixture.token());
    for at in 0..10 {
        block.extend(wire::block(&[(&format!("x-{at}"), &much)]));
    }
    let (first, second) = block.split_at(16_000);
    wire.send(&frame(wire::HEADERS, 0, 1, first)).await;
    wire.send(&frame(wire::CONTINUATION, wire::END_HEADERS, 1, second))
        .await;
    wire.send(&frame(
        wire::DATA,
        wire::END_STREAM,
        1,
        &wire::message("hello"),
    ))
    .await;
    let answer = wire
        .until(|frame| frame.kind == wire::HEADERS)
        .await
        .unwrap();
    if fixture.upstream.calls() > 0 {
        return THROUGH.to_owned();
    }
    // `:status` as a literal behind the name of the static table.
    let told = String::from_utf8_lossy(&answer.payload).into_owned();
    if told.contains("431") || answer.payload.windows(3).any(|three| three == HUFFMAN_431) {
        "HTTP 431".to_owned()
    } else {
        format!("{:?}", answer.payload)
    }
}

/// The digits 4, 3, 1 in the code of RFC 7541, appendix B: 011010 011001 00001, and ones to the end.
const HUFFMAN_431: [u8; 3] = [0b0110_1001, 0b1001_0000, 0b1111_1111];

async fn endless_continuation(plan: Plan) -> String {
    let fixture = plan.open().await;
    let mut wire = Wire::open(&fixture, &[]).await;
    let call = wire::call(UNARY, &fixture.token());
    wire.send(&frame(wire::HEADERS, 0, 1, &call)).await;
    let piece = wire::block(&[("x-more", &"a".repeat(8_000))]);
    for _ in 0..60 {
        wire.send(&frame(wire::CONTINUATION, 0, 1, &piece)).await;
    }
    wire.send(&frame(wire::CONTINUATION, wire::END_HEADERS, 1, &[]))
        .await;
    wire.send(&frame(
        wire::DATA,
        wire::END_STREAM,
        1,
        &wire::message("hello"),
    ))
    .await;
    match wire
        .until(|frame| matches!(frame.kind, wire::HEADERS | wire::GOAWAY))
        .await
    {
        Some(frame) if frame.kind == wire::HEADERS && fixture.upstream.calls() > 0 => {
            THROUGH.to_owned()
        }
        _ => "closed".to_owned(),
    }
}

async fn many_streams(plan: Plan) -> String {
    const STREAMS: u32 = 1_000;
    let fixture = plan.open().await;
    let (mut wire, mut write) = Wire::open(&fixture, &[]).await.split();
    let token = fixture.token();
    let call = |at| wire::whole_call(2 * at + 1, SERVER_STREAM, &token, "wait");
    let calls: Vec<u8> = (0..STREAMS).flat_map(call).collect();
    // Answers are read meanwhile: neither side waits for the other.
    let _writing = tokio::spawn(async move { write.send(&calls).await.then_some(write) });
    let mut answered = 0;
    loop {
        let frame = wire.until(|frame| {
            let refused = frame.kind == wire::RST_STREAM && frame.code() == 7;
            refused || frame.kind == wire::HEADERS
        });
        match frame.await {
            Some(frame) if frame.kind == wire::RST_STREAM => return "REFUSED_STREAM".to_owned(),
            Some(_) => answered += 1,
            None => return "closed".to_owned(),
        }
        if answered == STREAMS {
            return THROUGH.to_owned();
        }
    }
}

async fn silence(mut plan: Plan) -> String {
    plan.config.limits.handshake_ms = LIMIT_MS;
    let fixture = plan.open().await;
    outlives(Wire::silent(&fixture).await).await
}

async fn half_a_preface(mut plan: Plan) -> String {
    plan.config.limits.handshake_ms = LIMIT_MS;
    let fixture = plan.open().await;
    let mut wire = Wire::silent(&fixture).await;
    wire.send(b"PRI * HT").await;
    outlives(wire).await
}

async fn preface_and_nothing_more(mut plan: Plan) -> String {
    plan.config.limits.idle_ms = LIMIT_MS;
    plan.config.limits.connection_grace_ms = LIMIT_MS;
    let fixture = plan.open().await;
    outlives(Wire::open(&fixture, &[]).await).await
}

async fn stream_of_an_old_connection(mut plan: Plan) -> String {
    plan.config.limits.connection_age_ms = LIMIT_MS;
    let fixture = plan.open().await;
    let client = fixture.client(&fixture.token()).await;
    let mut answers = client.watch(SERVER_STREAM, "wait").await.unwrap();
    for _ in 0..3 {
        answers.message().await.unwrap();
    }
    match tokio::time::timeout(A_WHILE, answers.message()).await {
        Err(_) => THROUGH.to_owned(),
        Ok(ended) => {
            let status = ended.unwrap_err();
            let retry = tonic_types::StatusExt::get_details_retry_info(&status);
            assert!(retry.is_some(), "{status:?}");
            i32::from(status.code()).to_string()
        }
    }
}

/// A peer that opens no window: an initial one of zero.
const NO_WINDOW: [u8; 6] = [0, 4, 0, 0, 0, 0];

async fn reader_that_never_reads(mut plan: Plan) -> String {
    plan.config.limits.slow_reader_ms = LIMIT_MS;
    let mut fixture = plan.open().await;
    let mut wire = Wire::open(&fixture, &NO_WINDOW).await;
    let call = wire::whole_call(1, SERVER_STREAM, &fixture.token(), "wait");
    wire.send(&call).await;
    let outcome = outlives(wire).await;
    if outcome != THROUGH {
        // With the connection goes what was done for it.
        let dropped = tokio::time::timeout(A_WHILE, fixture.dropped.recv());
        dropped.await.unwrap();
    }
    outcome
}

/// A request whose body never comes to its end.
async fn half_a_body(plan: Plan) -> String {
    let fixture = plan.open().await;
    let mut wire = Wire::open(&fixture, &[]).await;
    let mut block = wire::call(UNARY, &fixture.token());
    block.extend(wire::block(&[("grpc-timeout", "50m")]));
    wire.send(&frame(wire::HEADERS, wire::END_HEADERS, 1, &block))
        .await;
    let half = &wire::message("hello")[..3];
    wire.send(&frame(wire::DATA, 0, 1, half)).await;
    let answer = wire.until(|frame| frame.kind == wire::HEADERS);
    match tokio::time::timeout(A_WHILE, answer).await {
        Ok(answer) => answer.map_or("closed", |_| "answered").to_owned(),
        Err(_) => THROUGH.to_owned(),
    }
}

async fn noise(plan: Plan, frame: Vec<u8>) -> String {
    let fixture = plan.open().await;
    let mut wire = Wire::open(&fixture, &[]).await;
    wire.send(&frame.repeat(500)).await;
    answers(wire).await
}

async fn rapid_reset(plan: Plan) -> String {
    let fixture = plan.open().await;
    let mut wire = Wire::open(&fixture, &[]).await;
    let call = wire::call(UNARY, &fixture.token());
    let mut burst = Vec::new();
    for at in 0..2_000 {
        burst.extend(frame(wire::HEADERS, wire::END_HEADERS, 2 * at + 1, &call));
        burst.extend(frame(wire::RST_STREAM, 0, 2 * at + 1, &[0, 0, 0, 8]));
    }
    wire.send(&burst).await;
    answers(wire).await
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = frames();
    rows.extend(connections());
    rows
}

fn frames() -> Vec<Row> {
    vec![
        Row::new(
            "S34",
            "20 KB of headers",
            &[P::HeaderSize],
            "HTTP 431",
            |plan| large_headers(plan).boxed_local(),
        ),
        Row::new("S35", "rapid reset", &[P::RapidReset], "closed", |plan| {
            rapid_reset(plan).boxed_local()
        }),
        Row::new(
            "S36",
            "CONTINUATION without end",
            &[P::HeaderSize],
            "closed",
            |plan| endless_continuation(plan).boxed_local(),
        ),
        Row::new("S37", "PING", &[P::ControlFrames], "closed", |plan| {
            noise(plan, frame(wire::PING, 0, 0, &[7; 8])).boxed_local()
        }),
        Row::new("S37", "SETTINGS", &[P::ControlFrames], "closed", |plan| {
            noise(plan, frame(wire::SETTINGS, 0, 0, &[])).boxed_local()
        }),
        Row::new(
            "S37",
            "WINDOW_UPDATE",
            &[P::ControlFrames],
            "closed",
            |plan| noise(plan, frame(wire::WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])).boxed_local(),
        ),
    ]
}

fn connections() -> Vec<Row> {
    vec![
        Row::new(
            "S38",
            "a thousand streams on one connection",
            &[P::Streams],
            "REFUSED_STREAM",
            |plan| many_streams(plan).boxed_local(),
        ),
        Row::new(
            "S38",
            "more connections than there are",
            &[P::Connections],
            "14",
            |mut plan| {
                plan.config.limits.connections = 1;
                second_connection(plan).boxed_local()
            },
        ),
        Row::new(
            "S38",
            "more connections than one may",
            &[P::ConnectionsPerClient],
            "14",
            |mut plan| {
                plan.config.limits.connections_per_client = 1;
                second_connection(plan).boxed_local()
            },
        ),
        Row::new("S39", "half a body", &[P::Deadline], "answered", |plan| {
            half_a_body(plan).boxed_local()
        }),
        Row::new("S39", "silence", &[P::Handshake], "closed", |plan| {
            silence(plan).boxed_local()
        }),
        Row::new("S39", "half a preface", &[P::Handshake], "closed", |plan| {
            half_a_preface(plan).boxed_local()
        }),
        Row::new(
            "S39",
            "the preface and nothing more",
            &[P::Idle],
            "closed",
            |plan| preface_and_nothing_more(plan).boxed_local(),
        ),
        Row::new(
            "S39",
            "a stream on an old connection",
            &[P::Age],
            "14",
            |plan| stream_of_an_old_connection(plan).boxed_local(),
        ),
        Row::new(
            "S39",
            "a reader that never reads",
            &[P::SlowReader],
            "closed",
            |plan| reader_that_never_reads(plan).boxed_local(),
        ),
    ]
}
