#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// Answers every connection with the same bytes and gives the base URL.
async fn host(answer: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut seen = [0; 1024];
            let _ = stream.read(&mut seen).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    url
}

fn client(change: impl Fn(&mut HttpClientConfig)) -> HttpClient {
    let mut config = HttpClientConfig {
        allow_private_addresses: true,
        timeout_ms: 2_000,
        ..HttpClientConfig::default()
    };
    change(&mut config);
    HttpClient::new(&config).unwrap()
}

#[tokio::test]
async fn an_answer_comes_whole_with_its_status_and_a_large_one_is_refused() {
    let url =
        host("HTTP/1.1 404 No\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello".into()).await;
    let answer = client(|_| ()).get(&url).await.unwrap();
    assert_eq!(
        (answer.status.as_u16(), answer.body.as_ref()),
        (404, b"hello".as_slice())
    );
    let small = client(|config| config.response_limit_bytes = 4);
    assert!(matches!(small.get(&url).await, Err(Error::TooLarge(4))));
}

#[tokio::test]
async fn private_addresses_are_refused_unless_allowed_whatever_the_name() {
    let url = host("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".into()).await;
    let strict = client(|config| config.allow_private_addresses = false);
    let by_name = url.replace("127.0.0.1", "localhost");
    for url in [
        url.as_str(),
        by_name.as_str(),
        "http://[::1]:1/",
        "http://169.254.169.254/",
    ] {
        let refused = strict.get(url).await;
        assert!(
            matches!(refused, Err(Error::PrivateAddress(_))),
            "{url}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn what_is_no_url_nobody_or_silent_is_told_apart() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let hasty = client(|config| config.timeout_ms = 30);
    assert!(matches!(hasty.get(&url).await, Err(Error::Timeout)));
    drop(silent);
    assert!(matches!(
        client(|_| ()).get(&url).await,
        Err(Error::Connect { .. })
    ));
    for url in ["ftp://host/", "/path", "nonsense"] {
        assert!(matches!(hasty.get(url).await, Err(Error::Url(_))), "{url}");
    }
}
