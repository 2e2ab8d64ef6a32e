//! What is queued is an interaction at once.

use futures::future::join_all;
use rapport_foundation::testing::{Engine, eventually};
use rapport_proto::interactions::v1 as pb;
use rapport_proto::types::v1 as types;
use tonic::Code;

use super::line::Line;
use super::{brisk, cancel, comes, into, queue, tells, text, to, try_queue, uuid, way};
use crate::neighbours::unknown;
use crate::stage::{at, message, on_every_engine, refused, violations};

#[tokio::test]
async fn a_queued_message_is_an_interaction_of_its_conversation_at_once() {
    on_every_engine(brisk(), async |stage| {
        let mut asked = message("m-1", "+62811", "di mana paket saya");
        asked.thread_key = "chat-7".into();
        asked.provider = "whatsapp".into();
        let asked = stage.log(asked).await;
        let mut reply = into(&asked.conversation_id, "paketnya sudah di Semarang");
        reply.reply_to_interaction_id = asked.id.clone();
        reply.subject = "Paket".into();
        let answer = try_queue(&stage, reply).await.unwrap();
        let (outbound, logged) = (answer.outbound.unwrap(), answer.interaction.unwrap());
        assert_eq!(outbound.state(), pb::OutboundState::Queued);
        assert_eq!(outbound.conversation_id, asked.conversation_id);
        assert_eq!(outbound.reply_to_interaction_id, asked.id);
        assert_eq!(outbound.connector, "whatsapp");
        assert_eq!(logged.id, outbound.interaction_id);
        assert_eq!(logged.outbound.as_ref(), Some(&outbound));
        assert_eq!(logged.conversation_id, asked.conversation_id);
        let said = logged.input.clone().unwrap();
        assert_eq!(said.external_id, outbound.id);
        assert_eq!(said.direction(), types::Direction::Outbound);
        assert_eq!(said.channel(), types::Channel::Messaging);
        assert_eq!(
            (said.thread_key.as_str(), said.provider.as_str()),
            ("chat-7", "whatsapp")
        );
        assert_eq!(
            said.participants[0].identifier,
            asked.input.unwrap().participants[0].identifier
        );
        assert_eq!(said.participants[1].role(), pb::ParticipantRole::Agent);

        // Like any other it finds its customer, their timeline, and the index of words.
        let linked = stage.settled(&logged.id).await;
        assert!(!linked.asks_for_agent);
        let customer = linked.customer.unwrap();
        assert_eq!(customer, stage.settled(&asked.id).await.customer.unwrap());
        let timeline = pb::ListTimelineRequest {
            customer_id: customer.customer_id,
            ..Default::default()
        };
        let timeline = stage.client().list_timeline(stage.asks(timeline)).await;
        let first = timeline.unwrap().into_inner().entries.remove(0);
        let Some(pb::timeline_entry::Entry::Interaction(first)) = first.entry else {
            panic!("{first:?}")
        };
        assert_eq!(first.outbound, Some(outbound.clone()));
        eventually("it is found by its words", async || {
            let search = pb::SearchInteractionsRequest {
                query: "semarang".into(),
                ..Default::default()
            };
            let found = stage.client().search_interactions(stage.asks(search)).await;
            let hits = found.unwrap().into_inner().hits;
            hits.iter()
                .any(|hit| hit.interaction_id == logged.id)
                .then_some(())
        })
        .await;
        tells(&stage, &["outbound_queued"]).await;
        let breaches = rapport_interactions::verify(&stage.t.env.db).await.unwrap();
        assert!(breaches.is_empty(), "{breaches:?}");
    })
    .await;
}

#[tokio::test]
async fn a_call_that_is_repeated_queues_once() {
    on_every_engine(brisk(), async |stage| {
        let asked = to("+62811", "halo");
        let answers = join_all((0..10).map(|_| try_queue(&stage, asked.clone()))).await;
        let mut ids: Vec<String> = answers
            .into_iter()
            .map(|answer| answer.unwrap().outbound.unwrap().id)
            .collect();
        ids.dedup();
        assert_eq!(ids.len(), 1);
        // Later, too, and whatever has become of it.
        cancel(&stage, &ids[0], &uuid()).await.unwrap();
        let again = queue(&stage, asked.clone()).await;
        assert_eq!(
            (again.id.as_str(), again.state()),
            (ids[0].as_str(), pb::OutboundState::Cancelled)
        );
        let mut other = asked;
        other.parts = vec![text("lain")];
        refused(
            try_queue(&stage, other).await,
            Code::AlreadyExists,
            "REQUEST_ID_REUSED",
        );
        let mut line = Line::open(&stage, 10).await;
        line.hears_nothing().await;
    })
    .await;
}

#[tokio::test]
async fn every_fault_of_a_message_is_told_at_once() {
    on_every_engine(brisk(), async |stage| {
        let faulty = pb::QueueOutboundRequest {
            request_id: "x".into(),
            parts: vec![pb::Part {
                content: Some(pb::part::Content::DeliveryStatus(pb::DeliveryStatus {
                    state: pb::DeliveryState::Read.into(),
                    target: "m-1".into(),
                    ..Default::default()
                })),
                ..Default::default()
            }],
            send_time: Some(at(4_000_000_000)),
            provider: "Whats App".into(),
            ..Default::default()
        };
        let mut fields: Vec<String> = violations(try_queue(&stage, faulty).await)
            .into_iter()
            .map(|(field, _)| field)
            .collect();
        fields.sort();
        let wrong = [
            "channel",
            "connector",
            "parts[0]",
            "provider",
            "recipient",
            "request_id",
            "send_time",
        ];
        assert_eq!(fields, wrong);
        let mut both = to("+62811", "halo");
        both.conversation_id = unknown::<rapport_foundation::id::ConversationId>();
        let fields: Vec<String> = violations(try_queue(&stage, both.clone()).await)
            .into_iter()
            .map(|(field, _)| field)
            .collect();
        assert_eq!(fields, ["recipient", "connector", "channel"]);
        let mut late = to("+62811", "halo");
        late.expire_time = Some(at(1_700_000_000));
        let late = violations(try_queue(&stage, late).await);
        assert_eq!(
            late,
            [("expire_time".to_owned(), "BEFORE_START".to_owned())]
        );
        refused(
            try_queue(&stage, into(&both.conversation_id, "halo")).await,
            Code::NotFound,
            "NOT_FOUND",
        );
        // A visit without a customer has nobody to write to; what is answered is of the same conversation.
        let mut visit = message("v-1", "+62811", "");
        visit.participants.clear();
        visit.parts.clear();
        let visit = stage.log(visit).await;
        refused(
            try_queue(&stage, into(&visit.conversation_id, "halo")).await,
            Code::FailedPrecondition,
            "NO_RECIPIENT",
        );
        let other = stage.log(message("m-1", "+62811", "halo")).await;
        let mut crossed = into(&visit.conversation_id, "halo");
        crossed.reply_to_interaction_id = other.id;
        let crossed = violations(try_queue(&stage, crossed).await);
        assert_eq!(crossed[0].1, "OTHER_CONVERSATION");
    })
    .await;
}

#[tokio::test]
async fn messages_are_listed_by_state_and_each_connector_sees_its_own() {
    on_every_engine(brisk(), async |stage| {
        let (first, second) = (
            queue(&stage, to("+62811", "satu")).await,
            queue(&stage, to("+62822", "dua")).await,
        );
        let mut mail = to("+62833", "tiga");
        mail.connector = "mail".into();
        let mail = queue(&stage, mail).await;
        cancel(&stage, &second.id, &uuid()).await.unwrap();
        let list = async |asked: pb::ListOutboundRequest, connector: &str| {
            let asked = if connector.is_empty() {
                stage.asks(asked)
            } else {
                stage.connector(connector, asked)
            };
            let page = stage.outbound().list_outbound(asked).await?.into_inner();
            let ids: Vec<String> = page.outbounds.into_iter().map(|one| one.id).collect();
            Ok::<_, tonic::Status>((ids, page.next_page_token))
        };
        let all = pb::ListOutboundRequest {
            page_size: 2,
            ..Default::default()
        };
        let (page, token) = list(all.clone(), "").await.unwrap();
        assert_eq!(page, [mail.id.clone(), second.id.clone()]);
        let rest = pb::ListOutboundRequest {
            page_token: token,
            ..all.clone()
        };
        assert_eq!(
            list(rest, "").await.unwrap(),
            (vec![first.id.clone()], String::new())
        );
        let queued = pb::ListOutboundRequest {
            state: pb::OutboundState::Queued.into(),
            ..Default::default()
        };
        let (page, _) = list(queued.clone(), "").await.unwrap();
        assert_eq!(page, [mail.id.clone(), first.id.clone()]);
        assert_eq!(
            list(queued, "mail").await.unwrap().0,
            std::slice::from_ref(&mail.id)
        );
        let foreign = pb::ListOutboundRequest {
            connector: "whatsapp".into(),
            ..Default::default()
        };
        refused(
            list(foreign, "mail").await,
            Code::PermissionDenied,
            "CONNECTOR_FOREIGN",
        );
        let asked = |id: &str| pb::GetOutboundRequest {
            outbound_id: id.into(),
        };
        let mut client = stage.outbound();
        let foreign = client.get_outbound(stage.connector("mail", asked(&first.id)));
        refused(foreign.await, Code::NotFound, "NOT_FOUND");
        let stranger = client.get_outbound(stage.stranger(asked(&first.id)));
        refused(stranger.await, Code::NotFound, "NOT_FOUND");
        let own = client.get_outbound(stage.connector("mail", asked(&mail.id)));
        assert!(own.await.is_ok());
        // A stream gets nothing of others, and what it says of theirs is of nothing.
        let mut line = Line::opened(&stage, "mail", 10, false).await;
        let own = line.delivery().await;
        assert_eq!(own.outbound_id, mail.id);
        let theirs = pb::OutboundDelivery {
            outbound_id: first.id.clone(),
            ..own
        };
        assert_eq!(
            line.is_withdrawn(&theirs).await,
            pb::DeliveryWithdrawalReason::Unknown
        );
        assert_eq!(
            way(&stage, &first.id).await.state(),
            pb::OutboundState::Queued
        );
    })
    .await;
}

#[tokio::test]
async fn what_is_sent_is_what_was_queued_and_is_kept_no_longer_than_that() {
    on_every_engine(brisk(), async |stage| {
        const NUMBER: &str = "Kartu 4111 1111 1111 1111, canary-words";
        let one = queue(&stage, to("+62811", NUMBER)).await;
        let logged = stage.get(&one.interaction_id).await.input.unwrap();
        assert_ne!(logged.parts, [text(NUMBER)]);
        let path = stage.t.database.config.sqlite_path();
        if let (Engine::Sqlite, Some(path)) = (&stage.t.database.engine, path) {
            for suffix in ["", "-wal"] {
                let mut path = path.clone().into_os_string();
                path.push(suffix);
                let bytes = std::fs::read(path).unwrap_or_default();
                let canary = b"canary-words";
                assert!(!bytes.windows(canary.len()).any(|window| window == canary));
            }
        }
        let mut line = Line::open(&stage, 1).await;
        assert_eq!(line.sends("wamid-1").await.parts, [text(NUMBER)]);
        let left: Result<i64, rapport_foundation::db::Error> = stage
            .t
            .env
            .db
            .read(stage.tenant, async |s| {
                let sql = "select count(*) as n from outbound_text where tenant_id = $1";
                Ok(s.raw_one(sql, []).await?.unwrap().try_get("", "n")?)
            })
            .await;
        assert_eq!(left.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn what_was_erased_is_not_handed_over() {
    on_every_engine(brisk(), async |stage| {
        let erased = queue(&stage, to("+62811", "halo")).await;
        let kept = queue(&stage, to("+62822", "halo")).await;
        let destroyed: Result<(), rapport_foundation::db::Error> = stage
            .t
            .env
            .db
            .write(stage.tenant, async |s| {
                let sql = "select subject_key from outbound_text where tenant_id = $1 order by id limit 1";
                let subject: String = s.raw_one(sql, []).await?.unwrap().try_get("", "subject_key")?;
                assert!(stage.t.env.vault.destroy(&s, &subject).await?);
                Ok(())
            })
            .await;
        destroyed.unwrap();
        let gone = comes(&stage, &erased.id, pb::OutboundState::Cancelled).await;
        assert_eq!(gone.reason, "ERASED");
        let mut line = Line::open(&stage, 10).await;
        assert_eq!(line.delivery().await.outbound_id, kept.id);
        line.hears_nothing().await;
    })
    .await;
}
