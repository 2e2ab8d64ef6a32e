//! The process that decides for a tenant is killed, and stopped where it stands until after its lease: another one
//! takes its place within five seconds, nothing is offered to two agents, and nothing is forgotten.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rapport_tests::{Client, Database, Desk, DeskLog, Suite, Topology, request_id, until};
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

const REPLACED_WITHIN: Duration = Duration::from_secs(5);
/// Longer than a lease lasts.
const STOPPED: Duration = Duration::from_secs(6);
/// Who waits for a process that was stopped asks again.
const ASKED_FOR: Duration = Duration::from_millis(400);
const EVERY: Duration = Duration::from_millis(150);
const CALLERS: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_is_killed_or_stopped_is_replaced_and_nothing_is_offered_twice() {
    // Where there is no PostgreSQL the engines have said so loudly; with CI=true they have failed.
    let Ok(database) = Database::postgres() else {
        return;
    };
    let mut suite = Suite::fresh(Topology::Replicated, database).await;
    let supervisor = suite.supervisor();
    let queue = made(
        &supervisor,
        "rapport.routing.v1.QueueService/CreateQueue",
        json!({"queue": {"code": "care", "display_name": "Care", "max_lapsed_offers": 100}}),
    )
    .await;
    let log = DeskLog::default();
    for name in ["ana", "ben", "cy", "dan"] {
        let agent = made(
            &supervisor,
            "rapport.routing.v1.AgentService/CreateAgent",
            json!({"agent": {"principal": name, "display_name": name, "queue_ids": [queue]}}),
        )
        .await;
        let desk = Desk::new(
            suite.supervisor(),
            agent,
            log.clone(),
            Duration::from_millis(5),
        );
        tokio::spawn(desk.work());
    }
    let callers = Callers::begin(suite.supervisor(), queue.clone());
    // Whoever it is: one of the two is hit as the owner at least.
    for member in ["routing", "routing-2"] {
        callers.are_answered().await;
        suite.kill(member);
        callers.are_answered().await;
        suite.begin(member).await;
    }
    for member in ["routing", "routing-2"] {
        callers.are_answered().await;
        suite.signal(member, "STOP");
        sleep(STOPPED).await;
        suite.signal(member, "CONT");
    }
    callers.are_answered().await;
    let (tickets, longest) = callers.end().await;
    assert!(longest < REPLACED_WITHIN, "{longest:?} without an answer");
    until("all is done", async || {
        (waiting(&supervisor, &queue).await == 0).then_some(())
    })
    .await;
    assert_eq!(log.overlaps().len(), 0, "{:#?}", log.overlaps());
    assert!(log.accepted() >= tickets.len());
    suite.verify().await.unwrap();
    suite.stop().await;
}

async fn made(client: &Client, name: &str, mut request: Value) -> String {
    request["request_id"] = json!(request_id());
    let answer = client.call(name, request).await.unwrap();
    let resource = answer.as_object().unwrap().values().next().unwrap();
    resource["id"].as_str().unwrap().to_owned()
}

/// Work that waits for somebody still, or is in somebody's hands.
async fn waiting(client: &Client, queue: &str) -> usize {
    let mut count = 0;
    for state in ["WAITING", "OFFERED", "ACCEPTED"] {
        let request = json!({"queue_id": queue, "state": format!("WORK_ITEM_STATE_{state}")});
        let name = "rapport.routing.v1.WorkItemService/ListWorkItems";
        let Ok(answer) = client.call(name, request).await else {
            return usize::MAX;
        };
        count += answer["work_items"].as_array().map_or(0, Vec::len);
    }
    count
}

/// Several who call all the while: each call is one ticket, asked for until it is answered. One of them may have bad luck
/// and come upon the process that is stopped, again and again.
struct Callers {
    end: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
    running: JoinSet<()>,
}

struct Seen {
    tickets: BTreeSet<String>,
    last: Instant,
    /// The longest that nobody was answered.
    longest: Duration,
}

impl Seen {
    fn note(&mut self, ticket: String) {
        self.tickets.insert(ticket);
        self.longest = self.longest.max(self.last.elapsed());
        self.last = Instant::now();
    }
}

impl Callers {
    fn begin(client: Client, queue: String) -> Self {
        let (end, seen) = (
            Arc::<AtomicBool>::default(),
            Arc::new(Mutex::new(Seen {
                tickets: BTreeSet::new(),
                last: Instant::now(),
                longest: Duration::ZERO,
            })),
        );
        let mut running = JoinSet::new();
        for _ in 0..CALLERS {
            let (ended, noted) = (Arc::clone(&end), Arc::clone(&seen));
            let (client, queue) = (client.clone(), queue.clone());
            running.spawn(async move {
                while !AtomicBool::load(&ended, Ordering::Relaxed) {
                    let ticket = ask(&client, &queue).await;
                    noted.lock().unwrap().note(ticket);
                    sleep(EVERY).await;
                }
            });
        }
        Self { end, seen, running }
    }

    /// Waits until calls were answered that came from now on.
    async fn are_answered(&self) {
        let count = || self.seen.lock().unwrap().tickets.len();
        let before = count();
        until("calls are answered", async || {
            (count() > before + 10).then_some(())
        })
        .await;
    }

    async fn end(mut self) -> (BTreeSet<String>, Duration) {
        self.end.store(true, Ordering::Relaxed);
        while self.running.join_next().await.is_some() {}
        let mut seen = self.seen.lock().unwrap();
        (std::mem::take(&mut seen.tickets), seen.longest)
    }
}

async fn ask(client: &Client, queue: &str) -> String {
    let request = json!({"request_id": request_id(), "work_channel": "CHANNEL_PHONE",
        "ticket": {"subject": "No tone", "queue_id": queue}});
    loop {
        let name = "rapport.routing.v1.TicketService/CreateTicket";
        match timeout(ASKED_FOR, client.call(name, request.clone())).await {
            Ok(Ok(answer)) => return answer["ticket"]["id"].as_str().unwrap().to_owned(),
            _ => sleep(Duration::from_millis(50)).await,
        }
    }
}
