//! Numbers that states give to persons.
//!
//! The Indonesian NIK tells where and when: it is found by being plausible. The Philippine PhilSys numbers have no
//! public check digit: the 16 digits of the card are found by their form, the 12 digits of the permanent number by
//! what the words around say. A US social security number is found by its form, or by the words around.

use std::ops::Range;

use super::runs::Run;
use super::words::Hint;
use super::{Finding, Kind};

/// Digits of a NIK and of the number on a PhilSys card.
const LONG: usize = 16;
/// Digits of a permanent PhilSys number, and of other numbers that may stand right beside it.
const PERMANENT: Range<usize> = 12..41;
/// Digits of a social security number.
const SOCIAL_SECURITY: usize = 9;
const SOCIAL_SECURITY_SHAPE: [usize; 3] = [3, 2, 4];
/// Provinces of Indonesia, by the code that a NIK begins with.
const PROVINCES: [std::ops::RangeInclusive<u32>; 8] = [
    11..=19,
    21..=21,
    31..=36,
    51..=53,
    61..=65,
    71..=76,
    81..=82,
    91..=97,
];

/// The numbers of persons in a run, in which cards were found or not.
pub(super) fn find(run: &Run, cards: bool) -> Vec<Finding> {
    let all = 0..run.digits.len();
    if run.is_said_to_be(Hint::Identity) && PERMANENT.contains(&all.len()) {
        return vec![run.finding(Kind::Identity, all)];
    }
    let mut found: Vec<Range<usize>> = run
        .windows(LONG)
        .filter(|window| is_nik(&run.values(window.clone())) && !run.is_date(window.clone()))
        .collect();
    let said = run.is_said_to_be(Hint::SocialSecurity);
    found.extend(run.windows(SOCIAL_SECURITY).filter(|window| {
        is_issued(&run.values(window.clone())) && (said || is_formed(run, window))
    }));
    if !cards && found.is_empty() && is_card_of_a_person(run) {
        found.push(all);
    }
    found
        .into_iter()
        .map(|place| run.finding(Kind::Identity, place))
        .collect()
}

/// Province, regency and district; day (of women 40 more), month and year of birth; a serial number.
fn is_nik(digits: &[u8]) -> bool {
    let pair = |at: usize| -> u32 {
        let two = digits.get(at..at + 2).unwrap_or_default();
        two.iter()
            .fold(0, |sum, digit| sum * 10 + u32::from(*digit))
    };
    let born = |day: u32, month: u32| {
        let longest = match month {
            2 => 29,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => 0,
        };
        (1..=longest).contains(&day)
    };
    let day = pair(6);
    digits.len() == LONG
        && PROVINCES.iter().any(|range| range.contains(&pair(0)))
        && (1..=79).contains(&pair(2))
        && pair(4) > 0
        && born(if day > 40 { day - 40 } else { day }, pair(8))
        && pair(12) + pair(14) > 0
}

/// Sixteen digits as cards bear them, alone and not said to be something else. Four years in a row are none.
fn is_card_of_a_person(run: &Run) -> bool {
    let all = 0..run.digits.len();
    let other = run.follows(Hint::Order, 6) || run.follows(Hint::Phone, 3);
    if all.len() != LONG || other || run.plus || run.glued {
        return false;
    }
    let shape = run.shape(all.clone());
    let years = shape.len() == 4
        && run.groups(all).all(|group| {
            let value = group
                .iter()
                .fold(0, |sum, digit| sum * 10 + u32::from(digit.value));
            (1900..2100).contains(&value)
        });
    let written = matches!(shape.as_slice(), [16] | [4, 4, 4, 4] | [4, 12] | [12, 4]);
    !years && (written || run.joined || run.is_spoken())
}

/// Three, two and four digits, as a social security number is written.
fn is_formed(run: &Run, window: &Range<usize>) -> bool {
    let after_plus = window.start == 0 && run.plus;
    !after_plus && !run.glued && run.shape(window.clone()) == SOCIAL_SECURITY_SHAPE
}

/// Whether such a social security number may exist.
fn is_issued(digits: &[u8]) -> bool {
    let [a, b, c, d, e, f, g, h, i] = digits else {
        return false;
    };
    let area = (a, b, c);
    !matches!(area, (0, 0, 0) | (6, 6, 6) | (9, _, _))
        && (*d, *e) != (0, 0)
        && [f, g, h, i] != [&0; 4]
}
