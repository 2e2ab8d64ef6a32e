//! Numbers and secrets that must not be seen: payment cards, bank accounts, national ids, keys and passwords, in every
//! form that people write or say them in.
//!
//! A text is read once, into words and numbers; numbers that stand together are a run, and everything else looks at
//! runs. Digits count in any script, also as words of English, Indonesian and Filipino, and over the border of two
//! texts. The time taken grows with the length of the text and with nothing else.

mod accounts;
mod cards;
mod identities;
mod lexer;
mod mask;
mod runs;
mod secrets;
mod words;

pub use mask::{Masking, mask, take};

use runs::{Run, Runs};

/// One of consecutive texts of one interaction or conversation.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    /// What was said.
    pub body: &'a str,
    /// Whether it is HTML: tags and references between digits are no part of the number.
    pub html: bool,
}

impl<'a> Text<'a> {
    /// A text that is no HTML.
    #[must_use]
    pub const fn plain(body: &'a str) -> Self {
        Self { body, html: false }
    }
}

pub use super::code::NumberKind as Kind;

/// A place that must not be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Which of the texts.
    pub text: usize,
    /// First byte.
    pub start: usize,
    /// The byte behind the last.
    pub end: usize,
}

/// Something that was found, perhaps over two texts. Holds places, never what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// Where: of a number one mark a digit, or a word that says digits.
    pub marks: Vec<Mark>,
}

/// Words that may stand behind the last number of a text, and before the first of the next, when the two are one.
const OUTRO: usize = 3;
const INTRO: usize = 6;
/// Words of a text without numbers that may stand between the two.
const INTERJECTION: usize = 6;
/// Digits that are carried from text to text at most: more are no number of anybody.
const CARRIED: usize = 40;

/// Finds everything in consecutive texts, the oldest first.
#[must_use]
pub fn find(texts: &[Text<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut open: Option<Run> = None;
    for (number, text) in texts.iter().enumerate() {
        let lexed = lexer::lex(number, *text);
        findings.extend(accounts::ibans(number, *text));
        if let Some(before) = number.checked_sub(1).and_then(|at| texts.get(at)) {
            findings.extend(accounts::split_iban(number, *before, *text));
        }
        findings.extend(secrets::find(number, text.body));
        let Runs { mut runs, words } = runs::runs(&lexed);
        let found: Vec<bool> = (runs.iter()).map(|run| judge(run, &mut findings)).collect();
        let (Some(first), Some(last)) = (runs.first().cloned(), runs.pop()) else {
            if words > INTERJECTION {
                open = None;
            }
            continue;
        };
        let alone = runs.is_empty();
        // What was found of one side alone may still be a part of a longer number.
        let known = found.first() == Some(&true) || open.as_ref().is_some_and(|open| open.found);
        let intro = if known { 1 } else { INTRO };
        let goes_on = first.words_before <= intro && !is_international(text.body);
        let joined = open.take().filter(|_| goes_on);
        let joined = joined.map(|open| open.join(&first));
        let whole = joined
            .as_ref()
            .is_some_and(|joined| judge(joined, &mut findings));
        if last.words_behind <= OUTRO {
            let mut last = joined.filter(|_| alone).unwrap_or(last);
            last.found = found.last() == Some(&true) || (alone && whole);
            open = Some(last).filter(|last| last.digits.len() <= CARRIED);
        }
    }
    findings
}

/// Whether a text begins with a telephone number in international form: it goes on from nothing before it, as the
/// numbers of a list do not.
fn is_international(body: &str) -> bool {
    let number = body.trim_start().strip_prefix('+');
    number.is_some_and(|number| number.starts_with(|c: char| c.is_ascii_digit()))
}

/// A text of HTML without its tags: a space stands for what stood between two characters.
#[must_use]
pub fn without_tags(body: &str) -> String {
    let mut out = String::with_capacity(body.len());
    let mut end = 0;
    for glyph in lexer::glyphs(Text { body, html: true }) {
        if glyph.start != end
            && body
                .get(end..glyph.start)
                .is_some_and(|gap| gap.contains('<'))
        {
            out.push(' ');
        }
        out.push(glyph.c);
        end = glyph.end;
    }
    out
}

/// The number that a piece of text says, in digits; nothing where it says none.
fn digits(piece: Text<'_>) -> String {
    let Runs { runs, .. } = runs::runs(&lexer::lex(0, piece));
    let values = runs.iter().flat_map(|run| run.values(0..run.digits.len()));
    values
        .filter_map(|value| char::from_digit(value.into(), 10))
        .collect()
}

/// How many digits the number has that begins a text, and the one that ends it; 0 where words stand before or behind.
#[must_use]
pub fn ends(text: Text<'_>) -> (usize, usize) {
    let Runs { runs, .. } = runs::runs(&lexer::lex(0, text));
    let first = runs.first().filter(|run| run.words_before <= 1);
    let last = runs.last().filter(|run| run.words_behind <= 1);
    let length = |run: Option<&Run>| run.map_or(0, |run| run.digits.len());
    (length(first), length(last))
}

/// Whether anything is in a run of numbers; it is added to the findings.
fn judge(run: &Run, findings: &mut Vec<Finding>) -> bool {
    let mut found = cards::find(run);
    let shown = |found: &[Finding], other: &Finding| {
        let covered = |mark| found.iter().any(|one| one.marks.contains(mark));
        !other.marks.iter().all(covered)
    };
    let persons = identities::find(run, !found.is_empty());
    let persons: Vec<Finding> = (persons.into_iter())
        .filter(|person| shown(&found, person))
        .collect();
    found.extend(persons);
    let account = accounts::find(run).filter(|account| shown(&found, account));
    found.extend(account);
    if found.is_empty() {
        found.extend(secrets::code(run));
    }
    // Of the ends of two texts only what goes over the border is news.
    if run.joined {
        found.retain(Finding::is_split);
    }
    let any = !found.is_empty();
    findings.extend(found);
    any
}

impl Finding {
    fn is_split(&self) -> bool {
        let mut texts = self.marks.iter().map(|mark| mark.text);
        let first = texts.next();
        texts.any(|text| Some(text) != first)
    }
}
