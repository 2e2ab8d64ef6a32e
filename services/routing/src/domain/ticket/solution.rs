//! How a ticket comes to need nobody any more.

use rapport_foundation::id::AgentId;
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;

use super::{Ticket, TicketRefusal, TicketState};
use crate::domain::Code;

/// How a ticket was solved; what is not said stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Solution {
    /// Code of the outcome.
    pub outcome: Option<Code>,
    /// Code of the cause.
    pub root_cause: Option<Code>,
    /// In words, as the customer may be told.
    pub resolution: Personal,
}

impl Ticket {
    /// Declares it solved. `by` is the agent who says so; `worked_on_by` are the agents who
    /// have accepted work of it.
    ///
    /// # Errors
    /// When it is not open, or somebody else works on it.
    pub fn resolve(
        &mut self,
        by: Option<AgentId>,
        worked_on_by: impl IntoIterator<Item = AgentId>,
        solution: Solution,
        now: Micros,
    ) -> Result<(), TicketRefusal> {
        self.may_settle(by, worked_on_by)?;
        self.turn(Some(TicketState::Resolved), None);
        self.owner = self.owner.or(by);
        self.outcome = solution.outcome.or_else(|| self.outcome.take());
        self.root_cause = solution.root_cause.or_else(|| self.root_cause.take());
        if !solution.resolution.is_empty() {
            self.resolution = solution.resolution;
        }
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
}
