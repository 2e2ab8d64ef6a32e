//! What the figures of batches say of the figure behind them, and how surely.

use serde::Serialize;

/// How sure an interval is.
pub const CONFIDENCE: f64 = 0.95;

/// A figure with its uncertainty.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// Its standard error.
    #[serde(skip)]
    pub error: f64,
    /// The interval of 95 % reaches as far to either side; by Student's t.
    pub half_width: f64,
}

impl Estimate {
    /// A ratio of sums over batches that are independent of each other: Σx/Σn with the error of its linearisation
    /// (Cochran, "Sampling techniques", 1977, §6.4). Where every batch has the same n it is the plain method of
    /// batch means. None when there is nothing to divide by, or only one batch.
    #[must_use]
    pub fn ratio(batches: &[(f64, f64)]) -> Option<Self> {
        let (ratio, mean_n) = ratio_and_mean(batches)?;
        let residuals = batches.iter().map(|(x, n)| (x - ratio * n) / mean_n);
        Self::from_residuals(ratio, residuals, batches.len())
    }

    /// The difference of two such ratios whose batches belong together one by one, as those of two policies that
    /// met the same customers do.
    #[must_use]
    pub fn difference(one: &[(f64, f64)], other: &[(f64, f64)]) -> Option<Self> {
        if one.len() != other.len() {
            return None;
        }
        let (first, first_n) = ratio_and_mean(one)?;
        let (second, second_n) = ratio_and_mean(other)?;
        let residuals = one
            .iter()
            .zip(other)
            .map(|((x, n), (y, m))| (y - second * m) / second_n - (x - first * n) / first_n);
        Self::from_residuals(second - first, residuals, one.len())
    }

    /// A figure that is no ratio of sums, by the jackknife over batches: `without(None)` is the figure of all
    /// batches, `without(Some(k))` that of all but the k-th (Efron and Tibshirani, "An introduction to the
    /// bootstrap", 1993, chapter 11).
    #[must_use]
    pub fn jackknife(batches: usize, without: impl Fn(Option<usize>) -> f64) -> Option<Self> {
        let value = without(None);
        if batches < 2 || !value.is_finite() {
            return None;
        }
        let parts: Vec<f64> = (0..batches).map(|k| without(Some(k))).collect();
        let mean = parts.iter().sum::<f64>() / batches as f64;
        let squares: f64 = parts.iter().map(|part| (part - mean).powi(2)).sum();
        let error = (squares * (batches - 1) as f64 / batches as f64).sqrt();
        Some(Self::new(value, error, batches))
    }

    /// How many standard errors it is away from what is expected.
    #[must_use]
    pub fn z_score(&self, expected: f64) -> f64 {
        let off = self.value - expected;
        if self.error > 0.0 {
            off / self.error
        } else if off.abs() <= f64::EPSILON * expected.abs() {
            0.0
        } else {
            off.signum() * f64::INFINITY
        }
    }

    fn from_residuals(
        value: f64,
        residuals: impl Iterator<Item = f64>,
        batches: usize,
    ) -> Option<Self> {
        if batches < 2 {
            return None;
        }
        let squares: f64 = residuals.map(|r| r * r).sum();
        let error = (squares / (batches * (batches - 1)) as f64).sqrt();
        Some(Self::new(value, error, batches))
    }

    fn new(value: f64, error: f64, batches: usize) -> Self {
        let half_width = error * student_t(batches - 1);
        Self {
            value,
            error,
            half_width,
        }
    }
}

fn ratio_and_mean(batches: &[(f64, f64)]) -> Option<(f64, f64)> {
    let (x, n) = batches
        .iter()
        .fold((0.0, 0.0), |(x, n), (dx, dn)| (x + dx, n + dn));
    (n > 0.0).then(|| (x / n, n / batches.len() as f64))
}

/// The two-sided 95 % point of Student's distribution: from the table up to ten degrees of freedom, then by the
/// expansion about the normal distribution (Abramowitz and Stegun, 26.7.5), which is good to four places from there.
#[must_use]
pub fn student_t(freedom: usize) -> f64 {
    const SMALL: [f64; 10] = [
        12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281,
    ];
    const NORMAL: f64 = 1.959_963_985;
    if let Some(point) = freedom.checked_sub(1).and_then(|place| SMALL.get(place)) {
        return *point;
    }
    if freedom == 0 {
        return f64::INFINITY;
    }
    let (z, n) = (NORMAL, freedom as f64);
    let first = (z.powi(3) + z) / 4.0;
    let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    let third = (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0;
    let fourth = (79.0 * z.powi(9) + 776.0 * z.powi(7) + 1482.0 * z.powi(5)
        - 1920.0 * z.powi(3)
        - 945.0 * z)
        / 92_160.0;
    z + first / n + second / n.powi(2) + third / n.powi(3) + fourth / n.powi(4)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::super::dice::{Dice, Purpose};
    use super::*;

    #[test]
    fn the_points_of_students_distribution_are_those_of_the_tables() {
        for (freedom, point) in [
            (1, 12.7062),
            (4, 2.7764),
            (10, 2.2281),
            (11, 2.2010),
            (20, 2.0860),
            (30, 2.0423),
            (99, 1.9842),
            (499, 1.9647),
        ] {
            assert!((student_t(freedom) - point).abs() < 1e-4, "{freedom}");
        }
    }

    #[test]
    fn nineteen_of_twenty_intervals_hold_what_they_are_about() {
        let holds = |seed: u64| {
            let batches: Vec<(f64, f64)> = (0..30)
                .map(|k| {
                    let mut dice = Dice::of(seed, 1, Purpose::Handling, k);
                    let n = 50.0 + 100.0 * dice.even();
                    (n * 0.3 + n.sqrt() * dice.normal(), n)
                })
                .collect();
            let found = Estimate::ratio(&batches).unwrap();
            (found.value - 0.3).abs() <= found.half_width
        };
        let count = (0..2_000).filter(|seed| holds(*seed)).count();
        // Four standard errors of a binomial count around 1,900.
        assert!((1_861..=1_939).contains(&count), "{count}");
    }

    #[test]
    fn pairs_show_a_difference_that_the_two_alone_would_hide() {
        let pairs: Vec<((f64, f64), (f64, f64))> = (0..40)
            .map(|k| {
                let mut dice = Dice::of(1, 1, Purpose::Handling, k);
                let common = 100.0 + 30.0 * dice.normal();
                ((common, 1.0), (common + 1.0 + 0.1 * dice.normal(), 1.0))
            })
            .collect();
        let (one, other): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        let paired = Estimate::difference(&one, &other).unwrap();
        assert!((paired.value - 1.0).abs() < 0.1 && paired.half_width < 0.1);
        assert!(Estimate::ratio(&one).unwrap().half_width > 5.0);
        assert_eq!(Estimate::difference(&one, &other[1..]), None);
    }

    #[test]
    fn the_jackknife_of_a_mean_is_the_mean_with_its_usual_error() {
        let values = [3.0, 5.0, 9.0, 4.0, 7.0];
        let mean = |without: Option<usize>| {
            let kept: Vec<f64> = (0..values.len())
                .filter(|k| Some(*k) != without)
                .map(|k| values[k])
                .collect();
            kept.iter().sum::<f64>() / kept.len() as f64
        };
        let pairs = values.map(|value| (value, 1.0));
        let (by_jackknife, plain) = (
            Estimate::jackknife(values.len(), mean).unwrap(),
            Estimate::ratio(&pairs).unwrap(),
        );
        assert!((by_jackknife.error - plain.error).abs() < 1e-12);
        assert!((by_jackknife.value - plain.value).abs() < 1e-12);
    }

    #[test]
    fn nothing_is_said_of_nothing() {
        assert_eq!(Estimate::ratio(&[]), None);
        assert_eq!(Estimate::ratio(&[(1.0, 1.0)]), None);
        assert_eq!(Estimate::ratio(&[(0.0, 0.0), (0.0, 0.0)]), None);
        let sure = Estimate::ratio(&[(1.0, 1.0), (1.0, 1.0)]).unwrap();
        assert!(sure.z_score(1.0) == 0.0 && sure.z_score(2.0) == f64::NEG_INFINITY);
    }
}
