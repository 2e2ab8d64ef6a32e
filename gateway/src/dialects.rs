//! Other ways to make the same call: gRPC-Web, Connect, and JSON over HTTP. Each is turned into gRPC here and its answer
//! back, so everything below knows one protocol. What is gRPC already passes untouched.
//!
//! All of it is read from the contracts: an RPC that is added to a service can be called in every way at once, and is
//! in the OpenAPI document.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use prost_reflect::DescriptorPool;
use tonic::body::Body;
use tonic_web::GrpcWebLayer;
use tower::{Layer, Service};

mod body;
mod call;
mod connect;
mod frames;
mod message;
mod openapi;
mod pages;
mod problem;
mod rest;
mod routes;

use connect::Codec;
use pages::{OpenApi, Page};
use routes::Routes;

use crate::layers::Answer;
use crate::policy::{Incomplete, Policies};
use crate::protection::{Protection, Protections};

/// Where every path of the JSON interface begins.
const REST: &str = "/v1/";

/// What turning needs to know.
#[derive(Debug)]
struct Door {
    routes: Routes,
    openapi: OpenApi,
    /// The largest message, as JSON or in protobuf.
    most_bytes: usize,
    protections: Protections,
}

/// Puts the other protocols in front of gRPC.
#[derive(Debug, Clone)]
pub(crate) struct DialectsLayer(Arc<Door>);

impl DialectsLayer {
    /// Reads the paths of the JSON interface from the contracts.
    ///
    /// # Errors
    /// Every method whose annotation is missing or ambiguous.
    pub(crate) fn read(
        pool: &DescriptorPool,
        policies: &Policies,
        most_bytes: u32,
        protections: Protections,
    ) -> Result<Self, Incomplete> {
        let routes = Routes::read(pool, policies).map_err(Incomplete)?;
        Ok(Self(Arc::new(Door {
            routes,
            openapi: OpenApi::default(),
            most_bytes: most_bytes as usize,
            protections,
        })))
    }
}

impl<S> Layer<S> for DialectsLayer {
    type Service = Dialects<S>;

    fn layer(&self, inner: S) -> Dialects<S> {
        Dialects {
            inner,
            door: Arc::clone(&self.0),
        }
    }
}

#[derive(Clone)]
pub(crate) struct Dialects<S> {
    inner: S,
    door: Arc<Door>,
}

/// How a request speaks.
#[derive(Debug, PartialEq, Eq)]
enum Dialect {
    Grpc,
    GrpcWeb,
    Connect(Codec),
    Rest,
    Page(Page),
    /// Not at all: plain HTTP answers, since whoever asks would not understand another.
    None(StatusCode),
}

impl Dialect {
    fn of(request: &Request<Body>, protections: Protections) -> Self {
        let encoded = encoded(request) && protections.on(Protection::Compression);
        let content = request.headers().get(CONTENT_TYPE);
        if request.uri().path().starts_with(REST) {
            return match encoded {
                true => Self::None(StatusCode::UNSUPPORTED_MEDIA_TYPE),
                false => Self::Rest,
            };
        }
        if request.method() == Method::GET
            && let Some(page) = Page::at(request.uri().path())
        {
            return Self::Page(page);
        }
        if request.method() != Method::POST && protections.on(Protection::Verb) {
            return Self::None(StatusCode::METHOD_NOT_ALLOWED);
        }
        if content.is_some_and(|value| is(value, "application/grpc")) {
            return Self::Grpc;
        }
        if content.is_some_and(|value| {
            is(value, "application/grpc-web") || is(value, "application/grpc-web-text")
        }) {
            return Self::GrpcWeb;
        }
        match content.and_then(Codec::of) {
            Some(codec) if !encoded => Self::Connect(codec),
            _ if !protections.on(Protection::ContentType) => Self::Grpc,
            _ => Self::None(StatusCode::UNSUPPORTED_MEDIA_TYPE),
        }
    }
}

/// `application/grpc`, alone or with a codec behind `+` or parameters behind `;`.
fn is(value: &HeaderValue, kind: &str) -> bool {
    let Some((own, rest)) = value.as_bytes().split_at_checked(kind.len()) else {
        return false;
    };
    own.eq_ignore_ascii_case(kind.as_bytes()) && matches!(rest.first(), None | Some(b'+' | b';'))
}

/// Compressed bodies are not taken: a small one may become a very large one.
fn encoded(request: &Request<Body>) -> bool {
    let encoding = request.headers().get(CONTENT_ENCODING);
    encoding.is_some_and(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

impl<S> Service<Request<Body>> for Dialects<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future = Answer>
        + Clone
        + Send
        + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match Dialect::of(&request, self.door.protections) {
            // The usual way: nothing is copied for it.
            Dialect::Grpc => self.inner.call(request),
            Dialect::GrpcWeb => {
                Box::pin(GrpcWebLayer::new().layer(self.inner.clone()).call(request))
            }
            Dialect::Connect(codec) => {
                let Self { inner, door } = self.clone();
                Box::pin(async move { Ok(connect::serve(door, inner, request, codec).await) })
            }
            Dialect::Rest => {
                let Self { inner, door } = self.clone();
                Box::pin(async move { Ok(rest::serve(door, inner, request).await) })
            }
            Dialect::Page(page) => Box::pin(std::future::ready(Ok(page.show(&self.door)))),
            Dialect::None(status) => Box::pin(std::future::ready(Ok(plain(status)))),
        }
    }
}

fn plain(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    if status == StatusCode::METHOD_NOT_ALLOWED {
        let post = HeaderValue::from_static("POST");
        response.headers_mut().insert(ALLOW, post);
    }
    response
}
