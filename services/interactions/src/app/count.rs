//! How many contacts there were.

use rapport_foundation::context::Context;

use super::App;
use crate::Error;
use crate::domain::count::{Count, Counting};

/// Counts of one answer at most.
pub(crate) const COUNTS: usize = 10_000;

impl App {
    /// Counts contacts by dimensions and intervals.
    pub(crate) async fn count(
        &self,
        ctx: &Context,
        wanted: &Counting,
    ) -> Result<Vec<Count>, Error> {
        let counts = self.store.counts(ctx.tenant, wanted, COUNTS).await?;
        if counts.len() > COUNTS {
            return Err(Error::TooManyCounts);
        }
        Ok(counts)
    }
}
