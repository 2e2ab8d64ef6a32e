//! Every RPC of the contracts is asked without a credential, with the wrong scope, and for what
//! belongs to another tenant. A new RPC is asked as well, without a line here.

use std::collections::BTreeMap;

use prost_reflect::{MethodDescriptor, Value as Field};
use rapport_tests::{Client, Database, Suite, Topology, methods, now, policy, request_id, until};
use serde_json::{Map, Value, json};
use tonic::Code;

use crate::audit;

fn name(method: &MethodDescriptor) -> String {
    format!("{}/{}", method.parent_service().full_name(), method.name())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rpc_refuses_strangers_and_foreigners() {
    let mut suite = Suite::fresh(Topology::Embedded, Database::sqlite()).await;
    every_rpc_wants_a_credential(&suite).await;
    every_rpc_wants_its_scope(&suite).await;
    every_rpc_hides_what_belongs_to_another_tenant(&suite).await;
    audit::every_refusal_is_there(&suite).await;
    audit::nothing_is_untold(&suite).await;
    audit::what_is_written_outlives_a_kill(&mut suite).await;
    suite.stop().await;
}

async fn every_rpc_wants_a_credential(suite: &Suite) {
    let stranger = suite.stranger();
    for method in methods() {
        let refusal = stranger.knock(&method, Vec::new()).await.unwrap_err();
        assert_eq!(
            refusal.code,
            Code::Unauthenticated,
            "{}: {refusal:?}",
            name(&method)
        );
    }
}

async fn every_rpc_wants_its_scope(suite: &Suite) {
    let nobody = suite.client_with_scopes(&["nothing.at.all"]);
    for method in methods() {
        let refusal = nobody.knock(&method, Vec::new()).await.unwrap_err();
        let expected = if policy(&method).internal {
            Code::Unimplemented
        } else {
            Code::PermissionDenied
        };
        assert_eq!(refusal.code, expected, "{}: {refusal:?}", name(&method));
    }
}

async fn every_rpc_hides_what_belongs_to_another_tenant(suite: &Suite) {
    let ours = Resources::create(suite).await;
    let before = ours.read(suite).await;
    let foreigner = suite.everything_of_another_tenant().await;
    let mut asked = 0;
    for method in methods()
        .into_iter()
        .filter(|method| !policy(method).internal)
    {
        let fields = path_ids(&method);
        if fields.is_empty() {
            continue;
        }
        asked += 1;
        let theirs = ask(&foreigner, &method, &ours.ids).await;
        let random: BTreeMap<String, String> = ours
            .ids
            .iter()
            .map(|(field, id)| (field.clone(), another(id)))
            .collect();
        let nobodys = ask(&foreigner, &method, &random).await;
        match (&theirs, &nobodys) {
            (Answer::Refused(code, reason, message), Answer::Refused(_, other_reason, other)) => {
                // Only operators manage tenants, and operators see all of them: a foreigner is none.
                let operators_only = policy(&method).scope == "access.manage";
                let expected = if operators_only {
                    Code::PermissionDenied
                } else {
                    Code::NotFound
                };
                assert_eq!(*code, expected, "{}: {reason} {message}", name(&method));
                let mut same = other.clone();
                for field in &fields {
                    same = same.replace(&random[field], &ours.ids[field]);
                }
                assert_eq!(
                    (reason, message),
                    (other_reason, &same),
                    "{}",
                    name(&method)
                );
            }
            (theirs, nobodys) => assert_eq!(theirs, nobodys, "{}", name(&method)),
        }
        assert!(
            !matches!(&theirs, Answer::Told(page) if !page.is_empty()),
            "{}: {theirs:?}",
            name(&method)
        );
    }
    assert!(
        asked > 25,
        "only {asked} RPCs name a resource in their path"
    );
    assert_eq!(
        before,
        ours.read(suite).await,
        "a foreigner changed something"
    );
    let read = before.keys().filter_map(|name| {
        let field = path_ids(&rapport_tests::method(name)).pop()?;
        Some((name.clone(), ours.ids.get(&field)?.clone()))
    });
    audit::every_reading_names_its_resource(suite, read).await;
}

#[derive(Debug, PartialEq)]
enum Answer {
    Refused(Code, String, String),
    Told(Map<String, Value>),
}

async fn ask(client: &Client, method: &MethodDescriptor, ids: &BTreeMap<String, String>) -> Answer {
    let mut request = filled(method);
    for field in path_ids(method) {
        let id = ids
            .get(&field)
            .unwrap_or_else(|| panic!("{}: no resource for {field}", name(method)));
        request[field.as_str()] = json!(id);
    }
    let answer = if method.is_server_streaming() {
        match client.open(&name(method), request).await {
            Ok(mut stream) => stream.next().await.map(Option::unwrap_or_default),
            Err(refusal) => Err(refusal),
        }
    } else {
        client.call(&name(method), request).await
    };
    match answer {
        Ok(told) => Answer::Told(told.as_object().cloned().unwrap_or_default()),
        Err(refusal) => Answer::Refused(refusal.code, refusal.reason, refusal.message),
    }
}

/// The ids a method's path names.
fn path_ids(method: &MethodDescriptor) -> Vec<String> {
    let http = rapport_proto::pool()
        .get_extension_by_name("google.api.http")
        .unwrap();
    let Field::Message(rule) = method.options().get_extension(&http).into_owned() else {
        return Vec::new();
    };
    ["get", "put", "post", "delete", "patch"]
        .iter()
        .filter(|verb| rule.has_field_by_name(verb))
        .flat_map(|verb| {
            let path = rule
                .get_field_by_name(verb)
                .unwrap()
                .as_str()
                .unwrap()
                .to_owned();
            path.split('{')
                .skip(1)
                .map(|rest| rest.split('}').next().unwrap_or_default().to_owned())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// A request that is right in everything but its ids.
fn filled(method: &MethodDescriptor) -> Value {
    let points = json!({"units": 1, "code": "PTS"});
    let mut request = match method.name() {
        "UpdateTenant" => json!({"tenant": {"display_name": "x"}, "update_mask": "displayName"}),
        "UpdateCustomer" => {
            json!({"customer": {"display_name": "x"}, "update_mask": "displayName"})
        }
        "AddIdentifier" => {
            json!({"identifier": {"type": "IDENTIFIER_TYPE_EMAIL", "value": "a@example.com"}})
        }
        "MergeCustomers" | "UnmergeCustomers" => json!({"merged_customer_id": another_of("cus")}),
        "AddTicketNote" => json!({"text": "x"}),
        "MergeTickets" => json!({"merged_ticket_id": another_of("tkt")}),
        "LinkTickets" => json!({"part_ticket_ids": [another_of("tkt")]}),
        "SplitTicket" => json!({"work_item_ids": [another_of("wki")]}),
        "UpdateTicket" => json!({"ticket": {"subject": "x"}, "update_mask": "subject"}),
        "UpdateAgent" => json!({"agent": {"display_name": "x"}, "update_mask": "displayName"}),
        "SetAgentStatus" => json!({"status": "AGENT_STATUS_AWAY"}),
        "AssignWorkItem" => json!({"to": {"agent_id": another_of("agt")}, "reason": "x"}),
        "MoveWorkItem" => json!({"queue_id": another_of("que"), "reason": "x"}),
        "ReleaseWorkItem" => json!({"reason": "x"}),
        "MonitorWorkItem" => {
            json!({"mode": "MONITOR_MODE_MONITOR", "agent_id": another_of("agt"), "reason": "x"})
        }
        "TransferWorkItem" | "StartConsult" => json!({"to": {"queue_id": another_of("que")}}),
        "UpdateQueue" => json!({"queue": {"display_name": "x"}, "update_mask": "displayName"}),
        "UpdateCalendar" => {
            json!({"calendar": {"display_name": "x"}, "update_mask": "displayName"})
        }
        "UpdateSlaPolicy" => {
            json!({"sla_policy": {"display_name": "x"}, "update_mask": "displayName"})
        }
        "UpdateRoutingDraft" => {
            json!({"routing_policy": {"display_name": "x"}, "update_mask": "displayName"})
        }
        "UpdateApiKey" => json!({"api_key": {"display_name": "x"}, "update_mask": "displayName"}),
        "UpdateRole" => json!({"role": {"display_name": "x"}, "update_mask": "displayName"}),
        "MergeConversations" => json!({"merged_conversation_id": another_of("cnv")}),
        "SplitConversation" => json!({"interaction_ids": [another_of("int")]}),
        "UndoConversationChange" => json!({"change_id": another_of("cch")}),
        "ReleaseLegalHold" => json!({"reason": "x"}),
        "BindRole" => json!({"issuer": "https://identity.test", "principal": "canary"}),
        "EarnPoints" | "HoldPoints" => json!({"points": points}),
        "EnrolMember" => {
            json!({"customer": {"customer_id": another_of("cus"), "record_id": another_of("rec")}})
        }
        "AppendUpload" => json!({"data": "AAAA"}),
        _ => json!({}),
    };
    if method.input().get_field_by_name("request_id").is_some() {
        request["request_id"] = json!(request_id());
    }
    request
}

/// An id of the same kind that nobody has.
fn another(id: &str) -> String {
    another_of(id.split('_').next().unwrap_or_default())
}

fn another_of(prefix: &str) -> String {
    // TypeID: five bits a letter; a letter more or less at the end is another UUID.
    let alphabet = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut rest = uuid::Uuid::now_v7().as_u128();
    let mut letters = [0u8; 26];
    for letter in letters.iter_mut().rev() {
        *letter = alphabet[(rest & 31) as usize];
        rest >>= 5;
    }
    format!("{prefix}_{}", std::str::from_utf8(&letters).unwrap())
}

/// One of everything, in the tenant of the test.
struct Resources {
    ids: BTreeMap<String, String>,
}

impl Resources {
    async fn create(suite: &Suite) -> Self {
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
        let ticket = made("rapport.routing.v1.TicketService/CreateTicket", json!({
            "ticket": {"subject": "Canary", "queue_id": queue["id"]}, "work_channel": "CHANNEL_EMAIL",
        })).await["ticket"].clone();
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
    async fn read(&self, suite: &Suite) -> BTreeMap<String, Value> {
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
