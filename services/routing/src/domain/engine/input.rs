use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rapport_foundation::id::{AgentId, CalendarId, OfferId, QueueId, TicketId, WorkItemId};
use rapport_foundation::time::Micros;

pub use super::effect::Effect;
use super::manual::Handing;
pub use super::refusal::Refusal;
use crate::domain::contact_command::CommandKind;
use crate::domain::sla::Hours;
use crate::domain::{
    Agent, AgentKind, Capacity, Code, CustomerRef, Discipline, Priority, Queue, Skills, Status,
    WorkItem, WorkSelection,
};

/// One open stream of an agent; unique in the life of the process.
pub type StreamId = u64;

/// What the engine needs of an agent's setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Which agent.
    pub id: AgentId,
    /// The queues they serve.
    pub queues: BTreeSet<QueueId>,
    /// What they can do.
    pub skills: Skills,
    /// Skills that end, and when.
    pub skills_until: BTreeMap<Code, Micros>,
    /// How much they take at once.
    pub capacity: Capacity,
    /// Which of their queues' work they get when they come free.
    pub work_selection: WorkSelection,
    /// Whether they are a person.
    pub kind: AgentKind,
    /// The calendar of their shifts.
    pub shifts: Option<CalendarId>,
}

impl From<&Agent> for Profile {
    fn from(agent: &Agent) -> Self {
        Self {
            id: agent.id,
            queues: agent.queues.clone(),
            skills: agent.skills.clone(),
            skills_until: agent.skills_until.clone(),
            capacity: agent.capacity.clone(),
            work_selection: agent.work_selection,
            kind: agent.kind,
            shifts: agent.shifts,
        }
    }
}

/// What the engine needs of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Which queue.
    pub id: QueueId,
    /// How long an offer stands.
    pub offer_timeout: Duration,
    /// How long wrap-up lasts by itself.
    pub wrap_up: Duration,
    /// How long it lasts at most when it is extended.
    pub most_wrap_up: Duration,
    /// Offers in a row an agent may let lapse.
    pub max_lapsed_offers: u32,
    /// How many may wait; who comes when so many do and nobody is free is refused. None: no limit.
    pub most_waiting: Option<u32>,
    /// Work that is answered within this is answered in time.
    pub answer_target: Duration,
    /// Who leaves within this left too soon to be counted against the service level.
    pub short_abandon: Duration,
    /// How its work finds its agents.
    pub discipline: Discipline,
    /// The connectors that hold the contacts of its work are told what to do with them.
    pub commanded: bool,
}

impl From<&Queue> for Terms {
    fn from(queue: &Queue) -> Self {
        Self {
            id: queue.id,
            offer_timeout: queue.offer_timeout,
            wrap_up: queue.wrap_up,
            most_wrap_up: queue.most_wrap_up,
            max_lapsed_offers: queue.max_lapsed_offers,
            most_waiting: queue.most_waiting,
            answer_target: queue.answer_target,
            short_abandon: queue.short_abandon,
            discipline: queue.discipline,
            commanded: queue.commanded,
        }
    }
}

/// What may happen to the engine. Each is a fact of the outside; what is not possible is
/// answered by [`Effect::Refused`] and changes nothing.
#[derive(Clone, Debug)]
pub enum Input {
    /// New work waits. Its state must be `Waiting`.
    WorkItemQueued(Box<WorkItem>),
    /// The same for what cannot be sent away: it waits although the queue is full.
    WorkItemAdmitted(Box<WorkItem>),
    /// Work that nobody has accepted needs nobody any more, or nobody waits for it any more.
    WorkItemWithdrawn {
        /// The work.
        item: WorkItemId,
        /// The customer left, rather than that we need nobody.
        abandoned: bool,
    },
    /// Work that nobody has accepted belongs elsewhere now, and is on no way to anywhere else. Its age is kept; an
    /// offer that is out is taken back when the queue or the skills are others.
    WorkItemChanged {
        /// The work.
        item: WorkItemId,
        /// The queue it waits in.
        queue: QueueId,
        /// Skills an agent must hold.
        skills: Skills,
        /// How urgent it is.
        priority: Priority,
    },
    /// What work that is on its way from target to target asks for itself is different. It stays on its way.
    RoutedWorkChanged {
        /// The work.
        item: WorkItemId,
        /// Skills that it asks for wherever it waits.
        own: Skills,
        /// How urgent it is.
        priority: Priority,
    },
    /// The customer behind a ticket became known.
    CustomerKnown {
        /// The ticket.
        ticket: TicketId,
        /// The customer.
        customer: CustomerRef,
    },
    /// The ticket is resolved: what nobody has accepted is withdrawn, what is in somebody's
    /// hands they may finish.
    TicketSettled(TicketId),
    /// The ticket is taken up again.
    TicketReopened(TicketId),
    /// Open work turned out to belong to another ticket.
    WorkSplit {
        /// The work.
        items: Vec<WorkItemId>,
        /// The ticket.
        ticket: TicketId,
    },
    /// A queue is new or has other terms, which hold from now on.
    QueueChanged(Terms),
    /// An agent is new or has another setting.
    AgentChanged(Profile),
    /// An agent says whether they take work.
    StatusSet {
        /// Who.
        agent: AgentId,
        /// Whether they take work.
        status: Status,
        /// Why.
        reason: Option<Code>,
    },
    /// A stream of an agent was opened.
    StreamOpened {
        /// Who.
        agent: AgentId,
        /// Which stream.
        stream: StreamId,
    },
    /// A stream of an agent broke or was closed.
    StreamClosed {
        /// Who.
        agent: AgentId,
        /// Which stream.
        stream: StreamId,
    },
    /// An agent takes what they were offered.
    OfferAccepted {
        /// The offer.
        offer: OfferId,
        /// Who.
        agent: AgentId,
    },
    /// An agent says no.
    OfferRejected {
        /// The offer.
        offer: OfferId,
        /// Who.
        agent: AgentId,
    },
    /// Handling is over; wrap-up begins.
    WorkCompleted {
        /// The work.
        item: WorkItemId,
        /// Who.
        agent: AgentId,
        /// Code of the outcome.
        disposition: Option<Code>,
        /// Whether the agent needs no wrap-up.
        skip_wrap_up: bool,
    },
    /// Wrap-up is over before its time.
    WrapUpEnded {
        /// The work.
        item: WorkItemId,
        /// Who.
        agent: AgentId,
    },
    /// Wrap-up takes longer, as far as its queue lets it.
    WrapUpExtended {
        /// The work.
        item: WorkItemId,
        /// Who.
        agent: AgentId,
        /// By how much.
        by: Duration,
    },
    /// Work that nobody has accepted is put before one agent, whoever is asked otherwise, or into their hands.
    WorkAssigned {
        /// The work.
        item: WorkItemId,
        /// To whom.
        to: Handing,
    },
    /// Work goes to another queue, also out of an agent's hands, who is passed over for it as if they had said no.
    /// Its age is kept.
    WorkMoved {
        /// The work.
        item: WorkItemId,
        /// The queue it waits in.
        queue: QueueId,
        /// Skills an agent must hold.
        skills: Skills,
        /// How urgent it is.
        priority: Priority,
    },
    /// Accepted work is taken from its agent, who is passed over for it as if they had said no.
    WorkReleased {
        /// The work.
        item: WorkItemId,
        /// To whom it goes; none: back to its queue.
        to: Option<Handing>,
    },
    /// The agent who has it hands the contact on: the work ends for them, and `next` waits.
    WorkHandedOn {
        /// The work.
        item: WorkItemId,
        /// Who has it.
        agent: AgentId,
        /// What goes on with the contact. Its state must be `Waiting`; whom it is kept for is in its passage.
        next: Box<WorkItem>,
        /// Code of the outcome.
        disposition: Option<Code>,
        /// Whether the agent needs no wrap-up.
        skip_wrap_up: bool,
    },
    /// The agent puts the contact on hold.
    WorkHeld {
        /// The work.
        item: WorkItemId,
        /// Who has it.
        agent: AgentId,
    },
    /// The agent takes the contact from hold.
    WorkResumed {
        /// The work.
        item: WorkItemId,
        /// Who has it.
        agent: AgentId,
    },
    /// The agent waits for something: the work stays theirs, and takes none of their capacity until then.
    WorkParked {
        /// The work.
        item: WorkItemId,
        /// Who has it.
        agent: AgentId,
        /// When it comes back by itself.
        until: Micros,
    },
    /// The agent is at parked work again.
    WorkUnparked {
        /// The work.
        item: WorkItemId,
        /// Who has it.
        agent: AgentId,
    },
    /// The customer of a ticket said something: what is parked of it comes back.
    CustomerWrote(TicketId),
    /// The customer behind waiting work hangs up, and is called when an agent accepts. The work keeps its place.
    CallbackRequested {
        /// The work.
        item: WorkItemId,
        /// How often they are called at most.
        attempts: u16,
        /// How long it is waited after they were not reached.
        pause: Duration,
        /// They are not called before.
        not_before: Option<Micros>,
    },
    /// The customer was called and not reached: the agent who accepted at that moment is free, and the customer is called
    /// again after a pause, or no more.
    NotCalled {
        /// The work.
        item: WorkItemId,
        /// Who.
        agent: AgentId,
        /// When they accepted it.
        at: Micros,
    },
    /// The customer was called and reached, whoever has the work by now.
    Called {
        /// What its contact is by now.
        item: WorkItemId,
    },
    /// The contact is connected with the agent who accepted the work at that moment.
    Connected {
        /// The work.
        item: WorkItemId,
        /// Who.
        agent: AgentId,
        /// When they accepted it.
        at: Micros,
    },
    /// It could not be connected: the work goes back to its place in the queue, and the agent is passed over for it.
    NotConnected {
        /// The work.
        item: WorkItemId,
        /// Who.
        agent: AgentId,
        /// When they accepted it.
        at: Micros,
        /// They could not be reached: it counts as an offer that they let lapse.
        unreachable: bool,
    },
    /// A contact could not be parted from who had it: what was to go on with it goes back to them, or waits when they are
    /// gone.
    NotTransferred {
        /// What was to go on with the contact.
        item: WorkItemId,
        /// Who had it.
        from: AgentId,
        /// To whom it was given, and when; none when it waits.
        given: Option<(AgentId, Micros)>,
    },
    /// A contact that an agent has in hand could not be put on hold, taken from it, or brought together with them and who is
    /// asked: it is as it was.
    NotDone {
        /// The work.
        item: WorkItemId,
        /// Who had it.
        agent: AgentId,
        /// What could not be done.
        kind: CommandKind,
        /// When it was to be.
        at: Micros,
    },
    /// The agent asks a second one about the contact, which is put on hold.
    ConsultStarted {
        /// The work.
        item: WorkItemId,
        /// Who has it.
        agent: AgentId,
        /// The work of whoever is asked. Its state must be `Waiting`.
        consult: Box<WorkItem>,
    },
    /// The agent asks nobody any more.
    ConsultEnded {
        /// The work.
        item: WorkItemId,
        /// Who has it.
        agent: AgentId,
    },
    /// The contact goes to who was asked about it: the work of who has it ends.
    TransferCompleted {
        /// The work.
        item: WorkItemId,
        /// Who has it.
        agent: AgentId,
        /// Code of the outcome.
        disposition: Option<Code>,
        /// Whether the agent needs no wrap-up.
        skip_wrap_up: bool,
    },
    /// The contact and both agents come together.
    ConferenceStarted {
        /// The work.
        item: WorkItemId,
        /// Who has it.
        agent: AgentId,
    },
    /// Time has passed.
    Tick,
    /// A virtual agent hands accepted work over to a queue. Its age is kept.
    WorkHandedOver {
        /// The work.
        item: WorkItemId,
        /// Who.
        agent: AgentId,
        /// The queue it waits in.
        queue: QueueId,
        /// Skills an agent must hold.
        skills: Skills,
        /// How urgent it is.
        priority: Priority,
    },
    /// A calendar is new or has other hours.
    CalendarChanged {
        /// Which calendar.
        calendar: CalendarId,
        /// When those are on shift whose shifts it tells.
        hours: Box<Hours>,
    },
}
