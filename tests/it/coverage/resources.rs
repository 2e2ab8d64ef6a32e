//! One of everything that an RPC can be asked for.

use std::collections::BTreeMap;

use rapport_tests::{Client, Suite, methods, now, request_id, until};
use serde_json::{Value, json};

use super::{name, path_ids};

/// One of everything, in the tenant of the test.
pub(super) struct Resources {
    pub(super) ids: BTreeMap<String, String>,
}

impl Resources {
    pub(super) async fn create(suite: &Suite) -> Self {
        let us = suite.everything();
        let made = async |name: &str, mut request: Value| {
            request["request_id"] = json!(request_id());
            us.call(name, request)
                .await
                .unwrap_or_else(|refusal| panic!("{name}: {refusal:?}"))
        };
        let customer = made(
            "rapport.profiles.v1.CustomerService/CreateCustomer",
            json!({
                "customer": {"display_name": "Canary"},
                "identifiers": [{"type": "IDENTIFIER_TYPE_EMAIL", "value": "canary@example.com"}],
            }),
        )
        .await["customer"]
            .clone();
        let queue = made(
            "rapport.routing.v1.QueueService/CreateQueue",
            json!({
                "queue": {"code": "canary", "display_name": "Canary", "offer_timeout_s": 600},
            }),
        )
        .await["queue"]
            .clone();
        let agent = made("rapport.routing.v1.AgentService/CreateAgent", json!({
            "agent": {"principal": "canary", "display_name": "Canary", "queue_ids": [queue["id"]]},
        })).await["agent"].clone();
        let ticket = handed_over(&us, &made, &queue["id"]).await;
        let (calendar, sla_policy) = promised(&made).await;
        let routing_policy = made(
            "rapport.routing.v1.RoutingPolicyService/CreateRoutingDraft",
            json!({"routing_policy": {"display_name": "Canary"}}),
        )
        .await["routing_policy"]
            .clone();
        let program = made("rapport.loyalty.v1.ProgramService/CreateProgram", json!({
            "program": {"code": "canary", "display_name": "Canary", "point_code": "PTS",
                "earn_rule": {"currency_code": "EUR", "currency_exponent": 2, "points": 1, "per": 100}},
        })).await["program"].clone();
        let member = made(
            "rapport.loyalty.v1.ProgramService/EnrolMember",
            json!({
                "program_id": program["id"],
                "customer": {"customer_id": customer["id"], "record_id": customer["record_ids"][0]},
            }),
        )
        .await["member"]
            .clone();
        let points = json!({"units": 10, "code": "PTS"});
        let earned = made(
            "rapport.loyalty.v1.LedgerService/EarnPoints",
            json!({"member_id": member["id"], "points": points}),
        )
        .await;
        let held = made(
            "rapport.loyalty.v1.LedgerService/HoldPoints",
            json!({"member_id": member["id"], "points": points}),
        )
        .await;
        let interaction = suite.connector("canary").call("rapport.interactions.v1.InteractionService/RecordInteraction", json!({
            "interaction": {
                "external_id": "canary", "kind": "INTERACTION_KIND_VISIT", "channel": "CHANNEL_STORE",
                "direction": "DIRECTION_INBOUND", "event_time": now(),
                "participants": [{"role": "PARTICIPANT_ROLE_CUSTOMER", "identifier": {
                    "type": "IDENTIFIER_TYPE_EMAIL", "value": "canary@example.com"}}]},
        })).await.unwrap()["interaction"].clone();
        linked(&us, &interaction["id"]).await;
        let outbound = made(
            "rapport.interactions.v1.OutboundService/QueueOutbound",
            json!({"conversation_id": interaction["conversation_id"], "parts": [{"text": "Canary"}]}),
        )
        .await["outbound"]
            .clone();
        let (offer, work_item) = offered(&us, &agent["id"]).await;
        let hold = made(
            "rapport.interactions.v1.PrivacyService/PlaceLegalHold",
            json!({"conversation_id": interaction["conversation_id"], "reason": "Canary"}),
        )
        .await["legal_hold"]
            .clone();
        let key = made(
            "rapport.access.v1.ApiKeyService/CreateApiKey",
            json!({"display_name": "Canary", "kind": "API_KEY_KIND_SYSTEM", "scopes": ["loyalty.read"]}),
        )
        .await["api_key"]
            .clone();
        let role = made(
            "rapport.access.v1.RoleService/CreateRole",
            json!({"display_name": "Canaries", "scopes": ["loyalty.read"]}),
        )
        .await["role"]
            .clone();
        let binding = made(
            "rapport.access.v1.RoleService/BindRole",
            json!({"role_id": role["id"], "issuer": "https://identity.test", "principal": "canary"}),
        )
        .await["binding"]
            .clone();
        let media = made(
            "rapport.interactions.v1.MediaService/BeginUpload",
            json!({"file_name": "canary.txt", "size_bytes": 3}),
        )
        .await["media_id"]
            .clone();
        for (step, request) in [
            ("AppendUpload", json!({"media_id": media, "data": "AAAA"})),
            ("FinishUpload", json!({"media_id": media})),
        ] {
            let step = format!("rapport.interactions.v1.MediaService/{step}");
            us.call(&step, request).await.unwrap();
        }
        let ids = [
            ("tenant_id", json!(suite.tenant())),
            ("customer_id", customer["id"].clone()),
            ("identifier_id", customer["identifiers"][0]["id"].clone()),
            ("queue_id", queue["id"].clone()),
            ("agent_id", agent["id"].clone()),
            ("ticket_id", ticket["id"].clone()),
            ("calendar_id", calendar["id"].clone()),
            ("sla_policy_id", sla_policy["id"].clone()),
            ("routing_policy_id", routing_policy["id"].clone()),
            ("program_id", program["id"].clone()),
            ("member_id", member["id"].clone()),
            ("entry_id", earned["entry"]["id"].clone()),
            ("hold_id", held["hold"]["id"].clone()),
            ("interaction_id", interaction["id"].clone()),
            ("conversation_id", interaction["conversation_id"].clone()),
            ("outbound_id", outbound["id"].clone()),
            ("legal_hold_id", hold["id"].clone()),
            ("media_id", media),
            ("offer_id", offer),
            ("work_item_id", work_item),
            ("api_key_id", key["id"].clone()),
            ("role_id", role["id"].clone()),
            ("binding_id", binding["id"].clone()),
        ];
        let ids = ids.into_iter().map(|(field, id)| {
            (
                field.to_owned(),
                id.as_str()
                    .unwrap_or_else(|| panic!("no {field}"))
                    .to_owned(),
            )
        });
        Self { ids: ids.collect() }
    }

    /// Reads each of them back.
    pub(super) async fn read(&self, suite: &Suite) -> BTreeMap<String, Value> {
        let us = suite.everything();
        let mut read = BTreeMap::new();
        for method in methods()
            .iter()
            .filter(|m| m.name().starts_with("Get") && !m.name().ends_with("Balance"))
        {
            let fields = path_ids(method);
            let [field] = fields.as_slice() else { continue };
            let answer = us
                .call(&name(method), json!({field.as_str(): self.ids[field]}))
                .await;
            read.insert(
                name(method),
                answer.unwrap_or_else(|refusal| panic!("{}: {refusal:?}", name(method))),
            );
        }
        read
    }
}

/// A ticket whose work a virtual agent took, and handed over to this queue.
async fn handed_over(
    us: &Client,
    made: &impl AsyncFn(&str, Value) -> Value,
    queue: &Value,
) -> Value {
    let front = made(
        "rapport.routing.v1.QueueService/CreateQueue",
        json!({"queue": {"code": "front", "display_name": "Front", "offer_timeout_s": 600}}),
    )
    .await["queue"]["id"]
        .clone();
    let bot = made(
        "rapport.routing.v1.AgentService/CreateAgent",
        json!({"agent": {"principal": "bot", "display_name": "Bot", "kind": "AGENT_KIND_VIRTUAL",
            "queue_ids": [front]}}),
    )
    .await["agent"]["id"]
        .clone();
    let ticket = made(
        "rapport.routing.v1.TicketService/CreateTicket",
        json!({"ticket": {"subject": "Canary", "queue_id": front}, "work_channel": "CHANNEL_EMAIL"}),
    )
    .await["ticket"]
        .clone();
    let (offer, item) = offered(us, &bot).await;
    made(
        "rapport.routing.v1.OfferService/AcceptOffer",
        json!({"offer_id": offer}),
    )
    .await;
    made(
        "rapport.routing.v1.VirtualAgentService/HandOverWork",
        json!({"work_item_id": item, "queue_id": queue,
            "entries": [{"key": "colour", "value": "yellow"}]}),
    )
    .await;
    ticket
}

/// A calendar, and a policy that promises something by it.
async fn promised(made: &impl AsyncFn(&str, Value) -> Value) -> (Value, Value) {
    let always = json!({"day": "DAY_OF_WEEK_MONDAY", "start_minute": 0, "end_minute": 1440});
    let calendar = made(
        "rapport.routing.v1.CalendarService/CreateCalendar",
        json!({"calendar": {"code": "canary", "display_name": "Canary", "time_zone": "UTC",
            "weekly_openings": [always]}}),
    )
    .await["calendar"]
        .clone();
    let target = json!({"clock": "SLA_CLOCK_KIND_RESOLUTION", "within_s": 3_600});
    let policy = made(
        "rapport.routing.v1.SlaPolicyService/CreateSlaPolicy",
        json!({"sla_policy": {"code": "canary", "display_name": "Canary",
            "calendar_id": calendar["id"], "targets": [target]}}),
    )
    .await["sla_policy"]
        .clone();
    (calendar, policy)
}

/// Waits until a contact has its customer: what is read afterwards stays as it is.
async fn linked(client: &Client, interaction: &Value) {
    until("the contact is linked", || async {
        let request = json!({"interaction_id": interaction});
        let read = client
            .call(
                "rapport.interactions.v1.InteractionService/GetInteraction",
                request,
            )
            .await
            .unwrap();
        (read["interaction"]["link_state"] == "LINK_STATE_LINKED").then_some(())
    })
    .await;
}

/// Seats the agent for a moment, so that an offer is pending; the desk stays open in the background.
async fn offered(client: &Client, agent: &Value) -> (Value, Value) {
    let watch = "rapport.routing.v1.OfferService/WatchOffers";
    let mut desk = client
        .open(watch, json!({"agent_id": agent}))
        .await
        .unwrap();
    let status =
        json!({"request_id": request_id(), "agent_id": agent, "status": "AGENT_STATUS_AVAILABLE"});
    client
        .call("rapport.routing.v1.AgentService/SetAgentStatus", status)
        .await
        .unwrap();
    let offer = loop {
        let event = desk.next().await.unwrap().expect("the desk stays open");
        if let Some(offer) = event.get("offer") {
            break offer.clone();
        }
    };
    tokio::spawn(async move { while let Ok(Some(_)) = desk.next().await {} });
    let item = offer["work_item"]["id"].clone();
    until("the offer in the work item", || async {
        let request = json!({"work_item_id": item});
        let read = client
            .call("rapport.routing.v1.WorkItemService/GetWorkItem", request)
            .await
            .unwrap();
        (read["work_item"]["offer_id"] == offer["id"]).then_some(())
    })
    .await;
    (offer["id"].clone(), item)
}
