//! What an interaction is and what is decided about it. Plain functions: nothing here waits, reads a clock or
//! touches a store.

pub mod code;
pub mod contact;
pub mod content;
pub mod conversation;
pub mod count;
pub mod dedupe;
pub mod detect;
pub mod ending;
pub mod extract;
pub mod fact;
pub mod intake;
pub mod interaction;
pub mod limits;
pub mod mail;
pub mod matter;
pub mod media;
pub mod numbers;
pub mod outbound;
pub mod part;
pub mod privacy;
pub mod quoted;
pub mod retention;
pub mod search;
pub mod threading;
pub mod timeline;

pub use code::{
    Basis, Channel, DeliveryState, Direction, EndReason, FactKind, HangUpSide, IdentifierKind,
    Kind, LinkState, NumberKind, OutboundState, PointsChange, Priority, Purpose, Redraw, Side,
    TicketChange, Treatment,
};
pub use contact::{
    Contact, Content, Hints, Identifier, Order, OrderLine, Participant, RoutingHint,
};
pub use conversation::Conversation;
pub use ending::End;
pub use extract::Said;
pub use fact::{Disposition, Fact, Known, State};
pub use intake::{Intake, Rule, Rules};
pub use interaction::{Conflict, Customer, Interaction, Link};
pub use mail::Mail;
pub use matter::MatterChange;
pub use media::{About, Media, Piece, Stage};
pub use numbers::{Numbers, SealedNumber};
pub use outbound::Outbound;
pub use part::{
    Attachment, CallLeg, Delivery, Form, Html, Location, PageVisit, Part, Reaction, Segment,
    Transcript,
};
pub use quoted::Quoted;
pub use threading::{ThreadingRule, ThreadingRules};
pub use timeline::{Change, Entry, Place, Projection, What};
