//! What has to be done so that what is there is what files say.

use std::collections::{BTreeSet, HashSet};

use serde::Serialize;
use serde_json::Value;

use super::chains::{self, Chains};
use super::differ::{self, Difference};
use super::files::{Document, Fault, title};
use super::kinds::{KINDS, Kind};
use super::present::{Known, Present};
use super::shape::{Field, Shape, Table};

/// What becomes of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is made.
    Create,
    /// It is changed.
    Change,
    /// It is as the files say.
    Leave,
}

/// What becomes of one resource.
#[derive(Debug, Serialize)]
pub struct Change {
    /// Its kind, as files name it.
    pub kind: &'static str,
    /// What it is named by; empty for the routing policy, of which there is one.
    pub key: String,
    /// What becomes of it.
    pub action: Action,
    /// What is different: all that is said of it when it is made.
    pub fields: Vec<Difference>,
    /// No file names it.
    pub unnamed: bool,
    /// What it does to open tickets, in words, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
    #[serde(skip)]
    pub(super) of: &'static Kind,
    /// What files say of it, without what leaving out stands for.
    #[serde(skip)]
    pub(super) wanted: Table,
    #[serde(skip)]
    pub(super) known: Option<Known>,
    /// Which document says it.
    #[serde(skip)]
    pub(super) document: Option<usize>,
}

/// A resource that no file names.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Unnamed {
    /// Its kind, as files name it.
    pub kind: &'static str,
    /// What it is named by; empty for the routing policy.
    pub key: String,
}

/// What becomes of everything, in the order in which it is done.
#[derive(Debug, Default, Serialize)]
pub struct Plan {
    /// What the files name, and what is taken out of use because they do not.
    pub changes: Vec<Change>,
    /// What no file names and nothing takes away; told when it was asked for.
    pub not_in_files: Vec<Unnamed>,
}

impl Plan {
    /// How many are not as the files say.
    pub fn differences(&self) -> usize {
        let different = |change: &&Change| change.action != Action::Leave;
        self.changes.iter().filter(different).count()
    }

    /// Holds documents against what is there; with `prune`, also what is there against the documents.
    pub(super) fn make(
        documents: &[Document],
        present: &Present,
        prune: bool,
    ) -> Result<Plan, Vec<Fault>> {
        let mut faults = unknown(documents, present);
        faults.extend(endless(documents, present));
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut plan = Plan::default();
        for kind in &KINDS {
            for place in in_order(kind, documents, present) {
                if let Some(document) = documents.get(place) {
                    plan.changes.push(change(document, place, present));
                }
            }
            if prune {
                plan.add_unnamed(kind, documents, present);
            }
        }
        Ok(plan)
    }

    fn add_unnamed(&mut self, kind: &'static Kind, documents: &[Document], present: &Present) {
        let of_kind = documents
            .iter()
            .filter(|document| document.kind.name == kind.name);
        let named: HashSet<&str> = of_kind.map(|document| document.key.as_str()).collect();
        let known = present.known.iter();
        let known = known.filter(|known| known.kind.name == kind.name);
        for known in known.filter(|known| !named.contains(known.key.as_str())) {
            match retired(kind, known) {
                Some(change) => self.changes.push(change),
                None => self.not_in_files.push(Unnamed {
                    kind: kind.name,
                    key: known.key.clone(),
                }),
            }
        }
    }
}

impl Change {
    /// How people call it.
    pub(super) fn title(&self) -> String {
        title(self.of, &self.key)
    }
}

/// Names of what is neither in the files nor there.
fn unknown(documents: &[Document], present: &Present) -> Vec<Fault> {
    let named: HashSet<(&str, &str)> = documents
        .iter()
        .map(|document| (document.kind.name, document.key.as_str()))
        .collect();
    let mut faults = Vec::new();
    for document in documents {
        for reference in &document.references {
            let (kind, key) = (reference.kind.name, reference.key.as_str());
            if !named.contains(&(kind, key)) && present.names.id(kind, key).is_none() {
                let text = format!("there is no {kind} {key}, in the files or else");
                faults.push(document.fault(reference.line, text));
            }
        }
    }
    faults
}

/// Where the overflow of every queue goes once the files hold.
fn overflows(documents: &[Document], present: &Present) -> Chains {
    let mut chains = Chains::new();
    let of = |table: &Table| {
        let target = table.get("overflow_queue").and_then(Value::as_str);
        target.map(str::to_owned)
    };
    let queues = present
        .known
        .iter()
        .filter(|known| known.kind.name == "queue");
    chains.extend(queues.filter_map(|known| Some((known.key.clone(), of(&known.said)?))));
    for document in documents
        .iter()
        .filter(|document| document.kind.name == "queue")
    {
        match of(&document.said) {
            Some(target) => chains.insert(document.key.clone(), target),
            None => chains.remove(&document.key),
        };
    }
    chains
}

/// Chains of overflow that lead back, or are too long.
fn endless(documents: &[Document], present: &Present) -> Vec<Fault> {
    let chains = overflows(documents, present);
    let queues = documents
        .iter()
        .filter(|document| document.kind.name == "queue");
    let broken = queues.filter(|document| !chains::ends(&chains, &document.key));
    let fault = |document: &Document| {
        let (line, name) = document.place("overflow_queue_id");
        let text = format!("{name}: the chain of overflow leads back, or has more than 8 queues");
        document.fault(line, text)
    };
    broken.map(fault).collect()
}

/// The documents of a kind in the order in which they can be done.
fn in_order(kind: &Kind, documents: &[Document], present: &Present) -> Vec<usize> {
    let all = documents.iter().enumerate();
    let of_kind = all.filter(|(_, document)| document.kind.name == kind.name);
    let places: Vec<usize> = of_kind.map(|(place, _)| place).collect();
    if kind.name != "queue" {
        return places;
    }
    let named = places.iter().filter_map(|place| documents.get(*place));
    let named: Vec<&str> = named.map(|document| document.key.as_str()).collect();
    let order = chains::order(&overflows(documents, present), &named);
    order
        .into_iter()
        .filter_map(|place| places.get(place).copied())
        .collect()
}

fn change(document: &Document, place: usize, present: &Present) -> Change {
    let kind = document.kind;
    let shape = kind.shape();
    let wanted = shape.trimmed(document.said.clone(), &document.key);
    let known = present.find(kind, &document.key).cloned();
    let nothing = Table::new();
    let said = known.as_ref().map_or(&nothing, |known| &known.said);
    let fields = differences(&shape, kind, said, &wanted, &document.key);
    let action = match (&known, fields.is_empty()) {
        (None, _) => Action::Create,
        (Some(_), false) => Action::Change,
        (Some(_), true) => Action::Leave,
    };
    Change {
        kind: kind.name,
        key: document.key.clone(),
        action,
        fields,
        unnamed: false,
        effect: None,
        of: kind,
        wanted,
        known,
        document: Some(place),
    }
}

fn differences(shape: &Shape, kind: &Kind, old: &Table, new: &Table, key: &str) -> Vec<Difference> {
    // What it is named by is in the title.
    let fields = shape.fields.iter().filter(|field| field.wire != kind.key);
    fields
        .flat_map(|field| differ::of_field(field, old, new, key))
        .collect()
}

/// What takes a resource out of use that no file names; nothing where it is, or where nothing does.
fn retired(kind: &'static Kind, known: &Known) -> Option<Change> {
    let (field, value) = kind.retire?;
    let shape = kind.shape();
    let mut wanted = known.said.clone();
    wanted.insert(field.to_owned(), Value::Bool(value));
    let fields = differences(&shape, kind, &known.said, &wanted, &known.key);
    (!fields.is_empty()).then(|| Change {
        kind: kind.name,
        key: known.key.clone(),
        action: Action::Change,
        fields,
        unnamed: true,
        effect: None,
        of: kind,
        wanted,
        known: Some(known.clone()),
        document: None,
    })
}

/// The fields that a change has to set.
pub(super) fn changed<'a>(shape: &'a Shape, change: &Change) -> Vec<&'a Field> {
    let nothing = Table::new();
    let said = change.known.as_ref().map_or(&nothing, |known| &known.said);
    let differs = |field: &&Field| {
        field.wire != change.of.key
            && !differ::of_field(field, said, &change.wanted, &change.key).is_empty()
    };
    shape.fields.iter().filter(differs).collect()
}

/// Kinds that documents are of.
pub(super) fn kinds_of(documents: &[Document]) -> BTreeSet<&'static str> {
    documents
        .iter()
        .map(|document| document.kind.name)
        .collect()
}
