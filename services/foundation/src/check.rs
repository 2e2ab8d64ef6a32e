//! Decoding a request: all violations are collected before the call is refused.
//!
//! Each method answers a placeholder when its field is wrong. The placeholder never escapes, because
//! [`Check::done`] fails as soon as there is one violation.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use uuid::Uuid;

use crate::error::{Failure, Violation};
use crate::etag;
use crate::id::TypedId;
use crate::time::Micros;

/// Collected violations beyond this many are not listed: an answer must fit into its trailers.
const MOST_VIOLATIONS: usize = 20;
/// 2200-01-01: later times are slips (milliseconds taken for seconds).
const LATEST: Micros = Micros(7_258_118_400_000_000);

/// Collects what is wrong with one request.
#[derive(Debug, Default)]
pub struct Check {
    violations: Vec<Violation>,
    prefix: String,
}

impl Check {
    /// Nothing wrong yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a violation of `field`: a stable reason and what is wrong.
    pub fn fail(&mut self, field: &str, reason: &'static str, what: impl Into<String>) {
        if self.violations.len() < MOST_VIOLATIONS {
            let field = format!("{}{field}", self.prefix);
            self.violations.push(Violation {
                field,
                reason,
                description: what.into(),
            });
        }
    }

    /// Notes a violation unless `holds`.
    pub fn require(&mut self, holds: bool, field: &str, reason: &'static str, what: &str) {
        if !holds {
            self.fail(field, reason, what);
        }
    }

    /// Checks the fields of a nested message: their names get `path.` in front.
    pub fn within<T>(
        &mut self,
        path: impl std::fmt::Display,
        inner: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let before = self.prefix.len();
        self.prefix.push_str(&format!("{path}."));
        let value = inner(self);
        self.prefix.truncate(before);
        value
    }

    /// A required id of this kind.
    pub fn id<I: TypedId>(&mut self, field: &str, text: &str) -> I {
        if text.is_empty() {
            self.fail(field, "REQUIRED", "is required");
            return I::from_uuid(Uuid::nil());
        }
        match I::parse(text) {
            Ok(id) => id,
            Err(_) => {
                self.fail(
                    field,
                    "MALFORMED_ID",
                    format!("is not an id of the form {}_…", I::PREFIX),
                );
                I::from_uuid(Uuid::nil())
            }
        }
    }

    /// An id that may be left empty.
    pub fn optional_id<I: TypedId>(&mut self, field: &str, text: &str) -> Option<I> {
        (!text.is_empty()).then(|| self.id(field, text))
    }

    /// A text of so many characters, without NUL and control characters other than line feed and tab.
    pub fn text(&mut self, field: &str, text: &str, length: RangeInclusive<usize>) -> String {
        let count = text.chars().count();
        if count == 0 && *length.start() > 0 {
            self.fail(field, "REQUIRED", "is required");
        } else if count < *length.start() {
            self.fail(
                field,
                "TOO_SHORT",
                format!("is shorter than {} characters", length.start()),
            );
        } else if count > *length.end() {
            self.fail(
                field,
                "TOO_LONG",
                format!("is longer than {} characters", length.end()),
            );
        } else if text
            .chars()
            .any(|c| c.is_control() && c != '\n' && c != '\t' && c != '\r')
        {
            self.fail(field, "CONTROL_CHARACTER", "holds a control character");
        } else {
            return text.to_owned();
        }
        String::new()
    }

    /// A text without any control character, line feeds included.
    pub fn line(&mut self, field: &str, text: &str, length: RangeInclusive<usize>) -> String {
        if text.contains(['\n', '\t', '\r']) {
            self.fail(field, "CONTROL_CHARACTER", "holds a control character");
            return String::new();
        }
        self.text(field, text, length)
    }

    /// A text that may be left empty, up to so many characters.
    pub fn optional_text(&mut self, field: &str, text: &str, longest: usize) -> Option<String> {
        (!text.is_empty()).then(|| self.text(field, text, 0..=longest))
    }

    /// A required value of an enumeration: neither unspecified nor unknown.
    pub fn enumeration<E: TryFrom<i32> + Default>(&mut self, field: &str, raw: i32) -> E {
        if raw == 0 {
            self.fail(field, "REQUIRED", "is required");
            return E::default();
        }
        E::try_from(raw).unwrap_or_else(|_| {
            self.fail(field, "UNKNOWN_VALUE", "is not a known value");
            E::default()
        })
    }

    /// A value of an enumeration that may be left unspecified.
    pub fn optional_enumeration<E: TryFrom<i32> + Default>(
        &mut self,
        field: &str,
        raw: i32,
    ) -> Option<E> {
        (raw != 0).then(|| self.enumeration(field, raw))
    }

    /// A required time between 1970 and 2200, cut to microseconds.
    pub fn time(&mut self, field: &str, time: Option<&prost_types::Timestamp>) -> Micros {
        let Some(time) = time else {
            self.fail(field, "REQUIRED", "is required");
            return Micros::EPOCH;
        };
        let at = Micros::from(time);
        if !(0..1_000_000_000).contains(&time.nanos) || at < Micros::EPOCH || at >= LATEST {
            self.fail(
                field,
                "IMPOSSIBLE_TIME",
                "is not a time between 1970 and 2200",
            );
            return Micros::EPOCH;
        }
        at
    }

    /// A time that may be left out.
    pub fn optional_time(
        &mut self,
        field: &str,
        time: Option<&prost_types::Timestamp>,
    ) -> Option<Micros> {
        time.map(|time| self.time(field, Some(time)))
    }

    /// A number within a range.
    pub fn number<N: PartialOrd + Copy + std::fmt::Display>(
        &mut self,
        field: &str,
        number: N,
        range: RangeInclusive<N>,
    ) -> N {
        if !range.contains(&number) {
            let (least, most) = (range.start(), range.end());
            self.fail(
                field,
                "OUT_OF_RANGE",
                format!("is not between {least} and {most}"),
            );
        }
        number
    }

    /// A message that must be there; its fields are checked by `inner` under its name.
    pub fn message<M, T: Default>(
        &mut self,
        field: &str,
        message: Option<&M>,
        inner: impl FnOnce(&mut Self, &M) -> T,
    ) -> T {
        match message {
            Some(message) => self.within(field, |check| inner(check, message)),
            None => {
                self.fail(field, "REQUIRED", "is required");
                T::default()
            }
        }
    }

    /// The required `request_id` of a mutation: a UUID that is not all zeros.
    pub fn request_id(&mut self, text: &str) -> Uuid {
        if text.is_empty() {
            self.fail("request_id", "REQUIRED", "is required");
            return Uuid::nil();
        }
        match Uuid::try_parse(text) {
            Ok(id) if !id.is_nil() => id,
            _ => {
                self.fail("request_id", "MALFORMED_ID", "is not a UUID");
                Uuid::nil()
            }
        }
    }

    /// The version that a given `etag` names; none when none is given.
    pub fn etag(&mut self, text: &str) -> Option<i64> {
        if text.is_empty() {
            return None;
        }
        let version = etag::version(text);
        self.require(
            version.is_some(),
            "etag",
            "MALFORMED_ETAG",
            "is not an etag of this service",
        );
        version
    }

    /// How many results a page has: `default` when 0, cut to `most`; negative is a violation.
    pub fn page_size(&mut self, wanted: i32, default: u32, most: u32) -> u32 {
        match u32::try_from(wanted) {
            Ok(0) => default,
            Ok(wanted) => wanted.min(most),
            Err(_) => {
                self.fail("page_size", "OUT_OF_RANGE", "is negative");
                default
            }
        }
    }

    /// The paths of a field mask, of those that can be updated; without a mask all of them. `*` means all too.
    pub fn mask(
        &mut self,
        field: &str,
        mask: Option<&prost_types::FieldMask>,
        updatable: &[&str],
    ) -> BTreeSet<String> {
        let all = || updatable.iter().map(|path| (*path).to_owned()).collect();
        let Some(mask) = mask.filter(|mask| !mask.paths.is_empty()) else {
            return all();
        };
        if mask.paths == ["*"] {
            return all();
        }
        for path in &mask.paths {
            if !updatable.contains(&path.as_str()) {
                self.fail(
                    field,
                    "UNKNOWN_FIELD",
                    "names a field that cannot be updated",
                );
            }
        }
        mask.paths.iter().cloned().collect()
    }

    /// The paths of a field mask that must name some: for what nobody should clear by leaving something out.
    pub fn stated_mask(
        &mut self,
        field: &str,
        mask: Option<&prost_types::FieldMask>,
        updatable: &[&str],
    ) -> BTreeSet<String> {
        let stated = mask.is_some_and(|mask| !mask.paths.is_empty());
        self.require(stated, field, "REQUIRED", "must name what is to be set");
        self.mask(field, mask, updatable)
    }

    /// Whether something is wrong already.
    #[must_use]
    pub fn failed(&self) -> bool {
        !self.violations.is_empty()
    }

    /// The decoded value, if nothing was wrong.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` with every violation.
    pub fn done<T>(self, value: T) -> Result<T, Failure> {
        if self.violations.is_empty() {
            Ok(value)
        } else {
            Err(Failure::invalid(self.violations))
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use prost_types::FieldMask;

    use super::*;
    use crate::error::Code;
    use crate::id::CustomerId;

    #[derive(Debug, Default, PartialEq)]
    enum Channel {
        #[default]
        Unspecified,
        Call,
    }
    impl TryFrom<i32> for Channel {
        type Error = ();
        fn try_from(raw: i32) -> Result<Self, ()> {
            [Self::Unspecified, Self::Call]
                .into_iter()
                .nth(usize::try_from(raw).map_err(|_| ())?)
                .ok_or(())
        }
    }

    #[test]
    fn every_violation_is_listed_with_its_reason() {
        let mut c = Check::new();
        let _: CustomerId = c.id("customer_id", "ten_x");
        c.text("subject", "a\0b", 1..=200);
        c.text("note", "ééé", 0..=2);
        let _: Channel = c.enumeration("channel", 7);
        c.time(
            "event_time",
            Some(&prost_types::Timestamp {
                seconds: 0,
                nanos: 1_000_000_000,
            }),
        );
        c.request_id("nope");
        c.page_size(-1, 50, 200);
        c.within("identifiers[1]", |c| c.text("value", "", 1..=5));
        let mask = prost_types::FieldMask {
            paths: vec!["tenant_id".into()],
        };
        c.mask("update_mask", Some(&mask), &["name"]);
        c.stated_mask("other_mask", None, &["name"]);
        c.stated_mask("empty_mask", Some(&FieldMask::default()), &["name"]);
        let failure = c.done(()).unwrap_err();
        assert_eq!(failure.code, Code::InvalidArgument);
        let seen: Vec<_> = failure
            .violations()
            .iter()
            .map(|v| (v.field.as_str(), v.reason))
            .collect();
        assert_eq!(
            seen,
            [
                ("customer_id", "MALFORMED_ID"),
                ("subject", "CONTROL_CHARACTER"),
                ("note", "TOO_LONG"),
                ("channel", "UNKNOWN_VALUE"),
                ("event_time", "IMPOSSIBLE_TIME"),
                ("request_id", "MALFORMED_ID"),
                ("page_size", "OUT_OF_RANGE"),
                ("identifiers[1].value", "REQUIRED"),
                ("update_mask", "UNKNOWN_FIELD"),
                ("other_mask", "REQUIRED"),
                ("empty_mask", "REQUIRED"),
            ]
        );
    }

    #[test]
    fn a_good_request_decodes() {
        let mut c = Check::new();
        assert_eq!(c.optional_id::<CustomerId>("x", ""), None);
        assert_eq!(c.text("subject", "héllo\nworld", 1..=11), "héllo\nworld");
        assert_eq!(c.enumeration::<Channel>("channel", 1), Channel::Call);
        assert_eq!(c.optional_enumeration::<Channel>("channel", 0), None);
        assert_eq!(c.page_size(0, 50, 200), 50);
        assert_eq!(c.page_size(900, 50, 200), 200);
        let at = c.time(
            "t",
            Some(&prost_types::Timestamp {
                seconds: 1,
                nanos: 1_999,
            }),
        );
        assert_eq!(at, Micros(1_000_001));
        assert_eq!(c.mask("update_mask", None, &["a", "b"]).len(), 2);
        let all = FieldMask {
            paths: vec!["*".into()],
        };
        assert_eq!(
            c.stated_mask("update_mask", Some(&all), &["a", "b"]).len(),
            2
        );
        assert!(c.done(()).is_ok());
    }
}
