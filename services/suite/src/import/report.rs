//! What an import tells when it is over.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::state::Tally;

/// The outcome of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What became of the rows.
    pub tally: Tally,
    /// Where the rejected rows are, when there are any.
    pub rejects: Option<PathBuf>,
    /// How long this run took.
    pub took: Duration,
    /// How often the connection was made anew.
    pub reconnects: u32,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tally = &self.tally;
        for (name, count, meaning) in [
            ("accepted", tally.accepted, "logged now"),
            ("folded", tally.folded, "not the first row of their key"),
            ("duplicate", tally.duplicate, "logged before"),
            ("rejected", tally.rejected, ""),
        ] {
            writeln!(f, "{name:<10} {count:>10}  {meaning}")?;
        }
        for (reason, count) in &tally.reasons {
            writeln!(f, "  {count:>19}  {reason}")?;
        }
        let rows = tally.accepted + tally.folded + tally.duplicate + tally.rejected;
        write!(f, "{rows} rows in {:.1} s", self.took.as_secs_f64())?;
        if self.reconnects > 0 {
            write!(f, ", connected anew {} times", self.reconnects)?;
        }
        if let Some(rejects) = &self.rejects {
            write!(
                f,
                "\nrejected rows with their reasons: {}",
                rejects.display()
            )?;
        }
        Ok(())
    }
}
