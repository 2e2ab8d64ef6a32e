//! What an export shows while it runs, and tells when it is over.

use std::fmt;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rapport_proto::interactions::v1::Interaction;

/// The outcome of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Contacts in the file.
    pub rows: u64,
    /// Those of them that an earlier run had written.
    pub earlier: u64,
    /// How long this run took.
    pub took: Duration,
    /// How often the connection was made anew.
    pub reconnects: u32,
    /// The file; none for standard output.
    pub file: Option<PathBuf>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.took.as_secs_f64();
        let rate = (self.rows - self.earlier) as f64 / seconds.max(0.001);
        write!(
            f,
            "{} contacts in {seconds:.1} s, {rate:.0} a second",
            self.rows
        )?;
        if self.earlier > 0 {
            write!(f, "; the first {} were there", self.earlier)?;
        }
        if self.reconnects > 0 {
            write!(f, "; connected anew {} times", self.reconnects)?;
        }
        if let Some(file) = &self.file {
            write!(f, "\n{}", file.display())?;
        }
        Ok(())
    }
}

/// The line on a terminal; silence elsewhere. Nobody knows beforehand how many there are.
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new(earlier: u64) -> Self {
        let target = match std::io::stderr().is_terminal() {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(None, target);
        let style = "{elapsed_precise} {spinner} {human_pos} contacts, {per_sec} {msg}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        if earlier > 0 {
            bar.println(format!("going on behind contact {earlier}"));
        }
        bar.set_position(earlier);
        // What was there does not count for the rate.
        bar.reset_eta();
        Progress(bar)
    }

    pub(super) fn show(&self, one: &Interaction) {
        self.0.inc(1);
        let at = one.input.as_ref().and_then(|input| input.event_time);
        if !self.0.is_hidden()
            && self.0.position().is_multiple_of(256)
            && let Some(at) = at
        {
            self.0.set_message(format!("of {at}"));
        }
    }

    pub(super) fn clear(&self) {
        self.0.finish_and_clear();
    }
}
