//! Texts with what was found in them taken out.

use unicode_normalization::UnicodeNormalization as _;

use super::{Finding, Kind, Mark, Text, digits, find};

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
    take(texts, masking, |_, _| None)
}

/// The same, and `keep` is given each finding with what it says: it answers what is to stand behind the mask.
#[must_use]
pub fn take(
    texts: &[Text<'_>],
    masking: Masking,
    mut keep: impl FnMut(&Finding, &dyn Fn() -> String) -> Option<String>,
) -> (Vec<Option<String>>, Vec<Finding>) {
    let findings = find(texts);
    let mut hidden: Vec<Vec<Hidden>> = vec![Vec::new(); texts.len()];
    for finding in &findings {
        let label = keep(finding, &|| said(texts, finding));
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
        if let (Some(label), Some(last)) = (label, finding.marks.last()) {
            behind(&mut hidden, *last, label);
        }
    }
    if masking.keep_last_four {
        uncover(&findings, &mut hidden);
    }
    let masked = (texts.iter().zip(hidden))
        .map(|(text, hidden)| (!hidden.is_empty()).then(|| cover(text.body, hidden)));
    (masked.collect(), findings)
}

/// What a finding says: the digits of a number, also of one that was spoken; the letters of an IBAN; a secret as it is.
fn said(texts: &[Text<'_>], finding: &Finding) -> String {
    let piece = |mark: &Mark| -> &str {
        let text = texts.get(mark.text).map_or("", |text| text.body);
        text.get(mark.start..mark.end).unwrap_or_default()
    };
    let secret = finding.kind == Kind::Secret && finding.marks.len() == 1;
    let iban = finding.kind == Kind::Account
        && (finding.marks.iter().take(2)).all(|mark| letter(piece(mark)));
    let mut all = String::new();
    for same in finding.marks.chunk_by(|a, b| a == b) {
        let Some(mark) = same.first() else { continue };
        let body = piece(mark);
        if secret {
            all.push_str(body);
        } else if iban && letter(body) {
            all.extend(body.nfkc().flat_map(char::to_uppercase));
        } else {
            let html = texts.get(mark.text).is_some_and(|text| text.html);
            all.push_str(&digits(Text { body, html }));
        }
    }
    all
}

fn letter(piece: &str) -> bool {
    let mut chars = piece.chars();
    chars.next().is_some_and(char::is_alphabetic) && chars.next().is_none()
}

/// Puts a label behind a place that is masked.
fn behind(hidden: &mut [Vec<Hidden>], last: Mark, label: String) {
    let mark = Mark {
        start: last.end,
        ..last
    };
    if let Some(of_text) = hidden.get_mut(last.text) {
        of_text.push(Hidden { mark, with: label });
    }
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
        // A label has no length: it is not covered by what is masked around it.
        if mark.start >= at || mark.start == mark.end {
            out.push_str(body.get(at..mark.start).unwrap_or_default());
            out.push_str(&with);
        }
        at = at.max(mark.end);
    }
    out.push_str(body.get(at..).unwrap_or_default());
    out
}
