//! What a process counts, in the form Prometheus reads.

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Registry, TextEncoder};

use super::Error;

/// The counts of a process.
#[derive(Debug, Clone, Default)]
pub struct Metrics(Registry);

impl Metrics {
    /// Begins to count: every instrument that is made afterwards belongs to it.
    pub(super) fn begin(service_name: &str) -> Result<Self, Error> {
        let registry = Registry::new();
        let reader = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .build()
            .map_err(|error| Error::Metrics(error.to_string()))?;
        let resource = Resource::builder()
            .with_service_name(service_name.to_owned())
            .build();
        let provider = SdkMeterProvider::builder()
            .with_reader(reader)
            .with_resource(resource)
            .build();
        opentelemetry::global::set_meter_provider(provider);
        Ok(Metrics(registry))
    }

    /// Everything counted so far, in the text format 0.0.4.
    ///
    /// # Errors
    /// When two instruments of one name contradict each other.
    pub fn text(&self) -> Result<String, String> {
        TextEncoder::new()
            .encode_to_string(&self.0.gather())
            .map_err(|error| error.to_string())
    }
}
