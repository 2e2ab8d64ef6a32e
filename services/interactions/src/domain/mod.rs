//! What an interaction is and what is decided about it. Plain functions: nothing here waits, reads a clock or
//! touches a store.

pub mod code;
pub mod contact;
pub mod content;
pub mod conversation;
pub mod dedupe;
pub mod detect;
pub mod ending;
pub mod fact;
pub mod intake;
pub mod interaction;
pub mod limits;
pub mod media;
pub mod part;
pub mod privacy;
pub mod search;
pub mod timeline;

pub use code::{
    Channel, DeliveryState, Direction, EndReason, FactKind, HangUpSide, IdentifierKind, Kind,
    LinkState, PointsChange, Priority, Purpose, Side, TicketChange,
};
pub use contact::{
    Contact, Content, Hints, Identifier, Order, OrderLine, Participant, RoutingHint,
};
pub use conversation::Conversation;
pub use ending::End;
pub use fact::{Disposition, Fact, Known, State};
pub use intake::{Intake, Rule, Rules};
pub use interaction::{Conflict, Customer, Interaction, Link};
pub use media::{About, Media, Piece, Stage};
pub use part::{
    Attachment, CallLeg, Delivery, Form, Html, Location, PageVisit, Part, Reaction, Segment,
    Transcript,
};
pub use timeline::{Change, Entry, Place, Projection, What};
