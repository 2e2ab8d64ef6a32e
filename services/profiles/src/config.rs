//! Section `profiles` of the configuration.

use rapport_foundation::batch::BatchConfig;
use rapport_foundation::error::{Code, Failure};
use serde::{Deserialize, Serialize};

use crate::domain::identifier::Region;

/// How this service behaves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// ISO 3166-1 alpha-2 region of telephone numbers that come without a country code and without a hint. Empty:
    /// such numbers are refused, because a guess would tie them to a stranger.
    pub default_region: String,
    /// How resolutions that write are folded into transactions. One lane: two would meet on the same identifiers.
    pub resolve: BatchConfig,
}

impl Config {
    /// The region, when one is set.
    ///
    /// # Errors
    /// When there is no such region.
    pub fn region(&self) -> Result<Option<Region>, Failure> {
        if self.default_region.is_empty() {
            return Ok(None);
        }
        match Region::parse(&self.default_region) {
            Some(region) => Ok(Some(region)),
            None => Err(Failure::new(
                Code::FailedPrecondition,
                "MISCONFIGURED",
                "profiles.default_region is not an ISO 3166-1 alpha-2 region.",
            )),
        }
    }
}
