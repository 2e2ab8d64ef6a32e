//! Decoding what is to be counted.

use std::time::Duration;

use chrono_tz::Tz;
use rapport_foundation::check::Check;
use rapport_foundation::error::Failure;
use rapport_foundation::time::Micros;
use rapport_proto::interactions::v1 as pb;

use super::{CONNECTOR, contact};
use crate::app::COUNTS;
use crate::domain::count::{Counting, Dimension, Interval, QUARTER_MICROS, Span, spans};
use crate::domain::limits;

pub(crate) fn counting(request: &pb::CountInteractionsRequest) -> Result<Counting, Failure> {
    let mut c = Check::new();
    let from = quarter(&mut c, "from_time", request.from_time.as_ref());
    let until = quarter(&mut c, "until_time", request.until_time.as_ref());
    c.require(
        from <= until,
        "until_time",
        "BEFORE_START",
        "is before from_time",
    );
    let latest = from + Duration::from_secs(limits::COUNTED_DAYS * 24 * 3600);
    c.require(
        until <= latest,
        "until_time",
        "TOO_LONG",
        "is more than 400 days after from_time",
    );
    let interval: Option<Interval> = c.optional_enumeration("interval", request.interval);
    let zone = zone(&mut c, &request.time_zone);
    let counting = Counting {
        spans: Vec::new(),
        dimensions: dimensions(&mut c, &request.dimensions),
        channel: c.optional_enumeration("channel", request.channel),
        direction: c.optional_enumeration("direction", request.direction),
        purpose: c.optional_enumeration("purpose", request.purpose),
        kind: c.optional_enumeration("kind", request.kind),
        provider: Some(contact::optional_code(
            &mut c,
            "provider",
            &request.provider,
            limits::PROVIDER,
        ))
        .filter(|provider| !provider.is_empty()),
        connector: c.optional_text("connector", &request.connector, CONNECTOR),
        asks_for_agent: request.asks_for_agent,
    };
    let whole = Span {
        start: from,
        end: until,
    };
    let spans = if c.failed() {
        Vec::new()
    } else {
        spans(whole, interval, zone)
    };
    c.require(
        spans.len() <= COUNTS,
        "interval",
        "TOO_MANY",
        "makes more than 10,000 intervals",
    );
    c.done(Counting { spans, ..counting })
}

fn quarter(c: &mut Check, field: &str, time: Option<&prost_types::Timestamp>) -> Micros {
    let at = c.time(field, time);
    c.require(
        at.0.rem_euclid(QUARTER_MICROS) == 0,
        field,
        "NOT_A_QUARTER",
        "is not on a full quarter of an hour",
    );
    at
}

fn zone(c: &mut Check, name: &str) -> Tz {
    if name.is_empty() {
        return Tz::UTC;
    }
    let zone = name.parse().ok();
    c.require(
        zone.is_some(),
        "time_zone",
        "UNKNOWN",
        "is not the name of a time zone",
    );
    zone.unwrap_or(Tz::UTC)
}

fn dimensions(c: &mut Check, said: &[i32]) -> Vec<Dimension> {
    let most = Dimension::ALL.len();
    c.require(
        said.len() <= most,
        "dimensions",
        "TOO_MANY",
        "holds more dimensions than there are",
    );
    let mut dimensions = Vec::new();
    for (n, one) in said.iter().take(most).enumerate() {
        let field = format!("dimensions[{n}]");
        let one: Dimension = c.enumeration(&field, *one);
        if dimensions.contains(&one) && !c.failed() {
            c.fail(&field, "TWICE", "is there twice");
        }
        dimensions.push(one);
    }
    dimensions
}
