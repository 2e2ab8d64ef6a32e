//! Configuration as code, as a shell and a program see it.

use std::path::{Path, PathBuf};
use std::process::Output;

use rapport_foundation::id::TenantId;
use rapport_foundation::time::Clock;
use rapport_proto::access::v1::CreateTenantRequest;
use rapport_proto::access::v1::tenant_service_client::TenantServiceClient;
use rapport_proto::routing::v1::queue_service_client::QueueServiceClient;
use rapport_proto::routing::v1::routing_policy_service_client::RoutingPolicyServiceClient;
use rapport_proto::routing::v1::{
    ListQueuesRequest, ListRoutingPoliciesRequest, Queue, RoutingPolicy, RoutingPolicyState,
    UpdateQueueRequest,
};
use rapport_suite::client::Authorised;
use rapport_suite::configure::{Comparison, Error};
use rapport_suite::embed::Who;

use crate::stage::{Stage, rapport, stderr, stdout};

mod again;
mod promises;

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/configuration")
}

/// A tenant of the suite, and the binary with a token of one of its managers.
struct House<'a> {
    stage: &'a Stage,
    tenant: TenantId,
}

impl House<'_> {
    fn who(&self) -> Who {
        Who::holding(self.tenant, "manager", &["manager"])
    }

    fn client(&self) -> Authorised {
        self.stage.suite.client(&self.who()).unwrap()
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        let (url, token) = (
            self.stage.suite.url(),
            self.stage.suite.token(&self.who()).unwrap(),
        );
        let to = ["--gateway", &url, "--token", &token];
        rapport(&[arguments, &to].concat()).await
    }

    /// A command over files that must end with this code; what it prints.
    async fn over(&self, command: &[&str], file: &Path, code: i32) -> String {
        let file = ["-f", file.to_str().unwrap()];
        let output = self.run(&[command, &file].concat()).await;
        let text = stdout(&output) + &stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{text}");
        text
    }

    async fn plan(&self, file: &Path) -> Comparison {
        Comparison::make(self.client(), &[file.to_owned()], false)
            .await
            .unwrap()
    }

    async fn queue(&self, code: &str) -> Queue {
        let request = ListQueuesRequest {
            code: code.to_owned(),
            ..ListQueuesRequest::default()
        };
        let mut client = QueueServiceClient::new(self.client());
        let answer = client.list_queues(request).await.unwrap().into_inner();
        let [queue]: [Queue; 1] = answer.queues.try_into().unwrap();
        queue
    }

    /// Changes how long wrap-up lasts in a queue, as a supervisor would.
    async fn by_hand(&self, code: &str, wrap_up_s: i32) {
        let queue = self.queue(code).await;
        let request = UpdateQueueRequest {
            request_id: uuid::Uuid::new_v4().to_string(),
            queue_id: queue.id.clone(),
            queue: Some(Queue {
                wrap_up_s,
                ..Queue::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["wrap_up_s".into()],
            }),
            etag: queue.etag,
        };
        let mut client = QueueServiceClient::new(self.client());
        client.update_queue(request).await.unwrap();
    }

    async fn versions(&self) -> Vec<RoutingPolicy> {
        let mut client = RoutingPolicyServiceClient::new(self.client());
        let request = ListRoutingPoliciesRequest::default();
        let answer = client.list_routing_policies(request).await.unwrap();
        answer.into_inner().routing_policies
    }

    /// Everything there is and in which version, so that any call that writes is seen.
    async fn everything(&self) -> String {
        let lists = [
            "CalendarService/ListCalendars",
            "QueueService/ListQueues",
            "AgentService/ListAgents",
            "SlaPolicyService/ListSlaPolicies",
            "RoutingPolicyService/ListRoutingPolicies",
        ];
        let mut all = String::new();
        for list in lists {
            let output = self.run(&["call", list]).await;
            assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
            all += &stdout(&output);
        }
        all
    }
}

fn house(stage: &Stage) -> House<'_> {
    House {
        stage,
        tenant: stage.tenant,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_is_applied_once_and_an_edit_by_hand_is_seen_and_undone() {
    let stage = Stage::open().await;
    let house = house(&stage);
    let file = example();

    let told = house.over(&["diff"], &file, 2).await;
    assert!(
        told.contains("+ queue billing") && told.contains("16 to be made"),
        "{told}"
    );
    assert!(house.versions().await.is_empty(), "a look changes nothing");

    // Nobody can be asked here.
    let told = house.over(&["apply"], &file, 64).await;
    assert!(told.contains("--yes"), "{told}");
    assert!(house.versions().await.is_empty());

    let told = house.over(&["apply", "--yes"], &file, 0).await;
    assert!(told.contains("queue front-desk: made"), "{told}");
    assert!(
        told.contains("routing_policy: version 1 is published"),
        "{told}"
    );
    assert!(
        told.find("queue front-desk: made") < told.find("queue calls: made"),
        "{told}"
    );
    let [policy]: [RoutingPolicy; 1] = house.versions().await.try_into().unwrap();
    assert_eq!(policy.state(), RoutingPolicyState::Published);

    let before = house.everything().await;
    let told = house.over(&["diff"], &file, 0).await;
    assert!(
        told.contains("0 to be made, 0 to be changed, 16 as they are"),
        "{told}"
    );
    house.over(&["apply", "--yes"], &file, 0).await;
    assert_eq!(
        house.everything().await,
        before,
        "nothing is written a second time"
    );

    house.by_hand("calls", 99).await;
    let told = house.over(&["diff"], &file, 2).await;
    assert!(
        told.contains("~ queue calls\n    wrap_up_s: 99 → 60"),
        "{told}"
    );
    let json = house.over(&["diff", "--json"], &file, 2).await;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let different = json["changes"].as_array().unwrap().iter();
    let mut different = different.filter(|change| change["action"] != "leave");
    let change = different.next().unwrap();
    assert_eq!(change["key"], "calls");
    assert_eq!(
        change["fields"],
        serde_json::json!([{"field": "wrap_up_s", "old": 99, "new": 60}])
    );
    assert_eq!(different.next(), None);

    let told = house.over(&["apply", "--yes"], &file, 0).await;
    assert!(told.contains("queue calls: changed"), "{told}");
    let queue = house.queue("calls").await;
    assert_eq!(
        (queue.wrap_up_s, queue.offer_timeout_s, queue.most_waiting),
        (60, 15, Some(40))
    );
    house.over(&["diff"], &file, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_is_taken_over_as_a_file_and_makes_another_house_the_same() {
    let stage = Stage::open().await;
    let one = house(&stage);
    one.over(&["apply", "--yes"], &example(), 0).await;
    one.by_hand("default", 7).await;

    let output = one.run(&["get"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    let file = stage.write("taken-over.toml", text.as_bytes());
    let told = one.over(&["diff", "--prune"], &file, 0).await;
    assert!(told.contains("16 as they are"), "{told}");

    let other = House {
        stage: &stage,
        tenant: another_tenant(&stage).await,
    };
    other.over(&["apply", "--yes"], &file, 0).await;
    assert_eq!(stdout(&other.run(&["get"]).await), text);
    assert_eq!(other.queue("default").await.wrap_up_s, 7);

    let queues = stdout(&one.run(&["get", "queue"]).await);
    assert!(
        queues.contains("[[queue]]") && !queues.contains("[[agent]]"),
        "{queues}"
    );
    let output = one.run(&["get", "quue"]).await;
    assert_eq!(output.status.code(), Some(64));
    assert!(
        stderr(&output).contains("did you mean `queue`"),
        "{}",
        stderr(&output)
    );
}

async fn another_tenant(stage: &Stage) -> TenantId {
    let tenant = TenantId::new(Clock::system().now());
    let request = CreateTenantRequest {
        request_id: uuid::Uuid::new_v4().to_string(),
        tenant_id: tenant.to_string(),
        display_name: "Another".into(),
        ..CreateTenantRequest::default()
    };
    let operator = stage.suite.client(&Who::operator("operator")).unwrap();
    TenantServiceClient::new(operator)
        .create_tenant(request)
        .await
        .unwrap();
    tenant
}

const THREE: &str = r#"
[[queue]]
code = "a"
wrap_up_s = 10
[[queue]]
code = "b"
wrap_up_s = 20
[[queue]]
code = "c"
wrap_up_s = 30
"#;

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_changes_meanwhile_is_not_overwritten_and_told_with_what_was_done() {
    let stage = Stage::open().await;
    let house = house(&stage);
    let file = stage.write("queues.toml", THREE.as_bytes());
    house.over(&["apply", "--yes"], &file, 0).await;

    let file = stage.write("queues.toml", THREE.replace("0\n", "1\n").as_bytes());
    let comparison = house.plan(&file).await;
    house.by_hand("b", 77).await;
    let mut said = Vec::new();
    let mut say = |line: &str| said.push(line.to_owned());
    let error = comparison.apply(&mut say).await.unwrap_err();
    let told = error.to_string();
    let Error::Undone(outcome) = error else {
        panic!("{told}");
    };
    assert_eq!(said, ["queue a: changed"]);
    assert_eq!(outcome.done, said);
    assert_eq!(outcome.left, ["queue c"]);
    assert!(told.starts_with("queue b: somebody changed it"), "{told}");
    let wrap_ups = [
        house.queue("a").await,
        house.queue("b").await,
        house.queue("c").await,
    ];
    assert_eq!(wrap_ups.map(|queue| queue.wrap_up_s), [11, 77, 30]);

    let told = house.over(&["apply", "--yes"], &file, 0).await;
    assert!(
        told.contains("wrap_up_s: 77 → 21"),
        "the next run says what it overwrites: {told}"
    );
    assert!(told.contains("1 as they are"), "{told}");
    assert_eq!(house.queue("b").await.wrap_up_s, 21);
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_all_files_are_told_before_the_first_call() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("a.toml"),
        "[[queue]]\ncode = \"a\"\nwrap_ups = 3\n",
    )
    .unwrap();
    std::fs::create_dir(folder.path().join("more")).unwrap();
    std::fs::write(
        folder.path().join("more/b.toml"),
        "[[queue]]\ncode = \"b\"\nwrap_up_s = -1\n",
    )
    .unwrap();
    let at = folder.path().to_str().unwrap();
    // Nobody listens there.
    let to = ["--gateway", "http://127.0.0.1:1", "--token", "none"];
    for command in [&["diff", "-f", at][..], &["apply", "--yes", "-f", at]] {
        let output = rapport(&[command, &to].concat()).await;
        assert_eq!(output.status.code(), Some(64));
        let told = stderr(&output);
        assert!(told.contains("2 fault(s)"), "{told}");
        assert!(
            told.contains("a.toml:3: `wrap_ups` is not known; did you mean `wrap_up_s`?"),
            "{told}"
        );
        assert!(
            told.contains("b.toml:3: queue b: wrap_up_s is not between 0 and 3600"),
            "{told}"
        );
    }
    std::fs::write(folder.path().join("a.toml"), "").unwrap();
    std::fs::write(
        folder.path().join("more/b.toml"),
        "[[queue]]\ncode = \"b\"\n",
    )
    .unwrap();
    let output = rapport(&[&["diff", "-f", at][..], &to].concat()).await;
    assert_eq!(
        output.status.code(),
        Some(1),
        "what is there cannot be read"
    );
    let output = rapport(&[&["diff", "-f", "no-such-file.toml"][..], &to].concat()).await;
    assert_eq!(output.status.code(), Some(64));
    assert_eq!(rapport(&["diff"]).await.status.code(), Some(64));
}
