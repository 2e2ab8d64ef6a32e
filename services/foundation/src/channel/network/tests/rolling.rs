//! Replicas that go and come while calls are made: none is lost.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::replica::{Manner, Replica, call, status};
use super::*;
use crate::service::ListenConfig;

/// Calls at a fixed rate, whatever becomes of them, until told to end. Gives how many ended how.
async fn load(channel: Channel, until: Arc<AtomicBool>) -> BTreeMap<String, usize> {
    let mut tick = tokio::time::interval(Duration::from_millis(1));
    let mut calls = tokio::task::JoinSet::new();
    while !until.load(Ordering::Relaxed) {
        tick.tick().await;
        let channel = channel.clone();
        calls.spawn(async move { status(&channel, call()).await });
    }
    let mut seen = BTreeMap::new();
    while let Some(ended) = calls.join_next().await {
        *seen.entry(ended.unwrap()).or_default() += 1;
    }
    seen
}

/// Waits until a replica was called so many times more.
async fn busy(replica: &Replica, calls: usize) {
    let before = replica.calls();
    eventually("the replica is called", async || {
        (replica.calls() >= before + calls).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_two_replicas_is_restarted_under_load_and_no_call_is_lost() {
    let (mut all, channel) = house(2, &quick()).await;
    let end = Arc::new(AtomicBool::new(false));
    let loading = tokio::spawn(load(channel, Arc::clone(&end)));
    for _ in 0..4 {
        let first = all.remove(0);
        busy(&first, 50).await;
        let address = first.drain().await;
        busy(&all[0], 50).await;
        let again = Replica::at(address, ListenConfig::default()).await;
        busy(&again, 20).await;
        all.push(again);
    }
    end.store(true, Ordering::Relaxed);
    let seen = loading.await.unwrap();
    assert_eq!(seen.keys().collect::<Vec<_>>(), ["0"], "{seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_end_by_their_age_lose_no_call_and_no_stream() {
    let config = ListenConfig {
        connection_age_ms: 1_200,
        ..ListenConfig::default()
    };
    let only = Replica::at("127.0.0.1:0".parse().unwrap(), config).await;
    let channel = pool(&[only.url()], &quick());
    // A stream keeps the first connection open when it is told to take no more calls.
    only.set(Manner::Stream).await;
    let stream = channel.once(call()).await.unwrap();
    only.set(Manner::Well).await;
    let end = Arc::new(AtomicBool::new(false));
    let loading = tokio::spawn(load(channel, Arc::clone(&end)));
    // Three connections or more, one after the other.
    busy(&only, 4_000).await;
    end.store(true, Ordering::Relaxed);
    let seen = loading.await.unwrap();
    assert_eq!(seen.keys().collect::<Vec<_>>(), ["0"], "{seen:?}");
    assert_eq!(only.open_streams(), 1);
    drop(stream);
}
