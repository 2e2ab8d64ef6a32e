use std::sync::Arc;
use std::time::Duration;

use rapport_foundation::id::{AgentId, TicketNoteId, WorkItemId};
use rapport_foundation::time::Micros;

use super::contact_command::CommandKind;

/// Where a work item stands among those that its contact goes through, from agent to agent, and who holds the contact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passage {
    /// The work item that was handed on as this one.
    pub before: Option<WorkItemId>,
    /// The work item that goes on with the contact.
    pub next: Option<WorkItemId>,
    /// How often the contact was handed on until it came here.
    pub hops: u16,
    /// What its turn goes by, where that is not when it was queued.
    pub turn_at: Option<Micros>,
    /// For whom alone it waits for now.
    pub kept: Option<Kept>,
    /// What the agent said who handed it on.
    pub note: Option<TicketNoteId>,
    /// The work of a second agent who is asked about the contact.
    pub consult: Option<WorkItemId>,
    /// The work about whose contact its agent is asked, or was.
    pub consult_of: Option<WorkItemId>,
    /// Its agent was asked about the contact before it went to them.
    pub was_asked: bool,
    /// The contact and both agents are together.
    pub conference: bool,
    /// The contact was on hold when they came together.
    pub held_before: bool,
    /// Since when the contact is on hold.
    pub held_since: Option<Micros>,
    /// How long it was on hold before.
    pub held: Duration,
    /// The connector that holds the contact, when somebody is at the other end.
    pub connector: Option<Arc<str>>,
    /// That connector is told what to do with it.
    pub commanded: bool,
    /// Nobody is at the other end any more.
    pub over: bool,
    /// The customer is to be called back, or was.
    pub callback: Option<Callback>,
}

/// Work waits for one agent alone, for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Who.
    pub agent: AgentId,
    /// From when on it waits for everybody in its queue.
    pub until: Micros,
}

/// The customer need not wait on the line: they are called when an agent accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Callback {
    /// How often they may still be called.
    pub attempts_left: u16,
    /// How long it is waited after they were not reached.
    pub pause: Duration,
    /// It is offered to nobody before.
    pub paused_until: Option<Micros>,
    /// When they were reached: since then they are on the line, as if they had never hung up.
    pub called: Option<Micros>,
}

impl Passage {
    /// A contact is handed on so often at most: two who send it to each other come to an end.
    pub const MOST_HOPS: u16 = 16;

    /// How long the contact was on hold by `now`, all in all.
    #[must_use]
    pub fn held_by(&self, now: Micros) -> Duration {
        let running = self.held_since.map(|since| now - since);
        self.held + running.unwrap_or_default()
    }

    /// What was to be done with the contact at that moment was not: it is on hold as it was before.
    pub fn undo(&mut self, kind: CommandKind, at: Micros) {
        let resumes = match kind {
            CommandKind::Hold => {
                self.held_since = self.held_since.filter(|since| *since != at);
                false
            }
            CommandKind::Resume => !self.conference,
            CommandKind::Conference => {
                self.conference = false;
                self.held_before
            }
            _ => false,
        };
        if resumes {
            // What was counted until then goes on.
            self.held_since.get_or_insert(at);
        }
    }

    /// The contact is on hold no longer, if it was.
    pub fn resume(&mut self, now: Micros) {
        self.held = self.held_by(now);
        self.held_since = None;
    }
}
