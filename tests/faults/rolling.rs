//! A suite with two processes a role is restarted under load, process by process: of the calls that may be sent again
//! none fails, and none has two effects.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use rapport_tests::{Client, Database, Refusal, Suite, Topology, now, request_id, until};
use serde_json::{Value, json};
use tokio::{
    task::{JoinHandle, JoinSet},
    time::{interval, sleep},
};
use tonic::Code;

use crate::alone;

/// Between two calls: far below what the suite can do, since what is asked for is that none fails.
const EVERY: Duration = Duration::from_millis(50);
/// How often a call is made at most.
const ATTEMPTS: u32 = 3;
/// A process that takes longer was cut off: `drain.announce_ms` and `drain.limit_ms`.
const DRAIN: Duration = Duration::from_millis(300 + 15_000);
/// Calls that must have come back between two restarts.
const BETWEEN: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn every_process_is_restarted_under_load_and_no_call_fails_that_is_tried_again() {
    // Where there is no PostgreSQL the engines have said so loudly; with CI=true they have failed.
    let Ok(database) = Database::postgres() else {
        return;
    };
    let _alone = alone().await;
    let mut suite = Suite::fresh(Topology::Replicated, database).await;
    let floor = Floor::of(&suite).await;
    let before = suite.row_counts().await;
    let load = Load::begin(floor.clone());
    for role in ["profiles", "interactions", "routing", "loyalty"] {
        for member in [role.to_owned(), format!("{role}-2")] {
            load.goes_on().await;
            restart(&mut suite, &member).await;
        }
    }
    for member in ["gateway", "gateway-2"] {
        load.goes_on().await;
        restart(&mut suite, member).await;
    }
    load.goes_on().await;
    let seen = load.end().await;
    assert!(seen.failed.is_empty(), "{seen:#?}");
    floor.has_one_effect_of_each(&suite, &before, &seen).await;
    suite.verify().await.unwrap();
    {
        #![expect(
            clippy::print_stdout,
            reason = "the figures, for whoever asks for them"
        )]
        println!("{:?}, {} tried again", seen.done, seen.again);
    }
    suite.stop().await;
}

async fn restart(suite: &mut Suite, member: &str) {
    ends_in_time(suite, member).await;
    suite.begin(member).await;
}

async fn ends_in_time(suite: &mut Suite, member: &str) {
    let took = suite.end(member).await;
    assert!(took < DRAIN, "{member} was cut off after {took:?}");
}

/// What is called, and by whom: one client for each gateway.
#[derive(Debug, Clone)]
struct Floor {
    supervisors: Vec<Client>,
    connectors: Vec<Client>,
    customer: String,
    email: String,
    member: String,
}

impl Floor {
    async fn of(suite: &Suite) -> Self {
        let (supervisor, connector) = (suite.supervisor_token(), suite.connector_token("till"));
        let by = |token: &str| -> Vec<Client> {
            let gateways = suite.gateways().iter();
            gateways
                .map(|at| Client::new(at).with_token(token))
                .collect()
        };
        let email = "regular@example.com".to_owned();
        let staff = suite.manager();
        let made = async |name: &str, mut request: Value| {
            request["request_id"] = json!(request_id());
            staff.call(name, request).await.unwrap()
        };
        let customer = made(
            "rapport.profiles.v1.CustomerService/CreateCustomer",
            json!({
                "customer": {"display_name": "Regular"},
                "identifiers": [{"type": "IDENTIFIER_TYPE_EMAIL", "value": email}],
            }),
        )
        .await["customer"]
            .take();
        let program = made(
            "rapport.loyalty.v1.ProgramService/CreateProgram",
            json!({
                "program": {"code": "club", "display_name": "Club", "point_code": "PTS",
                    "earn_rule": {"currency_code": "EUR", "currency_exponent": 2, "points": 1, "per": 100}},
            }),
        )
        .await;
        let member = made(
            "rapport.loyalty.v1.ProgramService/EnrolMember",
            json!({
                "program_id": program["program"]["id"],
                "customer": {"customer_id": customer["id"], "record_id": customer["record_ids"][0]},
            }),
        )
        .await;
        let floor = Floor {
            supervisors: by(&supervisor),
            connectors: by(&connector),
            customer: text(&customer, "id"),
            email,
            member: text(&member["member"], "id"),
        };
        floor.is_known_everywhere().await;
        floor
    }

    /// A gateway learns of a new tenant within its `tenant_refresh_ms`.
    async fn is_known_everywhere(&self) {
        for client in &self.supervisors {
            until("the tenant at every gateway", async || {
                let (_, name, request) = self.call(1);
                client.call(name, request).await.ok()
            })
            .await;
        }
    }

    /// The `n`th call: who makes it, and what it is.
    fn call(&self, n: usize) -> (&[Client], &'static str, Value) {
        let id = request_id();
        let email = |value: &str| json!({"type": "IDENTIFIER_TYPE_EMAIL", "value": value});
        match n % 6 {
            0 => (
                &self.supervisors,
                "rapport.profiles.v1.CustomerService/CreateCustomer",
                json!({"request_id": id, "customer": {"display_name": format!("Customer {n}")}}),
            ),
            1 => (
                &self.supervisors,
                "rapport.profiles.v1.CustomerService/GetCustomer",
                json!({"customer_id": self.customer}),
            ),
            2 => (
                &self.connectors,
                "rapport.profiles.v1.CustomerService/ResolveCustomer",
                json!({"identifiers": [email(&format!("caller-{n}@example.com"))], "source": "till"}),
            ),
            3 => (
                &self.connectors,
                "rapport.interactions.v1.InteractionService/RecordInteraction",
                json!({"interaction": {
                    "external_id": format!("visit-{n}"), "kind": "INTERACTION_KIND_VISIT", "channel": "CHANNEL_STORE",
                    "direction": "DIRECTION_INBOUND", "event_time": now(),
                    "participants": [{"role": "PARTICIPANT_ROLE_CUSTOMER", "identifier": email(&self.email)}],
                }}),
            ),
            4 => (
                &self.supervisors,
                "rapport.loyalty.v1.LedgerService/EarnPoints",
                json!({"request_id": id, "member_id": self.member, "points": {"units": 1, "code": "PTS"}}),
            ),
            _ => (
                &self.supervisors,
                "rapport.routing.v1.TicketService/CreateTicket",
                json!({"request_id": id, "ticket": {"subject": format!("Ticket {n}")}}),
            ),
        }
    }

    async fn has_one_effect_of_each(
        &self,
        suite: &Suite,
        before: &BTreeMap<String, u64>,
        seen: &Seen,
    ) {
        let rows = suite.row_counts().await;
        for (table, methods) in [
            (
                "profiles.customers",
                &["CreateCustomer", "ResolveCustomer"][..],
            ),
            ("interactions.interaction", &["RecordInteraction"]),
            ("routing.tickets", &["CreateTicket"]),
        ] {
            let done: u64 = methods.iter().map(|method| seen.done[method]).sum();
            assert_eq!(rows[table] - before[table], done, "{table}");
        }
        let balance = self.supervisors[0]
            .call(
                "rapport.loyalty.v1.LedgerService/GetBalance",
                json!({"member_id": self.member}),
            )
            .await
            .unwrap();
        let earned = seen.done["EarnPoints"].to_string();
        assert_eq!(text(&balance["balance"]["available"], "units"), earned);
    }
}

/// Calls at a fixed rate, whatever becomes of them.
struct Load {
    end: Arc<AtomicBool>,
    back: Arc<AtomicUsize>,
    running: JoinHandle<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// Successes by method.
    done: BTreeMap<&'static str, u64>,
    failed: Vec<(&'static str, Refusal)>,
    /// Attempts beyond the first.
    again: u32,
}

impl Load {
    fn begin(floor: Floor) -> Self {
        let (end, back) = (Arc::default(), Arc::default());
        let (ended, counted) = (Arc::clone(&end), Arc::clone(&back));
        let floor = Arc::new(floor);
        let running = tokio::spawn(async move {
            let (mut tick, mut calls, mut n) = (interval(EVERY), JoinSet::new(), 0);
            while !AtomicBool::load(&ended, Ordering::Relaxed) {
                tick.tick().await;
                let (floor, counted) = (Arc::clone(&floor), Arc::clone(&counted));
                calls.spawn(async move {
                    let outcome = call(&floor, n).await;
                    AtomicUsize::fetch_add(&counted, 1, Ordering::Relaxed);
                    outcome
                });
                n += 1;
            }
            let mut seen = Seen::default();
            while let Some(outcome) = calls.join_next().await {
                let (method, again, answer) = outcome.unwrap();
                seen.again += again;
                match answer {
                    Ok(()) => *seen.done.entry(method).or_default() += 1,
                    Err(refusal) => seen.failed.push((method, refusal)),
                }
            }
            seen
        });
        Load { end, back, running }
    }

    /// Waits until calls have come back that were made from now on.
    async fn goes_on(&self) {
        let before = self.back.load(Ordering::Relaxed);
        until("calls to come back", async || {
            (self.back.load(Ordering::Relaxed) >= before + BETWEEN).then_some(())
        })
        .await;
    }

    async fn end(self) -> Seen {
        self.end.store(true, Ordering::Relaxed);
        self.running.await.unwrap()
    }
}

/// Makes one call, again after UNAVAILABLE alone, by the other gateway, when it is told to or after a pause by chance.
async fn call(floor: &Floor, n: usize) -> (&'static str, u32, Result<(), Refusal>) {
    let (clients, name, request) = floor.call(n);
    let method = name.split_once('/').unwrap().1;
    let mut longest = Duration::from_millis(100);
    for attempt in 1.. {
        let client = &clients[(n / 6 + attempt as usize) % clients.len()];
        let refusal = match client.call(name, request.clone()).await {
            Ok(_) => return (method, attempt - 1, Ok(())),
            Err(refusal) => refusal,
        };
        // What clients may repeat, as every change can be: not begun, or its outcome unknown.
        let repeatable = matches!(refusal.code, Code::Unavailable | Code::DeadlineExceeded);
        if !repeatable || attempt == ATTEMPTS {
            return (method, attempt - 1, Err(refusal));
        }
        let by_chance = longest.mul_f64(rand::random());
        sleep(refusal.again.map_or(by_chance, |told| told + by_chance)).await;
        longest *= 2;
    }
    unreachable!("attempts are counted")
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap().to_owned()
}
