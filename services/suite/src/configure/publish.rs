//! A routing policy is drafted, looked at, and published: a version that holds never changes.

use serde_json::{Value, json};

use super::apply::{Obstacle, creation, name_request};
use super::files::Document;
use super::kinds::Kind;
use super::plan::Change;
use super::present::{Calls, Known, Present, text};
use super::shape::Table;

/// How often a draft is made that turns out to have been changed since it was made first.
const DRAFTS: usize = 3;

/// Makes the policy of the files hold; in words, what came of it.
pub(super) async fn publish(
    calls: &Calls,
    change: &Change,
    documents: &[Document],
    present: &Present,
    say: &mut (dyn FnMut(&str) + Send),
) -> Result<String, Obstacle> {
    let kind = change.of;
    if let Some(holds) = still(calls, change, present).await? {
        return Ok(holds);
    }
    let drafts = present.versions(calls, kind, "DRAFT").await?;
    let same = drafts.into_iter().find(|draft| says(draft, &change.wanted));
    let draft = match same {
        Some(draft) => draft,
        None => self::draft(calls, change, present).await?,
    };
    let document = change.document.and_then(|place| documents.get(place));
    look(calls, kind, &draft, document, say).await?;
    if let Some(holds) = still(calls, change, present).await? {
        return Ok(holds);
    }
    let mut request = json!({"routing_policy_id": draft.id, "etag": draft.etag});
    let method = "PublishRoutingPolicy";
    name_request(method, &mut request);
    let answer = calls.call(kind, method, &request).await?;
    let version = answer.get(kind.name).map(|policy| text(policy, "version"));
    Ok(format!(
        "version {} is published",
        version.unwrap_or_default()
    ))
}

/// That the version that held when the plan was made holds still, or, in words, that another says what the files say.
async fn still(
    calls: &Calls,
    change: &Change,
    present: &Present,
) -> Result<Option<String>, Obstacle> {
    let holds = present.versions(calls, change.of, "PUBLISHED").await?.pop();
    let id = |known: Option<&Known>| known.map(|known| known.id.clone());
    if id(holds.as_ref()) == id(change.known.as_ref()) {
        return Ok(None);
    }
    if holds.is_some_and(|holds| says(&holds, &change.wanted)) {
        return Ok(Some("what the files say holds by now".into()));
    }
    let text = "somebody published another version after it was read; that one holds on, and the next run looks at it anew";
    Err(Obstacle::Words(text.into()))
}

fn says(known: &Known, wanted: &Table) -> bool {
    let shape = known.kind.shape();
    let mut fields = shape.fields.iter();
    fields.all(|field| super::differ::of_field(field, &known.said, wanted, "").is_empty())
}

/// A version that says what the files say. What is published by then is part of the request: the same policy drafted anew
/// after another held is another draft.
async fn draft(calls: &Calls, change: &Change, present: &Present) -> Result<Known, Obstacle> {
    let kind = change.of;
    let published = change.known.as_ref();
    let mut before = published.map_or_else(String::new, |known| known.id.clone() + &known.etag);
    for _ in 0..DRAFTS {
        let mut request = creation(change, present);
        name_request(&format!("{} {before}", kind.create), &mut request);
        let answer = calls.call(kind, kind.create, &request).await?;
        let row = answer.get(kind.name).cloned().unwrap_or_default();
        let draft = Known::of(kind, &row, &present.names);
        if text(&row, "state") == "ROUTING_POLICY_STATE_DRAFT" && says(&draft, &change.wanted) {
            return Ok(draft);
        }
        // It was made before, and has changed since: another one is needed.
        before = draft.id + &draft.etag;
    }
    Err(Obstacle::Words(
        "somebody changes its drafts as they are made".into(),
    ))
}

/// Tells what is to be said about a version.
async fn look(
    calls: &Calls,
    kind: &Kind,
    draft: &Known,
    document: Option<&Document>,
    say: &mut (dyn FnMut(&str) + Send),
) -> Result<(), Obstacle> {
    let request = json!({"routing_policy_id": draft.id});
    let answer = calls.call(kind, "LintRoutingPolicy", &request).await?;
    let findings = answer.get("findings").and_then(Value::as_array);
    let findings: Vec<String> = findings
        .into_iter()
        .flatten()
        .map(|finding| told(finding, document))
        .collect();
    if answer.get("publishable").and_then(Value::as_bool) == Some(true) {
        findings.iter().for_each(|finding| say(finding));
        return Ok(());
    }
    let findings = findings.join("\n  ");
    Err(Obstacle::Words(format!(
        "it has errors and is not published; what held before holds on\n  {findings}"
    )))
}

/// A finding, and where in the files it is.
fn told(finding: &Value, document: Option<&Document>) -> String {
    let field = text(finding, "field");
    let severity = match text(finding, "severity").as_str() {
        "ROUTING_FINDING_SEVERITY_ERROR" => "error",
        _ => "warning",
    };
    let what = text(finding, "description");
    match document {
        Some(document) => {
            let (line, name) = document.place(&field);
            let file = document.file.display();
            format!("{file}:{line}: {severity}: {name} {what}")
        }
        None => format!("{severity}: {field} {what}"),
    }
}
