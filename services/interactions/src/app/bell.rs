//! Wakes the streams of a connector when something waits for it. Streams of other processes look by themselves.

use rapport_foundation::id::TenantId;
use tokio::sync::broadcast;

/// Rings that may be unheard; whoever misses some looks.
const DEPTH: usize = 256;

/// Rung by whoever queued a message.
#[derive(Clone)]
pub(super) struct Bell(broadcast::Sender<(TenantId, String)>);

/// Heard by one stream.
pub(super) struct Ear {
    rings: broadcast::Receiver<(TenantId, String)>,
    tenant: TenantId,
    connector: String,
}

impl Bell {
    pub(super) fn new() -> Self {
        Self(broadcast::channel(DEPTH).0)
    }

    pub(super) fn ring(&self, tenant: TenantId, connector: &str) {
        // Perhaps nobody is there.
        let _ = self.0.send((tenant, connector.to_owned()));
    }

    pub(super) fn ear(&self, tenant: TenantId, connector: &str) -> Ear {
        Ear {
            rings: self.0.subscribe(),
            tenant,
            connector: connector.to_owned(),
        }
    }
}

impl Ear {
    /// Returns when something may wait.
    pub(super) async fn rung(&mut self) {
        loop {
            match self.rings.recv().await {
                Ok((tenant, connector)) if tenant != self.tenant || connector != self.connector => {
                }
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return,
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}
