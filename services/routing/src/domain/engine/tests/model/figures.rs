//! Figures on a random day.

use std::time::Duration;

use proptest::prelude::*;

use super::super::desk::*;
use super::{Day, QUEUES, op};
use crate::domain::statistics::{Statistics, Window};

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn figures_counted_as_it_goes_are_those_counted_from_the_rows(ops in prop::collection::vec(op(), 1..160)) {
        let mut day = Day::begin();
        for op in &ops {
            day.apply(op);
        }
        let mut recounted = Statistics::default();
        for work in day.rows.values() {
            recounted.item(day.now, work);
        }
        // Shifts may let days pass: what is older than is kept is told by neither.
        let kept = Statistics::horizon(day.now) + Duration::from_secs(15 * 60);
        let (hour, from) = (Window::Minutes(60).begins(day.now), Statistics::quarter(kept));
        for n in 1..=QUEUES + 1 {
            let told = |statistics: &Statistics| {
                let sums = [hour, from].map(|from| statistics.sums(queue(n), from));
                (statistics.load(queue(n)), sums)
            };
            prop_assert_eq!(told(&day.statistics), told(&recounted));
        }
        let waiting: usize = (1..=QUEUES).map(|n| day.statistics.load(queue(n)).waiting).sum();
        prop_assert_eq!(waiting, day.engine.waiting());
    }
}
