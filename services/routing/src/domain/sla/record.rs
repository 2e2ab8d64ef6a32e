use rapport_foundation::id::TicketId;
use rapport_foundation::time::Micros;
use serde::{Deserialize, Serialize};

use super::book::{Book, Edition, Terms};
use super::clock::{Clock, ClockId, ClockKind};
use super::history::{Happening, History};
use super::merged::Joined;
use super::policy::{Action, Step, Traits};
use crate::domain::{Code, Ticket, TicketState};

/// What a ticket's clocks are made of, and what came of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlaRecord {
    /// Whose.
    pub ticket: TicketId,
    /// What decides which policy holds.
    pub traits: Traits,
    /// What happened.
    pub history: History,
    /// What happened to tickets that were merged into it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joined: Vec<Joined>,
    /// By what it was last dated; none while no policy holds.
    pub edition: Option<Edition>,
    /// Whether it was ever held against the policies.
    pub dated: bool,
    /// What was done when time ran out, each once.
    pub marks: Vec<Mark>,
}

/// That something that was due is done with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Of which clock.
    pub clock: ClockId,
    /// The step; none for the breach itself.
    pub step: Option<Code>,
    /// When it was due.
    pub due: Micros,
    /// When that was noticed.
    pub at: Micros,
    /// It was due before an edit said so: noted, and not done.
    pub found: bool,
}

/// Something that is due now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firing {
    /// Of which clock.
    pub clock: ClockId,
    /// Since when.
    pub due: Micros,
    /// When the clock's target is or was reached, if that can be told.
    pub clock_due: Option<Micros>,
    /// The step and what it does; none for the breach itself.
    pub step: Option<(Code, Action)>,
}

/// How a ticket stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Its clocks.
    pub clocks: Vec<Clock>,
    /// What is to be done now, in the order in which it became due. Already noted as done.
    pub firings: Vec<Firing>,
    /// When something becomes due next.
    pub next_at: Option<Micros>,
}

impl SlaRecord {
    /// Of a new ticket that counts from `since`.
    #[must_use]
    pub fn new(ticket: TicketId, traits: Traits, since: Micros) -> Self {
        let mut history = History::default();
        history.note(since, Happening::Opened);
        Self {
            ticket,
            traits,
            history,
            joined: Vec::new(),
            edition: None,
            dated: false,
            marks: Vec::new(),
        }
    }

    /// Of a ticket that was opened before anybody kept its history. Nobody knows whether its customer was answered:
    /// once somebody has worked on it, that is taken for an answer.
    #[must_use]
    pub fn of(ticket: &Ticket) -> Self {
        let mut record = Self::new(ticket.id, traits(ticket, None), ticket.created_at);
        if ticket.state != TicketState::New {
            record
                .history
                .note(ticket.created_at, Happening::AgentReply);
        }
        if let Some(on) = ticket.waiting_on {
            record.history.note(ticket.updated_at, on.into());
        }
        if let Some(at) = ticket.resolved_at {
            record.history.note(at, Happening::Resolved);
        }
        record
    }

    /// Holds it against the policies: dates it, and takes what is due by now. What an edit of a policy or a calendar,
    /// or a change of the ticket by hand, finds to be past is noted and not done.
    pub fn stand(&mut self, book: &Book, now: Micros) -> Standing {
        let terms = book.terms(&self.traits);
        let edition = terms.as_ref().map(Terms::edition);
        let redated = self.dated && edition != self.edition;
        self.edition = edition;
        self.dated = true;
        let Some(terms) = terms else {
            self.marks.clear();
            return Standing::default();
        };
        let clocks = terms.clocks(&self.whole());
        if redated {
            self.note_past(&clocks, &terms, now);
        }
        self.marks.retain(|mark| is_needed(mark, &clocks));
        let firings = self.take_due(&clocks, &terms, now);
        Standing {
            next_at: self.next_at(&clocks, &terms, now),
            clocks,
            firings,
        }
    }

    /// After an edit: what is past is noted; what is to come again may fire again.
    fn note_past(&mut self, clocks: &[Clock], terms: &Terms<'_>, now: Micros) {
        let all: Vec<(&Clock, Due)> = clocks
            .iter()
            .flat_map(|clock| dues(clock, terms).map(move |due| (clock, due)))
            .collect();
        self.marks.retain(|mark| {
            let again = all.iter().find(|(clock, due)| is_of(mark, clock, due));
            again.is_some_and(|(_, due)| due.at <= now)
        });
        for (clock, due) in all {
            if is_due(clock, &due, now) && !self.is_marked(clock, &due) {
                self.mark(clock, &due, now, true);
            }
        }
    }

    fn take_due(&mut self, clocks: &[Clock], terms: &Terms<'_>, now: Micros) -> Vec<Firing> {
        let mut firings = Vec::new();
        for clock in clocks {
            for due in dues(clock, terms) {
                if is_due(clock, &due, now) && !self.is_marked(clock, &due) {
                    self.mark(clock, &due, now, false);
                    firings.push(Firing {
                        clock: clock.id,
                        due: due.at,
                        clock_due: clock.due,
                        step: due
                            .step
                            .map(|step| (step.code.clone(), step.action.clone())),
                    });
                }
            }
        }
        firings.sort_by_key(|firing| firing.due);
        firings
    }

    fn next_at(&self, clocks: &[Clock], terms: &Terms<'_>, now: Micros) -> Option<Micros> {
        let running = clocks.iter().filter(|clock| clock.ended.is_none());
        running
            .flat_map(|clock| dues(clock, terms))
            .map(|due| due.at)
            .filter(|at| *at > now)
            .min()
    }

    fn is_marked(&self, clock: &Clock, due: &Due<'_>) -> bool {
        self.marks.iter().any(|mark| is_of(mark, clock, due))
    }

    fn mark(&mut self, clock: &Clock, due: &Due<'_>, now: Micros, found: bool) {
        self.marks.push(Mark {
            clock: clock.id,
            step: due.step.map(|step| step.code.clone()),
            due: due.at,
            at: now,
            found,
        });
    }
}

/// What of a ticket decides which policy holds for it.
#[must_use]
pub fn traits(ticket: &Ticket, channel: Option<crate::domain::Channel>) -> Traits {
    Traits {
        queue: ticket.queue,
        priority: ticket.priority,
        channel,
        purpose: ticket.purpose,
    }
}

/// A moment of a clock: its breach, or a step.
struct Due<'a> {
    step: Option<&'a Step>,
    at: Micros,
}

/// The moments of a clock that can be told.
fn dues<'a>(clock: &'a Clock, terms: &Terms<'a>) -> impl Iterator<Item = Due<'a>> {
    let hours = &terms.calendar.hours;
    let breach = clock.due.map(|at| Due { step: None, at });
    let steps = &terms.policy.promise.steps;
    let may_fire = clock.ended.is_none() || may_go_on(clock.id);
    let of_clock = steps
        .iter()
        .filter(move |step| may_fire && step.clock == clock.id.kind);
    let reached = of_clock.filter_map(|step| {
        let at = clock.reaches(step.amount(clock.target), hours)?;
        Some(Due {
            step: Some(step),
            at,
        })
    });
    breach.into_iter().chain(reached)
}

/// A breach is one even if the clock has ended since; it is too late for a step then.
fn is_due(clock: &Clock, due: &Due<'_>, now: Micros) -> bool {
    match (clock.ended, due.step) {
        (None, _) => due.at <= now,
        (Some((ended, _)), None) => due.at <= ended,
        (Some(_), Some(_)) => false,
    }
}

/// Only a solution is taken back.
fn may_go_on(clock: ClockId) -> bool {
    clock.kind == ClockKind::Resolution
}

/// What was done about an answer that was given since can be done no more.
fn is_needed(mark: &Mark, clocks: &[Clock]) -> bool {
    let clock = clocks.iter().find(|clock| clock.id == mark.clock);
    clock.is_some_and(|clock| mark.step.is_none() || clock.ended.is_none() || may_go_on(clock.id))
}

fn is_of(mark: &Mark, clock: &Clock, due: &Due<'_>) -> bool {
    mark.clock == clock.id && mark.step.as_ref() == due.step.map(|step| &step.code)
}
