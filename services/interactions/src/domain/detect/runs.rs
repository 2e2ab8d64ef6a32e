//! Numbers that stand together, with what the words around them say.

use super::lexer::{Lexed, Token, What};
use super::words::{Hint, Word};
use super::{Finding, Kind, Mark};

/// Words without meaning that may stand between two digits.
const FILLERS: usize = 3;
/// How far a word may stand before a number that it tells the meaning of, and how far behind.
const BEFORE: usize = 8;
const BEHIND: usize = 6;
/// A word for a digit before or behind a written number of so many digits is no part of it.
const WRITTEN: usize = 3;
/// As many digits in words are a number themselves.
const SPOKEN: usize = 5;

/// One digit of a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Digit {
    pub(super) value: u8,
    pub(super) mark: Mark,
    /// Which group of digits without anything between them; a word is a group.
    group: usize,
    spoken: bool,
}

/// Digits that stand together.
#[derive(Debug, Clone, Default)]
pub(super) struct Run {
    pub(super) digits: Vec<Digit>,
    /// Words of the text before it and behind it.
    pub(super) words_before: usize,
    pub(super) words_behind: usize,
    before: Vec<(Hint, usize)>,
    behind: Vec<(Hint, usize)>,
    /// Words for digits before it and behind it that are most likely no part of it.
    front: Vec<Digit>,
    back: Vec<Digit>,
    /// Written after a plus sign, as phone numbers are.
    pub(super) plus: bool,
    /// Written together with letters, or as a part of an address.
    pub(super) glued: bool,
    /// Made of the ends of two texts.
    pub(super) joined: bool,
    /// Something in it was found.
    pub(super) found: bool,
}

/// The runs of a text.
#[derive(Debug)]
pub(super) struct Runs {
    pub(super) runs: Vec<Run>,
    /// Words of the text.
    pub(super) words: usize,
}

/// A number as one or several tokens say it.
struct Number {
    /// Tokens that say it.
    tokens: usize,
    digits: Vec<(u8, usize, usize)>,
    spoken: bool,
}

/// The runs of numbers of a text.
pub(super) fn runs(lexed: &Lexed) -> Runs {
    let tokens = &lexed.tokens;
    let mut runs = Vec::new();
    let mut builder = Builder::default();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if !token.near {
            builder.end(lexed, at, &mut runs);
        }
        if let Some(number) = number(lexed, at) {
            builder.add(lexed.text, at, &number, token);
            at += number.tokens;
            continue;
        }
        if token.what.is_filler() {
            builder.fillers += 1;
        }
        if !token.what.is_filler() || builder.fillers > FILLERS {
            builder.end(lexed, at, &mut runs);
        }
        at += 1;
    }
    builder.end(lexed, at, &mut runs);
    Runs {
        runs,
        words: tokens.len(),
    }
}

impl What {
    fn is_filler(self) -> bool {
        matches!(self, Self::Word(Word::Filler))
    }

    fn word(self) -> Option<Word> {
        match self {
            Self::Word(word) => Some(word),
            Self::Digits { .. } => None,
        }
    }

    fn unit(self) -> Option<u8> {
        match self {
            Self::Word(Word::Unit(value)) => Some(value),
            _ => None,
        }
    }
}

/// The number that begins at a token.
fn number(lexed: &Lexed, at: usize) -> Option<Number> {
    let token = lexed.tokens.get(at)?;
    // What the tokens behind it say, as long as they stand near.
    let next = |ahead: usize| {
        let token = lexed.tokens.get(at + ahead)?;
        token.near.then_some(token.what)
    };
    let said = |tokens: usize, values: &[u8]| {
        let end = lexed
            .tokens
            .get(at + tokens - 1)
            .map_or(token.end, |last| last.end);
        Some(Number {
            tokens,
            digits: values
                .iter()
                .map(|value| (*value, token.start, end))
                .collect(),
            spoken: true,
        })
    };
    match token.what {
        What::Digits { from, count } => {
            let digits = lexed.digits.get(from..from + count)?;
            Some(Number {
                tokens: 1,
                digits: digits
                    .iter()
                    .map(|one| (one.value, one.start, one.end))
                    .collect(),
                spoken: false,
            })
        }
        What::Word(Word::Unit(unit)) => match next(1).and_then(What::word) {
            Some(Word::Tens) => match next(2).and_then(What::unit).filter(|unit| *unit > 0) {
                // Two tens in a row are two numbers: a unit that counts the next ten is not added to this one.
                Some(_)
                    if matches!(
                        next(3).and_then(What::word),
                        Some(Word::Tens | Word::AddedToTen)
                    ) =>
                {
                    said(2, &[unit, 0])
                }
                Some(added) => said(3, &[unit, added]),
                None => said(2, &[unit, 0]),
            },
            Some(Word::AddedToTen) => said(2, &[1, unit]),
            _ => said(1, &[unit]),
        },
        What::Word(Word::Pair(ten, unit)) => said(1, &[ten, unit]),
        What::Word(Word::Ten(ten)) => {
            let small = |ahead| next(ahead).and_then(What::unit).filter(|unit| *unit > 0);
            match (small(1), next(1).is_some_and(What::is_filler), small(2)) {
                (Some(unit), ..) => said(2, &[ten, unit]),
                (None, true, Some(unit)) => said(3, &[ten, unit]),
                _ => said(1, &[ten, 0]),
            }
        }
        What::Word(Word::TenAnd) => next(1)
            .and_then(What::unit)
            .and_then(|unit| said(2, &[1, unit])),
        What::Word(Word::Times(times)) => {
            let digit = match next(1)? {
                What::Digits { from, count: 1 } => lexed.digits.get(from)?.value,
                what => what.unit()?,
            };
            said(2, &vec![digit; times])
        }
        What::Word(_) => None,
    }
}

#[derive(Default)]
struct Builder {
    run: Run,
    first: usize,
    /// The token behind the last that said a digit.
    last: usize,
    fillers: usize,
    groups: usize,
}

impl Builder {
    fn add(&mut self, text: usize, at: usize, number: &Number, token: &Token) {
        if self.run.digits.is_empty() {
            self.first = at;
            self.run.plus = token.behind == Some('+');
        }
        self.run.glued |= !number.spoken
            && token.behind.is_some_and(|c| {
                c.is_alphanumeric() || matches!(c, '/' | '=' | '@' | '#' | '_' | '&')
            });
        self.fillers = 0;
        self.last = at + number.tokens;
        self.groups += 1;
        let group = self.groups;
        self.run
            .digits
            .extend(number.digits.iter().map(|(value, start, end)| Digit {
                value: *value,
                mark: Mark {
                    text,
                    start: *start,
                    end: *end,
                },
                group,
                spoken: number.spoken,
            }));
    }

    fn end(&mut self, lexed: &Lexed, at: usize, runs: &mut Vec<Run>) {
        let groups = self.groups;
        let builder = std::mem::take(self);
        self.groups = groups;
        let mut run = builder.run;
        if run.digits.is_empty() {
            return;
        }
        let tokens = &lexed.tokens;
        run.words_before = builder.first;
        run.words_behind = tokens.len() - builder.last;
        run.strip();
        run.before = hints(tokens.iter().take(builder.first).rev().take(BEFORE));
        run.behind = hints(tokens.iter().skip(builder.last).take(BEHIND));
        let glue = tokens.get(builder.last).filter(|_| builder.last == at);
        run.glued |=
            glue.is_some_and(|next| next.start == tokens.get(at - 1).map_or(0, |last| last.end));
        runs.push(run);
    }
}

fn hints<'a>(tokens: impl Iterator<Item = &'a Token>) -> Vec<(Hint, usize)> {
    tokens
        .enumerate()
        .filter_map(|(distance, token)| match token.what {
            What::Word(Word::Hint(hint)) => Some((hint, distance)),
            _ => None,
        })
        .collect()
}

impl Run {
    /// Sets words for digits around written numbers aside: "one of 1234".
    fn strip(&mut self) {
        let long =
            |group: &[Digit]| !group.iter().any(|digit| digit.spoken) && group.len() >= WRITTEN;
        let groups: Vec<&[Digit]> = self.groups(0..self.digits.len()).collect();
        if !groups.iter().any(|group| long(group)) {
            return;
        }
        let spoken = |group: &&&[Digit]| group.iter().all(|digit| digit.spoken);
        let front: usize = groups
            .iter()
            .take_while(spoken)
            .map(|group| group.len())
            .sum();
        let back: usize = groups
            .iter()
            .rev()
            .take_while(spoken)
            .map(|group| group.len())
            .sum();
        // What begins or ends the text may be the rest of a number of the text beside it.
        if back < SPOKEN && self.words_behind > 0 {
            self.back = self.digits.split_off(self.digits.len() - back);
        }
        if front < SPOKEN && self.words_before > 0 {
            self.front = self.digits.drain(..front).collect();
        }
    }

    /// With the words that were set aside, for numbers that prove themselves: "or four one one one 1111 1111 1111".
    pub(super) fn whole(&self) -> Self {
        let mut whole = self.clone();
        whole.digits.splice(0..0, whole.front.drain(..));
        whole.digits.append(&mut whole.back);
        whole
    }

    /// This run and the one that begins the next text.
    pub(super) fn join(mut self, next: &Self) -> Self {
        let last = self.digits.last().map_or(0, |digit| digit.group);
        self.digits.extend(next.digits.iter().map(|digit| Digit {
            group: digit.group + last + 1,
            ..*digit
        }));
        self.before.extend(
            next.before
                .iter()
                .map(|(hint, distance)| (*hint, distance + 1)),
        );
        self.before.sort_by_key(|(_, distance)| *distance);
        self.behind.clone_from(&next.behind);
        self.back.clone_from(&next.back);
        self.words_behind = next.words_behind;
        self.glued |= next.glued;
        self.joined = true;
        self
    }

    /// Everything between the borders of two groups that has so many digits.
    pub(super) fn windows(
        &self,
        length: usize,
    ) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        let border = |at: usize| {
            at == 0
                || self.digits.get(at).is_none_or(|digit| {
                    self.digits
                        .get(at - 1)
                        .is_none_or(|before| before.group != digit.group)
                })
        };
        (0..(self.digits.len() + 1).saturating_sub(length))
            .filter(move |from| border(*from) && border(from + length))
            .map(move |from| from..from + length)
    }

    /// The groups of a part of it.
    pub(super) fn groups(&self, range: std::ops::Range<usize>) -> impl Iterator<Item = &[Digit]> {
        let digits = self.digits.get(range).unwrap_or_default();
        digits.chunk_by(|a, b| a.group == b.group)
    }

    /// The values of a part of it.
    pub(super) fn values(&self, range: std::ops::Range<usize>) -> Vec<u8> {
        let digits = self.digits.get(range).unwrap_or_default();
        digits.iter().map(|digit| digit.value).collect()
    }

    /// How many digits each group of a part of it has.
    pub(super) fn shape(&self, range: std::ops::Range<usize>) -> Vec<usize> {
        self.groups(range).map(<[Digit]>::len).collect()
    }

    /// Whether all of it was said in words or one by one.
    pub(super) fn is_spoken(&self) -> bool {
        self.digits.iter().any(|digit| digit.spoken)
            || self
                .shape(0..self.digits.len())
                .iter()
                .all(|size| *size <= 2)
    }

    /// Whether a part of it begins with a date.
    pub(super) fn is_date(&self, range: std::ops::Range<usize>) -> bool {
        let numbers: Vec<(usize, u32)> = (self.groups(range).take(3))
            .map(|group| {
                (
                    group.len(),
                    group.iter().fold(0_u32, |sum, digit| {
                        sum.saturating_mul(10).saturating_add(digit.value.into())
                    }),
                )
            })
            .collect();
        let day = |(size, value): (usize, u32)| size <= 2 && (1..=31).contains(&value);
        let year = |(size, value): (usize, u32)| size == 4 && (1900..2100).contains(&value);
        match numbers.as_slice() {
            [a, b, c] => (day(*a) && day(*b) && year(*c)) || (year(*a) && day(*b) && day(*c)),
            _ => false,
        }
    }

    /// Whether the words around say that it is this, and none that stands nearer says otherwise.
    pub(super) fn is_said_to_be(&self, wanted: Hint) -> bool {
        let other = |hint: Hint| matches!(hint, Hint::Order | Hint::Phone);
        // The nearest one before it decides; where there is none, one behind it.
        match self
            .before
            .iter()
            .find(|(hint, _)| *hint == wanted || other(*hint))
        {
            Some((hint, _)) => *hint == wanted,
            None => !self.is_like_phone() && self.behind.iter().any(|(hint, _)| *hint == wanted),
        }
    }

    /// Whether a word right before it says so.
    pub(super) fn follows(&self, wanted: Hint, words: usize) -> bool {
        self.before
            .iter()
            .any(|(hint, distance)| *hint == wanted && *distance < words)
    }

    /// Whether it has the look of a phone number of the countries around.
    fn is_like_phone(&self) -> bool {
        let values: Vec<u8> = self
            .digits
            .iter()
            .take(2)
            .map(|digit| digit.value)
            .collect();
        let abroad =
            matches!(values.as_slice(), [6, 2 | 3]) && (10..=14).contains(&self.digits.len());
        self.plus || abroad || (values.first() == Some(&0) && (9..=13).contains(&self.digits.len()))
    }

    /// A finding of a part of it.
    pub(super) fn finding(&self, kind: Kind, range: std::ops::Range<usize>) -> Finding {
        let digits = self.digits.get(range).unwrap_or_default();
        Finding {
            kind,
            marks: digits.iter().map(|digit| digit.mark).collect(),
        }
    }
}
