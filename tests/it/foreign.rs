//! A client in another language, generated from `proto/`, with no code of ours.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use rapport_tests::{Database, Suite, Topology};

#[tokio::test(flavor = "multi_thread")]
async fn python_performs_the_whole_way_of_one_contact() {
    let Some(python) = python() else {
        assert!(
            std::env::var_os("CI").is_none(),
            "CI must have python3 with venv, and grpcio-tools"
        );
        skipped(
            "python_performs_the_whole_way_of_one_contact: no python3 with grpcio-tools to be had",
        );
        return;
    };
    let suite = Suite::fresh(Topology::Embedded, Database::sqlite()).await;
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tokens = [
        suite.supervisor_token(),
        suite.connector_token("python"),
        suite.manager_token(),
    ];
    let address = suite.gateway().to_owned();
    let mut command = Command::new(python);
    command
        .arg(tests.join("foreign/contact.py"))
        .arg(tests.parent().unwrap().join("proto"))
        .arg(address)
        .args(tokens);
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

/// A Python with grpcio-tools: a virtual environment below the target folder, made once.
fn python() -> Option<PathBuf> {
    let folder = rapport_tests::binary()
        .parent()?
        .parent()?
        .join("foreign-python");
    let python = folder.join("bin/python");
    let works = |python: &Path| {
        let probe = Command::new(python)
            .args(["-c", "import grpc_tools"])
            .output();
        probe.is_ok_and(|output| output.status.success())
    };
    if !works(&python) {
        let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("foreign/requirements.txt");
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

#[expect(clippy::print_stderr, reason = "a skipped test says so loudly")]
fn skipped(what: &str) {
    eprintln!("SKIPPED {what}");
}
