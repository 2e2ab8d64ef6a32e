#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use serde_json::{Value, json};

use super::files::{self, Document, Fault};
use super::plan::Plan;
use super::present::Present;
use super::{check, kinds, tell};

mod planning;
mod reading;

fn parsed(texts: &[(&str, &str)]) -> (Vec<Document>, Vec<String>) {
    let (mut documents, mut faults) = (Vec::new(), Vec::new());
    for (name, text) in texts {
        files::parse(Path::new(name), text, &mut documents, &mut faults);
    }
    faults.extend(check::check(&documents));
    faults.sort();
    (documents, faults.iter().map(Fault::to_string).collect())
}

fn good(text: &str) -> Vec<Document> {
    let (documents, faults) = parsed(&[("a.toml", text)]);
    assert_eq!(faults, Vec::<String>::new());
    documents
}

/// What a service would answer that has these.
fn present(rows: &[(&str, Value)]) -> Present {
    let listed = kinds::KINDS.iter().map(|kind| {
        let of_kind = rows.iter().filter(|(name, _)| *name == kind.name);
        (kind, of_kind.map(|(_, row)| row.clone()).collect())
    });
    Present::of(&listed.collect::<Vec<_>>())
}

fn queue(code: &str, more: Value) -> (&'static str, Value) {
    let mut row = json!({
        "id": format!("que_{code}"),
        "code": code,
        "display_name": code,
        "default_priority": "PRIORITY_NORMAL",
        "offer_timeout_s": 20,
        "max_lapsed_offers": 1,
        "answer_target_s": 20,
        "selection": "AGENT_SELECTION_LONGEST_IDLE",
        "weight": 1,
        "etag": "\"1\"",
        "waiting_work_items": 7,
    });
    let more = more.as_object().unwrap().clone();
    row.as_object_mut().unwrap().extend(more);
    ("queue", row)
}

fn told(plan: &Plan) -> Vec<String> {
    tell::lines(plan)
}
