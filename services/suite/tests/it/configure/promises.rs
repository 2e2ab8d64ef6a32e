//! Promises and chains, and what no file names.

use rapport_proto::routing::v1::sla_policy_service_client::SlaPolicyServiceClient;
use rapport_proto::routing::v1::ticket_service_client::TicketServiceClient;
use rapport_proto::routing::v1::{CreateTicketRequest, ListSlaPoliciesRequest, SlaPolicy, Ticket};

use super::{House, house};
use crate::stage::Stage;

const PROMISE: &str = r#"
[[queue]]
code = "a"
overflow_queue = "b"
[[queue]]
code = "b"
[[calendar]]
code = "always"
time_zone = "UTC"
weekly_openings = [
    { day = "monday", end = "24:00" },
    { day = "tuesday", end = "24:00" },
    { day = "wednesday", end = "24:00" },
    { day = "thursday", end = "24:00" },
    { day = "friday", end = "24:00" },
    { day = "saturday", end = "24:00" },
    { day = "sunday", end = "24:00" },
]
[[sla_policy]]
code = "p"
calendar = "always"
targets = [{ clock = "resolution", within_s = 3600 }]
"#;

impl House<'_> {
    async fn promises(&self) -> Vec<SlaPolicy> {
        let mut client = SlaPolicyServiceClient::new(self.client());
        let request = ListSlaPoliciesRequest::default();
        let answer = client.list_sla_policies(request).await.unwrap();
        answer.into_inner().sla_policies
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chains_are_turned_round_and_what_no_file_names_stays_but_for_promises() {
    let stage = Stage::open().await;
    let house = house(&stage);
    let file = stage.write("one.toml", PROMISE.as_bytes());
    house.over(&["apply", "--yes"], &file, 0).await;
    let turned = "[[queue]]\ncode = \"b\"\noverflow_queue = \"a\"\n[[queue]]\ncode = \"a\"\n";
    let file = stage.write("one.toml", turned.as_bytes());
    house.over(&["apply", "--yes"], &file, 0).await;
    let (a, b) = (house.queue("a").await, house.queue("b").await);
    assert_eq!(
        (b.overflow_queue_id, a.overflow_queue_id),
        (a.id, String::new())
    );

    let told = house.over(&["diff", "--prune"], &file, 2).await;
    assert!(
        told.contains("calendar always is in no file, and stays"),
        "{told}"
    );
    assert!(
        told.contains("~ sla_policy p: it is in no file\n    disabled: false → true"),
        "{told}"
    );
    house.over(&["apply", "--prune", "--yes"], &file, 0).await;
    assert!(house.promises().await.iter().all(|policy| policy.disabled));
    house.over(&["diff", "--prune"], &file, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_change_does_to_open_tickets_is_told_before_and_after() {
    let stage = Stage::open().await;
    let house = house(&stage);
    let file = stage.write("one.toml", PROMISE.as_bytes());
    house.over(&["apply", "--yes"], &file, 0).await;
    let request = CreateTicketRequest {
        request_id: uuid::Uuid::new_v4().to_string(),
        ticket: Some(Ticket {
            queue_id: house.queue("a").await.id,
            ..Ticket::default()
        }),
        ..CreateTicketRequest::default()
    };
    let mut tickets = TicketServiceClient::new(house.client());
    tickets.create_ticket(request).await.unwrap();

    stage.write("one.toml", PROMISE.replace("3600", "7200").as_bytes());
    let told = house.over(&["diff"], &file, 2).await;
    let effect = "clocks of 1 open tickets: 1 due later";
    assert!(
        told.contains("within_s: 3600 → 7200") && told.contains(effect),
        "{told}"
    );
    assert_eq!(house.promises().await[0].version, 1, "only looked at");
    let told = house.over(&["apply", "--yes"], &file, 0).await;
    assert!(
        told.contains(&format!("sla_policy p: changed; {effect}")),
        "{told}"
    );
    assert_eq!(house.promises().await[0].version, 2);
}
