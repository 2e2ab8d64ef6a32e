//! What was acknowledged, and whether the log agrees with it.

use std::collections::{BTreeMap, BTreeSet};

use rapport_tests::Client;
use serde_json::{Value, json};

use super::{CONNECTORS, FACTS, INTERACTIONS, text};

/// A contact by its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Contact {
    pub(super) connector: usize,
    pub(super) number: usize,
}

/// Something that is told, perhaps for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Said {
    /// A contact, in one of two versions.
    Contact { contact: Contact, version: usize },
    /// Something about it.
    Fact { contact: Contact, fact: usize },
}

impl Said {
    pub(super) const fn contact(&self) -> Contact {
        match *self {
            Self::Contact { contact, .. } | Self::Fact { contact, .. } => contact,
        }
    }
}

/// Everything that was answered.
#[derive(Debug, Clone, Default)]
pub(super) struct Book {
    settled: usize,
    /// The interaction that each contact is, and the version it has.
    contacts: BTreeMap<Contact, (String, usize)>,
    facts: BTreeSet<(Contact, usize)>,
    /// The interaction a fact was said to be about.
    about: BTreeMap<Contact, String>,
    refused: BTreeSet<(Contact, usize)>,
    /// What was answered as logged by this very call.
    fresh: BTreeSet<Said>,
}

impl Book {
    /// How many tellings have been answered for good.
    pub(super) fn settled(&self) -> usize {
        self.settled
    }

    pub(super) fn acknowledged(&mut self, said: Said, id: &str, duplicate: bool) {
        self.settled += 1;
        if !duplicate {
            assert!(self.fresh.insert(said), "{said:?} was logged twice");
        }
        match said {
            Said::Contact { contact, version } => {
                let first = self.contacts.entry(contact);
                let first = first.or_insert_with(|| (id.to_owned(), version));
                assert_eq!(*first, (id.to_owned(), version), "{contact:?}");
            }
            Said::Fact { contact, fact } => {
                self.facts.insert((contact, fact));
                if !id.is_empty() {
                    let first = self.about.entry(contact).or_insert_with(|| id.to_owned());
                    assert_eq!(first, id, "{contact:?}");
                }
            }
        }
    }

    /// That something else is logged under the key.
    pub(super) fn refused(&mut self, said: Said) {
        self.settled += 1;
        match said {
            Said::Contact { contact, version } => self.refused.insert((contact, version)),
            Said::Fact { .. } => panic!("{said:?} has one content only"),
        };
    }

    /// That the log holds what is in this book and nothing else.
    pub(super) async fn agrees_with_the_log(&self, reader: &Client, seed: u64) {
        for (contact, version) in &self.refused {
            let (_, held) = &self.contacts[contact];
            assert_ne!(held, version, "storm {seed}: {contact:?}");
        }
        let mut positions: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for (connector, name) in CONNECTORS.iter().enumerate() {
            let mut here = self.contacts.clone();
            here.retain(|contact, _| contact.connector == connector);
            for interaction in everything(reader, name, seed).await {
                let (id, number) = (string(&interaction["id"]), number(&interaction));
                let contact = Contact { connector, number };
                let (acknowledged, version) = here
                    .remove(&contact)
                    .unwrap_or_else(|| panic!("storm {seed}: {contact:?} is there twice"));
                assert_eq!(acknowledged, id, "storm {seed}: {contact:?}");
                let said = &interaction["input"]["parts"][0]["text"];
                assert_eq!(string(said), text(version), "storm {seed}: {contact:?}");
                self.facts_agree(reader, contact, &id, seed).await;
                positions
                    .entry(string(&interaction["conversation_id"]))
                    .or_default()
                    .push(integer(&interaction["conversation_position"]));
            }
            assert!(here.is_empty(), "storm {seed}: lost {here:?}");
        }
        for (conversation, mut positions) in positions {
            positions.sort_unstable();
            let without_gaps: Vec<i64> = (1..).take(positions.len()).collect();
            assert_eq!(positions, without_gaps, "storm {seed}: {conversation}");
            let read = reader
                .call(
                    "rapport.interactions.v1.ConversationService/GetConversation",
                    json!({"conversation_id": conversation}),
                )
                .await
                .unwrap();
            let count = integer(&read["conversation"]["interaction_count"]);
            assert_eq!(count, *positions.last().unwrap(), "storm {seed}");
        }
    }

    async fn facts_agree(&self, reader: &Client, contact: Contact, id: &str, seed: u64) {
        if let Some(about) = self.about.get(&contact) {
            assert_eq!(about, id, "storm {seed}: {contact:?}");
        }
        let request = json!({"interaction_id": id});
        let listed = reader.call(&format!("{FACTS}/ListFacts"), request).await;
        let mut there: Vec<usize> = list(&listed.unwrap()["facts"])
            .map(|fact| {
                let key = fact["input"]["key"].as_str();
                key.map_or(0, |key| key["note-".len()..].parse().unwrap())
            })
            .collect();
        there.sort_unstable();
        let told = self.facts.iter().filter(|(of, _)| *of == contact);
        let told: Vec<usize> = told.map(|(_, fact)| *fact).collect();
        assert_eq!(there, told, "storm {seed}: {contact:?}");
    }
}

/// Every interaction of the storm that a connector told.
async fn everything(reader: &Client, connector: &str, seed: u64) -> Vec<Value> {
    let (mut all, mut token) = (Vec::new(), Value::Null);
    loop {
        let mut request = json!({"connector": connector, "page_size": 50});
        if !token.is_null() {
            request["page_token"] = token;
        }
        let method = format!("{INTERACTIONS}/ListInteractions");
        let mut page = reader.call(&method, request).await.unwrap();
        let ours = list(&page["interactions"]).filter(|interaction| {
            string(&interaction["input"]["external_id"]).starts_with(&format!("{seed:x}-"))
        });
        all.extend(ours.cloned());
        token = page["next_page_token"].take();
        if token.is_null() {
            return all;
        }
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// 64-bit numbers are strings in JSON.
fn integer(value: &Value) -> i64 {
    string(value).parse().unwrap_or_default()
}

fn number(interaction: &Value) -> usize {
    let key = string(&interaction["input"]["external_id"]);
    key.rsplit_once('-').unwrap().1.parse().unwrap()
}
