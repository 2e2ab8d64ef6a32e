//! Telling what happened, and holding the suite to it.

use std::fmt::Display;
use std::io::Write as _;
use std::time::{Duration, Instant};

/// Prints the story and remembers what did not come true.
pub(super) struct Story {
    started: Instant,
    kept: u32,
    broken: Vec<String>,
}

impl Story {
    pub(super) fn begin() -> Self {
        Story {
            started: Instant::now(),
            kept: 0,
            broken: Vec::new(),
        }
    }

    /// A new part of the story.
    pub(super) fn chapter(&mut self, title: &str) {
        say(&format!(
            "\n{:>6.2} s  {title}",
            self.started.elapsed().as_secs_f64()
        ));
    }

    /// Something that happened.
    pub(super) fn tell(&mut self, what: impl Display) {
        say(&format!("          {what}"));
    }

    /// Something that must be so. What it says is printed either way.
    pub(super) fn expect(&mut self, holds: bool, what: impl Display) {
        if holds {
            self.kept += 1;
            say(&format!("        ✓ {what}"));
        } else {
            say(&format!("        ✗ {what}"));
            self.broken.push(what.to_string());
        }
    }

    /// Two things that must be the same.
    pub(super) fn expect_same<T: PartialEq + Display>(&mut self, what: &str, seen: T, expected: T) {
        let holds = seen == expected;
        let text = if holds {
            format!("{what}: {seen}")
        } else {
            format!("{what}: {seen}, not {expected}")
        };
        self.expect(holds, text);
    }

    /// How long the story has gone on.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// How many expectations were kept, and those that were not.
    pub(super) fn verdict(&self) -> (u32, &[String]) {
        (self.kept, &self.broken)
    }
}

/// A line to the reader. A reader who has left is no reason to stop.
pub(super) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

/// A duration as people read it.
pub(super) fn millis(span: Duration) -> String {
    format!("{:.1} ms", span.as_secs_f64() * 1000.0)
}

/// The value below which this part of the durations lies; zero when there are none.
pub(super) fn quantile(spans: &mut [Duration], part: f64) -> Duration {
    spans.sort_unstable();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a part of a length is a small index"
    )]
    #[expect(clippy::cast_precision_loss, reason = "a demo has few spans")]
    let at = (spans.len() as f64 * part) as usize;
    spans
        .get(at.min(spans.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}
