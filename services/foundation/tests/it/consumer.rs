//! One service's log applied by another, over the channel between them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rapport_foundation::db::Database;
use rapport_foundation::error::{Code, Failure};
use rapport_foundation::events::{
    self, Batch, Consumer, Handler, Outgoing, Position, Relay, parked,
};
use rapport_foundation::id::TenantId;
use rapport_foundation::log_service;
use rapport_foundation::role::Role;
use rapport_foundation::testing::{
    Engine, House, TestEnv, context, engines, eventually, shared_tables, tenant,
};
use rapport_foundation::time::Clock;
use rapport_proto::profiles::v1::log_service_client::LogServiceClient;
use rapport_proto::profiles::v1::{ReadLogRequest, WatchHeadsRequest};
use tonic::service::Routes;

use crate::note::{migrations, note};
use crate::relay::event;

/// Writes a note for each event, and misbehaves on demand.
struct Noting {
    db: Database,
    poisoned: AtomicBool,
    away: AtomicBool,
    /// So many tries fail, and say that it passes within milliseconds.
    passing: AtomicU32,
    /// How often each event was tried.
    tries: Mutex<HashMap<String, u32>>,
}

#[async_trait::async_trait]
impl Handler for Noting {
    async fn apply(&self, batch: &Batch) -> Result<(), Failure> {
        for event in &batch.events {
            *self
                .tries
                .lock()
                .unwrap()
                .entry(event.aggregate_id.clone())
                .or_default() += 1;
        }
        if self.away.load(Ordering::SeqCst) {
            return Err(Failure::new(Code::Unavailable, "AWAY", "away"));
        }
        let left = |left: u32| left.checked_sub(1);
        let (set, get) = (Ordering::SeqCst, Ordering::SeqCst);
        if self.passing.fetch_update(set, get, left).is_ok() {
            let failure = Failure::new(Code::Unavailable, "AWAY", "away");
            return Err(failure.passing_within(Duration::from_millis(20)));
        }
        let poisoned = self.poisoned.load(Ordering::SeqCst);
        if poisoned
            && batch
                .events
                .iter()
                .any(|event| event.aggregate_id == "poison")
        {
            return Err(Failure::new(Code::InvalidArgument, "BAD_EVENT", "bad"));
        }
        assert!(
            !(poisoned
                && batch
                    .events
                    .iter()
                    .any(|event| event.aggregate_id == "panic")),
            "asked to"
        );
        self.db
            .write(batch.tenant, |s| async move {
                for event in &batch.events {
                    let id: rapport_foundation::id::EventId = event.id.parse().unwrap();
                    s.insert(note(id.uuid(), &event.aggregate_id)).await?;
                }
                batch.mark.advance(&s).await?;
                Ok::<_, Failure>(())
            })
            .await
    }
}

struct Pair {
    source: TestEnv,
    target: TestEnv,
    noting: Arc<Noting>,
}

impl Pair {
    async fn open(engine: &Engine) -> Self {
        let house = House::new(Clock::system());
        let source = house.env(engine, Role::Profiles, shared_tables).await;
        let target = house.env(engine, Role::Routing, migrations).await;
        Relay::spawn(source.db.clone(), Role::Profiles, source.shutdown.clone());
        let noting = Arc::new(Noting {
            db: target.db.clone(),
            poisoned: AtomicBool::new(false),
            away: AtomicBool::new(false),
            passing: AtomicU32::new(0),
            tries: Mutex::default(),
        });
        Self {
            source,
            target,
            noting,
        }
    }

    fn serve(&self) {
        self.source
            .attach(Routes::new(log_service!(profiles, &self.source.env)));
    }

    fn consume(&self) -> tokio::task::JoinHandle<()> {
        Consumer::spawn(&self.target.env, Role::Profiles, self.noting.clone()).handle
    }

    async fn append(&self, tenant: TenantId, aggregates: &[&str]) {
        let events: Vec<Outgoing> = aggregates
            .iter()
            .map(|aggregate| event(aggregate))
            .collect();
        let events = &events;
        self.source
            .db
            .write(
                tenant,
                |s| async move { events::append_many(&s, events).await },
            )
            .await
            .unwrap();
    }

    async fn notes(&self, tenant: TenantId) -> Vec<String> {
        let rows = self.target.db.read(tenant, |s| async move {
            s.raw_all(
                "select words from notes where tenant_id = $1 order by id",
                [],
            )
            .await
        });
        rows.await
            .unwrap()
            .iter()
            .map(|row| row.try_get("", "words").unwrap())
            .collect()
    }

    async fn noted(&self, tenant: TenantId, count: usize) -> Vec<String> {
        eventually("the events were applied", async || {
            let notes = self.notes(tenant).await;
            (notes.len() >= count).then_some(notes)
        })
        .await
    }
}

#[tokio::test]
async fn events_are_applied_once_in_order_through_restarts_and_a_late_source() {
    for engine in engines() {
        let pair = Pair::open(&engine).await;
        let (ours, theirs) = (tenant(), tenant());
        let names: Vec<String> = (0..600).map(|n| format!("{n:03}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        pair.append(ours, &names[..300]).await;
        let first = pair.consume();
        pair.serve();
        pair.noted(ours, 10).await;
        // A crash of the consumer, at any point, and a second one beside the next: one effect each.
        first.abort();
        let (_second, _third) = (pair.consume(), pair.consume());
        pair.append(ours, &names[300..]).await;
        pair.append(theirs, &["x"]).await;
        assert_eq!(pair.noted(ours, 600).await, names);
        assert_eq!(pair.noted(theirs, 1).await, ["x"]);
    }
}

#[tokio::test]
async fn a_poisoned_event_is_parked_with_its_aggregate_and_the_others_flow() {
    for engine in engines() {
        let pair = Pair::open(&engine).await;
        pair.serve();
        let (ours, theirs) = (tenant(), tenant());
        pair.noting.poisoned.store(true, Ordering::SeqCst);
        let _consumer = pair.consume();
        pair.append(ours, &["a", "poison", "b", "panic", "c", "poison", "d"])
            .await;
        pair.append(theirs, &["x"]).await;
        assert_eq!(pair.noted(theirs, 1).await, ["x"]);
        assert_eq!(pair.noted(ours, 4).await, ["a", "b", "c", "d"]);
        pair.append(ours, &["poison", "e"]).await;
        assert_eq!(pair.noted(ours, 5).await, ["a", "b", "c", "d", "e"]);
        let parked = parked::list(&pair.target.db, ours).await.unwrap();
        let reasons: Vec<_> = parked
            .iter()
            .map(|parked| (parked.event.aggregate_id.as_str(), parked.reason.as_str()))
            .collect();
        assert_eq!(
            reasons,
            [
                ("poison", "BAD_EVENT"),
                ("panic", "HANDLER_PANICKED"),
                ("poison", "BEHIND"),
                ("poison", "BEHIND")
            ]
        );

        // Not healed: it stays. Healed: replayed in order. Given up: discarded.
        let replay = async |aggregate| {
            parked::replay(
                &pair.target.db,
                ours,
                Role::Profiles,
                aggregate,
                pair.noting.as_ref(),
            )
            .await
        };
        assert_eq!(replay("poison").await.unwrap_err().reason, "BAD_EVENT");
        pair.noting.poisoned.store(false, Ordering::SeqCst);
        assert_eq!(replay("poison").await.unwrap(), 3);
        let left = parked::list(&pair.target.db, ours).await.unwrap();
        assert_eq!(left.len(), 1);
        let at: Position = left[0].event.position.unwrap().into();
        assert!(
            parked::discard(&pair.target.db, ours, Role::Profiles, at)
                .await
                .unwrap()
        );
        pair.append(ours, &["poison", "panic"]).await;
        assert_eq!(pair.noted(ours, 10).await.len(), 10);
    }
}

#[tokio::test]
async fn a_transient_failure_is_tried_again_until_it_passes_and_parks_nothing() {
    for engine in engines() {
        let pair = Pair::open(&engine).await;
        pair.serve();
        let ours = tenant();
        pair.noting.away.store(true, Ordering::SeqCst);
        let _consumer = pair.consume();
        pair.append(ours, &["a", "b"]).await;
        eventually("it was tried often", async || {
            (pair
                .noting
                .tries
                .lock()
                .unwrap()
                .get("a")
                .copied()
                .unwrap_or(0)
                > 6)
            .then_some(())
        })
        .await;
        pair.noting.away.store(false, Ordering::SeqCst);
        assert_eq!(pair.noted(ours, 2).await, ["a", "b"]);
        assert!(
            parked::list(&pair.target.db, ours)
                .await
                .unwrap()
                .is_empty()
        );
    }
}

#[tokio::test]
async fn a_restored_source_is_followed_into_its_new_epoch() {
    for engine in engines() {
        let pair = Pair::open(&engine).await;
        let ours = tenant();
        pair.append(ours, &["a", "b", "c"]).await;
        pair.serve();
        let consumer = pair.consume();
        pair.noted(ours, 3).await;
        consumer.abort();
        // The restore lost the last event; the consumer had applied it.
        let lost = "delete from log where n = 3";
        pair.source
            .db
            .system_write(|s| async move { s.raw_exec(lost, []).await })
            .await
            .unwrap();
        events::start_epoch(&pair.source.db).await.unwrap();
        pair.serve();
        let _consumer = pair.consume();
        pair.append(ours, &["d"]).await;
        assert_eq!(pair.noted(ours, 4).await, ["a", "b", "c", "d"]);
    }
}

#[tokio::test]
async fn the_log_is_read_by_its_tenant_and_watched_by_services_only() {
    for engine in engines() {
        let pair = Pair::open(&engine).await;
        let channel = pair
            .source
            .attach(Routes::new(log_service!(profiles, &pair.source.env)));
        let mut client = LogServiceClient::new(channel);
        let (ours, theirs) = (tenant(), tenant());
        // A reader that waits is answered as soon as there is something.
        let waiting = tokio::spawn({
            let request = pair.source.request(
                ours,
                &[],
                ReadLogRequest {
                    wait_ms: 15_000,
                    ..Default::default()
                },
            );
            let mut client = client.clone();
            async move { client.read_log(request).await }
        });
        pair.append(ours, &["a"]).await;
        let page = waiting.await.unwrap().unwrap().into_inner();
        assert_eq!(page.events.len(), 1);
        assert_eq!(page.head.unwrap().n, 1);
        let foreign = client
            .read_log(pair.source.request(theirs, &[], ReadLogRequest::default()))
            .await
            .unwrap();
        assert!(foreign.into_inner().events.is_empty());
        let negative = ReadLogRequest {
            page_size: -1,
            wait_ms: -1,
            ..Default::default()
        };
        let refused = client
            .read_log(pair.source.request(ours, &[], negative))
            .await
            .unwrap_err();
        assert_eq!(refused.code(), tonic::Code::InvalidArgument);
        let watch = pair
            .source
            .request_as(&context(ours, &["log.watch"]), WatchHeadsRequest {});
        assert!(client.watch_heads(watch).await.is_err());
    }
}

#[tokio::test]
async fn what_passes_soon_is_tried_again_soon_however_often_it_failed() {
    for engine in engines() {
        let pair = Pair::open(&engine).await;
        pair.serve();
        // With pauses that double it would take a minute.
        pair.noting.passing.store(20, Ordering::SeqCst);
        let _consumer = pair.consume();
        let ours = tenant();
        pair.append(ours, &["a"]).await;
        assert_eq!(pair.noted(ours, 1).await, ["a"]);
        assert_eq!(pair.noting.passing.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn a_watcher_of_one_replica_hears_what_the_relay_of_another_moved() {
    for engine in engines() {
        let pair = Pair::open(&engine).await;
        if engine == Engine::Sqlite {
            // A file has one process.
            continue;
        }
        let replica = pair
            .source
            .house
            .env_on(pair.source.database.clone(), Role::Profiles)
            .await;
        Relay::spawn(replica.db.clone(), Role::Profiles, replica.shutdown.clone());
        replica.attach(Routes::new(log_service!(profiles, &replica.env)));
        let ours = tenant();
        let _consumer = pair.consume();
        for n in 0..5 {
            pair.append(ours, &["x"]).await;
            pair.noted(ours, n + 1).await;
        }
    }
}
