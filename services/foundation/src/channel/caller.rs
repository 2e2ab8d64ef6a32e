//! What a service needs to call a neighbour: the way there and a signed context of its own.

use std::time::Duration;

use super::{Channel, Neighbours};
use crate::context::{self, Signer};
use crate::deadline::{self, Deadline};
use crate::id::TenantId;
use crate::role::Role;
use crate::telemetry::TraceLayer;

/// One service's way of calling one neighbour.
#[derive(Debug, Clone)]
pub struct Caller {
    channel: Channel,
    signer: Signer,
    audience: Role,
    limit: Duration,
}

impl Caller {
    /// The way from the holder of `signer` to a neighbour.
    pub fn new(neighbours: &Neighbours, signer: Signer, audience: Role) -> Self {
        Caller {
            channel: neighbours.channel(audience).layered(&TraceLayer::client()),
            signer,
            audience,
            limit: deadline::DEFAULT,
        }
    }

    /// The same, with another limit than 2 s for calls that are made outside of any deadline.
    #[must_use]
    pub fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The channel to build a generated client on: `CustomerServiceClient::new(caller.channel())`.
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// A request that says who asks, for which tenant and for whom, and by when it must be answered:
    /// the rest of the deadline of the call being served, or the caller's own limit.
    pub fn request<M>(
        &self,
        tenant: TenantId,
        on_behalf_of: Option<&str>,
        message: M,
    ) -> tonic::Request<M> {
        let mut request = tonic::Request::new(message);
        let headers = request.metadata_mut().as_mut();
        let context = self.signer.service_context(tenant, on_behalf_of);
        headers.insert(
            context::HEADER,
            self.signer.header_for(&context, self.audience),
        );
        let current = Deadline::current().map(Deadline::remaining);
        let remaining = current.map_or(self.limit, |left| left.min(self.limit));
        deadline::state(headers, remaining);
        request
    }
}
