//! The replicas of one service and the connections to them.
//!
//! A call looks at one list, `ready`, without a lock. Everything that changes it runs beside the calls: each connection
//! is kept open by a task of its own, names are looked up by another, and who was left alone is probed before it is
//! back in the list.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::address::Address;
use super::balance::{choose, random};
use super::budget::Budget;
use super::config::PoolConfig;
use super::eject;
use super::endpoint::{Endpoint, Ticket};
use super::tls::Secure;

mod keep;

use keep::{keep_connected, keep_probing, keep_resolved};

/// The replicas of one service.
pub(super) struct Pool {
    pub(super) config: PoolConfig,
    pub(super) budget: Budget,
    pub(super) stop: CancellationToken,
    secure: Option<Secure>,
    addresses: Vec<Arc<Address>>,
    /// All of them.
    endpoints: ArcSwap<Vec<Arc<Endpoint>>>,
    /// Those that are called.
    ready: ArcSwap<Vec<Arc<Endpoint>>>,
    /// Held while either list is written.
    writing: Mutex<()>,
    /// Told whenever `ready` was written or an attempt failed.
    changed: Notify,
    /// Whether names have been looked up once.
    resolved: AtomicBool,
    /// Whether nobody could be reached the last time somebody looked.
    open: AtomicBool,
    started: AtomicBool,
    born: Instant,
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Pool {
    pub(super) fn new(
        addresses: Vec<Address>,
        secure: Option<Secure>,
        config: PoolConfig,
    ) -> Arc<Self> {
        let addresses = addresses.into_iter().map(Arc::new).collect();
        Self::with(addresses, secure, config)
    }

    /// One to the same replicas, with connections and experiences of its own.
    pub(super) fn again(&self) -> Arc<Self> {
        Self::with(
            self.addresses.clone(),
            self.secure.clone(),
            self.config.clone(),
        )
    }

    fn with(addresses: Vec<Arc<Address>>, secure: Option<Secure>, config: PoolConfig) -> Arc<Self> {
        let born = Instant::now();
        Arc::new(Pool {
            budget: Budget::new(&config, born),
            config,
            stop: CancellationToken::new(),
            secure,
            addresses,
            endpoints: ArcSwap::default(),
            ready: ArcSwap::default(),
            writing: Mutex::new(()),
            changed: Notify::new(),
            resolved: AtomicBool::new(false),
            open: AtomicBool::new(false),
            started: AtomicBool::new(false),
            born,
        })
    }

    /// A replica for one call; None when nobody can be reached.
    pub(super) async fn ticket(self: &Arc<Self>, avoid: Option<&Arc<Endpoint>>) -> Option<Ticket> {
        loop {
            if let Some(ticket) = self.take(avoid) {
                return Some(ticket);
            }
            if !self.wait().await {
                return None;
            }
        }
    }

    fn take(&self, avoid: Option<&Arc<Endpoint>>) -> Option<Ticket> {
        let ready = self.ready.load();
        // Who lost its connection a moment ago is still in the list: then the next one.
        for _ in 0..=ready.len() {
            let at = choose(
                ready.len(),
                random(),
                |at| avoid.is_some_and(|avoid| Arc::ptr_eq(avoid, &ready[at])),
                |at| ready[at].cost(|| self.now_ms(), self.config.slow_start_ms),
            )?;
            let endpoint = &ready[at];
            if let Some(connection) = endpoint.connection() {
                return Some(Ticket::new(Arc::clone(endpoint), connection));
            }
        }
        // The one that lost it may be chosen again and again, having the fewest calls: whoever has a connection.
        ready.iter().find_map(|endpoint| {
            let connection = endpoint.connection()?;
            Some(Ticket::new(Arc::clone(endpoint), connection))
        })
    }

    /// Waits until somebody can be called, in vain when nobody can for long enough.
    async fn wait(self: &Arc<Self>) -> bool {
        self.start();
        let began = tokio::time::Instant::now();
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if self
                .ready
                .load()
                .iter()
                .any(|endpoint| endpoint.is_connected())
            {
                return true;
            }
            let endpoints = self.endpoints.load_full();
            let now_ms = self.now_ms();
            endpoints.iter().for_each(|endpoint| endpoint.ask(now_ms));
            let hopeful = !self.resolved.load(Ordering::Acquire)
                || endpoints.iter().any(|endpoint| endpoint.is_hopeful());
            if !hopeful {
                self.open.store(true, Ordering::Relaxed);
                return false;
            }
            let patience = match self.open.load(Ordering::Relaxed) {
                true => Duration::from_millis(self.config.circuit_wait_ms),
                false => self.config.connect_timeout(),
            };
            if tokio::time::timeout_at(began + patience, changed)
                .await
                .is_err()
            {
                self.open.store(true, Ordering::Relaxed);
                return false;
            }
        }
    }

    /// Looks names up and connects, from the first call on.
    fn start(self: &Arc<Self>) {
        if self.started.swap(true, Ordering::AcqRel) {
            return;
        }
        tokio::spawn(keep_resolved(Arc::downgrade(self), self.stop.clone()));
    }

    /// These are the replicas now.
    pub(super) fn replace(self: &Arc<Self>, found: Vec<(Arc<Address>, SocketAddr)>) {
        let writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.endpoints.load_full();
        let same = |endpoint: &Endpoint, address: &Arc<Address>, socket| {
            endpoint.socket == socket && Arc::ptr_eq(&endpoint.address, address)
        };
        let mut now = Vec::with_capacity(found.len());
        for (address, socket) in found {
            let known = before.iter().find(|known| same(known, &address, socket));
            now.push(known.map_or_else(|| self.begin(address, socket), Arc::clone));
        }
        for gone in before
            .iter()
            .filter(|old| !now.iter().any(|new| Arc::ptr_eq(old, new)))
        {
            tracing::info!(replica = %gone.socket, "a replica is called no more");
            gone.stop.cancel();
        }
        self.endpoints.store(Arc::new(now));
        self.resolved.store(true, Ordering::Release);
        drop(writing);
        self.publish();
    }

    fn begin(self: &Arc<Self>, address: Arc<Address>, socket: SocketAddr) -> Arc<Endpoint> {
        let endpoint = Endpoint::new(address, socket, self);
        for at in 0..endpoint.slots.len() {
            let (pool, endpoint) = (Arc::downgrade(self), Arc::clone(&endpoint));
            tokio::spawn(async move {
                let stop = endpoint.stop.clone();
                tokio::select! {
                    () = keep_connected(pool, &endpoint, at) => (),
                    () = stop.cancelled() => (),
                }
                // Calls that run hold the connection; nobody else does.
                endpoint.slots[at].connection.store(None);
            });
        }
        endpoint
    }

    /// Writes the list of those that are called: who is connected and not left alone, or, when there is none,
    /// who is connected.
    pub(super) fn publish(&self) {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let endpoints = self.endpoints.load();
        let mut ready: Vec<_> = endpoints
            .iter()
            .filter(|endpoint| endpoint.is_connected())
            .cloned()
            .collect();
        if ready.iter().any(|endpoint| !endpoint.is_ejected()) {
            ready.retain(|endpoint| !endpoint.is_ejected());
        }
        if !ready.is_empty() {
            self.open.store(false, Ordering::Relaxed);
        }
        self.ready.store(Arc::new(ready));
        self.changed.notify_waiters();
    }

    pub(super) fn may_eject(&self) -> bool {
        let endpoints = self.endpoints.load();
        let out = endpoints.iter().filter(|endpoint| endpoint.is_ejected());
        eject::may_eject(endpoints.len(), out.count(), &self.config)
    }

    /// Leaves a replica alone until then, and until it answers a probe.
    pub(super) fn eject(self: &Arc<Self>, endpoint: Arc<Endpoint>, until: Instant) {
        tracing::warn!(replica = %endpoint.socket, "a replica fails and is left alone");
        self.publish();
        tokio::spawn(keep_probing(Arc::downgrade(self), endpoint, until));
    }

    pub(super) fn is_stall(&self, endpoint: &Arc<Endpoint>, took: Duration) -> bool {
        let endpoints = self.endpoints.load();
        let peers = endpoints.iter().filter(|peer| !Arc::ptr_eq(peer, endpoint));
        let quickest = peers.filter_map(|peer| peer.latency()).min();
        eject::is_stall(took, quickest, self.config.stall())
    }

    /// Milliseconds of this pool's time; never zero.
    pub(super) fn now_ms(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX) + 1
    }

    fn failed(&self) {
        self.changed.notify_waiters();
    }
}
