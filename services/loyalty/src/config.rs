//! Section `loyalty` of the configuration.

use rapport_foundation::batch::BatchConfig;
use serde::{Deserialize, Serialize};

/// How this service behaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The batcher that ledger entries are written by. One lane: the entries of a member follow each other
    /// anyway.
    pub batch: BatchConfig,
    /// How often, at least, what is due is looked for, in seconds: holds whose time is over give their points
    /// back and points lapse. Calls do not depend on it, they reckon with the present moment by themselves.
    pub sweep_interval_s: u64,
    /// How many members are brought to the present in one go of the sweep.
    pub sweep_batch: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            batch: BatchConfig::default(),
            sweep_interval_s: 15,
            sweep_batch: 500,
        }
    }
}
