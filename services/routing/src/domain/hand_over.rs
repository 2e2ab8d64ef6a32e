use rapport_foundation::id::{AgentId, TicketId, WorkItemId};
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;

use super::Code;

/// What a virtual agent handed over with work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandOver {
    /// The work.
    pub item: WorkItemId,
    /// The matter it belonged to then.
    pub ticket: TicketId,
    /// Who handed it over.
    pub agent: AgentId,
    /// When.
    pub at: Micros,
    /// What was collected, in its order.
    pub entries: Vec<(Code, Personal)>,
}

impl HandOver {
    /// How many things may be handed over with work.
    pub const MOST_ENTRIES: usize = 32;
}
