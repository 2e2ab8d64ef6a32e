//! Sums of late: what came longer ago counts for less. They are whole numbers and are halved on the hour, so that they
//! come out the same however often somebody looks.

use rapport_foundation::time::Micros;

const HOUR: i64 = 3_600_000_000;

/// What an agent is at, as far as their time is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Neither handles work nor may be offered any.
    Off,
    /// Available and there, with no work to handle.
    Idle,
    /// Handles work or writes it up.
    Busy,
}

/// How much of an agent's staffed time work took of late. What was in the running hour counts whole, what was in the
/// hour before it half, then a quarter, and so on; hours begin with those of UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Handling work or writing it up, in microseconds.
    pub busy: u64,
    /// That, and available and there, in microseconds.
    pub staffed: u64,
    /// Up to when it is counted.
    pub until: Micros,
}

impl Load {
    /// The whole, where occupancy is a share of it.
    pub const WHOLE: u64 = 1_000_000;

    /// Nothing yet.
    #[must_use]
    pub const fn new(now: Micros) -> Self {
        Self {
            busy: 0,
            staffed: 0,
            until: now,
        }
    }

    /// Counts what somebody was at up to a moment.
    pub fn spend(&mut self, duty: Duty, until: Micros) {
        while self.until < until {
            if duty == Duty::Off && self.staffed == 0 {
                self.until = until;
                return;
            }
            let turn = Micros((hour(self.until) + 1).saturating_mul(HOUR));
            let to = turn.min(until);
            let span = u64::try_from(to.0 - self.until.0).unwrap_or(0);
            if duty != Duty::Off {
                self.staffed += span;
            }
            if duty == Duty::Busy {
                self.busy += span;
            }
            if to == turn {
                self.busy /= 2;
                self.staffed /= 2;
            }
            self.until = to;
        }
    }

    /// Busy / staffed, in millionths; nothing for who was not staffed of late.
    #[must_use]
    pub fn occupancy(&self) -> u64 {
        let busy = u128::from(self.busy) * u128::from(Self::WHOLE);
        let share = busy.checked_div(self.staffed.into()).unwrap_or(0);
        u64::try_from(share).unwrap_or(Self::WHOLE)
    }
}

/// How much work of a queue agents took of late: each piece counts whole in its hour, half in the next, and so on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// The sum, in millionths.
    pub sum: u64,
    /// When it was counted last.
    pub at: Micros,
}

impl Taken {
    /// What it is worth at a moment.
    #[must_use]
    pub fn by(&self, now: Micros) -> u64 {
        let hours = (hour(now) - hour(self.at)).max(0);
        let hours = u32::try_from(hours).unwrap_or(u32::MAX);
        self.sum.checked_shr(hours).unwrap_or(0)
    }

    /// One more.
    pub fn add(&mut self, now: Micros) {
        self.sum = self.by(now).saturating_add(1_000_000);
        self.at = self.at.max(now);
    }
}

/// In which hour a moment is.
const fn hour(at: Micros) -> i64 {
    at.0.div_euclid(HOUR)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const DUTIES: [Duty; 3] = [Duty::Off, Duty::Idle, Duty::Busy];

    #[test]
    fn an_hour_ago_counts_half() {
        let at = |minutes: u64| Micros::EPOCH + Duration::from_secs(minutes * 60);
        let mut load = Load::new(at(0));
        load.spend(Duty::Busy, at(30));
        assert_eq!(load.occupancy(), Load::WHOLE);
        load.spend(Duty::Idle, at(60));
        assert_eq!(load.occupancy(), Load::WHOLE / 2);
        // A quarter of an hour is left of the work, and half an hour of the time; half an hour more is idle.
        load.spend(Duty::Idle, at(90));
        assert_eq!(load.occupancy(), Load::WHOLE / 4);
        // Who is off keeps their share.
        load.spend(Duty::Off, at(300));
        assert_eq!(load.occupancy(), Load::WHOLE / 4);
        load.spend(Duty::Off, at(60_000));
        assert_eq!((load.busy, load.staffed, load.occupancy()), (0, 0, 0));
    }

    #[test]
    fn work_taken_counts_half_an_hour_later() {
        let at = |hours: u64| Micros::EPOCH + Duration::from_secs(hours * 3_600 + 7);
        let mut taken = Taken::default();
        taken.add(at(1));
        taken.add(at(1));
        assert_eq!(taken.by(at(1)), 2_000_000);
        taken.add(at(2));
        assert_eq!(
            [2, 3, 100].map(|h| taken.by(at(h))),
            [2_000_000, 1_000_000, 0]
        );
        // A clock that goes back takes nothing away.
        assert_eq!(taken.by(at(0)), 2_000_000);
    }

    proptest! {
        #[test]
        fn it_comes_out_the_same_however_often_it_is_looked_at(
            spells in prop::collection::vec((0..3_usize, 0..20_000_000_000_i64), 1..12),
            looks in prop::collection::vec(0..200_000_000_000_i64, 0..40),
        ) {
            let (mut once, mut often) = (Load::new(Micros(17)), Load::new(Micros(17)));
            let mut at = Micros(17);
            let mut looks = looks;
            looks.sort_unstable();
            for (duty, span) in spells {
                let end = Micros(at.0 + span);
                for look in looks.iter().filter(|look| at.0 < **look && **look < end.0) {
                    often.spend(DUTIES[duty], Micros(*look));
                }
                once.spend(DUTIES[duty], end);
                often.spend(DUTIES[duty], end);
                at = end;
                prop_assert_eq!(once, often);
                prop_assert!(once.busy <= once.staffed && once.occupancy() <= Load::WHOLE);
            }
        }
    }
}
