//! When a connection must end: it is old, nothing is called on it, or its peer has stopped reading.
//!
//! The timers of a call cannot see the last: while a peer opens no window, the body of its answer is not asked for
//! anything.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;

use crate::config::Limits;
use crate::protection::{Protection, Protections};

/// As good as never.
const NEVER: u64 = 1 << 40;

/// What happens on one connection.
#[derive(Debug)]
pub(super) struct Life {
    begun: Instant,
    /// Cancelled when the connection takes its leave: streams on it should end, and come again elsewhere.
    pub(super) leaving: CancellationToken,
    age: Duration,
    idle: Duration,
    slow: Duration,
    grace: Duration,
    /// Calls that are open, and when one last began or ended.
    open: AtomicUsize,
    changed_ms: AtomicU64,
    /// Answers that wait for the peer to read, and when one last went on.
    waiting: AtomicUsize,
    moved_ms: AtomicU64,
}

impl Life {
    pub(super) fn begin(limits: &Limits, protections: Protections) -> Arc<Self> {
        let limit = |one, ms: u64| Duration::from_millis(protections.limit(one, ms, NEVER));
        // Not all at the same moment: whoever opened them together would open the next ones together, too.
        let jitter = 0.9 + 0.2 * rand::random::<f64>();
        Arc::new(Life {
            begun: Instant::now(),
            leaving: CancellationToken::new(),
            age: limit(Protection::Age, limits.connection_age_ms).mul_f64(jitter),
            idle: limit(Protection::Idle, limits.idle_ms),
            slow: limit(Protection::SlowReader, limits.slow_reader_ms),
            grace: Duration::from_millis(limits.connection_grace_ms),
            open: AtomicUsize::new(0),
            changed_ms: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            moved_ms: AtomicU64::new(0),
        })
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn at(&self, ms: &AtomicU64) -> Instant {
        self.begun + Duration::from_millis(ms.load(Ordering::Relaxed))
    }

    /// Waits until the connection must end. Gives how long what runs on it may take to end.
    pub(super) async fn over(&self) -> Duration {
        loop {
            let now = Instant::now();
            let aged = self.begun + self.age;
            let idle = self.at(&self.changed_ms) + self.idle;
            let stuck = self.at(&self.moved_ms) + self.slow;
            let nothing_open = self.open.load(Ordering::Relaxed) == 0;
            let somebody_waits = self.waiting.load(Ordering::Relaxed) > 0;
            if somebody_waits && now >= stuck {
                tracing::warn!("a connection was ended: its peer does not read");
                return Duration::ZERO;
            }
            if now >= aged || (nothing_open && now >= idle) {
                self.leaving.cancel();
                return self.grace;
            }
            // What is not so now is looked at again after its time.
            let idle = if nothing_open { idle } else { now + self.idle };
            let stuck = if somebody_waits {
                stuck
            } else {
                now + self.slow
            };
            sleep_until(aged.min(idle).min(stuck)).await;
        }
    }

    /// A call begins.
    pub(super) fn call(self: &Arc<Self>) -> Open {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.changed_ms.store(self.now_ms(), Ordering::Relaxed);
        Open(Arc::clone(self))
    }
}

/// A call that is open for as long as this lives.
pub(super) struct Open(Arc<Life>);

impl Open {
    /// The answer of the call, which is open until all of it was read.
    pub(super) fn answer(self, response: Response<Body>) -> Response<Body> {
        response.map(|body| {
            if http_body::Body::is_end_stream(&body) {
                return body;
            }
            let mut answer = Answer {
                body,
                call: self,
                waits: false,
            };
            // Before it is asked for the first time somebody must have room for it.
            answer.wait(true);
            Body::new(answer)
        })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.changed_ms.store(self.0.now_ms(), Ordering::Relaxed);
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The body of an answer, watched from where it is read.
struct Answer {
    body: Body,
    call: Open,
    /// Whether a frame was taken and the next one was not asked for.
    waits: bool,
}

impl Answer {
    fn wait(&mut self, waits: bool) {
        let life = &*self.call.0;
        if waits && !self.waits {
            life.moved_ms.store(life.now_ms(), Ordering::Relaxed);
            life.waiting.fetch_add(1, Ordering::Relaxed);
        }
        if self.waits && !waits {
            life.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        self.waits = waits;
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        self.wait(false);
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if matches!(&polled, Poll::Ready(Some(Ok(_)))) {
            self.wait(true);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.wait(false);
    }
}
