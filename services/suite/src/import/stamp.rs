//! Reading a time as a file writes it.

use chrono::{DateTime, Duration, LocalResult, NaiveDateTime, TimeZone as _, Utc};
use chrono_tz::Tz;

use super::map::TimeRules;

/// The ways a time may be written, and the zone of those that name none.
#[derive(Debug, Clone)]
pub(super) struct Stamps {
    zone: Tz,
    formats: Vec<Format>,
}

#[derive(Debug, Clone)]
enum Format {
    Rfc3339,
    UnixSeconds,
    UnixMillis,
    /// A pattern without a zone.
    Local(String),
    /// A pattern with an offset.
    Offset(String),
}

impl Stamps {
    /// # Errors
    /// In words, when the zone or a pattern is not known.
    pub(super) fn new(rules: &TimeRules) -> Result<Stamps, String> {
        let zone = rules
            .zone
            .parse()
            .map_err(|_| format!("`{}` is no IANA time zone", rules.zone))?;
        if rules.formats.is_empty() {
            return Err("`time.formats` is empty".into());
        }
        let formats = rules
            .formats
            .iter()
            .map(|text| format(text))
            .collect::<Result<_, _>>()?;
        Ok(Stamps { zone, formats })
    }

    /// The moment a text names.
    ///
    /// A local time that a clock change skipped is taken an hour later, one that came twice is taken as the first.
    ///
    /// # Errors
    /// In words, when no pattern fits.
    pub(super) fn parse(&self, text: &str) -> Result<prost_types::Timestamp, String> {
        let text = text.trim();
        let at = self
            .formats
            .iter()
            .find_map(|format| self.try_one(format, text));
        match at {
            Some(at) => Ok(prost_types::Timestamp {
                seconds: at.timestamp(),
                nanos: i32::try_from(at.timestamp_subsec_micros()).unwrap_or(0) * 1000,
            }),
            None => Err(format!("`{text}` is no time in the formats of the map")),
        }
    }

    fn try_one(&self, format: &Format, text: &str) -> Option<DateTime<Utc>> {
        match format {
            Format::Rfc3339 => Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc()),
            Format::UnixSeconds => DateTime::from_timestamp(text.parse().ok()?, 0),
            Format::UnixMillis => DateTime::from_timestamp_millis(text.parse().ok()?),
            Format::Offset(pattern) => Some(DateTime::parse_from_str(text, pattern).ok()?.to_utc()),
            Format::Local(pattern) => {
                let local = NaiveDateTime::parse_from_str(text, pattern).ok()?;
                match self.zone.from_local_datetime(&local) {
                    LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at.to_utc()),
                    LocalResult::None => {
                        let later = local.checked_add_signed(Duration::hours(1))?;
                        Some(self.zone.from_local_datetime(&later).earliest()?.to_utc())
                    }
                }
            }
        }
    }
}

fn format(text: &str) -> Result<Format, String> {
    use chrono::format::{Fixed, Item, StrftimeItems};
    match text {
        "rfc3339" => return Ok(Format::Rfc3339),
        "unix_s" => return Ok(Format::UnixSeconds),
        "unix_ms" => return Ok(Format::UnixMillis),
        _ => (),
    }
    let items: Vec<Item<'_>> = StrftimeItems::new(text).collect();
    if items.iter().any(|item| matches!(item, Item::Error)) {
        return Err(format!("`{text}` is no strftime pattern"));
    }
    let offset = items.iter().any(|item| {
        matches!(
            item,
            Item::Fixed(
                Fixed::TimezoneOffset
                    | Fixed::TimezoneOffsetColon
                    | Fixed::TimezoneOffsetDoubleColon
                    | Fixed::TimezoneOffsetColonZ
                    | Fixed::TimezoneOffsetZ
                    | Fixed::RFC2822
                    | Fixed::RFC3339
            )
        )
    });
    Ok(match offset {
        true => Format::Offset(text.to_owned()),
        false => Format::Local(text.to_owned()),
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn stamps(zone: &str, formats: &[&str]) -> Result<Stamps, String> {
        Stamps::new(&TimeRules {
            zone: zone.into(),
            formats: formats.iter().map(|text| (*text).to_owned()).collect(),
        })
    }

    #[test]
    fn days_and_months_need_no_leading_zero() {
        let stamps = stamps("UTC", &["%d/%m/%Y %H:%M"]).unwrap();
        assert_eq!(
            stamps.parse("29/2/2016 01:16").unwrap().seconds,
            1_456_708_560
        );
        assert_eq!(
            stamps.parse(" 6/3/2016 10:00 ").unwrap().seconds,
            1_457_258_400
        );
        for wrong in [
            "",
            "2016-02-29",
            "30/2/2016 01:16",
            "29/2/2016",
            "29/2/2016 25:00",
        ] {
            assert!(stamps.parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_zone_shifts_what_names_none_and_patterns_are_tried_in_order() {
        let stamps = stamps("Asia/Jakarta", &["rfc3339", "%Y-%m-%d %H:%M", "unix_ms"]).unwrap();
        assert_eq!(
            stamps.parse("2026-01-01 07:00").unwrap().seconds,
            1_767_225_600
        );
        assert_eq!(
            stamps.parse("2026-01-01T07:00:00+07:00").unwrap().seconds,
            1_767_225_600
        );
        let millis = stamps.parse("1767225600123").unwrap();
        assert_eq!((millis.seconds, millis.nanos), (1_767_225_600, 123_000_000));
    }

    #[test]
    fn hours_that_a_clock_change_skips_or_repeats_have_a_moment() {
        let stamps = stamps("Europe/Berlin", &["%Y-%m-%d %H:%M"]).unwrap();
        assert_eq!(
            stamps.parse("2026-03-29 02:30").unwrap().seconds,
            1_774_747_800
        );
        assert_eq!(
            stamps.parse("2026-10-25 02:30").unwrap().seconds,
            1_792_888_200
        );
    }

    #[test]
    fn unknown_zones_and_patterns_are_refused() {
        assert!(stamps("Mars/Olympus", &["rfc3339"]).is_err());
        assert!(stamps("UTC", &["%Q"]).is_err());
        assert!(stamps("UTC", &[]).is_err());
    }
}
