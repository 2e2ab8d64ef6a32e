//! Clients in other languages, with nothing of ours but `proto/`.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use rapport_tests::{Database, Suite, Topology};

#[tokio::test(flavor = "multi_thread")]
async fn python_performs_the_whole_way_of_one_contact() {
    let name = "python_performs_the_whole_way_of_one_contact";
    let Some(python) = python() else {
        return skipped(name, "no python3 with grpcio-tools to be had");
    };
    let mut command = Command::new(python);
    command.arg(tests().join("foreign/contact.py")).arg(proto());
    performs(command).await;
}

/// gRPC by two libraries, gRPC-Web, Connect and plain JSON, over HTTP/2 and HTTP/1.1.
#[tokio::test(flavor = "multi_thread")]
async fn node_performs_the_whole_way_of_one_contact_in_every_protocol() {
    let name = "node_performs_the_whole_way_of_one_contact_in_every_protocol";
    let Some(folder) = node() else {
        return skipped(
            name,
            "no node with the packages of foreign/package.json to be had",
        );
    };
    let mut command = Command::new("node");
    command
        .arg(folder.join("contact.mjs"))
        .arg(proto().join("image.binpb"));
    performs(command).await;
}

/// JSON, lines of JSON and Connect, an API key, and no library at all.
#[tokio::test(flavor = "multi_thread")]
async fn curl_performs_the_whole_way_of_one_contact() {
    let curl = Command::new("curl").arg("--version").output();
    if !curl.is_ok_and(|output| output.status.success()) {
        let name = "curl_performs_the_whole_way_of_one_contact";
        return skipped(name, "there is no curl");
    }
    let mut command = Command::new("bash");
    command.arg(tests().join("foreign/contact.sh"));
    performs(command).await;
}

/// Runs a client against a suite of its own; it is told the gateway and the tokens.
async fn performs(mut command: Command) {
    let suite = Suite::fresh(Topology::Embedded, Database::sqlite()).await;
    command.arg(suite.gateway()).args([
        suite.supervisor_token(),
        suite.connector_token("foreign"),
        suite.manager_token(),
    ]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    suite.stop().await;
}

fn tests() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn proto() -> PathBuf {
    tests().parent().unwrap().join("proto")
}

/// What a client in another language needs, below the target folder: made once.
fn installed(name: &str) -> Option<PathBuf> {
    Some(rapport_tests::binary().parent()?.parent()?.join(name))
}

/// A folder with the client and the packages it needs.
fn node() -> Option<PathBuf> {
    let folder = installed("foreign-node")?;
    std::fs::create_dir_all(&folder).ok()?;
    for file in ["package.json", "contact.mjs"] {
        std::fs::copy(tests().join("foreign").join(file), folder.join(file)).ok()?;
    }
    let ran = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        let output = command.args(arguments).current_dir(&folder).output();
        output.is_ok_and(|output| output.status.success())
    };
    // Says whether everything in package.json is there, in the right version.
    if !ran("npm", &["ls", "--silent"]) {
        ran(
            "npm",
            &[
                "install",
                "--silent",
                "--no-fund",
                "--no-audit",
                "--no-package-lock",
            ],
        );
    }
    (ran("npm", &["ls", "--silent"]) && ran("node", &["--version"])).then_some(folder)
}

/// A Python with grpcio-tools, in a virtual environment.
fn python() -> Option<PathBuf> {
    let folder = installed("foreign-python")?;
    let python = folder.join("bin/python");
    let works = |python: &Path| {
        let probe = Command::new(python)
            .args(["-c", "import grpc_tools"])
            .output();
        probe.is_ok_and(|output| output.status.success())
    };
    if !works(&python) {
        let requirements = tests().join("foreign/requirements.txt");
        Command::new("python3")
            .args(["-m", "venv"])
            .arg(&folder)
            .output()
            .ok()?;
        Command::new(&python)
            .args(["-m", "pip", "install", "-q", "-r"])
            .arg(requirements)
            .output()
            .ok()?;
    }
    works(&python).then_some(python)
}

fn skipped(name: &str, why: &str) {
    assert!(std::env::var_os("CI").is_none(), "CI must not skip: {why}");
    // Written past the harness, which keeps what passing tests print to itself.
    let _ = writeln!(std::io::stderr(), "SKIPPED {name}: {why}");
}
