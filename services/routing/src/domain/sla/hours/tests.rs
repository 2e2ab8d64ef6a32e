//! Open hours against a clock on the wall that is looked at every minute.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use chrono::{DateTime, Datelike as _, NaiveDate, Timelike as _, Utc};
use proptest::prelude::*;

use super::super::timetable::{Exception, Weekday, Weekly};
use super::*;

const ZONES: [&str; 9] = [
    "Europe/Berlin",
    "America/New_York",
    "Asia/Jakarta",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    // The clocks of these are changed at or about midnight.
    "America/Santiago",
    "America/St_Johns",
    "Africa/Cairo",
    // And here a whole date was left out, on 2011-12-30.
    "Pacific/Apia",
];

fn at(text: &str) -> Micros {
    let time: DateTime<Utc> = text.parse().unwrap();
    Micros(time.timestamp_micros())
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

const fn opening(from: u16, to: u16) -> Opening {
    Opening { from, to }
}

fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3_600)
}

fn every_day(zone: &str, openings: &[Opening]) -> Timetable {
    let day = |day: &Weekday| {
        let day = *day;
        openings.iter().map(move |opening| Weekly {
            day,
            opening: *opening,
        })
    };
    Timetable {
        zone: zone.into(),
        weekly: Weekday::ALL.iter().flat_map(day).collect(),
        exceptions: Vec::new(),
    }
}

fn office(zone: &str) -> Timetable {
    let mut office = every_day(zone, &[opening(9 * 60, 12 * 60), opening(13 * 60, 17 * 60)]);
    office.weekly.retain(|at| at.day.place() < 5);
    office
}

fn ready(timetable: &Timetable) -> Hours {
    Hours::new(timetable).unwrap()
}

/// Whether the wall says that we are open, by the timetable as it was written down.
fn says_open(timetable: &Timetable, at: Micros) -> bool {
    let zone: Tz = timetable.zone.parse().unwrap();
    let local = DateTime::from_timestamp_micros(at.0)
        .unwrap()
        .with_timezone(&zone);
    let minute = u16::try_from(local.hour() * 60 + local.minute()).unwrap();
    let openings = |date: NaiveDate| -> (bool, Vec<Opening>) {
        match timetable.exceptions.iter().find(|e| e.date == date) {
            Some(exception) => (true, exception.openings.clone()),
            None => {
                let today = date.weekday().num_days_from_monday() as usize;
                let weekly = timetable.weekly.iter();
                let weekly = weekly.filter(|w| w.day.place() == today);
                (false, weekly.map(|w| w.opening).collect())
            }
        }
    };
    let holds =
        |list: &[Opening], minute: u16| list.iter().any(|o| o.from <= minute && minute < o.to);
    let (own, today) = openings(local.date_naive());
    let (_, yesterday) = openings(local.date_naive().pred_opt().unwrap());
    holds(&today, minute) || (!own && holds(&yesterday, minute + Opening::DAY))
}

fn minutes_open(timetable: &Timetable, from: Micros, minutes: i64) -> u64 {
    (0..minutes)
        .filter(|n| says_open(timetable, Micros(from.0 + n * MINUTE)))
        .count() as u64
}

#[test]
fn a_split_shift_counts_neither_lunch_nor_night_nor_weekend() {
    let berlin = ready(&office("Europe/Berlin"));
    // Friday 11:30 local, in winter.
    let from = at("2026-01-16T10:30:00Z");
    assert_eq!(
        berlin.advance(from, hours(1)),
        Some(at("2026-01-16T12:30:00Z"))
    );
    // 0.5 + 4 h on Friday, the rest on Monday.
    assert_eq!(
        berlin.advance(from, hours(5)),
        Some(at("2026-01-19T08:30:00Z"))
    );
    assert_eq!(
        berlin.open_between(from, at("2026-01-19T08:30:00Z")),
        hours(5)
    );
    // What ends with the day is due when we close, not when we open again.
    let closing = Duration::from_secs(9 * 1_800);
    assert_eq!(
        berlin.advance(from, closing),
        Some(at("2026-01-16T16:00:00Z"))
    );
}

#[test]
fn an_hour_that_is_left_out_counts_nothing_and_one_that_comes_twice_counts_twice() {
    for (zone, spring, autumn) in [
        (
            "Europe/Berlin",
            "2026-03-29T00:00:00Z",
            "2026-10-24T23:00:00Z",
        ),
        (
            "America/New_York",
            "2026-03-08T06:00:00Z",
            "2026-11-01T05:00:00Z",
        ),
    ] {
        // 01:00 to 05:00 on the wall.
        let night = ready(&every_day(zone, &[opening(60, 300)]));
        let day = |from: &str| night.open_between(at(from), at(from) + hours(12));
        assert_eq!(day(spring), hours(3), "{zone}");
        assert_eq!(day(autumn), hours(5), "{zone}");
        // An opening that lies in the hour itself.
        let hour = ready(&every_day(zone, &[opening(120, 180)]));
        let day = |from: &str| hour.open_between(at(from), at(from) + hours(12));
        let twice = if zone == "Europe/Berlin" { 2 } else { 1 };
        assert_eq!(day(spring), hours(0), "{zone}");
        assert_eq!(day(autumn), hours(twice), "{zone}: 02:00 to 03:00");
    }
    let jakarta = ready(&every_day("Asia/Jakarta", &[opening(60, 300)]));
    for from in ["2026-03-28T12:00:00Z", "2026-10-24T12:00:00Z"] {
        assert_eq!(
            jakarta.open_between(at(from), at(from) + hours(24)),
            hours(4)
        );
    }
}

#[test]
fn half_an_hour_that_comes_twice_is_closed_in_between_when_the_wall_says_so() {
    // On 2026-10-25 the clock goes from 03:00 back to 02:00: open from 02:30 to 04:00.
    let berlin = ready(&every_day("Europe/Berlin", &[opening(150, 240)]));
    let spans: Vec<Span> = berlin
        .spans(at("2026-10-24T22:00:00Z"), at("2026-10-25T12:00:00Z"))
        .collect();
    let expected = [
        ("2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z"),
        ("2026-10-25T01:30:00Z", "2026-10-25T03:00:00Z"),
    ];
    let expected = expected.map(|(from, to)| Span {
        from: at(from),
        to: at(to),
    });
    assert_eq!(spans, expected);
}

#[test]
fn a_holiday_cuts_the_night_shift_before_it_and_a_special_opening_makes_its_own() {
    let mut timetable = every_day("Asia/Jakarta", &[opening(22 * 60, 30 * 60)]);
    timetable.exceptions = vec![
        Exception {
            date: date("2026-03-20"),
            openings: Vec::new(),
            label: "Idul Fitri".into(),
        },
        Exception {
            date: date("2026-03-22"),
            openings: vec![opening(10 * 60, 11 * 60), opening(23 * 60, 25 * 60)],
            label: "special".into(),
        },
    ];
    let jakarta = ready(&timetable);
    let local = |from: &str, to: &str| {
        jakarta.open_between(
            at(&format!("{from}:00+07:00")),
            at(&format!("{to}:00+07:00")),
        )
    };
    assert_eq!(local("2026-03-18T12:00", "2026-03-19T12:00"), hours(8));
    // 22:00 to midnight; the holiday is closed; the next night begins on the 21st.
    assert_eq!(local("2026-03-19T12:00", "2026-03-21T12:00"), hours(2));
    // The 21st until midnight, the special opening, its own hour after midnight.
    assert_eq!(local("2026-03-21T12:00", "2026-03-22T12:00"), hours(2 + 1));
    assert_eq!(local("2026-03-22T12:00", "2026-03-23T12:00"), hours(2));
}

#[test]
fn a_date_that_a_zone_left_out_has_no_hours() {
    let apia = ready(&every_day("Pacific/Apia", &[opening(0, Opening::DAY)]));
    let (from, to) = (at("2011-12-29T00:00:00Z"), at("2012-01-01T00:00:00Z"));
    assert_eq!(apia.open_between(from, to), to - from, "no instant is lost");
    let mut closed = every_day("Pacific/Apia", &[opening(0, Opening::DAY)]);
    closed.exceptions.push(Exception {
        date: date("2011-12-30"),
        openings: Vec::new(),
        label: String::new(),
    });
    assert_eq!(ready(&closed).open_between(from, to), to - from);
}

#[test]
fn what_cannot_be_counted_with_is_refused_with_every_fault() {
    let empty = Timetable {
        zone: "Europe/Atlantis".into(),
        weekly: Vec::new(),
        exceptions: Vec::new(),
    };
    let faults = [TimetableFault::UnknownZone, TimetableFault::NeverOpens];
    assert_eq!(Hours::new(&empty).unwrap_err(), faults);
    let mut odd = office("UTC");
    odd.weekly[1].opening = opening(600, 600);
    odd.weekly[2].opening = opening(600, 600 + Opening::DAY + 1);
    for openings in [vec![], vec![opening(Opening::DAY, Opening::DAY + 1)]] {
        odd.exceptions.push(Exception {
            date: date("2026-12-25"),
            openings,
            label: String::new(),
        });
    }
    use TimetableFault::{DateTwice, ExceptionImpossible, WeeklyImpossible};
    assert_eq!(
        Hours::new(&odd).unwrap_err(),
        [
            WeeklyImpossible(1),
            WeeklyImpossible(2),
            ExceptionImpossible(1),
            DateTwice(1)
        ]
    );
}

#[test]
fn what_is_beyond_the_horizon_is_not_searched_for() {
    let mut weekly = office("UTC");
    weekly.weekly.truncate(1);
    let monday = ready(&weekly);
    let from = at("2026-01-01T00:00:00Z");
    assert!(monday.advance(from, hours(1_000)).is_some());
    assert_eq!(monday.advance(from, hours(2_000)), None);
    let always = ready(&every_day("UTC", &[opening(0, Opening::DAY)]));
    assert_eq!(always.open_between(Micros(0), from), Hours::HORIZON);
    assert_eq!(always.advance(Micros(i64::MAX), hours(1)), None);
}

fn openings() -> impl Strategy<Value = Vec<Opening>> {
    let one =
        (0..Opening::DAY, 1..=Opening::DAY).prop_map(|(from, long)| opening(from, from + long));
    prop::collection::vec(one, 0..3)
}

/// Any timetable that opens at least once a week, its exceptions near `around`.
fn timetables(around: NaiveDate) -> impl Strategy<Value = Timetable> {
    let weekly = prop::collection::vec((prop::sample::select(Weekday::ALL), openings()), 1..6);
    let exceptions = prop::collection::btree_map(-6..6_i64, openings(), 0..4);
    (prop::sample::select(ZONES.as_slice()), weekly, exceptions).prop_filter_map(
        "opens",
        move |(zone, weekly, exceptions)| {
            let weekly = weekly.into_iter().flat_map(|(day, openings)| {
                openings
                    .into_iter()
                    .map(move |opening| Weekly { day, opening })
            });
            let exceptions = exceptions.into_iter().map(|(days, openings)| Exception {
                date: around + chrono::TimeDelta::days(days),
                openings,
                label: String::new(),
            });
            let timetable = Timetable {
                zone: zone.into(),
                weekly: weekly.collect(),
                exceptions: exceptions.collect(),
            };
            (!timetable.weekly.is_empty()).then_some(timetable)
        },
    )
}

/// Days about which the clocks of some of the zones are changed, and one about which they are not.
const DAYS: [&str; 10] = [
    "2026-03-29",
    "2026-10-25",
    "2026-03-08",
    "2026-11-01",
    "2026-04-05",
    "2026-09-06",
    "2026-04-24",
    "2010-11-07",
    "2011-12-30",
    "2026-06-17",
];

fn situations() -> impl Strategy<Value = (Timetable, Micros, i64)> {
    prop::sample::select(DAYS.as_slice()).prop_flat_map(|day| {
        let day = date(day);
        let noon = Micros(
            day.and_hms_opt(12, 0, 0)
                .unwrap()
                .and_utc()
                .timestamp_micros(),
        );
        let from = (-3 * 1_440..1_440_i64).prop_map(move |n| Micros(noon.0 + n * MINUTE));
        (timetables(day), from, 1..3 * 1_440_i64)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn what_is_counted_is_what_the_wall_says_minute_by_minute((timetable, from, minutes) in situations()) {
        let hours = ready(&timetable);
        let to = Micros(from.0 + minutes * MINUTE);
        let open = minutes_open(&timetable, from, minutes);
        prop_assert_eq!(hours.open_between(from, to), Duration::from_secs(open * 60));
        let spans: Vec<Span> = hours.spans(from, to).collect();
        for pair in spans.windows(2) {
            prop_assert!(pair[0].to < pair[1].from, "in order, and what touches is one");
        }
    }

    #[test]
    fn parts_add_up((timetable, from, minutes) in situations(), cut in 0.0..1.0_f64) {
        let hours = ready(&timetable);
        let to = Micros(from.0 + minutes * MINUTE + 1);
        let middle = from + (to - from).mul_f64(cut);
        let parts = hours.open_between(from, middle) + hours.open_between(middle, to);
        prop_assert_eq!(parts, hours.open_between(from, to));
        prop_assert!(hours.open_between(from, middle) <= hours.open_between(from, to));
    }

    #[test]
    fn counting_and_going_ahead_are_inverse((timetable, from, minutes) in situations(), seconds in 1..400_000_u64) {
        let hours = ready(&timetable);
        let open = Duration::from_secs(seconds);
        let Some(due) = hours.advance(from, open) else {
            // A minute a week is not so much in ten years.
            prop_assert!(hours.open_between(from, from + Hours::HORIZON) < open);
            return Ok(());
        };
        prop_assert_eq!(hours.open_between(from, due), open);
        // The first such instant: a moment before, less was counted.
        prop_assert!(hours.open_between(from, Micros(due.0 - 1)) < open);
        let to = Micros(from.0 + minutes * MINUTE);
        let back = hours.advance(from, hours.open_between(from, to)).unwrap();
        prop_assert!(back <= to);
        prop_assert_eq!(hours.open_between(from, back), hours.open_between(from, to));
        let later = hours.advance(from, open + Duration::from_micros(1));
        prop_assert!(later.is_none_or(|later| later > due));
    }

    #[test]
    fn around_the_clock_is_the_same_in_every_zone((timetable, from, minutes) in situations()) {
        let always = ready(&every_day(&timetable.zone, &[opening(0, Opening::DAY)]));
        let to = Micros(from.0 + minutes * MINUTE);
        prop_assert_eq!(always.open_between(from, to), to - from);
        prop_assert_eq!(always.advance(from, to - from), Some(to));
    }

    /// Without changes of the clocks, the same week further east is the same time earlier.
    #[test]
    fn a_zone_only_shifts_what_is_counted((timetable, from, minutes) in situations()) {
        let (mut here, mut there) = (timetable.clone(), timetable);
        here.zone = "UTC".into();
        there.zone = "Asia/Jakarta".into();
        let to = Micros(from.0 + minutes * MINUTE);
        let shift = hours(7);
        prop_assert_eq!(
            ready(&here).open_between(from, to),
            ready(&there).open_between(from - shift, to - shift)
        );
    }
}
