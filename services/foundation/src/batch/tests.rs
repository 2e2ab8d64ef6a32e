#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use super::*;
use crate::time::Micros;

fn tenant() -> TenantId {
    TenantId::new(Micros(1))
}

fn bad() -> Failure {
    Failure::new(Code::InvalidArgument, "BAD", "bad")
}

/// Submits all at once and collects the answers in order.
async fn submit_all(
    batcher: &Batcher<u32, u32, Failure>,
    commands: impl IntoIterator<Item = u32>,
) -> Vec<Result<u32, Failure>> {
    let tenant = tenant();
    futures::future::join_all(
        commands
            .into_iter()
            .map(|command| batcher.submit(tenant, command)),
    )
    .await
}

#[tokio::test]
async fn what_waits_while_a_batch_runs_becomes_the_next_batch() {
    let gate = Arc::new(Semaphore::new(0));
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let (batcher, task) = Batcher::spawn(
        "test",
        &BatchConfig {
            most: 50,
            ..BatchConfig::default()
        },
        {
            let (gate, sizes) = (Arc::clone(&gate), Arc::clone(&sizes));
            move |commands: Vec<u32>| {
                let (gate, sizes) = (Arc::clone(&gate), Arc::clone(&sizes));
                async move {
                    gate.acquire().await.unwrap().forget();
                    sizes.lock().unwrap().push(commands.len());
                    Ok::<_, Failure>(commands.into_iter().map(|c| Ok(c + 1)).collect())
                }
            }
        },
    );
    let answers = tokio::spawn({
        let batcher = batcher.clone();
        async move { submit_all(&batcher, 0..120).await }
    });
    gate.add_permits(100);
    let answers: Vec<u32> = answers
        .await
        .unwrap()
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(answers, (1..=120).collect::<Vec<_>>());
    assert!(sizes.lock().unwrap().iter().all(|size| *size <= 50));
    assert!(sizes.lock().unwrap().len() <= 5);
    batcher.close();
    task.handle.await.unwrap();
    assert_eq!(
        batcher.submit(tenant(), 1).await.unwrap_err().reason,
        "DRAINING"
    );
}

#[tokio::test]
async fn a_guilty_command_fails_alone() {
    let runs = Arc::new(AtomicUsize::new(0));
    let (batcher, _task) = Batcher::spawn("test", &BatchConfig::default(), {
        let runs = Arc::clone(&runs);
        move |commands: Vec<u32>| {
            runs.fetch_add(1, Ordering::SeqCst);
            async move {
                match commands.iter().find(|c| **c == 13 || **c == 21) {
                    Some(13) => Err(bad()),
                    Some(_) => panic!("a fault in the batch"),
                    None => Ok(commands.into_iter().map(Ok).collect()),
                }
            }
        }
    });
    let answers = submit_all(&batcher, 0..64).await;
    for (command, answer) in answers.into_iter().enumerate() {
        match command {
            13 => assert_eq!(answer.unwrap_err().reason, "BAD"),
            21 => {
                let failure = answer.unwrap_err();
                assert_eq!(
                    (failure.code, failure.reason),
                    (Code::Unavailable, "OUTCOME_UNKNOWN")
                );
            }
            _ => assert_eq!(answer.unwrap() as usize, command),
        }
    }
    assert!(runs.load(Ordering::SeqCst) < 40);
}

#[tokio::test]
async fn a_store_that_is_away_answers_everyone_without_halving() {
    let runs = Arc::new(AtomicUsize::new(0));
    let (batcher, _task) = Batcher::spawn("test", &BatchConfig::default(), {
        let runs = Arc::clone(&runs);
        move |_: Vec<u32>| {
            runs.fetch_add(1, Ordering::SeqCst);
            async {
                Err::<Vec<Result<u32, Failure>>, _>(Failure::new(Code::Unavailable, "AWAY", "away"))
            }
        }
    });
    let answers = submit_all(&batcher, 0..10).await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.as_ref().unwrap_err().reason == "AWAY")
    );
    assert!(runs.load(Ordering::SeqCst) <= 2);
}

#[tokio::test]
async fn a_full_queue_refuses_and_a_caller_that_left_stops_nothing() {
    let gate = Arc::new(Semaphore::new(0));
    let (begun, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let limits = BatchConfig {
        most: 1,
        queue: 2,
        lanes: 1,
    };
    let (batcher, task) = Batcher::spawn("test", &limits, {
        let (gate, done, begun) = (Arc::clone(&gate), Arc::clone(&done), Arc::clone(&begun));
        move |commands: Vec<u32>| {
            begun.fetch_add(1, Ordering::SeqCst);
            let (gate, done) = (Arc::clone(&gate), Arc::clone(&done));
            async move {
                gate.acquire().await.unwrap().forget();
                done.fetch_add(commands.len(), Ordering::SeqCst);
                Ok::<_, Failure>(commands.into_iter().map(Ok).collect())
            }
        }
    });
    let call = |command| {
        let batcher = batcher.clone();
        tokio::spawn(async move { batcher.submit(tenant(), command).await })
    };
    let mut callers = vec![call(0)];
    while begun.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    callers.extend([call(1), call(2)]);
    while batcher.waiting() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        batcher.submit(tenant(), 9).await.unwrap_err().reason,
        "OVERLOADED"
    );
    callers.iter().for_each(tokio::task::JoinHandle::abort);
    gate.add_permits(10);
    batcher.close();
    task.handle.await.unwrap();
    assert_eq!(done.load(Ordering::SeqCst), 3);
}
