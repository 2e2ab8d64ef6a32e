/// Why an input is not possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No offer of that id is out.
    OfferNotOut,
    /// The offer or the work is another agent's.
    NotTheirs,
    /// No open work item of that id.
    WorkNotOpen,
    /// The work is accepted already: it can only be completed.
    WorkAccepted,
    /// The work is not in an agent's hands: nothing to complete.
    WorkNotAccepted,
    /// The work is not in wrap-up: nothing to end.
    NotWrappingUp,
    /// No such agent.
    AgentUnknown,
    /// A work item of that id is known already.
    WorkKnown,
    /// As many wait in the queue as may, and nobody is free for this one.
    QueueFull,
    /// It is outside of the hours of the queue.
    QueueClosed,
    /// No such queue.
    QueueUnknown,
    /// No stream of the agent is open.
    AgentNotPresent,
    /// The agent takes no work.
    AgentNotAvailable,
    /// The agent does not hold every skill that the work asks for.
    SkillsMissing,
    /// The agent has as much of the channel as they take at once.
    NoCapacity,
    /// The agent has it already.
    HasIt,
    /// The contact is over: the work can only be completed.
    ContactOver,
    /// The agent is a person.
    AgentNotVirtual,
    /// The contact was handed on as often as it may be.
    HandedOnTooOften,
    /// The contact is on hold already.
    OnHold,
    /// The contact is not on hold.
    NotOnHold,
    /// Somebody is at the other end: a contact like that is put on hold, not parked.
    ContactLive,
    /// The work is not parked.
    NotParked,
    /// Wrap-up has lasted as long as it may.
    WrapUpTooLong,
    /// No connector takes commands for the contact.
    NotCommanded,
    /// A second agent is asked already.
    Consulting,
    /// Nobody is asked about it.
    NotConsulting,
    /// Who is asked has not accepted yet.
    ConsultNotAccepted,
    /// It is the work of who is asked about another's contact.
    IsConsult,
}
