#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::time::{Duration, Instant};

use tokio::net::TcpListener;

use super::*;
use crate::channel::Channel;
use crate::deadline;
use crate::testing::{Proxy, eventually};

mod replica;
mod rolling;
mod secure;

use replica::{Manner, Replica, call, retry_info, status};

/// Times that suit a test.
fn quick() -> PoolConfig {
    PoolConfig {
        eject_ms: 300,
        ..PoolConfig::default()
    }
}

fn pool(urls: &[String], config: &PoolConfig) -> Channel {
    Channel::pool(urls, None, config).unwrap()
}

/// As many replicas, and a way to all of them.
async fn house(replicas: usize, config: &PoolConfig) -> (Vec<Replica>, Channel) {
    let mut all = Vec::new();
    for _ in 0..replicas {
        all.push(Replica::open().await);
    }
    let urls: Vec<String> = all.iter().map(Replica::url).collect();
    let channel = pool(&urls, config);
    // All are connected to before a test begins.
    eventually("every replica was called", async || {
        assert_eq!(status(&channel, call()).await, "0");
        all.iter().all(|replica| replica.calls() > 0).then_some(())
    })
    .await;
    (all, channel)
}

#[tokio::test]
async fn streams_that_stay_open_count_and_calls_go_to_who_has_fewer() {
    let (all, channel) = house(2, &quick()).await;
    let mut open = Vec::new();
    for replica in &all {
        replica.set(Manner::Stream).await;
    }
    for _ in 0..40 {
        open.push(channel.once(call()).await.unwrap());
    }
    let streams = [all[0].open_streams(), all[1].open_streams()];
    assert_eq!(streams, [20, 20]);

    drop(open);
    eventually("the streams are over", async || {
        all.iter()
            .all(|replica| replica.open_streams() == 0)
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_replica_that_nobody_is_at_costs_no_call() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let replica = Replica::open().await;
    let channel = pool(&[nobody, replica.url()], &quick());
    for _ in 0..50 {
        assert_eq!(status(&channel, call()).await, "0");
    }
}

#[tokio::test]
async fn what_was_refused_is_sent_elsewhere_with_its_body_whatever_the_method() {
    let (all, channel) = house(2, &quick()).await;
    let refusing = replica::refusing().await;
    let channel_to_both = pool(&[all[0].url(), refusing.url()], &quick());
    let before = all[0].calls();
    for _ in 0..30 {
        assert_eq!(status(&channel_to_both, call()).await, "0");
    }
    assert!(refusing.calls() > 0, "nobody was refused");
    assert_eq!(all[0].calls() - before, 30);
    assert_eq!(all[0].last_body(), replica::BODY);
    drop(channel);
}

#[tokio::test]
async fn what_may_have_been_done_is_sent_again_only_when_it_is_idempotent() {
    let well = Replica::open().await;
    let breaking = replica::breaking().await;
    let config = PoolConfig {
        eject_failures: u32::MAX,
        ..quick()
    };
    let channel = pool(&[well.url(), breaking.url()], &config);
    let lost = eventually("a call is lost", async || {
        (status(&channel, call()).await == "14").then_some(())
    });
    lost.await;

    let before = breaking.calls();
    eventually("an idempotent call meets it too", async || {
        let mut request = call();
        request.extensions_mut().insert(Retry::Idempotent);
        assert_eq!(status(&channel, request).await, "0");
        (breaking.calls() > before + 3).then_some(())
    })
    .await;
}

#[tokio::test]
async fn who_only_says_that_another_is_away_is_not_left_alone() {
    let config = PoolConfig {
        eject_failures: 2,
        eject_ms: 60_000,
        ..quick()
    };
    for (manner, left_alone) in [(Manner::Elsewhere, false), (Manner::Unavailable, true)] {
        let (all, channel) = house(2, &config).await;
        all[0].set(manner).await;
        for _ in 0..60 {
            let answer = channel.once(call()).await.unwrap();
            assert!(!answer.headers().contains_key(ELSEWHERE));
        }
        let before = all[0].calls();
        assert!(before > 0);
        for _ in 0..40 {
            status(&channel, call()).await;
        }
        assert_eq!(all[0].calls() == before, left_alone, "{before}");
    }
}

#[tokio::test]
async fn naive_failures_are_sent_again_within_the_budget() {
    let config = PoolConfig {
        eject_most_percent: 0,
        eject_failures: u32::MAX,
        retries_per_second: 1,
        ..quick()
    };
    let (all, channel) = house(3, &config).await;
    for replica in &all {
        replica.set(Manner::Unavailable).await;
    }
    let before: usize = all.iter().map(Replica::calls).sum();
    let begun = Instant::now();
    let calls = 1_000;
    for _ in 0..calls {
        let mut request = call();
        request.extensions_mut().insert(Retry::Idempotent);
        assert_eq!(status(&channel, request).await, "14");
    }
    let attempts = all.iter().map(Replica::calls).sum::<usize>() - before;
    // A fifth, one a second, and what the calls before the test earned.
    let seconds = usize::try_from(begun.elapsed().as_secs()).unwrap() + 2;
    assert!(attempts > calls, "nothing was sent again");
    assert!(attempts <= calls * 12 / 10 + seconds + 20, "{attempts}");
}

#[tokio::test]
async fn the_deadline_shrinks_from_attempt_to_attempt() {
    let (all, channel) = house(2, &quick()).await;
    let spent = Duration::from_millis(100);
    for replica in &all {
        replica.set(Manner::LateUnavailable(spent)).await;
    }
    let mut request = call();
    request.extensions_mut().insert(Retry::Idempotent);
    deadline::state(request.headers_mut(), Duration::from_secs(1));
    assert_eq!(status(&channel, request).await, "14");
    let mut seen: Vec<u64> = all.iter().filter_map(Replica::last_deadline_ms).collect();
    seen.sort_unstable();
    // Three attempts at two replicas: each saw a later one than the first, or the first itself.
    assert!(seen[0] <= 1_000 - 100, "{seen:?}");

    // And it ends the whole, in the middle of an attempt too.
    let mut request = call();
    request.extensions_mut().insert(Retry::Idempotent);
    deadline::state(request.headers_mut(), Duration::from_millis(150));
    let begun = Instant::now();
    assert_eq!(status(&channel, request).await, "4");
    assert!(begun.elapsed() < Duration::from_millis(150 + 100));
}

#[tokio::test]
async fn when_nobody_can_be_reached_calls_are_told_at_once_and_when_somebody_can_they_go_there() {
    // Connections are made, and nothing answers: the slowest way to be away.
    let replica = Replica::open().await;
    let proxy = Proxy::to(replica.address).await;
    proxy.hold();
    let config = PoolConfig {
        connect_timeout_ms: 300,
        ..quick()
    };
    let channel = pool(&[format!("http://{}", proxy.address())], &config);
    assert_eq!(status(&channel, call()).await, "14");
    for _ in 0..20 {
        let begun = Instant::now();
        let response = channel.once(call()).await.unwrap();
        assert!(
            begun.elapsed() < Duration::from_millis(50),
            "{:?}",
            begun.elapsed()
        );
        assert_eq!(retry_info(&response), Some(Duration::from_millis(500)));
    }
    proxy.restore();
    eventually("it is reached", async || {
        (status(&channel, call()).await == "0").then_some(())
    })
    .await;
}

/// R12: of three replicas one is sick.
async fn one_sick(sicken: impl AsyncFn(&Replica, &Proxy), heal: impl AsyncFn(&Replica, &Proxy)) {
    let (mut all, mut proxies, mut urls) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..3 {
        let replica = Replica::open().await;
        let proxy = Proxy::to(replica.address).await;
        urls.push(format!("http://{}", proxy.address()));
        all.push(replica);
        proxies.push(proxy);
    }
    let channel = pool(&urls, &quick());
    let once = async || {
        let mut request = call();
        deadline::state(request.headers_mut(), Duration::from_millis(700));
        status(&channel, request).await == "0"
    };
    eventually("all are called", async || {
        once().await;
        all.iter().all(|replica| replica.calls() > 3).then_some(())
    })
    .await;

    sicken(&all[0], &proxies[0]).await;
    let fell_ill = Instant::now();
    let mut row = 0;
    while row < 300 {
        row = if once().await { row + 1 } else { 0 };
        assert!(
            fell_ill.elapsed() < Duration::from_secs(10),
            "it is still called"
        );
    }
    // Probes find it sick again and again, and no call does.
    let before = all[0].calls();
    let mut errors = 0;
    for _ in 0..300 {
        errors += usize::from(!once().await);
    }
    assert!(errors <= 3, "{errors} of 300");
    assert_eq!(all[0].calls(), before);

    heal(&all[0], &proxies[0]).await;
    let before = all[0].calls();
    eventually("it is called again", async || {
        once().await;
        (all[0].calls() > before + 3).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_replica_that_stalls_is_left_alone_and_comes_back() {
    one_sick(
        async |_, proxy| proxy.hold(),
        async |_, proxy| proxy.restore(),
    )
    .await;
}

#[tokio::test]
async fn a_replica_that_fails_every_call_is_left_alone_and_comes_back() {
    one_sick(
        async |replica, _| replica.set(Manner::Sick).await,
        async |replica, _| replica.set(Manner::Well).await,
    )
    .await;
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_moves_the_calls() {
    let (old, new) = (Replica::open().await, Replica::open().await);
    let address = Address::parse(&old.url(), false).unwrap();
    let network = Network(Pool::new(vec![address], None, quick()));
    let channel = Channel::of(network.clone());
    assert_eq!(status(&channel, call()).await, "0");
    let address = Arc::new(Address::parse(&new.url(), false).unwrap());
    network.0.replace(vec![(address, new.address)]);
    let before = old.calls();
    for _ in 0..20 {
        assert_eq!(status(&channel, call()).await, "0");
    }
    assert_eq!((old.calls(), new.calls()), (before, 20));
    eventually("the old connection is closed", async || {
        (old.connections() == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_host_name_is_looked_up() {
    let replica = Replica::open().await;
    let url = format!("dns+http://localhost:{}", replica.address.port());
    let channel = pool(&[url], &quick());
    assert_eq!(status(&channel, call()).await, "0");
}

#[tokio::test]
async fn a_pool_that_nobody_holds_closes_its_connections() {
    let (all, channel) = house(1, &quick()).await;
    assert_eq!(all[0].connections(), 1);
    drop(channel);
    eventually("the connection is closed", async || {
        (all[0].connections() == 0).then_some(())
    })
    .await;
}
