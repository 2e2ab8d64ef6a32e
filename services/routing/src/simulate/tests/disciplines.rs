//! What each discipline is chosen for comes out of the engine that has it, and of no other so well.

use serde_json::{Value, json};

use super::houses::{check, house, run, with};
use crate::domain::Selection;
use crate::simulate::{Comparison, Estimate, Measure, Scope};

fn figure(measure: Measure, scope: Scope, file: &Value) -> f64 {
    let (scenario, runs) = run(file);
    let estimate: Estimate = measure.estimate(scope, &scenario, &runs).unwrap();
    estimate.value
}

/// The same house by every discipline, and a figure of each.
fn by_each(file: &Value, figure: impl Fn(&Value) -> f64) -> Vec<(Selection, f64)> {
    let one = |selection: &Selection| {
        let file = with(
            file.clone(),
            &[("/queue/0/selection", json!(selection.as_str()))],
        );
        (*selection, figure(&file))
    };
    Selection::ALL.iter().map(one).collect()
}

fn least(of: &[(Selection, f64)]) -> Selection {
    let least = of.iter().min_by(|a, b| a.1.total_cmp(&b.1));
    least.unwrap().0
}

/// Two of six can do what a third of the customers ask for, and everybody the rest.
fn unequally_skilled() -> Value {
    let mut file = with(
        house(),
        &[("/demand/0/arrivals", json!({ "per_hour": 120.0 }))],
    );
    let mut special = file["demand"][0].clone();
    special["code"] = json!("special");
    special["skills"] = json!(["special"]);
    special["arrivals"] = json!({ "per_hour": 60.0 });
    file["demand"] = json!([file["demand"][0], special]);
    file["team"] = json!([
        { "code": "able", "agents": 2, "queues": ["calls"], "skills": ["special"] },
        { "code": "others", "agents": 4, "queues": ["calls"] },
    ]);
    file
}

/// Some take half as long as others.
fn unequally_fast() -> Value {
    let mut file = with(
        house(),
        &[("/demand/0/arrivals", json!({ "per_hour": 120.0 }))],
    );
    file["demand"][0]["skills"] = json!(["care"]);
    let team = |code: &str, factor: f64, skill: &str| {
        json!({
            "code": code, "agents": 3, "queues": ["calls"], "skills": [skill],
            "handle_factor": factor,
        })
    };
    file["team"] = json!([team("fast", 0.7, "care"), team("slow", 1.4, "care:8")]);
    file
}

#[test]
fn the_least_occupied_discipline_spreads_occupancy_least_among_unequally_skilled_agents() {
    let spread = |file: &Value| figure(Measure::Spread, Scope::All, file);
    let spreads = by_each(&unequally_skilled(), spread);
    assert_eq!(least(&spreads), Selection::LeastOccupied, "{spreads:?}");
    let of = |selection: Selection| spreads.iter().find(|(one, _)| *one == selection).unwrap().1;
    let (ours, usual) = (of(Selection::LeastOccupied), of(Selection::LongestIdle));
    assert!(ours < 0.6 * usual, "{ours} of {usual}");
}

#[test]
fn the_fastest_discipline_handles_customers_in_the_shortest_time() {
    let handle = |file: &Value| figure(Measure::HandleTime, Scope::All, file);
    let times = by_each(&unequally_fast(), handle);
    assert_eq!(least(&times), Selection::Fastest, "{times:?}");
}

#[test]
fn the_best_skilled_discipline_keeps_the_best_busiest() {
    let idle = |file: &Value| -figure(Measure::Occupancy, Scope::Team(1), file);
    let shares = by_each(&unequally_fast(), idle);
    assert_eq!(least(&shares), Selection::BestSkilled, "{shares:?}");
}

/// Who takes twice as long and gets as many is twice as occupied.
#[test]
fn in_turn_everybody_gets_as_many_however_long_they_take() {
    let file = with(
        unequally_fast(),
        &[
            ("/demand/0/arrivals", json!({ "per_hour": 60.0 })),
            ("/demand/0/handle", json!({ "fixed_s": 60.0 })),
        ],
    );
    let off = |file: &Value| {
        let slow = figure(Measure::Occupancy, Scope::Team(1), file);
        let fast = figure(Measure::Occupancy, Scope::Team(0), file);
        (slow / fast - 2.0).abs()
    };
    let offs = by_each(&file, off);
    assert_eq!(least(&offs), Selection::RoundRobin, "{offs:?}");
    assert!(
        offs.iter()
            .any(|(s, off)| *s == Selection::RoundRobin && *off < 0.1),
        "{offs:?}"
    );
}

#[test]
fn a_bound_on_the_spread_holds_back_a_discipline_that_ignores_it() {
    let file = with(
        unequally_fast(),
        &[("/queue/0/selection", json!("fastest"))],
    );
    let bound = with(
        file.clone(),
        &[("/queue/0/most_occupancy_spread", json!(5))],
    );
    let spread = |file: &Value| figure(Measure::Spread, Scope::All, file);
    let (free, bound) = (spread(&file), spread(&bound));
    assert!(bound < free / 2.0, "{bound} of {free}");
}

#[test]
fn a_comparison_tells_what_a_discipline_changes() {
    let usual = unequally_fast();
    let fastest = with(usual.clone(), &[("/queue/0/selection", json!("fastest"))]);
    let ((one, runs), (other, more)) = (run(&usual), run(&fastest));
    assert!(one.same_customers(&other));
    let comparison = Comparison::new((&one, &runs), (&other, &more));
    let mut differences = comparison.differences.iter();
    let shorter = differences
        .find(|d| d.kind == "all" && d.measure == "handle_time_s")
        .unwrap();
    let estimate = shorter.estimate;
    assert!(estimate.value + estimate.half_width < 0.0, "{estimate:?}");
}

/// Calls that are to be answered at once and callbacks that have time, for the same agents.
fn calls_and_callbacks(rule: &str) -> Value {
    let mut file = with(
        house(),
        &[
            ("/demand/0/arrivals", json!({ "per_hour": 60.0 })),
            ("/queue/0/target_s", json!(30.0)),
        ],
    );
    file["queue"] = json!([file["queue"][0], { "code": "callbacks", "target_s": 3600.0 }]);
    file["demand"] = json!([file["demand"][0], {
        "code": "callbacks", "queue": "callbacks",
        "arrivals": { "per_hour": 12.0 }, "handle": { "exponential_s": 200.0 },
    }]);
    file["team"] = json!([{
        "code": "agents", "agents": 2, "queues": ["calls", "callbacks"], "work_selection": rule,
    }]);
    file
}

#[test]
fn the_generalised_c_mu_rule_answers_in_time_what_has_no_time() {
    let level = |rule: &str, queue: usize| {
        let file = calls_and_callbacks(rule);
        figure(Measure::ServiceLevel, Scope::Queue(queue), &file)
    };
    let (oldest, c_mu) = (level("oldest", 0), level("generalised_c_mu", 0));
    assert!(c_mu > oldest + 0.05, "{c_mu} and {oldest}");
    let later = level("generalised_c_mu", 1);
    assert!(later > 0.9, "{later}");
}

/// More comes to both than one agent can do: what they get is as the weights say.
#[test]
fn by_queue_ratio_queues_that_always_have_work_share_as_their_weights_say() {
    let mut file = with(
        house(),
        &[
            ("/demand/0/patience", json!({ "fixed_s": 1200.0 })),
            ("/queue/0/weight", json!(3)),
            ("/team/0/agents", json!(1)),
            ("/team/0/work_selection", json!("queue_ratio")),
        ],
    );
    let mut other = file["demand"][0].clone();
    other["code"] = json!("other");
    other["queue"] = json!("other");
    file["demand"] = json!([file["demand"][0], other]);
    file["queue"] = json!([file["queue"][0], { "code": "other" }]);
    file["team"][0]["queues"] = json!(["calls", "other"]);
    let scenario = check(&file).unwrap();
    let (_, runs) = run(&file);
    assert_eq!(scenario.queues[0].discipline.weight, 3);
    let answered = |demand: usize| -> u64 {
        runs[0].served[demand]
            .iter()
            .map(|batch| batch.answered)
            .sum()
    };
    let share = answered(0) as f64 / (answered(0) + answered(1)) as f64;
    assert!((share - 0.75).abs() < 0.02, "{share}");
}
