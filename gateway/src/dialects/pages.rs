//! What a person finds who opens the address in a browser: what this is, and how to call it.

use std::sync::OnceLock;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Response};
use tonic::body::Body;

use super::{Door, call, openapi};

/// Served to whoever asks: it says no more than the published contracts.
const HOME: &str = include_str!("home.html");

/// A page that is served by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    Home,
    OpenApi,
}

impl Page {
    pub(super) fn at(path: &str) -> Option<Self> {
        match path {
            "/" => Some(Self::Home),
            "/openapi.json" => Some(Self::OpenApi),
            _ => None,
        }
    }

    pub(super) fn show(self, door: &Door) -> Response<Body> {
        let (kind, text) = match self {
            Self::Home => (
                "text/html; charset=utf-8",
                Bytes::from_static(HOME.as_bytes()),
            ),
            Self::OpenApi => ("application/json", door.openapi.get(door)),
        };
        let mut response = Response::new(call::full(text));
        for (name, value) in [
            (CONTENT_TYPE, kind),
            (CACHE_CONTROL, "public, max-age=300"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (
                CONTENT_SECURITY_POLICY,
                "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
            ),
        ] {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

/// The OpenAPI document, written when it is asked for first.
#[derive(Debug, Default)]
pub(super) struct OpenApi(OnceLock<Bytes>);

impl OpenApi {
    fn get(&self, door: &Door) -> Bytes {
        let write = || openapi::document(&door.routes).to_string();
        self.0.get_or_init(|| write().into()).clone()
    }
}
