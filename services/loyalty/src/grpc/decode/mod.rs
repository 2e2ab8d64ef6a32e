//! Requests into commands; every violation of a request is told at once.

mod ledger;
mod programs;

use std::time::Duration;

use rapport_foundation::check::Check;
use rapport_foundation::error::Failure;
use rapport_foundation::id::MemberId;

pub(super) use ledger::{Asking, capture, earn, hold, hold_id, list_entries, reverse, void};
pub(super) use programs::{create_program, enrol, list_members, list_programs, program_id};

use crate::app::Asked;

/// A hold stands at most so long.
const LONGEST_HOLD_S: i64 = 2_592_000;
/// Results of a listing: when nothing is said, and at most.
const PAGE: (u32, u32) = (50, 1000);

pub(super) fn member_id(text: &str) -> Result<MemberId, Failure> {
    let mut c = Check::new();
    let id = c.id("member_id", text);
    c.done(id)
}

fn page(c: &mut Check, size: i32, token: &str) -> Asked {
    Asked {
        size: c.page_size(size, PAGE.0, PAGE.1),
        token: token.to_owned(),
    }
}

fn code(c: &mut Check, field: &str, text: &str) -> String {
    let text = c.text(field, text, 1..=64);
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    c.require(
        text.chars().all(fits),
        field,
        "MALFORMED_CODE",
        "is not of [a-z0-9._-]",
    );
    text
}

/// The code of a currency or of points.
fn unit(c: &mut Check, field: &str, text: &str) -> String {
    let text = c.text(field, text, 2..=12);
    let fits = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    c.require(
        text.chars().all(fits),
        field,
        "MALFORMED_CODE",
        "is not of A-Z, 0-9",
    );
    text
}

fn exponent(c: &mut Check, field: &str, exponent: i32) -> i16 {
    i16::try_from(c.number(field, exponent, 0..=6)).unwrap_or(0)
}

fn seconds(seconds: i64) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}
