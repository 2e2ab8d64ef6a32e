//! Houses with one queue and one team.

use std::time::Duration;

use rapport_foundation::time::Micros;

use super::{Known, Row};
use crate::domain::engine::Settings;
use crate::domain::{Capacity, Channel, Code, Discipline, Priority, Skills, WorkSelection};
use crate::simulate::arrivals::Arrivals;
use crate::simulate::law::Law;
use crate::simulate::scenario::{Demand, Line, Run, Scenario, Team};
use crate::simulate::theory::{ErlangC, Markov, Steady};

const BATCHES: u32 = 100;

/// A house with one queue, one team and customers of one or two classes.
pub(super) struct House {
    pub(super) name: &'static str,
    pub(super) per_minute: f64,
    pub(super) handle_s: f64,
    pub(super) wrap_up_s: u64,
    pub(super) agents: u32,
    pub(super) patience_s: Option<f64>,
    pub(super) most_waiting: Option<u32>,
    /// The classes, each with its part of the customers.
    pub(super) classes: &'static [(&'static str, Priority, f64)],
    /// Customers of one seed, in millions.
    pub(super) millions: f64,
}

pub(super) const ONE_CLASS: &[(&str, Priority, f64)] = &[("calls", Priority::Normal, 1.0)];
pub(super) const TWO_CLASSES: &[(&str, Priority, f64)] = &[
    ("first", Priority::High, 0.5),
    ("second", Priority::Normal, 0.5),
];

pub(super) const USUAL: House = House {
    name: "",
    per_minute: 48.0,
    handle_s: 60.0,
    wrap_up_s: 0,
    agents: 50,
    patience_s: None,
    most_waiting: None,
    classes: ONE_CLASS,
    millions: 1.0,
};

pub(super) const CALLS_100: House = House {
    per_minute: 100.0 / 30.0,
    handle_s: 180.0,
    agents: 14,
    ..USUAL
};

impl House {
    pub(super) fn erlang_c(&self) -> ErlangC {
        ErlangC {
            arrivals_per_s: self.per_minute / 60.0,
            handle_s: self.handle_s + self.wrap_up_s as f64,
            agents: self.agents,
        }
    }

    pub(super) fn steady(&self) -> Steady {
        let line = Markov {
            arrivals_per_s: self.per_minute / 60.0,
            handle_s: self.handle_s,
            agents: self.agents,
            patience_s: self.patience_s,
            most_waiting: self.most_waiting,
        };
        let bounded = line.steady();
        bounded.unwrap_or_else(|| unreachable!("every house of this suite has patience or a limit"))
    }

    pub(super) fn row(&self, code: &'static str, known: Vec<Known>) -> Row {
        let customers = self.millions * 1e6;
        let seconds = customers / (self.per_minute / 60.0);
        let batch = Duration::from_secs_f64((seconds / f64::from(BATCHES)).ceil());
        let scenario = Scenario {
            name: self.name.to_owned(),
            run: Run {
                seeds: (1..=5).collect(),
                // A house at .96 forgets that it began empty within an hour or so.
                warm_up: batch.max(Duration::from_secs_f64(200.0 * self.handle_s)),
                batch,
                batches: BATCHES,
            },
            settings: Settings::default(),
            queues: vec![Line {
                code: word("calls"),
                offer_timeout: Duration::from_secs(20),
                wrap_up: Duration::from_secs(self.wrap_up_s),
                max_lapsed_offers: 1,
                most_waiting: self.most_waiting,
                target: Duration::from_secs(20),
                short_abandon: Duration::ZERO,
                discipline: Discipline::default(),
            }],
            demands: self
                .classes
                .iter()
                .map(|class| self.demand(class))
                .collect(),
            teams: vec![Team {
                code: word("agents"),
                agents: self.agents,
                queues: vec![0],
                skills: Skills::new(),
                capacity: Capacity::of_each(1, Micros::EPOCH),
                work_selection: WorkSelection::Oldest,
                handle_factor: 1.0,
                answer: None,
                back: Duration::from_secs(60),
                shifts: Vec::new(),
            }],
        };
        Row {
            code,
            scenario,
            known,
            narrow: true,
        }
    }

    fn demand(&self, (code, priority, part): &(&str, Priority, f64)) -> Demand {
        Demand {
            code: word(code),
            queue: 0,
            channel: Channel::Phone,
            priority: *priority,
            skills: Skills::new(),
            arrivals: Arrivals::Poisson {
                per_s: self.per_minute * 60.0 * part / 3600.0,
            },
            patience: self.patience_s.map(|mean_s| Law::Exponential { mean_s }),
            handle: Law::Exponential {
                mean_s: self.handle_s,
            },
        }
    }
}

/// A code that is spelled in this file.
fn word(text: &str) -> Code {
    text.parse()
        .unwrap_or_else(|_| unreachable!("`{text}` is a code"))
}
