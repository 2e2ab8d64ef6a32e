use std::sync::Arc;

use super::dice::Dice;

/// How a length of time is distributed, in seconds.
#[derive(Clone, Debug, PartialEq)]
pub enum Law {
    /// Always the same.
    Fixed {
        /// How long.
        s: f64,
    },
    /// Memoryless.
    Exponential {
        /// Mean.
        mean_s: f64,
    },
    /// Evenly between two ends.
    Uniform {
        /// The least.
        from_s: f64,
        /// The most.
        to_s: f64,
    },
    /// Lognormal, as handle times of calls often are (Brown et al., "Statistical analysis of a telephone call
    /// center", JASA 2005).
    Lognormal {
        /// Mean.
        mean_s: f64,
        /// Standard deviation in parts of the mean.
        cv: f64,
    },
    /// Gamma; with a whole shape that of Erlang.
    Gamma {
        /// Mean.
        mean_s: f64,
        /// Shape; 1 is exponential.
        shape: f64,
    },
    /// One of these, each as likely as the other.
    Empirical(Arc<[f64]>),
}

impl Law {
    pub(super) fn draw_s(&self, dice: &mut Dice) -> f64 {
        match self {
            Self::Fixed { s } => *s,
            Self::Exponential { mean_s } => mean_s * dice.exponential(),
            Self::Uniform { from_s, to_s } => from_s + (to_s - from_s) * dice.even(),
            Self::Lognormal { mean_s, cv } => {
                let variance = (cv * cv).ln_1p();
                mean_s * (variance.sqrt() * dice.normal() - variance / 2.0).exp()
            }
            Self::Gamma { mean_s, shape } => mean_s / shape * dice.gamma(*shape),
            Self::Empirical(values) => {
                let place = whole(dice.even() * values.len() as f64);
                let value = usize::try_from(place).ok().and_then(|at| values.get(at));
                value.or(values.last()).copied().unwrap_or(0.0)
            }
        }
    }

    /// The mean, in seconds.
    #[must_use]
    pub fn mean_s(&self) -> f64 {
        match self {
            Self::Fixed { s } => *s,
            Self::Exponential { mean_s }
            | Self::Lognormal { mean_s, .. }
            | Self::Gamma { mean_s, .. } => *mean_s,
            Self::Uniform { from_s, to_s } => f64::midpoint(*from_s, *to_s),
            Self::Empirical(values) => values.iter().sum::<f64>() / values.len().max(1) as f64,
        }
    }
}

/// Whole microseconds of a length in seconds; what is below zero is zero.
pub(super) const fn micros(seconds: f64) -> u64 {
    whole(seconds * 1e6 + 0.5)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and both ends are meant"
)]
const fn whole(value: f64) -> u64 {
    value as u64
}

#[cfg(test)]
mod tests {
    use super::super::dice::Purpose;
    use super::*;

    #[test]
    fn every_law_has_the_mean_and_spread_it_says() {
        let laws: [(Law, f64, f64); 8] = [
            (Law::Fixed { s: 30.0 }, 30.0, 0.0),
            (Law::Exponential { mean_s: 60.0 }, 60.0, 60.0),
            (
                Law::Uniform {
                    from_s: 10.0,
                    to_s: 40.0,
                },
                25.0,
                30.0 / 12_f64.sqrt(),
            ),
            (
                Law::Lognormal {
                    mean_s: 240.0,
                    cv: 0.8,
                },
                240.0,
                192.0,
            ),
            (
                Law::Gamma {
                    mean_s: 90.0,
                    shape: 3.0,
                },
                90.0,
                90.0 / 3_f64.sqrt(),
            ),
            (
                Law::Gamma {
                    mean_s: 90.0,
                    shape: 0.5,
                },
                90.0,
                90.0 / 0.5_f64.sqrt(),
            ),
            (
                Law::Gamma {
                    mean_s: 90.0,
                    shape: 1.0,
                },
                90.0,
                90.0,
            ),
            (
                Law::Empirical([1.0, 2.0, 6.0].into()),
                3.0,
                (14.0_f64 / 3.0).sqrt(),
            ),
        ];
        let count = 40_000_u32;
        for (law, mean, deviation) in laws {
            let draws: Vec<f64> = (0..count)
                .map(|n| law.draw_s(&mut Dice::of(5, 1, Purpose::Handling, n.into())))
                .collect();
            let found = draws.iter().sum::<f64>() / f64::from(count);
            let squares: f64 = draws.iter().map(|x| (x - found).powi(2)).sum();
            let spread = (squares / f64::from(count)).sqrt();
            let error = deviation / f64::from(count).sqrt();
            assert!(
                (found - mean).abs() <= 4.0 * error + 1e-9,
                "{law:?}: {found}"
            );
            assert!(
                (spread - deviation).abs() <= 0.05 * deviation + 1e-9,
                "{law:?}: {spread}"
            );
            assert!((law.mean_s() - mean).abs() < 1e-9);
            assert!(draws.iter().all(|x| *x >= 0.0));
        }
    }
}
