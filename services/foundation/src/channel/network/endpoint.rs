//! One replica of a service: its connections, what it has to do, and how it is.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::address::Address;
use super::balance::{self, dice};
use super::connection::Connection;
use super::eject::{Outcome, Record};
use super::pool::Pool;

/// The least time between two attempts that calls ask for.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(50);

/// One replica.
pub(super) struct Endpoint {
    pub(super) address: Arc<Address>,
    pub(super) socket: SocketAddr,
    pub(super) slots: Box<[Slot]>,
    /// Cancelled when the name does not lead here any more.
    pub(super) stop: CancellationToken,
    pool: Weak<Pool>,
    /// What is quicker is no stall, whatever the others need.
    stall: Duration,
    /// Calls that are not over, streams included.
    outstanding: AtomicUsize,
    /// How long an answer takes to begin, on average, in microseconds.
    latency_us: AtomicU64,
    /// Whether the last outcome was a failure: who is well takes no lock.
    ailing: AtomicBool,
    ejected: AtomicBool,
    /// When it came back, in milliseconds of the pool's time; zero for never.
    returned_ms: AtomicU64,
    record: Mutex<Record>,
}

/// The place of one connection.
#[derive(Default)]
pub(super) struct Slot {
    pub(super) connection: ArcSwapOption<Connection>,
    /// Asks for an attempt before its time.
    pub(super) wake: Notify,
    stage: AtomicU8,
    /// When the last attempt began, in milliseconds of the pool's time.
    tried_ms: AtomicU64,
}

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Stage {
    /// An attempt is being made, or one succeeded and its connection is open or was lost a moment ago.
    Trying = 0,
    /// The last attempt failed.
    Down = 1,
}

impl Slot {
    pub(super) fn enter(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Release);
    }

    fn is_down(&self) -> bool {
        self.stage.load(Ordering::Acquire) == Stage::Down as u8
    }

    /// The connection, if calls may be sent on it.
    fn open(&self) -> Option<Arc<Connection>> {
        let connection = self.connection.load_full()?;
        (!connection.is_closed()).then_some(connection)
    }

    fn is_open(&self) -> bool {
        let connection = self.connection.load();
        connection
            .as_ref()
            .is_some_and(|connection| !connection.is_closed())
    }

    pub(super) fn tried(&self, now_ms: u64) {
        self.tried_ms.store(now_ms, Ordering::Relaxed);
    }

    /// Asks for an attempt, unless one was made a moment ago.
    fn ask(&self, now_ms: u64) {
        let tried = self.tried_ms.load(Ordering::Relaxed);
        let due = u128::from(now_ms.saturating_sub(tried)) >= BETWEEN_ATTEMPTS.as_millis();
        let (down, trying) = (Stage::Down as u8, Stage::Trying as u8);
        let asked = due
            && self
                .stage
                .compare_exchange(down, trying, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok();
        if asked {
            self.wake.notify_one();
        }
    }
}

impl Endpoint {
    pub(super) fn new(address: Arc<Address>, socket: SocketAddr, pool: &Arc<Pool>) -> Arc<Self> {
        let slots =
            (0..pool.config.connections.clamp(1, MOST_CONNECTIONS)).map(|_| Slot::default());
        Arc::new(Endpoint {
            address,
            socket,
            slots: slots.collect(),
            stop: pool.stop.child_token(),
            pool: Arc::downgrade(pool),
            stall: pool.config.stall(),
            outstanding: AtomicUsize::new(0),
            latency_us: AtomicU64::new(0),
            ailing: AtomicBool::new(false),
            ejected: AtomicBool::new(false),
            returned_ms: AtomicU64::new(0),
            record: Mutex::default(),
        })
    }

    /// The open connection with the fewest calls.
    pub(super) fn connection(&self) -> Option<Arc<Connection>> {
        if let [slot] = &*self.slots {
            return slot.open();
        }
        let open = self.slots.iter().filter_map(Slot::open);
        open.min_by_key(|connection| connection.outstanding.load(Ordering::Relaxed))
    }

    pub(super) fn is_connected(&self) -> bool {
        self.slots.iter().any(Slot::is_open)
    }

    /// Whether a connection may come to be in a moment.
    pub(super) fn is_hopeful(&self) -> bool {
        self.slots.iter().any(|slot| !slot.is_down())
    }

    pub(super) fn ask(&self, now_ms: u64) {
        self.slots.iter().for_each(|slot| slot.ask(now_ms));
    }

    pub(super) fn is_ejected(&self) -> bool {
        self.ejected.load(Ordering::Acquire)
    }

    pub(super) fn cost(&self, now_ms: impl FnOnce() -> u64, slow_start_ms: u64) -> u64 {
        let since = match self.returned_ms.load(Ordering::Relaxed) {
            0 => None,
            returned => Some(now_ms().saturating_sub(returned)),
        };
        let outstanding = self.outstanding.load(Ordering::Relaxed);
        balance::cost(outstanding, since, slow_start_ms)
    }

    /// None until it has answered.
    pub(super) fn latency(&self) -> Option<Duration> {
        let micros = self.latency_us.load(Ordering::Relaxed);
        (micros > 0).then(|| Duration::from_micros(micros))
    }

    /// An answer began after so long. Races lose a sample, which an average survives.
    fn took(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1);
        let before = self.latency_us.load(Ordering::Relaxed);
        let average = match before {
            0 => micros,
            before => before - before / 8 + micros / 8,
        };
        self.latency_us.store(average.max(1), Ordering::Relaxed);
    }

    fn observe(self: &Arc<Self>, outcome: Outcome) {
        if outcome == Outcome::Answered && !self.ailing.load(Ordering::Relaxed) {
            return;
        }
        self.ailing
            .store(outcome == Outcome::Failed, Ordering::Relaxed);
        let Some(pool) = self.pool.upgrade() else {
            return;
        };
        let until = {
            let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
            let may = outcome == Outcome::Failed && pool.may_eject();
            record.observe(Instant::now(), outcome, may, dice(), &pool.config)
        };
        if let Some(until) = until {
            self.ejected.store(true, Ordering::Release);
            pool.eject(Arc::clone(self), until);
        }
    }

    /// Notes what a probe found: until when it stays out, or None when it is back.
    pub(super) fn probed(&self, well: bool, pool: &Pool) -> Option<Instant> {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        let until = record.probed(Instant::now(), well, dice(), &pool.config);
        if until.is_none() {
            self.returned_ms.store(pool.now_ms(), Ordering::Relaxed);
            self.ailing.store(false, Ordering::Relaxed);
            self.ejected.store(false, Ordering::Release);
        }
        until
    }
}

/// More of them than cores gain nothing.
const MOST_CONNECTIONS: usize = 64;

/// One call at a replica, from before it is sent until its answer has ended.
pub(super) struct Ticket {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) connection: Arc<Connection>,
    began: Instant,
    /// Whether the replica has shown how it is.
    settled: bool,
}

impl Ticket {
    pub(super) fn new(endpoint: Arc<Endpoint>, connection: Arc<Connection>) -> Self {
        endpoint.outstanding.fetch_add(1, Ordering::Relaxed);
        connection.outstanding.fetch_add(1, Ordering::Relaxed);
        Ticket {
            endpoint,
            connection,
            began: Instant::now(),
            settled: false,
        }
    }

    /// The answer has begun.
    pub(super) fn answered(&mut self, well: bool) {
        self.settled = true;
        let took = self.began.elapsed();
        let stalled = self.stalled(took);
        if well && !stalled {
            self.endpoint.took(took);
            self.endpoint.observe(Outcome::Answered);
        } else {
            self.endpoint.observe(Outcome::Failed);
        }
    }

    /// The connection broke.
    pub(super) fn failed(&mut self) {
        self.settled = true;
        self.endpoint.observe(Outcome::Failed);
    }

    /// What happened says nothing about the replica.
    pub(super) fn excuse(&mut self) {
        self.settled = true;
    }

    fn stalled(&self, took: Duration) -> bool {
        if took < self.endpoint.stall {
            return false;
        }
        let Some(pool) = self.endpoint.pool.upgrade() else {
            return false;
        };
        pool.is_stall(&self.endpoint, took)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.endpoint.outstanding.fetch_sub(1, Ordering::Relaxed);
        self.connection.outstanding.fetch_sub(1, Ordering::Relaxed);
        // Given up on: by a deadline, or by a caller who had waited for very long.
        if !self.settled && self.stalled(self.began.elapsed()) {
            self.endpoint.observe(Outcome::Failed);
        }
    }
}
