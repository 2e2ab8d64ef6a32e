//! Wakes the streams of a connector when something may wait for it. Streams of other processes look by themselves.

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::id::TenantId;

/// Rings that may be unheard; whoever misses some looks.
const DEPTH: usize = 256;

/// Rung by whoever has something for a connector.
#[derive(Clone, Debug)]
pub struct Bell(broadcast::Sender<(TenantId, Arc<str>)>);

/// Heard by one stream.
#[derive(Debug)]
pub struct Ear {
    rings: broadcast::Receiver<(TenantId, Arc<str>)>,
    tenant: TenantId,
    connector: Arc<str>,
}

impl Default for Bell {
    fn default() -> Self {
        Self(broadcast::channel(DEPTH).0)
    }
}

impl Bell {
    /// Tells the streams of a connector that something may wait.
    pub fn ring(&self, tenant: TenantId, connector: &str) {
        // Perhaps nobody is there.
        let _ = self.0.send((tenant, connector.into()));
    }

    /// Hears what is rung from now on for a connector of a tenant.
    #[must_use]
    pub fn ear(&self, tenant: TenantId, connector: &str) -> Ear {
        Ear {
            rings: self.0.subscribe(),
            tenant,
            connector: connector.into(),
        }
    }
}

impl Ear {
    /// Returns when something may wait.
    pub async fn rung(&mut self) {
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
