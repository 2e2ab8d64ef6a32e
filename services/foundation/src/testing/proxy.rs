//! A way to a server that a test can cut.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::db::DatabaseConfig;

/// Forwards connections on a port of its own to a server, until it is cut.
pub struct Proxy {
    address: SocketAddr,
    open: watch::Sender<bool>,
}

impl Proxy {
    /// A way to `target`, open.
    ///
    /// # Panics
    /// When no port can be had.
    #[expect(clippy::expect_used, reason = "a test cannot go on without a port")]
    pub async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("the port's address");
        let open = watch::Sender::new(true);
        let gate = open.subscribe();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(forward(near, target, gate.clone()));
            }
        });
        Self { address, open }
    }

    /// A way to the PostgreSQL server of a database, open, and the configuration that leads through it.
    ///
    /// # Panics
    /// When the address is none of PostgreSQL.
    #[expect(
        clippy::expect_used,
        reason = "a test cannot go on without its database"
    )]
    pub async fn before(config: &DatabaseConfig) -> (Self, DatabaseConfig) {
        let (_, place) = config.url.rsplit_once('@').expect("a login in the address");
        let (host, _) = place.split_once('/').expect("a database in the address");
        let host = match host.contains(':') {
            true => host.to_owned(),
            false => format!("{host}:5432"),
        };
        let mut found = tokio::net::lookup_host(host)
            .await
            .expect("the server's host");
        let proxy = Self::to(found.next().expect("the server's address")).await;
        let through = |url: &str| {
            let (login, place) = url.rsplit_once('@').expect("a login in the address");
            let (_, database) = place.split_once('/').expect("a database in the address");
            format!("{login}@{}/{database}", proxy.address())
        };
        let config = DatabaseConfig {
            url: through(&config.url),
            system_url: through(&config.system_url),
            ..config.clone()
        };
        (proxy, config)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Breaks all connections and every new one.
    pub fn cut(&self) {
        self.open.send_replace(false);
    }

    /// Lets connections through again.
    pub fn restore(&self) {
        self.open.send_replace(true);
    }
}

async fn forward(mut near: TcpStream, target: SocketAddr, mut gate: watch::Receiver<bool>) {
    if !*gate.borrow_and_update() {
        return;
    }
    let Ok(mut far) = TcpStream::connect(target).await else {
        return;
    };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
        _ = gate.changed() => {}
    }
}
