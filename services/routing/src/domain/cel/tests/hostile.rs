//! Expressions that are there to hurt.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

fn fault(source: &str) -> &'static str {
    parse(source).unwrap_err().reason
}

#[test]
fn what_is_too_long_or_too_deep_is_refused() {
    assert_eq!(fault(&"1".repeat(SOURCE_CHARACTERS + 1)), "TOO_LONG");
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("size([", "])"),
        ("{'a': ", "}"),
        ("t[", "]"),
    ] {
        let deep = |depth| format!("{}1{}", open.repeat(depth), close.repeat(depth));
        assert_eq!(fault(&deep(200)), "TOO_DEEP", "{open}");
        assert!(parse(&deep(15)).is_ok(), "{open}");
    }
    for chain in ["!", "-", "a.", "1 + ", "1 == ", "t ? t : "] {
        let deep = format!("{}t", chain.repeat(150));
        assert_eq!(fault(&deep), "TOO_DEEP", "{chain}");
    }
    assert_eq!(fault(&format!("t{}", ".a()".repeat(200))), "TOO_DEEP");
    let unended = "(".repeat(SOURCE_CHARACTERS);
    assert_eq!(fault(&unended), "TOO_DEEP");
}

#[test]
fn a_long_chain_of_conditions_is_not_deep() {
    for mark in ["||", "&&"] {
        let chain = vec!["t"; 300].join(mark);
        assert_eq!(told(&chain), "true");
    }
}

/// Macros in macros, over a list of a hundred.
fn exponential(levels: usize) -> String {
    let list = format!("[{}]", vec!["1"; 100].join(","));
    let mut holds = "a0 == 9".to_owned();
    for level in 0..levels {
        holds = format!("l.exists(a{level}, {holds})");
    }
    holds.replacen('l', &list, 1).replace("l.", "numbers.")
}

#[test]
fn what_takes_too_many_steps_ends_soon() {
    let started = Instant::now();
    let thousand = format!("[{}]", vec!["1"; 900].join(","));
    for source in [
        format!("{thousand}.all(a, numbers.all(b, numbers.all(c, numbers.all(d, d > 0))))"),
        format!(
            "{thousand}.exists(a, {}.exists(b, b > a))",
            "[1,1,1,1,1,1,1,1,1,1,1,1]"
        ),
        exponential(6),
        format!("true && {thousand}.all(a, numbers.all(b, numbers.all(c, c > 0 && b > 0)))"),
    ] {
        let expr = parse(&source).unwrap();
        // Nothing absorbs it, and nothing is told about it that is not bounded.
        assert_eq!(
            evaluate(&expr, &variables()).unwrap_err(),
            EvalError::Spent,
            "{source}"
        );
        let (value, traced) = explain(&expr, &variables());
        assert_eq!(value.unwrap_err(), EvalError::Spent);
        assert!(traced.len() <= 64);
    }
    let long = Duration::from_secs(5);
    assert!(started.elapsed() < long, "{:?}", started.elapsed());
}

#[test]
fn no_pattern_takes_long_whatever_it_says() {
    let started = Instant::now();
    let text = "a".repeat(1_000);
    for (pattern, told_so) in [
        ("(a+)+$", "true"),
        ("(a|aa)+b", "false"),
        ("(a*)*(a*)*(a*)*c", "false"),
        ("((((a{50}){50}){50}){50})", "MALFORMED_PATTERN at 1011"),
        (r"[\\pL\\pN]{900}", "MALFORMED_PATTERN at 1011"),
        (&"(".repeat(500), "MALFORMED_PATTERN at 1011"),
    ] {
        let source = format!("\"{text}\".matches(\"{pattern}\")");
        assert_eq!(told(&source), told_so, "{pattern}");
    }
    let five = ["'a'.matches('b')"; 5].join(" || ");
    assert_eq!(told(&five), "TOO_MANY_PATTERNS at 80");
    // A search is paid for by the length of what is searched, and by how much of the pattern there is.
    let many = format!("[{}]", vec!["1"; 60].join(","));
    for source in [
        format!("{many}.all(n, \"{text}\".matches(\"b\") || n > 0)"),
        format!("\"{text}\".matches(\"[ab]*a[ab]{{900}}b\")"),
    ] {
        assert_eq!(told(&source), "it takes too many steps");
    }
    let long = Duration::from_secs(5);
    assert!(started.elapsed() < long, "{:?}", started.elapsed());
}

#[test]
fn a_decided_chain_does_not_absorb_that_it_was_spent() {
    let list = format!("[{}]", vec!["1"; 600].join(","));
    let source = format!("{list}.all(a, numbers.all(b, numbers.all(c, c > 0))) || true");
    assert_eq!(told(&source), "it takes too many steps");
}

proptest! {
    /// Whatever is written, nothing panics, and what is read is checked and comes to something.
    #[test]
    fn any_text_is_survived(source in "\\PC{0,200}") {
        if let Ok(expr) = parse(&source) {
            check(&expr, &env());
            constant(&expr);
            let _ = explain(&expr, &variables());
        }
    }

    /// The same of texts that look like expressions.
    #[test]
    fn any_words_are_survived(words in prop::collection::vec(word(), 0..60)) {
        let source = words.concat();
        if let Ok(expr) = parse(&source) {
            check(&expr, &env());
            let _ = explain(&expr, &variables());
            constant(&expr);
        }
    }
}

fn word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ".",
        "?",
        ":",
        "!",
        "-",
        "+",
        "*",
        "/",
        "%",
        "&&",
        "||",
        "==",
        "!=",
        "<",
        ">=",
        " in ",
        "1",
        "0x7f",
        "2.5",
        "9223372036854775807",
        "'a'",
        "r'\\'",
        "thing",
        ".name",
        ".tags",
        "numbers",
        "words",
        "t",
        "at",
        "has(",
        "size(",
        ".all(n, ",
        ".exists(n, ",
        "n",
        "true",
        "false",
        "\n",
        "// ",
        "\\",
        "'",
        "\"",
    ])
}
