//! Numbers that a tenant wants to keep: no text shows them, and one call alone answers them.

use rapport_foundation::testing::eventually;
use rapport_interactions::{Config, Numbers};
use rapport_proto::interactions::v1 as pb;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::dump;
use crate::stage::{Stage, at, message, on_every_engine, quick, refused, violations};

const CARD: &str = "4111111111111111";
const SAID: &str = "card 4111 1111 1111 1111 ok";

fn sealing() -> Config {
    Config {
        numbers: Numbers::Seal,
        ..quick()
    }
}

fn policy(cards: pb::NumberTreatment, others: pb::NumberTreatment) -> pb::PrivacyPolicy {
    pb::PrivacyPolicy {
        cards: cards.into(),
        accounts: others.into(),
        identities: others.into(),
        secrets: others.into(),
        keep_last_four: false,
        etag: String::new(),
    }
}

async fn set(
    stage: &Stage,
    request_id: Uuid,
    policy: pb::PrivacyPolicy,
) -> Result<pb::PrivacyPolicy, Status> {
    let asked = pb::SetPrivacyPolicyRequest {
        request_id: request_id.to_string(),
        privacy_policy: Some(policy),
    };
    let answer = stage
        .privacy()
        .set_privacy_policy(stage.asks(asked))
        .await?;
    Ok(answer.into_inner().privacy_policy.unwrap())
}

async fn get(stage: &Stage) -> pb::PrivacyPolicy {
    let asked = stage.asks(pb::GetPrivacyPolicyRequest {});
    let answer = stage.privacy().get_privacy_policy(asked).await.unwrap();
    answer.into_inner().privacy_policy.unwrap()
}

pub(crate) async fn reveal(stage: &Stage, id: &str) -> Vec<(pb::NumberKind, String)> {
    let asked = pb::RevealNumbersRequest {
        interaction_id: id.into(),
    };
    let answer = stage.privacy().reveal_numbers(stage.asks(asked)).await;
    let numbers = answer.unwrap().into_inner().numbers;
    let mut numbers: Vec<_> = (numbers.into_iter())
        .map(|one| (one.kind(), one.number))
        .collect();
    numbers.sort();
    numbers
}

fn said(interaction: &pb::Interaction) -> String {
    let parts = &interaction.input.as_ref().unwrap().parts;
    match parts[0].content.as_ref().unwrap() {
        pb::part::Content::Text(text) => text.clone(),
        other => panic!("no text: {other:?}"),
    }
}

/// What stands for a number in a text.
fn token(text: &str) -> &str {
    let (_, behind) = text.split_once("[sealed ").unwrap();
    behind.split_once(']').unwrap().0
}

#[tokio::test]
async fn a_sealed_number_leaves_a_token_in_every_answer_and_is_revealed_by_one_call() {
    on_every_engine(sealing(), async |stage| {
        let mut input = message("m-1", "+62811", SAID);
        input.raw_payload = format!("{{\"text\":\"{SAID}\",\"pin\":\"my PIN is 4931\"}}")
            .into_bytes()
            .into();
        let logged = stage.log(input.clone()).await;
        let text = said(&logged);
        assert_eq!(
            text,
            format!("card **** **** **** **** [sealed {}] ok", token(&text))
        );
        assert_eq!(said(&stage.get(&logged.id).await), text);
        // The same number of somebody else, said in another way.
        let spoken = "four one one one 1111 1111 1111";
        let other = stage.log(message("m-2", "+62822", spoken)).await;
        assert_eq!(token(&said(&other)), token(&text));
        let card = (pb::NumberKind::Card, CARD.to_owned());
        assert_eq!(reveal(&stage, &other.id).await, std::slice::from_ref(&card));
        assert_eq!(
            reveal(&stage, &logged.id).await,
            [card, (pb::NumberKind::Secret, "4931".into())]
        );
        // By its token a number is found wherever it was said.
        eventually("the token is found", async || {
            let asked = pb::SearchInteractionsRequest {
                query: token(&text).into(),
                ..Default::default()
            };
            let found = stage.client().search_interactions(stage.asks(asked)).await;
            (found.unwrap().into_inner().hits.len() == 2).then_some(())
        })
        .await;
        assert!(stage.record(input).await.unwrap().duplicate);
        for (table, rows) in dump::tables(&stage.t.env.db).await {
            assert!(
                !rows.contains(CARD) && !rows.contains("4111 1111"),
                "{table}"
            );
        }
        let stranger = pb::RevealNumbersRequest {
            interaction_id: logged.id.clone(),
        };
        let answer = stage
            .privacy()
            .reveal_numbers(stage.stranger(stranger))
            .await;
        assert_eq!(answer.unwrap_err().code(), Code::NotFound);
    })
    .await;
}

#[tokio::test]
async fn numbers_of_facts_of_conflicts_and_of_split_texts_are_kept_as_well() {
    on_every_engine(sealing(), async |stage| {
        // A fact that comes before its contact is sealed anew when that is here.
        let edit = pb::FactInput {
            external_id: "m-1".into(),
            key: "e-1".into(),
            event_time: Some(at(1_700_000_100)),
            fact: Some(pb::fact_input::Fact::Edit(pb::Edit {
                parts: message("", "+62811", "GB82 WEST 1234 5698 7654 32").parts,
            })),
            ..Default::default()
        };
        let told = pb::RecordFactRequest { fact: Some(edit) };
        stage.facts().record_fact(stage.says(told)).await.unwrap();
        let thread = |id: &str, text: &str, seconds: i64| pb::InteractionInput {
            thread_key: "thread".into(),
            event_time: Some(at(1_700_000_000 + seconds)),
            ..message(id, "+62811", text)
        };
        let first = stage.log(thread("m-1", "it is 4111 1111", 0)).await;
        let second = stage.log(thread("m-2", "1111 1111 thanks", 10)).await;
        let conflict = stage
            .record(thread("m-1", "card 5555 5555 5555 4444", 0))
            .await;
        refused(conflict, Code::AlreadyExists, "EXTERNAL_ID_REUSED");
        assert_eq!(said(&stage.get(&first.id).await), "it is **** ****");
        let text = said(&stage.get(&second.id).await);
        assert_eq!(text, format!("**** **** [sealed {}] thanks", token(&text)));
        assert_eq!(
            reveal(&stage, &second.id).await,
            [(pb::NumberKind::Card, CARD.into())]
        );
        let both = [
            (pb::NumberKind::Card, "5555555555554444".into()),
            (pb::NumberKind::Account, "GB82WEST12345698765432".into()),
        ];
        eventually("the fact is tied to its contact", async || {
            let state = stage.get(&first.id).await.state?;
            (state.fact_count == 1).then_some(())
        })
        .await;
        assert_eq!(reveal(&stage, &first.id).await, both);
    })
    .await;
}

#[tokio::test]
async fn a_tenant_says_what_becomes_of_each_kind_for_what_is_logged_from_then_on() {
    use pb::NumberTreatment::{Mask, Seal};
    on_every_engine(quick(), async |stage| {
        let before = stage.log(message("m-0", "+62811", SAID)).await;
        assert_eq!(
            get(&stage).await,
            pb::PrivacyPolicy {
                etag: "\"0\"".into(),
                ..policy(Mask, Mask)
            }
        );
        let id = Uuid::now_v7();
        let first = set(&stage, id, policy(Seal, Mask)).await.unwrap();
        assert_eq!(set(&stage, id, policy(Seal, Mask)).await.unwrap(), first);
        refused(
            set(&stage, id, policy(Mask, Mask)).await,
            Code::AlreadyExists,
            "REQUEST_ID_REUSED",
        );
        assert_eq!(get(&stage).await, first);
        let text = format!("{SAID} and GB82 WEST 1234 5698 7654 32");
        let after = stage.log(message("m-1", "+62811", &text)).await;
        assert_eq!(
            reveal(&stage, &after.id).await,
            [(pb::NumberKind::Card, CARD.into())]
        );
        // What was logged before stays as it is, and so does what others say.
        assert!(reveal(&stage, &before.id).await.is_empty());
        let stranger = stage
            .privacy()
            .get_privacy_policy(stage.stranger(pb::GetPrivacyPolicyRequest {}))
            .await;
        assert_eq!(
            stranger
                .unwrap()
                .into_inner()
                .privacy_policy
                .unwrap()
                .cards(),
            Mask
        );

        let stale = pb::PrivacyPolicy {
            etag: "\"0\"".into(),
            ..policy(Mask, Mask)
        };
        refused(
            set(&stage, Uuid::now_v7(), stale).await,
            Code::Aborted,
            "ETAG_MISMATCH",
        );
        let wrong = pb::PrivacyPolicy {
            etag: "x".into(),
            secrets: 7,
            ..policy(pb::NumberTreatment::Unspecified, Mask)
        };
        let fields: Vec<String> = violations(set(&stage, Uuid::now_v7(), wrong).await)
            .into_iter()
            .map(|(field, _)| field)
            .collect();
        assert_eq!(
            fields,
            [
                "privacy_policy.cards",
                "privacy_policy.secrets",
                "privacy_policy.etag"
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn of_many_who_set_the_policy_at_once_each_counts_and_with_an_etag_one() {
    use pb::NumberTreatment::{Mask, Seal};
    on_every_engine(quick(), async |stage| {
        let all = (0..8).map(|_| set(&stage, Uuid::now_v7(), policy(Seal, Seal)));
        for outcome in futures::future::join_all(all).await {
            outcome.unwrap();
        }
        let current = get(&stage).await;
        assert_eq!(current.etag, "\"8\"");
        let guarded = pb::PrivacyPolicy {
            etag: current.etag,
            ..policy(Mask, Mask)
        };
        let all = (0..8).map(|_| set(&stage, Uuid::now_v7(), guarded.clone()));
        let won = futures::future::join_all(all)
            .await
            .into_iter()
            .filter(Result::is_ok)
            .count();
        assert_eq!(won, 1);
    })
    .await;
}
