//! What runs beside the calls: connections kept open, names kept looked up, replicas brought back.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio_util::sync::CancellationToken;

use super::Pool;
use crate::channel::network::balance::dice;
use crate::channel::network::config::PoolConfig;
use crate::channel::network::connection::{self, Connection};
use crate::channel::network::endpoint::{Endpoint, Stage};
use crate::channel::network::probe;

/// The first pause after an attempt that failed.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// A connection that ended sooner counts as an attempt that failed.
const LEAST_LIFE: Duration = Duration::from_secs(1);
/// The least time between two look-ups of a name.
const LEAST_RESOLVE: Duration = Duration::from_millis(100);
/// The time between them while no name leads anywhere.
const RESOLVE_IN_NEED: Duration = Duration::from_millis(500);

/// Keeps one connection of a replica open until it is stopped.
pub(super) async fn keep_connected(pool: Weak<Pool>, endpoint: &Arc<Endpoint>, at: usize) {
    let slot = &endpoint.slots[at];
    let mut failures = 0_u32;
    loop {
        slot.enter(Stage::Trying);
        let attempt = {
            let Some(pool) = pool.upgrade() else { return };
            slot.tried(pool.now_ms());
            let tls = pool
                .secure
                .as_ref()
                .map(|secure| secure.current(&endpoint.address.host));
            attempt(endpoint.socket, tls, pool.config.connect_timeout())
        };
        match attempt.await {
            Ok(connection) => {
                let began = Instant::now();
                slot.connection.store(Some(Arc::clone(&connection)));
                if failures > 0 {
                    tracing::info!(replica = %endpoint.socket, "a replica can be reached again");
                }
                let Some(()) = pool.upgrade().map(|pool| pool.publish()) else {
                    return;
                };
                connection.closed().await;
                slot.connection.store(None);
                let Some(()) = pool.upgrade().map(|pool| pool.publish()) else {
                    return;
                };
                // One that goes away, by its age for instance, is replaced at once; the second in a row is not.
                failures = if began.elapsed() < LEAST_LIFE {
                    failures + 1
                } else {
                    0
                };
                if failures < 2 {
                    continue;
                }
            }
            Err(error) => {
                failures = failures.saturating_add(1);
                if failures == 1 {
                    tracing::warn!(replica = %endpoint.socket, %error, "a replica cannot be reached");
                }
            }
        }
        slot.enter(Stage::Down);
        let pause = {
            let Some(pool) = pool.upgrade() else { return };
            pool.failed();
            pause(failures, &pool.config)
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => (),
            () = slot.wake.notified() => (),
        }
    }
}

async fn attempt(
    socket: SocketAddr,
    tls: Option<std::io::Result<(Arc<ClientConfig>, ServerName<'static>)>>,
    limit: Duration,
) -> std::io::Result<Arc<Connection>> {
    let tls = tls.transpose()?;
    match tokio::time::timeout(limit, connection::open(socket, tls)).await {
        Ok(opened) => opened,
        Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
    }
}

/// Doubling from the first to the longest, less up to a half by chance.
fn pause(failures: u32, config: &PoolConfig) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
    let longest = Duration::from_millis(config.reconnect_longest_ms).max(FIRST_PAUSE);
    doubled.min(longest).mul_f64(1.0 - dice() / 2.0)
}

/// Looks up every name, again and again when there is one.
pub(super) async fn keep_resolved(pool: Weak<Pool>, stop: CancellationToken) {
    let mut last = Vec::new();
    loop {
        let Some(addresses) = pool.upgrade().map(|pool| pool.addresses.clone()) else {
            return;
        };
        let mut found = Vec::new();
        for address in &addresses {
            match address.resolve().await {
                Ok(sockets) => found.extend(
                    sockets
                        .into_iter()
                        .map(|socket| (Arc::clone(address), socket)),
                ),
                Err(error) => {
                    tracing::warn!(host = address.host, %error, "a name cannot be looked up");
                    // What was known of it stays.
                    let known = last.iter().filter(|(known, _)| Arc::ptr_eq(known, address));
                    found.extend(known.cloned());
                }
            }
        }
        let every = {
            let Some(pool) = pool.upgrade() else { return };
            let usual = Duration::from_millis(pool.config.resolve_ms).max(LEAST_RESOLVE);
            let every = match found.is_empty() {
                true => usual.min(RESOLVE_IN_NEED),
                false => usual,
            };
            last.clone_from(&found);
            pool.replace(found);
            every
        };
        if addresses.iter().all(|address| address.literal().is_some()) {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(every) => (),
            () = stop.cancelled() => return,
        }
    }
}

/// Probes a replica whose time is over, until it is well or not ours any more.
pub(super) async fn keep_probing(pool: Weak<Pool>, endpoint: Arc<Endpoint>, until: Instant) {
    let mut until = until;
    loop {
        tokio::select! {
            () = tokio::time::sleep_until(until.into()) => (),
            () = endpoint.stop.cancelled() => return,
        }
        let Some(limit) = pool.upgrade().map(|pool| pool.config.stall()) else {
            return;
        };
        let well = probe::is_well(&endpoint, limit).await;
        let Some(pool) = pool.upgrade() else { return };
        match endpoint.probed(well, &pool) {
            Some(later) => until = later,
            None => {
                tracing::info!(replica = %endpoint.socket, "a replica is well again and is called");
                pool.publish();
                return;
            }
        }
    }
}
