//! The JSON interface as an OpenAPI 3.1 document, made of the contracts: paths and verbs from their annotations, schemas
//! from their messages, descriptions from their comments.

use std::collections::{BTreeMap, HashMap};

use prost::Message as _;
use prost_reflect::{EnumDescriptor, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor};
use prost_types::FileDescriptorSet;
use serde_json::{Map, Value, json};

use super::routes::{Route, Routes};

/// Schema of an error, which is none of the contracts' messages.
const ERROR: &str = "Error";

/// The document.
pub(super) fn document(routes: &Routes) -> Value {
    let mut writer = Writer {
        comments: comments(),
        schemas: BTreeMap::from([(ERROR.to_owned(), error())]),
    };
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for route in routes.all() {
        let operation = writer.operation(route);
        let verb = route.verb.as_str().to_ascii_lowercase();
        paths
            .entry(&route.template)
            .or_default()
            .insert(verb, operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Rapport",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Every method of the contracts as JSON over HTTP. Streams are one object a line: \
                `{\"result\": …}`, or `{\"error\": …}` at the end of one that failed; with \
                `Accept: text/event-stream` they are server-sent events. A change carries a `requestId`, in the body \
                or as the header `Idempotency-Key`, and has one effect however often it is repeated.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"token": []}, {"key": []}],
        "paths": paths,
        "components": {
            "schemas": writer.schemas,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "key": {"type": "apiKey", "in": "header", "name": crate::auth::API_KEY},
            },
        },
    })
}

/// File and path within it (`google/protobuf/descriptor.proto`, `SourceCodeInfo`) → comment.
type Comments = HashMap<(String, Vec<i32>), String>;

fn comments() -> Comments {
    let set = FileDescriptorSet::decode(rapport_proto::DOCUMENTED_DESCRIPTOR_SET);
    let mut comments = HashMap::new();
    for file in set.unwrap_or_default().file {
        let name = file.name().to_owned();
        for location in file.source_code_info.unwrap_or_default().location {
            if let Some(comment) = location.leading_comments {
                comments.insert((name.clone(), location.path), tidy(&comment));
            }
        }
    }
    comments
}

/// Comments are broken into lines; descriptions flow.
fn tidy(comment: &str) -> String {
    comment
        .split("\n\n")
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join("\n\n")
}

struct Writer {
    comments: Comments,
    schemas: BTreeMap<String, Value>,
}

impl Writer {
    fn comment(&self, file: &FileDescriptor, path: &[i32]) -> String {
        let key = (file.name().to_owned(), path.to_vec());
        self.comments.get(&key).cloned().unwrap_or_default()
    }

    fn operation(&mut self, route: &Route) -> Value {
        let (rpc, service) = (&route.rpc, route.rpc.parent_service());
        let (input, output) = (self.message(&rpc.input()), self.message(&rpc.output()));
        let answer = match rpc.is_server_streaming() {
            false => json!({"application/json": {"schema": output}}),
            true => json!({
                "application/x-ndjson": {"schema": {"type": "object", "properties": {
                    "result": output, "error": {"type": "object"}}}},
                "text/event-stream": {"schema": {"type": "string"}},
            }),
        };
        let mut operation = json!({
            "operationId": format!("{}_{}", service.name(), rpc.name()),
            "tags": [service.name()],
            "description": self.comment(&rpc.parent_file(), rpc.path()),
            "x-scope": route.method.scope,
            "parameters": self.parameters(route),
            "responses": {
                "200": {"description": "The answer.", "content": answer},
                "default": {
                    "description": "A refusal.",
                    "content": {"application/json": {"schema": reference(ERROR)}},
                },
            },
        });
        if route.has_body {
            let kind = match rpc.is_client_streaming() {
                true => "application/x-ndjson",
                false => "application/json",
            };
            operation["requestBody"] =
                json!({"required": true, "content": {kind: {"schema": input}}});
        }
        operation
    }

    fn parameters(&mut self, route: &Route) -> Vec<Value> {
        let input = route.rpc.input();
        let named: Vec<&str> = route.variables().collect();
        let mut parameters = Vec::new();
        for field in input.fields() {
            if named.contains(&field.name()) {
                let mut parameter = self.parameter(&field, field.name());
                parameter["in"] = "path".into();
                parameter["required"] = true.into();
                parameters.push(parameter);
            } else if !route.has_body {
                self.query(&field, field.json_name(), &mut parameters);
            }
        }
        parameters
    }

    /// A field in a query; the fields of a message one by one.
    fn query(&mut self, field: &FieldDescriptor, name: &str, parameters: &mut Vec<Value>) {
        match field.kind() {
            Kind::Message(message) if well_known(&message).is_none() => {
                if field.is_list() || field.is_map() {
                    return;
                }
                for inner in message.fields() {
                    let name = format!("{name}.{}", inner.json_name());
                    // Deeper than this no request of a query goes.
                    if !matches!(inner.kind(), Kind::Message(m) if well_known(&m).is_none()) {
                        parameters.push(self.parameter(&inner, &name));
                    }
                }
            }
            _ => parameters.push(self.parameter(field, name)),
        }
    }

    fn parameter(&mut self, field: &FieldDescriptor, name: &str) -> Value {
        json!({
            "name": name,
            "in": "query",
            "description": self.comment(&field.parent_message().parent_file(), field.path()),
            "schema": self.field(field),
        })
    }

    /// A reference to the schema of a message, which is written when it is met first.
    fn message(&mut self, message: &MessageDescriptor) -> Value {
        if let Some(schema) = well_known(message) {
            return schema;
        }
        let name = message.full_name();
        if !self.schemas.contains_key(name) {
            // Held free while it is written: a message may contain itself.
            self.schemas.insert(name.to_owned(), Value::Null);
            let mut properties = Map::new();
            for field in message.fields() {
                let mut schema = self.field(&field);
                let comment = self.comment(&message.parent_file(), field.path());
                if !comment.is_empty() {
                    schema["description"] = comment.into();
                }
                properties.insert(field.json_name().to_owned(), schema);
            }
            let description = self.comment(&message.parent_file(), message.path());
            let schema =
                json!({"type": "object", "description": description, "properties": properties});
            self.schemas.insert(name.to_owned(), schema);
        }
        reference(name)
    }

    fn enumeration(&mut self, kind: &EnumDescriptor) -> Value {
        let name = kind.full_name();
        if !self.schemas.contains_key(name) {
            let file = kind.parent_file();
            let names: Vec<String> = kind.values().map(|v| v.name().to_owned()).collect();
            let mut description = self.comment(&file, kind.path());
            for value in kind.values() {
                let comment = self.comment(&file, value.path());
                description.push_str(&format!("\n- `{}`: {comment}", value.name()));
            }
            let schema = json!({"type": "string", "enum": names, "description": description});
            self.schemas.insert(name.to_owned(), schema);
        }
        reference(name)
    }

    fn field(&mut self, field: &FieldDescriptor) -> Value {
        if field.is_map()
            && let Kind::Message(entry) = field.kind()
        {
            let value = self.kind(&entry.map_entry_value_field().kind());
            return json!({"type": "object", "additionalProperties": value});
        }
        let kind = self.kind(&field.kind());
        match field.is_list() {
            true => json!({"type": "array", "items": kind}),
            false => kind,
        }
    }

    fn kind(&mut self, kind: &Kind) -> Value {
        match kind {
            Kind::Double | Kind::Float => json!({"type": "number"}),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
                json!({"type": "integer", "format": "int32"})
            }
            Kind::Uint32 | Kind::Fixed32 => {
                json!({"type": "integer", "format": "int64", "minimum": 0})
            }
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
                json!({"type": "string", "format": "int64"})
            }
            Kind::Uint64 | Kind::Fixed64 => json!({"type": "string", "format": "uint64"}),
            Kind::Bool => json!({"type": "boolean"}),
            Kind::String => json!({"type": "string"}),
            Kind::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
            Kind::Message(message) => self.message(message),
            Kind::Enum(kind) => self.enumeration(kind),
        }
    }
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// Messages that ProtoJSON writes in a way of their own.
fn well_known(message: &MessageDescriptor) -> Option<Value> {
    Some(match message.full_name() {
        "google.protobuf.Timestamp" => json!({"type": "string", "format": "date-time"}),
        "google.protobuf.Duration" => json!({"type": "string", "examples": ["1.500s"]}),
        "google.protobuf.FieldMask" => json!({"type": "string", "examples": ["displayName,state"]}),
        "google.protobuf.Struct" => json!({"type": "object"}),
        _ => return None,
    })
}

fn error() -> Value {
    json!({"type": "object", "description": "A refusal, as AIP-193 says it.", "properties": {
        "error": {"type": "object", "properties": {
            "code": {"type": "integer", "description": "The HTTP status."},
            "status": {"type": "string", "description": "The name of the gRPC code."},
            "message": {"type": "string", "description": "For developers; stable per reason."},
            "details": {"type": "array", "items": {"type": "object", "properties": {
                "@type": {"type": "string"}}},
                "description": "`google.rpc.ErrorInfo` with a stable reason, and what belongs to it: every \
                    violation (`BadRequest`), when to retry (`RetryInfo`)."},
        }},
    }})
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;
    use crate::policy::Policies;

    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                if let Some(Value::String(to)) = object.get("$ref") {
                    found.push(to.rsplit('/').next().unwrap().to_owned());
                }
                object.values().for_each(|value| references(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn the_document_holds_every_method_and_refers_to_nothing_it_does_not_hold() {
        let pool = rapport_proto::pool();
        let policies = Policies::read(pool).unwrap();
        let routes = Routes::read(pool, &policies).unwrap();
        let document = document(&routes);
        let operations = document["paths"].as_object().unwrap().values();
        let operations: Vec<&Value> = operations
            .flat_map(|path| path.as_object().unwrap().values())
            .collect();
        assert_eq!(operations.len(), routes.all().len());
        for operation in &operations {
            assert_ne!(operation["description"], "", "{}", operation["operationId"]);
            assert_ne!(operation["x-scope"], "", "{}", operation["operationId"]);
        }
        let schemas = document["components"]["schemas"].as_object().unwrap();
        assert!(schemas.values().all(Value::is_object));
        let mut named = Vec::new();
        references(&document, &mut named);
        for name in named {
            assert!(schemas.contains_key(&name), "{name}");
        }
        let path = &document["paths"]["/v1/customers/{customer_id}"]["get"];
        assert_eq!(path["parameters"][0]["name"], "customer_id");
        assert_eq!(path["parameters"][0]["in"], "path");
    }
}
