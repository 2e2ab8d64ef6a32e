//! The models, their published figures, and how long each has to be watched.
//!
//! Run lengths follow from the asymptotic variance of the figures (Whitt, "Asymptotic formulas for Markov processes",
//! Operations Research 1992): a wait at an occupancy of .96 takes some five million customers a seed until its
//! interval is ± 6 %, a blocking probability of .00017 some eighty million.

use std::time::Duration;

use super::{Known, Row};
use crate::domain::engine::Settings;
use crate::domain::{Channel, Code, Priority, Skills};
use crate::simulate::arrivals::Arrivals;
use crate::simulate::figures::{Measure, Scope};
use crate::simulate::law::Law;
use crate::simulate::scenario::{Demand, Line, Run, Scenario, Team};
use crate::simulate::theory::{ErlangC, Markov, Steady};

const BATCHES: u32 = 100;
const ALL: Scope = Scope::All;

/// A house with one queue, one team and customers of one or two classes.
struct House {
    name: &'static str,
    per_minute: f64,
    handle_s: f64,
    wrap_up_s: u64,
    agents: u32,
    patience_s: Option<f64>,
    most_waiting: Option<u32>,
    /// The classes, each with its part of the customers.
    classes: &'static [(&'static str, Priority, f64)],
    /// Customers of one seed, in millions.
    millions: f64,
}

const ONE_CLASS: &[(&str, Priority, f64)] = &[("calls", Priority::Normal, 1.0)];
const TWO_CLASSES: &[(&str, Priority, f64)] = &[
    ("first", Priority::High, 0.5),
    ("second", Priority::Normal, 0.5),
];

const USUAL: House = House {
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

const CALLS_100: House = House {
    per_minute: 100.0 / 30.0,
    handle_s: 180.0,
    agents: 14,
    ..USUAL
};

impl House {
    fn erlang_c(&self) -> ErlangC {
        ErlangC {
            arrivals_per_s: self.per_minute / 60.0,
            handle_s: self.handle_s + self.wrap_up_s as f64,
            agents: self.agents,
        }
    }

    fn markov(&self) -> Markov {
        Markov {
            arrivals_per_s: self.per_minute / 60.0,
            handle_s: self.handle_s,
            agents: self.agents,
            patience_s: self.patience_s,
            most_waiting: self.most_waiting,
        }
    }

    fn row(&self, code: &'static str, known: Vec<Known>) -> Row {
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
                usual: 1,
                named: Vec::new(),
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

/// Every row of the table, long enough for the rule.
#[must_use]
pub fn rows() -> Vec<Row> {
    let mut rows = vec![
        erlang_c_50(8.0),
        erlang_a_50(),
        erlang_c_14(1.0),
        erlang_c_15(),
        erlang_a_14(1.0),
        two_classes(USUAL, 9.0),
    ];
    rows.extend([
        square_root(105, 0.5157, 1.5),
        square_root(110, 0.2370, 2.0),
        square_root(120, 0.0332, 5.0),
    ]);
    rows.extend([
        waiting_room(77.4, (0.000_17, 0.083), 95.0),
        waiting_room(84.0, (0.003_64, 0.450), 9.0),
        waiting_room(90.0, (0.023_49, 1.243), 2.5),
    ]);
    rows.push(wrap_up(4.0));
    rows
}

/// A few models, quick enough for every build of the tests, and together still sharp enough to tell a broken engine.
#[must_use]
pub fn short_rows() -> Vec<Row> {
    let small = House {
        millions: 0.012,
        ..CALLS_100
    };
    let rows = [
        erlang_c_14(0.012),
        erlang_a_14(0.012),
        small_classes(small),
        waiting_room(90.0, (0.023_49, 1.243), 0.012),
        wrap_up(0.012),
    ];
    rows.into_iter()
        .map(|row| Row {
            narrow: false,
            ..row
        })
        .collect()
}

fn erlang_c_50(millions: f64) -> Row {
    let house = House {
        name: "Erlang C: 48 a minute, 1 minute each, 50 agents",
        millions,
        ..USUAL
    };
    let theory = house.erlang_c();
    house.row(
        "erlang-c-50",
        vec![
            known("P(W>0)", Measure::Delayed, theory.delayed(), 0.6945, 4),
            known("mean wait, s", Measure::Wait, theory.wait_s(), 20.83, 2),
            known(
                "90th percentile, s",
                Measure::Percentile(0.9),
                theory.quantile_s(0.9),
                58.1,
                1,
            ),
            known("queue", Measure::QueueLength, theory.queue(), 16.67, 2),
            known(
                "occupancy",
                Measure::Occupancy,
                theory.occupancy(),
                0.960,
                3,
            ),
        ],
    )
}

fn erlang_a_50() -> Row {
    let house = House {
        name: "Erlang A: 48 a minute, 1 minute each, 50 agents, patience 2 minutes",
        patience_s: Some(120.0),
        ..USUAL
    };
    let theory = steady(&house);
    house.row(
        "erlang-a-50",
        vec![
            known("P(W>0)", Measure::Delayed, theory.delayed, 0.4678, 4),
            known(
                "abandonment",
                Measure::Abandoned,
                theory.abandoned,
                0.0309,
                4,
            ),
            known("mean wait, s", Measure::Wait, theory.wait_s, 3.71, 2),
            known("queue", Measure::QueueLength, theory.queue, 2.97, 2),
            known("occupancy", Measure::Occupancy, theory.occupancy, 0.930, 3),
        ],
    )
}

fn erlang_c_14(millions: f64) -> Row {
    let house = House {
        name: "Erlang C: 100 in 30 minutes, 3 minutes each, 14 agents",
        millions,
        ..CALLS_100
    };
    let theory = house.erlang_c();
    house.row(
        "erlang-c-14",
        vec![
            known("P(W>0)", Measure::Delayed, theory.delayed(), 0.174_132, 6),
            known(
                "service level",
                Measure::ServiceLevel,
                theory.within(20.0),
                0.888_350,
                6,
            ),
            known(
                "occupancy",
                Measure::Occupancy,
                theory.occupancy(),
                0.714_286,
                6,
            ),
        ],
    )
}

fn erlang_c_15() -> Row {
    let house = House {
        name: "Erlang C: 100 in 30 minutes, 3 minutes each, 15 agents",
        agents: 15,
        ..CALLS_100
    };
    let theory = house.erlang_c();
    house.row(
        "erlang-c-15",
        vec![
            known(
                "service level",
                Measure::ServiceLevel,
                theory.within(20.0),
                0.941,
                3,
            ),
            known(
                "occupancy",
                Measure::Occupancy,
                theory.occupancy(),
                0.667,
                3,
            ),
        ],
    )
}

fn erlang_a_14(millions: f64) -> Row {
    let house = House {
        name: "Erlang A: 100 in 30 minutes, 3 minutes each, 14 agents, patience 5 minutes",
        patience_s: Some(300.0),
        millions,
        ..CALLS_100
    };
    let theory = steady(&house);
    house.row(
        "erlang-a-14",
        vec![
            known("P(W>0)", Measure::Delayed, theory.delayed, 0.145_26, 5),
            known(
                "abandonment",
                Measure::Abandoned,
                theory.abandoned,
                0.013_984,
                6,
            ),
            known(
                "occupancy",
                Measure::Occupancy,
                theory.occupancy,
                0.704_297,
                6,
            ),
        ],
    )
}

fn two_classes(house: House, millions: f64) -> Row {
    let house = House {
        name: "Two classes, the first before the second: 24 a minute each, 1 minute, 50 agents",
        classes: TWO_CLASSES,
        millions,
        ..house
    };
    let theory = house.erlang_c();
    let (first, second) = theory.two_classes_s(0.5);
    let known_of = |demand, known: Known| Known {
        scope: Scope::Demand(demand),
        ..known
    };
    house.row(
        "two-classes-50",
        vec![
            known_of(
                0,
                known("wait of the first, s", Measure::Wait, first, 1.60, 2),
            ),
            known_of(
                1,
                known("wait of the second, s", Measure::Wait, second, 40.07, 2),
            ),
            known("mean wait, s", Measure::Wait, theory.wait_s(), 20.83, 2),
        ],
    )
}

/// The same in a house whose waits settle soon enough for a short run; not published, by the formula alone.
fn small_classes(house: House) -> Row {
    let house = House {
        classes: TWO_CLASSES,
        name: "Two classes, 14 agents",
        ..house
    };
    let theory = house.erlang_c();
    let (first, second) = theory.two_classes_s(0.5);
    let figure = |name, scope, exact| Known {
        scope,
        ..known(name, Measure::Wait, exact, exact, 9)
    };
    house.row(
        "two-classes-14",
        vec![
            figure("wait of the first, s", Scope::Demand(0), first),
            figure("wait of the second, s", Scope::Demand(1), second),
            figure("mean wait, s", ALL, theory.wait_s()),
        ],
    )
}

/// Square-root staffing: R + β√R agents for R = 100 and β = ½, 1, 2 (Halfin and Whitt, 1981).
fn square_root(agents: u32, published: f64, millions: f64) -> Row {
    let (code, name) = match agents {
        105 => (
            "square-root-105",
            "Square-root staffing: 100 Erlang, 105 agents",
        ),
        110 => (
            "square-root-110",
            "Square-root staffing: 100 Erlang, 110 agents",
        ),
        _ => (
            "square-root-120",
            "Square-root staffing: 100 Erlang, 120 agents",
        ),
    };
    let house = House {
        name,
        per_minute: 100.0,
        agents,
        millions,
        ..USUAL
    };
    let delayed = house.erlang_c().delayed();
    house.row(
        code,
        vec![known("P(W>0)", Measure::Delayed, delayed, published, 4)],
    )
}

/// M/M/90/30: 90 agents and 30 places to wait, so that 120 are there at most. The mean wait is that of those who were
/// let in, Lq/(λ·(1 − π₁₂₀)); the published figures come out with no other reading.
fn waiting_room(load: f64, (blocked, wait_min): (f64, f64), millions: f64) -> Row {
    let (code, name) = if load < 80.0 {
        (
            "waiting-room-77",
            "M/M/90/30: 77.4 Erlang, 10 minutes each, 30 may wait",
        )
    } else if load < 87.0 {
        (
            "waiting-room-84",
            "M/M/90/30: 84 Erlang, 10 minutes each, 30 may wait",
        )
    } else {
        (
            "waiting-room-90",
            "M/M/90/30: 90 Erlang, 10 minutes each, 30 may wait",
        )
    };
    let house = House {
        name,
        per_minute: load / 10.0,
        handle_s: 600.0,
        agents: 90,
        most_waiting: Some(30),
        millions,
        ..USUAL
    };
    let theory = steady(&house);
    let wait = known("mean wait, min", Measure::Wait, theory.wait_s, wait_min, 3);
    house.row(
        code,
        vec![
            known("blocking", Measure::Blocked, theory.blocked, blocked, 5),
            Known { unit: 60.0, ..wait },
        ],
    )
}

/// Half of the work is wrap-up, so that a wrap-up that is 1 % too long shows in occupancy, which is λ·(s + w)/n however
/// handle times are distributed (Little's law).
fn wrap_up(millions: f64) -> Row {
    let house = House {
        name: "Wrap-up: 100 in 30 minutes, 1½ minutes each and 1½ of wrap-up, 14 agents",
        handle_s: 90.0,
        wrap_up_s: 90,
        millions,
        ..CALLS_100
    };
    let occupancy = house.erlang_c().occupancy();
    house.row(
        "wrap-up-14",
        vec![known(
            "occupancy",
            Measure::Occupancy,
            occupancy,
            0.714_286,
            6,
        )],
    )
}

fn steady(house: &House) -> Steady {
    let steady = house.markov().steady();
    steady.unwrap_or_else(|| unreachable!("every house of this file has patience or a limit"))
}

const fn known(
    name: &'static str,
    measure: Measure,
    exact: f64,
    published: f64,
    places: i32,
) -> Known {
    Known {
        measure,
        scope: ALL,
        name,
        exact,
        published,
        unit: 1.0,
        places,
    }
}

/// A code that is spelled in this file.
fn word(text: &str) -> Code {
    text.parse()
        .unwrap_or_else(|_| unreachable!("`{text}` is a code"))
}
