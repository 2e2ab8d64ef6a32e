//! Ways whose far end becomes known later: embedded services point at each other before all exist.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use http::Request;
use tonic::body::Body;

use super::{Answer, Channel, Way, network};
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

impl Way for Late {
    fn call(&self, request: Request<Body>) -> Answer {
        match &*self.0.load() {
            Some(channel) => channel.once(request),
            None => unset(),
        }
    }

    fn again(&self) -> Option<Channel> {
        Some(Channel::of(Again {
            late: self.clone(),
            own: ArcSwapOption::empty(),
        }))
    }
}

fn unset() -> Answer {
    Box::pin(async { Ok(tonic::Status::from(network::unavailable()).into_http()) })
}

/// Leads wherever the other leads, over connections of its own.
struct Again {
    late: Late,
    own: ArcSwapOption<Own>,
}

/// The own way, and the one it was made from.
struct Own {
    from: Arc<Channel>,
    channel: Channel,
}

impl Way for Again {
    fn call(&self, request: Request<Body>) -> Answer {
        let Some(from) = &*self.late.0.load() else {
            return unset();
        };
        if let Some(own) = &*self.own.load()
            && Arc::ptr_eq(&own.from, from)
        {
            return own.channel.once(request);
        }
        let channel = from.again();
        self.own.store(Some(Arc::new(Own {
            from: Arc::clone(from),
            channel: channel.clone(),
        })));
        channel.once(request)
    }

    fn again(&self) -> Option<Channel> {
        Way::again(&self.late)
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
