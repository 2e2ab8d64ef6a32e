//! What wakes the relay and the watchers inside one process. It carries no truth: the log in the database does.

use std::sync::Arc;

use tokio::sync::{Notify, broadcast};

use crate::id::TenantId;

/// Moved heads that a slow watcher may lag behind before it has to read all of them again.
const BACKLOG: usize = 1024;

/// A place in the log of one tenant. Positions of one epoch have no gaps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The life of the database: a restored one starts a new epoch.
    pub epoch: i64,
    /// Counted from 1; 0 is the start.
    pub n: i64,
}

/// How far the log of a tenant goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Whose log.
    pub tenant: TenantId,
    /// Its last position.
    pub position: Position,
}

/// Wakes the relay after a commit and the watchers after the relay.
#[derive(Debug, Clone)]
pub struct Bus(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    appended: Notify,
    heads: broadcast::Sender<Head>,
}

impl Default for Bus {
    fn default() -> Self {
        Self::new()
    }
}

impl Bus {
    /// A bus without listeners.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Inner {
            appended: Notify::new(),
            heads: broadcast::Sender::new(BACKLOG),
        }))
    }

    /// Something was appended to the outbox and committed.
    pub(crate) fn wake_relay(&self) {
        self.0.appended.notify_one();
    }

    /// Returns after something was appended, also when that was before the call.
    pub(crate) async fn appended(&self) {
        self.0.appended.notified().await;
    }

    pub(crate) fn moved(&self, head: Head) {
        // Nobody may be watching.
        let _ = self.0.heads.send(head);
    }

    /// The heads that move from now on.
    #[must_use]
    pub fn watch(&self) -> broadcast::Receiver<Head> {
        self.0.heads.subscribe()
    }
}
