//! The audit trail over the whole suite: no service may leave out what a call touched.

use std::collections::{BTreeMap, BTreeSet};

use rapport_tests::{Client, Suite, methods, policy, until};
use serde_json::{Value, json};

/// The methods whose calls must be in the trail.
pub(crate) fn audited() -> BTreeSet<String> {
    let marked = methods().into_iter().filter(|method| {
        let policy = policy(method);
        (policy.personal_data || policy.audited) && !policy.internal
    });
    marked
        .map(|method| format!("{}/{}", method.parent_service().full_name(), method.name()))
        .collect()
}

/// Everything in the tenant's trail.
pub(crate) async fn trail(suite: &Suite) -> Vec<Value> {
    export(&suite.everything()).await
}

async fn export(client: &Client) -> Vec<Value> {
    let mut entries = Vec::new();
    let method = "rapport.access.v1.AuditService/ExportAuditEntries";
    let mut stream = client.open(method, json!({})).await.unwrap();
    while let Some(answer) = stream.next().await.unwrap() {
        entries.push(answer["entry"].clone());
    }
    entries
}

/// Every call that succeeded was told by its service, and whatever was told is an id.
pub(crate) async fn nothing_is_untold(suite: &Suite) {
    let entries = trail(suite).await;
    assert!(!entries.is_empty());
    let untold: BTreeSet<&str> = entries
        .iter()
        // A stream that was cut cannot be told any more.
        .filter(|entry| entry["untold"] == json!(true) && entry["outcome"] == json!("OK"))
        .filter_map(|entry| entry["method"].as_str())
        .collect();
    assert!(
        untold.is_empty(),
        "these services do not tell what they touched: {untold:?}"
    );
    let audited = audited();
    for entry in &entries {
        let method = entry["method"].as_str().unwrap();
        assert!(audited.contains(method), "{method} is not to be audited");
    }
}

/// A refusal of each method is in the trail.
pub(crate) async fn every_refusal_is_there(suite: &Suite) {
    until("a refusal of every audited method in the trail", || async {
        let refused: BTreeSet<String> = trail(suite)
            .await
            .iter()
            .filter(|entry| entry["outcome"] == json!("PERMISSION_DENIED"))
            .map(|entry| entry["method"].as_str().unwrap().to_owned())
            .collect();
        audited().is_subset(&refused).then_some(())
    })
    .await;
}

/// Each resource that was read can be found by who asks who read it.
pub(crate) async fn every_reading_names_its_resource(
    suite: &Suite,
    read: impl IntoIterator<Item = (String, String)>,
) {
    let audited = audited();
    let read: BTreeMap<String, String> = read.into_iter().collect();
    let mut asked = 0;
    for (method, id) in read.iter().filter(|(method, _)| audited.contains(*method)) {
        asked += 1;
        let question = json!({"resource_id": id, "method_prefix": method, "outcome": "OK"});
        until(&format!("{id} in an entry of {method}"), || async {
            let list = "rapport.access.v1.AuditService/ListAuditEntries";
            let answer = suite
                .everything()
                .call(list, question.clone())
                .await
                .unwrap();
            let entries = answer["entries"].as_array().cloned().unwrap_or_default();
            let names = |entry: &Value| {
                let ids = entry["resource_ids"].as_array().cloned();
                ids.unwrap_or_default().contains(&json!(id))
            };
            (!entries.is_empty() && entries.iter().all(names)).then_some(())
        })
        .await;
    }
    assert!(asked > 5, "only {asked} readings are audited");
}

/// What was read once is there after a SIGKILL, and the chain of the killed process is whole.
pub(crate) async fn what_is_written_outlives_a_kill(suite: &mut Suite) {
    let before = trail(suite).await;
    suite.kill_and_restart().await;
    let after = trail(suite).await;
    assert!(before.iter().all(|entry| after.contains(entry)));
    until("a chain of the new process", || async {
        let replicas: BTreeSet<String> = trail(suite)
            .await
            .iter()
            .map(|entry| entry["replica_id"].as_str().unwrap().to_owned())
            .collect();
        (replicas.len() == 2).then_some(())
    })
    .await;
    suite.verify().await.unwrap();
}
