//! Contacts are found by what was said, on every engine alike.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rapport_foundation::testing::{Engine, eventually, report};
use rapport_proto::interactions::v1 as pb;
use rapport_proto::types::v1 as types;
use tonic::{Code, Status};

use crate::corpus;
use crate::facts::{delivery, edit, fact, said as spoken, tell};
use crate::stage::{Stage, at, message, on_every_engine, quick, refused, violations};

fn asked(query: &str) -> pb::SearchInteractionsRequest {
    pb::SearchInteractionsRequest {
        query: query.into(),
        ..Default::default()
    }
}

async fn answer(
    stage: &Stage,
    asked: pb::SearchInteractionsRequest,
) -> Result<pb::SearchInteractionsResponse, Status> {
    Ok(stage
        .client()
        .search_interactions(stage.asks(asked))
        .await?
        .into_inner())
}

/// What the engine is called.
fn engine(stage: &Stage) -> &'static str {
    match stage.t.database.engine {
        Engine::Sqlite => "sqlite",
        Engine::Postgres { .. } => "postgresql",
    }
}

/// The external ids of what is found, in order, over all pages.
async fn found(stage: &Stage, mut asked: pb::SearchInteractionsRequest) -> Vec<String> {
    let mut found = Vec::new();
    loop {
        let page = answer(stage, asked.clone()).await.unwrap();
        for hit in page.hits {
            found.push(
                stage
                    .get(&hit.interaction_id)
                    .await
                    .input
                    .unwrap()
                    .external_id,
            );
        }
        if page.next_page_token.is_empty() {
            return found;
        }
        asked.page_token = page.next_page_token;
    }
}

/// Waits until something is found.
async fn indexed(stage: &Stage, query: &str, count: usize) {
    eventually("it is found", async || {
        let page = answer(
            stage,
            pb::SearchInteractionsRequest {
                page_size: 100,
                ..asked(query)
            },
        )
        .await
        .unwrap();
        (page.hits.len() >= count).then_some(())
    })
    .await;
}

fn said(id: &str, text: &str, seconds: i64) -> pb::InteractionInput {
    pb::InteractionInput {
        event_time: Some(at(seconds)),
        ..message(id, "+62811", text)
    }
}

#[tokio::test]
async fn words_phrases_and_beginnings_are_found_newest_first() {
    on_every_engine(quick(), async |stage| {
        stage
            .log(said("a", "Kártu saya hilang kemarin", 1_700_000_030))
            .await;
        stage.log(said("b", "hilang kartu", 1_700_000_010)).await;
        stage
            .log(said(
                "c",
                "Nawala ang card ko kahapon, kartu",
                1_700_000_020,
            ))
            .await;
        let mut html = said("d", "", 1_700_000_000);
        html.subject = "Transferring".into();
        html.parts = vec![pb::Part {
            content: Some(pb::part::Content::Html(
                "<p class=\"kartu\">lost</p><p>money</p>".into(),
            )),
            ..Default::default()
        }];
        stage.log(html).await;
        indexed(&stage, "kartu", 3).await;
        indexed(&stage, "lost", 1).await;
        for (query, expected) in [
            ("KARTU", "a c b"),
            ("kartu hilang", "a b"),
            ("\"hilang kartu\"", "b"),
            ("\"kartu saya\" kemarin", "a"),
            ("kah*", "c"),
            ("transferr* money", "d"),
            ("transferx*", ""),
            ("nobody", ""),
            ("kartu OR NOT \"*\"", ""),
        ] {
            assert_eq!(
                found(&stage, asked(query)).await.join(" "),
                expected,
                "{query}"
            );
        }
        let paged = pb::SearchInteractionsRequest {
            page_size: 1,
            ..asked("kartu")
        };
        assert_eq!(found(&stage, paged).await.join(" "), "a c b");
        let hit = answer(&stage, asked("\"kartu saya\""))
            .await
            .unwrap()
            .hits
            .remove(0);
        let snippet = hit.snippet.unwrap();
        let marked: Vec<String> = (snippet.marks.iter())
            .map(|mark| {
                let (from, until) = (
                    usize::try_from(mark.start).unwrap(),
                    usize::try_from(mark.end).unwrap(),
                );
                snippet.text.chars().skip(from).take(until - from).collect()
            })
            .collect();
        assert_eq!(marked, ["Kártu", "saya"]);
    })
    .await;
}

#[tokio::test]
async fn what_is_found_fits_every_condition() {
    on_every_engine(quick(), async |stage| {
        let mut one = said("one", "refund please", 1_700_000_000);
        one.attributes = [("topic".to_owned(), "refund".to_owned())].into();
        one.hints = Some(pb::ContactHints {
            language: "en-PH".into(),
            ..Default::default()
        });
        stage.log(one).await;
        let mut two = said("two", "refund now", 1_700_000_100);
        two.channel = types::Channel::Email.into();
        two.purpose = types::Purpose::Complaint.into();
        two.direction = types::Direction::Outbound.into();
        stage.log(two).await;
        indexed(&stage, "refund", 2).await;
        let with = |change: fn(&mut pb::SearchInteractionsRequest)| {
            let mut request = asked("refund");
            change(&mut request);
            request
        };
        for (request, expected) in [
            (with(|r| r.channel = types::Channel::Email.into()), "two"),
            (with(|r| r.purpose = types::Purpose::Support.into()), "one"),
            (
                with(|r| r.direction = types::Direction::Outbound.into()),
                "two",
            ),
            (with(|r| r.language = "EN".into()), "one"),
            (with(|r| r.language = "id".into()), ""),
            (with(|r| r.tag = "topic=refund".into()), "one"),
            (with(|r| r.from_time = Some(at(1_700_000_001))), "two"),
            (with(|r| r.until_time = Some(at(1_700_000_100))), "one"),
        ] {
            assert_eq!(
                found(&stage, request.clone()).await.join(" "),
                expected,
                "{request:?}"
            );
        }
        let foreign = stage
            .client()
            .search_interactions(stage.stranger(asked("refund")))
            .await
            .unwrap();
        assert!(foreign.into_inner().hits.is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_with_everything_that_is_wrong() {
    on_every_engine(quick(), async |stage| {
        let wrong = pb::SearchInteractionsRequest {
            page_size: -1,
            channel: 999,
            tag: "x".into(),
            ..asked("ab* \"c")
        };
        let mut told = violations(answer(&stage, wrong).await);
        told.sort();
        let expected = [
            ("channel", "UNKNOWN_VALUE"),
            ("page_size", "OUT_OF_RANGE"),
            ("query", "BEGINNING_TOO_SHORT"),
            ("query", "PHRASE_OPEN"),
            ("tag", "MALFORMED"),
        ];
        assert_eq!(
            told,
            expected.map(|(field, reason)| (field.to_owned(), reason.to_owned()))
        );
        for query in ["", "*", &"x".repeat(513)] {
            assert_eq!(
                answer(&stage, asked(query)).await.unwrap_err().code(),
                Code::InvalidArgument,
                "{query}"
            );
        }
        stage.log(said("a", "refund", 1_700_000_000)).await;
        stage.log(said("b", "refund", 1_700_000_001)).await;
        indexed(&stage, "refund", 2).await;
        let first = answer(
            &stage,
            pb::SearchInteractionsRequest {
                page_size: 1,
                ..asked("refund")
            },
        )
        .await
        .unwrap();
        let other = pb::SearchInteractionsRequest {
            page_token: first.next_page_token,
            ..asked("other")
        };
        refused(
            answer(&stage, other).await,
            Code::InvalidArgument,
            "PAGE_TOKEN_FOREIGN",
        );
    })
    .await;
}

#[tokio::test]
async fn neither_words_nor_erased_texts_can_be_read_from_the_index() {
    on_every_engine(quick(), async |stage| {
        let mut card = said("b", "the other is 5555 5555", 1_700_000_001);
        card.thread_key = "thread".into();
        stage
            .log(said("a", "zirconium refund", 1_700_000_000))
            .await;
        stage.log(card.clone()).await;
        indexed(&stage, "5555", 1).await;
        card.external_id = "c".into();
        card.event_time = Some(at(1_700_000_002));
        card.parts = vec![pb::Part {
            content: Some(pb::part::Content::Text("5555 4444 ok".into())),
            ..Default::default()
        }];
        stage.log(card).await;
        indexed(&stage, "ok", 1).await;
        assert!(found(&stage, asked("5555")).await.is_empty());
        if let Some(path) = stage.t.database.config.sqlite_path() {
            for suffix in ["", "-wal"] {
                let mut path = path.clone().into_os_string();
                path.push(suffix);
                let bytes = std::fs::read(path).unwrap_or_default();
                assert!(!bytes.windows(9).any(|window| window == b"zirconium"));
            }
        }
        let destroyed: Result<(), rapport_foundation::db::Error> = stage
            .t
            .env
            .db
            .write(stage.tenant, async |s| {
                for row in s
                    .raw_all("select subject from subject_keys where tenant_id = $1", [])
                    .await?
                {
                    let subject: String = row.try_get("", "subject")?;
                    stage.t.env.vault.destroy(&s, &subject).await?;
                }
                Ok(())
            })
            .await;
        destroyed.unwrap();
        assert!(
            answer(&stage, asked("zirconium"))
                .await
                .unwrap()
                .hits
                .is_empty()
        );
    })
    .await;
}

#[tokio::test]
async fn what_says_little_else_comes_first_where_relevance_is_asked_for() {
    on_every_engine(quick(), async |stage| {
        stage
            .log(said("short", "kartu hilang", 1_700_000_000))
            .await;
        stage
            .log(said(
                "long",
                "kartu saya yang lama sudah hilang kemarin",
                1_700_000_010,
            ))
            .await;
        indexed(&stage, "kartu", 2).await;
        let best = pb::SearchInteractionsRequest {
            order: pb::SearchOrder::Relevance.into(),
            ..asked("hilang kartu")
        };
        assert_eq!(found(&stage, best).await.join(" "), "short long");
        assert_eq!(
            found(&stage, asked("hilang kartu")).await.join(" "),
            "long short"
        );
    })
    .await;
}

#[tokio::test]
async fn what_was_transcribed_edited_or_noted_later_is_found_as_well() {
    on_every_engine(quick(), async |stage| {
        // What comes before its contact is found as well, once the contact is there.
        tell(&stage, fact("late", "t", 5, spoken(0, "meteran rusak")))
            .await
            .unwrap();
        for id in ["call", "mail", "late"] {
            stage.log(said(id, "selamat pagi", 1_700_000_000)).await;
        }
        indexed(&stage, "selamat", 3).await;
        for (id, key, what) in [
            ("call", "1", spoken(9_000, "kembalikan uang saya")),
            ("call", "2", spoken(1_000, "tagihan bulan Agustus")),
            ("mail", "e", edit("selamat sore")),
            ("mail", "r", delivery(pb::DeliveryState::Read)),
        ] {
            tell(&stage, fact(id, key, 60, what)).await.unwrap();
        }
        indexed(&stage, "meteran", 1).await;
        indexed(&stage, "kembalikan", 1).await;
        indexed(&stage, "tagihan", 1).await;
        indexed(&stage, "sore", 1).await;
        // What was said in pieces is one text, in the order it was said in.
        assert_eq!(found(&stage, asked("tagihan kembalikan")).await, ["call"]);
        assert_eq!(found(&stage, asked("\"uang saya\"")).await, ["call"]);
        assert_eq!(found(&stage, asked("\"uang tagihan\"")).await, [""; 0]);
        // Both were said.
        assert_eq!(found(&stage, asked("pagi sore")).await, ["mail"]);
        assert_eq!(found(&stage, asked("meteran rus*")).await, ["late"]);
        let hits = answer(&stage, asked("agustus")).await.unwrap().hits;
        let shown = hits[0].snippet.as_ref().unwrap();
        assert!(shown.text.contains("bulan Agustus"), "{hits:?}");
    })
    .await;
}

/// Real sentences of three languages in one tenant: each sampled one is found by its three rarest words.
#[tokio::test]
async fn real_sentences_are_found_by_their_rarest_words() {
    const SAMPLE: usize = 500;
    let Some(corpora) = corpus::read() else {
        return;
    };
    let sentences: Vec<&String> = corpora
        .iter()
        .flat_map(|(_, sentences)| sentences)
        .collect();
    let words = |text: &str| -> Vec<String> {
        rapport_interactions::domain::search::words(text)
            .map(|word| word.folded)
            .collect()
    };
    let mut counts: HashMap<String, usize> = HashMap::new();
    for sentence in &sentences {
        let mut words = words(sentence);
        words.sort();
        words.dedup();
        words
            .into_iter()
            .for_each(|word| *counts.entry(word).or_default() += 1);
    }
    on_every_engine(quick(), async |stage| {
        let began = Instant::now();
        for (number, chunk) in sentences.chunks(256).enumerate() {
            let logged = chunk.iter().enumerate().map(|(place, text)| {
                let id = number * 256 + place;
                let seconds = 1_700_000_000 + i64::try_from(id).unwrap();
                let stage = &stage;
                async move { stage.log(said(&format!("s-{id}"), text, seconds)).await }
            });
            futures::future::join_all(logged).await;
        }
        let logged = began.elapsed();
        let last = sentences.last().unwrap();
        let marker = "zzlastmarker";
        stage
            .log(said("last", &format!("{marker} {last}"), 1_600_000_000))
            .await;
        let waiting = Instant::now();
        while answer(&stage, asked(marker)).await.unwrap().hits.is_empty() {
            assert!(
                waiting.elapsed() < Duration::from_secs(150),
                "the index does not catch up"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        report(&format!(
            "{}: {} logged in {logged:.1?}, indexed {:.1?} later",
            engine(&stage),
            sentences.len(),
            waiting.elapsed()
        ));
        let (mut times, mut short, mut missed) = (Vec::new(), 0, Vec::new());
        for sentence in sentences
            .iter()
            .step_by(sentences.len() / SAMPLE)
            .take(SAMPLE)
        {
            let mut rare = words(sentence);
            rare.sort();
            rare.dedup();
            if rare.len() < 3 {
                short += 1;
                continue;
            }
            rare.sort_by_key(|word| counts.get(word).copied().unwrap_or(0));
            let query = rare[..3].join(" ");
            let began = Instant::now();
            let page = answer(
                &stage,
                pb::SearchInteractionsRequest {
                    page_size: 10,
                    order: pb::SearchOrder::Relevance.into(),
                    ..asked(&query)
                },
            )
            .await
            .unwrap();
            times.push(began.elapsed());
            let mut hit = false;
            for one in page.hits {
                let input = stage.get(&one.interaction_id).await.input.unwrap();
                hit |= input
                    .parts
                    .iter()
                    .any(|part| part.content == Some(pb::part::Content::Text((*sentence).clone())));
            }
            if !hit {
                missed.push(query);
            }
        }
        times.sort();
        let p99 = times[times.len() * 99 / 100];
        report(&format!(
            "{}: {} sampled, {short} too short, {} not found; p50 {:.1?}, p99 {p99:.1?}",
            engine(&stage),
            times.len(),
            missed.len(),
            times[times.len() / 2]
        ));
        for common in ["saya", "the", "yang dan", "i"] {
            let began = Instant::now();
            let hits = answer(&stage, asked(common)).await.unwrap().hits.len();
            report(&format!(
                "{}: {common:?} {hits} hits in {:.1?}",
                engine(&stage),
                began.elapsed()
            ));
        }
        assert!(missed.is_empty(), "{missed:?}");
        assert!(p99 <= Duration::from_millis(50), "p99 {p99:?}");
    })
    .await;
}
