//! Events from the transaction of their change to the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::{Strategy, any};
use proptest::test_runner::{Config, TestRunner};
use rapport_foundation::db::{Database, Error};
use rapport_foundation::error::Code;
use rapport_foundation::events::{self, Data, Log, Outgoing, Position, Relay};
use rapport_foundation::id::TenantId;
use rapport_foundation::role::Role;
use rapport_foundation::testing::{
    Engine, TestEnv, engines, env, eventually, on_every_engine, shared_tables, tenant,
};
use rapport_foundation::time::Clock;
use rapport_proto::events::v1::{Event, TicketOpened};
use tokio_util::sync::CancellationToken;

pub(crate) fn event(aggregate: &str) -> Outgoing {
    Outgoing::new(
        Clock::system().now(),
        aggregate,
        Data::TicketOpened(TicketOpened::default()),
    )
}

async fn append(db: &Database, tenant: TenantId, events: Vec<Outgoing>) -> Result<(), Error> {
    let events = &events;
    db.write(
        tenant,
        |s| async move { events::append_many(&s, events).await },
    )
    .await
}

async fn everything(db: &Database, tenant: TenantId) -> Vec<Event> {
    let log = Log::new(db.clone());
    let (mut all, mut after) = (Vec::new(), Position::default());
    loop {
        let (events, _) = log.read(tenant, after, 100).await.unwrap();
        let Some(last) = events.last() else {
            return all;
        };
        after = last.position.unwrap().into();
        all.extend(events);
    }
}

fn start(t: &TestEnv) -> (CancellationToken, tokio::task::JoinHandle<()>) {
    let stop = CancellationToken::new();
    let task = Relay::spawn(t.db.clone(), Role::Profiles, stop.clone());
    (stop, task.handle)
}

async fn outbox_is_empty(db: &Database) {
    eventually("the outbox is empty", async || {
        let row =
            db.system_read(
                |s| async move { s.raw_one("select count(*) as n from outbox", []).await },
            );
        (row.await.unwrap().unwrap().try_get::<i64>("", "n").unwrap() == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn events_of_a_commit_reach_the_log_in_order_with_their_attributes() {
    on_every_engine(Role::Profiles, shared_tables, async |t| {
        let (ours, theirs) = (tenant(), tenant());
        let (stop, handle) = start(&t);
        let mut sent: Vec<Outgoing> = (0..1500)
            .map(|n| event(&format!("tkt_{}", n % 7)))
            .collect();
        sent[0].traceparent =
            Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into());
        append(&t.db, ours, sent[..1].to_vec()).await.unwrap();
        append(&t.db, ours, sent[1..].to_vec()).await.unwrap();
        append(&t.db, theirs, vec![event("tkt_x")]).await.unwrap();
        let rolled_back: Result<(), Error> =
            t.db.write(ours, |s| async move {
                events::append(&s, &event("tkt_never")).await?;
                Err(Error::Unique)
            })
            .await;
        assert!(rolled_back.is_err());
        outbox_is_empty(&t.db).await;
        let events = everything(&t.db, ours).await;
        let ids: Vec<String> = events.iter().map(|event| event.id.clone()).collect();
        assert_eq!(
            ids,
            sent.iter()
                .map(|event| event.id.to_string())
                .collect::<Vec<_>>()
        );
        let first = &events[0];
        assert_eq!(
            (first.source.as_str(), first.r#type.as_str()),
            ("profiles", "ticket_opened")
        );
        assert_eq!(
            (first.tenant_id.clone(), first.aggregate_id.as_str()),
            (ours.to_string(), "tkt_0")
        );
        assert_eq!(Some(first.traceparent.clone()), sent[0].traceparent);
        assert!(matches!(first.data, Some(Data::TicketOpened(_))));
        assert_eq!(everything(&t.db, theirs).await.len(), 1);
        let heads = Log::new(t.db.clone()).heads().await.unwrap();
        assert_eq!(
            heads
                .iter()
                .find(|head| head.tenant == ours)
                .unwrap()
                .position
                .n,
            1500
        );
        stop.cancel();
        handle.await.unwrap();
    })
    .await;
}

/// What one run of the property does, one after another.
#[derive(Debug, Clone)]
enum Step {
    /// So many events of one of three tenants in one transaction, which may be rolled back.
    Append {
        tenant: usize,
        count: usize,
        commits: bool,
    },
    /// The relay is stopped as by a crash, and started anew later.
    Crash,
    /// The relay is stopped in order and started anew.
    Restart,
    /// Another relay is started beside it, as on a second replica.
    Second,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let append = (0..3_usize, 1..40_usize, any::<bool>()).prop_map(|(tenant, count, commits)| {
        Step::Append {
            tenant,
            count,
            commits,
        }
    });
    let step = proptest::prop_oneof![
        8 => append,
        1 => proptest::strategy::Just(Step::Crash),
        1 => proptest::strategy::Just(Step::Restart),
        1 => proptest::strategy::Just(Step::Second),
    ];
    proptest::collection::vec(step, 1..25)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_crashes_no_event_is_lost_doubled_or_skipped() {
    for engine in engines() {
        let t = env(&engine, Role::Profiles, shared_tables).await;
        let runtime = tokio::runtime::Handle::current();
        let mut runner = TestRunner::new(Config {
            cases: 24,
            ..Config::default()
        });
        tokio::task::block_in_place(|| {
            runner.run(&steps(), |steps| {
                runtime.block_on(one_run(&t, steps));
                Ok(())
            })
        })
        .unwrap();
    }
}

async fn one_run(t: &TestEnv, steps: Vec<Step>) {
    let tenants = [tenant(), tenant(), tenant()];
    let committed: Arc<[std::sync::Mutex<Vec<String>>; 3]> = Arc::default();
    let mut relays = vec![start(t)];
    let mut writers = Vec::new();
    for step in steps {
        match step {
            Step::Append {
                tenant,
                count,
                commits,
            } => {
                let (db, committed) = (t.db.clone(), Arc::clone(&committed));
                writers.push(tokio::spawn(async move {
                    let events: Vec<_> = (0..count).map(|n| event(&n.to_string())).collect();
                    let list = &events;
                    let outcome = db
                        .write(tenants[tenant], |s| async move {
                            events::append_many(&s, list).await?;
                            if commits { Ok(()) } else { Err(Error::Unique) }
                        })
                        .await;
                    assert_eq!(outcome.is_ok(), commits);
                    if commits {
                        committed[tenant]
                            .lock()
                            .unwrap()
                            .extend(events.iter().map(|event| event.id.to_string()));
                    }
                }));
            }
            Step::Crash => {
                for (_, handle) in relays.drain(..) {
                    handle.abort();
                }
                relays.push(start(t));
            }
            Step::Restart => {
                for (stop, handle) in relays.drain(..) {
                    stop.cancel();
                    handle.await.unwrap();
                }
                relays.push(start(t));
            }
            Step::Second => relays.push(start(t)),
        }
    }
    for writer in writers {
        writer.await.unwrap();
    }
    outbox_is_empty(&t.db).await;
    for (tenant, committed) in tenants.into_iter().zip(committed.iter()) {
        let events = everything(&t.db, tenant).await;
        let positions: Vec<i64> = events
            .iter()
            .map(|event| event.position.unwrap().n)
            .collect();
        assert_eq!(
            positions,
            (1..=i64::try_from(events.len()).unwrap()).collect::<Vec<_>>()
        );
        let mut seen: Vec<String> = events.into_iter().map(|event| event.id).collect();
        let mut sent = committed.lock().unwrap().clone();
        seen.sort_unstable();
        sent.sort_unstable();
        assert_eq!(seen, sent);
    }
    for (stop, handle) in relays {
        stop.cancel();
        let _ = handle.await;
    }
}

#[tokio::test]
async fn what_depends_on_an_event_follows_it() {
    on_every_engine(Role::Profiles, shared_tables, async |t| {
        let (ours, counter) = (tenant(), Arc::new(AtomicU32::new(0)));
        let relay = start(&t);
        // Each writer appends what it saw last: the log must count upwards.
        let lock = Arc::new(tokio::sync::Mutex::new(()));
        let writers: Vec<_> = (0..8)
            .map(|_| {
                let (db, counter, lock) = (t.db.clone(), Arc::clone(&counter), Arc::clone(&lock));
                tokio::spawn(async move {
                    for _ in 0..10 {
                        let _turn = lock.lock().await;
                        let n = counter.fetch_add(1, Ordering::SeqCst);
                        append(&db, ours, vec![event(&n.to_string())])
                            .await
                            .unwrap();
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        outbox_is_empty(&t.db).await;
        let order: Vec<u32> = everything(&t.db, ours)
            .await
            .iter()
            .map(|e| e.aggregate_id.parse().unwrap())
            .collect();
        assert_eq!(order, (0..80).collect::<Vec<_>>());
        relay.0.cancel();
        relay.1.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_cursor_ahead_of_the_log_or_lost_in_a_restore_is_out_of_range() {
    for engine in engines() {
        cursors(&engine).await;
    }
}

async fn cursors(engine: &Engine) {
    let t = env(engine, Role::Profiles, shared_tables).await;
    let ours = tenant();
    let (stop, handle) = start(&t);
    append(&t.db, ours, vec![event("a"), event("b"), event("c")])
        .await
        .unwrap();
    outbox_is_empty(&t.db).await;
    stop.cancel();
    handle.await.unwrap();
    let (_, head) = Log::new(t.db.clone())
        .read(ours, Position::default(), 10)
        .await
        .unwrap();
    let old = head.epoch;
    let at = |epoch, n| Position { epoch, n };
    let refusal = async |log: &Log, after| log.read(ours, after, 10).await.unwrap_err();
    let log = Log::new(t.db.clone());
    for ahead in [at(old, 4), at(old + 1, 0)] {
        let failure = refusal(&log, ahead).await;
        assert_eq!(
            (failure.code, failure.reason),
            (Code::OutOfRange, "CURSOR_AHEAD")
        );
    }
    assert!(log.read(ours, at(old, 3), 10).await.unwrap().0.is_empty());

    let new = events::start_epoch(&t.db).await.unwrap();
    assert!(new > old);
    let log = Log::new(t.db.clone());
    assert!(log.read(ours, at(old, 3), 10).await.unwrap().0.is_empty());
    let lost = refusal(&log, at(old, 5)).await;
    assert_eq!(
        (lost.reason, lost.meta("resume_epoch")),
        ("EPOCH_OVER", Some(new.to_string().as_str()))
    );
    assert!(log.read(ours, at(new, 0), 10).await.unwrap().0.is_empty());

    let (stop, handle) = start(&t);
    append(&t.db, ours, vec![event("d")]).await.unwrap();
    outbox_is_empty(&t.db).await;
    let (rest, head) = log.read(ours, at(old, 2), 10).await.unwrap();
    let positions: Vec<Position> = rest
        .iter()
        .map(|event| event.position.unwrap().into())
        .collect();
    assert_eq!(positions, [at(old, 3), at(new, 1)]);
    assert_eq!(head, at(new, 1));
    assert_eq!(refusal(&log, at(old, 4)).await.reason, "EPOCH_OVER");
    stop.cancel();
    handle.await.unwrap();
}
