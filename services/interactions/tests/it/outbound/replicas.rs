//! Several streams and several processes over one queue.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures::future::join_all;
use rapport_proto::interactions::v1 as pb;
use rapport_proto::interactions::v1::deliver_outbound_request::Message as Word;
use rapport_proto::interactions::v1::deliver_outbound_response::Message as Heard;
use rapport_proto::interactions::v1::outbound_service_client::OutboundServiceClient;
use tokio::sync::Mutex;

use super::line::Line;
use super::{brisk, fleeting, into, queue, to, told};
use crate::stage::{message, on_every_engine};

/// What the provider was given, in its order: conversation and text.
type Given = Arc<Mutex<Vec<(String, String)>>>;

/// A connector that sends whatever it gets, and crashes after so many words.
async fn work(mut line: Line, given: Given, patience: usize) {
    let mut known: HashMap<String, pb::OutboundDelivery> = HashMap::new();
    for _ in 0..patience {
        let Ok(Some(heard)) = line.next().await else {
            return;
        };
        match heard {
            Heard::Delivery(one) => {
                let (outbound_id, attempt) = (one.outbound_id.clone(), one.attempt);
                known.insert(outbound_id.clone(), one);
                line.say(Word::Accepted(pb::DeliveryAccepted {
                    outbound_id,
                    attempt,
                }))
                .await;
            }
            Heard::Confirmation(said) => {
                // It may have been withdrawn before it was confirmed after all.
                let one = known.remove(&said.outbound_id).unwrap();
                let Some(pb::part::Content::Text(text)) = one.parts[0].content.clone() else {
                    panic!("{one:?}")
                };
                given.lock().await.push((one.conversation_id, text));
                line.say(Word::Sent(pb::DeliverySent {
                    message_id: format!("w-{}", one.outbound_id),
                    outbound_id: one.outbound_id,
                    attempt: one.attempt,
                }))
                .await;
            }
            Heard::Withdrawal(_) | Heard::Receipt(_) => {}
            Heard::Refusal(said) => panic!("{said:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_services_and_many_streams_send_each_message_once_and_in_order() {
    const CONVERSATIONS: usize = 6;
    const EACH: usize = 10;
    on_every_engine(fleeting(), async |stage| {
        let other = stage.replica().await;
        let mut conversations = Vec::new();
        for n in 0..CONVERSATIONS {
            let asked = stage.log(message(&format!("m-{n}"), &format!("+6281{n}"), "halo"));
            conversations.push(asked.await.conversation_id);
        }
        let given = Given::default();
        let mut workers = Vec::new();
        for n in 0..6 {
            let client = if n % 2 == 0 {
                stage.outbound()
            } else {
                OutboundServiceClient::new(other.channel.clone())
            };
            let line = Line::through(client, |words| stage.says(words)).await;
            line.opening(3, false).await;
            // Four of them crash on the way, wherever that is.
            let patience = if n < 4 { 5 + n * 7 } else { usize::MAX };
            workers.push(tokio::spawn(work(line, Arc::clone(&given), patience)));
        }
        for n in 0..EACH {
            let asked = conversations
                .iter()
                .map(|one| queue(&stage, into(one, &n.to_string())));
            join_all(asked).await;
        }
        let all = rapport_foundation::testing::eventually("nothing is on its way", async || {
            let asked = pb::ListOutboundRequest {
                page_size: 1000,
                ..Default::default()
            };
            let page = stage.outbound().list_outbound(stage.asks(asked)).await;
            let all = page.unwrap().into_inner().outbounds;
            let over = |one: &pb::Outbound| {
                matches!(
                    one.state(),
                    pb::OutboundState::Sent | pb::OutboundState::Uncertain
                )
            };
            all.iter().all(over).then_some(all)
        })
        .await;
        assert_eq!(all.len(), CONVERSATIONS * EACH);
        let given = given.lock().await;
        let mut came: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (conversation, text) in given.iter() {
            came.entry(conversation)
                .or_default()
                .push(text.parse().unwrap());
        }
        // In order and none twice.
        for one in came.values() {
            assert!(one.windows(2).all(|pair| pair[0] < pair[1]), "{one:?}");
        }
        // What crashed between its confirmation and its word is all that nobody knows of.
        let sent = all
            .iter()
            .filter(|one| one.state() == pb::OutboundState::Sent)
            .count();
        assert!(sent <= given.len() && given.len() <= CONVERSATIONS * EACH);
        assert!(sent + 4 * 3 >= CONVERSATIONS * EACH, "{sent} were sent");
        rapport_foundation::testing::eventually("each is told of once", async || {
            let told = told(&stage).await;
            let told = told.iter().filter(|kind| *kind == "outbound_sent").count();
            (told == sent).then_some(())
        })
        .await;
        workers.iter().for_each(tokio::task::JoinHandle::abort);
        let breaches = rapport_interactions::verify(&stage.t.env.db).await.unwrap();
        assert!(breaches.is_empty(), "{breaches:?}");
    })
    .await;
}

#[tokio::test]
async fn what_one_service_queued_the_streams_of_another_hand_over() {
    on_every_engine(brisk(), async |stage| {
        let other = stage.replica().await;
        let client = OutboundServiceClient::new(other.channel.clone());
        let mut line = Line::through(client, |words| stage.says(words)).await;
        line.opening(10, false).await;
        let one = queue(&stage, to("+62811", "halo")).await;
        let delivery = line.delivery().await;
        assert_eq!(delivery.outbound_id, one.id);
        // The connector moves to the other one in the middle of it.
        line.accepts(&delivery).await;
        let mut line = Line::open(&stage, 10).await;
        line.accepts(&delivery).await;
        assert_eq!(line.sent(&delivery, "w").await, pb::OutboundState::Sent);
    })
    .await;
}
