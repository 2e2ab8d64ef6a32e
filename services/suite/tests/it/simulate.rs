//! `rapport simulate` as a shell sees it.

use std::path::{Path, PathBuf};

use crate::stage::{rapport, stderr, stdout};

const SMALL: &str = r#"
name = "A small house"
[run]
seeds = [1, 2]
warm_up_s = 3600
batch_s = 3600
batches = 40
[[queue]]
code = "calls"
wrap_up_s = 20
[[demand]]
code = "calls"
queue = "calls"
arrivals = { per_hour = 200 }
patience = { exponential_s = 120 }
handle = { erlang_s = 160, stages = 2 }
[[demand]]
code = "gold"
queue = "calls"
priority = "PRIORITY"
arrivals = { per_hour = 50 }
handle = { lognormal_s = 160, cv = 0.8 }
[[team]]
code = "agents"
agents = 13
queues = ["calls"]
"#;

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    file
}

async fn simulate(arguments: &[&str]) -> std::process::Output {
    rapport(&[&["simulate"], arguments].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scenario_is_told_as_a_table_and_as_json_and_the_same_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "a.toml", &SMALL.replace("PRIORITY", "high"));
    let file = file.to_str().unwrap();
    let output = simulate(&[file]).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let table = stdout(&output);
    for word in [
        "A small house",
        "service level",
        "occupancy",
        "demand gold",
        "90th percentile",
        "single agents",
    ] {
        assert!(table.contains(word), "{word}: {table}");
    }
    let json = stdout(&simulate(&[file, "--json"]).await);
    assert_eq!(json, stdout(&simulate(&[file, "--json"]).await));
    let told: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(told["seeds"], serde_json::json!([1, 2]));
    assert!(told["customers"].as_u64().unwrap() > 15_000);
    let all = &told["sections"][0]["figures"];
    let figure = |name: &str| {
        let figures = all.as_array().unwrap().iter();
        let mut found = figures.filter(|figure| figure["measure"] == name);
        let figure = found.next().unwrap();
        (
            figure["value"].as_f64().unwrap(),
            figure["half_width"].as_f64().unwrap(),
        )
    };
    let (occupancy, half) = figure("occupancy");
    assert!(occupancy > 0.8 && occupancy < 1.0 && half > 0.0 && half < 0.05);
    assert!(figure("wait_s").0 > figure("p50_wait_s").0);
    let more = stdout(&simulate(&[file, "--json", "--seeds", "3"]).await);
    let more: serde_json::Value = serde_json::from_str(&more).unwrap();
    assert_eq!(more["seeds"], serde_json::json!([1, 2, 3]));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_policies_are_compared_on_the_same_customers() {
    let folder = tempfile::tempdir().unwrap();
    let one = write(
        folder.path(),
        "a.toml",
        &SMALL.replace("PRIORITY", "normal"),
    );
    let other = write(folder.path(), "b.toml", &SMALL.replace("PRIORITY", "high"));
    let (one, other) = (one.to_str().unwrap(), other.to_str().unwrap());
    let json = stdout(&simulate(&[one, "--compare", other, "--json"]).await);
    let told: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(told["one"]["customers"], told["other"]["customers"]);
    let differences = told["differences"].as_array().unwrap();
    let gold = differences
        .iter()
        .find(|d| d["code"] == "gold" && d["measure"] == "wait_s")
        .unwrap();
    let (value, half) = (
        gold["value"].as_f64().unwrap(),
        gold["half_width"].as_f64().unwrap(),
    );
    assert!(
        value < 0.0 && half < -value,
        "the urgent wait less, and it shows: {gold}"
    );

    let others = write(
        folder.path(),
        "c.toml",
        &SMALL
            .replace("per_hour = 50", "per_hour = 60")
            .replace("PRIORITY", "low"),
    );
    let output = simulate(&[one, "--compare", others.to_str().unwrap()]).await;
    assert_eq!(output.status.code(), Some(64));
    assert!(stderr(&output).contains("other customers"));
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_wrong_is_told_at_once_with_exit_64() {
    let folder = tempfile::tempdir().unwrap();
    let text = SMALL
        .replace("PRIORITY", "very")
        .replace("agents = 13", "agents = 0")
        .replace("cv = 0.8", "shape = 0.8")
        .replace("batch_s = 3600", "batch_s = -1");
    let file = write(folder.path(), "wrong.toml", &text);
    let output = simulate(&[file.to_str().unwrap()]).await;
    assert_eq!(output.status.code(), Some(64));
    let told = stderr(&output);
    for word in [
        "`very`",
        "nobody is in it",
        "`cv` is missing",
        "run.batch_s",
    ] {
        assert!(told.contains(word), "{word}: {told}");
    }
    let unknown = write(
        folder.path(),
        "unknown.toml",
        &SMALL.replace("wrap_up_s", "wrapup_s"),
    );
    let output = simulate(&[unknown.to_str().unwrap()]).await;
    assert_eq!(output.status.code(), Some(64));
    assert!(stderr(&output).contains("wrapup_s"), "{}", stderr(&output));
    assert_eq!(simulate(&[]).await.status.code(), Some(64));
    assert_eq!(
        simulate(&["no-such-file.toml"]).await.status.code(),
        Some(1)
    );
    let unknown = ["--conformance", "--model", "no-such-model"];
    assert_eq!(simulate(&unknown).await.status.code(), Some(64));
}
