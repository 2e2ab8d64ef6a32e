//! Real data, where it is: `RAPPORT_DATA` names the folder. Suites pass without it and say so.

use std::path::PathBuf;

/// Where real data is; says so where `RAPPORT_DATA` names no folder of it.
#[must_use]
pub fn real_data(what: &str) -> Option<PathBuf> {
    let named = std::env::var_os("RAPPORT_DATA").filter(|named| !named.is_empty());
    if named.is_none() {
        report(&format!("SKIPPED: RAPPORT_DATA names no folder of {what}"));
    }
    named.map(PathBuf::from)
}

/// Tells a figure where whoever runs the tests sees it.
#[expect(clippy::print_stderr, reason = "a measurement is for whoever runs it")]
pub fn report(line: &str) {
    eprintln!("{line}");
}
