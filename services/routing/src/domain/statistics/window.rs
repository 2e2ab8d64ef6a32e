use chrono::{DateTime, Days, NaiveTime, TimeZone as _};
use chrono_tz::Tz;
use rapport_foundation::time::Micros;

use super::buckets::{minute, quarter};

/// Over what time sums are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// So many minutes up to now.
    Minutes(u16),
    /// The day on the clocks of a time zone, up to now.
    SinceMidnight(Tz),
}

impl Window {
    /// The longest window in minutes.
    pub const MOST_MINUTES: u16 = 60;
    /// Where nobody says otherwise.
    pub const USUAL: Self = Self::Minutes(30);

    /// Where it begins: on the whole minute; the day of a time zone on a quarter of an hour.
    #[must_use]
    pub fn begins(self, now: Micros) -> Micros {
        match self {
            Self::Minutes(count) => {
                let most = count.min(Self::MOST_MINUTES);
                minute(now - std::time::Duration::from_secs(u64::from(most) * 60))
            }
            Self::SinceMidnight(zone) => quarter(midnight(zone, now)),
        }
    }
}

/// The first instant of the day that it is in the zone. Where the clocks skip midnight the day begins after the gap.
fn midnight(zone: Tz, now: Micros) -> Micros {
    let Some(utc) = DateTime::from_timestamp_micros(now.0) else {
        return now;
    };
    let date = utc.with_timezone(&zone).date_naive();
    // No gap is longer than three hours, in 12 quarters.
    let quarters = (0..=12).filter_map(|place: u32| {
        let time = NaiveTime::from_hms_opt(place / 4, place % 4 * 15, 0)?;
        zone.from_local_datetime(&date.and_time(time)).earliest()
    });
    let begins = quarters.map(|at| Micros(at.timestamp_micros())).next();
    begins.unwrap_or_else(|| {
        // A whole day was skipped: nothing but the day before can be meant.
        let before = utc.checked_sub_days(Days::new(1)).unwrap_or(utc);
        Micros(before.timestamp_micros())
    })
}
