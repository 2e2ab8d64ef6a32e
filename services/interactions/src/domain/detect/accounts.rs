//! Bank accounts: the IBAN by its check digits, local numbers by the words around them.

use super::lexer::{Glyph, digit, glyphs, light};
use super::runs::Run;
use super::words::Hint;
use super::{Finding, Kind, Mark, Text};

/// Digits of a local account number, and of other numbers that may stand right beside it.
const LOCAL: std::ops::RangeInclusive<usize> = 7..=40;
/// Characters between two of an IBAN.
const GAP: usize = 2;
/// Characters of two texts that an IBAN may be split over.
const SPLIT: usize = 60;
/// How long an IBAN is, by country (ISO 13616).
const LENGTHS: [(&str, usize); 82] = [
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BR", 29),
    ("BY", 28),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IQ", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("LY", 25),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MN", 20),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("NI", 28),
    ("NL", 18),
    ("NO", 15),
    ("OM", 23),
    ("PK", 24),
    ("PL", 28),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("RU", 33),
    ("SA", 24),
    ("SC", 31),
    ("SD", 18),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("SO", 23),
    ("ST", 25),
    ("SV", 28),
    ("TL", 23),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("VG", 24),
];

/// A local account number, where the words say that it is one.
pub(super) fn find(run: &Run) -> Option<Finding> {
    let all = 0..run.digits.len();
    let said = LOCAL.contains(&all.len()) && run.is_said_to_be(Hint::Account) && !run.plus;
    (said && !run.is_date(all.clone())).then(|| run.finding(Kind::Account, all))
}

/// The IBANs of a text.
pub(super) fn ibans(number: usize, text: Text<'_>) -> Vec<Finding> {
    let placed: Vec<(usize, Glyph)> = glyphs(text).map(|glyph| (number, glyph)).collect();
    scan(&placed)
}

/// An IBAN that begins at the end of the text before.
pub(super) fn split_iban(number: usize, before: Text<'_>, text: Text<'_>) -> Option<Finding> {
    let first = number.checked_sub(1)?;
    let tail: Vec<Glyph> = glyphs(before).collect();
    let tail = tail.get(tail.len().saturating_sub(SPLIT)..)?;
    let border = Glyph {
        c: ' ',
        start: 0,
        end: 0,
    };
    let placed: Vec<(usize, Glyph)> = (tail.iter().map(|glyph| (first, *glyph)))
        .chain([(number, border)])
        .chain(glyphs(text).take(SPLIT).map(|glyph| (number, glyph)))
        .collect();
    scan(&placed).into_iter().find(|finding| {
        let texts: Vec<usize> = finding.marks.iter().map(|mark| mark.text).collect();
        texts.contains(&first) && texts.contains(&number)
    })
}

fn scan(text: &[(usize, Glyph)]) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let begins = at
            .checked_sub(1)
            .and_then(|at| text.get(at))
            .is_none_or(|(_, before)| folded(before.c).is_none());
        let Some((marks, behind)) = text.get(at..).filter(|_| begins).and_then(iban) else {
            at += 1;
            continue;
        };
        at += behind;
        found.push(Finding {
            kind: Kind::Account,
            marks,
        });
    }
    found
}

/// The IBAN that begins here, and where it ends.
fn iban(rest: &[(usize, Glyph)]) -> Option<(Vec<Mark>, usize)> {
    let head: String = rest
        .iter()
        .take(2)
        .filter_map(|(_, glyph)| folded(glyph.c))
        .collect();
    let (_, length) = LENGTHS.iter().find(|(country, _)| *country == head)?;
    let mut said = String::with_capacity(*length);
    let mut marks = Vec::with_capacity(*length);
    let mut gap = 0;
    for (place, (number, glyph)) in rest.iter().enumerate() {
        match folded(glyph.c) {
            Some(_) if said.len() == *length => return None,
            Some(c) => {
                said.push(c);
                marks.push(Mark {
                    text: *number,
                    start: glyph.start,
                    end: glyph.end,
                });
                gap = 0;
                let ends = rest
                    .get(place + 1)
                    .is_none_or(|(_, next)| folded(next.c).is_none());
                if said.len() == *length && ends {
                    return is_checked(&said).then_some((marks, place + 1));
                }
            }
            None if light(glyph.c) && gap < GAP => gap += 1,
            None => return None,
        }
    }
    None
}

/// A letter or digit of an IBAN as it is meant.
fn folded(c: char) -> Option<char> {
    if let Some(value) = digit(c) {
        return char::from_digit(value.into(), 10);
    }
    match c {
        '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}' => {
            char::from_u32(u32::from(c) - 0xfee0).map(|c| c.to_ascii_uppercase())
        }
        c if c.is_ascii_alphabetic() => Some(c.to_ascii_uppercase()),
        _ => None,
    }
}

/// The check digits of ISO 13616: what is left over by 97 is one.
fn is_checked(iban: &str) -> bool {
    let (head, body) = iban.split_at(4);
    if !head.chars().skip(2).all(|c| c.is_ascii_digit()) {
        return false;
    }
    let left = body
        .chars()
        .chain(head.chars())
        .filter_map(|c| c.to_digit(36));
    left.fold(0, |sum, value| {
        (sum * if value > 9 { 100 } else { 10 } + value) % 97
    }) == 1
}
