use std::f64::consts::TAU;

use crate::domain::Code;

/// The step of the sequence: 2^64 divided by the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// What a number is drawn for. Each purpose of each demand has numbers of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// When the next customer comes.
    Arrival = 1,
    /// How long a customer waits.
    Patience = 2,
    /// How long handling takes.
    Handling = 3,
    /// How long an agent takes to answer an offer.
    Answer = 4,
}

/// Random numbers that are looked up rather than drawn in turn: those of the n-th customer are the same whatever
/// happened before. Two policies therefore meet the same customers (common random numbers), and a law that needs
/// several numbers for one draw puts nothing out of step.
///
/// The numbers are those of `SplitMix64` (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
/// OOPSLA 2014), begun anew for each customer at a place that its finaliser scatters.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    /// The numbers for one purpose of the `nth` customer of a stream.
    pub(super) const fn of(seed: u64, stream: u64, purpose: Purpose, nth: u64) -> Self {
        let key = mix(mix(seed ^ GOLDEN) ^ mix(stream.wrapping_add(purpose as u64)));
        Self(mix(key.wrapping_add(nth.wrapping_mul(GOLDEN))))
    }

    /// Evenly between 0 and 1, never either.
    pub(super) const fn even(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        ((mix(self.0) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Exponential with mean 1.
    pub(super) fn exponential(&mut self) -> f64 {
        -self.even().ln()
    }

    /// Standard normal (Box and Muller, 1958).
    pub(super) fn normal(&mut self) -> f64 {
        let radius = (2.0 * self.exponential()).sqrt();
        radius * (TAU * self.even()).cos()
    }

    /// Gamma with scale 1 (Marsaglia and Tsang, "A simple method for generating gamma variables", 2000).
    pub(super) fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let boost = self.even().powf(1.0 / shape);
            return boost * self.gamma(shape + 1.0);
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && self.even().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }
}

/// The stream of a demand: its code, not its place in the file, so that a demand that is added or moved changes no
/// other's customers (FNV-1a).
pub(super) fn stream(code: &Code) -> u64 {
    let bytes = code.as_str().bytes();
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Correlation of two draws over many customers; its standard error is 1/√n.
    fn correlation(one: impl Fn(u64) -> f64, other: impl Fn(u64) -> f64) -> f64 {
        let n = 20_000;
        let sum: f64 = (0..n).map(|k| (one(k) - 0.5) * (other(k) - 0.5)).sum();
        12.0 * sum / n as f64
    }

    #[test]
    fn neighbours_seeds_purposes_and_streams_do_not_follow_each_other() {
        let draw = |seed, stream, purpose, nth| Dice::of(seed, stream, purpose, nth).even();
        let base = |k| draw(1, 7, Purpose::Arrival, k);
        let bound = 4.0 / 20_000_f64.sqrt();
        assert!(correlation(base, |k| draw(1, 7, Purpose::Arrival, k + 1)).abs() < bound);
        assert!(correlation(base, |k| draw(2, 7, Purpose::Arrival, k)).abs() < bound);
        assert!(correlation(base, |k| draw(1, 8, Purpose::Arrival, k)).abs() < bound);
        assert!(correlation(base, |k| draw(1, 7, Purpose::Patience, k)).abs() < bound);
        let second = |k| {
            let mut dice = Dice::of(1, 7, Purpose::Arrival, k);
            dice.even();
            dice.even()
        };
        assert!(correlation(base, second).abs() < bound);
        assert!((correlation(base, base) - 1.0).abs() < 0.05);
    }

    #[test]
    fn the_same_customer_has_the_same_numbers() {
        let mut one = Dice::of(3, 9, Purpose::Handling, 41);
        let mut other = Dice::of(3, 9, Purpose::Handling, 41);
        assert_eq!(one.even().to_bits(), other.even().to_bits());
        assert_eq!(one.gamma(0.5).to_bits(), other.gamma(0.5).to_bits());
    }
}
