//! What is wrong with documents, all at once: with each by the rules of the service, and with all of them together.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use prost::Message as _;
use prost_reflect::DynamicMessage;
use rapport_foundation::id::{AgentId, CalendarId, QueueId};
use serde_json::json;
use uuid::Uuid;

use super::files::{Document, Fault};
use super::kinds::Kind;
use super::wire::Names;

/// Everything that can be said without knowing what is there already.
pub(super) fn check(documents: &[Document]) -> Vec<Fault> {
    let mut faults = twice(documents);
    // What is missing because it could not be read was told of already.
    let whole = documents.iter().filter(|document| document.whole);
    faults.extend(whole.flat_map(refused));
    faults
}

/// Two documents of one resource.
fn twice(documents: &[Document]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut first: HashMap<(&str, &str), &Document> = HashMap::new();
    for document in documents {
        let name = (document.kind.name, document.key.as_str());
        match first.get(&name) {
            Some(other) => {
                let (file, line) = (other.file.display(), other.line);
                let text = format!("is at {file}:{line} already");
                faults.push(document.fault(document.line, text));
            }
            None => {
                first.insert(name, document);
            }
        }
    }
    faults
}

/// What the service would say of the document alone. What it refers to is taken to be there.
fn refused(document: &Document) -> Vec<Fault> {
    let mut names = Names::default();
    for reference in &document.references {
        let id = stand_in(reference.kind, &reference.key);
        names.insert(reference.kind.name, &reference.key, &id);
    }
    let request = match request(document, &names) {
        Ok(request) => request,
        Err(what) => return vec![document.fault(document.line, what)],
    };
    let front = format!("{}.", document.kind.name);
    let fault = |violation: rapport_foundation::error::Violation| {
        let path = violation.field.strip_prefix(&front);
        let (line, name) = document.place(path.unwrap_or(&violation.field));
        document.fault(line, format!("{name} {}", violation.description))
    };
    let violations = (document.kind.foresee)(&request);
    violations.into_iter().map(fault).collect()
}

/// A request that makes it, as bytes.
fn request(document: &Document, names: &Names) -> Result<Vec<u8>, String> {
    let kind = document.kind;
    let method = kind.method(kind.create);
    let method = method.ok_or_else(|| format!("nothing makes a {}", kind.name))?;
    let mut said = kind.shape().to_wire(&document.said, names);
    // Leaving the name out stands for the code.
    if !kind.key.is_empty() {
        let key = || document.key.clone().into();
        said.entry("display_name").or_insert_with(key);
    }
    let request = json!({
        "request_id": Uuid::from_u128(1).to_string(),
        kind.name: said,
    });
    let message = DynamicMessage::deserialize(method.input(), request);
    let message = message.map_err(|error| error.to_string())?;
    Ok(message.encode_to_vec())
}

/// An id for what is not known yet: another for each name.
fn stand_in(kind: &Kind, key: &str) -> String {
    let uuid = uuid_of(&[kind.name, key]);
    match kind.name {
        "queue" => QueueId::from_uuid(uuid).to_string(),
        "agent" => AgentId::from_uuid(uuid).to_string(),
        _ => CalendarId::from_uuid(uuid).to_string(),
    }
}

/// The same for the same parts, and for no others.
pub(super) fn uuid_of(parts: &[&str]) -> Uuid {
    let joined: Vec<u8> = parts
        .iter()
        .flat_map(|part| part.bytes().chain([0]))
        .collect();
    let hash = digest(&SHA256, &joined);
    let mut bytes = [0; 16];
    for (byte, of) in bytes.iter_mut().zip(hash.as_ref()) {
        *byte = *of;
    }
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}
