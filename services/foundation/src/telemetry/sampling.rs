//! Which calls are traced, decided once, where they enter.
//!
//! A span costs about as much as the whole proxying of a call, kept or not. So the edge decides before it makes any,
//! and tells those behind it: a call that is not kept carries a context that says so.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::SystemTime;

use http::{HeaderMap, HeaderValue};
use opentelemetry::trace::{Link, SpanKind, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{Sampler, SamplingResult, ShouldSample};

use super::TRACEPARENT;
use crate::time::Micros;

/// Where the flags of a `traceparent` of version 00 begin, and its length (W3C Trace Context, section 3.2).
const FLAGS_AT: usize = 53;
const LENGTH: usize = 55;

/// The part of new traces that is kept, of 2^64. All of them until [`keep`] says otherwise, for those who bring a
/// subscriber of their own.
static KEPT: AtomicU64 = AtomicU64::new(u64::MAX);

/// How traces begin: a call's span exists only because the edge decided for it; everything else, such as work that
/// runs by itself, is left to chance.
#[derive(Debug, Clone)]
pub(super) struct Decided(Sampler);

impl Decided {
    pub(super) fn new(ratio: f64) -> Self {
        Decided(Sampler::TraceIdRatioBased(ratio))
    }
}

impl ShouldSample for Decided {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let sampler = match kind {
            SpanKind::Server => &Sampler::AlwaysOn,
            _ => &self.0,
        };
        sampler.should_sample(parent, trace, name, kind, attributes, links)
    }
}

/// Whether there is anywhere to send traces.
static SENT: AtomicBool = AtomicBool::new(true);

/// Callers' own decisions for a trace that are followed in a second. Beyond it a caller who marks every call would pay
/// nothing for what costs us as much as the call.
const FOLLOWED: u32 = 100;

/// The second that is being counted, and how many were followed in it.
static COUNTED: Mutex<(u64, u32)> = Mutex::new((0, 0));

/// From now on nothing is traced: there is nowhere to send it.
pub(super) fn nowhere() {
    SENT.store(false, Ordering::Relaxed);
}

/// Whether one more decision of a caller is followed in this second. Where somebody else is counting at this very
/// moment it is not.
fn followed() -> bool {
    let now = Micros::from(SystemTime::now()).0.unsigned_abs() / 1_000_000;
    let Ok(mut counted) = COUNTED.try_lock() else {
        return false;
    };
    if counted.0 != now {
        *counted = (now, 0);
    }
    counted.1 += 1;
    counted.1 <= FOLLOWED
}

/// From now on this part of new traces is kept, 0 to 1.
pub(super) fn keep(ratio: f64) {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a part of 2^64 need not be exact, and the cast saturates"
    )]
    let kept = (ratio.clamp(0.0, 1.0) * u64::MAX as f64) as u64;
    KEPT.store(kept, Ordering::Relaxed);
}

/// Whether a call is to be traced: as its caller decided, within bounds, else by chance. One that is not has a context
/// that says so afterwards.
pub(super) fn decide(headers: &mut HeaderMap) -> bool {
    if !SENT.load(Ordering::Relaxed) {
        return false;
    }
    match headers.get(TRACEPARENT).and_then(sampled) {
        Some(true) if followed() => return true,
        Some(false) => return false,
        Some(true) | None => (),
    }
    let kept = KEPT.load(Ordering::Relaxed);
    if kept == u64::MAX || rand::random::<u64>() < kept {
        return true;
    }
    let dropped = headers.get(TRACEPARENT).and_then(dropped);
    headers.insert(TRACEPARENT, dropped.unwrap_or_else(unsampled));
    false
}

/// Whether a context was decided against.
pub(super) fn is_dropped(headers: &HeaderMap) -> bool {
    headers.get(TRACEPARENT).and_then(sampled) == Some(false)
}

/// The same context, decided against.
fn dropped(traceparent: &HeaderValue) -> Option<HeaderValue> {
    sampled(traceparent)?;
    let ids = traceparent.as_bytes().get(..FLAGS_AT)?;
    HeaderValue::from_bytes(&[ids, b"00"].concat()).ok()
}

/// The decision in a context; none when it is malformed, as all of it counts for nothing then.
fn sampled(traceparent: &HeaderValue) -> Option<bool> {
    let bytes = traceparent.as_bytes();
    let well_formed = bytes.len() == LENGTH
        && bytes.starts_with(b"00-")
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            2 | 35 | 52 => *byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        });
    let flags = bytes.get(FLAGS_AT..).filter(|_| well_formed)?;
    let flags = u8::from_str_radix(std::str::from_utf8(flags).ok()?, 16).ok()?;
    Some(flags & 1 == 1)
}

fn unsampled() -> HeaderValue {
    let trace = rand::random::<u128>().max(1);
    let span = rand::random::<u64>().max(1);
    let text = format!("00-{trace:032x}-{span:016x}-00");
    // Digits, letters and dashes.
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(traceparent: &'static str) -> HeaderMap {
        let value = HeaderValue::from_static(traceparent);
        HeaderMap::from_iter([(http::HeaderName::from_static(TRACEPARENT), value)])
    }

    #[test]
    fn a_callers_own_decision_is_followed_and_nonsense_is_none() {
        let decided = |text| headers(text).get(TRACEPARENT).and_then(sampled);
        let id = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(decided(id), Some(true));
        let dropped = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
        assert_eq!(decided(dropped), Some(false));
        assert!(is_dropped(&headers(dropped)));
        for nonsense in [
            "",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
            "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-00",
        ] {
            assert_eq!(decided(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn no_more_decisions_of_callers_are_followed_in_a_second_than_may() {
        let kept = (0..10 * FOLLOWED).filter(|_| followed()).count();
        // The second may have changed in between.
        assert!(kept <= 2 * FOLLOWED as usize, "{kept}");
        let id = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let kept = dropped(&HeaderValue::from_static(id));
        assert_eq!(
            kept,
            Some(HeaderValue::from_static(
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
            ))
        );
    }

    #[test]
    fn what_is_made_up_here_is_well_formed_and_decided_against() {
        assert_eq!(sampled(&unsampled()), Some(false));
    }
}
