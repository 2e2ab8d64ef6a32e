//! Telephone numbers to E.164.
//!
//! A number is accepted when its length is possible in a country that exists, not only when the number plan we
//! carry knows its range: plans grow faster than software is updated, and a refused caller is a lost customer.
//! An extension is kept (`;ext=`), because the people behind one switchboard are not one customer. Short codes
//! are no telephone numbers of a person: send them as a handle.

use std::collections::{BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;

use phonenumber::country::Id;
use phonenumber::metadata::DATABASE;

/// Longer texts are no telephone number, however they are punctuated.
const LONGEST: usize = 64;
/// Digits of an extension.
const LONGEST_EXTENSION: usize = 11;

/// A country as ISO 3166-1 alpha-2, one that has telephone numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region(Id);

impl Region {
    /// Reads two letters in either case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() != 2 || !text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return None;
        }
        text.to_ascii_uppercase().parse().ok().map(Self)
    }
}

/// The lengths (in digits, without country code) that numbers of a country code may have.
static LENGTHS: LazyLock<HashMap<u16, BTreeSet<u16>>> = LazyLock::new(|| {
    let mut lengths: HashMap<u16, BTreeSet<u16>> = HashMap::new();
    for country in DATABASE.iter() {
        let kinds = country.descriptors();
        let known = lengths.entry(country.country_code()).or_default();
        let kinds = [
            kinds.fixed_line(),
            kinds.mobile(),
            kinds.toll_free(),
            kinds.premium_rate(),
            kinds.shared_cost(),
            kinds.personal_number(),
            kinds.voip(),
            kinds.pager(),
            kinds.voicemail(),
        ];
        known.extend(
            kinds
                .into_iter()
                .flatten()
                .flat_map(|kind| kind.possible_length()),
        );
        // -1 is how the tables say that a kind does not exist.
        known.retain(|length| (1..=15).contains(length));
    }
    lengths
});

/// The number in E.164, with `;ext=…` when it has an extension; none when there can be no such number.
pub(super) fn normalise(text: &str, region: Option<Region>) -> Option<String> {
    if text.len() > LONGEST {
        return None;
    }
    let text = text.trim();
    let text = text.strip_prefix("tel:").unwrap_or(text);
    let (text, extension) = split_extension(text)?;
    let (international, digits) = digits(text)?;
    let number = if international {
        possible(&digits)
            .then(|| format!("+{digits}"))
            .or_else(|| by_number_plan(&format!("+{digits}"), None))?
    } else {
        by_number_plan(&digits, Some(region?))?
    };
    Some(match extension {
        Some(extension) => format!("{number};ext={extension}"),
        None => number,
    })
}

/// Whether these digits are a country code and a national number as they are: nothing to strip, no need to look
/// further. A national number that begins with 0 may carry a trunk prefix, which the number plan tells.
fn possible(digits: &str) -> bool {
    country_code(digits).is_some_and(|(code, national)| {
        !national.starts_with('0') && has_possible_length(code, national)
    })
}

/// Country codes are free of prefixes: at most one length fits.
fn country_code(digits: &str) -> Option<(u16, &str)> {
    (1..=3).find_map(|length| {
        let (code, national) = digits.split_at_checked(length)?;
        let code = code.parse().ok()?;
        LENGTHS.contains_key(&code).then_some((code, national))
    })
}

fn has_possible_length(code: u16, national: &str) -> bool {
    let length = u16::try_from(national.len()).unwrap_or(u16::MAX);
    LENGTHS
        .get(&code)
        .is_some_and(|lengths| lengths.contains(&length))
}

/// Strips trunk and international prefixes as the number plan says. What the plan reads as another number the second
/// time had two prefixes where one can be: nobody knows which of the two numbers was meant.
fn by_number_plan(text: &str, region: Option<Region>) -> Option<String> {
    let number = planned(text, region)?;
    let settled = possible(number.trim_start_matches('+'))
        || planned(&number, None).is_some_and(|again| again == number);
    settled.then_some(number)
}

fn planned(text: &str, region: Option<Region>) -> Option<String> {
    // The library indexes and unwraps on its way; a number it stumbles over is no number.
    let number = catch_unwind(AssertUnwindSafe(|| {
        phonenumber::parse(region.map(|region| region.0), text).ok()
    }))
    .ok()??;
    let code = number.country().code();
    let national = number.national().to_string();
    has_possible_length(code, &national).then(|| format!("+{code}{national}"))
}

/// The digits of a number written with the usual punctuation, and whether a plus leads them.
fn digits(text: &str) -> Option<(bool, String)> {
    let mut international = false;
    let mut digits = String::new();
    for character in text.chars() {
        match character {
            '+' if digits.is_empty() && !international => international = true,
            '0'..='9' => digits.push(character),
            '\u{660}'..='\u{669}' => digits.push(digit(character, 0x660)?),
            '\u{6f0}'..='\u{6f9}' => digits.push(digit(character, 0x6f0)?),
            '-'
            | '.'
            | '/'
            | '('
            | ')'
            | ' '
            | '\u{a0}'
            | '\u{2010}'..='\u{2014}'
            | '\u{200b}'
            | '\u{2060}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => {}
            _ => return None,
        }
    }
    (digits.len() >= 4 && digits.len() <= 20).then_some((international, digits))
}

fn digit(character: char, zero: u32) -> Option<char> {
    char::from_digit(u32::from(character).checked_sub(zero)?, 10)
}

/// Splits `… ext. 12`, `… x12`, `… #12` and `…;ext=12` into the number and the digits of the extension.
fn split_extension(text: &str) -> Option<(&str, Option<&str>)> {
    let lower = text.to_ascii_lowercase();
    let Some(at) = lower.find([';', 'e', 'x', '#', ',']) else {
        return Some((text, None));
    };
    let (number, rest) = (text.get(..at)?, lower.get(at..)?);
    let marks = [";ext=", "extension", "extn", "ext.", "ext", "x", "#", ",,"];
    let written = marks.iter().find_map(|mark| rest.strip_prefix(mark))?;
    let from = text.len() - written.len();
    let extension = text
        .get(from..)?
        .trim_matches([' ', '.', ':', '#', '\u{a0}']);
    let plausible = (1..=LONGEST_EXTENSION).contains(&extension.len())
        && extension.bytes().all(|byte| byte.is_ascii_digit());
    plausible.then_some((number, Some(extension)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn with_region(text: &str, region: &str) -> Option<String> {
        normalise(text, Region::parse(region))
    }

    #[test]
    fn numbers_as_people_write_them_become_e164() {
        for (text, region, expected) in [
            ("0812-3456-7890", "ID", "+6281234567890"),
            ("+62 812 3456 7890", "", "+6281234567890"),
            ("+62 (0)812 3456 7890", "", "+6281234567890"),
            ("6281234567890", "id", "+6281234567890"),
            ("0917 123 4567", "PH", "+639171234567"),
            ("(202) 555-0123", "US", "+12025550123"),
            ("+1 202 555 0123", "DE", "+12025550123"),
            ("011 44 20 7946 0958", "US", "+442079460958"),
            ("+44 (0)20 7946 0958", "", "+442079460958"),
            ("+39 06 698 12345", "", "+390669812345"),
            ("06 698 12345", "IT", "+390669812345"),
            ("030 123456", "DE", "+4930123456"),
            ("tel:+6281234567890", "", "+6281234567890"),
            ("+1 202 555 0123 ext. 45", "", "+12025550123;ext=45"),
            ("+12025550123;ext=45", "", "+12025550123;ext=45"),
            ("+1 202 555 0123 x45", "", "+12025550123;ext=45"),
            (
                "\u{202a}+62\u{a0}812\u{2011}3456\u{2011}7890\u{202c}",
                "",
                "+6281234567890",
            ),
            ("+٦٢٨١٢٣٤٥٦٧٨٩٠", "", "+6281234567890"),
        ] {
            assert_eq!(
                with_region(text, region).as_deref(),
                Some(expected),
                "{text}"
            );
        }
    }

    #[test]
    fn what_cannot_be_a_number_is_refused() {
        for (text, region) in [
            ("", ""),
            ("abc", "ID"),
            ("anonymous", ""),
            ("12", "ID"),
            ("110", "ID"),
            ("0812-3456-7890", ""),
            ("+999 123 456 789", ""),
            ("+62 81", ""),
            ("+62 812 3456 7890 1234 5678", ""),
            ("1-800-FLOWERS", "US"),
            ("+1 202 555 0123 ext.", ""),
            ("+1+2", ""),
            ("+", ""),
            ("5550123", "US"),
            ("000010", "DE"),
        ] {
            assert_eq!(with_region(text, region), None, "{text}");
        }
    }

    #[test]
    fn regions_are_two_letters_that_exist() {
        assert!(Region::parse("id").is_some());
        for text in ["", "I", "IDN", "99", "XX", "é"] {
            assert!(Region::parse(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_brings_it_down(text in "[+0-9 ()x;#.,-]{0,30}", region in "[A-Z]{2}") {
            let _ = with_region(&text, &region);
        }

        #[test]
        fn a_normalised_number_stays_as_it_is(text in "\\+?[0-9]{4,16}", region in "(ID|PH|US|DE|IT|AR|MX|BR|GB|RU|)") {
            if let Some(number) = with_region(&text, &region) {
                prop_assert_eq!(normalise(&number, None), Some(number.clone()));
                prop_assert_eq!(with_region(&number, "PH"), Some(number));
            }
        }
    }
}
