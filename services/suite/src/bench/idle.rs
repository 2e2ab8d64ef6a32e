//! `rapport bench idle`: what a connection costs on which nothing happens.

use std::net::{Ipv4Addr, SocketAddr};

use serde::Serialize;

use super::certificate::Certificate;
use super::echo::UNARY_PATH;
use super::process::usage;
use super::stage::Stage;
use super::way::{Call, Expected, Outcome, Way};
use crate::cli::say;
use crate::error::Error;

/// Connections from one address of this host.
const PER_ADDRESS: usize = 500;
/// Of the idle connections one in so many is used again at the end.
const ONE_IN: usize = 100;

#[derive(Debug, Serialize)]
struct Report {
    connections: usize,
    tls: bool,
    kb_per_connection: f64,
    usable_afterwards: usize,
    tried_afterwards: usize,
}

/// Opens so many connections, prints what each costs the gateway, and gives the figures as JSON.
pub(crate) async fn run(
    connections: usize,
    tls: bool,
    settings: Vec<(String, String)>,
) -> Result<serde_json::Value, Error> {
    let certificate = tls.then(Certificate::new).transpose()?;
    let trusted = certificate.as_ref().map(Certificate::trusted).transpose()?;
    let stage = Stage::set_behind(certificate.as_ref(), None, &settings).await?;
    let target = stage.gateway.address;
    let call = Call::new(
        target,
        UNARY_PATH,
        Some(&stage.token),
        &[b'x'; 64],
        Expected::Same,
    )?;
    // What is made once, by the first connection and the first call, belongs to none of them.
    let first = Way::open_from(Ipv4Addr::LOCALHOST, target, trusted.as_ref());
    first.await?.make(&call).await;
    let pid = stage.gateway.process.id();
    let before = usage(pid)?;
    let mut idle = Vec::with_capacity(connections);
    for number in 0..connections {
        idle.push(Way::open_from(source(number), target, trusted.as_ref()).await?);
    }
    settled(&idle, target).await?;
    let after = usage(pid)?;
    let mut usable = 0;
    let tried = idle.iter().step_by(ONE_IN);
    for way in tried.clone() {
        usable += usize::from(way.make(&call).await == Outcome::Good);
    }
    let kib = after.resident_kib.saturating_sub(before.resident_kib);
    #[expect(clippy::cast_precision_loss, reason = "a process has no 2^52 KiB")]
    let report = Report {
        connections,
        tls,
        kb_per_connection: kib as f64 * 1.024 / connections as f64,
        usable_afterwards: usable,
        tried_afterwards: tried.len(),
    };
    let bound = match tls {
        false => "at most 20",
        true => "with TLS",
    };
    say(&format!(
        "{} idle connections: {:.1} kB each ({bound}), {} of {} tried afterwards answered",
        report.connections,
        report.kb_per_connection,
        report.usable_afterwards,
        report.tried_afterwards
    ));
    serde_json::to_value(&report).map_err(|error| Error::Bench(error.to_string()))
}

/// 127.0.0.2 and upwards.
fn source(number: usize) -> Ipv4Addr {
    let [a, b] = u16::try_from(number / PER_ADDRESS + 2)
        .unwrap_or(2)
        .to_be_bytes();
    Ipv4Addr::new(127, 0, a, b)
}

/// Connections are accepted one after the other: once the last has spoken with the gateway, all have.
async fn settled(idle: &[Way], target: SocketAddr) -> Result<(), Error> {
    let probe = Call::new(target, "/none", None, &[], Expected::Same)?;
    if let Some(last) = idle.last() {
        last.make(&probe).await;
    }
    Ok(())
}
