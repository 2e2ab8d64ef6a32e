//! Messages as ProtoJSON, and back. Field names are read in either spelling and written in lowerCamelCase; 64-bit
//! numbers are strings; what has its default value is left out (protobuf.dev, "ProtoJSON format").

use prost::Message as _;
use prost_reflect::{
    DeserializeOptions, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, SerializeOptions,
};
use rapport_foundation::check::Check;
use rapport_foundation::error::{Code, Failure};
use serde_json::{Map, Value};

use crate::protection::{Protection, Protections};

/// Longer texts about what is wrong with a body are cut: they repeat what the caller sent.
const LONGEST_REMARK: usize = 200;

/// A body as a message of this type.
///
/// # Errors
/// `INVALID_ARGUMENT`, reason `MALFORMED_JSON`.
pub(super) fn from_text(
    kind: &MessageDescriptor,
    text: &[u8],
    protections: Protections,
) -> Result<Vec<u8>, Failure> {
    from_value(kind, parse(text)?, protections)
}

/// JSON text; none stands for an empty object.
pub(super) fn parse(text: &[u8]) -> Result<Value, Failure> {
    if text.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Object(Map::new()));
    }
    // Nested deeper than 128 it is refused: serde_json's own limit.
    serde_json::from_slice(text).map_err(|error| malformed(&error))
}

pub(super) fn from_value(
    kind: &MessageDescriptor,
    value: Value,
    protections: Protections,
) -> Result<Vec<u8>, Failure> {
    let deny = protections.on(Protection::UnknownFields);
    let options = DeserializeOptions::new().deny_unknown_fields(deny);
    DynamicMessage::deserialize_with_options(kind.clone(), value, &options)
        .map(|message| message.encode_to_vec())
        .map_err(|error| malformed(&error))
}

fn malformed(error: &serde_json::Error) -> Failure {
    let mut remark = error.to_string();
    if let Some((at, _)) = remark.char_indices().nth(LONGEST_REMARK) {
        remark.truncate(at);
    }
    Failure::new(
        Code::InvalidArgument,
        "MALFORMED_JSON",
        "The body is not the JSON of this request.",
    )
    .with_meta("problem", remark)
}

/// A message of this type as JSON text.
///
/// # Errors
/// When a service answered with bytes that are no such message.
pub(super) fn to_text(kind: &MessageDescriptor, message: &[u8]) -> Result<Vec<u8>, Failure> {
    let options = SerializeOptions::new();
    let unreadable = |problem: String| {
        Failure::new(
            Code::Internal,
            "INTERNAL",
            "The answer cannot be written as JSON.",
        )
        .caused_by(problem)
    };
    let message = DynamicMessage::decode(kind.clone(), message)
        .map_err(|error| unreadable(error.to_string()))?;
    let mut text = Vec::new();
    let mut writer = serde_json::Serializer::new(&mut text);
    message
        .serialize_with_options(&mut writer, &options)
        .map_err(|error| unreadable(error.to_string()))?;
    Ok(text)
}

/// Puts what a path or a query says into the object that becomes the request. `customer.customer_id` goes into a field
/// of a field; a repeated field is named once for each value.
pub(super) fn place(
    c: &mut Check,
    kind: &MessageDescriptor,
    object: &mut Map<String, Value>,
    path: &str,
    text: &str,
) {
    let (name, rest) = match path.split_once('.') {
        Some((name, rest)) => (name, Some(rest)),
        None => (path, None),
    };
    let Some(field) = field(kind, name) else {
        return c.fail(path, "UNKNOWN_FIELD", "is no field of this request");
    };
    match (rest, field.kind()) {
        (Some(rest), Kind::Message(inner)) if !field.is_list() && !field.is_map() => {
            let slot = slot(object, &field).or_insert_with(|| Value::Object(Map::new()));
            match slot {
                Value::Object(object) => c.within(name, |c| place(c, &inner, object, rest, text)),
                _ => c.fail(path, "GIVEN_TWICE", "is given as a whole and in parts"),
            }
        }
        (Some(_), _) => c.fail(path, "UNKNOWN_FIELD", "is no field of this request"),
        (None, kind) => match leaf(&field, &kind, text) {
            Some(value) => put(c, object, &field, path, value),
            None => c.fail(path, "MALFORMED_VALUE", "is not a value of this field"),
        },
    }
}

/// A field by either of its names.
pub(super) fn field(kind: &MessageDescriptor, name: &str) -> Option<FieldDescriptor> {
    kind.get_field_by_name(name)
        .or_else(|| kind.get_field_by_json_name(name))
}

/// Where an object says something about a field, under either of its names.
pub(super) fn slot<'a>(
    object: &'a mut Map<String, Value>,
    field: &FieldDescriptor,
) -> serde_json::map::Entry<'a> {
    let name = match object.contains_key(field.json_name()) {
        true => field.json_name(),
        false => field.name(),
    };
    object.entry(name)
}

fn put(
    c: &mut Check,
    object: &mut Map<String, Value>,
    field: &FieldDescriptor,
    path: &str,
    value: Value,
) {
    if field.is_list() {
        let slot = slot(object, field).or_insert_with(|| Value::Array(Vec::new()));
        match slot {
            Value::Array(values) => values.push(value),
            _ => c.fail(path, "GIVEN_TWICE", "is given in two ways"),
        }
        return;
    }
    say(c, object, field, path, &value);
}

/// Says a value of a field. The same said twice is said once.
pub(super) fn say(
    c: &mut Check,
    object: &mut Map<String, Value>,
    field: &FieldDescriptor,
    path: &str,
    value: &Value,
) {
    let slot = slot(object, field).or_insert_with(|| value.clone());
    if slot != value {
        c.fail(path, "GIVEN_TWICE", "is given twice and differs");
    }
}

/// The JSON of a value that is written as text; none when the field takes no such value.
fn leaf(field: &FieldDescriptor, kind: &Kind, text: &str) -> Option<Value> {
    if field.is_map() {
        return None;
    }
    match kind {
        Kind::Bool => text.parse().ok().map(Value::Bool),
        Kind::Message(message) if !is_text(message) => None,
        // An enum value is written by its name or by its number.
        Kind::Enum(_) => Some(
            text.parse::<i32>()
                .map_or_else(|_| text.into(), Value::from),
        ),
        _ => Some(text.into()),
    }
}

/// Messages whose JSON is one string.
fn is_text(message: &MessageDescriptor) -> bool {
    matches!(
        message.full_name(),
        "google.protobuf.Timestamp" | "google.protobuf.Duration" | "google.protobuf.FieldMask"
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use serde_json::json;

    use super::*;

    fn kind(name: &str) -> MessageDescriptor {
        rapport_proto::pool().get_message_by_name(name).unwrap()
    }

    fn query(name: &str, pairs: &[(&str, &str)]) -> Result<Value, Failure> {
        let (mut c, mut object) = (Check::new(), Map::new());
        for (path, text) in pairs {
            place(&mut c, &kind(name), &mut object, path, text);
        }
        c.done(Value::Object(object))
    }

    #[test]
    fn a_query_becomes_the_object_of_its_request() {
        let request = "rapport.routing.v1.ListTicketsRequest";
        let object = query(
            request,
            &[("page_size", "10"), ("state", "TICKET_STATE_OPEN")],
        );
        let object = object.unwrap();
        assert_eq!(
            object,
            json!({"page_size": "10", "state": "TICKET_STATE_OPEN"})
        );
        let bytes = from_value(&kind(request), object, Protections::default()).unwrap();
        let text = to_text(&kind(request), &bytes).unwrap();
        assert_eq!(
            serde_json::from_slice::<Value>(&text).unwrap(),
            json!({"pageSize": 10, "state": "TICKET_STATE_OPEN"})
        );
    }

    #[test]
    fn everything_wrong_with_a_query_is_told_at_once() {
        let pairs = [
            ("page_size", "1"),
            ("pageSize", "2"),
            ("nothing", "x"),
            ("page_token.x", "y"),
        ];
        let failure = query("rapport.routing.v1.ListTicketsRequest", &pairs).unwrap_err();
        assert_eq!(failure.violations().len(), 3);
    }

    #[test]
    fn hostile_json_is_refused_without_harm() {
        let kind = kind("rapport.routing.v1.CreateTicketRequest");
        let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
        for text in [
            &deep[..],
            b"{",
            b"[]",
            b"1",
            b"\"x\"",
            b"{\"a\":1}",
            b"{\"ticket\":{\"a\":1}}",
            b"\xff",
        ] {
            let failure = from_text(&kind, text, Protections::default()).unwrap_err();
            assert!(failure.meta("problem").unwrap().len() <= 4 * LONGEST_REMARK);
        }
        let none = from_text(&kind, b" ", Protections::default());
        assert!(none.unwrap().is_empty());
    }
}
