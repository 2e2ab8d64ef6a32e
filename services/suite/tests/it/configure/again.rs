//! Runs that are made again, and policies that hold again.

use rapport_proto::routing::v1::routing_policy_service_client::RoutingPolicyServiceClient;
use rapport_proto::routing::v1::{
    CreateRoutingDraftRequest, PublishRoutingPolicyRequest, RoutingFilter, RoutingPolicy,
    RoutingPolicyState, RoutingTarget,
};
use rapport_suite::configure::Error;

use super::{House, THREE, house};
use crate::stage::Stage;

impl House<'_> {
    /// A draft with one filter that leads to the queue `a`, as a supervisor would make it.
    async fn draft_by_hand(&self, expression: &str) -> RoutingPolicy {
        let policy = RoutingPolicy {
            filters: vec![RoutingFilter {
                code: "one".into(),
                expression: expression.into(),
                targets: vec![RoutingTarget {
                    queue_id: self.queue("a").await.id,
                    ..RoutingTarget::default()
                }],
            }],
            ..RoutingPolicy::default()
        };
        let request = CreateRoutingDraftRequest {
            request_id: uuid::Uuid::new_v4().to_string(),
            routing_policy: Some(policy),
        };
        let mut client = RoutingPolicyServiceClient::new(self.client());
        let answer = client.create_routing_draft(request).await.unwrap();
        answer.into_inner().routing_policy.unwrap()
    }

    async fn publish_by_hand(&self, draft: &RoutingPolicy) {
        let request = PublishRoutingPolicyRequest {
            request_id: uuid::Uuid::new_v4().to_string(),
            routing_policy_id: draft.id.clone(),
            etag: draft.etag.clone(),
        };
        let mut client = RoutingPolicyServiceClient::new(self.client());
        client.publish_routing_policy(request).await.unwrap();
    }
}

/// Three queues, and a policy with one filter.
fn policy(expression: &str) -> String {
    format!(
        r#"{THREE}
[[routing_policy]]
[[routing_policy.filters]]
code = "one"
expression = '{expression}'
targets = [{{ queue = "a" }}]
"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_cut_and_is_made_again_has_one_effect() {
    let stage = Stage::open().await;
    let house = house(&stage);
    let text = THREE.to_owned() + "[[routing_policy]]\ndefault_targets = [{ queue = \"a\" }]\n";
    let file = stage.write("all.toml", text.as_bytes());
    // Both saw that nothing is there, as after answers that never came.
    let (first, second) = (house.plan(&file).await, house.plan(&file).await);
    let mut say = |_: &str| {};
    first.apply(&mut say).await.unwrap();
    let before = house.queue("a").await;
    // Every call of the second run has an answer already, and the policy holds.
    let outcome = second.apply(&mut say).await.unwrap();
    assert_eq!(outcome.done.len(), 4);
    assert_eq!(
        outcome.done[3],
        "routing_policy: what the files say holds by now"
    );
    assert_eq!(house.queue("a").await, before);
    assert_eq!(house.versions().await.len(), 1);
    house.over(&["diff"], &file, 0).await;

    // The same change again after somebody undid it is another change.
    let changed = stage.write("changed.toml", text.replace("10", "12").as_bytes());
    house.over(&["apply", "--yes"], &changed, 0).await;
    house.by_hand("a", 10).await;
    house.over(&["apply", "--yes"], &changed, 0).await;
    assert_eq!(house.queue("a").await.wrap_up_s, 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_published_when_it_says_something_else_and_findings_are_shown() {
    let stage = Stage::open().await;
    let house = house(&stage);
    let file = stage.write("policy.toml", policy("contact.live").as_bytes());
    let told = house.over(&["apply", "--yes"], &file, 0).await;
    let place = format!(
        "{}:16: warning: filters[0].targets[0].queue",
        file.display()
    );
    assert!(told.contains(&place), "nobody serves the queue: {told}");

    // A draft that says the same is taken instead of another one.
    house.draft_by_hand("contact.inbound").await;
    stage.write("policy.toml", policy("contact.inbound").as_bytes());
    let told = house.over(&["apply", "--yes"], &file, 0).await;
    assert!(
        told.contains("filters[one].expression: \"contact.live\" → \"contact.inbound\""),
        "{told}"
    );
    assert!(told.contains("version 2 is published"), "{told}");

    // Back to what held before, and once more forward: versions of their own.
    stage.write("policy.toml", policy("contact.live").as_bytes());
    house.over(&["apply", "--yes"], &file, 0).await;
    stage.write("policy.toml", policy("contact.inbound").as_bytes());
    house.over(&["apply", "--yes"], &file, 0).await;
    let versions = house.versions().await;
    let holds: Vec<_> = versions
        .iter()
        .filter(|one| one.state() == RoutingPolicyState::Published)
        .collect();
    assert_eq!((versions.len(), holds[0].version, holds.len()), (4, 4, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_somebody_publishes_meanwhile_holds_on() {
    let stage = Stage::open().await;
    let house = house(&stage);
    let file = stage.write("policy.toml", policy("contact.live").as_bytes());
    house.over(&["apply", "--yes"], &file, 0).await;
    stage.write("policy.toml", policy("contact.automatic").as_bytes());
    let comparison = house.plan(&file).await;
    let draft = house.draft_by_hand("contact.inbound").await;
    house.publish_by_hand(&draft).await;
    let error = comparison.apply(&mut |_: &str| {}).await.unwrap_err();
    assert!(matches!(&error, Error::Undone(outcome) if outcome.done.is_empty()));
    assert!(
        error
            .to_string()
            .contains("somebody published another version"),
        "{error}"
    );
    let versions = house.versions().await;
    assert_eq!(versions.len(), 2, "and none was drafted beside it");
    assert_eq!(versions[0].filters[0].expression, "contact.inbound");
    assert_eq!(versions[0].state(), RoutingPolicyState::Published);
}
