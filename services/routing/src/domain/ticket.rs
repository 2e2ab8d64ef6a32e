use std::collections::{BTreeMap, BTreeSet};

use rapport_foundation::id::{AgentId, ConversationId, QueueId, TicketId};
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;

use super::code::named;
use super::sla::WaitingOn;
use super::{Code, CustomerRef, Impact, Priority, Purpose, Severity, Skills, Urgency};

mod change;
mod merge;
mod solution;

pub use change::{Author, By, Changed, HistoryEntry, Note, TicketField, differences};
pub use solution::Solution;

/// Facts as another system tells them.
pub type Attributes = BTreeMap<Code, Personal>;

named! {
    /// How far a ticket is.
    pub enum TicketState {
        /// Nobody has worked on it.
        New = "new",
        /// Someone works on it.
        Open = "open",
        /// It waits for the customer or a third party.
        Pending = "pending",
        /// Solved; may be reopened.
        Resolved = "resolved",
        /// Over for good.
        Closed = "closed",
        /// Over for good without a solution: nobody needs one any more.
        Cancelled = "cancelled",
    }
}

impl TicketState {
    /// Whether something is still to be solved.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::New | Self::Open | Self::Pending)
    }

    /// Whether nothing can change any more.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Closed | Self::Cancelled)
    }
}

/// A matter: what has to be solved, with its owner, state and root cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Which ticket.
    pub id: TicketId,
    /// How far it is.
    pub state: TicketState,
    /// For whom it waits while it is pending.
    pub waiting_on: Option<WaitingOn>,
    /// What it is about.
    pub subject: Personal,
    /// More about it.
    pub description: Personal,
    /// How urgent it is.
    pub priority: Priority,
    /// How bad it is; the priority follows from it.
    pub severity: Option<Severity>,
    /// The queue its work goes to.
    pub queue: QueueId,
    /// Who owns it.
    pub owner: Option<AgentId>,
    /// The customer, once recognised.
    pub customer: Option<CustomerRef>,
    /// The conversation it grew out of.
    pub conversation: Option<ConversationId>,
    /// Skills an agent must hold for it.
    pub skills: Skills,
    /// Labels.
    pub tags: BTreeSet<Code>,
    /// Code of the cause.
    pub root_cause: Option<Code>,
    /// Code of the outcome.
    pub outcome: Option<Code>,
    /// How it was solved, as the customer may be told.
    pub resolution: Personal,
    /// What it is about, in kind.
    pub purpose: Option<Purpose>,
    /// What it belongs to.
    pub category: Option<Code>,
    /// A part of the category.
    pub subcategory: Option<Code>,
    /// The ticket it is a part of.
    pub parent: Option<TicketId>,
    /// Facts as the system it comes from tells them.
    pub attributes: Attributes,
    /// The ticket it was merged into, which stands for it.
    pub merged_into: Option<TicketId>,
    /// How many tickets were merged into it itself.
    pub merged_count: u32,
    /// The ticket it was split from.
    pub split_from: Option<TicketId>,
    /// The ticket that it repeats; none for a first contact.
    pub repeat_of: Option<TicketId>,
    /// How often it was reopened.
    pub reopen_count: u32,
    /// How often it was moved from one queue to another. A desk's log shows that this is what desks count: the first
    /// group of a ticket that came without one counts, a new owner does not.
    pub reassignment_count: u32,
    /// When it was opened.
    pub created_at: Micros,
    /// When it last changed.
    pub updated_at: Micros,
    /// When it was last resolved; none while it is not.
    pub resolved_at: Option<Micros>,
    /// When it was closed.
    pub closed_at: Option<Micros>,
    /// Counts changes from 1.
    pub version: i64,
}

/// What a ticket starts with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// What it is about.
    pub subject: Personal,
    /// More about it.
    pub description: Personal,
    /// How urgent it is.
    pub priority: Priority,
    /// The queue its work goes to.
    pub queue: QueueId,
    /// The customer, once recognised.
    pub customer: Option<CustomerRef>,
    /// The conversation it grows out of.
    pub conversation: Option<ConversationId>,
    /// Skills an agent must hold for it.
    pub skills: Skills,
    /// Labels.
    pub tags: BTreeSet<Code>,
    /// What it is about, in kind.
    pub purpose: Option<Purpose>,
    /// How bad it is.
    pub severity: Option<Severity>,
    /// What it belongs to.
    pub category: Option<Code>,
    /// A part of the category.
    pub subcategory: Option<Code>,
    /// The ticket it is a part of.
    pub parent: Option<TicketId>,
    /// Facts as the system it comes from tells them.
    pub attributes: Attributes,
    /// The ticket it is split from.
    pub split_from: Option<TicketId>,
}

/// New values of a ticket; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct TicketChange {
    /// What it is about.
    pub subject: Option<Personal>,
    /// More about it.
    pub description: Option<Personal>,
    /// How urgent it is.
    pub priority: Option<Priority>,
    /// The queue its work goes to.
    pub queue: Option<QueueId>,
    /// Who owns it.
    pub owner: Option<Option<AgentId>>,
    /// Skills an agent must hold for it.
    pub skills: Option<Skills>,
    /// Labels.
    pub tags: Option<BTreeSet<Code>>,
    /// Code of the cause.
    pub root_cause: Option<Option<Code>>,
    /// Code of the outcome.
    pub outcome: Option<Option<Code>>,
    /// Open or pending.
    pub state: Option<TicketState>,
    /// For whom it waits; makes it pending.
    pub waiting_on: Option<WaitingOn>,
    /// What it is about, in kind.
    pub purpose: Option<Option<Purpose>>,
    /// How much it affects.
    pub impact: Option<Option<Impact>>,
    /// How soon it must be solved.
    pub urgency: Option<Option<Urgency>>,
    /// What it belongs to.
    pub category: Option<Option<Code>>,
    /// A part of the category.
    pub subcategory: Option<Option<Code>>,
    /// The ticket it is a part of.
    pub parent: Option<Option<TicketId>>,
    /// Facts as the system it comes from tells them.
    pub attributes: Option<Attributes>,
}

/// Why a ticket cannot do what is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TicketRefusal {
    /// It is resolved or closed.
    #[error("the ticket is resolved or closed")]
    NotOpen,
    /// It is not resolved.
    #[error("the ticket is not resolved")]
    NotResolved,
    /// It is closed for good.
    #[error("the ticket is closed")]
    Closed,
    /// Another agent works on it.
    #[error("another agent works on the ticket")]
    WorkInProgress,
    /// Impact and urgency belong together.
    #[error("one of impact and urgency is missing")]
    HalfSevere,
    /// A priority was given that does not follow from impact and urgency.
    #[error("the priority follows from impact and urgency")]
    PriorityContradicts,
    /// It would be a part of itself.
    #[error("the ticket would be a part of itself")]
    ParentIsPart,
    /// More tickets would be above it than may be.
    #[error("too many tickets would be above the ticket")]
    ParentTooHigh,
    /// It was merged into another, which stands for it.
    #[error("the ticket was merged into {0}")]
    Merged(TicketId),
    /// It stands for itself.
    #[error("the ticket was not merged")]
    NotMerged,
    /// It would stand for more tickets than may be merged into one.
    #[error("too many tickets would be merged")]
    MergedTooMany,
}

impl Ticket {
    /// A ticket that so many are above gets no parts: whoever looks for a ticket above itself comes to an end.
    pub const ABOVE_MAX: usize = 8;

    /// A new ticket.
    #[must_use]
    pub fn open(id: TicketId, opening: Opening, now: Micros) -> Self {
        let follows = opening.severity.map(Severity::priority);
        Self {
            id,
            state: TicketState::New,
            waiting_on: None,
            subject: opening.subject,
            description: opening.description,
            priority: follows.unwrap_or(opening.priority),
            severity: opening.severity,
            queue: opening.queue,
            owner: None,
            customer: opening.customer,
            conversation: opening.conversation,
            skills: opening.skills,
            tags: opening.tags,
            root_cause: None,
            outcome: None,
            resolution: Personal::default(),
            purpose: opening.purpose,
            category: opening.category,
            subcategory: opening.subcategory,
            parent: opening.parent,
            attributes: opening.attributes,
            merged_into: None,
            merged_count: 0,
            split_from: opening.split_from,
            repeat_of: None,
            reopen_count: 0,
            reassignment_count: 0,
            created_at: now,
            updated_at: now,
            resolved_at: None,
            closed_at: None,
            version: 1,
        }
    }

    /// Applies new values.
    ///
    /// # Errors
    /// [`TicketRefusal::Closed`] when it is over for good; [`TicketRefusal::NotOpen`] when its
    /// state is to change although it is resolved; [`TicketRefusal::HalfSevere`] and
    /// [`TicketRefusal::PriorityContradicts`] when impact, urgency and priority do not fit.
    pub fn change(&mut self, change: TicketChange, now: Micros) -> Result<(), TicketRefusal> {
        if self.state.is_over() {
            return Err(TicketRefusal::Closed);
        }
        let turns = change.state.is_some() || change.waiting_on.is_some();
        if turns && !self.state.is_open() {
            return Err(TicketRefusal::NotOpen);
        }
        let (severity, priority) = self.graded(&change)?;
        fn set<T>(field: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *field = value;
            }
        }
        set(&mut self.subject, change.subject);
        set(&mut self.description, change.description);
        (self.severity, self.priority) = (severity, priority);
        let moved = change.queue.is_some_and(|queue| queue != self.queue);
        self.reassignment_count += u32::from(moved);
        set(&mut self.queue, change.queue);
        set(&mut self.owner, change.owner);
        set(&mut self.skills, change.skills);
        set(&mut self.tags, change.tags);
        set(&mut self.root_cause, change.root_cause);
        set(&mut self.outcome, change.outcome);
        set(&mut self.purpose, change.purpose);
        set(&mut self.category, change.category);
        set(&mut self.subcategory, change.subcategory);
        set(&mut self.parent, change.parent);
        set(&mut self.attributes, change.attributes);
        self.turn(change.state, change.waiting_on);
        self.changed(now);
        Ok(())
    }

    /// How bad and how urgent it is after a change. What an escalation has raised stays until impact or urgency is
    /// another, also when it is given back as it was read.
    fn graded(&self, change: &TicketChange) -> Result<(Option<Severity>, Priority), TicketRefusal> {
        let (impact, urgency) = (
            self.severity.map(|severity| severity.impact),
            self.severity.map(|severity| severity.urgency),
        );
        let severity = Severity::of(
            change.impact.unwrap_or(impact),
            change.urgency.unwrap_or(urgency),
        )?;
        let Some(follows) = severity.map(Severity::priority) else {
            return Ok((None, change.priority.unwrap_or(self.priority)));
        };
        let stays = (severity == self.severity).then_some(self.priority);
        match change.priority {
            None => Ok((severity, stays.unwrap_or(follows))),
            Some(given) if given == follows || Some(given) == stays => Ok((severity, given)),
            Some(_) => Err(TicketRefusal::PriorityContradicts),
        }
    }

    /// An escalation makes it more urgent than its impact and urgency say. Answers whether that changed anything.
    pub fn raise(&mut self, priority: Priority, now: Micros) -> bool {
        let raises = self.priority < priority && !self.state.is_over();
        if raises {
            self.priority = priority;
            self.changed(now);
        }
        raises
    }

    /// Whoever says for whom it waits says that it waits; whoever says only that it does means the customer.
    fn turn(&mut self, state: Option<TicketState>, waiting_on: Option<WaitingOn>) {
        let pending = waiting_on.map(|_| TicketState::Pending);
        self.state = pending.or(state).unwrap_or(self.state);
        self.waiting_on = match self.state {
            TicketState::Pending => waiting_on.or(self.waiting_on).or(Some(WaitingOn::Customer)),
            _ => None,
        };
    }

    /// Takes it up again.
    ///
    /// # Errors
    /// [`TicketRefusal::NotResolved`] in every other state.
    pub fn reopen(&mut self, now: Micros) -> Result<(), TicketRefusal> {
        if self.state != TicketState::Resolved {
            return Err(TicketRefusal::NotResolved);
        }
        self.state = TicketState::Open;
        self.reopen_count += 1;
        self.resolved_at = None;
        self.changed(now);
        Ok(())
    }

    /// Ends it for good.
    ///
    /// # Errors
    /// [`TicketRefusal::NotResolved`] in every other state than resolved.
    pub fn close(&mut self, now: Micros) -> Result<(), TicketRefusal> {
        if self.state != TicketState::Resolved {
            return Err(TicketRefusal::NotResolved);
        }
        self.state = TicketState::Closed;
        self.closed_at = Some(now);
        self.changed(now);
        Ok(())
    }

    /// An agent has accepted work of it: it is open, and theirs when it was nobody's.
    /// Answers whether that changed anything.
    pub fn taken_up(&mut self, agent: AgentId, now: Micros) -> bool {
        let wakes = matches!(self.state, TicketState::New | TicketState::Pending);
        if !wakes && self.owner.is_some() {
            return false;
        }
        if wakes {
            self.turn(Some(TicketState::Open), None);
        }
        self.owner = self.owner.or(Some(agent));
        self.changed(now);
        true
    }

    /// The customer turned out to be known. Answers whether that is new.
    pub fn recognised(&mut self, customer: CustomerRef, now: Micros) -> bool {
        if self.customer.is_some() {
            return false;
        }
        self.customer = Some(customer);
        self.changed(now);
        true
    }

    fn changed(&mut self, now: Micros) {
        self.updated_at = now;
        self.version += 1;
    }
}

#[cfg(test)]
mod tests;
