//! The PostgreSQL server that all tests of this process share.

use std::sync::OnceLock;

use crate::cluster::{Cluster, installed};

pub(super) const NO_PROGRAMS: &str = "no initdb was found under /usr/lib/postgresql or in PATH";

struct Shared {
    url: String,
    /// It ends with this process.
    _cluster: Cluster,
}

static CLUSTER: OnceLock<Result<Shared, String>> = OnceLock::new();

/// The address of the cluster's superuser; starts it at the first call.
pub(super) fn admin_url() -> Result<&'static str, &'static str> {
    match CLUSTER.get_or_init(start) {
        Ok(shared) => Ok(&shared.url),
        Err(why) => Err(why),
    }
}

fn start() -> Result<Shared, String> {
    let bin = installed().ok_or(NO_PROGRAMS)?;
    // Data of tests need not survive a power cut. Many tests leave their sessions open until the process ends.
    let settings = [
        "fsync=off",
        "full_page_writes=off",
        "max_connections=2000",
        "shared_buffers=64MB",
    ];
    let cluster = Cluster::start(&bin, &["--no-sync"], &settings);
    let cluster = cluster.map_err(|error| error.to_string())?;
    Ok(Shared {
        url: format!("postgres://postgres@127.0.0.1:{}/postgres", cluster.port()),
        _cluster: cluster,
    })
}
