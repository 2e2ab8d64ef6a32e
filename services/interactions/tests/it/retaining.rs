//! How long contacts are kept, and what must be kept whatever the rules say.

use rapport_foundation::testing::eventually;
use rapport_interactions::Config;
use rapport_proto::events::v1::event::Data;
use rapport_proto::interactions::v1 as pb;
use rapport_proto::types::v1 as types;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::erasing::{breaches, erase};
use crate::matters::merge;
use crate::stage::{Stage, call, message, on_every_engine, quick, refused, violations};

/// A sweep comes soon, and nothing is too young for it.
fn sweeping() -> Config {
    Config {
        retention_sweep_ms: 20,
        retention_grace_s: 0,
        ..quick()
    }
}

fn rule(channel: types::Channel, purpose: types::Purpose, keep_days: i32) -> pb::RetentionRule {
    pb::RetentionRule {
        channel: channel.into(),
        purpose: purpose.into(),
        keep_days,
    }
}

async fn keep(
    stage: &Stage,
    rules: Vec<pb::RetentionRule>,
    etag: &str,
) -> Result<pb::RetentionRules, Status> {
    let asked = pb::SetRetentionRulesRequest {
        request_id: Uuid::now_v7().to_string(),
        retention_rules: Some(pb::RetentionRules {
            rules,
            etag: etag.into(),
        }),
    };
    let answer = stage
        .privacy()
        .set_retention_rules(stage.asks(asked))
        .await?;
    Ok(answer.into_inner().retention_rules.unwrap())
}

async fn all_for_a_day(stage: &Stage) {
    let rules = vec![rule(
        types::Channel::Unspecified,
        types::Purpose::Unspecified,
        1,
    )];
    keep(stage, rules, "").await.unwrap();
}

async fn hold(stage: &Stage, hold: pb::PlaceLegalHoldRequest) -> Result<pb::LegalHold, Status> {
    let asked = pb::PlaceLegalHoldRequest {
        request_id: Uuid::now_v7().to_string(),
        reason: "case 7".into(),
        ..hold
    };
    let answer = stage.privacy().place_legal_hold(stage.asks(asked)).await?;
    Ok(answer.into_inner().legal_hold.unwrap())
}

async fn release(stage: &Stage, id: &str) -> Result<pb::LegalHold, Status> {
    let asked = pb::ReleaseLegalHoldRequest {
        request_id: Uuid::now_v7().to_string(),
        legal_hold_id: id.into(),
        reason: "over".into(),
    };
    let answer = stage
        .privacy()
        .release_legal_hold(stage.asks(asked))
        .await?;
    Ok(answer.into_inner().legal_hold.unwrap())
}

async fn holds(stage: &Stage, standing: bool) -> Vec<pb::LegalHold> {
    let asked = pb::ListLegalHoldsRequest {
        standing,
        ..Default::default()
    };
    let answer = stage.privacy().list_legal_holds(stage.asks(asked)).await;
    answer.unwrap().into_inner().legal_holds
}

async fn is_gone(stage: &Stage, id: &str) -> bool {
    stage.get(id).await.input.unwrap().participants.is_empty()
}

async fn gone(stage: &Stage, id: &str) {
    eventually("the contact is forgotten", async || {
        is_gone(stage, id).await.then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_first_rule_that_fits_decides_and_that_contacts_took_place_stays() {
    on_every_engine(sweeping(), async |stage| {
        let phone = stage.log(call("c-1", "+62811")).await;
        let mut complaint = message("m-1", "+62811", "marigold");
        complaint.purpose = types::Purpose::Complaint.into();
        complaint.thread_key = "thread".into();
        let complaint = stage.log(complaint).await;
        let support = stage
            .log(pb::InteractionInput {
                thread_key: "thread".into(),
                ..message("m-2", "+62811", "halo")
            })
            .await;
        for one in [&phone, &complaint, &support] {
            stage.settled(&one.id).await;
        }
        keep(
            &stage,
            vec![
                rule(types::Channel::Unspecified, types::Purpose::Complaint, 0),
                rule(types::Channel::Phone, types::Purpose::Unspecified, 36_500),
                rule(types::Channel::Messaging, types::Purpose::Unspecified, 1),
            ],
            "",
        )
        .await
        .unwrap();
        gone(&stage, &support.id).await;
        assert!(!is_gone(&stage, &phone.id).await && !is_gone(&stage, &complaint.id).await);
        // Whose it was stays, and so do its matter and its place in it.
        let read = stage.get(&support.id).await;
        assert_eq!(
            (read.customer.is_some(), &read.conversation_id),
            (true, &support.conversation_id)
        );
        let told = stage
            .event("it is told", |data| match data {
                Data::InteractionsForgotten(forgotten) => Some(forgotten.interaction_ids.clone()),
                _ => None,
            })
            .await;
        assert_eq!(told, [support.id.as_str()]);
        let again = stage
            .record(message("m-2", "+62811", "something else"))
            .await
            .unwrap();
        assert_eq!(
            (again.duplicate, again.interaction.unwrap().id),
            (true, support.id)
        );
        assert_eq!(breaches(&stage).await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn hundreds_of_old_contacts_are_forgotten_and_a_repetition_is_known_for_as_long_as_is_set() {
    let config = Config {
        duplicates_known_days: 0,
        ..sweeping()
    };
    on_every_engine(config, async |stage| {
        let logging = (0..300).map(|n| stage.log(message(&format!("m-{n}"), "+62811", "halo")));
        let logged = futures::future::join_all(logging).await;
        all_for_a_day(&stage).await;
        for one in &logged {
            gone(&stage, &one.id).await;
        }
        assert_eq!(breaches(&stage).await, Vec::<String>::new());
        keep(&stage, vec![], "").await.unwrap();
        // Nothing is known of it any more: it is new.
        eventually("the repetition is forgotten", async || {
            let again = stage
                .record(message("m-0", "+62811", "halo"))
                .await
                .unwrap();
            (!again.duplicate).then_some(())
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn what_stands_under_a_hold_is_neither_forgotten_nor_erased_until_it_is_released() {
    on_every_engine(sweeping(), async |stage| {
        let ours = stage.log(message("m-1", "+62811", "halo")).await;
        let matter = stage.log(message("m-2", "+62822", "halo")).await;
        let free = stage.log(message("m-3", "+62833", "halo")).await;
        for one in [&ours, &matter, &free] {
            stage.settled(&one.id).await;
        }
        let customer = |phone: &str| stage.fake.customer(stage.tenant, phone).customer_id;
        let over_customer = hold(
            &stage,
            pb::PlaceLegalHoldRequest {
                customer_id: customer("+62811"),
                ..Default::default()
            },
        )
        .await
        .unwrap();
        let over_matter = hold(
            &stage,
            pb::PlaceLegalHoldRequest {
                conversation_id: matter.conversation_id.clone(),
                ..Default::default()
            },
        )
        .await
        .unwrap();
        assert_eq!(
            (over_customer.reason.as_str(), &over_customer.customer_id),
            ("case 7", &customer("+62811"))
        );
        all_for_a_day(&stage).await;
        gone(&stage, &free.id).await;
        assert!(!is_gone(&stage, &ours.id).await && !is_gone(&stage, &matter.id).await);
        // Erasing waits for the release, and says for which.
        for (phone, hold) in [("+62811", &over_customer), ("+62822", &over_matter)] {
            let outcome = erase(&stage, &customer(phone), Uuid::now_v7()).await;
            let status = outcome.clone().unwrap_err();
            assert!(
                tonic_types::StatusExt::get_details_error_info(&status)
                    .unwrap()
                    .metadata
                    .values()
                    .any(|id| *id == hold.id)
            );
            refused(outcome, Code::FailedPrecondition, "LEGAL_HOLD");
        }
        assert!(!is_gone(&stage, &ours.id).await && !is_gone(&stage, &matter.id).await);
        assert_eq!(
            holds(&stage, true).await,
            [over_matter.clone(), over_customer.clone()]
        );
        let released = release(&stage, &over_customer.id).await.unwrap();
        assert_eq!(released.release_reason, "over");
        assert_eq!(release(&stage, &over_customer.id).await.unwrap(), released);
        assert_eq!(holds(&stage, true).await, [over_matter]);
        assert_eq!(holds(&stage, false).await.len(), 2);
        gone(&stage, &ours.id).await;
        assert!(!is_gone(&stage, &matter.id).await);
    })
    .await;
}

#[tokio::test]
async fn a_hold_over_a_conversation_is_over_the_whole_that_it_is_part_of() {
    on_every_engine(sweeping(), async |stage| {
        let part = stage.log(message("m-1", "+62811", "halo")).await;
        let whole = stage.log(message("m-2", "+62822", "halo")).await;
        let free = stage.log(message("m-3", "+62833", "halo")).await;
        for one in [&part, &whole, &free] {
            stage.settled(&one.id).await;
        }
        // Placed under the id that is merged away.
        let over = pb::PlaceLegalHoldRequest {
            conversation_id: part.conversation_id.clone(),
            ..Default::default()
        };
        let placed = hold(&stage, over).await.unwrap();
        merge(&stage, &whole.conversation_id, &part.conversation_id)
            .await
            .unwrap();
        all_for_a_day(&stage).await;
        gone(&stage, &free.id).await;
        assert!(!is_gone(&stage, &part.id).await && !is_gone(&stage, &whole.id).await);
        release(&stage, &placed.id).await.unwrap();
        gone(&stage, &whole.id).await;
        gone(&stage, &part.id).await;
    })
    .await;
}

#[tokio::test]
async fn a_hold_over_everything_keeps_everything_of_the_tenant_and_of_nobody_else() {
    on_every_engine(sweeping(), async |stage| {
        let logged = stage.log(message("m-1", "+62811", "halo")).await;
        stage.settled(&logged.id).await;
        let everything = pb::PlaceLegalHoldRequest {
            everything: true,
            ..Default::default()
        };
        let placed = hold(&stage, everything.clone()).await.unwrap();
        let asked = pb::ReleaseLegalHoldRequest {
            request_id: Uuid::now_v7().to_string(),
            legal_hold_id: placed.id.clone(),
            reason: "x".into(),
        };
        let stranger = stage
            .privacy()
            .release_legal_hold(stage.stranger(asked))
            .await;
        assert_eq!(stranger.unwrap_err().code(), Code::NotFound);
        let customer = stage.fake.customer(stage.tenant, "+62811").customer_id;
        refused(
            erase(&stage, &customer, Uuid::now_v7()).await,
            Code::FailedPrecondition,
            "LEGAL_HOLD",
        );
        release(&stage, &placed.id).await.unwrap();
        assert_eq!(erase(&stage, &customer, Uuid::now_v7()).await.unwrap(), 1);
        let both = pb::PlaceLegalHoldRequest {
            customer_id: customer,
            ..everything
        };
        assert_eq!(violations(hold(&stage, both).await).len(), 1);
        assert_eq!(
            violations(hold(&stage, pb::PlaceLegalHoldRequest::default()).await).len(),
            1
        );
    })
    .await;
}

#[tokio::test]
async fn rules_are_replaced_as_a_whole_and_only_those_that_were_read() {
    on_every_engine(quick(), async |stage| {
        let one = || vec![rule(types::Channel::Phone, types::Purpose::Unspecified, 30)];
        let set = keep(&stage, one(), "").await.unwrap();
        assert_eq!((set.rules, set.etag.as_str()), (one(), "\"1\""));
        let asked = stage.asks(pb::GetRetentionRulesRequest {});
        let read = stage.privacy().get_retention_rules(asked).await.unwrap();
        assert_eq!(read.into_inner().retention_rules.unwrap().rules, one());
        refused(
            keep(&stage, vec![], "\"0\"").await,
            Code::Aborted,
            "ETAG_MISMATCH",
        );
        let wrong = vec![rule(types::Channel::Phone, types::Purpose::Unspecified, -1); 201];
        let fields = violations(keep(&stage, wrong, "").await);
        // Twenty are told at most.
        assert_eq!(fields.len(), 20);
    })
    .await;
}
