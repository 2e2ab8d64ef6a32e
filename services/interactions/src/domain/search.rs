//! Words of texts, and what is asked for: words, "phrases" and beginnings*.
//!
//! Nothing is known of any language: a word is letters and digits that stand together, small and without marks on
//! letters. Both engines get words that were made here, and nothing of what a caller wrote.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::contact::Contact;
use super::detect::{self, Masking, Text};
use super::fact::State;
use super::part::Part;
use super::privacy;

/// Characters of a question.
pub const QUERY: usize = 512;
/// Words, phrases and beginnings of a question together.
pub const TERMS: usize = 16;
/// Words of one phrase.
pub const PHRASE: usize = 16;
/// Letters of a beginning: shorter ones would fit everything.
pub const SHORTEST_BEGINNING: usize = 3;
/// Letters of beginnings that are kept to be searched; longer ones are looked up by the longest of these.
const BEGINNINGS: [usize; 2] = [3, 5];
/// Letters of a word that count.
const WORD: usize = 64;
/// Words of one contact that can be found.
const WORDS: usize = 10_000;
/// Characters of a snippet.
const SNIPPET: usize = 160;
/// Characters that stand before the first hit in it.
const LEAD: usize = 40;

/// One thing that must be in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// These words one after another; often only one.
    Words(Vec<String>),
    /// A word that begins so.
    Beginning(String),
}

/// What is wrong with a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// It asks for nothing.
    Empty,
    /// It asks for too much.
    TooManyTerms,
    /// A phrase is too long.
    PhraseTooLong,
    /// A beginning is too short.
    BeginningTooShort,
    /// A phrase does not end.
    PhraseOpen,
}

/// A word with its place in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Small and without marks.
    pub folded: String,
    /// First byte.
    pub start: usize,
    /// The byte behind the last.
    pub end: usize,
}

/// A piece of a text around a hit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snippet {
    /// The piece.
    pub text: String,
    /// The hits in it: first character, and the one behind the last.
    pub hits: Vec<(usize, usize)>,
}

/// Reads a question; answers everything that is wrong with it.
///
/// # Errors
/// Each wrong once.
pub fn parse(query: &str) -> Result<Vec<Term>, Vec<Wrong>> {
    let mut terms = Vec::new();
    let mut wrong = Vec::new();
    for (place, part) in query.split('"').enumerate() {
        if place % 2 == 1 {
            let phrase: Vec<String> = words(part).map(|word| word.folded).collect();
            if phrase.len() > PHRASE {
                wrong.push(Wrong::PhraseTooLong);
            }
            if !phrase.is_empty() {
                terms.push(Term::Words(phrase));
            }
        } else {
            loose(part, &mut terms, &mut wrong);
        }
    }
    if query.matches('"').count() % 2 == 1 {
        wrong.push(Wrong::PhraseOpen);
    }
    if terms.len() > TERMS {
        wrong.push(Wrong::TooManyTerms);
    }
    if terms.is_empty() && wrong.is_empty() {
        wrong.push(Wrong::Empty);
    }
    wrong.dedup();
    if wrong.is_empty() {
        Ok(terms)
    } else {
        Err(wrong)
    }
}

/// Words and beginnings outside of phrases.
fn loose(part: &str, terms: &mut Vec<Term>, wrong: &mut Vec<Wrong>) {
    for word in words(part) {
        if !part
            .get(word.end..)
            .is_some_and(|rest| rest.starts_with('*'))
        {
            terms.push(Term::Words(vec![word.folded]));
        } else if word.folded.chars().count() < SHORTEST_BEGINNING {
            wrong.push(Wrong::BeginningTooShort);
        } else {
            terms.push(Term::Beginning(word.folded));
        }
    }
}

/// The words of a text.
pub fn words(text: &str) -> impl Iterator<Item = Word> + '_ {
    let part_of_word = |c: char| c.is_alphanumeric() || is_combining_mark(c);
    let mut rest = text.char_indices().peekable();
    std::iter::from_fn(move || {
        while rest.next_if(|(_, c)| !part_of_word(*c)).is_some() {}
        let (start, _) = *rest.peek()?;
        let mut end = start;
        while let Some((at, c)) = rest.next_if(|(_, c)| part_of_word(*c)) {
            end = at + c.len_utf8();
        }
        let folded = fold(text.get(start..end)?);
        Some(Word { folded, start, end })
    })
    .filter(|word| !word.folded.is_empty())
}

fn fold(word: &str) -> String {
    let plain = word
        .chars()
        .take(WORD)
        .nfkd()
        .filter(|c| !is_combining_mark(*c));
    plain.flat_map(char::to_lowercase).take(WORD).collect()
}

/// The beginning under which a longer one is looked up.
#[must_use]
pub fn kept_beginning(beginning: &str) -> String {
    let length = beginning.chars().count();
    let kept = BEGINNINGS
        .iter()
        .rev()
        .find(|kept| **kept <= length)
        .unwrap_or(&SHORTEST_BEGINNING);
    beginning.chars().take(*kept).collect()
}

/// The beginnings of a word that are kept.
pub fn beginnings(word: &str) -> impl Iterator<Item = String> + '_ {
    let length = word.chars().count();
    BEGINNINGS
        .into_iter()
        .filter(move |kept| *kept <= length)
        .map(|kept| word.chars().take(kept).collect())
}

/// What of a contact can be found, masked: the subject and every text, a line each. What was written instead, transcribed
/// or noted later follows what was said at first: both were said.
#[must_use]
pub fn text_of(contact: &Contact, later: &State) -> String {
    let mut texts: Vec<Text<'_>> = privacy::texts(&contact.content).collect();
    texts.extend(contact.content.parts.iter().flat_map(named));
    let lines = contact.order.iter().flat_map(|order| &order.lines);
    texts.extend(lines.map(|line| Text::plain(&line.description)));
    texts.extend(later.parts.iter().flat_map(privacy::texts_of));
    texts.extend(later.parts.iter().flat_map(named));
    texts.extend(later.transcript.iter().flat_map(privacy::spoken_texts));
    let note = later.disposition.iter().map(|one| one.note.expose());
    texts.extend(note.map(Text::plain));
    let (masked, _) = detect::mask(&texts, Masking::default());
    let shown = texts.iter().zip(&masked).map(|(text, masked)| {
        let body = masked.as_deref().unwrap_or(text.body);
        if text.html {
            detect::without_tags(body)
        } else {
            body.to_owned()
        }
    });
    shown
        .filter(|text| !text.trim().is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

/// What a part is called, where it is not said.
fn named(part: &Part) -> Vec<Text<'_>> {
    match part {
        Part::Attachment(file) => vec![Text::plain(file.file_name.expose())],
        Part::Form(form) => vec![Text::plain(&form.name)],
        Part::Location(location) => vec![Text::plain(location.label.expose())],
        Part::PageVisit(visit) => vec![Text::plain(visit.title.expose())],
        _ => Vec::new(),
    }
}

/// The words of a contact's text that can be found.
pub fn found_by(text: &str) -> impl Iterator<Item = Word> + '_ {
    words(text).take(WORDS)
}

/// Whether a text holds everything that is asked for, and where; none where it does not.
#[must_use]
pub fn matches(terms: &[Term], text: &str) -> Option<Vec<(usize, usize)>> {
    let said: Vec<Word> = found_by(text).collect();
    let mut hits = Vec::new();
    for term in terms {
        let before = hits.len();
        match term {
            Term::Words(phrase) => {
                let fits = |window: &&[Word]| {
                    window
                        .iter()
                        .zip(phrase)
                        .all(|(word, wanted)| word.folded == *wanted)
                };
                for window in said.windows(phrase.len().max(1)).filter(fits) {
                    hits.extend(window.iter().map(|word| (word.start, word.end)));
                }
            }
            Term::Beginning(beginning) => {
                let fits = said
                    .iter()
                    .filter(|word| word.folded.starts_with(beginning));
                hits.extend(fits.map(|word| (word.start, word.end)));
            }
        }
        if hits.len() == before {
            return None;
        }
    }
    hits.sort_unstable();
    hits.dedup();
    Some(hits)
}

/// The piece of a text around the first hit.
#[must_use]
pub fn snippet(text: &str, hits: &[(usize, usize)]) -> Snippet {
    let first = hits.first().map_or(0, |(start, _)| *start);
    let before: Vec<usize> = text
        .get(..first)
        .unwrap_or_default()
        .char_indices()
        .rev()
        .map(|(at, _)| at)
        .take(LEAD)
        .collect();
    let start = before.last().copied().unwrap_or(first);
    let piece = text.get(start..).unwrap_or_default();
    let length = piece
        .char_indices()
        .nth(SNIPPET)
        .map_or(piece.len(), |(at, _)| at);
    let (piece, end) = (piece.get(..length).unwrap_or_default(), start + length);
    let character = |at: usize| text.get(start..at).map_or(0, |part| part.chars().count());
    let inside = hits
        .iter()
        .filter(|(from, to)| *from >= start && *to <= end);
    Snippet {
        text: piece.to_owned(),
        hits: inside
            .map(|(from, to)| (character(*from), character(*to)))
            .collect(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn term(word: &str) -> Term {
        Term::Words(vec![word.into()])
    }

    #[test]
    fn a_question_is_words_phrases_and_beginnings() {
        let asked = parse("Ñandú  \"kartu hilang\" transf* (or) NEAR/2").unwrap();
        let phrase = Term::Words(vec!["kartu".into(), "hilang".into()]);
        let expected = [
            term("nandu"),
            phrase,
            Term::Beginning("transf".into()),
            term("or"),
            term("near"),
            term("2"),
        ];
        assert_eq!(asked, expected);
        assert_eq!(parse(" *-\"\" "), Err(vec![Wrong::Empty]));
        assert_eq!(
            parse("ab* \"x"),
            Err(vec![Wrong::BeginningTooShort, Wrong::PhraseOpen])
        );
        assert_eq!(
            parse(&"a ".repeat(TERMS + 1)),
            Err(vec![Wrong::TooManyTerms])
        );
    }

    #[test]
    fn what_fits_is_marked_in_a_piece_of_the_text() {
        let text = format!(
            "{} Kártu saya hilang kemarin {}",
            "a ".repeat(100),
            "b ".repeat(100)
        );
        let asked = parse("kartu hil*").unwrap();
        let snippet = snippet(&text, &matches(&asked, &text).unwrap());
        let shown: Vec<String> = (snippet.hits.iter())
            .map(|(from, to)| snippet.text.chars().skip(*from).take(to - from).collect())
            .collect();
        assert_eq!(shown, ["Kártu", "hilang"]);
        assert_eq!(snippet.text.chars().count(), SNIPPET);
        assert!(matches(&parse("\"kartu hilang\"").unwrap(), &text).is_none());
        assert!(matches(&parse("\"saya hilang\"").unwrap(), &text).is_some());
    }

    proptest! {
        #[test]
        fn what_is_found_by_is_what_is_asked_for(text in "\\PC{0,60}") {
            let mut asked: Vec<Term> = words(&text).map(|word| Term::Words(vec![word.folded])).collect();
            asked.truncate(TERMS);
            let hits = matches(&asked, &text);
            prop_assert!(hits.is_some());
            let snippet = snippet(&text, &hits.unwrap());
            prop_assert!(snippet.text.chars().count() <= SNIPPET);
            let _ = parse(&text);
        }
    }
}
