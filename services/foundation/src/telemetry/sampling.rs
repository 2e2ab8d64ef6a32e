//! Which calls are traced, decided once, where they enter.
//!
//! A span costs about as much as the whole proxying of a call, kept or not. So the edge decides before it makes any,
//! and tells those behind it: a call that is not kept carries a context that says so.

use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderValue};
use opentelemetry::trace::{Link, SpanKind, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{Sampler, SamplingResult, ShouldSample};

use super::TRACEPARENT;

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

/// Whether a call is to be traced: as its caller decided, else by chance. One that is not has a context that says so
/// afterwards.
pub(super) fn decide(headers: &mut HeaderMap) -> bool {
    if let Some(decided) = headers.get(TRACEPARENT).and_then(sampled) {
        return decided;
    }
    let kept = KEPT.load(Ordering::Relaxed);
    if kept == u64::MAX || rand::random::<u64>() < kept {
        return true;
    }
    headers.insert(TRACEPARENT, unsampled());
    false
}

/// Whether a context was decided against.
pub(super) fn is_dropped(headers: &HeaderMap) -> bool {
    headers.get(TRACEPARENT).and_then(sampled) == Some(false)
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
    fn what_is_made_up_here_is_well_formed_and_decided_against() {
        assert_eq!(sampled(&unsampled()), Some(false));
    }
}
