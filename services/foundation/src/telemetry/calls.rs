//! Counting, timing and logging of calls: one layer, for the gateway and for services alike.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};
use std::time::Instant;

use http::{HeaderMap, HeaderValue, Request, Response};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Histogram, UpDownCounter};
use opentelemetry::trace::TraceId;
use serde::{Deserialize, Serialize};
use tonic::Code;
use tonic::body::Body;

use super::{REQUEST_ID, outcome, trace_id};
use crate::error::code_name;
use crate::id::TenantId;

/// Which calls are logged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessLog {
    /// None.
    Off,
    /// Those that failed by a fault of ours or were refused for lack of room.
    #[default]
    Failures,
    /// Every one.
    All,
}

/// Whose call it was: an extension of the answer, put there by whoever knows.
#[derive(Debug, Clone, Copy)]
pub struct CallOf(pub TenantId);

/// Makes a line and a measurement of every call.
#[derive(Clone)]
pub struct CallsLayer {
    log: AccessLog,
    instruments: Arc<Instruments>,
}

struct Instruments {
    duration: Histogram<f64>,
    active: UpDownCounter<i64>,
}

impl CallsLayer {
    /// A layer that logs so much.
    pub fn new(log: AccessLog) -> Self {
        let meter = opentelemetry::global::meter("rapport");
        CallsLayer {
            log,
            instruments: Arc::new(Instruments {
                // Names, units and buckets of the semantic conventions for RPC metrics.
                duration: meter
                    .f64_histogram("rpc.server.call.duration")
                    .with_unit("s")
                    .with_description("How long calls took, from their headers to their last byte")
                    .with_boundaries(vec![
                        0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5,
                        10.0,
                    ])
                    .build(),
                active: meter
                    .i64_up_down_counter("rpc.server.active_calls")
                    .with_unit("{call}")
                    .with_description("Calls that are being answered")
                    .build(),
            }),
        }
    }
}

impl<S> tower::Layer<S> for CallsLayer {
    type Service = Calls<S>;

    fn layer(&self, inner: S) -> Calls<S> {
        Calls {
            inner,
            layer: self.clone(),
        }
    }
}

/// What [`CallsLayer`] makes of a service.
#[derive(Clone)]
pub struct Calls<S> {
    inner: S,
    layer: CallsLayer,
}

impl<S> tower::Service<Request<Body>> for Calls<S>
where
    S: tower::Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let method = known(request.uri().path());
        let mut call = Call {
            began: Instant::now(),
            method,
            names: Names::of(self.layer.log, request.headers()),
            tenant: None,
            layer: self.layer.clone(),
            is_counted: false,
        };
        let active = Active::one_more(&self.layer.instruments);
        let answer = self.inner.call(request);
        Box::pin(async move {
            let response = answer.await?;
            call.tenant = response.extensions().get::<CallOf>().map(|CallOf(id)| *id);
            Ok(outcome::on_end(response, move |code| {
                drop(active);
                call.ended(code);
            }))
        })
    }
}

/// A call that is being answered, in the count of them.
struct Active(Arc<Instruments>);

impl Active {
    fn one_more(instruments: &Arc<Instruments>) -> Self {
        instruments.active.add(1, &[]);
        Active(Arc::clone(instruments))
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.0.active.add(-1, &[]);
    }
}

struct Call {
    began: Instant,
    method: Arc<str>,
    names: Option<Names>,
    tenant: Option<TenantId>,
    layer: CallsLayer,
    is_counted: bool,
}

/// Given up before there was an answer.
impl Drop for Call {
    fn drop(&mut self) {
        if !self.is_counted {
            self.ended(Code::Cancelled);
        }
    }
}

/// By which a line is found again.
struct Names {
    request_id: Option<HeaderValue>,
    trace: Option<[u8; 16]>,
}

impl Names {
    fn of(log: AccessLog, headers: &HeaderMap) -> Option<Self> {
        (log != AccessLog::Off).then(|| Names {
            request_id: headers.get(REQUEST_ID).cloned(),
            trace: trace_id(headers),
        })
    }
}

impl Call {
    fn ended(&mut self, code: Code) {
        self.is_counted = true;
        let took = self.began.elapsed();
        self.layer.instruments.duration.record(
            took.as_secs_f64(),
            &[
                KeyValue::new("rpc.system.name", "grpc"),
                KeyValue::new("rpc.method", Arc::clone(&self.method)),
                KeyValue::new("rpc.response.status_code", code_name(code)),
            ],
        );
        let worth_a_line = match self.layer.log {
            AccessLog::Off => false,
            AccessLog::Failures => is_failure(code),
            AccessLog::All => true,
        };
        if let Some(names) = self.names.take().filter(|_| worth_a_line) {
            tracing::info!(
                target: "rapport::access",
                method = %self.method,
                code = code_name(code),
                duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
                tenant = self.tenant.map(display),
                request_id = names.request_id.as_ref().and_then(|id| id.to_str().ok()),
                trace_id = names.trace.map(|id| display(TraceId::from_bytes(id))),
                "call"
            );
        }
    }
}

/// What whoever runs the installation should look at; the rest is between caller and contract.
const fn is_failure(code: Code) -> bool {
    matches!(
        code,
        Code::Internal
            | Code::DataLoss
            | Code::Unknown
            | Code::Unavailable
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
    )
}

/// A method of ours by its path, as it is counted; what callers make up is counted together, or a label of the metrics
/// would grow with every path that was ever tried.
fn known(path: &str) -> Arc<str> {
    static KNOWN: LazyLock<HashMap<String, Arc<str>>> = LazyLock::new(|| {
        let services = rapport_proto::pool().services();
        let methods = services.flat_map(|service| service.methods().collect::<Vec<_>>());
        methods
            .map(|method| {
                let name = format!("{}/{}", method.parent_service().full_name(), method.name());
                (format!("/{name}"), Arc::from(name))
            })
            .collect()
    });
    static OTHER: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from("_OTHER"));
    Arc::clone(KNOWN.get(path).unwrap_or(&OTHER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_methods_of_the_contracts_are_counted_by_name() {
        let method = "rapport.profiles.v1.CustomerService/GetCustomer";
        assert_eq!(&*known(&format!("/{method}")), method);
        for made_up in [
            "/",
            "/rapport.profiles.v1.CustomerService/getcustomer",
            "/x/y",
        ] {
            assert_eq!(&*known(made_up), "_OTHER");
        }
    }
}
