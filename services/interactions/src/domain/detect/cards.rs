//! Payment cards: an issuer's range, one of its lengths, and the check digit of ISO/IEC 7812.

use std::ops::RangeInclusive;

use super::runs::Run;
use super::{Finding, Kind};

const LENGTHS: RangeInclusive<usize> = 13..=19;

/// Ranges of the first six digits, and how long numbers in them are. Domestic schemes of the region are among them.
const ISSUERS: [(RangeInclusive<u32>, &[usize]); 29] = [
    // Visa.
    (400_000..=499_999, &[13, 16, 18, 19]),
    // Mastercard.
    (510_000..=559_999, &[16]),
    (222_100..=272_099, &[16]),
    // American Express.
    (340_000..=349_999, &[15]),
    (370_000..=379_999, &[15]),
    // Discover, RuPay, and Indonesian debit cards.
    (600_000..=609_999, &[16, 17, 18, 19]),
    (640_000..=659_999, &[16, 17, 18, 19]),
    // UnionPay, and RuPay.
    (620_000..=629_999, &[16, 17, 18, 19]),
    (810_000..=829_999, &[16, 17, 18, 19]),
    // Diners Club.
    (300_000..=305_999, &[14, 16, 17, 18, 19]),
    (309_500..=309_599, &[14, 16, 17, 18, 19]),
    (360_000..=369_999, &[14, 15, 16, 17, 18, 19]),
    (380_000..=399_999, &[14, 16, 17, 18, 19]),
    // JCB.
    (352_800..=358_999, &[16, 17, 18, 19]),
    (213_100..=213_199, &[15]),
    (180_000..=180_099, &[15]),
    // Maestro.
    (501_800..=501_899, &[13, 14, 15, 16, 17, 18, 19]),
    (502_000..=502_099, &[13, 14, 15, 16, 17, 18, 19]),
    (503_800..=503_899, &[13, 14, 15, 16, 17, 18, 19]),
    (506_000..=509_999, &[16, 17, 18, 19]),
    (560_000..=589_999, &[13, 14, 15, 16, 17, 18, 19]),
    (610_000..=619_999, &[16, 18, 19]),
    (630_000..=639_999, &[13, 14, 15, 16, 17, 18, 19]),
    (660_000..=669_999, &[16, 18, 19]),
    (670_000..=679_999, &[13, 14, 15, 16, 17, 18, 19]),
    // Mir, Troy.
    (220_000..=220_499, &[16, 17, 18, 19]),
    (979_200..=979_299, &[16]),
    // RuPay.
    (353_000..=356_999, &[16]),
    // BNI, domestic.
    (194_600..=194_699, &[16]),
];

/// The cards in a run. Those that overlap are one finding: which of them was meant cannot be told, so that nothing of
/// either may be left.
pub(super) fn find(run: &Run) -> Vec<Finding> {
    let run = &run.whole();
    let mut places: Vec<std::ops::Range<usize>> = LENGTHS
        .flat_map(|length| run.windows(length))
        .filter(|window| {
            let after_plus = window.start == 0 && run.plus;
            !after_plus && is_card(&run.values(window.clone())) && !run.is_date(window.clone())
        })
        .collect();
    places.sort_unstable_by_key(|place| (place.start, place.end));
    let mut merged: Vec<std::ops::Range<usize>> = Vec::new();
    for place in places {
        match merged.last_mut() {
            Some(last) if place.start < last.end => last.end = last.end.max(place.end),
            _ => merged.push(place),
        }
    }
    merged
        .into_iter()
        .map(|place| run.finding(Kind::Card, place))
        .collect()
}

/// Whether these digits can be the number of a card.
fn is_card(digits: &[u8]) -> bool {
    let Some(first) = digits.get(..6) else {
        return false;
    };
    let first = first
        .iter()
        .fold(0, |sum, digit| sum * 10 + u32::from(*digit));
    let issued = (ISSUERS.iter())
        .any(|(range, lengths)| range.contains(&first) && lengths.contains(&digits.len()));
    issued && is_checked(digits)
}

/// The check digit of ISO/IEC 7812 (Luhn).
pub(super) fn is_checked(digits: &[u8]) -> bool {
    let sum: u32 = (digits.iter().rev().enumerate())
        .map(|(place, digit)| {
            let value = u32::from(*digit) * if place % 2 == 1 { 2 } else { 1 };
            if value > 9 { value - 9 } else { value }
        })
        .sum();
    sum.is_multiple_of(10)
}
