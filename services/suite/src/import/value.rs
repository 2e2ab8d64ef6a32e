//! Texts of a file as values of the contract.

use rapport_proto::types::v1::{
    Channel, Direction, IdentifierType, InteractionKind, Priority, Purpose,
};

/// An enumeration of the contract, written in full (`CHANNEL_PHONE`) or by its last part (`PHONE`).
pub(crate) trait Named: Sized {
    const PREFIX: &'static str;
    fn from_full(name: &str) -> Option<Self>;
    fn number(self) -> i32;
}

macro_rules! named {
    ($($type:ty = $prefix:literal;)*) => {$(
        impl Named for $type {
            const PREFIX: &'static str = $prefix;
            fn from_full(name: &str) -> Option<Self> {
                Self::from_str_name(name)
            }
            fn number(self) -> i32 {
                self as i32
            }
        }
    )*};
}

named! {
    Channel = "CHANNEL_";
    Direction = "DIRECTION_";
    IdentifierType = "IDENTIFIER_TYPE_";
    InteractionKind = "INTERACTION_KIND_";
    Priority = "PRIORITY_";
    Purpose = "PURPOSE_";
}

/// The number of a name.
///
/// # Errors
/// In words, when the contract has no such name.
pub(crate) fn named<N: Named>(name: &str) -> Result<i32, String> {
    let full = match name.starts_with(N::PREFIX) {
        true => name.to_owned(),
        false => format!("{}{}", N::PREFIX, name),
    };
    match N::from_full(&full).map(N::number) {
        Some(number) if number != 0 => Ok(number),
        _ => Err(format!(
            "`{name}` is none of the {}… of the contract",
            N::PREFIX
        )),
    }
}

/// A decimal number in units of 10^-exponent.
///
/// # Errors
/// In words, when it is no such number or has more places than are kept.
pub(super) fn units(text: &str, exponent: u8) -> Result<i64, String> {
    let wrong = || format!("`{text}` is no amount with {exponent} decimal places at most");
    let (whole, places) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let places = places.trim_end_matches('0');
    if digits.is_empty() || !all_digits(digits) || !all_digits(places) {
        return Err(wrong());
    }
    let width = usize::from(exponent);
    if places.len() > width {
        return Err(wrong());
    }
    format!("{whole}{places:0<width$}")
        .parse()
        .map_err(|_| wrong())
}

/// A yes or a no.
///
/// # Errors
/// In words, when it is neither.
pub(super) fn truth(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => Err(format!("`{text}` is neither true nor false")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_be_short_or_full_but_must_exist() {
        assert_eq!(named::<Channel>("PHONE"), Ok(1));
        assert_eq!(named::<Channel>("CHANNEL_PHONE"), Ok(1));
        for wrong in ["phone", "UNSPECIFIED", "CHANNEL_UNSPECIFIED", "FAX", ""] {
            assert!(named::<Channel>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn amounts_are_exact() {
        for (text, exponent, expected) in [
            ("12.5", 2, 1250),
            ("12.50", 2, 1250),
            ("12.500", 2, 1250),
            ("0.01", 2, 1),
            ("-0.05", 2, -5),
            ("150000", 0, 150_000),
            ("7", 3, 7000),
        ] {
            assert_eq!(units(text, exponent), Ok(expected), "{text}");
        }
        for (text, exponent) in [
            ("", 2),
            ("1,5", 2),
            ("1.005", 2),
            ("1e3", 2),
            (".5", 1),
            ("--1", 0),
            ("99999999999999999999", 2),
        ] {
            assert!(units(text, exponent).is_err(), "{text}");
        }
    }
}
