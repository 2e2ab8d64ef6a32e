//! The engine on a virtual clock: a contact centre of chance, or of tickets that were there once.
//!
//! The same [`Engine`](crate::domain::engine::Engine) that decides in production is driven by customers drawn from a
//! [`Scenario`]: when they come, how long they wait, how long they are handled. The driver stands where connectors and
//! desks stand, and where the world is: it makes contacts, answers offers, completes work, and notes what became of
//! whom. It decides nothing. Time is a number that jumps from one event to the next.
//!
//! - `scenario`, `file`: what is simulated, and how it is written down
//! - `dice`, `law`, `arrivals`: chance that is the same for two policies
//! - `drive`, `house`: the virtual clock, and what the driver knows of customers and agents
//! - `tally`, `histogram`, `estimate`, `figures`: what is counted, and how surely it says what
//! - `crowd`: more agents and more waiting work than anybody has, to time decisions by
//! - `theory`, `conformance`: what queueing theory computes exactly, and whether the engine agrees
//!
//! Nothing here waits, reads a clock, a file or a thread: seeds may be run side by side by whoever wants to.

mod arrivals;
pub mod conformance;
pub mod crowd;
mod dice;
mod drive;
mod estimate;
mod figures;
mod file;
mod histogram;
mod house;
mod law;
mod scenario;
mod tally;
pub mod theory;

#[cfg(test)]
mod tests;

pub use arrivals::{Arrivals, Hours, Replayed};
pub use drive::{Router, drive, simulate};
pub use estimate::{CONFIDENCE, Estimate, student_t};
pub use figures::{Comparison, Difference, Figure, Measure, Report, Scope, Section};
pub use file::{ReplayFile, ScenarioFile};
pub use law::Law;
pub use scenario::{Demand, Line, Run, Scenario, Shift, Team};
pub use tally::{Exact, Tally};
