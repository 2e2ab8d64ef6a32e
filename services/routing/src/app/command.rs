//! What the owner of a tenant may be asked to decide, and what comes of it.

mod settings;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rapport_foundation::events::Mark;
use rapport_foundation::id::{
    AgentId, CalendarId, ContactCommandId, ConversationId, InteractionId, OfferId, QueueId,
    RecordId, RoutingPolicyId, SlaPolicyId, TicketId, WorkItemId,
};
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;
use uuid::Uuid;

pub(crate) use settings::{AgentChange, NewAgent, NewCalendar, NewPolicy, NewQueue, QueueChange};

use super::desk::Desk;
use super::watch::{Look, View};
use crate::domain::contact_command::{CommandKind, Said, Taker};
use crate::domain::engine::{Handing, StreamId};
use crate::domain::policy::Draft;
use crate::domain::sla::{CalendarChange, PolicyChange};
use crate::domain::{
    Attributes, Author, By, Channel, Code, CustomerRef, Priority, Purpose, Severity, Skills,
    Solution, Status, Ticket, TicketChange, WorkItem,
};
use crate::store::Joining;

/// A decision to be made.
#[derive(Debug)]
pub(crate) enum Command {
    OpenTicket {
        new: NewTicket,
        said: By,
    },
    ChangeTicket {
        id: TicketId,
        change: TicketChange,
        etag: Option<i64>,
        said: By,
    },
    ResolveTicket {
        id: TicketId,
        by: Actor,
        solution: Solution,
        etag: Option<i64>,
        said: By,
    },
    ReopenTicket {
        id: TicketId,
        work_channel: Option<Channel>,
        etag: Option<i64>,
        said: By,
    },
    CloseTicket {
        id: TicketId,
        etag: Option<i64>,
        said: By,
    },
    CancelTicket {
        id: TicketId,
        by: Actor,
        outcome: Option<Code>,
        etag: Option<i64>,
        said: By,
    },
    MergeTickets {
        whole: TicketId,
        part: TicketId,
        /// Of the one and of the other.
        etags: (Option<i64>, Option<i64>),
        said: By,
    },
    UnmergeTicket {
        part: TicketId,
        etag: Option<i64>,
        said: By,
    },
    SplitTicket {
        id: TicketId,
        split: Split,
        etag: Option<i64>,
        said: By,
    },
    /// Tickets that a call is about, one after the other.
    PickTickets(Vec<TicketId>),
    AddNote {
        ticket: TicketId,
        text: Personal,
        author: Author,
    },
    CreateCalendar(NewCalendar),
    ChangeCalendar {
        id: CalendarId,
        change: CalendarChange,
        etag: Option<i64>,
        /// Only say whether it could be done.
        only_validate: bool,
    },
    CreatePolicy {
        new: NewPolicy,
        only_validate: bool,
    },
    ChangePolicy {
        id: SlaPolicyId,
        change: PolicyChange,
        etag: Option<i64>,
        only_validate: bool,
    },
    CreateRoutingDraft(Draft),
    ChangeRoutingDraft {
        id: RoutingPolicyId,
        draft: Draft,
        etag: Option<i64>,
    },
    PublishRouting {
        id: RoutingPolicyId,
        /// It held before, rather than never.
        back: bool,
        etag: Option<i64>,
    },
    SetRepeatRule {
        within: Duration,
        etag: Option<i64>,
    },
    CreateQueue(NewQueue),
    ChangeQueue {
        id: QueueId,
        change: QueueChange,
        etag: Option<i64>,
    },
    CreateAgent(NewAgent),
    ChangeAgent {
        id: AgentId,
        change: AgentChange,
        etag: Option<i64>,
    },
    SetStatus {
        agent: AgentId,
        status: Status,
        reason: Option<Code>,
    },
    AcceptOffer {
        offer: OfferId,
        agent: AgentId,
        item: WorkItemId,
    },
    RejectOffer {
        offer: OfferId,
        agent: AgentId,
        item: WorkItemId,
    },
    CompleteWork {
        item: WorkItemId,
        agent: AgentId,
        disposition: Option<Code>,
        skip_wrap_up: bool,
    },
    EndWrapUp {
        item: WorkItemId,
        agent: AgentId,
    },
    ExtendWrapUp {
        item: WorkItemId,
        agent: AgentId,
        by: Duration,
    },
    ParkWork {
        item: WorkItemId,
        agent: AgentId,
        /// For how long at most; none: it is taken up again.
        time: Option<Duration>,
    },
    AssignWork {
        item: WorkItemId,
        to: Handing,
        said: By,
    },
    MoveWork {
        item: WorkItemId,
        queue: QueueId,
        /// None: as it is.
        priority: Option<Priority>,
        said: By,
    },
    ReleaseWork {
        item: WorkItemId,
        to: Option<Handing>,
        said: By,
    },
    HandOnWork {
        item: WorkItemId,
        agent: AgentId,
        transfer: Transfer,
        said: By,
    },
    StartConsult {
        item: WorkItemId,
        agent: AgentId,
        to: Target,
        /// What who is asked should know; may be empty.
        note: Personal,
        said: By,
    },
    EndConsult {
        item: WorkItemId,
        agent: AgentId,
    },
    CompleteTransfer {
        item: WorkItemId,
        agent: AgentId,
        disposition: Option<Code>,
        skip_wrap_up: bool,
        said: By,
    },
    StartConference {
        item: WorkItemId,
        agent: AgentId,
    },
    RequestCallback {
        item: WorkItemId,
        attempts: u16,
        pause: Duration,
    },
    HoldWork {
        item: WorkItemId,
        agent: AgentId,
        /// Rather than taken from hold.
        hold: bool,
    },
    MonitorWork {
        item: WorkItemId,
        /// One of the three ways to listen.
        how: CommandKind,
        by: AgentId,
        said: By,
    },
    /// A connector's stream has room for commands.
    TakeCommands(Taker),
    /// What a connector says of commands.
    HearCommands {
        taker: Taker,
        reports: Vec<Report>,
    },
    /// A connector's stream is gone.
    LeaveCommands(Uuid),
    /// Nothing is decided: the owner tells.
    Look(Look),
    OpenDesk(Desk),
    CloseDesk {
        agent: AgentId,
        stream: StreamId,
    },
    /// What another service's log says, in its order.
    Apply {
        facts: Vec<Fact>,
        mark: Mark,
    },
    /// A virtual agent hands work over to a queue.
    HandOver {
        item: WorkItemId,
        agent: AgentId,
        to: NewHandOver,
        said: By,
    },
}

/// What a connector says of an attempt.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) id: ContactCommandId,
    pub(crate) attempt: i32,
    pub(crate) said: Said,
}

/// In whose name something is done to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Actor {
    /// An agent, for themselves.
    Agent(AgentId),
    /// A supervisor or a system, for whoever is at it.
    ForOthers,
}

/// The resource a decision made or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) id: Uuid,
    pub(crate) version: i64,
    /// The work item itself, as it was decided: it needs not be read again.
    pub(crate) work: Option<Box<WorkItem>>,
    /// The ticket itself, the same, its customer as they were when it was opened.
    pub(crate) ticket: Option<Box<Ticket>>,
    /// What was asked for.
    pub(crate) seen: Option<Box<View>>,
}

impl Done {
    pub(crate) const fn new(id: Uuid, version: i64) -> Self {
        Self {
            id,
            version,
            work: None,
            ticket: None,
            seen: None,
        }
    }
}

/// A ticket opened by hand.
#[derive(Debug)]
pub(crate) struct NewTicket {
    pub(crate) subject: Personal,
    pub(crate) description: Personal,
    /// None: the queue's.
    pub(crate) priority: Option<Priority>,
    /// None: the tenant's default queue.
    pub(crate) queue: Option<QueueId>,
    pub(crate) customer: Option<CustomerRef>,
    pub(crate) conversation: Option<ConversationId>,
    pub(crate) skills: Skills,
    pub(crate) tags: BTreeSet<Code>,
    pub(crate) purpose: Option<Purpose>,
    pub(crate) severity: Option<Severity>,
    pub(crate) category: Option<Code>,
    pub(crate) subcategory: Option<Code>,
    pub(crate) parent: Option<TicketId>,
    pub(crate) attributes: Attributes,
    /// When given, a work item is queued with it.
    pub(crate) work_channel: Option<Channel>,
}

/// Work to be taken out of a ticket.
#[derive(Debug)]
pub(crate) struct Split {
    pub(crate) items: Vec<WorkItemId>,
    /// Their work.
    pub(crate) interactions: Vec<InteractionId>,
    /// None: that of the ticket.
    pub(crate) subject: Option<Personal>,
    pub(crate) conversation: Option<ConversationId>,
}

/// How a contact is handed on.
#[derive(Debug)]
pub(crate) struct Transfer {
    pub(crate) to: Target,
    /// What whoever goes on with it should know; may be empty.
    pub(crate) note: Personal,
    pub(crate) disposition: Option<Code>,
    pub(crate) skip_wrap_up: bool,
    /// It loses the turn that the contact had.
    pub(crate) end_of_line: bool,
}

/// Whose customer waits: that of work, or a contact, which stands for the work that goes on with it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Waiting {
    Work(WorkItemId),
    Contact(InteractionId),
}

/// Where a contact goes.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// None: the one it is of.
    pub(crate) queue: Option<QueueId>,
    /// Whom it is kept for, and how long.
    pub(crate) agent: Option<(AgentId, Duration)>,
    /// Besides those of the queue and of the ticket; none: as it was.
    pub(crate) skills: Skills,
    /// None: as it was.
    pub(crate) priority: Option<Priority>,
}

/// Where a virtual agent hands work over to, and what with.
#[derive(Debug)]
pub(crate) struct NewHandOver {
    pub(crate) queue: QueueId,
    /// None: as it is.
    pub(crate) priority: Option<Priority>,
    pub(crate) entries: Vec<(Code, Personal)>,
}

/// One event of another service, as routing understands it.
#[derive(Debug)]
pub(crate) struct Fact {
    pub(crate) traceparent: Option<String>,
    pub(crate) what: What,
}

/// What an event says.
#[derive(Debug)]
pub(crate) enum What {
    /// An interaction was tied to a customer, or is pending.
    Linked(Box<Linked>),
    /// A pending interaction was tied to a customer after all.
    CustomerKnown {
        interaction: InteractionId,
        customer: CustomerRef,
    },
    /// A live contact is over.
    ContactEnded {
        interaction: InteractionId,
        at: Micros,
    },
    /// Conversations became one, or are two again.
    Conversations(Joining),
    /// A customer was erased: what is kept of them in words is forgotten, that there were tickets is not.
    Erased { records: Vec<RecordId> },
}

/// An interaction as it comes to routing.
#[derive(Debug)]
pub(crate) struct Linked {
    pub(crate) interaction: InteractionId,
    pub(crate) conversation: Option<ConversationId>,
    pub(crate) channel: Channel,
    pub(crate) purpose: Option<Purpose>,
    /// Somebody is on the line: a call or a chat session.
    pub(crate) live: bool,
    /// The connector that recorded it; none where that is not told.
    pub(crate) connector: Option<Arc<str>>,
    /// The customer turned to us, rather than we to them.
    pub(crate) inbound: bool,
    /// A machine sent it.
    pub(crate) automatic: bool,
    /// It is taken over from elsewhere: nothing follows from it.
    pub(crate) history: bool,
    /// When it took place, where that is told.
    pub(crate) at: Option<Micros>,
    /// The tenant's intake rules ask for an agent, and it is not history.
    pub(crate) asks_for_agent: bool,
    pub(crate) queue: Option<Code>,
    pub(crate) skills: Skills,
    pub(crate) priority: Option<Priority>,
    pub(crate) customer: Option<CustomerRef>,
}
