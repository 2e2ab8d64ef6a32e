//! The memory that contacts on their way into the log may take, of all callers together.

use std::sync::Arc;

use rapport_foundation::error::{Code, Failure};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// One unit of room.
const UNIT_BYTES: usize = 1024;
/// Contacts that wait to be logged, by their size on the wire: 64 MiB. Their number alone would not bound it.
const UNITS: u32 = 64 * 1024;

/// Room for contacts; cheap to clone.
#[derive(Clone)]
pub(crate) struct Room(Arc<Semaphore>);

/// Room that is taken until this is dropped. Nothing is held where there is no more room to be given.
pub(crate) struct Held(
    #[expect(dead_code, reason = "given back when dropped")] Option<OwnedSemaphorePermit>,
);

impl Room {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(UNITS as usize)))
    }

    /// Waits for room, behind those who have waited longer.
    pub(crate) async fn take(&self, bytes: usize) -> Held {
        // It is never closed.
        Held(
            Arc::clone(&self.0)
                .acquire_many_owned(units(bytes))
                .await
                .ok(),
        )
    }

    /// Takes room if there is some.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED`.
    pub(crate) fn take_at_once(&self, bytes: usize) -> Result<Held, Failure> {
        let taken = Arc::clone(&self.0).try_acquire_many_owned(units(bytes));
        taken.map(|held| Held(Some(held))).map_err(|_| {
            Failure::new(
                Code::ResourceExhausted,
                "OVERLOADED",
                "Too many contacts are waiting; try later.",
            )
        })
    }
}

/// Every contact takes something, however short; none takes more than there is.
fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT_BYTES).max(1))
        .unwrap_or(UNITS)
        .min(UNITS)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn room_is_given_back_and_never_more_than_there_is() {
        let room = Room::new();
        let megabytes: Vec<Held> = (0..64)
            .map(|_| room.take_at_once(1 << 20).unwrap())
            .collect();
        assert!(room.take_at_once(1).is_err());
        let mut later = Box::pin(room.take(1));
        assert!((&mut later).now_or_never().is_none());
        drop(megabytes);
        drop(later.await);
        // What is larger than all room takes all of it, and is not waited for in vain.
        drop(room.take(1 << 40).await);
        assert!(room.take_at_once(0).is_ok());
    }
}
