//! What is there already.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use prost_reflect::MethodDescriptor;
use serde_json::{Map, Value, json};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::kinds::{KINDS, Kind, ROUTING_POLICY};
use super::shape::{Form, Shape, Table};
use super::wire::Names;
use crate::client::{self, Authorised};

/// How often a call is tried that the gateway wants later.
const TRIES: u32 = 8;
/// How long is waited at most where nobody says how long.
const WAIT: Duration = Duration::from_secs(1);

impl Kind {
    /// A method of its service.
    pub(super) fn method(&self, name: &str) -> Option<MethodDescriptor> {
        let service = format!("rapport.routing.v1.{}", self.service);
        let service = rapport_proto::pool().get_service_by_name(&service)?;
        service.methods().find(|method| method.name() == name)
    }

    /// Kinds it refers to.
    fn referred(&self) -> BTreeSet<&'static str> {
        let mut kinds = BTreeSet::new();
        refer(&self.shape(), &mut kinds);
        kinds
    }
}

fn refer(shape: &Shape, kinds: &mut BTreeSet<&'static str>) {
    for field in &shape.fields {
        match &field.form {
            Form::Reference(kind) => {
                kinds.insert(kind.name);
            }
            Form::Table(shape) => refer(shape, kinds),
            _ => {}
        }
    }
}

/// Kinds, and those that they refer to, in their order.
pub(super) fn with_referred(names: &BTreeSet<&'static str>) -> Vec<&'static Kind> {
    let mut wanted = names.clone();
    for kind in KINDS.iter().filter(|kind| names.contains(kind.name)) {
        wanted.extend(kind.referred());
    }
    let kinds = KINDS.iter();
    kinds.filter(|kind| wanted.contains(kind.name)).collect()
}

/// Calls of a gateway.
#[derive(Debug, Clone)]
pub(super) struct Calls(pub(super) Authorised);

impl Calls {
    /// One call with JSON; tried again while the gateway says that it may be.
    pub(super) async fn call(
        &self,
        kind: &Kind,
        method: &str,
        request: &Value,
    ) -> Result<Value, Status> {
        let known = kind.method(method);
        let method = known.ok_or_else(|| Status::unimplemented(method.to_owned()))?;
        let mut tries = 1;
        loop {
            match self.once(&method, request).await {
                Err(status) if tries < TRIES && is_wanted_later(&status) => {
                    tries += 1;
                    tokio::time::sleep(wait(&status)).await;
                }
                ended => return ended,
            }
        }
    }

    async fn once(&self, method: &MethodDescriptor, request: &Value) -> Result<Value, Status> {
        let requests = vec![request.to_string()];
        let mut answers = client::call(self.0.clone(), method, requests).await?;
        let nothing = || Status::internal("the gateway answered nothing");
        let answer = answers.next().await?.ok_or_else(nothing)?;
        serde_json::from_str(&answer).map_err(|error| Status::internal(error.to_string()))
    }

    /// All of a list.
    async fn list(
        &self,
        kind: &Kind,
        condition: &Map<String, Value>,
    ) -> Result<Vec<Value>, Status> {
        let (mut all, mut token) = (Vec::new(), String::new());
        loop {
            let mut request = condition.clone();
            request.insert("page_size".into(), kind.page_size.into());
            request.insert("page_token".into(), token.into());
            let page = self.call(kind, kind.list, &Value::Object(request)).await?;
            let rows = page.get(kind.listed).and_then(Value::as_array);
            all.extend(rows.into_iter().flatten().cloned());
            token = text(&page, "next_page_token");
            if token.is_empty() {
                return Ok(all);
            }
        }
    }
}

/// Whether it is only a matter of time; what cannot be reached at all is told at once.
fn is_wanted_later(status: &Status) -> bool {
    let told = status.get_details_retry_info().is_some();
    told && matches!(status.code(), Code::ResourceExhausted | Code::Unavailable)
}

fn wait(status: &Status) -> Duration {
    let told = status.get_details_retry_info();
    let delay = told.and_then(|info| info.retry_delay).unwrap_or(WAIT);
    delay.min(WAIT * 60)
}

/// A resource that is there.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) kind: &'static Kind,
    /// What it is named by; empty where there is one of its kind.
    pub(super) key: String,
    pub(super) id: String,
    pub(super) etag: String,
    /// What files would say of it, without what leaving out stands for.
    pub(super) said: Table,
}

/// Everything that is there, of some kinds.
#[derive(Debug, Default)]
pub(super) struct Present {
    pub(super) known: Vec<Known>,
    pub(super) names: Names,
    /// Where each is, by its kind and what it is named by.
    places: HashMap<(&'static str, String), usize>,
}

impl Present {
    /// Reads these kinds.
    pub(super) async fn read(calls: &Calls, kinds: &[&'static Kind]) -> Result<Present, Status> {
        let mut listed = Vec::new();
        for kind in kinds {
            let condition = match kind.name {
                ROUTING_POLICY => in_state("PUBLISHED"),
                _ => Map::new(),
            };
            let mut rows = calls.list(kind, &condition).await?;
            // Lists begin with the newest; files are read in the order in which things were made.
            rows.reverse();
            listed.push((*kind, rows));
        }
        Ok(Present::of(&listed))
    }

    /// Rows of lists, by their kinds.
    pub(super) fn of(listed: &[(&'static Kind, Vec<Value>)]) -> Present {
        let mut present = Present::default();
        for &(kind, ref rows) in listed {
            for row in rows.iter().filter(|_| !kind.key.is_empty()) {
                let (key, id) = (text(row, kind.key), text(row, "id"));
                present.names.insert(kind.name, &key, &id);
            }
        }
        for &(kind, ref rows) in listed {
            let names = &present.names;
            let known = rows.iter().map(|row| Known::of(kind, row, names));
            present.known.extend(known);
        }
        let named = |known: &Known| (known.kind.name, known.key.clone());
        let places = present.known.iter().map(named).zip(0..);
        present.places = places.collect();
        present
    }

    /// Versions of the routing policy in a state, the newest first.
    pub(super) async fn versions(
        &self,
        calls: &Calls,
        kind: &'static Kind,
        state: &str,
    ) -> Result<Vec<Known>, Status> {
        let rows = calls.list(kind, &in_state(state)).await?;
        let versions = rows.iter().map(|row| Known::of(kind, row, &self.names));
        Ok(versions.collect())
    }

    pub(super) fn find(&self, kind: &Kind, key: &str) -> Option<&Known> {
        let place = self.places.get(&(kind.name, key.to_owned()))?;
        self.known.get(*place)
    }
}

impl Known {
    pub(super) fn of(kind: &'static Kind, row: &Value, names: &Names) -> Self {
        let nothing = Map::new();
        let shape = kind.shape();
        let key = match kind.key {
            "" => String::new(),
            field => text(row, field),
        };
        let said = shape.of_wire(row.as_object().unwrap_or(&nothing), names);
        Known {
            kind,
            id: text(row, "id"),
            etag: text(row, "etag"),
            said: shape.trimmed(said, &key),
            key,
        }
    }
}

fn in_state(state: &str) -> Map<String, Value> {
    let condition = json!({"state": format!("ROUTING_POLICY_STATE_{state}")});
    condition.as_object().cloned().unwrap_or_default()
}

/// A text of an answer; empty where there is none.
pub(super) fn text(of: &Value, field: &str) -> String {
    let text = of.get(field).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}
