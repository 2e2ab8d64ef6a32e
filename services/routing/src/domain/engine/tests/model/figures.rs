//! Figures on a random day.

use proptest::prelude::*;
use rapport_foundation::time::Micros;

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
        let (hour, from) = (Window::Minutes(60).begins(day.now), Micros::EPOCH);
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
