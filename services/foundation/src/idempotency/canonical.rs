//! The canonical form of a request: what two honest repetitions have in common.

use std::collections::HashSet;
use std::sync::LazyLock;

use aws_lc_rs::digest::{Context, SHA256};
use prost_reflect::{
    DynamicMessage, FieldDescriptor, MapKey, MessageDescriptor, ReflectMessage as _, Value,
};

/// Full names of the fields that say nothing about what was asked for.
static VOLATILE: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let pool = rapport_proto::pool();
    let Some(mark) = pool.get_extension_by_name("rapport.options.v1.volatile") else {
        return HashSet::new();
    };
    pool.all_messages()
        .flat_map(|message| message.fields().collect::<Vec<_>>())
        .filter(|field| field.options().get_extension(&mark).as_bool() == Some(true))
        .map(|field| field.full_name().to_owned())
        .collect()
});

/// SHA-256 of the canonical form of an encoded request of `package.Service/Method`.
pub(super) fn hash(method: &str, encoded: &[u8]) -> [u8; 32] {
    let mut digest = Context::new(&SHA256);
    let decoded =
        request_of(method).and_then(|message| DynamicMessage::decode(message, encoded).ok());
    debug_assert!(decoded.is_some(), "{method} is not in the contracts");
    match decoded {
        Some(message) => write_message(&message, true, &mut digest),
        None => digest.update(encoded),
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(digest.finish().as_ref());
    hash
}

fn request_of(method: &str) -> Option<MessageDescriptor> {
    let (service, method) = method.trim_start_matches('/').split_once('/')?;
    let service = rapport_proto::pool().get_service_by_name(service)?;
    service
        .methods()
        .find(|known| known.name() == method)
        .map(|method| method.input())
}

/// Each field that is set, by number: its number, then its value with a length wherever the end is not evident.
fn write_message(message: &DynamicMessage, top: bool, out: &mut Context) {
    let mut fields: Vec<_> = message
        .descriptor()
        .fields()
        .filter(|field| message.has_field(field))
        .collect();
    let says_nothing = |field: &FieldDescriptor| {
        VOLATILE.contains(field.full_name()) || (top && field.name() == "request_id")
    };
    fields.retain(|field| !says_nothing(field));
    fields.sort_unstable_by_key(FieldDescriptor::number);
    write_length(fields.len(), out);
    for field in fields {
        out.update(&field.number().to_be_bytes());
        write_value(&message.get_field(&field), out);
    }
}

fn write_value(value: &Value, out: &mut Context) {
    match value {
        Value::Bool(v) => out.update(&[1, u8::from(*v)]),
        Value::I32(v) => write_scalar(2, &v.to_be_bytes(), out),
        Value::I64(v) => write_scalar(3, &v.to_be_bytes(), out),
        Value::U32(v) => write_scalar(4, &v.to_be_bytes(), out),
        Value::U64(v) => write_scalar(5, &v.to_be_bytes(), out),
        Value::F32(v) => write_scalar(6, &v.to_bits().to_be_bytes(), out),
        Value::F64(v) => write_scalar(7, &v.to_bits().to_be_bytes(), out),
        Value::String(v) => write_scalar(8, v.as_bytes(), out),
        Value::Bytes(v) => write_scalar(9, v, out),
        Value::EnumNumber(v) => write_scalar(10, &v.to_be_bytes(), out),
        Value::Message(v) => {
            out.update(&[11]);
            write_message(v, false, out);
        }
        Value::List(values) => {
            out.update(&[12]);
            write_length(values.len(), out);
            values.iter().for_each(|value| write_value(value, out));
        }
        Value::Map(entries) => {
            out.update(&[13]);
            write_length(entries.len(), out);
            let mut entries: Vec<_> = entries
                .iter()
                .map(|(key, value)| (key_bytes(key), value))
                .collect();
            entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
            for (key, value) in entries {
                write_scalar(14, &key, out);
                write_value(value, out);
            }
        }
    }
}

fn write_scalar(kind: u8, bytes: &[u8], out: &mut Context) {
    out.update(&[kind]);
    write_length(bytes.len(), out);
    out.update(bytes);
}

fn write_length(length: usize, out: &mut Context) {
    out.update(&(length as u64).to_be_bytes());
}

fn key_bytes(key: &MapKey) -> Vec<u8> {
    match key {
        MapKey::Bool(v) => vec![u8::from(*v)],
        MapKey::I32(v) => v.to_be_bytes().to_vec(),
        MapKey::I64(v) => v.to_be_bytes().to_vec(),
        MapKey::U32(v) => v.to_be_bytes().to_vec(),
        MapKey::U64(v) => v.to_be_bytes().to_vec(),
        MapKey::String(v) => v.as_bytes().to_vec(),
    }
}
