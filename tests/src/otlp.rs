//! A receiver of traces, as a collector would be.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::any_value,
};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, transport::Server};

/// A span that arrived.
#[derive(Debug, Clone)]
pub struct SeenSpan {
    /// `service.name` of the process or role that made it.
    pub service: String,
    /// Its name.
    pub name: String,
    /// Its trace, in hex.
    pub trace: String,
}

/// Collects every span sent to it.
#[derive(Debug, Clone)]
pub struct Receiver {
    /// Where it listens.
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<SeenSpan>>>,
}

struct Collector(Arc<Mutex<Vec<SeenSpan>>>);

impl Receiver {
    /// Listens on a free port until the test ends.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("a bound listener");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let service = TraceServiceServer::new(Collector(seen.clone()));
        let incoming = TcpListenerStream::new(listener);
        tokio::spawn(
            Server::builder()
                .add_service(service)
                .serve_with_incoming(incoming),
        );
        Self { address, seen }
    }

    /// What has arrived so far.
    ///
    /// # Panics
    /// Never: nothing panics while it holds the lock.
    pub fn spans(&self) -> Vec<SeenSpan> {
        self.seen.lock().expect("no panic under the lock").clone()
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut seen = self.0.lock().expect("no panic under the lock");
        for resource in request.into_inner().resource_spans {
            let attributes = resource.resource.map(|r| r.attributes).unwrap_or_default();
            let name = attributes.into_iter().find(|a| a.key == "service.name");
            let service = match name.and_then(|a| a.value).and_then(|v| v.value) {
                Some(any_value::Value::StringValue(name)) => name,
                _ => String::new(),
            };
            for span in resource.scope_spans.into_iter().flat_map(|s| s.spans) {
                let trace = span
                    .trace_id
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                seen.push(SeenSpan {
                    service: service.clone(),
                    name: span.name,
                    trace,
                });
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}
