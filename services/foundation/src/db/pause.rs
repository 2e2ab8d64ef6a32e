//! The pause of who lost a race, before trying again.

use std::time::Duration;

/// Longer each time, and never the same for two who lost to each other.
pub(super) struct Pause(Duration);

impl Pause {
    /// The first one is up to this long.
    pub(super) const fn up_to(first: Duration) -> Self {
        Self(first)
    }

    pub(super) async fn rest(&mut self) {
        tokio::time::sleep(self.0.mul_f64(rand::random::<f64>())).await;
        self.0 *= 2;
    }
}
