//! How fast a queue moves, and how long one waits in it.
//!
//! While somebody waits, agents come free one after the other, and the first in line leaves. The time between two that
//! leave, as long as the line is not empty, tells the pace: with exponential handling by n agents it is exponential with
//! mean 1 / (n μ), and who has k before them waits for k + 1 such times (the queue-length based estimator of Ibrahim and
//! Whitt, "Real-Time Delay Estimation Based on Delay History", M&SOM 11(3), 2009). The mean is not known, only m of the
//! times and their sum S. With gamma distributed sums T / S is beta prime with k + 1 and m, whatever the mean is:
//!
//! P(T ≤ t) = I(t / (t + S); k + 1, m), the regularised incomplete beta function
//!
//! (the prediction interval for exponential samples of Lawless, Technometrics 13(4), 1971). So what is said is as wide
//! as little is known, and no wider. What is not foreseen: work that is more urgent and comes later, agents who come or
//! go, skills that only few hold. How often it came true is counted beside.

use std::collections::VecDeque;
use std::time::Duration;

use rapport_foundation::time::Micros;

use crate::domain::Promise;

/// Of so many that left the line the latest tell the pace: enough to be sure of it, few enough to follow a change.
const REMEMBERED: usize = 200;
/// With fewer than these nothing is said.
const LEAST: usize = 5;
/// A line in which nobody moved for so many times the usual does not move.
const STANDING: u32 = 20;
/// Nobody is told to wait for longer than this.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3_600);

/// How fast a queue moves.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    waiting: usize,
    /// Since when the line is as it is, while it is not empty.
    since: Micros,
    /// How long it was not empty since somebody left it.
    open: Duration,
    gaps: Latest,
    answers: Latest,
}

/// The latest of some spans, and their sum.
#[derive(Clone, Debug, Default)]
struct Latest {
    spans: VecDeque<Duration>,
    sum: Duration,
}

impl Latest {
    fn add(&mut self, span: Duration) {
        self.spans.push_back(span);
        self.sum += span;
        if self.spans.len() > REMEMBERED {
            self.sum -= self.spans.pop_front().unwrap_or_default();
        }
    }

    fn mean(&self) -> Option<Duration> {
        self.sum.checked_div(u32::try_from(self.spans.len()).ok()?)
    }
}

impl Pace {
    pub(super) fn one_more(&mut self, now: Micros) {
        self.pass(now);
        self.waiting += 1;
    }

    pub(super) fn one_less(&mut self, now: Micros) {
        self.pass(now);
        self.waiting = self.waiting.saturating_sub(1);
        self.gaps.add(std::mem::take(&mut self.open));
    }

    /// An agent took so long to answer an offer.
    pub(super) fn answer(&mut self, span: Duration) {
        self.answers.add(span);
    }

    /// How long agents take to answer an offer.
    pub(super) fn answering(&self) -> Option<Promise> {
        let mut spans: Vec<Duration> = self.answers.spans.iter().copied().collect();
        if spans.len() < LEAST {
            return None;
        }
        spans.sort_unstable();
        let at = |tenths: usize| spans.get(spans.len() * tenths / 10).copied();
        Some(Promise {
            p50: at(5)?,
            p90: at(9)?,
        })
    }

    fn pass(&mut self, now: Micros) {
        if self.waiting > 0 {
            self.open += now - self.since;
        }
        self.since = now;
    }

    /// How long one waits who has so many before them; none when too little is known, or the line does not move.
    pub(super) fn forecast(&self, now: Micros, ahead: usize) -> Option<Promise> {
        let known = self.gaps.spans.len();
        if known < LEAST || self.gaps.sum.is_zero() {
            return None;
        }
        let open = match self.waiting {
            0 => self.open,
            _ => self.open + (now - self.since),
        };
        if open > self.gaps.mean()?.saturating_mul(STANDING) {
            return None;
        }
        let answer = self.answers.mean().unwrap_or_default();
        let quantile = |share| {
            let seconds = self.gaps.sum.as_secs_f64() * beta_prime(share, ahead + 1, known);
            let wait = Duration::try_from_secs_f64(seconds).map(|wait| wait + answer);
            wait.map_or(LONGEST, |wait| wait.min(LONGEST))
        };
        Some(Promise {
            p50: quantile(0.5),
            p90: quantile(0.9),
        })
    }
}

/// The quantile of the beta prime distribution: found by halving, for the distribution function rises.
fn beta_prime(share: f64, a: usize, b: usize) -> f64 {
    let (a, b) = (a as f64, b as f64);
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..50 {
        let middle = f64::midpoint(low, high);
        if incomplete_beta(middle, a, b) < share {
            low = middle;
        } else {
            high = middle;
        }
    }
    low / (1.0 - low)
}

/// The regularised incomplete beta function by its continued fraction (DLMF 8.17.22), evaluated by the method of Lentz.
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // The fraction converges fast below the mean; above, the other end is looked at.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(1.0 - x, b, a);
    }
    let front = a * x.ln() + b * (1.0 - x).ln() - ln_beta(a, b) - a.ln();
    front.exp() / fraction(x, a, b)
}

/// 1 + d₁ / (1 + d₂ / (1 + …)), DLMF 8.17.23 for its parts.
fn fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    const PARTS: u32 = 20_000;
    let (mut value, mut c, mut d) = (1.0, 1.0, 0.0);
    for n in 1..=PARTS {
        let m = f64::from(n / 2);
        let part = if n % 2 == 0 {
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        } else {
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        };
        d = 1.0 / away_from_zero(1.0 + part * d, TINY);
        c = away_from_zero(1.0 + part / c, TINY);
        value *= c * d;
        if (c * d - 1.0).abs() < 1e-12 {
            break;
        }
    }
    value
}

const fn away_from_zero(value: f64, least: f64) -> f64 {
    if value.abs() < least { least } else { value }
}

fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

/// ln Γ by Stirling's series (DLMF 5.11.1), which is exact to the last digits from 10 on; below, by the recurrence.
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut below) = (x, 0.0);
    while x < 10.0 {
        below += x.ln();
        x += 1.0;
    }
    let series = 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3)) + 1.0 / (1_260.0 * x.powi(5))
        - 1.0 / (1_680.0 * x.powi(7));
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + series - below
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::*;

    /// Points of F distributions as tables give them: F(0.9; 2, 10) = 2.9245, F(0.9; 20, 20) = 1.7938,
    /// F(0.9; 2, 400) = 2.3159, F(0.5; 10, 10) = 1.
    #[test]
    fn the_quantiles_are_those_of_the_tables() {
        for (share, a, b, point) in [
            (0.9, 1, 5, 2.9245),
            (0.9, 10, 10, 1.7938),
            (0.9, 1, 200, 2.3159),
            (0.5, 5, 5, 1.0),
        ] {
            let found = beta_prime(share, a, b) * b as f64 / a as f64;
            assert!((found - point).abs() < 1e-4, "{share} {a} {b}: {found}");
        }
    }

    /// For a = 1 the distribution function is 1 − (1 − x)^b.
    #[test]
    fn the_closed_form_agrees() {
        for b in [1_usize, 7, 200] {
            let exact = 1.0 / 0.1_f64.powf(1.0 / b as f64) - 1.0;
            let found = beta_prime(0.9, 1, b);
            assert!((found / exact - 1.0).abs() < 1e-9, "{b}: {found}, {exact}");
        }
    }

    /// With many before one, the wait is nearly so many times the mean, whatever chance does.
    #[test]
    fn long_lines_are_computed_too() {
        let found = beta_prime(0.5, 100_000, 200) * 200.0 / 100_000.0;
        assert!((found - 1.0).abs() < 0.01, "{found}");
    }

    #[test]
    fn nothing_is_said_of_a_line_of_which_little_is_known_or_that_stands() {
        let mut pace = Pace::default();
        let secs = |n: u64| Micros::EPOCH + Duration::from_secs(n);
        for n in 0..LEAST as u64 {
            assert_eq!(pace.forecast(secs(n), 0), None, "{n} left");
            pace.one_more(secs(n));
            pace.one_less(secs(n + 1));
        }
        pace.one_more(secs(10));
        let known = pace.forecast(secs(10), 0).unwrap();
        assert!(known.p50 < Duration::from_secs(1) && known.p90 > Duration::from_secs(2));
        let later = pace.forecast(secs(10), 9).unwrap();
        assert!(later.p50 > known.p50 * 5 && later.p90 > later.p50);
        let stands = secs(11 + u64::from(STANDING));
        assert_eq!(pace.forecast(stands, 0), None);
    }

    /// The time during which nobody waits tells nothing of the pace.
    #[test]
    fn an_empty_line_does_not_slow_it() {
        let secs = |n: u64| Micros::EPOCH + Duration::from_secs(n);
        let mut pace = Pace::default();
        for n in 0..20 {
            pace.one_more(secs(1_000 * n));
            pace.one_less(secs(1_000 * n + 2));
        }
        let said = pace.forecast(secs(90_000), 0).unwrap();
        assert!(said.p90 < Duration::from_secs(6), "{said:?}");
    }
}
