//! What of a ticket changed, who changed it, and what they wrote down about it.

use std::collections::BTreeSet;

use rapport_foundation::id::{AgentId, TicketChangeId, TicketId, TicketNoteId};
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;

use super::Ticket;
use crate::domain::Code;
use crate::domain::code::named;
use crate::domain::text;

named! {
    /// A field of a ticket that may change; named as in update masks.
    pub enum TicketField {
        /// How far it is.
        State = "state",
        /// For whom it waits.
        WaitingOn = "waiting_on",
        /// What it is about.
        Subject = "subject",
        /// More about it.
        Description = "description",
        /// How urgent it is.
        Priority = "priority",
        /// How much it affects.
        Impact = "impact",
        /// How soon it must be solved.
        Urgency = "urgency",
        /// The queue its work goes to.
        Queue = "queue_id",
        /// Who owns it.
        Owner = "owner_agent_id",
        /// The customer.
        Customer = "customer",
        /// Skills an agent must hold for it.
        Skills = "required_skills",
        /// Labels.
        Tags = "tags",
        /// Code of the cause.
        RootCause = "root_cause",
        /// Code of the outcome.
        Outcome = "outcome",
        /// How it was solved, in words.
        Resolution = "resolution",
        /// What it is about, in kind.
        Purpose = "purpose",
        /// What it belongs to.
        Category = "category",
        /// A part of the category.
        Subcategory = "subcategory",
        /// The ticket it is a part of.
        Parent = "parent_ticket_id",
        /// Facts of the system it comes from.
        Attributes = "attributes",
        /// The ticket that stands for it.
        MergedInto = "merged_into_ticket_id",
        /// A ticket that it stands for.
        Merged = "merged_ticket_id",
        /// The ticket it was split from.
        SplitFrom = "split_from_ticket_id",
        /// The ticket that it repeats.
        RepeatOf = "repeat_of_ticket_id",
        /// A ticket that was split from it.
        Split = "split_ticket_id",
        /// By hand: who has work of it, or is offered it.
        WorkAgent = "work_item.agent_id",
        /// By hand: the queue that work of it waits in.
        WorkQueue = "work_item.queue_id",
        /// Work of it that was handed on, and what goes on with its contact.
        WorkNext = "work_item.next_work_item_id",
        /// Work of it whose agent asks, and that of who is asked.
        WorkConsult = "work_item.consult_work_item_id",
        /// Who was let to listen to a contact of it.
        WorkMonitor = "work_item.monitor",
    }
}

/// One field that is different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Which.
    pub field: TicketField,
    /// What it was; empty for nothing, and for what is personal.
    pub old: String,
    /// What it is.
    pub new: String,
}

/// Who did something to a ticket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Author {
    /// Nobody: a contact came in, or a clock ran out.
    #[default]
    Service,
    /// An agent.
    Agent(AgentId),
    /// A caller who is no agent, as their token calls them.
    Principal(Personal),
}

/// Who did something to a ticket, and what for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct By {
    /// Who.
    pub author: Author,
    /// What for; may be empty.
    pub reason: Personal,
}

impl By {
    /// An agent, by taking work.
    #[must_use]
    pub fn agent(agent: AgentId) -> Self {
        Self {
            author: Author::Agent(agent),
            reason: Personal::default(),
        }
    }
}

/// That a field of a ticket changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Which change.
    pub id: TicketChangeId,
    /// Of which ticket.
    pub ticket: TicketId,
    /// When.
    pub at: Micros,
    /// Version of the ticket that it led to.
    pub version: i64,
    /// Who did it, and what for.
    pub by: By,
    /// What changed.
    pub what: Changed,
}

/// What somebody wrote down about a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Which note.
    pub id: TicketNoteId,
    /// About which ticket.
    pub ticket: TicketId,
    /// When.
    pub at: Micros,
    /// By whom.
    pub author: Author,
    /// What it says.
    pub text: Personal,
}

/// What is different; of words and facts of persons only that they are. Without an earlier ticket: that there is one.
#[must_use]
pub fn differences(old: Option<&Ticket>, new: &Ticket) -> Vec<Changed> {
    let Some(old) = old else {
        return vec![Changed {
            field: TicketField::State,
            old: String::new(),
            new: new.state.as_str().to_owned(),
        }];
    };
    let told = told(old).into_iter().zip(told(new));
    let told = told.filter(|(old, new)| old != new);
    let told = told.map(|((field, old), (_, new))| Changed { field, old, new });
    let personal = [
        (TicketField::Subject, old.subject != new.subject),
        (TicketField::Description, old.description != new.description),
        (TicketField::Attributes, old.attributes != new.attributes),
        (TicketField::Resolution, old.resolution != new.resolution),
    ];
    let personal = personal.into_iter().filter(|(_, differs)| *differs);
    let personal = personal.map(|(field, _)| Changed {
        field,
        old: String::new(),
        new: String::new(),
    });
    told.chain(personal).collect()
}

/// The values of a ticket that may be told.
fn told(ticket: &Ticket) -> [(TicketField, String); 18] {
    let codes = |codes: &BTreeSet<Code>| {
        let codes: Vec<&str> = codes.iter().map(Code::as_str).collect();
        codes.join(",")
    };
    let severity = ticket.severity;
    [
        (TicketField::State, ticket.state.as_str().to_owned()),
        (
            TicketField::WaitingOn,
            text(ticket.waiting_on.map(|on| on.as_str())),
        ),
        (TicketField::Priority, ticket.priority.as_str().to_owned()),
        (
            TicketField::Impact,
            text(severity.map(|severity| severity.impact.as_str())),
        ),
        (
            TicketField::Urgency,
            text(severity.map(|severity| severity.urgency.as_str())),
        ),
        (TicketField::Queue, ticket.queue.to_string()),
        (TicketField::Owner, text(ticket.owner)),
        (
            TicketField::Customer,
            text(ticket.customer.map(|customer| customer.record)),
        ),
        (TicketField::Skills, ticket.skills.texts().join(",")),
        (TicketField::Tags, codes(&ticket.tags)),
        (TicketField::RootCause, text(ticket.root_cause.as_ref())),
        (TicketField::Outcome, text(ticket.outcome.as_ref())),
        (
            TicketField::Purpose,
            text(ticket.purpose.map(|purpose| purpose.as_str())),
        ),
        (TicketField::Category, text(ticket.category.as_ref())),
        (TicketField::Subcategory, text(ticket.subcategory.as_ref())),
        (TicketField::Parent, text(ticket.parent)),
        (TicketField::MergedInto, text(ticket.merged_into)),
        (TicketField::RepeatOf, text(ticket.repeat_of)),
    ]
}
