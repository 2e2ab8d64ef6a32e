//! What runs beside the calls.

pub(crate) mod attach;
mod calm;
pub(crate) mod forget;
pub(crate) mod indexer;
mod linker;
pub(crate) mod media;
mod moves;
pub(crate) mod outbound;
mod projector;
mod recognise;
mod recorder;
pub(crate) mod retention;
mod room;
mod sweep;

pub(crate) use calm::Calm;
pub(crate) use linker::Linker;
pub(crate) use moves::Moves;
pub(crate) use projector::Projector;
pub(crate) use recognise::Recognition;
pub(crate) use recorder::Recorder;
pub(crate) use room::Held;
pub(crate) use sweep::{Backoff, Sweep};
