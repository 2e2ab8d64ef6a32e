//! The models, their published figures, and how long each has to be watched.
//!
//! Run lengths follow from the asymptotic variance of the figures (Whitt, "Asymptotic formulas for Markov processes",
//! Operations Research 1992): a wait at an occupancy of .96 takes some five million customers a seed until its
//! interval is ± 6 %, a blocking probability of .00017 some eighty million.

use super::house::{CALLS_100, House, TWO_CLASSES, USUAL};
use super::{Known, Row};
use crate::simulate::figures::{Measure, Scope};

const ALL: Scope = Scope::All;

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
        waiting_room(77.4, (0.000_17, 0.083), 145.0),
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
    let theory = house.steady();
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
    let theory = house.steady();
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
    let theory = house.steady();
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
