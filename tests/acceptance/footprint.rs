//! How soon the suite serves after it was started, and what it holds in memory five minutes after
//! the demo's hour. Prints figures; judges nothing. Run it on a release build.

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use clap::Parser;
use tonic::transport::Endpoint;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

const STARTS: usize = 7;

/// Measures start-up and memory.
#[derive(Debug, Parser)]
struct Arguments {
    /// How long to wait after the demo before its memory is read, in seconds.
    #[arg(long, default_value_t = 300)]
    rest_s: u64,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir().expect("a temporary folder");

    let mut empty = Vec::new();
    for run in 0..STARTS {
        empty.push(start(&folder.path().join(format!("empty-{run}"))).await);
    }
    let used = folder.path().join("empty-0");
    let mut existing = Vec::new();
    for _ in 0..STARTS {
        existing.push(start(&used).await);
    }
    report("SERVING after exec, empty directory", empty);
    report("SERVING after exec, existing directory", existing);

    let mut demo = rapport(&[
        "demo",
        "--dir",
        &folder.path().join("demo").to_string_lossy(),
    ]);
    tokio::time::sleep(Duration::from_secs(40 + arguments.rest_s)).await;
    print(&format!(
        "resident {} s after the demo's hour: {:.1} MB",
        arguments.rest_s,
        resident_mb(&demo)
    ));
    end(&mut demo);
}

/// Starts a suite on a folder, answers how long it took to serve, and ends it.
async fn start(folder: &Path) -> Duration {
    let address = TcpListener::bind("127.0.0.1:0")
        .and_then(|l| l.local_addr())
        .expect("a free port");
    let begun = Instant::now();
    let mut suite = rapport(&[
        "serve",
        "--data-dir",
        &folder.to_string_lossy(),
        "--listen",
        &address.to_string(),
    ]);
    while !serving(&format!("http://{address}")).await {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "the suite does not serve"
        );
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let took = begun.elapsed();
    end(&mut suite);
    took
}

async fn serving(url: &str) -> bool {
    let Ok(endpoint) = Endpoint::from_shared(url.to_owned()) else {
        return false;
    };
    let mut client = HealthClient::new(endpoint.connect_lazy());
    let answer = client.check(HealthCheckRequest::default()).await;
    answer.is_ok_and(|answer| answer.get_ref().status() == ServingStatus::Serving)
}

fn rapport(arguments: &[&str]) -> Child {
    let mut command = Command::new(rapport_tests::binary());
    command
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().expect("the binary runs")
}

fn end(suite: &mut Child) {
    let _ = Command::new("kill")
        .args(["-TERM", &suite.id().to_string()])
        .status();
    let _ = suite.wait();
}

fn resident_mb(suite: &Child) -> f64 {
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", suite.id())).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kib.unwrap_or(f64::NAN) / 1024.0
}

fn report(what: &str, mut runs: Vec<Duration>) {
    runs.sort();
    let (low, middle, high) = (runs[0], runs[runs.len() / 2], runs[runs.len() - 1]);
    print(&format!(
        "{what}: median {middle:.0?} (from {low:.0?} to {high:.0?}, {} starts)",
        runs.len()
    ));
}

#[expect(
    clippy::print_stdout,
    reason = "the figures are what the script is for"
)]
fn print(line: &str) {
    println!("{line}");
}
