//! Many callers do everything at once, with the clock running; afterwards every book is whole.

use std::time::Duration;

use futures::future::join_all;
use rapport_proto::loyalty::v1 as pb;
use tonic::Code;

use crate::floor::{Floor, amounts, on_every_engine};

/// A small generator of numbers: the same seed plays the same storm.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let index = self.roll(u64::try_from(from.len().max(1)).unwrap());
        from.get(usize::try_from(index).unwrap())
    }
}

/// What may be said of a call in a storm: it was done, or the state did not allow it.
fn allowed<T: std::fmt::Debug>(answer: Result<T, tonic::Status>) -> Option<T> {
    match answer {
        Ok(done) => Some(done),
        Err(status) => {
            assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
            None
        }
    }
}

async fn caller(f: &Floor, members: &[String], seed: u64) {
    let mut dice = Dice(seed);
    let (mut holds, mut entries): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for _ in 0..25 {
        let member = dice.pick(members).unwrap().clone();
        let units = i64::try_from(dice.roll(40)).unwrap() + 1;
        let balance: Option<pb::Balance> = match dice.roll(8) {
            0..=2 => {
                let order = format!("{seed}-{}", dice.roll(30));
                let answer = f.earn_by(&member, &order, units * 100 + 500).await;
                match answer {
                    Err(status) if status.code() == Code::AlreadyExists => None,
                    answer => allowed(answer).and_then(|done| {
                        entries.extend(done.entry.map(|entry| entry.id));
                        done.balance
                    }),
                }
            }
            3 | 4 => {
                let timeout = i64::try_from(dice.roll(20)).unwrap() + 1;
                allowed(f.hold(&member, units, timeout).await).and_then(|done| {
                    holds.extend(done.hold.map(|hold| hold.id));
                    done.balance
                })
            }
            5 => match dice.pick(&holds).cloned() {
                Some(hold) => allowed(f.capture(&hold, None).await).and_then(|done| {
                    entries.extend(done.entry.map(|entry| entry.id));
                    done.balance
                }),
                None => None,
            },
            6 => match dice.pick(&holds).cloned() {
                Some(hold) => allowed(f.void(&hold).await).and_then(|done| done.balance),
                None => None,
            },
            _ => match dice.pick(&entries).cloned() {
                Some(entry) => {
                    let units = (dice.roll(2) == 0).then_some(units);
                    allowed(f.reverse(&entry, units).await).and_then(|done| done.balance)
                }
                None => None,
            },
        };
        if let Some(balance) = balance {
            assert!(
                amounts(&balance).iter().all(|units| *units >= 0),
                "{balance:?}"
            );
        }
        if dice.roll(3) == 0 {
            f.clock.advance(Duration::from_secs(dice.roll(5_000)));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_calls_leaves_every_book_whole() {
    let seed = std::process::id();
    println!("seed {seed}");
    on_every_engine(async |f| {
        let program = f
            .program(|program| {
                program.validity_days = 1;
                program.activation_delay_s = 10;
            })
            .await;
        let mut members = Vec::new();
        for _ in 0..4 {
            members.push(
                f.enrol(&program, crate::floor::customer())
                    .await
                    .unwrap()
                    .id,
            );
        }
        let callers = (0..16).map(|n| caller(&f, &members, u64::from(seed) * 1_000 + n));
        join_all(callers).await;
        f.check().await;
        for member in &members {
            let balance = amounts(&f.get_balance(member).await);
            assert!(balance.iter().all(|units| *units >= 0), "{balance:?}");
        }
    })
    .await;
}

/// An account with very many lots is not read again for every batch, and stays right.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_a_thousand_lots_is_still_quick_and_right() {
    on_every_engine(async |f| {
        let member = f.member().await;
        for _ in 0..10 {
            let earned = join_all((0..100).map(|_| f.earn(&member, 3))).await;
            assert!(earned.iter().all(Result::is_ok));
        }
        let held = join_all((0..100).map(|_| f.hold(&member, 30, 0))).await;
        assert!(held.iter().all(Result::is_ok));
        assert_eq!(f.balance(&member).await, [0, 3_000, 0, 0]);
        f.check().await;
    })
    .await;
}
