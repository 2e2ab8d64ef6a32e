//! Calling any method of the contracts with JSON in and JSON out, by the descriptors.

use prost::Message as _;
use prost_reflect::{
    DynamicMessage, Kind, MessageDescriptor, MethodDescriptor, SerializeOptions, Value,
};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

use super::Authorised;
use super::gateway::PATIENCE;

/// The answers of a call as they come.
pub struct Answers(tonic::Streaming<DynamicMessage>);

impl Answers {
    /// The next answer as JSON; None when there are no more.
    ///
    /// # Errors
    /// What the call ended with.
    pub async fn next(&mut self) -> Result<Option<String>, Status> {
        self.0
            .message()
            .await?
            .map(|message| json(&message))
            .transpose()
    }
}

/// Calls a method with requests in JSON. A mutation without a `request_id` is given a fresh one.
///
/// # Errors
/// INVALID_ARGUMENT when a request is not what the method takes, else what the gateway answers.
pub async fn call(
    gateway: Authorised,
    method: &MethodDescriptor,
    requests: Vec<String>,
) -> Result<Answers, Status> {
    let requests = requests
        .iter()
        .map(|text| parse(&method.input(), text))
        .collect::<Result<Vec<_>, _>>()?;
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    let path = http::uri::PathAndQuery::try_from(path)
        .map_err(|error| Status::internal(error.to_string()))?;
    let mut grpc = tonic::client::Grpc::new(gateway).max_decoding_message_size(16 * 1024 * 1024);
    grpc.ready()
        .await
        .map_err(|error| Status::from_error(error.into()))?;
    let codec = Dynamic(method.output());
    let mut requests = tonic::Request::new(tokio_stream::iter(requests));
    if !method.is_client_streaming() && !method.is_server_streaming() {
        requests.set_timeout(PATIENCE);
    }
    Ok(Answers(
        grpc.streaming(requests, path, codec).await?.into_inner(),
    ))
}

fn parse(kind: &MessageDescriptor, text: &str) -> Result<DynamicMessage, Status> {
    let mut json = serde_json::Deserializer::from_str(text);
    let refused = |error: serde_json::Error| {
        Status::invalid_argument(format!("the request is no {}: {error}", kind.full_name()))
    };
    let mut message = DynamicMessage::deserialize(kind.clone(), &mut json).map_err(refused)?;
    json.end().map_err(refused)?;
    if let Some(field) = kind.get_field_by_name("request_id")
        && field.kind() == Kind::String
        && !message.has_field(&field)
    {
        message.set_field(&field, Value::String(super::request_id()));
    }
    Ok(message)
}

fn json(message: &DynamicMessage) -> Result<String, Status> {
    let mut text = Vec::new();
    let mut writer = serde_json::Serializer::pretty(&mut text);
    let options = SerializeOptions::new()
        .use_proto_field_name(true)
        .skip_default_fields(true);
    message
        .serialize_with_options(&mut writer, &options)
        .map_err(|error| Status::internal(error.to_string()))?;
    String::from_utf8(text).map_err(|error| Status::internal(error.to_string()))
}

/// Messages whose type is known at run time only.
struct Dynamic(MessageDescriptor);

impl Codec for Dynamic {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = Writer;
    type Decoder = Reader;

    fn encoder(&mut self) -> Writer {
        Writer
    }

    fn decoder(&mut self) -> Reader {
        Reader(self.0.clone())
    }
}

/// Encodes messages that know their own type.
struct Writer;

impl Encoder for Writer {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, item: DynamicMessage, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.encode(buffer)
            .map_err(|error| Status::internal(error.to_string()))
    }
}

/// Decodes messages of one type.
struct Reader(MessageDescriptor);

impl Decoder for Reader {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        DynamicMessage::decode(self.0.clone(), buffer)
            .map(Some)
            .map_err(|error| Status::internal(error.to_string()))
    }
}
