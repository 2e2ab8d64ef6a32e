use std::sync::Arc;

use rapport_foundation::time::Micros;

use super::dice::Dice;
use super::law::{Law, micros};

/// Microseconds of a day; business days of a simulation have no time zone and no clock changes.
pub(super) const DAY: u64 = 86_400_000_000;

/// When customers come.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrivals {
    /// At random at one rate (a Poisson process).
    Poisson {
        /// How many in a second.
        per_s: f64,
    },
    /// With times between them that are drawn one by one.
    Renewal(Law),
    /// At random at a rate that follows the hours of the day; nobody comes outside of them.
    Day(Vec<Hours>),
    /// As they came once, in order.
    Replay(Arc<[Replayed]>),
}

/// Part of a day with one rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hours {
    /// Begin, in microseconds since midnight.
    pub from: u64,
    /// End, later than the begin.
    pub to: u64,
    /// How many in a second.
    pub per_s: f64,
}

/// A ticket that was there once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// When it came, since the begin of the simulation.
    pub at: Micros,
    /// How long it took, when that is known.
    pub handle: Option<u64>,
}

impl Arrivals {
    /// When the customer after the one at `last` comes; `nth` counts from zero.
    pub(super) fn next(&self, last: Micros, nth: u64, dice: &mut Dice) -> Option<Micros> {
        match self {
            Self::Poisson { per_s } => Some(later(last, dice.exponential() / per_s)),
            Self::Renewal(law) => Some(later(last, law.draw_s(dice))),
            Self::Day(hours) => next_of_day(hours, last, dice.exponential()),
            Self::Replay(rows) => rows.get(usize::try_from(nth).ok()?).map(|row| row.at),
        }
    }

    /// How long the `nth` took, when that is part of what is replayed.
    pub(super) fn handle(&self, nth: u64) -> Option<u64> {
        match self {
            Self::Replay(rows) => rows.get(usize::try_from(nth).ok()?)?.handle,
            _ => None,
        }
    }

    /// How many come in a second, over the long run; None where that is not known ahead.
    #[must_use]
    pub fn mean_per_s(&self) -> Option<f64> {
        match self {
            Self::Poisson { per_s } => Some(*per_s),
            Self::Renewal(law) => Some(1.0 / law.mean_s()),
            Self::Day(hours) => Some(
                hours
                    .iter()
                    .map(|h| h.per_s * (h.to - h.from) as f64)
                    .sum::<f64>()
                    / DAY as f64,
            ),
            Self::Replay(_) => None,
        }
    }
}

fn later(last: Micros, seconds: f64) -> Micros {
    last + std::time::Duration::from_micros(micros(seconds))
}

/// The next arrival of a process whose rate is constant in pieces: an exponential budget with mean 1 is used up at
/// the rate of each piece (inversion of the cumulative rate; Çinlar, "Introduction to stochastic processes", 1975).
fn next_of_day(hours: &[Hours], last: Micros, mut budget: f64) -> Option<Micros> {
    let a_day: f64 = hours
        .iter()
        .map(|h| h.per_s * (h.to - h.from) as f64 / 1e6)
        .sum();
    if a_day <= 0.0 {
        return None;
    }
    let since = u64::try_from(last.0).ok()?;
    let (mut midnight, mut clock) = (since - since % DAY, since % DAY);
    loop {
        for piece in hours {
            let begin = piece.from.max(clock);
            if begin >= piece.to {
                continue;
            }
            let holds = piece.per_s * (piece.to - begin) as f64 / 1e6;
            if budget <= holds {
                let at = midnight + begin + micros(budget / piece.per_s).min(piece.to - begin);
                return i64::try_from(at).ok().map(Micros);
            }
            budget -= holds;
        }
        (midnight, clock) = (midnight.checked_add(DAY)?, 0);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::super::dice::Purpose;
    use super::*;

    const HOUR: u64 = 3_600_000_000;

    fn day() -> Arrivals {
        Arrivals::Day(vec![
            Hours {
                from: 8 * HOUR,
                to: 12 * HOUR,
                per_s: 0.02,
            },
            Hours {
                from: 13 * HOUR,
                to: 17 * HOUR,
                per_s: 0.05,
            },
        ])
    }

    #[test]
    fn a_day_has_its_customers_in_its_hours() {
        let mut counts = [0_u32; 24];
        let mut at = Micros::EPOCH;
        let mut nth = 0;
        while at.0.unsigned_abs() < 50 * DAY {
            let mut dice = Dice::of(1, 1, Purpose::Arrival, nth);
            let next = day().next(at, nth, &mut dice).unwrap();
            assert!(next >= at);
            at = next;
            nth += 1;
            counts[usize::try_from(at.0.unsigned_abs() % DAY / HOUR).unwrap()] += 1;
        }
        for (hour, count) in counts.iter().enumerate() {
            let expected: f64 = match hour {
                8..=11 => 0.02 * 3600.0 * 50.0,
                13..=16 => 0.05 * 3600.0 * 50.0,
                _ => 0.0,
            };
            let off = (f64::from(*count) - expected).abs();
            assert!(
                off <= 4.0 * expected.sqrt() + 1.0,
                "{hour}: {count} for {expected}"
            );
        }
        let mean = day().mean_per_s().unwrap();
        assert!((mean - (0.02 * 4.0 + 0.05 * 4.0) / 24.0).abs() < 1e-12);
    }

    #[test]
    fn what_is_replayed_comes_as_it_came() {
        let rows = [3, 3, 8].map(|s| Replayed {
            at: Micros::from_secs(s),
            handle: Some(7),
        });
        let replay = Arrivals::Replay(rows.into());
        let mut dice = Dice::of(1, 1, Purpose::Arrival, 0);
        let times: Vec<_> = (0..4)
            .map(|n| replay.next(Micros::EPOCH, n, &mut dice))
            .collect();
        assert_eq!(times[1], Some(Micros::from_secs(3)));
        assert_eq!(times[2], Some(Micros::from_secs(8)));
        assert_eq!((times[3], replay.handle(2)), (None, Some(7)));
    }
}
