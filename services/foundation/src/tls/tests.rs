#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::*;
use crate::testing::{Authority, SERVER_NAME};

const GATEWAY: &str = "spiffe://rapport.test/gateway";

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Place {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a certificate and its key where a listener or a client looks for them.
    fn put(&self, who: &str, (certificate, key): (String, String)) {
        std::fs::write(self.file(&format!("{who}.pem")), certificate).unwrap();
        std::fs::write(self.file(&format!("{who}.key")), key).unwrap();
    }

    fn put_ca(&self, authority: &Authority) {
        std::fs::write(self.file("ca.pem"), authority.pem()).unwrap();
    }

    fn server(&self, peers: &[&str]) -> ServerTls {
        ServerTls::open(ServerFiles {
            certificate: self.file("server.pem"),
            key: self.file("server.key"),
            client_ca: Some(self.file("ca.pem")),
            client_optional: false,
            peers: peers.iter().map(|peer| (*peer).to_owned()).collect(),
            alpn: vec![b"h2".to_vec()],
        })
        .unwrap()
    }

    fn client(&self, who: Option<&str>) -> ClientTls {
        let pair = |who| {
            (
                self.file(&format!("{who}.pem")),
                self.file(&format!("{who}.key")),
            )
        };
        ClientTls::open(ClientFiles {
            ca: self.file("ca.pem"),
            identity: who.map(pair),
        })
        .unwrap()
    }
}

/// The serial number of the server's certificate when a byte came through, or None when the handshake failed.
async fn shake(server: &ServerTls, client: &ClientTls) -> Option<Vec<u8>> {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let acceptor = TlsAcceptor::from(server.current());
    let serving = tokio::spawn(async move {
        let mut stream = acceptor.accept(far).await.ok()?;
        stream.write_all(b"x").await.ok()?;
        stream.read_u8().await.ok()
    });
    let name = ServerName::try_from(SERVER_NAME).unwrap();
    let connector = TlsConnector::from(client.current());
    let mut stream = connector.connect(name, near).await.ok()?;
    // In TLS 1.3 a client learns only by reading that it was refused.
    stream.read_u8().await.ok()?;
    let shown = stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
    stream.write_u8(1).await.ok()?;
    serving.await.unwrap().map(|_| shown)
}

#[tokio::test]
async fn only_the_named_peers_of_the_own_authority_come_in() {
    let (place, authority, stranger) = (Place::new(), Authority::new(), Authority::new());
    place.put_ca(&authority);
    place.put("server", authority.server());
    place.put("gateway", authority.client(GATEWAY));
    place.put("loyalty", authority.client("spiffe://rapport.test/loyalty"));
    place.put(
        "similar",
        authority.client("spiffe://rapport.test/gateway/x"),
    );
    place.put("nameless", authority.server());
    place.put("expired", authority.expired(GATEWAY));
    place.put("foreign", stranger.client(GATEWAY));

    let server = place.server(&[GATEWAY]);
    assert!(
        shake(&server, &place.client(Some("gateway")))
            .await
            .is_some()
    );
    for who in ["loyalty", "similar", "nameless", "expired", "foreign"] {
        let seen = shake(&server, &place.client(Some(who))).await;
        assert!(seen.is_none(), "{who}");
    }
    assert!(shake(&server, &place.client(None)).await.is_none());
    // Without the list the authority alone decides.
    let open = place.server(&[]);
    assert!(shake(&open, &place.client(Some("loyalty"))).await.is_some());
    assert!(shake(&open, &place.client(Some("expired"))).await.is_none());
}

#[tokio::test]
async fn a_server_of_another_authority_is_not_believed() {
    let (place, authority, stranger) = (Place::new(), Authority::new(), Authority::new());
    place.put_ca(&authority);
    place.put("server", stranger.server());
    place.put("gateway", authority.client(GATEWAY));
    let server = place.server(&[]);
    assert!(
        shake(&server, &place.client(Some("gateway")))
            .await
            .is_none()
    );
}

#[tokio::test]
async fn changed_files_are_used_by_the_next_connection_and_broken_ones_are_not() {
    let (place, authority) = (Place::new(), Authority::new());
    place.put_ca(&authority);
    place.put("server", authority.server());
    place.put("gateway", authority.client(GATEWAY));
    let (server, client) = (place.server(&[GATEWAY]), place.client(Some("gateway")));
    let first = shake(&server, &client).await.unwrap();
    assert!(!server.reload() && !client.reload());

    place.put("server", authority.server());
    assert!(server.reload());
    let second = shake(&server, &client).await.unwrap();
    assert_ne!(first, second);

    std::fs::write(place.file("server.pem"), "half a certi").unwrap();
    assert!(!server.reload());
    assert_eq!(shake(&server, &client).await.unwrap(), second);

    // Everybody moves to another authority.
    let next = Authority::new();
    place.put_ca(&next);
    place.put("server", next.server());
    assert!(server.reload());
    assert!(shake(&server, &client).await.is_none());
    place.put("gateway", next.client(GATEWAY));
    assert!(client.reload());
    assert!(shake(&server, &client).await.is_some());
}

#[tokio::test]
async fn files_are_looked_at_until_the_end() {
    let (place, authority) = (Place::new(), Authority::new());
    place.put_ca(&authority);
    place.put("server", authority.server());
    let (server, stop) = (place.server(&[]), CancellationToken::new());
    let first = server.current();
    let looking = tokio::spawn(
        server
            .clone()
            .keep_fresh(Duration::from_millis(5), stop.clone()),
    );
    place.put("server", authority.server());
    crate::testing::eventually("the new certificate is in use", async || {
        (!Arc::ptr_eq(&server.current(), &first)).then_some(())
    })
    .await;
    stop.cancel();
    looking.await.unwrap();
}

#[test]
fn a_broken_pair_keeps_the_old_one_and_a_whole_one_takes_its_place() {
    let pair = || {
        let pair = rcgen::generate_simple_self_signed(["gate.test".to_owned()]).unwrap();
        (pair.cert.pem(), pair.signing_key.serialize_pem())
    };
    let (first, second) = (pair(), pair());
    let place = Place::new();
    let put = |certificate: &str, key: &str| {
        place.put("server", (certificate.to_owned(), key.to_owned()));
    };
    put(&first.0, &first.1);
    let tls = ServerTls::open(ServerFiles {
        certificate: place.file("server.pem"),
        key: place.file("server.key"),
        client_ca: None,
        client_optional: false,
        peers: Vec::new(),
        alpn: Vec::new(),
    })
    .unwrap();
    let old = tls.current();
    for (certificate, key) in [
        (first.0.as_str(), first.1.as_str()),
        (&second.0, &first.1),
        (&first.0, "nonsense"),
        ("", &second.1),
    ] {
        put(certificate, key);
        tls.reload();
        assert!(Arc::ptr_eq(&old, &tls.current()), "{key}");
    }
    std::fs::remove_file(place.file("server.key")).unwrap();
    tls.reload();
    assert!(Arc::ptr_eq(&old, &tls.current()), "gone");
    put(&second.0, &second.1);
    tls.reload();
    let new = tls.current();
    assert!(!Arc::ptr_eq(&old, &new));
    // The same content again forgets no session.
    put(&second.0, &second.1);
    tls.reload();
    assert!(Arc::ptr_eq(&new, &tls.current()));
}
