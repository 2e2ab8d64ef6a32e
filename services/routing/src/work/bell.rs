//! Wakes the streams of a connector when a command may wait for it. All of them are at the tenant's owner.

use std::sync::Arc;

use rapport_foundation::id::TenantId;
use tokio::sync::broadcast;

/// Rings that may be unheard; whoever misses some looks.
const DEPTH: usize = 256;

/// Rung by the owner of a tenant.
#[derive(Clone, Debug)]
pub(crate) struct Bell(broadcast::Sender<(TenantId, Arc<str>)>);

/// Heard by one stream.
#[derive(Debug)]
pub(crate) struct Ear {
    rings: broadcast::Receiver<(TenantId, Arc<str>)>,
    tenant: TenantId,
    connector: Arc<str>,
}

impl Bell {
    pub(super) fn new() -> Self {
        Self(broadcast::channel(DEPTH).0)
    }

    pub(super) fn ring(&self, tenant: TenantId, connector: &Arc<str>) {
        // Perhaps nobody is there.
        let _ = self.0.send((tenant, Arc::clone(connector)));
    }

    pub(crate) fn ear(&self, tenant: TenantId, connector: &Arc<str>) -> Ear {
        Ear {
            rings: self.0.subscribe(),
            tenant,
            connector: Arc::clone(connector),
        }
    }
}

impl Ear {
    /// Returns when something may wait.
    pub(crate) async fn rung(&mut self) {
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
