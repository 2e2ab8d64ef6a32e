//! Least outstanding of two that chance picks: as good as the least of all, without looking at all.

use std::cell::Cell;

/// Picks among `many`, by what each costs. `avoid` is taken only when there is nothing else.
pub(super) fn choose(
    many: usize,
    random: u64,
    avoid: impl Fn(usize) -> bool,
    cost: impl Fn(usize) -> u64,
) -> Option<usize> {
    if many < 2 {
        return (many == 1).then_some(0);
    }
    let (one, other) = two(many, random);
    let best = match (avoid(one), avoid(other)) {
        (false, true) => one,
        (true, false) => other,
        (true, true) => (0..many).find(|at| !avoid(*at)).unwrap_or(one),
        (false, false) if cost(other) < cost(one) => other,
        (false, false) => one,
    };
    Some(best)
}

/// Two different numbers below `many`, which is at least two.
fn two(many: usize, random: u64) -> (usize, usize) {
    let half = |shift: u32, below: usize| {
        let half = usize::try_from((random >> shift) & u64::from(u32::MAX)).unwrap_or_default();
        half % below
    };
    let (one, other) = (half(0, many), half(32, many - 1));
    (one, if other >= one { other + 1 } else { other })
}

/// What a replica costs: its calls, times ten right after it came back, falling to times one.
pub(super) fn cost(outstanding: usize, since_return_ms: Option<u64>, slow_start_ms: u64) -> u64 {
    let calls = outstanding as u64 + 1;
    match since_return_ms {
        Some(since) if since < slow_start_ms => {
            calls * (slow_start_ms / since.max(1)).clamp(1, SLOWEST)
        }
        _ => calls,
    }
}

/// Right after its return a replica gets a tenth of what the others get.
const SLOWEST: u64 = 10;

/// A random number that costs nothing and guards nothing (xorshift64*).
pub(super) fn random() -> u64 {
    thread_local! {
        static STATE: Cell<u64> = Cell::new(rand::random::<u64>() | 1);
    }
    STATE.with(|state| {
        let mut x = state.get();
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        state.set(x);
        x.wrapping_mul(0x2545_F491_4F6C_DD1D)
    })
}

/// A random number from 0 to 1.
pub(super) fn dice() -> f64 {
    f64::from(u32::try_from(random() >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    /// How often each is picked while nothing ever ends.
    fn spread(many: usize, calls: usize, avoid: impl Fn(usize) -> bool) -> Vec<u64> {
        let mut load = vec![0; many];
        for _ in 0..calls {
            let at = choose(many, random(), &avoid, |at| load[at]).unwrap();
            load[at] += 1;
        }
        load
    }

    #[test]
    fn calls_that_never_end_are_spread_evenly() {
        for many in [1, 2, 3, 10] {
            let load = spread(many, many * 1_000, |_| false);
            let (least, most) = (load.iter().min().unwrap(), load.iter().max().unwrap());
            assert!(most - least <= 20, "{load:?}");
        }
        assert_eq!(choose(0, random(), |_| false, |_| 0), None);
    }

    #[test]
    fn a_slow_one_gets_what_it_manages() {
        // The first one never answers, the others at once.
        let mut first = 0_u64;
        for _ in 0..1_000 {
            let cost = |at: usize| if at == 0 { first } else { 0 };
            if choose(3, random(), |_| false, cost) == Some(0) {
                first += 1;
            }
        }
        assert!(first <= 1, "{first}");
    }

    #[test]
    fn what_is_to_be_avoided_is_taken_only_when_nothing_else_is_there() {
        assert_eq!(spread(3, 100, |at| at != 1), [0, 100, 0]);
        assert_eq!(spread(1, 10, |_| true), [10]);
    }

    #[test]
    fn who_came_back_costs_ten_times_and_then_less() {
        assert_eq!(cost(0, None, 5_000), 1);
        let over_time = [0, 500, 1_000, 2_500, 5_000].map(|since| cost(1, Some(since), 5_000));
        assert_eq!(over_time, [20, 20, 10, 4, 2]);
    }
}
