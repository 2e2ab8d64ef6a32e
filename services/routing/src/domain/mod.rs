//! What routing is about, as types that cannot be wrong and decisions that are plain functions.
//!
//! Nothing here waits, reads a clock or knows a database: times come in as arguments, and
//! what should happen goes out as values.

mod agent;
mod capacity;
pub(crate) mod cel;
mod channel;
mod code;
pub mod contact_command;
mod customer;
mod discipline;
pub mod engine;
mod hand_over;
mod load;
mod passage;
pub mod policy;
mod queue;
mod repeat;
mod severity;
mod skill;
pub mod sla;
pub mod statistics;
mod ticket;
mod work_item;

pub use agent::{Adherence, Agent, AgentKind, AgentState, Presence, Shift, Standing, Status};
pub use capacity::{Capacity, ChannelCapacity, Channels, Limits};
pub use channel::{Channel, PerChannel, Purpose};
pub(crate) use code::text;
pub use code::{Code, NotACode};
pub use customer::CustomerRef;
pub use discipline::{Discipline, Selection, WorkSelection};
pub use hand_over::HandOver;
pub use load::{Duty, Load, Taken};
pub use passage::{Callback, Kept, Passage};
pub use queue::{AgentPreference, DEFAULT_QUEUE, Queue};
pub use repeat::{Earlier, RepeatRule};
pub use severity::{Impact, Severity, Urgency};
pub use skill::{Level, Skill, Skills};
pub use ticket::{
    Attributes, Author, By, Changed, HistoryEntry, Note, Opening, Solution, Ticket, TicketChange,
    TicketField, TicketRefusal, TicketState, differences,
};
pub use work_item::{
    Answered, Decline, Figures, Offer, OfferEnd, OfferOutcome, Parked, Priority, Promise, WorkItem,
    WorkState,
};
