//! A client of the gateway that needs no generated code: requests and answers are JSON.

use std::{error::Error as _, str::FromStr, time::Duration};

use futures::{Stream, StreamExt as _, stream};
use http::uri::PathAndQuery;
use prost::Message as _;
use prost_reflect::{DynamicMessage, MethodDescriptor, SerializeOptions};
use serde_json::Value;
use tonic::{
    Code, Request, Status, Streaming,
    client::Grpc,
    metadata::AsciiMetadataValue,
    transport::{Channel, Endpoint},
};
use tonic_types::StatusExt as _;

use crate::codec::Bytes;

const CALL_TIMEOUT: Duration = Duration::from_secs(20);

/// Why a call was refused.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// The status.
    pub code: Code,
    /// The stable reason of its ErrorInfo; empty when it has none.
    pub reason: String,
    /// The fields of its BadRequest.
    pub fields: Vec<String>,
    /// The text for people.
    pub message: String,
    /// When to come again, by its RetryInfo.
    pub again: Option<Duration>,
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let violations = details.bad_request().map(|b| b.field_violations.clone());
        Self {
            code: code(&status),
            reason: details
                .error_info()
                .map(|i| i.reason.clone())
                .unwrap_or_default(),
            fields: violations.into_iter().flatten().map(|v| v.field).collect(),
            message: status.message().to_owned(),
            again: details.retry_info().and_then(|info| info.retry_delay),
        }
    }
}

/// The transport says CANCELLED of a call that its connection did not take any more: nothing was sent. Every other library
/// of gRPC says UNAVAILABLE. What a server said has no source.
fn code(status: &Status) -> Code {
    let closed = status.source().is_some() && status.message() == "operation was canceled";
    match status.code() {
        Code::Cancelled if closed => Code::Unavailable,
        code => code,
    }
}

/// Speaks to one gateway as one principal.
#[derive(Debug, Clone)]
pub struct Client {
    channel: Channel,
    token: Option<String>,
}

/// A server stream whose messages are JSON.
#[derive(Debug)]
pub struct Opened {
    messages: Streaming<Vec<u8>>,
    method: MethodDescriptor,
}

/// A method by its name, such as `rapport.profiles.v1.CustomerService/GetCustomer`.
///
/// # Panics
/// When the contracts have no such method.
pub fn method(name: &str) -> MethodDescriptor {
    let (service, method) = name.split_once('/').expect("service/method");
    let service = rapport_proto::pool()
        .get_service_by_name(service)
        .expect("a service of ours");
    service
        .methods()
        .find(|m| m.name() == method)
        .expect("a method of the service")
}

/// Every method of the contracts.
pub fn methods() -> Vec<MethodDescriptor> {
    let services = rapport_proto::pool().services();
    services
        .flat_map(|s| s.methods().collect::<Vec<_>>())
        .collect()
}

impl Client {
    /// Speaks to the gateway at `host:port` once it is needed, without a credential.
    ///
    /// # Panics
    /// When the address is none.
    pub fn new(address: &str) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
        Self {
            channel: endpoint.connect_timeout(CALL_TIMEOUT).connect_lazy(),
            token: None,
        }
    }

    /// The same gateway with a credential.
    #[must_use]
    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self {
            channel: self.channel.clone(),
            token: Some(token.into()),
        }
    }

    /// Calls a unary method.
    ///
    /// # Errors
    /// Whatever the call was refused with.
    ///
    /// # Panics
    /// When the request does not fit the contract.
    pub async fn call(&self, name: &str, request: Value) -> Result<Value, Refusal> {
        let method = method(name);
        let bytes = encode(&method, request);
        let answer = self.call_bytes(&method, bytes).await?;
        Ok(decode(&method, &answer))
    }

    /// Calls a unary method with any bytes at all.
    ///
    /// # Errors
    /// Whatever the call was refused with.
    pub async fn call_bytes(
        &self,
        method: &MethodDescriptor,
        bytes: Vec<u8>,
    ) -> Result<Vec<u8>, Refusal> {
        let mut grpc = self.ready().await?;
        let mut request = self.request(bytes);
        request.set_timeout(CALL_TIMEOUT);
        Ok(grpc.unary(request, path(method), Bytes).await?.into_inner())
    }

    /// Opens a server stream.
    ///
    /// # Errors
    /// Whatever the call was refused with.
    ///
    /// # Panics
    /// When the request does not fit the contract.
    pub async fn open(&self, name: &str, request: Value) -> Result<Opened, Refusal> {
        let method = method(name);
        let mut grpc = self.ready().await?;
        let request = self.request(encode(&method, request));
        let messages = grpc
            .server_streaming(request, path(&method), Bytes)
            .await?
            .into_inner();
        Ok(Opened { messages, method })
    }

    /// Opens a bidirectional stream.
    ///
    /// # Errors
    /// Whatever the call was refused with.
    ///
    /// # Panics
    /// When a request does not fit the contract.
    pub async fn converse(
        &self,
        name: &str,
        requests: impl Stream<Item = Value> + Send + 'static,
    ) -> Result<Opened, Refusal> {
        let method = method(name);
        let encoder = method.clone();
        let outgoing = requests.map(move |request| encode(&encoder, request));
        let mut grpc = self.ready().await?;
        let request = self.request(outgoing);
        let messages = grpc
            .streaming(request, path(&method), Bytes)
            .await?
            .into_inner();
        Ok(Opened { messages, method })
    }

    /// Calls a method of any kind with one message of raw bytes and waits for its end.
    ///
    /// # Errors
    /// Whatever the call was refused with.
    pub async fn knock(&self, method: &MethodDescriptor, bytes: Vec<u8>) -> Result<(), Refusal> {
        let mut grpc = self.ready().await?;
        let request = self.request(stream::iter([bytes]));
        let mut answers = grpc
            .streaming(request, path(method), Bytes)
            .await?
            .into_inner();
        answers.message().await?;
        Ok(())
    }

    async fn ready(&self) -> Result<Grpc<Channel>, Refusal> {
        let mut grpc = Grpc::new(self.channel.clone())
            .max_decoding_message_size(64 << 20)
            .max_encoding_message_size(usize::MAX);
        let ready = grpc.ready().await;
        ready.map_err(|error| Refusal::from(Status::unavailable(error.to_string())))?;
        Ok(grpc)
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(token) = &self.token {
            let value = AsciiMetadataValue::from_str(&format!("Bearer {token}"));
            request
                .metadata_mut()
                .insert("authorization", value.expect("a token is ASCII"));
        }
        request
    }
}

impl Opened {
    /// The next message; `None` at the end.
    ///
    /// # Errors
    /// Whatever the stream ended with.
    pub async fn next(&mut self) -> Result<Option<Value>, Refusal> {
        let message = self.messages.message().await?;
        Ok(message.map(|bytes| decode(&self.method, &bytes)))
    }
}

fn path(method: &MethodDescriptor) -> PathAndQuery {
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    PathAndQuery::from_maybe_shared(path).expect("a method has a path")
}

fn encode(method: &MethodDescriptor, request: Value) -> Vec<u8> {
    let message = DynamicMessage::deserialize(method.input(), &request);
    message
        .unwrap_or_else(|e| panic!("{}: {e} in {request}", method.full_name()))
        .encode_to_vec()
}

fn decode(method: &MethodDescriptor, bytes: &[u8]) -> Value {
    let message =
        DynamicMessage::decode(method.output(), bytes).expect("an answer of the contract");
    let options = SerializeOptions::new()
        .use_proto_field_name(true)
        .skip_default_fields(true);
    message
        .serialize_with_options(serde_json::value::Serializer, &options)
        .expect("a message is JSON")
}
