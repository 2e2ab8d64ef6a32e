//! Logs to stderr, traces over OTLP, and the trace context that crosses calls and events.
//!
//! Nothing here puts personal data, ids of customers or message content into a span: names of
//! methods, codes and durations only.

use std::time::Duration;

use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use serde::{Deserialize, Serialize};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

mod calls;
mod carrier;
mod layer;
mod metrics;
mod outcome;
mod sampling;

pub use calls::{AccessLog, CallOf, Calls, CallsLayer};
pub use layer::{TraceLayer, Traced};
pub use metrics::Metrics;
pub use outcome::on_end;

/// The metadata key of the W3C trace context.
pub const TRACEPARENT: &str = "traceparent";

/// The metadata key of the name the gateway gives a call.
pub const REQUEST_ID: &str = "x-request-id";

/// Spans of the libraries below us would double every call and, in the exporter, trace themselves.
const QUIET: &str = "h2=off,hyper=off,hyper_util=off,tonic=off,tower=off,opentelemetry=off,opentelemetry_sdk=off,opentelemetry-otlp=off,sqlx=warn,sea_orm=warn";

/// Section `telemetry` of the configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// Where traces go, as `http://host:4317` (OTLP over gRPC). Unset: no traces are made.
    pub otlp_endpoint: Option<String>,
    /// The part of new traces that is kept, 0 to 1. A caller's own decision for a trace is followed a hundred times a
    /// second at most, beyond that by chance.
    pub sample_ratio: f64,
    /// What is logged, as a filter of the form `info,rapport_routing=debug`.
    pub log_filter: String,
    /// How log lines look: `json` for machines, `pretty` for people.
    pub log_format: LogFormat,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        TelemetryConfig {
            otlp_endpoint: None,
            sample_ratio: 1.0,
            log_filter: "info".into(),
            log_format: LogFormat::Json,
        }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// One readable line an event.
    Pretty,
}

/// Telemetry that could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `telemetry.log_filter` cannot be read.
    #[error("telemetry.log_filter: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The exporter refuses `telemetry.otlp_endpoint`.
    #[error("telemetry.otlp_endpoint: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// What counts cannot be set up.
    #[error("metrics: {0}")]
    Metrics(String),
    /// Somebody else has installed a global subscriber.
    #[error("logging was already started: {0}")]
    Taken(#[from] tracing_subscriber::util::TryInitError),
}

/// Running telemetry. Shut it down while the runtime still lives, or the last spans are lost.
#[derive(Debug)]
#[must_use = "spans are lost when telemetry is not shut down"]
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Sends what is waiting.
    pub async fn flush(&self) {
        if let Some(provider) = self.provider.clone() {
            let sent = tokio::task::spawn_blocking(move || provider.force_flush()).await;
            if let Ok(Err(error)) = sent {
                tracing::warn!(%error, "traces could not be sent");
            }
        }
    }

    /// Sends what is waiting, for at most 3 s, and ends the exporter.
    pub async fn shutdown(self) {
        if let Some(provider) = self.provider {
            let ended = tokio::task::spawn_blocking(move || {
                provider.shutdown_with_timeout(Duration::from_secs(3))
            });
            if let Ok(Err(error)) = ended.await {
                tracing::warn!(%error, "the trace exporter did not end cleanly");
            }
        }
    }
}

/// Starts logging, and tracing when an endpoint is configured and `OTEL_SDK_DISABLED` is not `true`.
/// Must be called inside the runtime.
///
/// # Errors
/// When the filter or the endpoint cannot be used, or a global subscriber is there already.
pub fn init(config: &TelemetryConfig, service_name: &str) -> Result<Telemetry, Error> {
    let provider = match &config.otlp_endpoint {
        Some(endpoint) if !sdk_disabled() => {
            Some(provider(endpoint, config.sample_ratio, service_name)?)
        }
        _ => None,
    };
    match &provider {
        Some(_) => sampling::keep(config.sample_ratio),
        None => sampling::nowhere(),
    }
    let traces = provider.as_ref().map(traces_layer).transpose()?;
    let filter = EnvFilter::try_new(format!("{QUIET},{}", config.log_filter))?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match config.log_format {
        LogFormat::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
        LogFormat::Pretty => lines.with_target(false).with_filter(filter).boxed(),
    };
    tracing_subscriber::registry()
        .with(lines)
        .with(traces)
        .try_init()?;
    Ok(Telemetry { provider })
}

/// Begins to count what this process does; before anything is opened that counts.
///
/// # Errors
/// When it cannot be set up.
pub fn count(service_name: &str) -> Result<Metrics, Error> {
    Metrics::begin(service_name)
}

/// A provider that sends to one OTLP endpoint.
///
/// # Errors
/// When the endpoint is no URL.
pub fn provider(
    endpoint: &str,
    sample_ratio: f64,
    service_name: &str,
) -> Result<SdkTracerProvider, Error> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .with_timeout(Duration::from_secs(3))
        .build()?;
    let sampler = Sampler::ParentBased(Box::new(sampling::Decided::new(sample_ratio)));
    let resource = Resource::builder()
        .with_service_name(service_name.to_owned())
        .build();
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(sampler)
        .with_resource(resource)
        .build())
}

/// The layer that turns spans into traces of a provider; for tests that bring their own subscriber.
///
/// # Errors
/// Never with the built-in filter; the signature is that of the filter's parser.
pub fn traces_layer<S>(provider: &SdkTracerProvider) -> Result<impl Layer<S> + use<S>, Error>
where
    S: tracing::Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    // Source locations, threads and busy times would be more bytes than what the span says.
    Ok(tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("rapport"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_filter(EnvFilter::try_new(format!("info,{QUIET}"))?))
}

/// The W3C trace context of the current span, to be kept beside an event. None when nothing is traced.
pub fn current_traceparent() -> Option<String> {
    let context = tracing::Span::current().context();
    if !context.span().span_context().is_valid() {
        return None;
    }
    let mut carrier = carrier::Single(None);
    TraceContextPropagator::new().inject_context(&context, &mut carrier);
    carrier.0
}

/// The trace of the current span. None when nothing is traced.
pub fn current_trace_id() -> Option<[u8; 16]> {
    let context = tracing::Span::current().context();
    let trace = context.span().span_context().trace_id();
    (trace != opentelemetry::trace::TraceId::INVALID).then(|| trace.to_bytes())
}

/// The trace that these headers name, whether it is kept or not.
#[must_use]
pub fn trace_id(headers: &http::HeaderMap) -> Option<[u8; 16]> {
    let text = headers.get(TRACEPARENT)?.to_str().ok()?;
    let trace = text.split('-').nth(1).filter(|trace| trace.len() == 32)?;
    let trace = u128::from_str_radix(trace, 16).ok()?;
    (trace != 0).then(|| trace.to_be_bytes())
}

/// A span for work that an event causes, in the trace of the event.
pub fn event_span(name: &str, traceparent: Option<&str>) -> tracing::Span {
    let span = tracing::info_span!("event", otel.name = name, otel.kind = "consumer");
    if let Some(traceparent) = traceparent {
        let carrier = carrier::Single(Some(traceparent.to_owned()));
        let parent = TraceContextPropagator::new().extract(&carrier);
        // It fails only on a span that was started already, and this one was made a line above.
        if span.set_parent(parent).is_err() {
            tracing::debug!("an event's trace could not be continued");
        }
    }
    span
}

/// The SDK leaves this variable of the specification to its users.
fn sdk_disabled() -> bool {
    std::env::var("OTEL_SDK_DISABLED").is_ok_and(|value| value.eq_ignore_ascii_case("true"))
}

#[cfg(test)]
mod tests;
