use std::collections::BTreeSet;

use rapport_foundation::id::{AgentId, WorkItemId};
use rapport_foundation::time::Micros;

/// What becomes due by time alone. Ordered, so that what is due at the same instant comes
/// in the same order everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// The offer that is out for this work to an agent lapses.
    OfferLapses(WorkItemId, AgentId),
    /// Wrap-up of this work is over.
    WrapUpEnds(WorkItemId),
    /// An agent who said no may be asked again.
    DeclineEnds(WorkItemId, AgentId),
    /// An agent has not come back in time.
    GraceEnds(AgentId),
    /// Work has waited at its target; the next one holds.
    TargetEnds(WorkItemId),
    /// Work asks for less from now on.
    WorkEases(WorkItemId),
    /// An agent holds a skill no longer.
    SkillEnds(AgentId),
    /// An agent's shift begins or ends.
    ShiftTurns(AgentId),
    /// Work waits for everybody, and no longer for one agent alone.
    KeepEnds(WorkItemId),
    /// A customer who was not reached may be called again.
    PauseEnds(WorkItemId),
    /// Parked work comes back.
    ParkEnds(WorkItemId),
}

/// Timers as data: the engine tells when it wants to be woken and is told the time.
#[derive(Clone, Debug, Default)]
pub(super) struct Timers(BTreeSet<(Micros, Timer)>);

impl Timers {
    pub(super) fn set(&mut self, at: Micros, timer: Timer) {
        self.0.insert((at, timer));
    }

    pub(super) fn cancel(&mut self, at: Micros, timer: Timer) {
        self.0.remove(&(at, timer));
    }

    pub(super) fn next(&self) -> Option<Micros> {
        self.0.first().map(|(at, _)| *at)
    }

    pub(super) fn offer_lapses_next(&self) -> bool {
        let first = self.0.first();
        first.is_some_and(|(_, timer)| matches!(timer, Timer::OfferLapses(..)))
    }

    /// Takes the earliest timer that is due at `now`.
    pub(super) fn take_due(&mut self, now: Micros) -> Option<Timer> {
        let first = *self.0.first()?;
        if first.0 > now {
            return None;
        }
        self.0.remove(&first);
        Some(first.1)
    }

    pub(super) fn holds(&self, at: Micros, timer: Timer) -> bool {
        self.0.contains(&(at, timer))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
