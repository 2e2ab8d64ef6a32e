//! Ways whose far end becomes known later: embedded services point at each other before all exist.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use http::Request;
use moka::sync::Cache;
use tonic::body::Body;

use super::{Answer, Channel, InvalidUrl, PoolConfig, Way, network};
use crate::role::Role;
use crate::telemetry::TraceLayer;
use crate::tls::ClientTls;

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

/// Replicas that are known at a time; those that were called longest ago are forgotten.
const REPLICAS: u64 = 64;

/// The ways to all roles of the suite, from wherever this process stands.
#[derive(Clone)]
pub struct Neighbours(Arc<Ways>);

struct Ways {
    roles: [Late; Role::ALL.len()],
    replicas: Cache<String, Channel>,
    tls: Option<ClientTls>,
    pool: PoolConfig,
}

impl Neighbours {
    /// Ways that are taken with these settings.
    pub fn new(tls: Option<ClientTls>, pool: PoolConfig) -> Self {
        Neighbours(Arc::new(Ways {
            roles: Default::default(),
            replicas: Cache::new(REPLICAS),
            tls,
            pool,
        }))
    }

    /// The way to a role. May be taken before it is set.
    pub fn channel(&self, role: Role) -> Channel {
        self.0.roles[role.index()].channel()
    }

    /// Says where a role is.
    pub fn set(&self, role: Role, channel: Channel) {
        self.0.roles[role.index()].set(channel);
    }

    /// The way to one process among several of its role, by its own address.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub fn replica(&self, url: &str) -> Result<Channel, InvalidUrl> {
        if let Some(channel) = self.0.replicas.get(url) {
            return Ok(channel);
        }
        let channel = Channel::pool(&[url.to_owned()], self.0.tls.as_ref(), &self.0.pool)?
            .layered(&TraceLayer::client());
        self.set_replica(url, channel.clone());
        Ok(channel)
    }

    /// Says where that process is.
    pub fn set_replica(&self, url: &str, channel: Channel) {
        self.0.replicas.insert(url.to_owned(), channel);
    }
}

impl Default for Neighbours {
    fn default() -> Self {
        Self::new(None, PoolConfig::default())
    }
}

impl std::fmt::Debug for Neighbours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Neighbours").field(&self.0.roles).finish()
    }
}
