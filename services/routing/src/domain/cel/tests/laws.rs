//! What holds for every expression.

use proptest::prelude::*;

use super::super::expr::{Call, Expr, Kind, Literal, Op, Quantified};
use super::*;

fn expr(kind: Kind) -> Expr {
    Expr::new(0, kind)
}

fn literal() -> impl Strategy<Value = Expr> {
    prop_oneof![
        any::<bool>().prop_map(Literal::Bool),
        any::<i64>().prop_map(Literal::Int),
        prop::num::f64::NORMAL.prop_map(Literal::Double),
        "\\PC{0,6}".prop_map(Literal::Text),
        "[\\x00-\\x1f\"'\\\\]{0,3}".prop_map(Literal::Text),
    ]
    .prop_map(|literal| expr(Kind::Literal(literal)))
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["thing", "numbers", "t", "x", "_y1"]).prop_map(str::to_owned)
}

fn op() -> impl Strategy<Value = Op> {
    prop::sample::select(vec![
        Op::Equal,
        Op::Unequal,
        Op::Less,
        Op::LessOrEqual,
        Op::Greater,
        Op::GreaterOrEqual,
        Op::In,
        Op::Add,
        Op::Subtract,
        Op::Multiply,
        Op::Divide,
        Op::Remainder,
    ])
}

fn pattern() -> impl Strategy<Value = Expr> {
    let written = prop::sample::select(vec!["^a", "n.$", "[0-9]{2,}", "", "(?i)ANA|bo"]);
    written.prop_map(|text| expr(Kind::Literal(Literal::Text(text.into()))))
}

fn any_expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![literal(), name().prop_map(|name| expr(Kind::Name(name)))];
    leaf.prop_recursive(4, 24, 3, |part| {
        let one = || part.clone().prop_map(Box::new);
        let some = |least| prop::collection::vec(part.clone(), least..4);
        prop_oneof![
            (one(), name()).prop_map(|(of, name)| Kind::Field(of, name)),
            (one(), one()).prop_map(|(of, place)| Kind::Index(of, place)),
            some(0).prop_map(Kind::List),
            prop::collection::vec((part.clone(), part.clone()), 0..3).prop_map(Kind::Map),
            one().prop_map(Kind::Not),
            one().prop_map(Kind::Negate),
            some(2).prop_map(Kind::And),
            some(2).prop_map(Kind::Or),
            (op(), one(), one()).prop_map(|(op, a, b)| Kind::Binary(op, a, b)),
            (part.clone(), part.clone(), part.clone())
                .prop_map(|(when, this, that)| Kind::Choose(Box::new([when, this, that]))),
            (any::<bool>(), some(1)).prop_map(|(is_method, args)| {
                Kind::Call(Call::new(is_method, "size".into(), args).unwrap())
            }),
            (any::<bool>(), part.clone(), pattern()).prop_map(|(is_method, text, pattern)| {
                let args = vec![text, pattern];
                Kind::Call(Call::new(is_method, "matches".into(), args).unwrap())
            }),
            (one(), name()).prop_map(|(of, name)| Kind::Has(of, name)),
            (any::<bool>(), one(), name(), one()).prop_map(|(all, list, name, holds)| {
                Kind::Quantified(Quantified {
                    all,
                    list,
                    name,
                    holds,
                })
            }),
        ]
        .prop_map(expr)
    })
}

proptest! {
    /// What is written is read back as what it was.
    #[test]
    fn what_is_written_is_read_back(expr in any_expr()) {
        let written = expr.to_string();
        prop_assume!(written.chars().count() <= SOURCE_CHARACTERS);
        prop_assert_eq!(parse(&written), Ok(expr), "{}", written);
    }

    /// What was checked fails by its values alone, never by their kinds.
    #[test]
    fn what_makes_sense_is_not_refused_for_its_kinds(expr in any_expr()) {
        let (of, faults) = check(&expr, &env());
        let sound = faults.iter().all(|fault| fault.reason == "UNUSED_NAME");
        if sound && of != Type::Wrong {
            let value = evaluate(&expr, &variables());
            prop_assert!(!matches!(value, Err(EvalError::NoOverload)), "{}: {:?}", expr, value);
        }
    }

    /// Explaining tells the same as evaluating.
    #[test]
    fn what_is_explained_is_what_is_decided(expr in any_expr()) {
        let (told, _) = explain(&expr, &variables());
        let decided = evaluate(&expr, &variables());
        prop_assert_eq!(told.map(|v| v.to_string()), decided.map(|v| v.to_string()));
    }

    /// A chain comes to the same in whatever order, but for which error is told.
    #[test]
    fn the_order_of_a_chain_decides_nothing(parts in prop::collection::vec(any_expr(), 2..5)) {
        let mut turned = parts.clone();
        turned.reverse();
        for whole in [Kind::And as fn(Vec<Expr>) -> Kind, Kind::Or] {
            let there = evaluate(&expr(whole(parts.clone())), &variables());
            let back = evaluate(&expr(whole(turned.clone())), &variables());
            prop_assert_eq!(there.is_ok(), back.is_ok());
            if let (Ok(there), Ok(back)) = (there, back) {
                prop_assert!(there.equals(&back));
            }
        }
    }
}
