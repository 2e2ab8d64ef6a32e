//! Who calls and who takes calls while the suite goes through faults, and what must hold afterwards.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rapport_tests::{Client, Desk, DeskLog, Refusal, Suite, request_id, until};
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use tonic::Code;

const REPLACED_WITHIN: Duration = Duration::from_secs(5);
/// Who waits for a process that does not answer asks again.
const ASKED_FOR: Duration = Duration::from_millis(400);
const EVERY: Duration = Duration::from_millis(150);
const CALLERS: usize = 4;
/// Calls that must have been answered before something is believed to work.
const ENOUGH: usize = 10;

/// Everybody of one queue.
pub(super) struct Floor {
    supervisor: Client,
    queue: String,
    log: DeskLog,
    seen: Arc<Mutex<Seen>>,
    end: Arc<AtomicBool>,
    callers: JoinSet<()>,
}

/// What the callers saw.
struct Seen {
    tickets: BTreeSet<String>,
    last: Instant,
    /// The longest that nobody was answered.
    longest: Duration,
    refused: usize,
    /// Refusals that say more than that it is not known, or not now.
    definite: Vec<Refusal>,
}

impl Floor {
    /// Four agents at their desks, and four who call all the while.
    pub(super) async fn open(suite: &Suite) -> Self {
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
            let pause = Duration::from_millis(5);
            let desk = Desk::new(suite.supervisor(), agent, log.clone(), pause);
            tokio::spawn(desk.work());
        }
        let seen = Arc::new(Mutex::new(Seen {
            tickets: BTreeSet::new(),
            last: Instant::now(),
            longest: Duration::ZERO,
            refused: 0,
            definite: Vec::new(),
        }));
        let end = Arc::<AtomicBool>::default();
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            callers.spawn(call(
                suite.supervisor(),
                queue.clone(),
                Arc::clone(&seen),
                Arc::clone(&end),
            ));
        }
        Self {
            supervisor,
            queue,
            log,
            seen,
            end,
            callers,
        }
    }

    /// Waits until calls were answered that came from now on.
    pub(super) async fn is_served(&self) {
        let before = self.answered();
        until("calls are answered", async || {
            (self.answered() > before + ENOUGH).then_some(())
        })
        .await;
    }

    /// Waits until calls were refused that came from now on.
    pub(super) async fn is_refused(&self) {
        let refused = || self.seen.lock().unwrap().refused;
        let before = refused();
        until("calls are refused", async || {
            (refused() > before + CALLERS).then_some(())
        })
        .await;
    }

    /// Who decides, while everything works.
    pub(super) async fn owner(&self, suite: &Suite) -> String {
        self.is_served().await;
        until("somebody decides", async || suite.owner().await).await
    }

    /// Nobody can be answered while there is no database: how long that took does not count.
    pub(super) fn counts_from_now(&self) {
        let mut seen = self.seen.lock().unwrap();
        assert!(seen.longest < REPLACED_WITHIN, "{:?}", seen.longest);
        seen.last = Instant::now();
    }

    /// Everything that was asked for is done, once, and everything that was told is stored.
    pub(super) async fn ends_well(mut self, suite: Suite) {
        self.is_served().await;
        self.end.store(true, Ordering::Relaxed);
        while let Some(ended) = self.callers.join_next().await {
            ended.unwrap();
        }
        until("all is done", async || {
            (self.open_work().await? == 0).then_some(())
        })
        .await;
        {
            let seen = self.seen.lock().unwrap();
            let longest = seen.longest;
            assert!(longest < REPLACED_WITHIN, "{longest:?} without an answer");
            assert!(seen.definite.is_empty(), "{:#?}", seen.definite);
        }
        self.has_one_of_each(&suite).await;
        self.was_told_what_is_stored(&suite).await;
        suite.verify().await.unwrap();
        suite.stop().await;
    }

    /// Each call that was answered has one ticket and one work item, and there are no others.
    async fn has_one_of_each(&self, suite: &Suite) {
        let rows = suite.row_counts().await;
        let answered = self.answered() as u64;
        let stored = (rows["routing.tickets"], rows["routing.work_items"]);
        assert_eq!(stored, (answered, answered));
        let tickets = self.seen.lock().unwrap().tickets.clone();
        for ticket in tickets {
            let request = json!({"ticket_id": ticket});
            let name = "rapport.routing.v1.WorkItemService/ListWorkItems";
            let answer = self.supervisor.call(name, request).await.unwrap();
            let items = answer["work_items"].as_array().unwrap();
            let states: Vec<_> = items.iter().map(|item| &item["state"]).collect();
            assert_eq!(states, ["WORK_ITEM_STATE_COMPLETED"], "{ticket}");
        }
    }

    /// Nobody heard of what was not stored, and nothing was offered to two at once.
    async fn was_told_what_is_stored(&self, suite: &Suite) {
        let stored = suite.offers().await;
        for offer in self.log.seen() {
            let told = stored.get(&offer.offer);
            let told = told.unwrap_or_else(|| panic!("{offer:?} was never stored"));
            assert_eq!(
                (&told.work_item, &told.agent),
                (&offer.work_item, &offer.agent)
            );
            if offer.accepted {
                assert_eq!(told.outcome, "accepted", "{offer:?}");
            }
        }
        let overlaps = self.log.overlaps();
        assert!(overlaps.is_empty(), "{overlaps:#?}");
        // Each work item was taken once.
        let taken = stored.values().filter(|offer| offer.outcome == "accepted");
        assert_eq!(taken.count(), self.answered());
    }

    fn answered(&self) -> usize {
        self.seen.lock().unwrap().tickets.len()
    }

    /// How much work waits for somebody still, or is in somebody's hands.
    async fn open_work(&self) -> Option<usize> {
        let mut count = 0;
        for state in ["WAITING", "OFFERED", "ACCEPTED", "WRAPPING_UP"] {
            let state = format!("WORK_ITEM_STATE_{state}");
            let request = json!({"queue_id": self.queue, "state": state});
            let name = "rapport.routing.v1.WorkItemService/ListWorkItems";
            let answer = self.supervisor.call(name, request).await.ok()?;
            count += answer["work_items"].as_array().map_or(0, Vec::len);
        }
        Some(count)
    }
}

async fn made(client: &Client, name: &str, mut request: Value) -> String {
    request["request_id"] = json!(request_id());
    let answer = client.call(name, request).await.unwrap();
    let resource = answer.as_object().unwrap().values().next().unwrap();
    resource["id"].as_str().unwrap().to_owned()
}

/// Calls all the while: each call is one ticket, asked for until it is answered. One of those who call may have bad luck
/// and come upon the process that does not answer, again and again.
async fn call(client: Client, queue: String, seen: Arc<Mutex<Seen>>, end: Arc<AtomicBool>) {
    while !end.load(Ordering::Relaxed) {
        let request = json!({"request_id": request_id(), "work_channel": "CHANNEL_PHONE",
            "ticket": {"subject": "No tone", "queue_id": queue}});
        let name = "rapport.routing.v1.TicketService/CreateTicket";
        loop {
            match timeout(ASKED_FOR, client.call(name, request.clone())).await {
                Ok(Ok(answer)) => {
                    let ticket = answer["ticket"]["id"].as_str().unwrap().to_owned();
                    seen.lock().unwrap().note(ticket);
                    break;
                }
                Ok(Err(refusal)) => seen.lock().unwrap().refuse(refusal),
                Err(_) => {}
            }
            sleep(Duration::from_millis(50)).await;
        }
        sleep(EVERY).await;
    }
}

impl Seen {
    fn note(&mut self, ticket: String) {
        self.tickets.insert(ticket);
        self.longest = self.longest.max(self.last.elapsed());
        self.last = Instant::now();
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.refused += 1;
        let unknown = [
            Code::Unavailable,
            Code::DeadlineExceeded,
            Code::ResourceExhausted,
        ];
        if !unknown.contains(&refusal.code) {
            self.definite.push(refusal);
        }
    }
}
