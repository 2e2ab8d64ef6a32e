//! Processes of the real binary.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

/// How long a process may take to be ready, or to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// A `rapport serve` that is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    first_line: mpsc::Receiver<()>,
}

/// The binary `rapport` of this build; builds it when it is not there.
///
/// # Panics
/// When it cannot be built.
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows itself");
    let profile = test
        .ancestors()
        .find(|folder| folder.ends_with("debug") || folder.ends_with("release"));
    let binary = profile
        .expect("a test lives in a target folder")
        .join("rapport");
    if !binary.exists() {
        let mut cargo = Command::new(option_env!("CARGO").unwrap_or("cargo"));
        cargo.args(["build", "-p", "rapport-suite"]);
        if binary
            .parent()
            .is_some_and(|folder| folder.ends_with("release"))
        {
            cargo.arg("--release");
        }
        assert!(
            cargo.status().is_ok_and(|status| status.success()),
            "the binary cannot be built"
        );
    }
    binary
}

impl Process {
    pub(crate) fn serve(configuration: &str) -> Self {
        let mut child = Command::new(binary())
            .args(["serve", "--config", configuration])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let output = BufReader::new(child.stdout.take().expect("a piped output"));
        let (told, first_line) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if !line.is_empty() {
                    let _ = told.send(());
                }
            }
        });
        Self { child, first_line }
    }

    /// Waits for the line that says it serves.
    pub(crate) async fn ready(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while self.first_line.try_recv().is_err() {
            let ended = self.child.try_wait().expect("a child of ours");
            assert!(
                ended.is_none(),
                "the suite ended instead of serving: {ended:?}"
            );
            assert!(
                Instant::now() < deadline,
                "the suite is not ready after {PATIENCE:?}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{signal}"), &self.child.id().to_string()])
            .status();
        assert!(
            sent.is_ok_and(|status| status.success()),
            "the process was gone already"
        );
    }

    /// Asks it to end, and waits until it has; answers how long that took.
    pub(crate) async fn terminate(mut self) -> Duration {
        let began = Instant::now();
        self.signal("TERM");
        loop {
            if let Some(status) = self.child.try_wait().expect("a child of ours") {
                assert!(status.success(), "the suite ended with {status}");
                return began.elapsed();
            }
            assert!(began.elapsed() < PATIENCE, "the suite does not end");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        kib.unwrap_or(0) * 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command of the binary to its end.
pub(crate) async fn run(arguments: &[&str]) -> Result<(), String> {
    let output = tokio::process::Command::new(binary())
        .args(arguments)
        .output()
        .await;
    let output = output.map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(format!(
        "rapport {} ({}): {}",
        arguments[0],
        output.status,
        String::from_utf8_lossy(&said)
    ))
}
