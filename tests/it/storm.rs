//! The log in a storm: contacts and facts are told in any order, again and again, by calls and by streams that are cut,
//! while the service is killed. Afterwards it holds exactly what was acknowledged, each once.
//!
//! A storm is drawn from a seed, which a failure names. `STORMS` asks for more of them.

mod book;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::stream;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use rapport_tests::{Client, Database, Refusal, Suite, Topology, now};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::sleep};
use tonic::Code;

use book::{Book, Contact, Said};

const INTERACTIONS: &str = "rapport.interactions.v1.InteractionService";
const FACTS: &str = "rapport.interactions.v1.FactService";
const CONNECTORS: [&str; 2] = ["exchange", "messenger"];
/// Contacts of a connector.
const CONTACTS: usize = 60;
const SENDERS: usize = 6;
/// Items of a stream at most.
const STREAM: usize = 25;
const KILLS: usize = 3;
/// Storms of an engine when nobody asks for more.
const STORMS: u64 = 2;

#[tokio::test(flavor = "multi_thread")]
async fn after_a_storm_the_log_holds_what_was_acknowledged_each_once_on_sqlite() {
    let suite = Suite::fresh(Topology::Embedded, Database::sqlite()).await;
    storms(suite, "suite").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_storm_the_log_holds_what_was_acknowledged_each_once_on_postgres() {
    // Where there is no PostgreSQL the engines have said so loudly; with CI=true they have failed.
    let Ok(database) = Database::postgres() else {
        return;
    };
    let suite = Suite::fresh(Topology::Split, database).await;
    storms(suite, "interactions").await;
}

async fn storms(mut suite: Suite, member: &str) {
    let asked = std::env::var("STORMS").ok();
    let storms = asked.map_or(STORMS, |count| count.parse().expect("a number of storms"));
    for _ in 0..storms {
        storm(&mut suite, member, rand::random()).await;
    }
    suite.verify().await.unwrap();
    suite.stop().await;
}

async fn storm(suite: &mut Suite, member: &str, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let storm = Arc::new(Storm::new(seed, &mut random));
    let mut senders = JoinSet::new();
    for _ in 0..SENDERS {
        let sender = Sender {
            storm: Arc::clone(&storm),
            gateway: suite.gateway().to_owned(),
            tokens: CONNECTORS.map(|name| suite.connector_token(name)),
            random: StdRng::from_rng(&mut random),
        };
        senders.spawn(sender.run());
    }
    for kill in 1..=KILLS {
        storm.reaches(kill, KILLS).await;
        suite.kill(member);
        suite.begin(member).await;
    }
    while let Some(ended) = senders.join_next().await {
        ended.unwrap_or_else(|error| panic!("storm {seed}: {error}"));
    }
    let book = storm.book.lock().unwrap().clone();
    book.agrees_with_the_log(&suite.supervisor(), seed).await;
}

/// What is to be told, and what was acknowledged of it.
struct Storm {
    seed: u64,
    /// When the contacts took place: the same however often they are told.
    at: String,
    left: Mutex<VecDeque<Said>>,
    tellings: usize,
    book: Mutex<Book>,
}

impl Storm {
    fn new(seed: u64, random: &mut StdRng) -> Self {
        let mut all = Vec::new();
        for connector in 0..CONNECTORS.len() {
            for number in 0..CONTACTS {
                let contact = Contact { connector, number };
                for _ in 0..random.random_range(1..=4) {
                    let version = usize::from(random.random_bool(0.1));
                    all.push(Said::Contact { contact, version });
                }
                for fact in 0..random.random_range(0..=2) {
                    for _ in 0..random.random_range(1..=3) {
                        all.push(Said::Fact { contact, fact });
                    }
                }
            }
        }
        all.shuffle(random);
        Self {
            seed,
            at: now(),
            tellings: all.len(),
            left: Mutex::new(all.into()),
            book: Mutex::default(),
        }
    }

    /// Returns when so many parts of all tellings are settled.
    async fn reaches(&self, part: usize, parts: usize) {
        while self.book.lock().unwrap().settled() < self.tellings * part / (parts + 1) {
            sleep(Duration::from_millis(2)).await;
        }
    }

    fn is_over(&self) -> bool {
        self.book.lock().unwrap().settled() == self.tellings
    }

    fn take(&self, most: usize) -> Vec<Said> {
        let mut left = self.left.lock().unwrap();
        let most = most.min(left.len());
        left.drain(..most).collect()
    }

    /// What was not acknowledged is told again, behind everything else.
    fn give_back(&self, said: impl IntoIterator<Item = Said>) {
        self.left.lock().unwrap().extend(said);
    }

    fn external_id(&self, contact: Contact) -> String {
        format!("{:x}-{}", self.seed, contact.number)
    }

    fn contact(&self, contact: Contact, version: usize) -> Value {
        let number = contact.number;
        let thread = match number % 5 {
            0 => String::new(),
            _ => format!("{:x} matter {}", self.seed, number % 4),
        };
        json!({
            "external_id": self.external_id(contact), "kind": "INTERACTION_KIND_CALL", "channel": "CHANNEL_PHONE",
            "direction": "DIRECTION_INBOUND", "event_time": self.at, "history": true, "thread_key": thread,
            "participants": [{"role": "PARTICIPANT_ROLE_CUSTOMER", "identifier": {
                "type": "IDENTIFIER_TYPE_EMAIL", "value": format!("caller-{}@example.com", number % 7)}}],
            "parts": [{"text": text(version)}],
        })
    }

    fn fact(&self, contact: Contact, fact: usize) -> Value {
        let mut told = json!({"external_id": self.external_id(contact), "event_time": self.at});
        match fact {
            0 => told["end"] = json!({"reason": "CONTACT_END_REASON_COMPLETED"}),
            _ => {
                told["key"] = json!(format!("note-{fact}"));
                told["disposition"] = json!({"code": "done"});
            }
        }
        told
    }
}

/// What both versions of a contact say.
fn text(version: usize) -> String {
    ["The parcel came.", "The parcel did not come."][version].to_owned()
}

/// Somebody who tells what is left, until all of it is settled.
struct Sender {
    storm: Arc<Storm>,
    gateway: String,
    tokens: [String; CONNECTORS.len()],
    random: StdRng,
}

impl Sender {
    async fn run(mut self) {
        while !self.storm.is_over() {
            let most = if self.random.random_bool(0.5) {
                1
            } else {
                STREAM
            };
            let said = self.storm.take(most);
            if said.is_empty() {
                // What others have in hand may come back.
                sleep(Duration::from_millis(5)).await;
                continue;
            }
            let unsettled = match said.as_slice() {
                [one] => self.call(*one).await,
                _ => self.stream(&said).await,
            };
            if !unsettled.is_empty() {
                self.storm.give_back(unsettled);
                sleep(Duration::from_millis(10)).await;
            }
        }
    }

    /// A connection of its own for every call: it is cut when the call is over or given up.
    fn client(&self, connector: usize) -> Client {
        Client::new(&self.gateway).with_token(&self.tokens[connector])
    }

    async fn call(&mut self, said: Said) -> Vec<Said> {
        let client = self.client(said.contact().connector);
        let answer = match said {
            Said::Contact { contact, version } => {
                let request = json!({"interaction": self.storm.contact(contact, version)});
                client
                    .call(&format!("{INTERACTIONS}/RecordInteraction"), request)
                    .await
            }
            Said::Fact { contact, fact } => {
                let request = json!({"fact": self.storm.fact(contact, fact)});
                client.call(&format!("{FACTS}/RecordFact"), request).await
            }
        };
        match answer {
            Ok(answer) => {
                let id = match said {
                    Said::Contact { .. } => &answer["interaction"]["id"],
                    Said::Fact { .. } => &answer["interaction_id"],
                };
                let duplicate = answer["duplicate"] == json!(true);
                self.acknowledged(said, id.as_str().unwrap_or_default(), duplicate);
                Vec::new()
            }
            Err(refusal) if refusal.reason == "EXTERNAL_ID_REUSED" => {
                self.refused(said);
                Vec::new()
            }
            Err(refusal) => {
                passes(&refusal);
                vec![said]
            }
        }
    }

    /// Tells those of one connector by a stream, of which no more than some answers are read. Answers what it does not
    /// know the outcome of.
    async fn stream(&mut self, said: &[Said]) -> Vec<Said> {
        let connector = said[0].contact().connector;
        let (mine, mut unsettled): (Vec<Said>, Vec<Said>) = said
            .iter()
            .partition(|one| one.contact().connector == connector);
        let items: Vec<Value> = mine
            .iter()
            .enumerate()
            .map(|(sequence, one)| match *one {
                Said::Contact { contact, version } => {
                    json!({"sequence": sequence, "interaction": self.storm.contact(contact, version)})
                }
                Said::Fact { contact, fact } => {
                    json!({"sequence": sequence, "fact": self.storm.fact(contact, fact)})
                }
            })
            .collect();
        let cut = self.random.random_range(0..=2 * mine.len());
        let mut open: Vec<Option<Said>> = mine.into_iter().map(Some).collect();
        let client = self.client(connector);
        let method = format!("{INTERACTIONS}/StreamInteractions");
        match client.converse(&method, stream::iter(items)).await {
            Err(refusal) => passes(&refusal),
            Ok(mut answers) => {
                for _ in 0..cut {
                    match answers.next().await {
                        Ok(Some(answer)) => self.settle(&answer, &mut open),
                        Ok(None) => break,
                        Err(refusal) => {
                            passes(&refusal);
                            break;
                        }
                    }
                }
            }
        }
        unsettled.extend(open.into_iter().flatten());
        unsettled
    }

    fn settle(&mut self, answer: &Value, open: &mut [Option<Said>]) {
        let sequence: usize = answer["sequence"]
            .as_str()
            .map_or(0, |number| number.parse().unwrap());
        let said = open[sequence].take();
        let said = said.unwrap_or_else(|| panic!("{sequence} was acknowledged twice"));
        match answer["error"]["reason"].as_str() {
            None => {
                let duplicate = answer["duplicate"] == json!(true);
                let id = answer["interaction_id"].as_str().unwrap_or_default();
                self.acknowledged(said, id, duplicate);
            }
            Some("EXTERNAL_ID_REUSED") => self.refused(said),
            Some(_) => open[sequence] = Some(said),
        }
    }

    fn acknowledged(&self, said: Said, id: &str, duplicate: bool) {
        self.storm
            .book
            .lock()
            .unwrap()
            .acknowledged(said, id, duplicate);
    }

    fn refused(&self, said: Said) {
        self.storm.book.lock().unwrap().refused(said);
    }
}

/// That whoever was refused so may tell it again. Of a connection that was cut the transport knows nothing.
fn passes(refusal: &Refusal) {
    let may = [
        Code::Unavailable,
        Code::DeadlineExceeded,
        Code::ResourceExhausted,
        Code::Cancelled,
        Code::Unknown,
    ];
    assert!(may.contains(&refusal.code), "{refusal:?}");
}
