use std::collections::BTreeSet;

use rapport_foundation::id::{AgentId, ConversationId, QueueId, TicketId};
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;

use super::code::named;
use super::sla::WaitingOn;
use super::{Code, CustomerRef, Priority, Purpose, Skills};

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
    /// What it is about, in kind.
    pub purpose: Option<Purpose>,
    /// How often it was reopened.
    pub reopen_count: u32,
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
}

impl Ticket {
    /// A new ticket.
    #[must_use]
    pub fn open(id: TicketId, opening: Opening, now: Micros) -> Self {
        Self {
            id,
            state: TicketState::New,
            waiting_on: None,
            subject: opening.subject,
            description: opening.description,
            priority: opening.priority,
            queue: opening.queue,
            owner: None,
            customer: opening.customer,
            conversation: opening.conversation,
            skills: opening.skills,
            tags: opening.tags,
            root_cause: None,
            outcome: None,
            purpose: opening.purpose,
            reopen_count: 0,
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
    /// state is to change although it is resolved.
    pub fn change(&mut self, change: TicketChange, now: Micros) -> Result<(), TicketRefusal> {
        if self.state.is_over() {
            return Err(TicketRefusal::Closed);
        }
        let turns = change.state.is_some() || change.waiting_on.is_some();
        if turns && !self.state.is_open() {
            return Err(TicketRefusal::NotOpen);
        }
        fn set<T>(field: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *field = value;
            }
        }
        set(&mut self.subject, change.subject);
        set(&mut self.description, change.description);
        set(&mut self.priority, change.priority);
        set(&mut self.queue, change.queue);
        set(&mut self.owner, change.owner);
        set(&mut self.skills, change.skills);
        set(&mut self.tags, change.tags);
        set(&mut self.root_cause, change.root_cause);
        set(&mut self.outcome, change.outcome);
        set(&mut self.purpose, change.purpose);
        self.turn(change.state, change.waiting_on);
        self.changed(now);
        Ok(())
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

    /// Declares it solved. `by` is the agent who says so; `worked_on_by` are the agents who
    /// have accepted work of it.
    ///
    /// # Errors
    /// When it is not open, or somebody else works on it.
    pub fn resolve(
        &mut self,
        by: Option<AgentId>,
        worked_on_by: impl IntoIterator<Item = AgentId>,
        outcome: Option<Code>,
        root_cause: Option<Code>,
        now: Micros,
    ) -> Result<(), TicketRefusal> {
        self.may_settle(by, worked_on_by)?;
        self.turn(Some(TicketState::Resolved), None);
        self.owner = self.owner.or(by);
        self.outcome = outcome.or_else(|| self.outcome.take());
        self.root_cause = root_cause.or_else(|| self.root_cause.take());
        self.resolved_at = Some(now);
        self.changed(now);
        Ok(())
    }

    /// Ends it for good without a solution, as [`Ticket::resolve`] ends it with one.
    ///
    /// # Errors
    /// When it is not open, or somebody else works on it.
    pub fn cancel(
        &mut self,
        by: Option<AgentId>,
        worked_on_by: impl IntoIterator<Item = AgentId>,
        outcome: Option<Code>,
        now: Micros,
    ) -> Result<(), TicketRefusal> {
        self.may_settle(by, worked_on_by)?;
        self.turn(Some(TicketState::Cancelled), None);
        self.outcome = outcome.or_else(|| self.outcome.take());
        self.closed_at = Some(now);
        self.changed(now);
        Ok(())
    }

    fn may_settle(
        &self,
        by: Option<AgentId>,
        worked_on_by: impl IntoIterator<Item = AgentId>,
    ) -> Result<(), TicketRefusal> {
        if !self.state.is_open() {
            return Err(TicketRefusal::NotOpen);
        }
        if worked_on_by.into_iter().any(|agent| Some(agent) != by) {
            return Err(TicketRefusal::WorkInProgress);
        }
        Ok(())
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
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    const NOW: Micros = Micros(1_000_000);

    fn ticket() -> Ticket {
        let opening = Opening {
            subject: "no tone".into(),
            description: Personal::default(),
            priority: Priority::Normal,
            queue: QueueId::new(NOW),
            customer: None,
            conversation: None,
            skills: Skills::new(),
            tags: BTreeSet::new(),
            purpose: None,
        };
        Ticket::open(TicketId::new(NOW), opening, NOW)
    }

    #[test]
    fn the_first_agent_to_take_it_up_owns_it() {
        let (first, second) = (AgentId::new(NOW), AgentId::new(NOW));
        let mut ticket = ticket();
        assert!(ticket.taken_up(first, NOW));
        assert_eq!(
            (ticket.state, ticket.owner),
            (TicketState::Open, Some(first))
        );
        assert!(!ticket.taken_up(second, NOW));
        assert_eq!((ticket.owner, ticket.version), (Some(first), 2));
    }

    #[test]
    fn it_is_not_resolved_under_the_hands_of_another_agent() {
        let (mine, theirs) = (AgentId::new(NOW), AgentId::new(NOW));
        let mut ticket = ticket();
        let refused = ticket.resolve(Some(mine), [mine, theirs], None, None, NOW);
        assert_eq!(refused, Err(TicketRefusal::WorkInProgress));
        assert_eq!(
            ticket.resolve(None, [theirs], None, None, NOW),
            Err(TicketRefusal::WorkInProgress)
        );
        assert_eq!(ticket.resolve(Some(mine), [mine], None, None, NOW), Ok(()));
        assert_eq!(ticket.state, TicketState::Resolved);
    }

    #[test]
    fn a_ticket_that_waits_says_for_whom_and_one_that_does_not_says_nobody() {
        let mut ticket = ticket();
        let mut set = |state, waiting_on| {
            let change = TicketChange {
                state,
                waiting_on,
                ..TicketChange::default()
            };
            ticket.change(change, NOW).unwrap();
            (ticket.state, ticket.waiting_on)
        };
        use TicketState::{Open, Pending};
        use WaitingOn::{Customer, ThirdParty};
        assert_eq!(set(Some(Pending), None), (Pending, Some(Customer)));
        assert_eq!(set(None, Some(ThirdParty)), (Pending, Some(ThirdParty)));
        assert_eq!(set(Some(Pending), None), (Pending, Some(ThirdParty)));
        assert_eq!(set(Some(Open), None), (Open, None));
        assert_eq!(set(None, None), (Open, None));
    }

    #[test]
    fn a_cancelled_ticket_is_over_for_good() {
        let mine = AgentId::new(NOW);
        let mut ticket = ticket();
        let refused = ticket.cancel(None, [mine], None, NOW);
        assert_eq!(refused, Err(TicketRefusal::WorkInProgress));
        assert_eq!(ticket.cancel(Some(mine), [mine], None, NOW), Ok(()));
        assert_eq!((ticket.closed_at, ticket.resolved_at), (Some(NOW), None));
        assert_eq!(ticket.reopen(NOW), Err(TicketRefusal::NotResolved));
        assert_eq!(
            ticket.cancel(None, [], None, NOW),
            Err(TicketRefusal::NotOpen)
        );
        let changed = ticket.change(TicketChange::default(), NOW);
        assert_eq!(changed, Err(TicketRefusal::Closed));
    }

    #[test]
    fn each_state_allows_its_own_decisions_only() {
        let mut ticket = ticket();
        assert_eq!(ticket.reopen(NOW), Err(TicketRefusal::NotResolved));
        assert_eq!(ticket.close(NOW), Err(TicketRefusal::NotResolved));
        assert_eq!(ticket.resolve(None, [], None, None, NOW), Ok(()));
        assert_eq!(
            ticket.resolve(None, [], None, None, NOW),
            Err(TicketRefusal::NotOpen)
        );
        let pending = TicketChange {
            state: Some(TicketState::Pending),
            ..TicketChange::default()
        };
        assert_eq!(ticket.change(pending, NOW), Err(TicketRefusal::NotOpen));
        assert_eq!(ticket.reopen(NOW), Ok(()));
        assert_eq!((ticket.reopen_count, ticket.resolved_at), (1, None));
        assert_eq!(ticket.resolve(None, [], None, None, NOW), Ok(()));
        assert_eq!(ticket.close(NOW), Ok(()));
        assert_eq!(ticket.reopen(NOW), Err(TicketRefusal::NotResolved));
        assert_eq!(
            ticket.change(TicketChange::default(), NOW),
            Err(TicketRefusal::Closed)
        );
    }
}
