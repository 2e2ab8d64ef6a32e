//! How many contacts there were: what they are told apart by, and the times that are counted together.

use chrono::{DateTime, Datelike as _, NaiveDate, Offset as _, TimeZone as _, Timelike as _};
use chrono_tz::Tz;
use rapport_foundation::time::Micros;

use super::code::{Channel, Direction, Kind, Purpose};
pub use super::code::{Dimension, Interval};

/// What is counted together at the finest: no time zone of today is off by less.
pub const QUARTER_MICROS: i64 = 15 * 60 * 1_000_000;

/// What is to be counted.
#[derive(Debug, Clone)]
pub struct Counting {
    /// The times, each from a start to before an end.
    pub spans: Vec<Span>,
    /// What contacts are told apart by.
    pub dimensions: Vec<Dimension>,
    /// On this channel.
    pub channel: Option<Channel>,
    /// In this direction.
    pub direction: Option<Direction>,
    /// About this.
    pub purpose: Option<Purpose>,
    /// Of this form.
    pub kind: Option<Kind>,
    /// Over this network.
    pub provider: Option<String>,
    /// Said by this connector.
    pub connector: Option<String>,
    /// Whether the rules asked for an agent.
    pub asks_for_agent: Option<bool>,
}

/// A time that is counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// At or after.
    pub start: Micros,
    /// Before.
    pub end: Micros,
}

/// How many contacts of one combination there were in one span. What was not asked for is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// The time.
    pub span: Span,
    /// Where.
    pub channel: Option<Channel>,
    /// Who turned to whom.
    pub direction: Option<Direction>,
    /// About what.
    pub purpose: Option<Purpose>,
    /// In what form.
    pub kind: Option<Kind>,
    /// Over whose network.
    pub provider: String,
    /// Said by whom.
    pub connector: String,
    /// Whether the rules asked for an agent.
    pub asks_for_agent: Option<bool>,
    /// How many.
    pub count: i64,
}

/// The quarter of an hour a time lies in.
#[must_use]
pub const fn quarter(at: Micros) -> Micros {
    Micros(at.0 - at.0.rem_euclid(QUARTER_MICROS))
}

/// Cuts a time into intervals of a zone's clock. Both ends lie on quarters of an hour.
#[must_use]
pub fn spans(whole: Span, interval: Option<Interval>, zone: Tz) -> Vec<Span> {
    let Some(interval) = interval else {
        return vec![whole];
    };
    let mut spans: Vec<Span> = Vec::new();
    let mut last = None;
    let mut at = whole.start;
    // Quarter by quarter: whatever a clock does, a quarter belongs to the interval that its start belongs to.
    while at < whole.end {
        let next = Micros(at.0 + QUARTER_MICROS).min(whole.end);
        let name = name(at, interval, zone);
        match spans.last_mut() {
            Some(span) if last == name => span.end = next,
            _ => spans.push(Span {
                start: at,
                end: next,
            }),
        }
        last = name;
        at = next;
    }
    spans
}

/// What an interval is called: its first day, and of an hour its number and how far the clock is from UTC, which tells
/// the two apart that a clock goes through twice.
fn name(at: Micros, interval: Interval, zone: Tz) -> Option<(NaiveDate, u32, i32)> {
    let local: DateTime<Tz> =
        zone.from_utc_datetime(&DateTime::from_timestamp_micros(at.0)?.naive_utc());
    let day = local.date_naive();
    Some(match interval {
        Interval::Hour => {
            let offset = local.offset().fix().local_minus_utc();
            (day, local.hour(), offset)
        }
        Interval::Day => (day, 0, 0),
        Interval::Week => (day.week(chrono::Weekday::Mon).first_day(), 0, 0),
        Interval::Month => (day.with_day(1)?, 0, 0),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Micros {
        let time = DateTime::parse_from_rfc3339(text);
        Micros(time.map(|time| time.timestamp_micros()).unwrap_or_default())
    }

    fn cut(from: &str, until: &str, interval: Interval, zone: Tz) -> Vec<i64> {
        let whole = Span {
            start: at(from),
            end: at(until),
        };
        let spans = spans(whole, Some(interval), zone);
        let hours = |span: &Span| (span.end.0 - span.start.0) / 3_600_000_000;
        spans.iter().map(hours).collect()
    }

    #[test]
    fn days_are_as_long_as_the_clock_makes_them() {
        let berlin = chrono_tz::Europe::Berlin;
        let march = cut(
            "2026-03-28T00:00:00+01:00",
            "2026-03-31T00:00:00+02:00",
            Interval::Day,
            berlin,
        );
        assert_eq!(march, [24, 23, 24]);
        let october = cut(
            "2026-10-24T00:00:00+02:00",
            "2026-10-27T00:00:00+01:00",
            Interval::Day,
            berlin,
        );
        assert_eq!(october, [24, 25, 24]);
        let hours = cut(
            "2026-10-25T00:00:00+02:00",
            "2026-10-26T00:00:00+01:00",
            Interval::Hour,
            berlin,
        );
        assert_eq!(hours, vec![1; 25]);
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first_and_the_ends_are_cut() {
        let jakarta = chrono_tz::Asia::Jakarta;
        // The first of January 2026 is a Thursday.
        let weeks = cut(
            "2026-01-01T00:00:00+07:00",
            "2026-01-14T00:00:00+07:00",
            Interval::Week,
            jakarta,
        );
        assert_eq!(weeks, [4 * 24, 7 * 24, 2 * 24]);
        let months = cut(
            "2026-01-30T00:00:00+07:00",
            "2026-03-02T00:00:00+07:00",
            Interval::Month,
            jakarta,
        );
        assert_eq!(months, [2 * 24, 28 * 24, 24]);
        assert_eq!(
            quarter(at("2026-01-01T10:44:59Z")),
            at("2026-01-01T10:30:00Z")
        );
        assert_eq!(quarter(Micros(-1)), Micros(-QUARTER_MICROS));
    }

    proptest! {
        #[test]
        fn every_moment_is_in_one_span(from in 0_i64..60_000, quarters in 1_i64..3000, which in 0_usize..4, zone in 0_usize..4) {
            let zones = [Tz::UTC, chrono_tz::Asia::Kathmandu, chrono_tz::America::New_York, chrono_tz::Australia::Lord_Howe];
            let start = Micros(1_600_000_200_000_000 / QUARTER_MICROS * QUARTER_MICROS + from * QUARTER_MICROS);
            let whole = Span { start, end: Micros(start.0 + quarters * QUARTER_MICROS) };
            let spans = spans(whole, Some(Interval::ALL[which]), zones[zone]);
            prop_assert_eq!(spans.first().map(|span| span.start), Some(whole.start));
            prop_assert_eq!(spans.last().map(|span| span.end), Some(whole.end));
            prop_assert!(spans.windows(2).all(|pair| pair[0].end == pair[1].start && pair[0].start < pair[0].end));
        }
    }
}
