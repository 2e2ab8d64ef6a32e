//! Conversations are merged, split and put back, and nothing that was logged changes.

mod model;

use std::collections::BTreeSet;

use rapport_foundation::testing::eventually;
use rapport_proto::events::v1 as events;
use rapport_proto::events::v1::event::Data;
use rapport_proto::interactions::v1 as pb;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::neighbours::unknown;
use crate::stage::{Stage, at, message, on_every_engine, quick, refused, violations};
use crate::threading::mail;

fn merging(whole: &str, part: &str) -> pb::MergeConversationsRequest {
    pb::MergeConversationsRequest {
        request_id: Uuid::now_v7().to_string(),
        conversation_id: whole.to_owned(),
        merged_conversation_id: part.to_owned(),
        reason: "the same leak".to_owned(),
    }
}

pub(crate) async fn merge(
    stage: &Stage,
    whole: &str,
    part: &str,
) -> Result<pb::MergeConversationsResponse, Status> {
    let answer = stage
        .changes()
        .merge_conversations(stage.asks(merging(whole, part)))
        .await?;
    Ok(answer.into_inner())
}

async fn split(
    stage: &Stage,
    from: &str,
    ids: &[&str],
) -> Result<pb::SplitConversationResponse, Status> {
    let asked = pb::SplitConversationRequest {
        request_id: Uuid::now_v7().to_string(),
        conversation_id: from.to_owned(),
        interaction_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        reason: String::new(),
    };
    let answer = stage
        .changes()
        .split_conversation(stage.asks(asked))
        .await?;
    Ok(answer.into_inner())
}

async fn undo(
    stage: &Stage,
    conversation: &str,
    change: &str,
) -> Result<pb::UndoConversationChangeResponse, Status> {
    let asked = pb::UndoConversationChangeRequest {
        request_id: Uuid::now_v7().to_string(),
        conversation_id: conversation.to_owned(),
        change_id: change.to_owned(),
        reason: "a mistake".to_owned(),
    };
    let answer = stage
        .changes()
        .undo_conversation_change(stage.asks(asked))
        .await?;
    Ok(answer.into_inner())
}

async fn changes(stage: &Stage, conversation: &str, page_size: i32) -> Vec<pb::ConversationChange> {
    let mut asked = pb::ListConversationChangesRequest {
        conversation_id: conversation.to_owned(),
        page_size,
        page_token: String::new(),
    };
    let mut found = Vec::new();
    loop {
        let answer = stage
            .changes()
            .list_conversation_changes(stage.asks(asked.clone()))
            .await;
        let page = answer.unwrap().into_inner();
        found.extend(page.changes);
        if page.next_page_token.is_empty() {
            return found;
        }
        asked.page_token = page.next_page_token;
    }
}

/// The interactions of a conversation, oldest first, whose positions have no gap.
async fn contents(stage: &Stage, conversation: &str) -> Vec<String> {
    let mut asked = pb::ListInteractionsRequest {
        conversation_id: conversation.to_owned(),
        page_size: 3,
        ..Default::default()
    };
    let mut found = Vec::new();
    loop {
        let answer = stage
            .client()
            .list_interactions(stage.asks(asked.clone()))
            .await;
        let page = answer.unwrap().into_inner();
        found.extend(page.interactions);
        if page.next_page_token.is_empty() {
            break;
        }
        asked.page_token = page.next_page_token;
    }
    found.reverse();
    let positions: Vec<i64> = found.iter().map(|one| one.position).collect();
    let expected: Vec<i64> = (1..=i64::try_from(found.len()).unwrap()).collect();
    assert_eq!(positions, expected);
    let whole = stage.conversation(conversation).await;
    assert_eq!(
        usize::try_from(whole.interaction_count).unwrap(),
        found.len()
    );
    let first = found.first().and_then(|one| one.input.as_ref()?.event_time);
    let last = found.last().and_then(|one| one.input.as_ref()?.event_time);
    assert_eq!(
        (whole.first_event_time, whole.last_event_time),
        (first, last)
    );
    found.into_iter().map(|one| one.id).collect()
}

/// A contact with a thread key of its own.
async fn contact(stage: &Stage, id: &str, thread: &str, second: i64) -> pb::Interaction {
    let mut input = message(id, "+62811", "halo");
    input.thread_key = thread.to_owned();
    input.purpose = 0;
    input.event_time = Some(at(1_700_000_000 + second));
    stage.log(input).await
}

#[tokio::test]
async fn merged_conversations_read_as_one_under_every_id_and_apart_again_when_that_is_undone() {
    on_every_engine(quick(), async |stage| {
        let one = contact(&stage, "m-1", "a", 1).await;
        let two = contact(&stage, "m-2", "b", 2).await;
        let (a, b) = (one.conversation_id.clone(), two.conversation_id.clone());
        for id in [&one.id, &two.id] {
            stage.settled(id).await;
        }
        let merged = merge(&stage, &a, &b).await.unwrap();
        let whole = merged.conversation.unwrap();
        assert_eq!((&whole.id, whole.interaction_count), (&a, 2));
        assert_eq!(whole.merged_conversation_ids, std::slice::from_ref(&b));
        let change = merged.change.unwrap();
        assert_eq!(
            (change.kind(), change.reason.as_str()),
            (pb::ConversationChangeKind::Merge, "the same leak")
        );
        assert_eq!(stage.conversation(&b).await, whole);
        assert_eq!(contents(&stage, &b).await, [one.id.clone(), two.id.clone()]);
        assert_eq!(stage.get(&two.id).await.conversation_id, a);
        // What comes later goes where its key leads, and shows as part of the whole; so it is told to others.
        let three = contact(&stage, "m-3", "b", 3).await;
        assert_eq!(stage.get(&three.id).await.conversation_id, a);
        assert_eq!(stage.told_in(&three.id).await, a);
        let listed = list(&stage, "").await;
        assert_eq!(listed.iter().map(|one| &one.id).collect::<Vec<_>>(), [&a]);
        let customer = stage.fake.customer(stage.tenant, "+62811").customer_id;
        assert_eq!(list(&stage, &customer).await, listed);

        let apart = undo(&stage, &b, &change.id).await.unwrap();
        assert_eq!(apart.conversation.unwrap().interaction_count, 1);
        let undone = apart.change.unwrap();
        assert_eq!(
            (undone.undo_reason.as_str(), undone.undo_time.is_some()),
            ("a mistake", true)
        );
        assert_eq!(contents(&stage, &b).await, [two.id, three.id]);
        assert_eq!(list(&stage, &customer).await.len(), 2);
        assert_eq!(changes(&stage, &a, 1).await, std::slice::from_ref(&undone));
        assert_eq!(changes(&stage, &b, 1).await, [undone]);
        refused(
            undo(&stage, &a, &change.id).await,
            Code::FailedPrecondition,
            "ALREADY_UNDONE",
        );
        stage.is_sound().await;
    })
    .await;
}

async fn list(stage: &Stage, customer: &str) -> Vec<pb::Conversation> {
    let mut asked = pb::ListConversationsRequest {
        customer_id: customer.to_owned(),
        page_size: 1,
        page_token: String::new(),
    };
    let mut found = Vec::new();
    loop {
        let answer = stage
            .conversations()
            .list_conversations(stage.asks(asked.clone()))
            .await;
        let page = answer.unwrap().into_inner();
        found.extend(page.conversations);
        if page.next_page_token.is_empty() {
            return found;
        }
        asked.page_token = page.next_page_token;
    }
}

#[tokio::test]
async fn opposite_merges_at_once_and_circles_end_in_one_conversation() {
    on_every_engine(quick(), async |stage| {
        for round in 0..4 {
            let mut ids = Vec::new();
            for n in 0..3 {
                let name = format!("r{round}-{n}");
                ids.push(contact(&stage, &name, &name, n).await.conversation_id);
            }
            let pairs = [(0, 1), (1, 0), (1, 2), (2, 0), (0, 2)];
            let merges = pairs.map(|(whole, part)| merge(&stage, &ids[whole], &ids[part]));
            for outcome in futures::future::join_all(merges).await {
                outcome.unwrap();
            }
            let mut wholes = BTreeSet::new();
            for id in &ids {
                wholes.insert(stage.conversation(id).await.id);
            }
            assert_eq!(wholes.len(), 1);
            assert_eq!(contents(&stage, &ids[0]).await.len(), 3);
            assert_eq!(
                changes(&stage, &ids[0], 0).await.len(),
                2,
                "three need two merges"
            );
        }
        stage.is_sound().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_split_off_is_a_conversation_of_its_own_with_its_answers_until_it_is_put_back() {
    on_every_engine(quick(), async |stage| {
        let first = stage.log(mail("m-1", "+62811", &[], &[])).await;
        let other = stage.log(mail("m-2", "+62811", &["m-1"], &[])).await;
        let home = first.conversation_id.clone();
        stage.settled(&other.id).await;
        let made = split(&stage, &home, &[&other.id]).await.unwrap();
        let apart = made.conversation.unwrap();
        assert_ne!(apart.id, home);
        let customer = stage.fake.customer(stage.tenant, "+62811");
        assert_eq!(
            (apart.interaction_count, apart.customer),
            (1, Some(customer))
        );
        let change = made.change.unwrap();
        assert_eq!(
            (change.conversation_id.as_str(), change.interaction_count),
            (home.as_str(), 1)
        );
        // Its answer goes with it, though it names the other, too; rules do not join what was parted.
        let answer = stage
            .log(mail("m-3", "+62811", &["m-2"], &["m-1", "m-2"]))
            .await;
        assert_eq!(stage.told_in(&answer.id).await, apart.id);
        assert_eq!(
            contents(&stage, &home).await,
            std::slice::from_ref(&first.id)
        );
        assert_eq!(contents(&stage, &apart.id).await.len(), 2);

        refused(
            split(&stage, &home, &[&first.id]).await,
            Code::FailedPrecondition,
            "NOTHING_LEFT",
        );
        refused(
            split(&stage, &home, &[&other.id]).await,
            Code::FailedPrecondition,
            "IN_OTHER_CONVERSATION",
        );
        let nobody = unknown::<rapport_foundation::id::InteractionId>();
        refused(
            split(&stage, &home, &[&nobody]).await,
            Code::NotFound,
            "NOT_FOUND",
        );
        assert_eq!(
            violations(split(&stage, &home, &[]).await)[0].0,
            "interaction_ids"
        );

        let whole = undo(&stage, &apart.id, &change.id)
            .await
            .unwrap()
            .conversation
            .unwrap();
        assert_eq!((whole.id, whole.interaction_count), (home.clone(), 3));
        assert_eq!(contents(&stage, &apart.id).await.len(), 3);
        stage.is_sound().await;
    })
    .await;
}

#[tokio::test]
async fn what_people_take_apart_rules_do_not_join_again() {
    on_every_engine(quick(), async |stage| {
        let late = stage.log(mail("m-3", "+62811", &["m-2"], &[])).await;
        let first = stage.log(mail("m-1", "+62811", &[], &[])).await;
        let between = stage.log(mail("m-2", "+62811", &["m-1"], &[])).await;
        let whole = eventually("the mails are one conversation", async || {
            let ids = [&late.id, &first.id, &between.id];
            let mut seen = BTreeSet::new();
            for id in ids {
                seen.insert(stage.get(id).await.conversation_id);
            }
            (seen.len() == 1).then(|| seen.into_iter().next())
        })
        .await
        .unwrap();
        let joined = changes(&stage, &whole, 0).await;
        assert_eq!(
            joined[0].basis(),
            rapport_proto::types::v1::ConversationBasis::Mail
        );
        assert_eq!(joined[0].actor, "svc_interactions");
        undo(&stage, &whole, &joined[0].id).await.unwrap();
        let again = stage
            .log(mail("m-4", "+62811", &["m-3"], &["m-1", "m-2", "m-3"]))
            .await;
        stage.told_in(&again.id).await;
        assert_eq!(changes(&stage, &whole, 0).await.len(), joined.len());
        let (one, other) = (stage.get(&late.id).await, stage.get(&first.id).await);
        assert_ne!(one.conversation_id, other.conversation_id);
        stage.is_sound().await;
    })
    .await;
}

#[tokio::test]
async fn changes_are_made_once_a_request_and_never_across_tenants() {
    on_every_engine(quick(), async |stage| {
        let one = contact(&stage, "m-1", "a", 1).await;
        let two = contact(&stage, "m-2", "b", 2).await;
        for id in [&one.id, &two.id] {
            stage.settled(id).await;
        }
        let (a, b) = (one.conversation_id, two.conversation_id);
        let asked = merging(&a, &b);
        let strangers = stage
            .changes()
            .merge_conversations(stage.stranger(asked.clone()))
            .await;
        refused(strangers, Code::NotFound, "NOT_FOUND");
        let first = stage
            .changes()
            .merge_conversations(stage.asks(asked.clone()))
            .await
            .unwrap()
            .into_inner();
        let again = stage
            .changes()
            .merge_conversations(stage.asks(asked.clone()))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(first, again);
        let mut other = asked;
        std::mem::swap(
            &mut other.conversation_id,
            &mut other.merged_conversation_id,
        );
        let reused = stage.changes().merge_conversations(stage.asks(other)).await;
        refused(reused, Code::AlreadyExists, "REQUEST_ID_REUSED");
        // One already: nothing changes.
        assert_eq!(merge(&stage, &b, &a).await.unwrap().change, None);
        assert_eq!(changes(&stage, &a, 0).await.len(), 1);
        let nothing = unknown::<rapport_foundation::id::ConversationChangeId>();
        refused(
            undo(&stage, &a, &nothing).await,
            Code::NotFound,
            "NOT_FOUND",
        );
        let foreign = contact(&stage, "m-3", "c", 3).await.conversation_id;
        refused(
            undo(&stage, &foreign, &first.change.unwrap().id).await,
            Code::NotFound,
            "NOT_FOUND",
        );
        let nowhere = unknown::<rapport_foundation::id::ConversationId>();
        refused(
            merge(&stage, &a, &nowhere).await,
            Code::NotFound,
            "NOT_FOUND",
        );
    })
    .await;
}

#[tokio::test]
async fn a_conversations_customer_follows_what_profiles_and_people_say() {
    on_every_engine(quick(), async |stage| {
        // Nobody is recognised at first.
        let mut input = message("m-1", "", "a call without a number");
        input.participants.clear();
        input.thread_key = "a".to_owned();
        let anonymous = stage.log(input).await;
        stage.settled(&anonymous.id).await;
        let a = anonymous.conversation_id.clone();
        assert_eq!(stage.conversation(&a).await.customer, None);
        // While profiles is down a contact is pending; the conversation follows it.
        stage.fake.set_down(true);
        let pending = contact(&stage, "m-2", "a", 2).await;
        stage.told_in(&pending.id).await;
        assert_eq!(stage.conversation(&a).await.customer, None);
        stage.fake.set_down(false);
        stage.settled(&pending.id).await;
        let ana = stage.fake.customer(stage.tenant, "+62811");
        assert_eq!(stage.conversation(&a).await.customer, Some(ana.clone()));
        // A conversation of nobody gets its customer with the merge, and loses them with it.
        let mut input = message("m-3", "", "a chat without a name");
        input.participants.clear();
        let nobody = stage.log(input).await;
        let merged = merge(&stage, &nobody.conversation_id, &a).await.unwrap();
        assert_eq!(merged.conversation.unwrap().customer, Some(ana.clone()));
        undo(&stage, &a, &merged.change.unwrap().id).await.unwrap();
        assert_eq!(
            stage.conversation(&nobody.conversation_id).await.customer,
            None
        );
        // Profiles finds that two customers are one, and that they are not.
        let budi = stage.fake.customer(stage.tenant, "+62899");
        let moved = |to: &str| {
            vec![events::RecordMove {
                record_id: ana.record_id.clone(),
                customer_id: to.to_owned(),
            }]
        };
        let merged = events::CustomersMerged {
            customer_id: budi.customer_id.clone(),
            merged_customer_id: ana.customer_id.clone(),
            moves: moved(&budi.customer_id),
        };
        stage
            .profiles
            .say(
                stage.tenant,
                &budi.customer_id,
                Data::CustomersMerged(merged),
            )
            .await;
        let belongs_to = async |customer: &str| {
            eventually("the conversation follows", async || {
                let found = stage.conversation(&a).await.customer.unwrap();
                (found.customer_id == customer && found.record_id == ana.record_id).then_some(())
            })
            .await;
            let listed = list(&stage, customer).await;
            assert!(listed.iter().any(|one| one.id == a));
        };
        belongs_to(&budi.customer_id).await;
        let unmerged = events::CustomersUnmerged {
            customer_id: budi.customer_id.clone(),
            restored_customer_id: ana.customer_id.clone(),
            moves: moved(&ana.customer_id),
        };
        stage
            .profiles
            .say(
                stage.tenant,
                &budi.customer_id,
                Data::CustomersUnmerged(unmerged),
            )
            .await;
        belongs_to(&ana.customer_id).await;
        stage.is_sound().await;
    })
    .await;
}
