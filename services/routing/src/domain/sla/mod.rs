//! What is promised, and whether it is kept.
//!
//! A clock is a function of what happened to the ticket, a version of a policy and a version of a calendar, and of
//! nothing else: it can be told again at any time, and is never counted up.

mod book;
mod clock;
mod edit;
mod history;
mod hours;
mod merged;
mod policy;
mod record;
mod redate;
mod timetable;

pub use book::{Book, Calendar, Edition, Terms};
pub use clock::{Clock, ClockId, ClockKind, Outcome, Pause, Stretch, clocks};
pub use edit::{CalendarChange, PolicyChange, SlaRefusal};
pub use history::{Event, Happening, History, WaitingOn};
pub use hours::{Hours, Span};
pub use merged::Joined;
pub use policy::{Action, Conditions, Policy, Promise, Step, Target, Traits};
pub use record::{Firing, Mark, SlaRecord, Standing, traits};
pub use redate::Redating;
pub use timetable::{Exception, Opening, Timetable, TimetableFault, Weekday, Weekly};

#[cfg(test)]
mod tests;
