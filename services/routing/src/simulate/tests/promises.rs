//! What work is told of its wait when it comes, and what became of it.

use std::time::Duration;

use rapport_foundation::id::QueueId;
use rapport_foundation::time::Micros;
use uuid::Uuid;

use crate::domain::engine::{Effect, Engine, Input, Settings};
use crate::domain::statistics::{Statistics, Sums};
use crate::simulate::conformance::rows;
use crate::simulate::{Router, drive};

/// The engine, with the figures that its owner keeps.
struct Promising<'a> {
    engine: Engine,
    figures: &'a mut Statistics,
}

impl Router for Promising<'_> {
    fn step(&mut self, now: Micros, input: Input) -> Vec<Effect> {
        let effects = self.engine.step(now, input);
        let mut changes = self.engine.take_changes();
        self.figures.take_in(now, &mut self.engine, &mut changes);
        effects
    }

    fn next_deadline(&self) -> Option<Micros> {
        self.engine.next_deadline()
    }

    fn forget_changes(&mut self) {}
}

/// Sums of the last day of a house that runs for longer.
fn last_day(code: &str) -> Sums {
    let mut row = rows().into_iter().find(|row| row.code == code).unwrap();
    row.scenario.run.batch = Duration::from_secs(14 * 3_600);
    row.scenario.run.batches = 2;
    let mut figures = Statistics::default();
    let router = Promising {
        engine: Engine::new(Settings::default()),
        figures: &mut figures,
    };
    let _tally = drive(&row.scenario, 1, router);
    figures.sums(QueueId::from_uuid(Uuid::from_u128(1)), Micros::EPOCH)
}

/// Fifty agents at 96 %: two of three wait, and each is told for how long with an even chance, and with nine of ten.
#[test]
fn nine_of_ten_estimates_of_nine_in_ten_come_true() {
    let sums = last_day("erlang-c-50");
    assert!(sums.promised > 30_000, "{sums:?}");
    let (p50, p90) = sums.coverage().unwrap();
    assert!((p50 - 0.5).abs() < 0.05, "{p50} of {}", sums.promised);
    assert!((p90 - 0.9).abs() < 0.03, "{p90} of {}", sums.promised);
}

/// Who runs out of patience makes room for those behind: this is in the pace, but not that the longer a line is the
/// more of them there are.
#[test]
fn where_customers_lose_patience_estimates_are_near_enough() {
    let sums = last_day("erlang-a-50");
    assert!(sums.promised > 5_000 && sums.abandoned > 500, "{sums:?}");
    let (p50, p90) = sums.coverage().unwrap();
    assert!((p50 - 0.5).abs() < 0.1, "{p50} of {}", sums.promised);
    assert!((p90 - 0.9).abs() < 0.05, "{p90} of {}", sums.promised);
}
