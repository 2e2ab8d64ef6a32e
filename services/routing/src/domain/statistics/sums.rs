use std::ops::AddAssign;
use std::time::Duration;

use crate::domain::Promise;

/// What came of the work of a queue in a stretch of time. Definitions as contact centres use them: the formula of the
/// service level is the one that leaves out who left early.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Came in.
    pub queued: u64,
    /// Taken by an agent for the first time.
    pub answered: u64,
    /// Of these, within the time that the queue had for it.
    pub in_time: u64,
    /// How long they had waited together.
    pub waited: Duration,
    /// The customer left before an agent took it.
    pub abandoned: u64,
    /// Of these, so soon that they do not count against the service level.
    pub left_early: u64,
    /// Nobody was needed any more.
    pub withdrawn: u64,
    /// Done, wrap-up included.
    pub completed: u64,
    /// From acceptance to the end of wrap-up, together.
    pub handled: Duration,
    /// Of these, wrap-up.
    pub wrap_up: Duration,
    /// Of these, with the contact on hold.
    pub held: Duration,
    /// Of what is done, how much was handed on to others.
    pub transferred: u64,
    /// Answered work that was told how long it would wait.
    pub promised: u64,
    /// Of these, answered within what one in two is.
    pub kept_p50: u64,
    /// Of these, answered within what nine in ten are.
    pub kept_p90: u64,
}

impl Sums {
    pub(super) fn answer(&mut self, wait: Duration, in_time: bool, promise: Option<Promise>) {
        self.answered += 1;
        self.in_time += u64::from(in_time);
        self.waited += wait;
        if let Some(promise) = promise {
            self.promised += 1;
            self.kept_p50 += u64::from(wait <= promise.p50);
            self.kept_p90 += u64::from(wait <= promise.p90);
        }
    }

    pub(super) fn abandon(&mut self, early: bool) {
        self.abandoned += 1;
        self.left_early += u64::from(early);
    }

    pub(super) fn complete(&mut self, handled: Duration, wrap_up: Duration, held: Duration) {
        self.completed += 1;
        self.handled += handled;
        self.wrap_up += wrap_up;
        self.held += held;
    }

    /// Answered in time / (answered + abandoned − left early); none when that is of nothing.
    #[must_use]
    pub fn service_level(&self) -> Option<f64> {
        ratio(
            self.in_time,
            self.answered + self.abandoned - self.left_early,
        )
    }

    /// Abandoned / (answered + abandoned); none when that is of nothing.
    #[must_use]
    pub fn abandonment(&self) -> Option<f64> {
        ratio(self.abandoned, self.answered + self.abandoned)
    }

    /// The wait of what was answered, over how much that was.
    #[must_use]
    pub fn speed_of_answer(&self) -> Option<Duration> {
        mean(self.waited, self.answered)
    }

    /// Handling and wrap-up of what was completed, over how much that was.
    #[must_use]
    pub fn handle_time(&self) -> Option<Duration> {
        mean(self.handled, self.completed)
    }

    /// Wrap-up of what was completed, over how much that was.
    #[must_use]
    pub fn wrap_up_time(&self) -> Option<Duration> {
        mean(self.wrap_up, self.completed)
    }

    /// Time on hold of what was completed, over how much that was.
    #[must_use]
    pub fn hold_time(&self) -> Option<Duration> {
        mean(self.held, self.completed)
    }

    /// Share of the promises of one in two that were kept, and of those of nine in ten.
    #[must_use]
    pub fn coverage(&self) -> Option<(f64, f64)> {
        let share = |kept| ratio(kept, self.promised);
        share(self.kept_p50).zip(share(self.kept_p90))
    }
}

impl AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        self.queued += other.queued;
        self.answered += other.answered;
        self.in_time += other.in_time;
        self.waited += other.waited;
        self.abandoned += other.abandoned;
        self.left_early += other.left_early;
        self.withdrawn += other.withdrawn;
        self.completed += other.completed;
        self.handled += other.handled;
        self.wrap_up += other.wrap_up;
        self.held += other.held;
        self.transferred += other.transferred;
        self.promised += other.promised;
        self.kept_p50 += other.kept_p50;
        self.kept_p90 += other.kept_p90;
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn mean(sum: Duration, count: u64) -> Option<Duration> {
    let count = u32::try_from(count).ok()?;
    sum.checked_div(count)
}
