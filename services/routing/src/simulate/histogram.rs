/// Buckets of a power of two: what is told of a bucket is at most 1/64 off, and less by interpolation.
const PARTS: u64 = 64;
const PARTS_LOG: u32 = PARTS.trailing_zeros();

/// Waits, counted in buckets whose width grows with what they hold. Who did not wait at all has a bucket of their
/// own: they are a share of their own in every queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Histogram {
    none: u64,
    buckets: Vec<u32>,
}

impl Histogram {
    pub(super) fn add(&mut self, micros: u64) {
        if micros == 0 {
            self.none += 1;
            return;
        }
        let place = place(micros / 1_000);
        if self.buckets.len() <= place {
            self.buckets.resize(place + 1, 0);
        }
        self.buckets[place] += 1;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.none += other.none;
        if self.buckets.len() < other.buckets.len() {
            self.buckets.resize(other.buckets.len(), 0);
        }
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += theirs;
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.none + self.buckets.iter().map(|n| u64::from(*n)).sum::<u64>()
    }

    /// How many are not above so many seconds; within a bucket evenly spread.
    pub(super) fn within(&self, seconds: f64) -> f64 {
        let mut sum = self.none as f64;
        for (place, count) in self.buckets.iter().enumerate() {
            let (begin, width) = bounds(place);
            let part = ((seconds - begin) / width).clamp(0.0, 1.0);
            if part == 0.0 {
                break;
            }
            sum += part * f64::from(*count);
        }
        sum
    }

    /// The length, in seconds, that a share of all is not above.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        let mut left = share * self.count() as f64 - self.none as f64;
        if left <= 0.0 {
            return 0.0;
        }
        let mut end = 0.0;
        for (place, count) in self.buckets.iter().enumerate() {
            let count = f64::from(*count);
            let (begin, width) = bounds(place);
            if count > 0.0 {
                if left <= count {
                    return begin + width * left / count;
                }
                end = begin + width;
            }
            left -= count;
        }
        end
    }
}

/// The bucket of so many milliseconds.
fn place(millis: u64) -> usize {
    let octave = (millis | (PARTS - 1)).ilog2() + 1 - PARTS_LOG;
    let place = match octave {
        0 => millis,
        _ => {
            let shift = octave - 1;
            u64::from(octave) * PARTS + (millis >> shift) - PARTS
        }
    };
    usize::try_from(place).unwrap_or(usize::MAX)
}

/// Where a bucket begins and how wide it is, in seconds.
fn bounds(place: usize) -> (f64, f64) {
    let place = place as u64;
    let (octave, part) = (place / PARTS, place % PARTS);
    match octave {
        0 => (part as f64 / 1e3, 1e-3),
        _ => {
            let width = (1_u64 << (octave - 1)) as f64 / 1e3;
            ((PARTS + part) as f64 * width, width)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_lie_beside_each_other_and_hold_what_belongs_to_them() {
        for millis in (0..5_000).chain([1 << 20, (1 << 20) + 1, (1 << 40) - 1]) {
            let (begin, width) = bounds(place(millis));
            let seconds = millis as f64 / 1e3;
            assert!(
                begin <= seconds + 1e-9 && seconds < begin + width - 1e-9,
                "{millis}"
            );
            assert!(width <= (seconds / 64.0).max(1e-3) + 1e-9, "{millis}");
        }
        for at in 0..1_000 {
            let (begin, width) = bounds(at);
            assert!((begin + width - bounds(at + 1).0).abs() < 1e-6, "{at}");
        }
    }

    #[test]
    fn shares_and_quantiles_are_the_inverse_of_each_other() {
        let mut histogram = Histogram::default();
        (0..1_000).for_each(|_| histogram.add(0));
        (1..=3_000).for_each(|n| histogram.add(n * 100_000));
        assert_eq!(histogram.count(), 4_000);
        assert!(histogram.quantile(0.2) == 0.0);
        for share in [0.3, 0.5, 0.9, 0.99] {
            let exact = (share * 4_000.0 - 1_000.0) * 0.1;
            let found = histogram.quantile(share);
            assert!((found / exact - 1.0).abs() < 0.005, "{share}: {found}");
            let back = histogram.within(found) / 4_000.0;
            assert!((back - share).abs() < 1e-6, "{share}: {back}");
        }
        let mut twice = histogram.clone();
        twice.merge(&histogram);
        assert!((twice.quantile(0.5) - histogram.quantile(0.5)).abs() < 1e-9);
    }
}
