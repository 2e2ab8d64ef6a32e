//! A text as words and digits, with their places in it.

use super::Text;
use super::words::{self, Word};

/// Characters between two numbers that may still be one.
const WIDEST_GAP: usize = 6;
/// Longer words say no digit.
const LONGEST_WORD: usize = 24;
/// A tag of HTML that is longer is read as text: nothing is searched to its end for nothing.
const LONGEST_TAG: usize = 2048;
/// A reference of HTML that is longer is text.
const LONGEST_REFERENCE: usize = 10;

/// A word or a number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) what: What,
    /// Whether only such characters stand before it as people put into numbers.
    pub(super) near: bool,
    /// The character right before it, unless that is a space.
    pub(super) behind: Option<char>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum What {
    /// Digits without anything between them: from here, so many.
    Digits {
        from: usize,
        count: usize,
    },
    Word(Word),
}

/// One written digit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written {
    pub(super) value: u8,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A text that was read.
#[derive(Debug)]
pub(super) struct Lexed {
    pub(super) text: usize,
    pub(super) tokens: Vec<Token>,
    pub(super) digits: Vec<Written>,
}

/// A character as it is meant, with its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Glyph {
    pub(super) c: char,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The characters of a text. Those that are not seen are left out; of HTML tags are left out as well, and references
/// are what they stand for.
pub(super) fn glyphs(text: Text<'_>) -> impl Iterator<Item = Glyph> {
    let body = text.body;
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = body.get(at..)?;
            let c = rest.chars().next()?;
            let start = at;
            at += c.len_utf8();
            if text.html
                && c == '<'
                && let Some(length) = tag(rest)
            {
                at = start + length;
                continue;
            }
            let mut meant = c;
            if text.html
                && c == '&'
                && let Some((reference, length)) = reference(rest)
            {
                meant = reference;
                at = start + length;
            }
            if !unseen(meant) {
                let end = at;
                return Some(Glyph {
                    c: meant,
                    start,
                    end,
                });
            }
        }
    })
}

/// The length of the tag that begins here.
fn tag(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let opens = bytes.get(1)?;
    if !(opens.is_ascii_alphabetic() || matches!(opens, b'/' | b'!')) {
        return None;
    }
    let window = bytes.get(..LONGEST_TAG.min(bytes.len()))?;
    // Another tag that begins ends the search: the time taken stays within the length of the text.
    let end = window
        .iter()
        .skip(1)
        .position(|byte| matches!(byte, b'<' | b'>'))?
        + 1;
    (window.get(end) == Some(&b'>')).then_some(end + 1)
}

/// The character that a reference stands for, and its length.
fn reference(rest: &str) -> Option<(char, usize)> {
    let bytes = rest.as_bytes();
    let window = bytes.get(..LONGEST_REFERENCE.min(bytes.len()))?;
    let end = window.iter().position(|byte| *byte == b';')?;
    let name = rest.get(1..end)?;
    let c = match name {
        "nbsp" | "ensp" | "emsp" | "thinsp" => ' ',
        "ndash" | "mdash" | "minus" => '-',
        "middot" => '.',
        "shy" | "zwnj" | "zwj" => '\u{200b}',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((c, end + 1))
}

/// Characters that a reader does not see: they part nothing.
fn unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{20e3}')
}

/// The value of a digit of any script that has them in a row.
pub(super) fn digit(c: char) -> Option<u8> {
    const ZEROS: [u32; 19] = [
        0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66,
        0xe50, 0xed0, 0xf20, 0x1040, 0x17e0, 0xff10,
    ];
    if c.is_ascii() {
        return c.to_digit(10).and_then(|value| u8::try_from(value).ok());
    }
    let code = u32::from(c);
    // Digits of mathematics stand five times in a row.
    if let Some(place) = code.checked_sub(0x1d7ce).filter(|place| *place < 50) {
        return u8::try_from(place % 10).ok();
    }
    let zero = ZEROS.iter().rev().find(|zero| **zero <= code)?;
    u8::try_from(code - zero).ok().filter(|value| *value < 10)
}

/// Characters that people put between the parts of a number.
pub(super) fn light(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '-' | '\u{2010}'
                ..='\u{2015}'
                    | '\u{2212}'
                    | '\u{ff0d}'
                    | '.'
                    | '\u{b7}'
                    | '\u{2022}'
                    | '\u{ff0e}'
                    | '\u{3002}'
                    | '_'
                    | ','
                    | '/'
                    | '|'
                    | '('
                    | ')'
                    | '['
                    | ']'
                    | '\\'
                    | '~'
                    | '*'
                    | '\''
                    | '\u{2019}'
        )
}

/// A letter without its marks, small; none where it is no letter that a number is said with.
fn folded(c: char) -> char {
    match c {
        'A'..='Z' => c.to_ascii_lowercase(),
        '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}' => {
            char::from_u32(u32::from(c) - 0xfee0).map_or('?', |c| c.to_ascii_lowercase())
        }
        'á' | 'à' | 'â' | 'Á' => 'a',
        'é' | 'è' | 'ê' | 'É' => 'e',
        'í' | 'ì' | 'î' | 'Í' => 'i',
        'ó' | 'ò' | 'ô' | 'Ó' => 'o',
        'ú' | 'ù' | 'û' | 'Ú' => 'u',
        'ñ' | 'Ñ' => 'n',
        c if c.is_ascii() => c,
        _ => '?',
    }
}

/// Reads a text.
pub(super) fn lex(number: usize, text: Text<'_>) -> Lexed {
    let mut lexed = Lexed {
        text: number,
        tokens: Vec::new(),
        digits: Vec::new(),
    };
    let mut word = String::with_capacity(LONGEST_WORD);
    let mut place = (0, 0);
    let mut gap = Gap::default();
    for glyph in glyphs(text) {
        let value = digit(glyph.c);
        let letter = value.is_none() && glyph.c.is_alphanumeric();
        if !letter && !word.is_empty() {
            lexed.word(&word, place, gap);
            word.clear();
            gap = Gap::glued();
        }
        if let Some(value) = value {
            lexed.digit(value, glyph, gap);
            gap = Gap::inside();
        } else if letter {
            if word.is_empty() {
                if gap.inside {
                    gap = Gap::glued();
                }
                place = (glyph.start, glyph.end);
            }
            place.1 = glyph.end;
            if word.len() < LONGEST_WORD {
                word.push(folded(glyph.c));
            }
        } else {
            gap.widen(glyph.c);
        }
    }
    if !word.is_empty() {
        lexed.word(&word, place, gap);
    }
    lexed
}

/// What stands between two tokens.
#[derive(Debug, Clone, Copy)]
struct Gap {
    width: usize,
    light: bool,
    /// Right behind a digit.
    inside: bool,
    last: Option<char>,
}

impl Default for Gap {
    fn default() -> Self {
        Self {
            width: 0,
            light: true,
            inside: false,
            last: None,
        }
    }
}

impl Gap {
    fn inside() -> Self {
        Self {
            inside: true,
            ..Self::default()
        }
    }

    /// Right behind a letter or a digit: what follows without a gap is glued to it.
    fn glued() -> Self {
        Self {
            last: Some('a'),
            ..Self::default()
        }
    }

    fn widen(&mut self, c: char) {
        self.inside = false;
        self.width += 1;
        self.light &= light(c);
        self.last = Some(c).filter(|c| !c.is_whitespace());
    }

    fn near(self) -> bool {
        self.light && self.width <= WIDEST_GAP
    }
}

impl Lexed {
    fn digit(&mut self, value: u8, glyph: Glyph, gap: Gap) {
        let from = self.digits.len();
        self.digits.push(Written {
            value,
            start: glyph.start,
            end: glyph.end,
        });
        if gap.inside
            && let Some(token) = self.tokens.last_mut()
            && let What::Digits { count, .. } = &mut token.what
        {
            *count += 1;
            token.end = glyph.end;
            return;
        }
        self.tokens.push(Token {
            start: glyph.start,
            end: glyph.end,
            what: What::Digits { from, count: 1 },
            near: gap.near(),
            behind: gap.last,
        });
    }

    fn word(&mut self, word: &str, (start, end): (usize, usize), gap: Gap) {
        self.tokens.push(Token {
            start,
            end,
            what: What::Word(words::read(word)),
            near: gap.near(),
            behind: gap.last,
        });
    }
}
