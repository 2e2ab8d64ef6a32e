//! The way of one contact, through the gateway, in both topologies.

use rapport_tests::{Client, Database, Opened, Receiver, Suite, Topology, now, request_id, until};
use serde_json::{Value, json};

/// The floor of a small contact centre.
struct Floor {
    supervisor: Client,
    connector: Client,
    queue: String,
    queue_code: String,
    agent: String,
}

async fn floor(suite: &Suite) -> Floor {
    let (supervisor, connector, manager) = (
        suite.supervisor(),
        suite.connector("chat-hub"),
        suite.manager(),
    );
    let code = format!("care-{}", &request_id()[24..]);
    let queue = supervisor
        .call("rapport.routing.v1.QueueService/CreateQueue", json!({
            "request_id": request_id(), "queue": {"code": code, "display_name": "Care", "wrap_up_s": 60, "offer_timeout_s": 5},
        }))
        .await
        .unwrap();
    let agent = agent(&supervisor, &code, id(&queue["queue"])).await;
    manager
        .call("rapport.loyalty.v1.ProgramService/CreateProgram", json!({
            "request_id": request_id(), "program": {
                "code": format!("club-{code}"), "display_name": "Club", "point_code": "PTS", "auto_enrol": true,
                "earn_rule": {"currency_code": "IDR", "points": 1, "per": 1000}},
        }))
        .await
        .unwrap();
    Floor {
        supervisor,
        connector,
        queue: id(&queue["queue"]),
        queue_code: code,
        agent,
    }
}

async fn agent(supervisor: &Client, name: &str, queue: String) -> String {
    let answer = supervisor
        .call("rapport.routing.v1.AgentService/CreateAgent", json!({
            "request_id": request_id(),
            "agent": {"principal": format!("agent-{name}-{}", request_id()), "display_name": name, "queue_ids": [queue]},
        }))
        .await
        .unwrap();
    id(&answer["agent"])
}

async fn available(supervisor: &Client, agent: &str) {
    let request =
        json!({"request_id": request_id(), "agent_id": agent, "status": "AGENT_STATUS_AVAILABLE"});
    supervisor
        .call("rapport.routing.v1.AgentService/SetAgentStatus", request)
        .await
        .unwrap();
}

fn contact(floor: &Floor, external_id: &str, kind: &str, handle: &str) -> Value {
    json!({"interaction": {
        "external_id": external_id, "kind": format!("INTERACTION_KIND_{kind}"), "channel": "CHANNEL_CHAT",
        "direction": "DIRECTION_INBOUND", "purpose": "PURPOSE_SUPPORT", "event_time": now(),
        "participants": [{"role": "PARTICIPANT_ROLE_CUSTOMER", "identifier": {
            "type": "IDENTIFIER_TYPE_HANDLE", "value": handle, "namespace": "whatsapp"}}],
        "parts": [{"text": "Paket saya belum sampai."}],
        "routing": {"queue": floor.queue_code},
    }})
}

fn id(resource: &Value) -> String {
    resource["id"].as_str().unwrap().to_owned()
}

async fn one_contact_end_to_end(suite: &Suite) {
    let floor = floor(suite).await;
    let mut desk = floor
        .supervisor
        .open(
            "rapport.routing.v1.OfferService/WatchOffers",
            json!({"agent_id": floor.agent}),
        )
        .await
        .unwrap();
    assert!(
        desk.next()
            .await
            .unwrap()
            .unwrap()
            .get("snapshot")
            .is_some()
    );
    available(&floor.supervisor, &floor.agent).await;

    let chat = contact(&floor, "chat-1", "CHAT", "@Budi");
    let record = "rapport.interactions.v1.InteractionService/RecordInteraction";
    let first = floor.connector.call(record, chat.clone()).await.unwrap();
    let again = floor.connector.call(record, chat).await.unwrap();
    assert_eq!(first["interaction"]["id"], again["interaction"]["id"]);
    assert_eq!(again["duplicate"], json!(true));

    let offer = loop {
        let event = desk.next().await.unwrap().expect("the desk stays open");
        if let Some(offer) = event.get("offer") {
            break offer.clone();
        }
    };
    assert_eq!(offer["work_item"]["queue_id"], json!(floor.queue));
    let accept = json!({"request_id": request_id(), "offer_id": offer["id"]});
    let item = floor
        .supervisor
        .call("rapport.routing.v1.OfferService/AcceptOffer", accept)
        .await
        .unwrap();
    let (item, ticket) = (
        id(&item["work_item"]),
        item["work_item"]["ticket_id"].clone(),
    );
    let resolve = json!({"request_id": request_id(), "ticket_id": ticket, "outcome": "solved"});
    floor
        .supervisor
        .call("rapport.routing.v1.TicketService/ResolveTicket", resolve)
        .await
        .unwrap();
    let complete = json!({"request_id": request_id(), "work_item_id": item});
    let wrapping = floor
        .supervisor
        .call("rapport.routing.v1.WorkItemService/CompleteWork", complete)
        .await
        .unwrap();
    assert_eq!(
        wrapping["work_item"]["state"],
        json!("WORK_ITEM_STATE_WRAPPING_UP")
    );
    let end = json!({"request_id": request_id(), "work_item_id": item});
    let done = floor
        .supervisor
        .call("rapport.routing.v1.WorkItemService/EndWrapUp", end)
        .await
        .unwrap();
    assert_eq!(
        done["work_item"]["state"],
        json!("WORK_ITEM_STATE_COMPLETED")
    );

    let mut order = contact(&floor, "order-1", "ORDER", "budi");
    order["interaction"]["purpose"] = json!("PURPOSE_ORDER");
    order["interaction"]["order"] =
        json!({"order_id": "o-1", "total": {"units": 120_500, "code": "IDR"}});
    floor.connector.call(record, order).await.unwrap();

    let customer = linked(
        &floor.supervisor,
        first["interaction"]["id"].as_str().unwrap(),
    )
    .await;
    timeline_shows_everything(&floor.supervisor, &customer).await;
    earned(&floor.supervisor, &customer, 120).await;
}

async fn linked(client: &Client, interaction: &str) -> String {
    until("the customer", || async {
        let request = json!({"interaction_id": interaction});
        let answer = client
            .call(
                "rapport.interactions.v1.InteractionService/GetInteraction",
                request,
            )
            .await
            .unwrap();
        answer["interaction"]["customer"]["customer_id"]
            .as_str()
            .map(str::to_owned)
    })
    .await
}

async fn timeline_shows_everything(client: &Client, customer: &str) {
    until("contacts, ticket and points in the timeline", || async {
        let request = json!({"customer_id": customer});
        let page = client
            .call(
                "rapport.interactions.v1.InteractionService/ListTimeline",
                request,
            )
            .await
            .unwrap();
        let entries = page["entries"].as_array().cloned().unwrap_or_default();
        let count = |kind: &str| {
            entries
                .iter()
                .filter(|entry| entry.get(kind).is_some())
                .count()
        };
        (count("interaction") == 2 && count("ticket") >= 2 && count("points") == 1).then_some(())
    })
    .await;
}

async fn earned(client: &Client, customer: &str, points: i64) {
    let member = until("the member", || async {
        let request = json!({"customer_id": customer});
        let page = client
            .call("rapport.loyalty.v1.ProgramService/ListMembers", request)
            .await
            .unwrap();
        page["members"]
            .as_array()
            .and_then(|members| members.first().map(id))
    })
    .await;
    let request = json!({"member_id": member});
    let balance = client
        .call("rapport.loyalty.v1.LedgerService/GetBalance", request)
        .await
        .unwrap();
    assert_eq!(
        balance["balance"]["available"]["units"],
        json!(points.to_string())
    );
}

async fn a_hang_up_withdraws_the_waiting_work(suite: &Suite) {
    let floor = floor(suite).await;
    let mut call = contact(&floor, "call-1", "CALL", "@dewi");
    call["interaction"]["channel"] = json!("CHANNEL_PHONE");
    let record = "rapport.interactions.v1.InteractionService/RecordInteraction";
    floor.connector.call(record, call).await.unwrap();
    let state = async |state: &str| {
        let request = json!({"queue_id": floor.queue, "state": format!("WORK_ITEM_STATE_{state}")});
        let page = floor
            .supervisor
            .call("rapport.routing.v1.WorkItemService/ListWorkItems", request)
            .await
            .unwrap();
        page["work_items"].as_array().map(|items| items.len())
    };
    until("the waiting call", || state("WAITING")).await;
    let end = json!({"external_id": "call-1", "end_time": now(), "reason": "CONTACT_END_REASON_CUSTOMER_LEFT"});
    floor
        .connector
        .call("rapport.interactions.v1.InteractionService/EndContact", end)
        .await
        .unwrap();
    until("the abandoned call", || state("ABANDONED")).await;
}

async fn an_agent_who_goes_away_loses_the_offer_and_nothing_else(suite: &Suite) {
    let floor = floor(suite).await;
    let second = agent(&floor.supervisor, "second", floor.queue.clone()).await;
    let watch = "rapport.routing.v1.OfferService/WatchOffers";
    let mut first_desk = floor
        .supervisor
        .open(watch, json!({"agent_id": floor.agent}))
        .await
        .unwrap();
    first_desk.next().await.unwrap();
    available(&floor.supervisor, &floor.agent).await;
    let record = "rapport.interactions.v1.InteractionService/RecordInteraction";
    floor
        .connector
        .call(record, contact(&floor, "chat-2", "CHAT", "@ayu"))
        .await
        .unwrap();
    let offered = loop {
        if let Some(offer) = first_desk.next().await.unwrap().unwrap().get("offer") {
            break offer.clone();
        }
    };
    let mut second_desk = floor
        .supervisor
        .open(watch, json!({"agent_id": second}))
        .await
        .unwrap();
    second_desk.next().await.unwrap();
    available(&floor.supervisor, &second).await;
    drop(first_desk);
    let again = loop {
        if let Some(offer) = second_desk.next().await.unwrap().unwrap().get("offer") {
            break offer.clone();
        }
    };
    assert_eq!(again["work_item"]["id"], offered["work_item"]["id"]);
    let late = json!({"request_id": request_id(), "offer_id": offered["id"]});
    let refusal = floor
        .supervisor
        .call("rapport.routing.v1.OfferService/AcceptOffer", late)
        .await
        .unwrap_err();
    assert_eq!(refusal.code, tonic::Code::FailedPrecondition);
}

/// An agent answers, the connector sends it, the customer reads it.
async fn a_reply_is_sent_and_read(suite: &Suite) {
    let floor = floor(suite).await;
    let chat = contact(&floor, "chat-3", "CHAT", "@sari");
    let record = "rapport.interactions.v1.InteractionService/RecordInteraction";
    let asked = floor.connector.call(record, chat).await.unwrap();
    let reply = json!({
        "request_id": request_id(), "conversation_id": asked["interaction"]["conversation_id"],
        "reply_to_interaction_id": asked["interaction"]["id"], "parts": [{"text": "Sudah kami kirim."}],
    });
    let queue = "rapport.interactions.v1.OutboundService/QueueOutbound";
    let queued = floor.supervisor.call(queue, reply.clone()).await.unwrap();
    let again = floor.supervisor.call(queue, reply).await.unwrap();
    assert_eq!(queued["outbound"]["id"], again["outbound"]["id"]);

    let (words, outgoing) = tokio::sync::mpsc::channel(8);
    let deliver = "rapport.interactions.v1.OutboundService/DeliverOutbound";
    let outgoing = tokio_stream::wrappers::ReceiverStream::new(outgoing);
    let mut line = floor.connector.converse(deliver, outgoing).await.unwrap();
    let opening = json!({"opening": {"window": 10}});
    words.send(opening).await.unwrap();
    let delivery = heard(&mut line, "delivery").await;
    assert_eq!(delivery["outbound_id"], queued["outbound"]["id"]);
    assert_eq!(delivery["parts"][0]["text"], json!("Sudah kami kirim."));
    assert_eq!(delivery["recipient"]["value"], json!("@sari"));
    assert_eq!(delivery["reply_to_external_id"], json!("chat-3"));
    let named = json!({"outbound_id": delivery["outbound_id"], "attempt": delivery["attempt"]});
    words.send(json!({"accepted": named})).await.unwrap();
    heard(&mut line, "confirmation").await;
    let mut sent = named;
    sent["message_id"] = json!("provider-3");
    words.send(json!({"sent": sent})).await.unwrap();
    assert_eq!(
        heard(&mut line, "receipt").await["state"],
        json!("OUTBOUND_STATE_SENT")
    );
    let read = json!({"fact": {"external_id": "provider-3", "key": "read", "event_time": now(),
        "delivery": {"state": "DELIVERY_STATE_READ"}}});
    let fact = "rapport.interactions.v1.FactService/RecordFact";
    let told = floor.connector.call(fact, read).await.unwrap();
    assert_eq!(told["interaction_id"], queued["outbound"]["interaction_id"]);
    let request = json!({"outbound_id": queued["outbound"]["id"]});
    let get = "rapport.interactions.v1.OutboundService/GetOutbound";
    let way = floor.supervisor.call(get, request).await.unwrap();
    assert_eq!(way["outbound"]["state"], json!("OUTBOUND_STATE_READ"));
}

/// What a stream of deliveries says next, past signs of life.
async fn heard(line: &mut Opened, what: &str) -> Value {
    loop {
        let said = line.next().await.unwrap().expect("the stream goes on");
        if let Some(said) = said.get(what) {
            return said.clone();
        }
        assert_eq!(said, json!({}), "not a {what}");
    }
}

/// A file is uploaded by a stream and a call, named by a contact, and read by who may.
async fn a_file_goes_up_and_comes_down(suite: &Suite) {
    let (connector, supervisor) = (suite.connector("chat-hub"), suite.supervisor());
    let media = |rpc: &str| format!("rapport.interactions.v1.MediaService/{rpc}");
    let begin = json!({"request_id": request_id(), "file_name": "halo.txt", "size_bytes": 9});
    let begun = connector.call(&media("BeginUpload"), begin).await.unwrap();
    let id = &begun["media_id"];
    // "halo halo", of which a stream keeps nothing: it ends neither at a step nor at the end.
    let messages = vec![
        json!({"media_id": id, "data": "aGFs"}),
        json!({"data": "byBo"}),
    ];
    let messages = futures::stream::iter(messages);
    let mut kept = connector
        .converse(&media("StreamUpload"), messages)
        .await
        .unwrap();
    assert_eq!(kept.next().await.unwrap(), Some(json!({})));
    let whole = json!({"media_id": id, "data": "aGFsbyBoYWxv"});
    let kept = connector.call(&media("AppendUpload"), whole).await.unwrap();
    assert_eq!(kept["received_bytes"], json!("9"));
    let finish = json!({"media_id": id});
    let finished = connector
        .call(&media("FinishUpload"), finish.clone())
        .await
        .unwrap();
    assert_eq!(finished["media"]["media_type"], json!("text/plain"));
    let mut named = json!({"interaction": {
        "external_id": format!("file-{}", request_id()), "kind": "INTERACTION_KIND_MESSAGE",
        "channel": "CHANNEL_CHAT", "direction": "DIRECTION_INBOUND", "event_time": now(),
        "parts": [{"attachment": {"media_id": id}}],
    }});
    let record = "rapport.interactions.v1.InteractionService/RecordInteraction";
    connector.call(record, named.clone()).await.unwrap();
    let range = json!({"media_id": id, "offset": 5, "length": 3});
    let mut read = supervisor
        .open(&media("DownloadMedia"), range)
        .await
        .unwrap();
    let first = read.next().await.unwrap().unwrap();
    assert_eq!(first["media"], finished["media"]);
    let data = read.next().await.unwrap().unwrap();
    assert_eq!(
        (&data["offset"], &data["data"]),
        (&json!("5"), &json!("aGFs"))
    );
    assert_eq!(read.next().await.unwrap(), None);
    let another = suite.connector("mail-hub");
    let refusal = another.call(&media("GetMedia"), finish).await.unwrap_err();
    assert_eq!(refusal.code, tonic::Code::NotFound);
    named["interaction"]["external_id"] = json!("file-missing");
    named["interaction"]["parts"][0]["attachment"]["media_id"] = json!(another_of(id));
    let refusal = connector.call(record, named).await.unwrap_err();
    assert_eq!(refusal.reason, "MEDIA_NOT_READY");
}

/// An id of the same kind that nobody has.
fn another_of(id: &Value) -> String {
    id.as_str().unwrap().replace("med_0", "med_1")
}

async fn all_journeys(suite: &Suite) {
    one_contact_end_to_end(suite).await;
    a_hang_up_withdraws_the_waiting_work(suite).await;
    an_agent_who_goes_away_loses_the_offer_and_nothing_else(suite).await;
    a_reply_is_sent_and_read(suite).await;
    a_file_goes_up_and_comes_down(suite).await;
    crate::audit::nothing_is_untold(suite).await;
    suite.verify().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn journeys_embedded_on_sqlite() {
    let suite = Suite::fresh(Topology::Embedded, Database::sqlite()).await;
    all_journeys(&suite).await;
    suite.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn journeys_split_on_postgres() {
    // Where there is no PostgreSQL the engines have said so loudly; with CI=true they have failed.
    let Ok(database) = Database::postgres() else {
        return;
    };
    let suite = Suite::fresh(Topology::Split, database).await;
    all_journeys(&suite).await;
    suite.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_spans_gateway_and_all_services() {
    let receiver = Receiver::start().await;
    let suite = Suite::traced(Topology::Split, Database::sqlite(), receiver.address).await;
    one_contact_end_to_end(&suite).await;
    until(
        "one trace over gateway, interactions, profiles, routing and loyalty",
        || async {
            let spans = receiver.spans();
            let traces = spans
                .iter()
                .map(|span| span.trace.clone())
                .collect::<std::collections::BTreeSet<_>>();
            let whole = |trace: &String| {
                ["gateway", "interactions", "profiles", "routing", "loyalty"]
                    .into_iter()
                    .all(|role| {
                        spans
                            .iter()
                            .any(|s| s.trace == *trace && s.service == format!("rapport-{role}"))
                    })
            };
            traces.iter().any(whole).then_some(())
        },
    )
    .await;
    suite.stop().await;
}
