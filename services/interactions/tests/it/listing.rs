//! Reading interactions and conversations.

use rapport_foundation::id::{ConversationId, CustomerId, InteractionId};
use rapport_interactions::Config;
use rapport_proto::interactions::v1 as pb;
use rapport_proto::types::v1 as types;
use tonic::Code;

use crate::neighbours::unknown;
use crate::stage::{Stage, at, call, message, on_every_engine, quick, refused};

async fn list(stage: &Stage, mut asked: pb::ListInteractionsRequest) -> Vec<String> {
    let mut found = Vec::new();
    loop {
        let page = stage
            .client()
            .list_interactions(stage.asks(asked.clone()))
            .await
            .unwrap()
            .into_inner();
        found.extend(
            page.interactions
                .into_iter()
                .map(|one| one.input.unwrap().external_id),
        );
        if page.next_page_token.is_empty() {
            return found;
        }
        asked.page_token = page.next_page_token;
    }
}

#[tokio::test]
async fn lists_are_newest_first_filtered_and_complete_over_pages() {
    on_every_engine(quick(), async |stage| {
        for n in 0..9 {
            let mut input = if n % 3 == 0 {
                call(&format!("m-{n}"), "+62811")
            } else {
                message(&format!("m-{n}"), "+62822", "halo")
            };
            input.event_time = Some(at(1_700_000_000 + n));
            if n == 4 {
                input.purpose = types::Purpose::Complaint.into();
                input.direction = types::Direction::Outbound.into();
            }
            let logged = stage.log(input).await;
            stage.settled(&logged.id).await;
        }
        let all = |page_size| pb::ListInteractionsRequest {
            page_size,
            ..Default::default()
        };
        let newest: Vec<String> = (0..9).rev().map(|n| format!("m-{n}")).collect();
        for size in [0, 1, 2, 4, 9, 1000] {
            assert_eq!(list(&stage, all(size)).await, newest);
        }
        let phone = pb::ListInteractionsRequest {
            channel: types::Channel::Phone.into(),
            ..all(2)
        };
        assert_eq!(list(&stage, phone).await, ["m-6", "m-3", "m-0"]);
        let about = pb::ListInteractionsRequest {
            purpose: types::Purpose::Complaint.into(),
            ..all(0)
        };
        assert_eq!(list(&stage, about).await, ["m-4"]);
        let outbound = pb::ListInteractionsRequest {
            direction: types::Direction::Outbound.into(),
            ..all(0)
        };
        assert_eq!(list(&stage, outbound).await, ["m-4"]);
        let between = pb::ListInteractionsRequest {
            from_time: Some(at(1_700_000_002)),
            until_time: Some(at(1_700_000_004)),
            ..all(0)
        };
        assert_eq!(list(&stage, between).await, ["m-3", "m-2"]);
        let key = pb::ListInteractionsRequest {
            connector: "whatsapp".into(),
            external_id: "m-7".into(),
            ..all(0)
        };
        assert_eq!(list(&stage, key).await, ["m-7"]);
        let ana = stage.fake.customer(stage.tenant, "+62811").customer_id;
        let theirs = pb::ListInteractionsRequest {
            customer_id: ana,
            ..all(2)
        };
        assert_eq!(list(&stage, theirs).await, ["m-6", "m-3", "m-0"]);
    })
    .await;
}

#[tokio::test]
async fn a_page_token_opens_its_own_query_only() {
    on_every_engine(quick(), async |stage| {
        for n in 0..3 {
            stage
                .log(message(&format!("m-{n}"), "+62811", "halo"))
                .await;
        }
        let asked = pb::ListInteractionsRequest {
            page_size: 1,
            ..Default::default()
        };
        let page = stage
            .client()
            .list_interactions(stage.asks(asked))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(page.interactions.len(), 1);
        let other = pb::ListInteractionsRequest {
            page_token: page.next_page_token.clone(),
            channel: types::Channel::Phone.into(),
            ..Default::default()
        };
        let other = stage.client().list_interactions(stage.asks(other)).await;
        refused(other, Code::InvalidArgument, "PAGE_TOKEN_FOREIGN");
        let same = pb::ListInteractionsRequest {
            page_token: page.next_page_token,
            ..Default::default()
        };
        let foreign = stage.client().list_interactions(stage.stranger(same)).await;
        refused(foreign, Code::InvalidArgument, "PAGE_TOKEN_FOREIGN");
        let negative = pb::ListInteractionsRequest {
            page_size: -1,
            ..Default::default()
        };
        let negative = stage.client().list_interactions(stage.asks(negative)).await;
        assert_eq!(negative.unwrap_err().code(), Code::InvalidArgument);
    })
    .await;
}

#[tokio::test]
async fn a_page_of_large_contacts_ends_early_and_loses_none() {
    let config = Config {
        page_bytes: 200_000,
        ..quick()
    };
    on_every_engine(config, async |stage| {
        let mut expected = Vec::new();
        for n in 0..6 {
            let mut input = message(&format!("m-{n}"), "+62811", &"x".repeat(90_000));
            input.event_time = Some(at(1_700_000_000 - n));
            stage.log(input).await;
            expected.push(format!("m-{n}"));
        }
        let asked = pb::ListInteractionsRequest {
            page_size: 100,
            ..Default::default()
        };
        let page = stage
            .client()
            .list_interactions(stage.asks(asked.clone()))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(page.interactions.len(), 2);
        assert_eq!(list(&stage, asked).await, expected);
    })
    .await;
}

#[tokio::test]
async fn conversations_are_listed_by_their_latest_contact() {
    on_every_engine(quick(), async |stage| {
        for (n, (thread, phone)) in [
            ("a", "+62811"),
            ("b", "+62822"),
            ("a", "+62811"),
            ("c", "+62811"),
        ]
        .iter()
        .enumerate()
        {
            let mut input = message(&format!("m-{n}"), phone, "halo");
            input.thread_key = (*thread).to_owned();
            input.event_time = Some(at(1_700_000_000 + i64::try_from(n).unwrap()));
            let logged = stage.log(input).await;
            stage.settled(&logged.id).await;
        }
        let threads = async |customer_id: String| {
            let mut asked = pb::ListConversationsRequest {
                page_size: 1,
                page_token: String::new(),
                customer_id,
            };
            let mut found = Vec::new();
            loop {
                let page = stage
                    .conversations()
                    .list_conversations(stage.asks(asked.clone()))
                    .await
                    .unwrap();
                let page = page.into_inner();
                found.extend(page.conversations.into_iter().map(|one| one.thread_key));
                if page.next_page_token.is_empty() {
                    return found;
                }
                asked.page_token = page.next_page_token;
            }
        };
        assert_eq!(threads(String::new()).await, ["c", "a", "b"]);
        let ana = stage.fake.customer(stage.tenant, "+62811").customer_id;
        assert_eq!(threads(ana).await, ["c", "a"]);
    })
    .await;
}

#[tokio::test]
async fn what_another_tenant_has_is_not_found() {
    on_every_engine(quick(), async |stage| {
        let logged = stage.log(message("m-1", "+62811", "halo")).await;
        let interaction = |id: &str| pb::GetInteractionRequest {
            interaction_id: id.into(),
        };
        let mut client = stage.client();
        refused(
            client
                .get_interaction(stage.stranger(interaction(&logged.id)))
                .await,
            Code::NotFound,
            "NOT_FOUND",
        );
        let random = unknown::<InteractionId>();
        refused(
            client
                .get_interaction(stage.asks(interaction(&random)))
                .await,
            Code::NotFound,
            "NOT_FOUND",
        );
        let conversation = |id: &str| pb::GetConversationRequest {
            conversation_id: id.into(),
        };
        let foreign = stage
            .conversations()
            .get_conversation(stage.stranger(conversation(&logged.conversation_id)))
            .await;
        refused(foreign, Code::NotFound, "NOT_FOUND");
        let random = unknown::<ConversationId>();
        let random = stage
            .conversations()
            .get_conversation(stage.asks(conversation(&random)))
            .await;
        refused(random, Code::NotFound, "NOT_FOUND");

        let malformed = client
            .get_interaction(stage.asks(interaction(&unknown::<CustomerId>())))
            .await;
        assert_eq!(malformed.unwrap_err().code(), Code::InvalidArgument);
        assert_eq!(stage.get(&logged.id).await.input, logged.input);
    })
    .await;
}

#[tokio::test]
async fn lists_narrowed_to_what_another_tenant_has_are_not_found() {
    on_every_engine(quick(), async |stage| {
        let logged = stage.log(message("m-1", "+62811", "halo")).await;
        let ana = stage
            .settled(&logged.id)
            .await
            .customer
            .unwrap()
            .customer_id;
        let mut client = stage.client();
        let theirs = pb::ListInteractionsRequest {
            customer_id: ana.clone(),
            ..Default::default()
        };
        refused(
            client.list_interactions(stage.stranger(theirs)).await,
            Code::NotFound,
            "NOT_FOUND",
        );
        let theirs = pb::ListInteractionsRequest {
            conversation_id: logged.conversation_id.clone(),
            ..Default::default()
        };
        refused(
            client.list_interactions(stage.stranger(theirs)).await,
            Code::NotFound,
            "NOT_FOUND",
        );
        let theirs = pb::ListConversationsRequest {
            customer_id: ana.clone(),
            ..Default::default()
        };
        refused(
            stage
                .conversations()
                .list_conversations(stage.stranger(theirs))
                .await,
            Code::NotFound,
            "NOT_FOUND",
        );
        let watched = pb::WatchInteractionsRequest {
            customer_id: ana,
            ..Default::default()
        };
        refused(
            client
                .watch_interactions(stage.stranger(watched))
                .await
                .map(|_| ()),
            Code::NotFound,
            "NOT_FOUND",
        );
        let all = client
            .list_interactions(stage.stranger(pb::ListInteractionsRequest::default()))
            .await
            .unwrap();
        assert!(all.into_inner().interactions.is_empty());
    })
    .await;
}
