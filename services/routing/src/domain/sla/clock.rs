use std::time::Duration;

use rapport_foundation::time::Micros;

use super::history::{Happening, History, WaitingOn};
use super::hours::{Hours, Span};
use super::policy::Target;
use crate::domain::code::named;

named! {
    /// What is to be done in time.
    pub enum ClockKind {
        /// The first answer to the customer.
        FirstResponse = "first_response",
        /// The answer to each message after it.
        NextResponse = "next_response",
        /// The solution.
        Resolution = "resolution",
    }
}

named! {
    /// Why a clock stands.
    pub enum Pause {
        /// The ticket waits for the customer.
        WaitingOnCustomer = "waiting_on_customer",
        /// It waits for a third party.
        WaitingOnThirdParty = "waiting_on_third_party",
        /// It was solved, until it was reopened.
        Resolved = "resolved",
    }
}

impl From<WaitingOn> for Pause {
    fn from(on: WaitingOn) -> Self {
        match on {
            WaitingOn::Customer => Self::WaitingOnCustomer,
            WaitingOn::ThirdParty => Self::WaitingOnThirdParty,
        }
    }
}

named! {
    /// How a clock ended.
    pub enum Outcome {
        /// What it waited for was done.
        Met = "met",
        /// Nobody waits for it any more.
        Moot = "moot",
    }
}

/// Which clock of a ticket: of next responses there are many.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct ClockId {
    /// What is to be done.
    pub kind: ClockKind,
    /// Counts from 1.
    pub cycle: u32,
}

/// A part of a clock's time in which it ran or stood all along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Where it begins.
    pub from: Micros,
    /// Where it ends; none while it goes on.
    pub to: Option<Micros>,
    /// Why it stood; none while it ran.
    pub paused: Option<Pause>,
}

/// One clock of a ticket. It runs in open hours only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Which.
    pub id: ClockId,
    /// What it may count.
    pub target: Duration,
    /// When it started.
    pub started: Micros,
    /// When the target is reached, or would have been had it not ended; none while it stands, and when that is too far
    /// off to tell.
    pub due: Option<Micros>,
    /// When and how it ended.
    pub ended: Option<(Micros, Outcome)>,
    /// How it ran and stood, without gaps.
    pub stretches: Vec<Stretch>,
}

impl Clock {
    /// The first instant by which it has counted so much, if it goes on; none when it does not come to that.
    #[must_use]
    pub fn reaches(&self, amount: Duration, hours: &Hours) -> Option<Micros> {
        let mut left = amount;
        for (place, stretch) in self.stretches.iter().enumerate() {
            if stretch.paused.is_some() {
                continue;
            }
            let last = place + 1 == self.stretches.len();
            let Some(to) = stretch.to.filter(|_| !last) else {
                return hours.advance(stretch.from, left);
            };
            let counted = hours.open_between(stretch.from, to);
            if counted >= left {
                return hours.advance(stretch.from, left);
            }
            left -= counted;
        }
        None
    }

    /// What it counted until `now`, in order.
    #[must_use]
    pub fn counted(&self, hours: &Hours, now: Micros) -> Vec<Span> {
        let ran = self.stretches.iter().filter(|s| s.paused.is_none());
        ran.flat_map(|stretch| hours.spans(stretch.from, stretch.to.unwrap_or(now).min(now)))
            .collect()
    }

    /// Whether the target was or is reached before it ended.
    #[must_use]
    pub fn is_breached(&self, now: Micros) -> bool {
        let end = self.ended.map_or(now, |(at, _)| at);
        self.due.is_some_and(|due| due <= end)
    }

    /// Whether it stands, and why.
    #[must_use]
    pub fn paused(&self) -> Option<Pause> {
        self.stretches.last().and_then(|stretch| stretch.paused)
    }

    fn start(id: ClockId, target: &Target, at: Micros, waiting: Option<WaitingOn>) -> Self {
        let first = Stretch {
            from: at,
            to: None,
            paused: target.pause(waiting),
        };
        Self {
            id,
            target: target.within,
            started: at,
            due: None,
            ended: None,
            stretches: vec![first],
        }
    }

    fn turn(&mut self, at: Micros, paused: Option<Pause>) {
        let Some(last) = self.stretches.last_mut() else {
            return;
        };
        if last.paused == paused {
            return;
        }
        last.to.get_or_insert(at);
        self.stretches.push(Stretch {
            from: at,
            to: None,
            paused,
        });
    }

    fn end(&mut self, at: Micros, outcome: Outcome) {
        if self.ended.is_none() {
            self.ended = Some((at, outcome));
            if let Some(last) = self.stretches.last_mut() {
                last.to = Some(at);
            }
        }
    }

    /// What was solved is not: the time between counts nothing.
    fn take_back(&mut self, at: Micros) {
        let Some((solved, _)) = self.ended.take() else {
            return;
        };
        self.stretches.push(Stretch {
            from: solved,
            to: Some(at),
            paused: Some(Pause::Resolved),
        });
        self.stretches.push(Stretch {
            from: at,
            to: None,
            paused: None,
        });
    }
}

/// The clocks of a ticket, in the order in which they started: a function of what happened to it, what was promised
/// and when we are there, and of nothing else.
#[must_use]
pub fn clocks(history: &History, targets: &[Target], hours: &Hours) -> Vec<Clock> {
    let mut face = Face {
        targets,
        clocks: Vec::new(),
        waiting: None,
        answered: false,
        cycle: history.forgotten(),
    };
    for event in history.events() {
        face.take(event.at, event.what);
    }
    for clock in &mut face.clocks {
        clock.due = clock.reaches(clock.target, hours);
    }
    face.clocks
}

/// The clocks while a history is gone through.
struct Face<'a> {
    targets: &'a [Target],
    clocks: Vec<Clock>,
    waiting: Option<WaitingOn>,
    /// Nobody waits for the first response any more.
    answered: bool,
    cycle: u32,
}

impl Face<'_> {
    fn take(&mut self, at: Micros, what: Happening) {
        match what {
            Happening::Opened => {
                self.start(ClockKind::FirstResponse, 1, at);
                self.start(ClockKind::Resolution, 1, at);
            }
            Happening::CustomerMessage => self.asked(at),
            Happening::AgentReply => {
                self.answered = true;
                self.end(at, Outcome::Met, ClockKind::FirstResponse);
                self.end(at, Outcome::Met, ClockKind::NextResponse);
            }
            Happening::WaitingOnCustomer => self.wait(at, Some(WaitingOn::Customer)),
            Happening::WaitingOnThirdParty => self.wait(at, Some(WaitingOn::ThirdParty)),
            Happening::Resumed => self.wait(at, None),
            Happening::Resolved => {
                self.unanswered(at);
                self.end(at, Outcome::Met, ClockKind::Resolution);
            }
            Happening::Reopened => {
                self.waiting = None;
                for clock in self.of(ClockKind::Resolution) {
                    clock.take_back(at);
                }
            }
            Happening::Cancelled => {
                self.unanswered(at);
                self.end(at, Outcome::Moot, ClockKind::Resolution);
            }
        }
    }

    fn asked(&mut self, at: Micros) {
        let running = self
            .of(ClockKind::NextResponse)
            .any(|clock| clock.ended.is_none());
        if self.answered && !running {
            self.cycle += 1;
            self.start(ClockKind::NextResponse, self.cycle, at);
        }
    }

    /// A ticket that is over waits for no answer.
    fn unanswered(&mut self, at: Micros) {
        self.answered = true;
        self.end(at, Outcome::Moot, ClockKind::FirstResponse);
        self.end(at, Outcome::Moot, ClockKind::NextResponse);
    }

    fn start(&mut self, kind: ClockKind, cycle: u32, at: Micros) {
        let id = ClockId { kind, cycle };
        let known = self.clocks.iter().any(|clock| clock.id == id);
        let target = self.targets.iter().find(|target| target.clock == kind);
        if let Some(target) = target.filter(|_| !known) {
            self.clocks.push(Clock::start(id, target, at, self.waiting));
        }
    }

    fn end(&mut self, at: Micros, outcome: Outcome, kind: ClockKind) {
        for clock in self.of(kind) {
            clock.end(at, outcome);
        }
    }

    fn wait(&mut self, at: Micros, waiting: Option<WaitingOn>) {
        self.waiting = waiting;
        let targets = self.targets;
        let running = self.clocks.iter_mut().filter(|c| c.ended.is_none());
        for clock in running {
            let target = targets.iter().find(|target| target.clock == clock.id.kind);
            clock.turn(at, target.and_then(|target| target.pause(waiting)));
        }
    }

    fn of(&mut self, kind: ClockKind) -> impl Iterator<Item = &mut Clock> {
        self.clocks.iter_mut().filter(move |c| c.id.kind == kind)
    }
}

#[cfg(test)]
mod tests;
