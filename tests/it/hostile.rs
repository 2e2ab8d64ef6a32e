//! Bad input: each gets its own clear answer, nothing is stored, the suite stays up.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use futures::stream;
use rapport_tests::{Client, Database, Refusal, Suite, Topology, method, now, request_id};
use serde_json::{Value, json};
use tonic::Code;

const RECORD: &str = "rapport.interactions.v1.InteractionService/RecordInteraction";
const CREATE_CUSTOMER: &str = "rapport.profiles.v1.CustomerService/CreateCustomer";
const LIST_CUSTOMERS: &str = "rapport.profiles.v1.CustomerService/ListCustomers";

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_loses_nothing_and_stops_nothing() {
    let suite = Suite::fresh(Topology::Embedded, Database::sqlite()).await;
    let connector = suite.connector("hostile");
    all_violations_are_told_at_once(&connector).await;
    unknown_and_impossible_values_are_refused(&connector).await;
    broken_bytes_are_refused(&connector).await;
    another_content_under_a_taken_key_is_a_conflict(&suite).await;
    a_request_id_serves_one_content(&suite.supervisor()).await;
    a_page_token_serves_one_query(&suite.supervisor()).await;
    tokens_that_are_not_ours_open_nothing(&suite).await;
    a_giant_message_is_refused_unread(&connector).await;
    a_connector_that_stops_reading_hurts_nobody(&suite).await;
    suite.verify().await.unwrap();
    suite.stop().await;
}

fn contact(external_id: &str) -> Value {
    json!({
        "external_id": external_id, "kind": "INTERACTION_KIND_MESSAGE", "channel": "CHANNEL_EMAIL",
        "direction": "DIRECTION_INBOUND", "event_time": now(),
        "participants": [{"role": "PARTICIPANT_ROLE_CUSTOMER", "identifier": {
            "type": "IDENTIFIER_TYPE_EMAIL", "value": "someone@example.com"}}],
        "parts": [{"text": "hello"}],
    })
}

async fn refused(client: &Client, name: &str, request: Value) -> Refusal {
    client
        .call(name, request.clone())
        .await
        .expect_err(&format!("{name} took {request}"))
}

async fn all_violations_are_told_at_once(connector: &Client) {
    let refusal = refused(
        connector,
        RECORD,
        json!({"interaction": {"subject": "x".repeat(999)}}),
    )
    .await;
    assert_eq!(refusal.code, Code::InvalidArgument);
    for field in [
        "external_id",
        "kind",
        "channel",
        "direction",
        "event_time",
        "subject",
    ] {
        assert!(
            refusal.fields.iter().any(|f| f.ends_with(field)),
            "{field} is not in {:?}",
            refusal.fields
        );
    }
    let refusal = refused(connector, RECORD, json!({})).await;
    assert_eq!(refusal.code, Code::InvalidArgument);
}

async fn unknown_and_impossible_values_are_refused(connector: &Client) {
    let cases = [
        ("channel", json!(99)),
        ("kind", json!(-1)),
        ("event_time", json!("1890-01-01T00:00:00Z")),
        ("event_time", json!("2190-01-01T00:00:00Z")),
        ("external_id", json!("x".repeat(257))),
        ("external_id", json!("with a nul \u{0}")),
        ("subject", json!("with a nul \u{0}")),
        ("thread_key", json!("x".repeat(513))),
        ("parts", json!([{"text": "x".repeat(100_001)}])),
        ("parts", json!([{}])),
        ("attributes", json!({"UPPER CASE": "x"})),
        (
            "participants",
            json!([{"role": "PARTICIPANT_ROLE_CUSTOMER"}]),
        ),
    ];
    for (field, value) in cases {
        let mut input = contact("bad-value");
        input[field] = value.clone();
        let refusal = refused(connector, RECORD, json!({"interaction": input})).await;
        assert_eq!(refusal.code, Code::InvalidArgument, "{field}: {value}");
        assert!(
            refusal.fields.iter().any(|f| f.contains(field)),
            "{field}: {:?}",
            refusal.fields
        );
    }
}

async fn broken_bytes_are_refused(connector: &Client) {
    let record = method(RECORD);
    // Field 1 (interaction) with a field 1 (external_id) that is not UTF-8; then plain garbage.
    for bytes in [vec![0x0a, 0x04, 0x0a, 0x02, 0xff, 0xfe], vec![0xff; 32]] {
        let refusal = connector.call_bytes(&record, bytes).await.unwrap_err();
        assert!(
            matches!(refusal.code, Code::InvalidArgument | Code::Internal),
            "{:?}: {}",
            refusal.code,
            refusal.message
        );
    }
}

async fn another_content_under_a_taken_key_is_a_conflict(suite: &Suite) {
    let connector = suite.connector("hostile");
    let first = contact("taken");
    connector
        .call(RECORD, json!({"interaction": first.clone()}))
        .await
        .unwrap();
    let mut other = first.clone();
    other["parts"] = json!([{"text": "something else"}]);
    let refusal = refused(&connector, RECORD, json!({"interaction": other})).await;
    assert_eq!(
        (refusal.code, refusal.reason.as_str()),
        (Code::AlreadyExists, "EXTERNAL_ID_REUSED")
    );
    let conflicts = connector
        .call(
            "rapport.interactions.v1.InteractionService/ListConflicts",
            json!({}),
        )
        .await
        .unwrap();
    assert_eq!(conflicts["conflicts"].as_array().map(Vec::len), Some(1));
    // An honest redelivery differs in its raw payload only.
    let mut again = first;
    again["raw_payload"] = json!("AAEC");
    let answer = connector
        .call(RECORD, json!({"interaction": again}))
        .await
        .unwrap();
    assert_eq!(answer["duplicate"], json!(true));
}

async fn a_request_id_serves_one_content(client: &Client) {
    let request = json!({"request_id": request_id(), "customer": {"display_name": "One"}});
    let first = client.call(CREATE_CUSTOMER, request.clone()).await.unwrap();
    let again = client.call(CREATE_CUSTOMER, request.clone()).await.unwrap();
    assert_eq!(first["customer"]["id"], again["customer"]["id"]);
    let mut other = request;
    other["customer"]["display_name"] = json!("Two");
    let refusal = refused(client, CREATE_CUSTOMER, other).await;
    assert_eq!(
        (refusal.code, refusal.reason.as_str()),
        (Code::AlreadyExists, "REQUEST_ID_REUSED")
    );
    let refusal = refused(
        client,
        CREATE_CUSTOMER,
        json!({"request_id": "7", "customer": {}}),
    )
    .await;
    assert_eq!(refusal.code, Code::InvalidArgument);
}

async fn a_page_token_serves_one_query(client: &Client) {
    for number in 0..3 {
        let request =
            json!({"request_id": request_id(), "customer": {"display_name": format!("C{number}")}});
        client.call(CREATE_CUSTOMER, request).await.unwrap();
    }
    let page = client
        .call(LIST_CUSTOMERS, json!({"page_size": 1}))
        .await
        .unwrap();
    let token = page["next_page_token"].clone();
    client
        .call(LIST_CUSTOMERS, json!({"page_size": 1, "page_token": token}))
        .await
        .unwrap();
    let other = json!({"page_size": 1, "page_token": token, "show_deleted": true});
    let foreign = refused(client, LIST_CUSTOMERS, other).await;
    assert_eq!(
        (foreign.code, foreign.reason.as_str()),
        (Code::InvalidArgument, "PAGE_TOKEN_FOREIGN")
    );
    let forged = refused(client, LIST_CUSTOMERS, json!({"page_token": "AAAA"})).await;
    assert_eq!(forged.code, Code::InvalidArgument);
}

async fn tokens_that_are_not_ours_open_nothing(suite: &Suite) {
    // No operator: theirs is the one token that may leave out the tenant.
    let mut who = suite.who_may_do_everything();
    who.roles.retain(|role| role != "operator");
    let long_ago = chrono::Utc::now().timestamp() - 3600;
    let cases: [(&str, BTreeMap<&str, Value>); 6] = [
        ("expired", BTreeMap::from([("exp", json!(long_ago))])),
        (
            "not yet valid",
            BTreeMap::from([("nbf", json!(long_ago + 7200))]),
        ),
        (
            "of another issuer",
            BTreeMap::from([("iss", json!("https://elsewhere.test"))]),
        ),
        (
            "for another audience",
            BTreeMap::from([("aud", json!("somebody-else"))]),
        ),
        (
            "without a tenant",
            BTreeMap::from([("tenant", Value::Null)]),
        ),
        ("good for ever", BTreeMap::from([("exp", Value::Null)])),
    ];
    for (what, claims) in cases {
        shut(suite, what, &suite.credentials().token_with(&who, &claims)).await;
    }
    let stranger = rapport_tests::Credentials::new();
    shut(suite, "signed by a stranger", &stranger.token(&who)).await;
    let honest = suite.credentials().token(&who);
    let body = honest.split('.').nth(1).unwrap();
    for alg in ["none", "None", "nOnE"] {
        let head = BASE64_URL_SAFE_NO_PAD.encode(json!({"alg": alg, "typ": "JWT"}).to_string());
        shut(suite, "without a signature", &format!("{head}.{body}.")).await;
    }
}

async fn shut(suite: &Suite, what: &str, token: &str) {
    let refusal = refused(
        &suite.stranger().with_token(token),
        LIST_CUSTOMERS,
        json!({}),
    )
    .await;
    assert_eq!(refusal.code, Code::Unauthenticated, "a token {what}");
}

async fn a_giant_message_is_refused_unread(connector: &Client) {
    let refusal = connector
        .call_bytes(&method(RECORD), vec![0; 100 << 20])
        .await
        .unwrap_err();
    assert!(
        matches!(
            refusal.code,
            Code::ResourceExhausted
                | Code::Internal
                | Code::Unknown
                | Code::Cancelled
                | Code::Unavailable
        ),
        "{refusal:?}"
    );
    connector
        .call(RECORD, json!({"interaction": contact("after-the-giant")}))
        .await
        .unwrap();
}

async fn a_connector_that_stops_reading_hurts_nobody(suite: &Suite) {
    const ITEMS: usize = 4_000;
    let items = stream::iter(
        (0..ITEMS).map(|n| json!({"sequence": n, "interaction": contact(&format!("deaf-{n}"))})),
    );
    let deaf = suite.connector("deaf");
    let _never_read = deaf
        .converse(
            "rapport.interactions.v1.InteractionService/StreamInteractions",
            items,
        )
        .await
        .unwrap();
    let polite = suite.connector("polite");
    for number in 0..20 {
        let call = polite.call(
            RECORD,
            json!({"interaction": contact(&format!("polite-{number}"))}),
        );
        tokio::time::timeout(Duration::from_secs(10), call)
            .await
            .expect("others are served")
            .unwrap();
    }
}
