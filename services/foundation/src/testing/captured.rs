//! What is logged and traced on the thread of a test.

#![expect(
    clippy::unwrap_used,
    reason = "a test cannot go on without what it looks at"
)]

use std::io;
use std::sync::{Arc, Mutex};

use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::telemetry;

/// Everything that is logged, and the spans as they are exported, until it is dropped. A test's runtime has one
/// thread, and with it everything that a service does.
pub struct Captured {
    lines: Sink,
    spans: InMemorySpanExporter,
    provider: SdkTracerProvider,
    _here: DefaultGuard,
    _second: tracing::Dispatch,
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Captured {
    /// From now on.
    ///
    /// # Panics
    /// When spans cannot be exported.
    pub fn here() -> Self {
        let lines = Sink::default();
        let spans = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(spans.clone())
            .build();
        let sink = lines.clone();
        // No filter: what an operator turns on to find a fault is looked at as well.
        let all = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)
            .with_writer(move || sink.clone());
        let subscriber = tracing_subscriber::registry()
            .with(all)
            .with(telemetry::traces_layer(&provider).unwrap());
        Self {
            lines,
            spans,
            provider,
            _here: tracing::subscriber::set_default(subscriber),
            // While there is but one subscriber, a place in the code asks the one of whichever thread meets it first.
            // With two, all are asked.
            _second: tracing::Dispatch::new(tracing_subscriber::registry()),
        }
    }

    /// The log lines so far.
    ///
    /// # Panics
    /// When a thread panicked while it logged.
    pub fn lines(&self) -> String {
        String::from_utf8_lossy(&self.lines.0.lock().unwrap()).into_owned()
    }

    /// The spans that ended so far, with their names, attributes and events.
    ///
    /// # Panics
    /// When spans cannot be exported.
    pub fn spans(&self) -> Vec<String> {
        self.provider.force_flush().unwrap();
        let spans = self.spans.get_finished_spans().unwrap();
        spans.iter().map(|span| format!("{span:?}")).collect()
    }
}
