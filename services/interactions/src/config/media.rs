//! The section `interactions.media` of the configuration.

use std::path::PathBuf;
use std::time::Duration;

use rapport_foundation::config::Secret;
use serde::{Deserialize, Serialize};

const MIB: u64 = 1024 * 1024;

/// Where files of contacts are kept, and how much of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MediaConfig {
    /// Where they are kept: in a folder, or in a bucket of S3 or of what speaks like it.
    pub place: Place,
    /// The folder. Empty: `<data_dir>/media`. All replicas must see the same one.
    pub folder: PathBuf,
    /// The bucket.
    pub s3: S3Config,
    /// The largest file, in MiB.
    pub largest_mib: u32,
    /// What all files of one tenant may take, in MiB; what is being uploaded counts as a whole. 0: no limit.
    pub tenant_mib: u64,
    /// Uploads and downloads at a time; beyond it callers are told to try later. Each holds up to 4 MiB.
    pub transfers: usize,
    /// How long storing or reading one piece may take, in milliseconds, repetitions included.
    pub object_ms: u64,
    /// After how many hours without a byte an upload is given up.
    pub unfinished_hours: u64,
    /// After how many hours a file is removed that no contact names.
    pub orphan_hours: u64,
    /// How often what is due for removal is looked for, in milliseconds.
    pub sweep_every_ms: u64,
}

/// What kind of place files are kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// A folder.
    File,
    /// A bucket.
    S3,
}

/// A bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct S3Config {
    /// Its name.
    pub bucket: String,
    /// The region it is in.
    pub region: String,
    /// Where it is asked, `https://host`. Empty: AWS.
    pub endpoint: String,
    /// Whether the bucket is a part of the host's name instead of the path.
    pub virtual_hosted: bool,
    /// Who asks. Unset: the role of the machine or pod.
    pub access_key_id: Option<Secret>,
    /// The key to it.
    pub secret_access_key: Option<Secret>,
    /// More authorities to trust for TLS, as a PEM file.
    pub ca_file: Option<PathBuf>,
}

impl Default for MediaConfig {
    fn default() -> Self {
        Self {
            place: Place::File,
            folder: PathBuf::new(),
            s3: S3Config::default(),
            largest_mib: 100,
            tenant_mib: 102_400,
            transfers: 64,
            object_ms: 30_000,
            unfinished_hours: 24,
            orphan_hours: 72,
            sweep_every_ms: 60_000,
        }
    }
}

impl MediaConfig {
    pub(crate) fn largest(&self) -> u64 {
        u64::from(self.largest_mib) * MIB
    }

    /// What a tenant may have, in bytes.
    pub(crate) fn quota(&self) -> i64 {
        match self.tenant_mib {
            0 => i64::MAX,
            limit => i64::try_from(limit.saturating_mul(MIB)).unwrap_or(i64::MAX),
        }
    }

    pub(crate) fn object(&self) -> Duration {
        Duration::from_millis(self.object_ms)
    }

    pub(crate) fn unfinished(&self) -> Duration {
        hours(self.unfinished_hours)
    }

    pub(crate) fn orphan(&self) -> Duration {
        hours(self.orphan_hours)
    }

    pub(crate) fn sweep_every(&self) -> Duration {
        Duration::from_millis(self.sweep_every_ms)
    }
}

fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours.saturating_mul(3600))
}
