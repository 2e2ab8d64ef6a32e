//! Every RPC of the contracts is asked without a credential, with the wrong scope, and for what
//! belongs to another tenant. A new RPC is asked as well, without a line here.

mod resources;

use std::collections::BTreeMap;

use prost_reflect::{MethodDescriptor, Value as Field};
use rapport_tests::{Client, Database, Suite, Topology, methods, policy, request_id};
use serde_json::{Map, Value, json};
use tonic::Code;

use crate::audit;
use resources::Resources;

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
        "ExtendWrapUp" => json!({"by_s": 60}),
        "HandOverWork" => json!({"queue_id": another_of("que")}),
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
