//! A step looks at what it decides about, not at everything that waits.

use std::time::{Duration, Instant};

use super::desk::*;
use crate::domain::engine::{Engine, Input, Settings};
use crate::domain::{Status, WorkItem};

const AGENTS: u128 = 500;
const WAITING: u128 = 20_000;
const QUEUES: u128 = 40;

/// The bound is far above what a quiet machine needs (a few microseconds in a release build),
/// and far below what a scan over all that waits would take.
#[test]
fn a_step_stays_short_with_five_hundred_agents_and_twenty_thousand_waiting() {
    let names: Vec<String> = (0..24).map(|n| format!("skill-{n}")).collect();
    let some = |n: u128, count: u128| -> Vec<&str> {
        (0..count)
            .map(|k| names[usize::try_from((n * 7 + k * 5) % 24).unwrap()].as_str())
            .collect()
    };
    let mut engine = Engine::new(Settings::default());
    for n in 1..=QUEUES {
        engine.step(secs(0), Input::QueueChanged(terms(n)));
    }
    for n in 1..=AGENTS {
        let queues: Vec<u128> = (0..6).map(|k| 1 + (n * 3 + k * 11) % QUEUES).collect();
        engine.step(
            secs(0),
            Input::AgentChanged(profile(n, &queues, &some(n, 8))),
        );
        engine.step(
            secs(0),
            Input::StreamOpened {
                agent: agent(n),
                stream: 1,
            },
        );
        engine.step(
            secs(0),
            Input::StatusSet {
                agent: agent(n),
                status: Status::Available,
                reason: None,
            },
        );
    }
    let waiting = |n: u128| WorkItem {
        skills: skills(&some(n, 1 + n % 2)),
        ..work(n, 1 + n % QUEUES, secs(1))
    };
    for n in 1..=WAITING {
        engine.step(secs(1), Input::WorkItemQueued(Box::new(waiting(n))));
    }
    let mut now = secs(2);
    let mut steps = Vec::new();
    let mut timed = |engine: &mut Engine, now, input| {
        let begun = Instant::now();
        let effects = engine.step(now, input);
        steps.push(begun.elapsed());
        effects
    };
    for round in 0..2_000_u128 {
        now += Duration::from_millis(1);
        let who = agent(1 + round % AGENTS);
        let held: Vec<_> = engine.held_by(who).cloned().collect();
        for work in held {
            if let Some(offer) = work.offer() {
                timed(
                    &mut engine,
                    now,
                    Input::OfferAccepted {
                        offer: offer.id,
                        agent: who,
                    },
                );
            }
            let done = Input::WorkCompleted {
                item: work.id,
                agent: who,
                disposition: None,
                skip_wrap_up: true,
            };
            timed(&mut engine, now, done);
        }
        timed(
            &mut engine,
            now,
            Input::WorkItemQueued(Box::new(waiting(WAITING + 1 + round))),
        );
        engine.take_changes();
    }
    engine.check().unwrap();
    steps.sort_unstable();
    let median = steps[steps.len() / 2];
    assert!(
        median < Duration::from_millis(1),
        "median step {median:?} of {}",
        steps.len()
    );
}
