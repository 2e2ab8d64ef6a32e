//! Writing to whoever called.

use std::io::Write as _;

/// A line of result. A reader who has left is no reason to fail.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

/// A result of many lines, as it is.
pub(crate) fn put(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

/// A line beside the result.
pub(crate) fn aside(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// A line about what went wrong.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "rapport: {line}");
}
