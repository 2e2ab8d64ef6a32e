#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::PathBuf;

use rapport_routing::simulate::conformance::rows;
use rapport_routing::simulate::{Demand, Scenario};

use super::*;

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/scenarios")
}

/// The same house, apart from how long it is watched. Rates are compared as numbers: one is written by the hour.
fn same_house(one: &Scenario, other: &Scenario) -> bool {
    let rate = |demand: &Demand| demand.arrivals.mean_per_s().unwrap();
    let rates = one.demands.iter().zip(&other.demands);
    let alike = rates
        .clone()
        .all(|(one, other)| (rate(one) / rate(other) - 1.0).abs() < 1e-12);
    let mut other = other.clone();
    other.run = one.run.clone();
    for (demand, twin) in other.demands.iter_mut().zip(&one.demands) {
        demand.arrivals = twin.arrivals.clone();
    }
    alike && one == &other
}

#[test]
fn every_row_of_the_table_is_there_as_a_file() {
    for row in rows() {
        let file = scenarios().join(format!("{}.toml", row.code));
        let scenario = read(&file).unwrap();
        assert!(same_house(&scenario, &row.scenario), "{scenario:#?}");
    }
}

#[test]
fn the_examples_are_scenarios_and_comparable() {
    let day = read(&scenarios().join("bank-day.toml")).unwrap();
    let pooled = read(&scenarios().join("bank-day-pooled.toml")).unwrap();
    assert!(day.same_customers(&pooled));
    assert_eq!(day.agents(), pooled.agents());
    assert_ne!(day.teams, pooled.teams);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("replay.toml");
    std::fs::copy(scenarios().join("replay.toml"), &file).unwrap();
    let missing = read(&file).unwrap_err().to_string();
    assert!(missing.contains("tickets.csv"), "{missing}");
    std::fs::write(
        folder.path().join("tickets.csv"),
        "number,opened_at\n1,1/3/2016 09:00\n",
    )
    .unwrap();
    assert_eq!(read(&file).unwrap().demands.len(), 1);
}

#[test]
fn seeds_are_run_side_by_side_and_told_in_order() {
    let mut scenario = read(&scenarios().join("erlang-c-14.toml")).unwrap();
    scenario.run.batches = 2;
    scenario.run.batch = std::time::Duration::from_secs(3_600);
    scenario.run.warm_up = std::time::Duration::ZERO;
    let seeds = [4, 2, 9, 1];
    let runs = run_all(&scenario, &seeds);
    let found: Vec<u64> = runs.iter().map(|run| run.seed).collect();
    assert_eq!(found, seeds);
    assert_eq!(runs[1], simulate(&scenario, 2));
    assert_ne!(runs[0].customers(), 0);
}
