//! Between services behind TLS.

use std::path::Path;

use super::replica::{Replica, call, status};
use super::*;
use crate::service::{ListenConfig, ServiceTls};
use crate::testing::Authority;
use crate::tls::{ClientFiles, ClientTls};

const GATEWAY: &str = "spiffe://rapport.test/gateway";

fn put(folder: &Path, who: &str, (certificate, key): (String, String)) {
    std::fs::write(folder.join(format!("{who}.pem")), certificate).unwrap();
    std::fs::write(folder.join(format!("{who}.key")), key).unwrap();
}

fn client(folder: &Path, who: &str) -> ClientTls {
    let files = ClientFiles {
        ca: folder.join("ca.pem"),
        identity: Some((
            folder.join(format!("{who}.pem")),
            folder.join(format!("{who}.key")),
        )),
    };
    ClientTls::open(files).unwrap()
}

async fn replica(folder: &Path) -> Replica {
    let tls = ServiceTls {
        certificate_file: folder.join("server.pem"),
        key_file: folder.join("server.key"),
        client_ca_file: Some(folder.join("ca.pem")),
        peers: vec![GATEWAY.to_owned()],
    };
    let config = ListenConfig {
        tls: Some(tls),
        ..ListenConfig::default()
    };
    Replica::at("127.0.0.1:0".parse().unwrap(), config).await
}

#[tokio::test]
async fn a_service_answers_the_gateway_and_no_other_certificate_of_the_house() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let folder = folder.path();
    std::fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
    put(folder, "server", authority.server());
    put(folder, "gateway", authority.client(GATEWAY));
    put(
        folder,
        "loyalty",
        authority.client("spiffe://rapport.test/loyalty"),
    );
    put(folder, "foreign", Authority::new().client(GATEWAY));
    let replica = replica(folder).await;
    let url = [format!("https://{}", replica.address)];
    let code = async |who: &str| {
        let channel = Channel::pool(&url, Some(&client(folder, who)), &quick()).unwrap();
        status(&channel, call()).await
    };
    assert_eq!(code("gateway").await, "0");
    assert_eq!(code("loyalty").await, "14");
    assert_eq!(code("foreign").await, "14");
    assert_eq!(replica.calls(), 1);
}

#[tokio::test]
async fn a_caller_whose_certificate_was_renewed_shows_the_new_one_without_a_restart() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let folder = folder.path();
    std::fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
    put(folder, "server", authority.server());
    put(folder, "gateway", authority.expired(GATEWAY));
    let replica = replica(folder).await;
    let tls = client(folder, "gateway");
    let url = [format!("https://{}", replica.address)];
    let channel = Channel::pool(&url, Some(&tls), &quick()).unwrap();
    assert_eq!(status(&channel, call()).await, "14");
    put(folder, "gateway", authority.client(GATEWAY));
    assert!(tls.reload());
    eventually("the new certificate is shown", async || {
        (status(&channel, call()).await == "0").then_some(())
    })
    .await;
}
