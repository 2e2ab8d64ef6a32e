//! Events: appended in the transaction of their change, given a gap-free position by the relay, read from the log
//! by consumers.

mod bus;

pub use bus::{Bus, Head, Position};
