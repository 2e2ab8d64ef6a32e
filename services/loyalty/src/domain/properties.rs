//! The ledger under random programmes of operations with time moving: after each step the whole book
//! is audited, and a naive model that moves single points by hand agrees.

use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;
use rapport_foundation::id::{EntryId, HoldId, MemberId, ProgramId, TenantId};
use rapport_foundation::time::Micros;

use super::audit::{self, Book};
use super::{
    Account, Cause, EarnRule, Entry, EntryKind, Hold, HoldState, Ledger, Lot, Original, Points,
    Refusal, Terms,
};

mod model;

use model::{Model, Verdict};

/// One step; indices are taken modulo what is there.
#[derive(Debug, Clone)]
enum Step {
    Earn {
        units: i64,
        delay: u64,
        validity: Option<u64>,
    },
    Hold {
        units: i64,
        timeout: u64,
    },
    Capture {
        hold: usize,
        units: Option<i64>,
    },
    Void {
        hold: usize,
    },
    Reverse {
        entry: usize,
        units: Option<i64>,
    },
    Pass {
        seconds: u64,
    },
    Sweep,
}

fn step() -> impl Strategy<Value = Step> {
    let few = || prop::option::weighted(0.5, 1_i64..12);
    prop_oneof![
        4 => (1_i64..20, 0_u64..4, prop::option::weighted(0.7, 1_u64..12))
            .prop_map(|(units, delay, validity)| Step::Earn { units, delay, validity }),
        4 => (1_i64..15, 1_u64..8).prop_map(|(units, timeout)| Step::Hold { units, timeout }),
        2 => (any::<usize>(), few()).prop_map(|(hold, units)| Step::Capture { hold, units }),
        1 => any::<usize>().prop_map(|hold| Step::Void { hold }),
        3 => (any::<usize>(), few()).prop_map(|(entry, units)| Step::Reverse { entry, units }),
        3 => (1_u64..5).prop_map(|seconds| Step::Pass { seconds }),
        1 => Just(Step::Sweep),
    ]
}

/// A ledger with everything it ever wrote beside it, as a database would have it.
struct Bench {
    now: Micros,
    ledger: Ledger,
    entries: Vec<Entry>,
    lots: HashMap<rapport_foundation::id::LotId, Lot>,
    holds: Vec<HoldId>,
    all_holds: HashMap<HoldId, Hold>,
    model: Model,
    /// Whether time is swept at every second, or only when an operation comes by.
    eager: bool,
}

impl Bench {
    fn new(eager: bool) -> Self {
        let now = Micros::from_secs(1_000);
        let account = Account::open(
            TenantId::from_uuid(uuid::Uuid::from_u128(1)),
            ProgramId::from_uuid(uuid::Uuid::from_u128(2)),
            MemberId::from_uuid(uuid::Uuid::from_u128(3)),
            now,
        );
        Self {
            now,
            ledger: Ledger::restore(account, [], []),
            entries: Vec::new(),
            lots: HashMap::new(),
            holds: Vec::new(),
            all_holds: HashMap::new(),
            model: Model::default(),
            eager,
        }
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Earn {
                units,
                delay,
                validity,
            } => {
                let seconds = Duration::from_secs;
                let terms = Terms {
                    activation_delay: seconds(delay),
                    validity: validity.map(seconds),
                };
                let points = Points::new(units).unwrap();
                let done = self.ledger.earn(self.now, points, terms, Cause::default());
                self.model.earn(self.now, done.unwrap(), units, terms);
            }
            Step::Hold { units, timeout } => {
                let points = Points::new(units).unwrap();
                let timeout = Duration::from_secs(timeout);
                let done = self.ledger.hold(self.now, points, timeout, None);
                let expected = self.model.hold(self.now, units, timeout);
                assert_eq!(verdict(&done), expected, "hold");
                if let Ok((hold, _)) = done {
                    self.model.name_hold(hold);
                    self.holds.push(hold);
                }
            }
            Step::Capture { hold, units } => {
                let Some(hold) = pick(&self.holds, hold) else {
                    return;
                };
                self.load_hold(hold);
                let points = units.and_then(Points::new);
                let done = self.ledger.capture(self.now, hold, points, None);
                let expected = self.model.capture(self.now, hold, units);
                assert_eq!(verdict(&done), expected, "capture");
                if let Ok(entry) = done {
                    self.model.name_capture(entry);
                }
            }
            Step::Void { hold } => {
                let Some(hold) = pick(&self.holds, hold) else {
                    return;
                };
                self.load_hold(hold);
                let done = self.ledger.void(self.now, hold, None);
                assert_eq!(verdict(&done), self.model.void(self.now, hold), "void");
            }
            Step::Reverse { entry, units } => self.reverse(entry, units),
            Step::Pass { seconds } => {
                for _ in 0..seconds {
                    self.now += Duration::from_secs(1);
                    if self.eager {
                        self.ledger.catch_up(self.now);
                        self.write();
                    }
                }
            }
            Step::Sweep => self.ledger.catch_up(self.now),
        }
        self.write();
    }

    fn reverse(&mut self, index: usize, units: Option<i64>) {
        let ids: Vec<EntryId> = self.entries.iter().map(|entry| entry.id).collect();
        let Some(id) = pick(&ids, index) else { return };
        let entry = self
            .entries
            .iter()
            .find(|entry| entry.id == id)
            .unwrap()
            .clone();
        let reversals = self
            .entries
            .iter()
            .filter(|other| other.reverses == Some(id))
            .cloned()
            .collect();
        let lots = entry
            .allocations
            .iter()
            .map(|part| self.lots[&part.lot].clone())
            .collect();
        let kind = entry.kind;
        let mut original = Original::new(entry, reversals, lots).unwrap();
        let points = units.and_then(Points::new);
        let done = self.ledger.reverse(self.now, &mut original, points, None);
        let expected = match kind {
            EntryKind::Earn => self.model.claw_back(self.now, id, units),
            EntryKind::Capture => self.model.refund(self.now, id, units),
            _ => {
                self.model.pass(self.now);
                Verdict::Refused
            }
        };
        assert_eq!(verdict(&done), expected, "reverse a {}", kind.as_str());
    }

    fn load_hold(&mut self, id: HoldId) {
        self.ledger.include_hold(self.all_holds[&id].clone());
    }

    /// What the store does; every now and then everything is read back.
    fn write(&mut self) {
        if let Some(changes) = self.ledger.take_changes() {
            self.entries
                .extend(changes.posted.into_iter().map(|posted| posted.entry));
            self.lots
                .extend(changes.lots.into_iter().map(|lot| (lot.id, lot)));
            self.all_holds
                .extend(changes.holds.into_iter().map(|hold| (hold.id, hold)));
        }
        if self.entries.len().is_multiple_of(3) {
            let live = self
                .lots
                .values()
                .filter(|lot| lot.remainder() > 0)
                .cloned();
            let open = self
                .all_holds
                .values()
                .filter(|hold| hold.state == HoldState::Open)
                .cloned();
            self.ledger = Ledger::restore(self.ledger.account().clone(), live, open);
        }
    }

    fn faults(&self) -> Vec<String> {
        let lots: Vec<Lot> = self.lots.values().cloned().collect();
        let holds: Vec<Hold> = self.all_holds.values().cloned().collect();
        let rule = EarnRule {
            currency_code: "EUR".into(),
            currency_exponent: 2,
            points: 1,
            per: 100,
            minimum_total: 0,
        };
        audit::check(&Book {
            account: self.ledger.account(),
            entries: &self.entries,
            lots: &lots,
            holds: &holds,
            earnings: &[],
            rule: &rule,
        })
    }

    /// Available now, pending, held and owed.
    fn balance(&self) -> [i64; 4] {
        let mut present = self.ledger.clone();
        present.catch_up(self.now);
        let balance = present.balance(self.now);
        [
            balance.available,
            balance.pending,
            balance.held,
            balance.debt,
        ]
    }

    /// What happened, without what differs between two runs.
    fn story(&self) -> Vec<(EntryKind, i64, i64, Vec<i64>)> {
        let mut present = self.ledger.clone();
        present.catch_up(self.now);
        let rest = present
            .take_changes()
            .map_or(Vec::new(), |changes| changes.posted);
        self.entries
            .iter()
            .chain(rest.iter().map(|posted| &posted.entry))
            .map(|entry| {
                let units = entry
                    .allocations
                    .iter()
                    .map(super::Allocation::signed)
                    .collect();
                (entry.kind, entry.points, entry.at.0, units)
            })
            .collect()
    }
}

fn pick<T: Copy>(from: &[T], index: usize) -> Option<T> {
    (!from.is_empty()).then(|| from[index % from.len()])
}

fn verdict<T>(done: &Result<T, Refusal>) -> Verdict {
    if done.is_ok() {
        Verdict::Done
    } else {
        Verdict::Refused
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn after_every_step_the_book_is_whole_and_the_naive_model_agrees(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut bench = Bench::new(false);
        for step in &steps {
            bench.run(step);
            let faults = bench.faults();
            prop_assert!(faults.is_empty(), "{step:?}: {faults:?}");
            prop_assert_eq!(bench.balance(), bench.model.balance(bench.now), "after {:?}", step);
        }
    }

    #[test]
    fn when_and_how_often_time_is_swept_changes_nothing(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let (mut lazy, mut eager) = (Bench::new(false), Bench::new(true));
        for step in &steps {
            // Which entry is taken back is chosen by index: both must have the same ones by then.
            lazy.ledger.catch_up(lazy.now);
            lazy.write();
            eager.ledger.catch_up(eager.now);
            eager.write();
            lazy.run(step);
            eager.run(step);
        }
        prop_assert_eq!(lazy.story(), eager.story());
        prop_assert_eq!(lazy.balance(), eager.balance());
    }
}
