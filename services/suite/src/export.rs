//! Taking a stretch of the log out into a file: NDJSON, CSV or Parquet.
//!
//! A file appears under its name only when it is whole. Until then what was written stands beside it with the cursor
//! behind its last row, so that whatever interrupts an export, the same command goes on with exactly what is left.

mod columns;
mod groups;
mod keep;
mod lines;
mod pull;
mod report;
mod row;
mod run;
mod sink;

pub use report::Report;
pub use run::{Error, Plan, run};
pub use sink::Format;
