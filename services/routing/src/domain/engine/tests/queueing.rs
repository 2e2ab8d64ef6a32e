//! The engine on a virtual clock against what queueing theory computes exactly.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

use rapport_foundation::time::Micros;

use super::desk::*;
use crate::domain::engine::{Effect, Engine, Input, Settings, Terms};
use crate::domain::{Priority, Status, WorkItem};

/// A small generator of its own: the same seed is the same day on any machine.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit into a double")]
        let part = (z >> 11) as f64;
        (part + 0.5) / (1_u64 << 53) as f64
    }

    fn exponential(&mut self, mean_s: f64) -> Duration {
        Duration::from_secs_f64(-mean_s * self.next().ln())
    }
}

struct Centre {
    agents: u32,
    arrivals_per_s: f64,
    handle_s: f64,
    /// Share of arrivals that are urgent.
    urgent: f64,
}

/// Seconds waited, and whether urgent, of each arrival in order.
fn run(centre: &Centre, arrivals: usize, seed: u64) -> Vec<(f64, bool)> {
    let mut engine = Engine::new(Settings::default());
    engine.step(
        secs(0),
        Input::QueueChanged(Terms {
            wrap_up: Duration::ZERO,
            ..terms(1)
        }),
    );
    for n in 1..=centre.agents {
        let agent = agent(n.into());
        engine.step(secs(0), Input::AgentChanged(profile(n.into(), &[1], &[])));
        engine.step(secs(0), Input::StreamOpened { agent, stream: 1 });
        engine.step(
            secs(0),
            Input::StatusSet {
                agent,
                status: Status::Available,
                reason: None,
            },
        );
    }
    let mut dice = Dice(seed);
    let mut ends: BinaryHeap<Reverse<(Micros, u128, u128)>> = BinaryHeap::new();
    let mut waits: HashMap<u128, (f64, bool)> = HashMap::new();
    let mut next = secs(0) + dice.exponential(1.0 / centre.arrivals_per_s);
    let mut made = 0_u128;
    while waits.len() < arrivals {
        let (now, effects) = match ends.peek() {
            Some(Reverse((end, item_no, agent_no))) if *end <= next => {
                let (end, work, who) = (*end, item(*item_no), agent(*agent_no));
                ends.pop();
                let done = Input::WorkCompleted {
                    item: work,
                    agent: who,
                    disposition: None,
                    skip_wrap_up: false,
                };
                (end, engine.step(end, done))
            }
            _ => {
                let now = next;
                next = now + dice.exponential(1.0 / centre.arrivals_per_s);
                made += 1;
                let priority = if dice.next() < centre.urgent {
                    Priority::Urgent
                } else {
                    Priority::Normal
                };
                let arrival = WorkItem {
                    priority,
                    ..work(made, 1, now)
                };
                (
                    now,
                    engine.step(now, Input::WorkItemQueued(Box::new(arrival))),
                )
            }
        };
        for offer in offers(&effects) {
            let urgent = engine.item(offer.item).unwrap().priority == Priority::Urgent;
            for effect in engine.step(
                now,
                Input::OfferAccepted {
                    offer: offer.id,
                    agent: offer.agent,
                },
            ) {
                if let Effect::Accepted { offer, wait } = effect {
                    let number = offer.item.uuid().as_u128();
                    waits.insert(number, (wait.as_secs_f64(), urgent));
                    let end = now + dice.exponential(centre.handle_s);
                    ends.push(Reverse((end, number, offer.agent.uuid().as_u128())));
                }
            }
        }
        engine.take_changes();
    }
    let mut all: Vec<_> = waits.into_iter().collect();
    all.sort_unstable_by_key(|(number, _)| *number);
    all.into_iter().map(|(_, wait)| wait).collect()
}

/// How many standard errors the mean of the batches is from what theory says.
fn z_score(values: &[f64], batches: usize, expected: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    let means: Vec<f64> = values
        .chunks_exact(values.len() / batches)
        .map(mean)
        .collect();
    let overall = mean(&means);
    let squares: Vec<f64> = means.iter().map(|m| (m - overall).powi(2)).collect();
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    let error =
        (squares.iter().sum::<f64>() / (means.len() - 1) as f64 / means.len() as f64).sqrt();
    (overall - expected) / error
}

/// 100 calls in 30 minutes, 3 minutes each, 14 agents, target 20 s (Erlang C).
#[test]
fn waits_are_those_of_erlang_c() {
    let centre = Centre {
        agents: 14,
        arrivals_per_s: 100.0 / 1800.0,
        handle_s: 180.0,
        urgent: 0.0,
    };
    let waits = run(&centre, 41_000, 1);
    let settled = &waits[1_000..];
    let share = |counts: &dyn Fn(f64) -> bool| -> Vec<f64> {
        settled
            .iter()
            .map(|(wait, _)| f64::from(u8::from(counts(*wait))))
            .collect()
    };
    let waited = z_score(&share(&|wait| wait > 0.0), 100, 0.174_132);
    let in_time = z_score(&share(&|wait| wait <= 20.0), 100, 0.888_350);
    assert!(
        waited.abs() < 3.0,
        "P(W>0) is {waited:.2} standard errors off"
    );
    assert!(
        in_time.abs() < 3.0,
        "the service level is {in_time:.2} standard errors off"
    );
}

/// Non-preemptive priority: with P(W>0) = C and load ρ, the urgent half waits
/// C·s/n/(1 − ρ/2) and the other C·s/n/((1 − ρ/2)(1 − ρ)).
#[test]
fn the_urgent_wait_as_theory_says_and_the_others_pay_for_it() {
    let centre = Centre {
        agents: 14,
        arrivals_per_s: 100.0 / 1800.0,
        handle_s: 180.0,
        urgent: 0.5,
    };
    let waits = run(&centre, 41_000, 2);
    let of = |urgent: bool| -> Vec<f64> {
        waits[1_000..]
            .iter()
            .filter(|(_, u)| *u == urgent)
            .map(|(wait, _)| *wait)
            .collect()
    };
    let load = 10.0 / 14.0;
    let urgent = 0.174_132 * 180.0 / 14.0 / (1.0 - load / 2.0);
    let others = urgent / (1.0 - load);
    let (first, second) = (
        z_score(&of(true), 100, urgent),
        z_score(&of(false), 100, others),
    );
    assert!(
        first.abs() < 3.0,
        "the urgent are {first:.2} standard errors off"
    );
    assert!(
        second.abs() < 3.0,
        "the others are {second:.2} standard errors off"
    );
}
