//! Where connections are served.
//!
//! A gateway that is alone in its process gives each core a thread with a runtime, and with it sockets, timers and
//! connections to the services, of its own. A call stays on the thread of its connection: no other one is woken for it.
//! And what becomes ready together leaves together: such a runtime runs tasks in the order in which they were woken, so
//! that a connection writes after all calls that have something for it. The scheduler of a runtime of several threads
//! runs first who was woken last, which is the connection, once for every call.

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use http::{Request, Response};
use tokio::runtime::{Builder, Handle};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::body::Body;
use tower::Service as _;

use crate::layers::Front;

/// All of them.
pub(crate) struct Places(Vec<Place>);

/// One runtime and the way from it to the services.
pub(super) struct Place {
    layers: Layers,
    runtime: Handle,
    /// Held once by each connection.
    open: Arc<()>,
    /// Ends the thread.
    _thread: Option<DropGuard>,
}

/// The layers of the connections of one place.
enum Layers {
    /// Copied for each.
    Each(Front),
    /// The same for all of one thread: nobody else can ask for them at the same moment.
    Shared(OneFront),
}

impl Places {
    /// The runtime this is called in.
    pub(crate) fn here(front: Front) -> Self {
        Places(vec![Place {
            layers: Layers::Each(front),
            runtime: Handle::current(),
            open: Arc::default(),
            _thread: None,
        }])
    }

    /// So many threads. They end when this is dropped, and what still runs on them is cut off.
    pub(crate) fn apart(threads: usize, front: impl Fn() -> Front) -> io::Result<Self> {
        let start = |number| {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let handle = runtime.handle().clone();
            let stop = CancellationToken::new();
            let stopped = stop.clone();
            std::thread::Builder::new()
                .name(format!("gateway-{number}"))
                .spawn(move || runtime.block_on(stopped.cancelled()))?;
            Ok(Place {
                layers: Layers::Shared(OneFront::new(front())),
                runtime: handle,
                open: Arc::default(),
                _thread: Some(stop.drop_guard()),
            })
        };
        (0..threads)
            .map(start)
            .collect::<io::Result<_>>()
            .map(Places)
    }

    /// The one with the fewest connections.
    pub(super) fn idlest(&self) -> Option<&Place> {
        self.0
            .iter()
            .min_by_key(|place| Arc::strong_count(&place.open))
    }
}

impl Place {
    /// The layers for one connection.
    pub(super) fn front(&self) -> OneFront {
        match &self.layers {
            Layers::Each(front) => OneFront::new(front.clone()),
            Layers::Shared(front) => front.clone(),
        }
    }

    /// To be held by a connection for as long as it is served here.
    pub(super) fn taken(&self) -> Arc<()> {
        Arc::clone(&self.open)
    }

    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }
}

/// The layers, which are always ready. A clone for each call would copy all of them.
#[derive(Clone)]
pub(super) struct OneFront(Arc<Mutex<Front>>);

impl OneFront {
    fn new(front: Front) -> Self {
        OneFront(Arc::new(Mutex::new(front)))
    }

    pub(super) async fn call(&self, request: Request<Body>) -> Result<Response<Body>, Infallible> {
        let called = {
            let mut front = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            front.call(request)
        };
        called.await
    }
}
