//! A plan is done, one thing after the other. What is in the way ends it, and is told with what was done and what was not.

use serde_json::{Map, Value, json};
use tonic::{Code, Status};

use super::check::uuid_of;
use super::files::Document;
use super::kinds::ROUTING_POLICY;
use super::plan::{Action, Change, Plan, changed};
use super::present::{Calls, Known, Present};
use super::publish::publish;
use super::shape::{Field, Shape, Table};
use crate::client;

/// What is in the way of a change.
#[derive(Debug)]
pub(super) enum Obstacle {
    /// A call was refused.
    Refused(Box<Status>),
    /// Something else, in words.
    Words(String),
}

impl From<Status> for Obstacle {
    fn from(status: Status) -> Self {
        Obstacle::Refused(Box::new(status))
    }
}

impl std::fmt::Display for Obstacle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Obstacle::Words(text) => f.write_str(text),
            Obstacle::Refused(status) => match status.code() {
                Code::Aborted => f.write_str(
                    "somebody changed it after it was read; it stays as they left it, and the next run looks at it anew",
                ),
                Code::AlreadyExists => write!(
                    f,
                    "somebody made it after it was looked for; the next run looks at it anew ({})",
                    client::explain(status)
                ),
                _ => f.write_str(&client::explain(status)),
            },
        }
    }
}

/// How far a plan came.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What was done, in words.
    pub done: Vec<String>,
    /// What could not be done, and why.
    pub failed: Option<(String, String)>,
    /// What was not tried because of that.
    pub left: Vec<String>,
}

/// Does a plan, and says each thing that is done as it is.
pub(super) async fn apply(
    calls: &Calls,
    plan: &Plan,
    documents: &[Document],
    mut present: Present,
    say: &mut (dyn FnMut(&str) + Send),
) -> Outcome {
    let mut outcome = Outcome::default();
    let changes = plan.changes.iter();
    let mut changes = changes.filter(|change| change.action != Action::Leave);
    for change in changes.by_ref() {
        let ended = match change.of.name {
            ROUTING_POLICY => publish(calls, change, documents, &present, say).await,
            _ => settle(calls, change, &mut present).await,
        };
        match ended {
            Ok(note) => {
                let line = format!("{}: {note}", change.title());
                say(&line);
                outcome.done.push(line);
            }
            Err(obstacle) => {
                outcome.failed = Some((change.title(), obstacle.to_string()));
                break;
            }
        }
    }
    outcome.left = changes.map(Change::title).collect();
    outcome
}

/// Asks of changes of promises what each would do to open tickets. Who may not change them is not told, and neither is what
/// hangs on things that are not there yet.
pub(super) async fn foresee(calls: &Calls, plan: &mut Plan, present: &Present) {
    let changes = plan.changes.iter_mut();
    for change in changes.filter(|change| change.action == Action::Change) {
        let kind = change.of;
        let input = kind.method(kind.update).map(|method| method.input());
        let tells = input.is_some_and(|input| input.get_field_by_name("validate_only").is_some());
        let Some(known) = change.known.as_ref().filter(|_| tells) else {
            continue;
        };
        let mut request = update(change, known, present);
        if let Some(request) = request.as_object_mut() {
            request.insert("validate_only".into(), true.into());
        }
        name_request(kind.update, &mut request);
        if let Ok(answer) = calls.call(kind, kind.update, &request).await {
            change.effect = answer.get("redating").and_then(redating);
        }
    }
}

/// Makes or changes a resource; in words, what came of it.
async fn settle(calls: &Calls, change: &Change, present: &mut Present) -> Result<String, Obstacle> {
    let kind = change.of;
    let (method, mut request, done) = match &change.known {
        None => (kind.create, creation(change, present), "made"),
        Some(known) => (kind.update, update(change, known, present), "changed"),
    };
    name_request(method, &mut request);
    let answer = calls.call(kind, method, &request).await?;
    if let Some(row) = answer.get(kind.name) {
        let known = Known::of(kind, row, &present.names);
        present.names.insert(kind.name, &known.key, &known.id);
    }
    let redated = answer.get("redating").and_then(redating);
    Ok(match redated {
        Some(redated) => format!("{done}; {redated}"),
        None => done.to_owned(),
    })
}

/// A request that makes it.
pub(super) fn creation(change: &Change, present: &Present) -> Value {
    let shape = change.of.shape();
    let fields: Vec<&Field> = shape.fields.iter().collect();
    json!({ change.of.name: body(&shape, &fields, change, present) })
}

/// A request that sets what is different, and nothing else, in the version that was read.
fn update(change: &Change, known: &Known, present: &Present) -> Value {
    let kind = change.of;
    let shape = kind.shape();
    let fields = changed(&shape, change);
    let mask: Vec<&str> = fields.iter().map(|field| field.json.as_str()).collect();
    json!({
        format!("{}_id", kind.name): known.id,
        kind.name: body(&shape, &fields, change, present),
        "update_mask": mask.join(","),
        "etag": known.etag,
    })
}

/// These fields of a resource as a call takes them.
fn body(
    shape: &Shape,
    fields: &[&Field],
    change: &Change,
    present: &Present,
) -> Map<String, Value> {
    let key = change.key.as_str();
    let mut said = Table::new();
    for field in fields {
        let value = change.wanted.get(&field.name).cloned();
        let value = value.unwrap_or_else(|| field.usual(key));
        said.insert(field.name.clone(), value);
    }
    shape.to_wire(&said, &present.names)
}

/// The same request has the same id, so that it has one effect however often it is made. What was read before is part of a
/// request by its etag: the same change made anew after somebody undid it is another one.
pub(super) fn name_request(method: &str, request: &mut Value) {
    let id = uuid_of(&["rapport apply", method, &request.to_string()]).to_string();
    if let Some(request) = request.as_object_mut() {
        request.insert("request_id".into(), id.into());
    }
}

/// What becomes of open tickets, in words; nothing when nothing does.
fn redating(told: &Value) -> Option<String> {
    let count = |field: &str| told.get(field).and_then(Value::as_i64).unwrap_or(0);
    let parts = [
        ("clocks_sooner", "due sooner"),
        ("clocks_later", "due later"),
        ("clocks_started", "started"),
        ("clocks_stopped", "stopped"),
        ("breaches_found", "found to be late"),
    ];
    let parts = parts.iter().filter(|(field, _)| count(field) > 0);
    let parts = parts.map(|(field, words)| format!("{} {words}", count(field)));
    let parts: Vec<String> = parts.collect();
    let tickets = count("changed_tickets");
    (tickets > 0).then(|| format!("clocks of {tickets} open tickets: {}", parts.join(", ")))
}
