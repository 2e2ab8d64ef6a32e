//! Events: appended in the transaction of their change, given a gap-free position by the relay, read from the log
//! by consumers.
//!
//! [`append`] → outbox → [`Relay`] → log → `ReadLog` of the service → [`Consumer`] → [`Handler`], which moves the
//! high-water mark in the transaction of its effect. A crash anywhere loses nothing and doubles nothing.

mod bus;
mod consumer;
mod endpoint;
mod feed;
mod log;
mod mark;
mod outbox;
pub mod parked;
mod relay;
mod tenant_worker;

pub use bus::{Bus, Head, Position};
pub use consumer::{Consumer, ConsumerConfig};
pub use endpoint::{Heads, LogEndpoint};
pub use log::{Log, start_epoch};
pub use mark::{Batch, Handler, Mark};
pub use outbox::{Outgoing, append, append_across, append_for, append_many};
pub use relay::Relay;

pub use rapport_proto::events::v1::Event;
pub use rapport_proto::events::v1::event::Data;

/// What [`crate::log_service!`] expands to needs these names.
#[doc(hidden)]
pub mod reexport {
    pub use futures::{Stream, StreamExt};
    pub use tonic;
}
