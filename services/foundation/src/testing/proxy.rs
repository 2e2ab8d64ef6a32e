//! A way to a server that a test can cut or hold up.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::db::DatabaseConfig;

/// Forwards connections on a port of its own to a server, until it is cut.
pub struct Proxy {
    address: SocketAddr,
    gate: watch::Sender<Gate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gate {
    Open,
    /// Connections stay and nothing comes through.
    Held,
    Cut,
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
        let sender = watch::Sender::new(Gate::Open);
        let gate = sender.subscribe();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(forward(near, target, gate.clone()));
            }
        });
        Self {
            address,
            gate: sender,
        }
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
        self.gate.send_replace(Gate::Cut);
    }

    /// Lets nothing through, and breaks nothing: what is sent arrives when it is restored.
    pub fn hold(&self) {
        self.gate.send_replace(Gate::Held);
    }

    /// Lets connections through again.
    pub fn restore(&self) {
        self.gate.send_replace(Gate::Open);
    }
}

async fn forward(near: TcpStream, target: SocketAddr, mut gate: watch::Receiver<Gate>) {
    if *gate.borrow_and_update() == Gate::Cut {
        return;
    }
    let Ok(far) = TcpStream::connect(target).await else {
        return;
    };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let (from_near, to_near) = near.into_split();
    let (from_far, to_far) = far.into_split();
    let there = copy(from_near, to_far, gate.clone());
    let back = copy(from_far, to_near, gate.clone());
    tokio::select! {
        _ = async { tokio::join!(there, back) } => {}
        _ = gate.wait_for(|gate| *gate == Gate::Cut) => {}
    }
}

/// Copies to the end of one direction, while the gate is open.
async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut gate: watch::Receiver<Gate>,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await?;
        if gate.wait_for(|gate| *gate != Gate::Held).await.is_err() {
            return Ok(());
        }
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..read]).await?;
    }
}
