//! A way to a server that a test can cut or hold up.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::db::DatabaseConfig;

/// Forwards connections on a port of its own to a server, until it is cut.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    gate: watch::Sender<Gate>,
    held_up: watch::Sender<usize>,
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
        let (sender, held_up) = (watch::Sender::new(Gate::Open), watch::Sender::new(0));
        let passage = Passage {
            gate: sender.subscribe(),
            held_up: held_up.clone(),
        };
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(forward(near, target, passage.clone()));
            }
        });
        Self {
            address,
            gate: sender,
            held_up,
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

    /// Returns once something is held up on so many connections.
    pub async fn holds_up(&self, connections: usize) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self
            .held_up
            .subscribe()
            .wait_for(|held_up| *held_up >= connections)
            .await;
    }

    /// Lets connections through again.
    pub fn restore(&self) {
        self.gate.send_replace(Gate::Open);
    }
}

/// What a connection passes.
#[derive(Debug, Clone)]
struct Passage {
    gate: watch::Receiver<Gate>,
    held_up: watch::Sender<usize>,
}

impl Passage {
    /// Returns when something may go through; false when nothing will.
    async fn is_passed(&mut self) -> bool {
        let is_held = *self.gate.borrow_and_update() == Gate::Held;
        let _counted = is_held.then(|| HeldUp::on(&self.held_up));
        self.gate.wait_for(|gate| *gate != Gate::Held).await.is_ok()
    }
}

/// Counts one connection while it lives.
struct HeldUp(watch::Sender<usize>);

impl HeldUp {
    fn on(count: &watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count.clone())
    }
}

impl Drop for HeldUp {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

async fn forward(near: TcpStream, target: SocketAddr, mut passage: Passage) {
    if *passage.gate.borrow_and_update() == Gate::Cut {
        return;
    }
    let Ok(far) = TcpStream::connect(target).await else {
        return;
    };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let (from_near, to_near) = near.into_split();
    let (from_far, to_far) = far.into_split();
    let there = copy(from_near, to_far, passage.clone());
    let back = copy(from_far, to_near, passage.clone());
    tokio::select! {
        _ = async { tokio::join!(there, back) } => {}
        _ = passage.gate.wait_for(|gate| *gate == Gate::Cut) => {}
    }
}

/// Copies to the end of one direction, while the gate is open.
async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut passage: Passage,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await?;
        if !passage.is_passed().await {
            return Ok(());
        }
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..read]).await?;
    }
}
