//! Numbers of cards, accounts and persons are nowhere in the clear, in whatever form they were said: not in log lines,
//! spans, events, refusals, the index or any column of any table.

use std::collections::BTreeSet;

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use prost::Message as _;
use rapport_foundation::testing::{Captured, Engine, eventually};
use rapport_interactions::domain::search;
use rapport_proto::interactions::v1 as pb;
use rapport_proto::interactions::v1::fact_input::Fact;
use rapport_proto::interactions::v1::part::Content;
use tonic::{Code, Status};

use crate::dump;
use crate::numbers::{FORMS, Form, Number, number};
use crate::stage::{Stage, at, message, on_every_engine, quick};

const START: i64 = 1_700_000_000;
/// Numbers of each kind.
const EACH: usize = 1;
const KINDS: usize = 6;

/// The same numbers in every run, some of each kind.
fn numbers() -> Vec<Number> {
    let (mut runner, strategy) = (TestRunner::deterministic(), number());
    let mut chosen: Vec<Number> = Vec::new();
    while chosen.len() < EACH * KINDS {
        let one = strategy.new_tree(&mut runner).unwrap().current();
        if chosen.iter().filter(|other| other.kind == one.kind).count() < EACH {
            chosen.push(one);
        }
    }
    chosen
}

/// What must be nowhere: each number in each form, as text and as the hexadecimal digits of its bytes.
fn needles(numbers: &[Number]) -> BTreeSet<String> {
    let forms = numbers
        .iter()
        .flat_map(|one| FORMS.map(|form| one.formed(form).whole().to_lowercase()));
    forms
        .flat_map(|said| [hex(said.as_bytes()), said])
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first of the needles that is there.
fn found<'a>(needles: &'a BTreeSet<String>, haystack: &str) -> Option<&'a String> {
    let haystack = haystack.to_lowercase();
    needles.iter().find(|needle| haystack.contains(*needle))
}

fn absent(needles: &BTreeSet<String>, place: &str, haystack: &str) {
    let found = found(needles, haystack);
    assert_eq!(found, None, "in the clear: {place}");
}

/// Everything that is said of one number in one form.
struct Said {
    key: String,
    hint: String,
    whole: String,
    halves: (String, String),
    seconds: i64,
}

impl Said {
    fn all(numbers: &[Number]) -> Vec<Self> {
        // Of each number every second form, so that each form is taken of every second kind.
        let pairs = numbers.iter().enumerate().flat_map(|(n, one)| {
            let forms = FORMS.into_iter().skip(n % 2).step_by(2);
            forms.map(move |form| (n, one, form))
        });
        let said = pairs.enumerate().map(|(place, (n, number, form))| {
            let formed = number.formed(form);
            Self {
                key: format!("{n}-{form:?}"),
                hint: format!("halo, this is it: {}", formed.hint),
                whole: formed.whole(),
                halves: formed.halves(place),
                seconds: START + 100 * i64::try_from(place).unwrap(),
            }
        });
        said.collect()
    }

    fn text(&self) -> String {
        format!("{} {} thanks po", self.hint, self.whole)
    }

    fn contact(&self, part: &str, text: &str, later: i64) -> pb::InteractionInput {
        pb::InteractionInput {
            thread_key: format!("thread-{}", self.key),
            event_time: Some(at(self.seconds + later)),
            ..message(&format!("{part}-{}", self.key), "+62811", text)
        }
    }

    /// A contact that says it wherever something can be said.
    fn everywhere(&self) -> pb::InteractionInput {
        let text = self.text();
        let part = |content| pb::Part {
            content: Some(content),
            ..Default::default()
        };
        let mut input = self.contact("w", &text, 0);
        input.subject = text.clone();
        input.attributes = [("note".to_owned(), text.clone())].into();
        input.raw_payload = format!("{{\"text\":{text:?}}}").into_bytes().into();
        input.parts.extend([
            part(Content::Html(format!("<p>{text}</p>"))),
            part(Content::Transcript(transcript(&text))),
            part(Content::Form(pb::Form {
                name: "form".into(),
                fields: vec![pb::FormField {
                    name: "field".into(),
                    value: text.clone(),
                }],
            })),
            part(Content::Location(pb::Location {
                label: text.clone(),
                ..Default::default()
            })),
        ]);
        input
    }

    fn facts(&self) -> Vec<pb::FactInput> {
        let text = self.text();
        let facts = [
            Fact::Edit(pb::Edit {
                parts: message("", "+62811", &text).parts,
            }),
            Fact::Transcript(transcript(&text)),
            Fact::Disposition(pb::Disposition {
                code: "done".into(),
                note: text.clone(),
                agent: String::new(),
            }),
        ];
        let fact = |(n, fact): (usize, Fact)| pb::FactInput {
            external_id: format!("w-{}", self.key),
            key: format!("f-{n}"),
            event_time: Some(at(self.seconds + 10)),
            fact: Some(fact),
            raw_payload: text.clone().into_bytes().into(),
            attributes: [("note".to_owned(), text.clone())].into(),
        };
        facts.into_iter().enumerate().map(fact).collect()
    }
}

fn transcript(text: &str) -> pb::Transcript {
    pb::Transcript {
        language: "id".into(),
        segments: vec![pb::TranscriptSegment {
            speaker: pb::ParticipantRole::Customer.into(),
            text: text.into(),
            ..Default::default()
        }],
    }
}

/// Logs all of it, and what is refused; answers what callers were told.
async fn tell(stage: &Stage, said: &Said) -> Vec<Status> {
    let mut refusals = Vec::new();
    // A fact may come before its contact.
    let mut facts = said.facts();
    let early = facts.pop().unwrap();
    know(stage, early).await.unwrap();
    stage.log(said.everywhere()).await;
    for fact in facts {
        know(stage, fact.clone()).await.unwrap();
        assert!(know(stage, fact.clone()).await.unwrap().duplicate);
        let mut other = fact;
        other.event_time = Some(at(said.seconds + 20));
        refusals.push(know(stage, other).await.unwrap_err());
    }
    stage
        .log(said.contact("a", &format!("{} {}", said.hint, said.halves.0), 1))
        .await;
    stage
        .log(said.contact("b", &format!("{} thanks po", said.halves.1), 2))
        .await;
    // Other content under a taken key, and what is no contact at all.
    let conflict = said.contact("w", &said.text(), 5);
    refusals.push(stage.record(conflict).await.unwrap_err());
    for broken in [
        pb::InteractionInput {
            external_id: said.text().repeat(20),
            ..said.everywhere()
        },
        pb::InteractionInput {
            subject: format!("{}\0", said.text()),
            ..said.everywhere()
        },
        pb::InteractionInput {
            kind: 99,
            event_time: None,
            ..said.everywhere()
        },
    ] {
        let refusal = stage.record(broken).await.unwrap_err();
        assert_eq!(refusal.code(), Code::InvalidArgument);
        refusals.push(refusal);
    }
    let query = pb::SearchInteractionsRequest {
        query: said.whole.clone(),
        page_size: 1,
        ..Default::default()
    };
    match stage.client().search_interactions(stage.asks(query)).await {
        Ok(found) => assert!(found.into_inner().hits.is_empty(), "{}", said.key),
        Err(refusal) => refusals.push(refusal),
    }
    refusals
}

async fn know(stage: &Stage, fact: pb::FactInput) -> Result<pb::RecordFactResponse, Status> {
    let asked = pb::RecordFactRequest { fact: Some(fact) };
    let answer = stage.facts().record_fact(stage.says(asked)).await?;
    Ok(answer.into_inner())
}

/// Waits until everything that was logged so far is linked and in the index.
async fn at_rest(stage: &Stage) {
    let last = stage.log(message("last", "+62811", "marigold")).await;
    stage.settled(&last.id).await;
    eventually("the last word is found", async || {
        let query = pb::SearchInteractionsRequest {
            query: "marigold".into(),
            ..Default::default()
        };
        let found = stage.client().search_interactions(stage.asks(query)).await;
        (found.unwrap().into_inner().hits.len() == 1).then_some(())
    })
    .await;
}

/// The words of the numbers, whole and in halves, as the index would hold them.
fn indexed(stage: &Stage, said: &[Said]) -> BTreeSet<String> {
    let texts = said
        .iter()
        .flat_map(|one| [&one.whole, &one.halves.0, &one.halves.1]);
    let words = texts.flat_map(|text| {
        search::found_by(text)
            .map(|word| word.folded)
            .collect::<Vec<_>>()
    });
    // Shorter ones, and words that say a digit, are said of other things, too.
    let telling = words.filter(|word| word.chars().filter(char::is_ascii_digit).count() >= 5);
    // SQLite's index leaves away what an entry begins with when the one before it begins so, too.
    let blind = |kind: &str, text: &str| {
        let blinded = stage.t.env.vault.blind(stage.tenant, kind, text);
        hex(&blinded[3..8])
    };
    telling
        .flat_map(|word| {
            let beginning: String = word.chars().take(5).collect();
            [
                blind("word", &word),
                blind("beginning of a word", &beginning),
            ]
        })
        .flat_map(|entry| [hex(entry.as_bytes()), entry])
        .collect()
}

#[tokio::test]
async fn plain_numbers_appear_in_no_log_line_span_event_refusal_index_or_column() {
    let captured = Captured::here();
    let numbers = numbers();
    let needles = needles(&numbers);
    let said = Said::all(&numbers);
    on_every_engine(quick(), async |stage| {
        let mut refusals = Vec::new();
        for one in &said {
            refusals.extend(tell(&stage, one).await);
        }
        at_rest(&stage).await;
        for refusal in &refusals {
            absent(
                &needles,
                "a refusal",
                &format!("{refusal:?} {}", String::from_utf8_lossy(refusal.details())),
            );
        }
        for event in stage.events().await {
            absent(&needles, "an event", &format!("{event:?}"));
            absent(
                &needles,
                "an event",
                &String::from_utf8_lossy(&event.encode_to_vec()),
            );
        }
        let tables = dump::tables(&stage.t.env.db).await;
        let words = indexed(&stage, &said);
        assert!(
            tables
                .iter()
                .any(|(name, rows)| name.starts_with("search_entry") && !rows.is_empty())
        );
        for (table, rows) in &tables {
            absent(&needles, table, rows);
            absent(&words, table, rows);
        }
        if let (Engine::Sqlite, Some(path)) = (
            &stage.t.database.engine,
            stage.t.database.config.sqlite_path(),
        ) {
            for bytes in dump::files(&path) {
                absent(&needles, "a file", &String::from_utf8_lossy(&bytes));
            }
        }
        // What fails is told where the numbers are still in hand.
        stage.t.env.db.close().await;
        for one in said.iter().step_by(FORMS.len() / 2) {
            let failed = stage
                .record(one.contact("late", &one.text(), 3))
                .await
                .unwrap_err();
            absent(&needles, "a failure", &format!("{failed:?}"));
        }
    })
    .await;
    let spans = captured.spans();
    assert!(!spans.is_empty() && !captured.lines().is_empty());
    for span in spans {
        absent(&needles, "a span", &span);
    }
    absent(&needles, "a log line", &captured.lines());
}

#[tokio::test]
async fn a_number_that_did_leak_would_be_seen() {
    let captured = Captured::here();
    let numbers = numbers();
    let needles = needles(&numbers);
    let said = numbers[0].formed(Form::FullWidth).whole();
    assert_eq!(found(&needles, &captured.lines()), None);
    tracing::trace!(leaked = said, "a line");
    assert!(found(&needles, &captured.lines()).is_some());
    tracing::info_span!("a span", leaked = said).in_scope(|| ());
    assert!(
        captured
            .spans()
            .iter()
            .any(|span| found(&needles, span).is_some())
    );
    on_every_engine(quick(), async |stage| {
        // A connector's own key is kept as it is.
        let plain = numbers[0].formed(Form::Plain).whole();
        stage.log(message(&plain, "+62811", "halo")).await;
        let tables = dump::tables(&stage.t.env.db).await;
        assert!(
            tables
                .iter()
                .any(|(table, rows)| table == "interaction" && found(&needles, rows).is_some())
        );
    })
    .await;
}
