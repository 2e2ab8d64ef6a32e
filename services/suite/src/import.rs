//! Bringing a file of contacts in: rows are read, mapped, sent over one stream and settled.
//!
//! Every row of the file ends in exactly one of four ways: accepted, folded (not the first row of its
//! key), duplicate, or rejected with a reason. A row that cannot be read is rejected like any other;
//! nothing in a file stops the import.

mod csv_rows;
mod field;
mod inlet;
mod lines;
mod map;
mod mapping;
mod ndjson_rows;
mod replay;
mod report;
mod row;
mod rows;
mod send;
mod settle;
mod stamp;
mod state;
mod value;

pub use inlet::{Error, Plan, run};
pub(crate) use replay::tickets;
pub use report::Report;
pub use state::Tally;
pub(crate) use value::{Named, named};
