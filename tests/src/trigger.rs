//! Lets a test act at a moment that only a desk can see.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::sync::Notify;

/// A moment in the way of a work item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// An offer arrived and was not answered yet.
    Offered,
    /// Handling is over, wrap-up is not.
    WrappingUp,
    /// A change was answered, its event is on its way.
    Relaying,
}

/// Armed for a moment by one side, passed by the other.
#[derive(Debug, Clone, Default)]
pub struct Trigger(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    armed: Mutex<Option<Moment>>,
    reached: Notify,
}

impl Trigger {
    /// Waits for the next desk that comes to the moment.
    ///
    /// # Panics
    /// Never: nothing panics while it holds the lock.
    pub fn arm(&self, moment: Moment) {
        *self.0.armed.lock().expect("no panic under the lock") = Some(moment);
    }

    /// Returns when a desk has come to the armed moment.
    pub async fn reached(&self) {
        self.0.reached.notified().await;
    }

    /// A desk comes to a moment; when it is the armed one the desk stands still for a moment, so
    /// that what is done about it is done before the desk goes on.
    pub(crate) async fn pass(&self, moment: Moment) {
        let hit = {
            let mut armed = self.0.armed.lock().expect("no panic under the lock");
            let hit = *armed == Some(moment);
            if hit {
                *armed = None;
            }
            hit
        };
        if hit {
            self.0.reached.notify_one();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
