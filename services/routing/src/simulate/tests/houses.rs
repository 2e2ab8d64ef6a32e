//! Small houses in which one can say beforehand what has to come out.

use std::time::Duration;

use rapport_foundation::time::Micros;
use serde_json::{Value, json};

use crate::domain::Priority;
use crate::simulate::arrivals::DAY;
use crate::simulate::theory::{ErlangC, erlang_b};
use crate::simulate::{
    Comparison, Measure, Replayed, Report, Scenario, ScenarioFile, Scope, Tally, simulate,
};

pub(super) fn check(file: &Value) -> Result<Scenario, Vec<String>> {
    let file: ScenarioFile = serde_json::from_value(file.clone()).unwrap();
    file.check(&mut |replay| {
        let at = |s| Replayed {
            at: Micros::from_secs(s),
            handle: (s != 20).then_some(60_000_000),
        };
        match replay.file.as_str() {
            "three" => Ok([10, 20, 30].map(at).to_vec()),
            _ => Err("there is no such file".into()),
        }
    })
}

/// One queue, one demand, one team; a test says what is else.
pub(super) fn house() -> Value {
    json!({
        "name": "house",
        "run": { "seeds": [1], "warm_up_s": 3600.0, "batch_s": 3600.0, "batches": 50 },
        "queue": [{ "code": "calls" }],
        "demand": [{
            "code": "calls", "queue": "calls",
            "arrivals": { "per_hour": 60.0 }, "handle": { "exponential_s": 60.0 },
        }],
        "team": [{ "code": "agents", "agents": 2, "queues": ["calls"] }],
    })
}

pub(super) fn with(mut file: Value, changes: &[(&str, Value)]) -> Value {
    for (pointer, value) in changes {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        file.pointer_mut(parent).unwrap()[key] = value.clone();
    }
    file
}

pub(super) fn run(file: &Value) -> (Scenario, Vec<Tally>) {
    let scenario = check(file).unwrap();
    let runs: Vec<Tally> = scenario
        .run
        .seeds
        .iter()
        .map(|seed| simulate(&scenario, *seed))
        .collect();
    assert!(
        runs.iter().all(|run| run.exact.holds()),
        "{:?}",
        runs[0].exact
    );
    (scenario, runs)
}

fn figure(measure: Measure, scope: Scope, file: &Value) -> (f64, f64) {
    let (scenario, runs) = run(file);
    let estimate = measure.estimate(scope, &scenario, &runs).unwrap();
    (estimate.value, estimate.error)
}

#[test]
fn without_a_waiting_room_erlang_b_is_lost() {
    let file = with(
        house(),
        &[
            ("/queue/0/most_waiting", json!(0)),
            ("/run/batch_s", json!(9000.0)),
        ],
    );
    let (lost, error) = figure(Measure::Blocked, Scope::All, &file);
    assert!(
        (lost - erlang_b(2, 1.0)).abs() < 3.0 * error,
        "{lost} ± {error}"
    );
    assert_eq!(figure(Measure::Wait, Scope::All, &file).0, 0.0);
}

#[test]
fn one_agent_with_three_chats_is_like_three_agents_with_one() {
    let file = with(
        house(),
        &[
            ("/demand/0/channel", json!("chat")),
            ("/demand/0/arrivals", json!({ "per_hour": 120.0 })),
            ("/team/0/agents", json!(1)),
            ("/team/0/capacity", json!({ "usual": 0, "chat": 3 })),
            ("/run/batch_s", json!(9000.0)),
        ],
    );
    let theory = ErlangC {
        arrivals_per_s: 1.0 / 30.0,
        handle_s: 60.0,
        agents: 3,
    };
    let (delayed, error) = figure(Measure::Delayed, Scope::All, &file);
    assert!(
        (delayed - theory.delayed()).abs() < 3.0 * error,
        "{delayed} ± {error}"
    );
    // Busy is who has anything in hand: 1 − p₀ of M/M/3 at 2 Erlang, which is 8/9.
    let (busy, error) = figure(Measure::Occupancy, Scope::All, &file);
    assert!((busy - 8.0 / 9.0).abs() < 3.0 * error, "{busy} ± {error}");
}

#[test]
fn who_takes_five_seconds_to_answer_makes_everybody_wait_five_seconds() {
    let file = with(
        house(),
        &[
            ("/team/0/answer", json!({ "fixed_s": 5.0 })),
            ("/team/0/agents", json!(20)),
            ("/queue/0/target_s", json!(4.0)),
        ],
    );
    assert_eq!(figure(Measure::SpeedOfAnswer, Scope::All, &file).0, 5.0);
    assert_eq!(figure(Measure::ServiceLevel, Scope::All, &file).0, 0.0);
    assert_eq!(figure(Measure::Delayed, Scope::All, &file).0, 0.0);
}

#[test]
fn who_lets_offers_lapse_comes_back_and_nobody_is_forgotten() {
    let file = with(
        house(),
        &[
            ("/queue/0/offer_timeout_s", json!(10.0)),
            ("/team/0/answer", json!({ "uniform_s": [0.0, 14.0] })),
            ("/team/0/back_s", json!(30.0)),
            ("/team/0/agents", json!(4)),
        ],
    );
    let (_, runs) = run(&file);
    assert_eq!(runs[0].still_waiting, 0);
    let answered: u64 = runs[0].served.iter().flatten().map(|s| s.answered).sum();
    assert_eq!(answered, runs[0].customers());
    let (occupancy, _) = figure(Measure::Occupancy, Scope::All, &file);
    assert!(occupancy > 0.25 && occupancy < 0.6, "{occupancy}");
}

#[test]
fn agents_are_there_in_their_shifts_and_finish_what_they_have() {
    let shifts = json!([{ "from": "08:00", "to": "12:00" }, { "from": "13:00", "to": "17:00" }]);
    let file = with(
        house(),
        &[
            (
                "/run",
                json!({ "seeds": [1], "warm_up_s": 86400.0, "batch_s": 86400.0, "batches": 20 }),
            ),
            ("/team/0/shifts", shifts),
            (
                "/demand/0/arrivals",
                json!({ "day": [{ "from": "08:00", "to": "17:00", "per_hour": 60.0 }] }),
            ),
            ("/demand/0/patience", json!({ "fixed_s": 600.0 })),
        ],
    );
    let (_, runs) = run(&file);
    for day in runs[0].seats.iter().flatten() {
        let there = (day.busy + day.idle) as f64 / 3.6e9;
        assert!((8.0..8.3).contains(&there), "{there} hours");
    }
    // Who calls at lunch and is not patient enough leaves at the end of it.
    let left: u64 = runs[0].served[0].iter().map(|day| day.abandoned).sum();
    assert!((800..1_200).contains(&left), "{left}");
    let short = with(file, &[("/queue/0/short_abandon_s", json!(600.0))]);
    assert!(
        figure(Measure::ServiceLevel, Scope::All, &short).0
            > figure(Measure::ServiceLevel, Scope::All, &house()).0 - 0.5
    );
}

#[test]
fn only_who_has_the_skill_is_asked() {
    let mut file = with(house(), &[("/demand/0/skills", json!(["english"]))]);
    let mut other = file["demand"][0].clone();
    other["code"] = json!("plain");
    other["skills"] = json!([]);
    file["demand"] = json!([file["demand"][0], other]);
    file["team"] = json!([
        { "code": "both", "agents": 2, "queues": ["calls"], "skills": ["english", "french"] },
        { "code": "none", "agents": 2, "queues": ["calls"] },
    ]);
    let (scenario, runs) = run(&file);
    let share = |team| {
        let occupancy = Measure::Occupancy.estimate(Scope::Team(team), &scenario, &runs);
        occupancy.unwrap().value
    };
    assert!(
        share(0) > 0.55 && share(1) < 0.45,
        "{} {}",
        share(0),
        share(1)
    );
    let nobody = with(
        file,
        &[
            ("/demand/0/skills", json!(["dutch"])),
            ("/demand/0/patience", json!({ "fixed_s": 60.0 })),
        ],
    );
    assert_eq!(figure(Measure::Abandoned, Scope::Demand(0), &nobody).0, 1.0);
    assert_eq!(figure(Measure::Wait, Scope::Demand(0), &nobody).0, 60.0);
    assert!(figure(Measure::Abandoned, Scope::Demand(1), &nobody).0 == 0.0);
}

#[test]
fn a_seed_is_a_run_and_another_seed_another() {
    let scenario = check(&house()).unwrap();
    assert_eq!(simulate(&scenario, 7), simulate(&scenario, 7));
    assert_ne!(simulate(&scenario, 7), simulate(&scenario, 8));
}

#[test]
fn policies_meet_the_same_customers_and_pairs_are_sharper_than_the_two_alone() {
    let one = with(
        house(),
        &[("/demand/0/arrivals", json!({ "per_hour": 100.0 }))],
    );
    let other = with(one.clone(), &[("/team/0/agents", json!(3))]);
    let (scenario, runs) = run(&one);
    let (second, more) = run(&other);
    assert!(scenario.same_customers(&second));
    let came = |runs: &[Tally]| -> Vec<u64> { runs[0].served[0].iter().map(|s| s.came).collect() };
    assert_eq!(came(&runs), came(&more));
    let comparison = Comparison::new((&scenario, &runs), (&second, &more));
    let mut differences = comparison.differences.iter();
    let waits = differences
        .find(|d| d.kind == "all" && d.measure == "wait_s")
        .unwrap();
    let alone = |report: &Report| report.sections[0].figure(Measure::Wait).unwrap().half_width;
    assert!(waits.estimate.value < 0.0);
    assert!(waits.estimate.half_width < alone(&comparison.one).hypot(alone(&comparison.other)));
    let mut compared = comparison.differences.iter();
    assert!(compared.any(|d| d.kind == "team" && d.measure == "occupancy_spread"));
    let mut urgent = second.clone();
    urgent.demands[0].priority = Priority::Urgent;
    assert!(scenario.same_customers(&urgent));
    urgent.demands[0].patience = Some(urgent.demands[0].handle.clone());
    assert!(!scenario.same_customers(&urgent));
}

#[test]
fn what_is_replayed_comes_as_it_came_and_takes_what_it_took() {
    let replay = json!({ "replay": { "file": "three", "opened": "opened" } });
    let file = with(
        house(),
        &[
            (
                "/run",
                json!({ "seeds": [1], "batch_s": 100.0, "batches": 2 }),
            ),
            ("/demand/0/arrivals", replay),
            ("/demand/0/handle", json!({ "fixed_s": 7.0 })),
            ("/team/0/agents", json!(1)),
        ],
    );
    let (_, runs) = run(&file);
    assert_eq!(runs[0].customers(), 3);
    // At 10 s for 60 s, then 7 s as drawn, then 60 s: waits of 0 s, 50 s and 47 s.
    assert_eq!(figure(Measure::Wait, Scope::All, &file).0, 97.0 / 3.0);
    let busy: u64 = runs[0].seats[0].iter().map(|load| load.busy).sum();
    assert_eq!(Duration::from_micros(busy), Duration::from_secs(127));
}

#[test]
fn every_fault_is_told() {
    let hours = json!({ "day": [
        { "from": "09:00", "to": "25:00", "per_hour": 1.0 },
        { "from": "08:00", "to": "10:00", "per_hour": -1.0 },
    ] });
    let file = with(
        house(),
        &[
            ("/name", json!(" ")),
            ("/run/seeds", json!([1, 1])),
            ("/run/batches", json!(1)),
            ("/queue/0/code", json!("Calls")),
            ("/demand/0/channel", json!("telepathy")),
            ("/demand/0/arrivals", hours),
            (
                "/demand/0/patience",
                json!({ "fixed_s": 1.0, "exponential_s": 2.0 }),
            ),
            ("/demand/0/handle", json!({ "gamma_s": 2.0, "stages": 1 })),
            ("/team/0/capacity", json!({ "fax": 200 })),
            ("/team/0/shifts", json!([{ "from": "9:00", "to": "09:00" }])),
            ("/team/0/agents", json!(30_000)),
            ("/team/0/work_selection", json!("newest")),
            ("/team/0/handle_factor", json!(0.0)),
            ("/queue/0/selection", json!("tallest")),
            ("/queue/0/most_occupancy_spread", json!(101)),
            ("/queue/0/weight", json!(0)),
        ],
    );
    let faults = check(&file).unwrap_err();
    for word in [
        "name:",
        "named twice",
        "run.batches",
        "`Calls`",
        "telepathy",
        "25:00",
        "-1 is not",
        "exactly one of fixed_s",
        "`stages` does not belong",
        "`shape` is missing",
        "`fax`",
        "200 is not",
        "`9:00`",
        "no work selection `newest`",
        "handle_factor",
        "no selection `tallest`",
        "most_occupancy_spread",
        "weight",
        "there is no queue `calls`",
    ] {
        assert!(
            faults.iter().any(|fault| fault.contains(word)),
            "{word}: {faults:#?}"
        );
    }
    let twice = with(
        house(),
        &[("/queue", json!([{ "code": "calls" }, { "code": "calls" }]))],
    );
    assert!(check(&twice).unwrap_err()[0].contains("two of them"));
    for arrivals in [
        json!({}),
        json!({ "per_hour": 0.0 }),
        json!({ "gaps": { "fixed_s": 0.0 } }),
        json!({ "replay": { "file": "none", "opened": "x" } }),
    ] {
        let file = with(house(), &[("/demand/0/arrivals", arrivals.clone())]);
        assert_eq!(check(&file).unwrap_err().len(), 1, "{arrivals}");
    }
    assert!(
        serde_json::from_value::<ScenarioFile>(with(house(), &[("/run/length", json!(3))]))
            .is_err()
    );
}

#[test]
fn shifts_end_at_midnight_when_they_say_so() {
    let file = with(
        house(),
        &[(
            "/team/0/shifts",
            json!([{ "from": "18:00", "to": "24:00" }]),
        )],
    );
    let shift = check(&file).unwrap().teams[0].shifts[0];
    assert!(shift.holds(DAY - 1) && !shift.holds(0) && !shift.holds(DAY / 2));
}
