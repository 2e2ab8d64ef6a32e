//! Commands as a shell sees them.

use crate::stage::{Stage, rapport, stderr, stdout};

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_makes_no_sense_is_told_in_full_with_exit_64() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wrong.toml");
    std::fs::write(
        &file,
        "data_dri = \"x\"\n[gateway.limits]\nconnections = \"many\"\n",
    )
    .unwrap();
    for command in ["check-config", "serve", "migrate"] {
        let output = rapport(&[command, "--config", file.to_str().unwrap()]).await;
        assert_eq!(
            output.status.code(),
            Some(64),
            "{command}: {}",
            stderr(&output)
        );
        let text = stderr(&output);
        assert!(
            text.contains("did you mean `data_dir`") && text.contains("gateway.limits.connections"),
            "{text}"
        );
    }
    assert_eq!(rapport(&["no-such-command"]).await.status.code(), Some(64));
    assert_eq!(rapport(&["--version"]).await.status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_configuration_hides_what_is_secret() {
    let url = "databases.profiles.url=postgres://app:hunter2@db/profiles";
    let system = "databases.profiles.system_url=postgres://system:hunter2@db/profiles";
    let secret = "gateway.auth.development_secret=0123456789abcdef0123456789abcdef";
    let output = rapport(&[
        "check-config",
        "--set",
        url,
        "--set",
        system,
        "--set",
        secret,
    ])
    .await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("postgres://app:***@db/profiles"), "{text}");
    assert!(!text.contains("hunter2") && !text.contains("0123456789abcdef"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_made_token_opens_the_gateway_and_calls_answer_in_json() {
    let stage = Stage::open().await;
    let (url, dir) = (
        stage.suite.url(),
        stage.suite.dir().to_str().unwrap().to_owned(),
    );
    assert_eq!(
        rapport(&["healthcheck", "--address", &url])
            .await
            .status
            .code(),
        Some(0)
    );

    let operator = [
        "token",
        "--subject",
        "op",
        "--role",
        "operator",
        "--data-dir",
        &dir,
    ];
    let token = stdout(&rapport(&operator).await);
    let tenant = stage.tenant.to_string();
    let request = format!("{{\"tenant_id\": \"{tenant}\"}}");
    let output = rapport(&[
        "call",
        "TenantService/GetTenant",
        &request,
        "--gateway",
        &url,
        "--token",
        token.trim(),
    ])
    .await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["tenant"]["id"], tenant.as_str());

    // A mutation without a request id is given one; a refusal is told with its reason.
    let create = [
        "call",
        "TenantService/CreateTenant",
        "{\"display_name\": \"\"}",
        "--gateway",
        &url,
        "--token",
    ];
    let output = rapport(&[&create[..], &[token.trim()]].concat()).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("InvalidArgument") && stderr(&output).contains("display_name")
    );

    let agent = [
        "token",
        "--tenant",
        &tenant,
        "--subject",
        "a",
        "--role",
        "agent",
        "--data-dir",
        &dir,
    ];
    let token = stdout(&rapport(&agent).await);
    let output = rapport(&[
        "call",
        "TenantService/ListTenants",
        "{}",
        "--gateway",
        &url,
        "--token",
        token.trim(),
    ])
    .await;
    assert!(
        stderr(&output).contains("PermissionDenied"),
        "{}",
        stderr(&output)
    );
    stage.suite.stop().await;
    assert_eq!(
        rapport(&["healthcheck", "--address", &url])
            .await
            .status
            .code(),
        Some(1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_serves_one_suite_and_verification_works_beside_it() {
    let stage = Stage::open().await;
    let dir = stage.suite.dir().to_str().unwrap().to_owned();
    let second = rapport(&["serve", "--data-dir", &dir, "--listen", "127.0.0.1:0"]).await;
    assert_eq!(second.status.code(), Some(1));
    assert!(
        stderr(&second).contains("in use by another suite"),
        "{}",
        stderr(&second)
    );
    let verify = rapport(&["verify", "--data-dir", &dir]).await;
    assert_eq!(verify.status.code(), Some(0), "{}", stderr(&verify));
    stage.suite.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("keys");
    assert_eq!(
        rapport(&["keys", dir.to_str().unwrap()])
            .await
            .status
            .code(),
        Some(0)
    );
    for file in [
        "private/gateway.pem",
        "private/svc_routing.pem",
        "public/svc_loyalty.pem",
        "master.key",
    ] {
        assert!(dir.join(file).exists(), "{file}");
    }
    assert_eq!(
        rapport(&["keys", dir.to_str().unwrap()])
            .await
            .status
            .code(),
        Some(64)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_made_on_the_database_opens_the_running_gateway_until_it_is_revoked() {
    let stage = Stage::open().await;
    let dir = stage.suite.dir().to_str().unwrap().to_owned();
    let (url, tenant) = (stage.suite.url(), stage.tenant.to_string());
    let of = ["--tenant", tenant.as_str(), "--data-dir", dir.as_str()];
    let key = async |command: &[&str]| {
        let output = rapport(&[&["api-key"][..], command, &of[..]].concat()).await;
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output)
    };
    let create = [
        "create",
        "--name",
        "Shop",
        "--system",
        "--scope",
        "profiles.read",
        "--expires",
        "1d",
    ];
    let secret = key(&[&create[..], &["--quiet"]].concat()).await;
    assert_eq!(secret.lines().count(), 1);
    let secret = secret.trim();
    let listed = key(&["list"]).await;
    assert!(listed.contains("live") && listed.contains(&secret[..20]) && !listed.contains(secret));
    let id = listed.split_whitespace().next().unwrap().to_owned();

    let list = [
        "call",
        "CustomerService/ListCustomers",
        "{}",
        "--gateway",
        &url,
        "--token",
    ];
    let code = async |secret: &str| {
        rapport(&[&list[..], &[secret]].concat())
            .await
            .status
            .code()
    };
    // The gateway hears of it by its own reading of the database.
    until(async || code(secret).await == Some(0)).await;
    let rotated = key(&["rotate", &id, "--at-once", "--quiet"]).await;
    until(async || code(rotated.trim()).await == Some(0)).await;
    assert_eq!(code(secret).await, Some(1));
    assert!(key(&["revoke", &id]).await.contains("revoked"));
    until(async || code(rotated.trim()).await == Some(1)).await;

    // Nothing above what can be given is made.
    let above = [
        "api-key",
        "create",
        "--name",
        "X",
        "--system",
        "--scope",
        "access.manage",
    ];
    let output = rapport(&[&above[..], &of[..]].concat()).await;
    assert!(
        output.status.code() == Some(1) && stderr(&output).contains("GRANT_NOT_HELD"),
        "{}",
        stderr(&output)
    );
    let neither = rapport(&[&["api-key", "create", "--name", "X"][..], &of[..]].concat()).await;
    assert_eq!(neither.status.code(), Some(64));
    stage.suite.stop().await;
}

/// Looks again and again; gives up loudly.
async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !holds().await {
        assert!(begun.elapsed().as_secs() < 20, "waited in vain");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
