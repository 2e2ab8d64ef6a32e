//! The conformance suite in its short form, and what it says of engines that are broken.

use super::broken::{Broken, Flaw};
use crate::domain::engine::{Engine, Settings};
use crate::simulate::conformance::{Judgement, Row, rows, short_rows};
use crate::simulate::{Measure, Router, drive};

fn judge<R: Router>(rows: &[Row], router: impl Fn() -> R) -> Judgement {
    let (mut verdicts, mut faults) = (Vec::new(), Vec::new());
    for row in rows {
        let seeds = row.scenario.run.seeds.iter();
        let runs: Vec<_> = seeds
            .map(|seed| drive(&row.scenario, *seed, router()))
            .collect();
        let (figures, inexact) = row.judge(&runs);
        verdicts.extend(figures);
        faults.extend(inexact);
    }
    Judgement::new(verdicts, faults)
}

/// The rows of the short form with these names, with one seed: a broken engine is told by the first.
fn one_seed(codes: &[&str]) -> Vec<Row> {
    let mut rows = short_rows();
    rows.retain(|row| codes.contains(&row.code));
    assert_eq!(rows.len(), codes.len());
    for row in &mut rows {
        row.scenario.run.seeds = vec![1];
    }
    rows
}

/// What is said against an engine with this flaw: `model: figure`, or the fault itself.
fn against(flaw: Flaw, codes: &[&str]) -> Vec<String> {
    let rows = one_seed(codes);
    let sound = judge(&rows, || Engine::new(Settings::default()));
    assert!(sound.passes(), "the engine itself: {sound:#?}");
    let judgement = judge(&rows, || Broken::new(flaw));
    assert!(!judgement.passes(), "{flaw:?} goes unnoticed");
    let verdicts = judgement.verdicts.iter().filter(|v| !v.faults.is_empty());
    let figures = verdicts.map(|v| format!("{}: {}", v.model, v.figure));
    figures.chain(judgement.faults).collect()
}

#[test]
fn the_engine_behaves_as_queueing_theory_says() {
    let judgement = judge(&short_rows(), || Engine::new(Settings::default()));
    assert!(judgement.passes(), "{judgement:#?}");
    assert!(judgement.verdicts.len() >= 12);
}

#[test]
fn an_engine_that_takes_the_last_first_is_rejected() {
    let against = against(Flaw::LastInFirstOut, &["erlang-c-14"]);
    assert!(
        against.contains(&"erlang-c-14: service level".into()),
        "{against:?}"
    );
}

#[test]
fn an_engine_that_ignores_priority_is_rejected() {
    let against = against(Flaw::PriorityIgnored, &["two-classes-14"]);
    for class in ["first", "second"] {
        let figure = format!("two-classes-14: wait of the {class}, s");
        assert!(against.contains(&figure), "{against:?}");
    }
}

#[test]
fn an_engine_that_never_offers_to_one_agent_is_rejected() {
    let against = against(Flaw::OneNeverOffered, &["erlang-c-14", "erlang-a-14"]);
    for row in ["erlang-c-14", "erlang-a-14"] {
        assert!(against.contains(&format!("{row}: P(W>0)")), "{against:?}");
    }
}

/// One percent of half the work is not seen in so short a run, but a wrap-up has its length or has it not.
#[test]
fn an_engine_whose_wrap_up_is_one_percent_too_long_is_rejected() {
    let against = against(Flaw::WrapUpTooLong, &["wrap-up-14"]);
    assert!(
        against
            .iter()
            .any(|fault| fault.starts_with("wrap-up-14, seed 1: ")),
        "{against:?}"
    );
}

/// The published figures are the exact ones, rounded to their last digit.
#[test]
fn the_formulas_give_the_published_figures() {
    let mut figures = 0;
    for row in rows() {
        for known in &row.known {
            let off = (known.exact / known.unit - known.published).abs();
            let last_digit = 10_f64.powi(-known.places);
            // Half a digit, and a little: 40.0647 s is published as 40.07 s, twice 20.83 s less 1.60 s.
            assert!(off <= 0.53 * last_digit, "{}: {known:?}", row.code);
            figures += 1;
        }
    }
    assert_eq!(figures, 31);
}

#[test]
fn every_row_is_long_enough_and_has_a_house_of_its_own() {
    let rows = rows();
    assert_eq!(rows.len(), 13);
    for row in &rows {
        assert!(row.narrow && row.scenario.run.batches >= 100);
        assert_eq!(row.scenario.run.seeds, [1, 2, 3, 4, 5]);
        let twins = rows.iter().filter(|other| other.code == row.code);
        assert_eq!(twins.count(), 1);
        let percentile = |known: &&crate::simulate::conformance::Known| {
            matches!(known.measure, Measure::Percentile(_))
        };
        assert!(row.known.iter().filter(percentile).count() <= 1);
    }
}
