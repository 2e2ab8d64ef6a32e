//! What follows from a contact lets those go first who wait for theirs to be logged.

use std::time::Duration;

use rapport_foundation::batch::Batcher;
use tokio::time::{Instant, sleep};

use crate::Error;
use crate::store::{Answer, Command};

/// How often it is looked whether somebody still waits: about as long as a batch takes.
const EVERY: Duration = Duration::from_millis(5);

/// Tells when nobody waits to be logged; cheap to clone.
#[derive(Clone)]
pub(crate) struct Calm(Batcher<Command, Answer, Error>);

impl Calm {
    pub(super) fn new(recording: Batcher<Command, Answer, Error>) -> Self {
        Self(recording)
    }

    /// Whether nobody waits.
    pub(crate) fn holds(&self) -> bool {
        self.0.waiting() == 0
    }

    /// Returns when nobody waits, and after this time at the latest: what follows is put off, never given up.
    pub(crate) async fn or_after(&self, patience: Duration) {
        let until = Instant::now() + patience;
        while !self.holds() && Instant::now() < until {
            sleep(EVERY).await;
        }
    }
}
