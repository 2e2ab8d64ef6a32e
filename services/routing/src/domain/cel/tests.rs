#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod conformance;
mod hostile;
mod laws;

use std::sync::Arc;

use rapport_foundation::time::Micros;

use super::*;

/// Names of every kind.
fn env() -> Env {
    let list = |of| Type::List(Box::new(of));
    let thing = [
        ("name", Type::Text),
        ("count", Type::Int),
        ("tags", list(Type::Text)),
    ];
    Env {
        names: [
            ("thing", Type::Object("thing")),
            ("numbers", list(Type::Int)),
            ("words", Type::Map(Box::new(Type::Text))),
            ("t", Type::Bool),
            ("at", Type::Time),
        ]
        .into(),
        shapes: [("thing", thing.into())].into(),
    }
}

fn variables() -> Variables {
    let text = |text: &str| Value::text(text);
    let thing = [
        ("name", text("ana")),
        ("count", Value::Int(0)),
        ("tags", Value::List([text("vip"), text("dutch")].into())),
    ];
    let words = [(Arc::from("a"), text("alpha")), (Arc::from("b"), text(""))];
    [
        ("thing", Value::Object(Arc::new(thing.into()))),
        ("numbers", Value::List((1..=3).map(Value::Int).collect())),
        ("words", Value::Map(Arc::new(words.into()))),
        ("t", Value::Bool(true)),
        // 2026-03-01T22:30:00Z, a Sunday.
        ("at", Value::Time(Micros(1_772_404_200_000_000))),
    ]
    .into()
}

/// What an expression comes to on its own.
fn evaluate(expr: &Expr, known: &Variables) -> Result<Value, EvalError> {
    super::evaluate(expr, known, &mut { STEPS_MAX })
}

fn explain(expr: &Expr, known: &Variables) -> (Result<Value, EvalError>, Vec<Traced>) {
    super::explain(expr, known, &mut { STEPS_MAX })
}

/// What a source comes to: its value as the language writes it, or why it has none.
fn told(source: &str) -> String {
    match parse(source) {
        Ok(expr) => match evaluate(&expr, &variables()) {
            Ok(value) => value.to_string(),
            Err(error) => error.to_string(),
        },
        Err(fault) => format!("{} at {}", fault.reason, fault.at),
    }
}

/// What the check says of a source: each reason and where.
fn faults(source: &str) -> Vec<String> {
    let expr = parse(source).unwrap();
    let (_, faults) = check(&expr, &env());
    let told = |fault: Fault| format!("{} at {}", fault.reason, fault.at);
    faults.into_iter().map(told).collect()
}

#[test]
fn everything_that_makes_no_sense_is_told_at_once() {
    for (source, wrong) in [
        ("t && numbers.exists(n, n > 2)", vec![]),
        ("size(thing.tags) == 2 && 'vip' in thing.tags", vec![]),
        ("thing.tags + [] == thing.tags", vec![]),
        ("[] == [1] || {} == {'a': [[]]}", vec![]),
        ("words.a == words['b']", vec![]),
        ("at.getHours('Asia/Jakarta') > 8", vec![]),
        (
            "nobody || thing.age > 1",
            vec!["UNKNOWN_NAME at 0", "UNKNOWN_NAME at 10"],
        ),
        (
            "1 + 1.0 == 2.0 && 'a' < 1",
            vec!["TYPE_MISMATCH at 0", "TYPE_MISMATCH at 18"],
        ),
        (
            "!1 || -'a' == 'b'",
            vec!["TYPE_MISMATCH at 1", "TYPE_MISMATCH at 7"],
        ),
        ("t ? 1 : 'a'", vec!["TYPE_MISMATCH at 8"]),
        ("[1, 'a']", vec!["TYPE_MISMATCH at 4"]),
        ("{1: 2}", vec!["TYPE_MISMATCH at 1"]),
        (
            "numbers.x || words[1] == ''",
            vec!["TYPE_MISMATCH at 0", "TYPE_MISMATCH at 19"],
        ),
        ("numbers.all(n, true)", vec!["UNUSED_NAME at 0"]),
        ("numbers.all(n, n)", vec!["TYPE_MISMATCH at 15"]),
        ("thing.name.all(c, c == '')", vec!["TYPE_MISMATCH at 0"]),
        ("shout(thing.name)", vec!["UNKNOWN_NAME at 0"]),
        ("thing.name.startsWith(1)", vec!["TYPE_MISMATCH at 0"]),
        ("startsWith(thing.name, 'a')", vec!["TYPE_MISMATCH at 0"]),
        ("thing.count.matches('1')", vec!["TYPE_MISMATCH at 0"]),
        (
            "thing.name.matches(thing.name) || matches('a', 'a' + 'b')",
            vec!["PATTERN_NOT_LITERAL at 19", "PATTERN_NOT_LITERAL at 47"],
        ),
        (
            "at.getHours('Middle/Earth') == 1",
            vec!["UNKNOWN_TIME_ZONE at 12"],
        ),
        (
            "has(thing.name) && has(thing.age)",
            vec!["UNKNOWN_NAME at 23"],
        ),
        ("2.0 % 2.0 == 0.0", vec!["TYPE_MISMATCH at 0"]),
        ("thing < thing", vec!["TYPE_MISMATCH at 0"]),
    ] {
        assert_eq!(faults(source), wrong, "{source}");
    }
}

#[test]
fn what_holds_whatever_is_known_is_recognised() {
    for (source, holds) in [
        ("true", Some(true)),
        ("1 < 2 || nobody", Some(true)),
        ("nobody && false", Some(false)),
        ("[1, 2].all(n, n > 0)", Some(true)),
        ("t", None),
        ("t || !t", None),
        ("1 / 0 == 1", None),
    ] {
        assert_eq!(constant(&parse(source).unwrap()), holds, "{source}");
    }
}

#[test]
fn each_part_is_told_once_it_is_known() {
    let expr = parse("thing.count > 0 || numbers.exists(n, n > 9) || 1 / 0 == 1").unwrap();
    let (value, traced) = explain(&expr, &variables());
    assert_eq!(value.unwrap_err(), EvalError::DivisionByZero);
    let told = |traced: Traced| match traced.value {
        Ok(value) => format!("{}: {value}", traced.part),
        Err(error) => format!("{}: {error}", traced.part),
    };
    let told: Vec<String> = traced.into_iter().map(told).collect();
    let whole = "(thing.count > 0) || numbers.exists(n, n > 9) || ((1 / 0) == 1)";
    assert_eq!(
        told,
        [
            "thing: {count: 0, name: \"ana\", tags: [\"vip\", \"dutch\"]}",
            "thing.count: 0",
            "thing.count > 0: false",
            "numbers: [1, 2, 3]",
            "numbers.exists(n, n > 9): false",
            "1 / 0: a division by zero",
            "(1 / 0) == 1: a division by zero",
            &format!("{whole}: a division by zero"),
        ]
    );
}
