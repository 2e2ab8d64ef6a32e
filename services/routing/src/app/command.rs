//! What the owner of a tenant may be asked to decide, and what comes of it.

use std::collections::{BTreeMap, BTreeSet};
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

use super::desk::Desk;
use super::watch::{Look, View};
use crate::domain::contact_command::{CommandKind, Said, Taker};
use crate::domain::engine::{Handing, StreamId};
use crate::domain::policy::Draft;
use crate::domain::sla::{CalendarChange, PolicyChange};
use crate::domain::{
    AgentKind, Attributes, Author, By, Channel, Code, CustomerRef, Priority, Purpose, Selection,
    Severity, Skills, Solution, Status, Ticket, TicketChange, WorkItem, WorkSelection,
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

/// A queue set up by hand.
#[derive(Debug)]
pub(crate) struct NewQueue {
    pub(crate) code: Code,
    pub(crate) settings: QueueChange,
}

/// A calendar set up by hand.
#[derive(Clone, Debug)]
pub(crate) struct NewCalendar {
    pub(crate) code: Code,
    pub(crate) settings: CalendarChange,
}

/// A policy set up by hand.
#[derive(Clone, Debug)]
pub(crate) struct NewPolicy {
    pub(crate) code: Code,
    pub(crate) settings: PolicyChange,
}

/// New settings of a queue; what is `None` stays, or is the usual.
#[derive(Debug, Default)]
pub(crate) struct QueueChange {
    pub(crate) display_name: Option<String>,
    pub(crate) default_priority: Option<Priority>,
    pub(crate) offer_timeout: Option<Duration>,
    pub(crate) wrap_up: Option<Duration>,
    pub(crate) max_lapsed_offers: Option<u32>,
    pub(crate) required_skills: Option<Skills>,
    pub(crate) most_waiting: Option<Option<u32>>,
    pub(crate) overflow: Option<Option<QueueId>>,
    pub(crate) answer_target: Option<Duration>,
    pub(crate) short_abandon: Option<Duration>,
    pub(crate) selection: Option<Selection>,
    pub(crate) most_occupancy_spread: Option<Option<u8>>,
    pub(crate) weight: Option<u16>,
    pub(crate) broadcast: Option<u8>,
    pub(crate) commanded: Option<bool>,
}

/// An agent set up by hand.
#[derive(Debug)]
pub(crate) struct NewAgent {
    pub(crate) principal: Personal,
    pub(crate) settings: AgentChange,
}

/// New settings of an agent; what is `None` stays, or is nothing.
#[derive(Debug, Default)]
pub(crate) struct AgentChange {
    pub(crate) display_name: Option<Personal>,
    pub(crate) address: Option<Personal>,
    pub(crate) skills: Option<Skills>,
    pub(crate) skills_until: Option<BTreeMap<Code, Micros>>,
    pub(crate) queues: Option<BTreeSet<QueueId>>,
    pub(crate) usual_capacity: Option<u16>,
    pub(crate) capacities: Option<Vec<(Channel, u16)>>,
    pub(crate) work_selection: Option<WorkSelection>,
    pub(crate) kind: Option<AgentKind>,
    pub(crate) shifts: Option<Option<CalendarId>>,
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
