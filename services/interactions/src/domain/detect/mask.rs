//! Texts with what was found in them taken out.

use super::{Finding, Kind, Mark, Text, find};

/// What stands for a digit that was taken out.
const STAR: &str = "*";
/// What stands for a secret that was taken out: its length tells nothing.
const SECRET: &str = "********";
/// Digits of a card that may stay.
const LAST: usize = 4;
const LONGEST_CARD: usize = 19;

/// How texts are masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Masking {
    /// Whether the last four digits of a card stay.
    pub keep_last_four: bool,
}

/// Masks consecutive texts; answers the new text of each that holds something, and what was found.
#[must_use]
pub fn mask(texts: &[Text<'_>], masking: Masking) -> (Vec<Option<String>>, Vec<Finding>) {
    let findings = find(texts);
    let mut hidden: Vec<Vec<Hidden>> = vec![Vec::new(); texts.len()];
    for finding in &findings {
        let secret = finding.kind == Kind::Secret && finding.marks.len() == 1;
        for same in finding.marks.chunk_by(|a, b| a == b) {
            let Some(mark) = same.first() else { continue };
            let with = if secret {
                SECRET.to_owned()
            } else {
                STAR.repeat(same.len())
            };
            if let Some(of_text) = hidden.get_mut(mark.text) {
                of_text.push(Hidden { mark: *mark, with });
            }
        }
    }
    if masking.keep_last_four {
        uncover(&findings, &mut hidden);
    }
    let masked = (texts.iter().zip(hidden))
        .map(|(text, hidden)| (!hidden.is_empty()).then(|| cover(text.body, hidden)));
    (masked.collect(), findings)
}

/// A place, and what stands there instead.
#[derive(Debug, Clone)]
struct Hidden {
    mark: Mark,
    with: String,
}

/// Lets the last four digits of cards be seen, where nothing else covers them.
fn uncover(findings: &[Finding], hidden: &mut [Vec<Hidden>]) {
    for finding in findings.iter().filter(|finding| finding.kind == Kind::Card) {
        // Two cards that overlap: which digits are the last four cannot be told.
        let single = finding.marks.len() <= LONGEST_CARD;
        let (rest, last) = finding
            .marks
            .split_at(finding.marks.len().saturating_sub(LAST));
        for mark in last.iter().filter(|mark| single && !rest.contains(mark)) {
            let covers = |other: &&Finding| other.marks.contains(mark);
            let alone = findings.iter().filter(covers).count() == 1;
            if let Some(of_text) = hidden.get_mut(mark.text).filter(|_| alone) {
                of_text.retain(|hidden| hidden.mark != *mark);
            }
        }
    }
}

fn cover(body: &str, mut hidden: Vec<Hidden>) -> String {
    // Of several that begin at one place the longest is the first, and covers the others.
    hidden.sort_by_key(|one| {
        (
            one.mark.start,
            std::cmp::Reverse((one.mark.end, one.with.len())),
        )
    });
    let mut out = String::with_capacity(body.len());
    let mut at = 0;
    for Hidden { mark, with } in hidden {
        if mark.start >= at {
            out.push_str(body.get(at..mark.start).unwrap_or_default());
            out.push_str(&with);
        }
        at = at.max(mark.end);
    }
    out.push_str(body.get(at..).unwrap_or_default());
    out
}
