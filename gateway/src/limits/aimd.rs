//! How many calls at a time are just enough: additive increase, multiplicative decrease (Chiu and Jain, 1989).
//!
//! What is held at a target is the time calls take, not its growth over an idle system: where work is done in batches
//! a call takes longer the more come along, and more are done nevertheless.

use std::time::Duration;

/// What is left of the limit after a window in which calls came too late.
const DECREASE: f64 = 0.8;
/// By how much of itself it grows after a good one, so that it finds a new level in a second or two.
const INCREASE: f64 = 0.1;
/// A limit that was not nearly reached says nothing about what would be beyond it.
const NEARLY: f64 = 0.8;
/// Where not even half of it was used it is not the limit that made calls late.
const USED: f64 = 0.5;

/// A time in which calls were looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) answered: u64,
    /// Answered later than the target, or with the news that the part cannot keep up.
    pub(super) late: u64,
    /// Most calls at a time.
    pub(super) most: usize,
}

/// How long a window is at least.
pub(super) const WINDOW: Duration = Duration::from_millis(100);
/// How many answers it has at least: one slow call alone says nothing.
pub(super) const ANSWERS: u64 = 20;

/// The limit after a window.
pub(super) fn next(limit: f64, window: Window, least: f64, most: f64) -> f64 {
    let too_late = window.late * 10 > window.answered;
    #[expect(clippy::cast_precision_loss, reason = "calls at a time are few")]
    let most_running = window.most as f64;
    let next = if too_late && most_running >= limit * USED {
        limit * DECREASE
    } else if !too_late && most_running >= limit * NEARLY {
        limit + (limit * INCREASE).max(1.0)
    } else {
        limit
    };
    next.clamp(least, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: f64 = 8.0;
    const MOST: f64 = 1000.0;

    fn window(late: u64, most: usize) -> Window {
        Window {
            answered: 100,
            late,
            most,
        }
    }

    #[test]
    fn late_answers_shrink_it_and_punctual_ones_let_it_grow_where_it_is_needed() {
        assert_eq!(next(100.0, window(11, 100), LEAST, MOST), 80.0);
        assert_eq!(next(100.0, window(10, 100), LEAST, MOST), 110.0);
        assert_eq!(next(100.0, window(0, 79), LEAST, MOST), 100.0);
        // Slow for another reason than too many at a time.
        assert_eq!(next(100.0, window(100, 49), LEAST, MOST), 100.0);
    }

    #[test]
    fn it_stays_within_its_bounds() {
        assert_eq!(next(9.0, window(100, 9), LEAST, MOST), LEAST);
        assert_eq!(next(999.0, window(0, 999), LEAST, MOST), MOST);
    }

    /// A part that does `rate` calls a second and takes them in turn: a call waits for those before it.
    #[test]
    fn it_settles_where_calls_take_as_long_as_they_may() {
        let (rate, target) = (2_000.0, 0.250);
        let mut limit = LEAST;
        for _ in 0..200 {
            let takes = limit / rate;
            let late = if takes > target { 100 } else { 0 };
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a small positive limit"
            )]
            let most = limit as usize;
            limit = next(limit, window(late, most), LEAST, MOST);
        }
        let takes = limit / rate;
        assert!((0.18..=0.28).contains(&takes), "{takes}");
    }
}
