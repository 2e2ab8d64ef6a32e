//! The ways of one process, each of which a test can cut.

use std::net::SocketAddr;

use rapport_foundation::testing::Proxy;

/// The ways to and from one process.
#[derive(Debug)]
pub struct Ways {
    /// From the process to its database.
    pub database: Proxy,
    /// From everybody else to the process.
    pub door: Proxy,
}

impl Ways {
    /// Open ways between a process that listens there and its database.
    pub(crate) async fn between(database: &str, process: &str) -> Self {
        Self {
            database: Proxy::to(socket(database).await).await,
            door: Proxy::to(socket(process).await).await,
        }
    }

    /// Where others find the process, as the suite writes it.
    pub(crate) fn door(&self) -> String {
        format!("http://{}", self.door.address())
    }
}

async fn socket(place: &str) -> SocketAddr {
    let found = tokio::net::lookup_host(place).await;
    found
        .ok()
        .and_then(|mut found| found.next())
        .expect("an address")
}
