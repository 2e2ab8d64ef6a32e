//! Ways whose far end becomes known later: embedded services point at each other before all exist.

use std::sync::Arc;
use std::task::{Context, Poll};

use arc_swap::ArcSwapOption;
use http::{Request, Response};
use tonic::body::Body;
use tower::{BoxError, Service};

use super::{Answer, Channel, network};
use crate::role::Role;

/// The end of a late-bound channel that is told where to lead.
#[derive(Clone, Default)]
pub struct Late(Arc<ArcSwapOption<Channel>>);

impl Late {
    /// From now on the channel leads there. May be called again.
    pub fn set(&self, channel: Channel) {
        self.0.store(Some(Arc::new(channel)));
    }

    /// A channel that leads wherever this end says at the time of each call.
    pub fn channel(&self) -> Channel {
        Channel::of(self.clone())
    }
}

impl Service<Request<Body>> for Late {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Answer {
        match self.0.load().as_deref() {
            Some(channel) => channel.once(request),
            None => Box::pin(async { Ok(tonic::Status::from(network::unavailable()).into_http()) }),
        }
    }
}

impl std::fmt::Debug for Late {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Late(set: {})", self.0.load().is_some())
    }
}

/// The ways to all roles of the suite, from wherever this process stands.
#[derive(Debug, Clone, Default)]
pub struct Neighbours(Arc<[Late; Role::ALL.len()]>);

impl Neighbours {
    /// The way to a role. May be taken before it is set.
    pub fn channel(&self, role: Role) -> Channel {
        self.0[role.index()].channel()
    }

    /// Says where a role is.
    pub fn set(&self, role: Role, channel: Channel) {
        self.0[role.index()].set(channel);
    }
}
