//! What must not be seen is found in every form, and what only looks like it is left alone.

use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use rapport_foundation::testing::report;
use rapport_interactions::domain::detect::{self, Finding, Kind, Masking, Text};

use crate::corpus;
use crate::numbers::{FORMS, Form, card, check_digit, number};

fn masked(body: &str) -> String {
    let (texts, _) = detect::mask(&[Text::plain(body)], Masking::default());
    texts
        .into_iter()
        .next()
        .flatten()
        .unwrap_or_else(|| body.to_owned())
}

/// Whether every letter and digit of a part of a text is found.
fn covered(findings: &[Finding], text: usize, body: &str, part: std::ops::Range<usize>) -> bool {
    let mark = |at: usize| {
        let marks = findings.iter().flat_map(|finding| &finding.marks);
        marks
            .into_iter()
            .any(|mark| mark.text == text && mark.start <= at && at < mark.end)
    };
    body[part.clone()]
        .char_indices()
        .all(|(at, c)| !c.is_alphanumeric() || mark(part.start + at))
}

/// Whether a number is found after a beginning and before an end.
fn is_found(before: &str, said: &str, after: &str) -> bool {
    let body = format!("{before} {said} {after}");
    let from = before.len() + 1;
    covered(
        &detect::find(&[Text::plain(&body)]),
        0,
        &body,
        from..from + said.len(),
    )
}

/// Whether a number that is split over two texts is found.
fn is_found_split(before: &str, (first, second): &(String, String), after: &str) -> bool {
    let bodies = [format!("{before} {first}"), format!("{second} {after}")];
    let findings = detect::find(&[Text::plain(&bodies[0]), Text::plain(&bodies[1])]);
    covered(&findings, 0, &bodies[0], before.len() + 1..bodies[0].len())
        && covered(&findings, 1, &bodies[1], 0..second.len())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn a_number_is_found_in_every_form(number in number(), split in 0..40_usize) {
        for form in FORMS {
            let formed = number.formed(form);
            let before = format!("halo, this is it: {}", formed.hint);
            prop_assert!(is_found(&before, &formed.whole(), "thanks po"), "{form:?} {formed:?}");
            prop_assert!(is_found_split(&before, &formed.halves(split), "thanks po"), "{form:?} {formed:?} {split}");
        }
    }

    #[test]
    fn numbers_of_orders_and_phones_and_dates_stay(
        order in "(ORD|INV|PO)-[1-9][0-9]{5,11}",
        long in "order (number )?[1-9][0-9]{14}",
        phone in "(\\+62|0)8[1-9][0-9]{1}[ -][0-9]{4}[ -][0-9]{4}",
        manila in "(\\+63 9|09)[0-9]{2} [0-9]{3} [0-9]{4}",
        (year, month, day, hour) in (1950..2050_u32, 1..13_u32, 1..29_u32, 0..24_u32),
    ) {
        let digits: String = long.chars().filter(char::is_ascii_digit).collect();
        prop_assume!(check_digit(&digits[..14]) != digits.chars().last().unwrap());
        let dates = format!("{year}-{month:02}-{day:02} {hour:02}:30:00, {day:02}/{month:02}/{year} - {day:02}/{month:02}/{year}");
        for text in [order, long, phone, manila, dates] {
            let said = format!("please look at {text} again");
            prop_assert_eq!(masked(&said), said.as_str());
        }
    }

    #[test]
    fn places_are_of_the_text_whatever_it_holds(a in "\\PC{0,40}", number in card(), b in "\\PC{0,40}", html: bool) {
        let body = format!("{a} {} {b}", number.digits);
        for finding in detect::find(&[Text { body: &body, html }, Text { body: &a, html }]) {
            for mark in finding.marks {
                let of = if mark.text == 0 { &body } else { &a };
                prop_assert!(of.get(mark.start..mark.end).is_some_and(|part| !part.is_empty()));
            }
        }
    }

    #[test]
    fn what_is_masked_holds_nothing_more(number in number(), form in prop::sample::select(FORMS.to_vec())) {
        let formed = number.formed(form);
        let once = masked(&format!("{} {}", formed.hint, formed.whole()));
        prop_assert_eq!(masked(&once), once.as_str());
    }
}

#[test]
fn the_layout_stays_and_the_last_four_digits_of_a_card_when_wanted() {
    let said = "Kartu 4111-1111 1111.1111, exp 12/29";
    assert_eq!(masked(said), "Kartu ****-**** ****.****, exp 12/29");
    let (texts, findings) = detect::mask(
        &[Text::plain(said)],
        Masking {
            keep_last_four: true,
        },
    );
    assert_eq!(
        texts[0].as_deref().unwrap(),
        "Kartu ****-**** ****.1111, exp 12/29"
    );
    assert_eq!(findings[0].kind, Kind::Card);
    assert_eq!(
        masked("four double one one one triple one eleven eleven eleven one 1"),
        "* ** * * *** ** ** ** * *"
    );
}

#[test]
fn a_number_half_in_words_behind_another_is_found() {
    assert_eq!(
        masked("4111-1111 1111.1111 or four one one one 1111 1111 1111 please"),
        "****-**** ****.**** or * * * * **** **** **** please"
    );
    assert_eq!(
        masked("it is 4111 1111 1111 one one one one, not one of 1234"),
        "it is **** **** **** * * * *, not one of 1234"
    );
    assert_eq!(
        masked("say four one 11 1111 1111 1111 then"),
        "say * * ** **** **** **** then"
    );
}

#[test]
fn tags_references_and_signs_that_nobody_sees_hide_nothing() {
    let html = "<p>4111<b class=\"x\"> 1111</b>&nbsp;1111&#45;&#49;111</p>";
    let (texts, _) = detect::mask(
        &[Text {
            body: html,
            html: true,
        }],
        Masking::default(),
    );
    assert_eq!(
        texts[0].as_deref().unwrap(),
        "<p>****<b class=\"x\"> ****</b>&nbsp;****&#45;****</p>"
    );
    assert_eq!(
        masked("4\u{200b}111 1111 \u{ad}1111 1111"),
        "****\u{200b} **** \u{ad}**** ****".replace("****\u{200b}", "*\u{200b}***")
    );
    assert_eq!(masked("٤١١١ ١١١١ ١١١١ ١١١١"), "**** **** **** ****");
}

#[test]
fn a_number_in_four_messages_is_found_in_each() {
    let texts = ["my card: 4111", "1111", "then 1111", "and 1111 ok?"].map(Text::plain);
    let (masked, _) = detect::mask(&texts, Masking::default());
    let masked: Vec<String> = masked.into_iter().flatten().collect();
    assert_eq!(
        masked,
        ["my card: ****", "****", "then ****", "and **** ok?"]
    );
}

#[test]
fn accounts_by_their_check_digits_or_the_words_around() {
    for iban in [
        "GB82 WEST 1234 5698 7654 32",
        "DE89370400440532013000",
        "gb82-west-1234-5698-7654-32",
        "ＧＢ８２ＷＥＳＴ１２３４５６９８７６５４３２",
    ] {
        assert!(
            !masked(&format!("to {iban} please")).contains(char::is_numeric),
            "{iban}"
        );
    }
    let halves = ["pay to GB82 WEST 1234", "5698 7654 32 thanks"].map(Text::plain);
    let (split, _) = detect::mask(&halves, Masking::default());
    assert_eq!(split[1].as_deref(), Some("**** **** ** thanks"));
    assert_eq!(
        masked("GB82 WEST 1234 5698 7654 33"),
        "GB82 WEST 1234 5698 7654 33"
    );
    assert_eq!(
        masked("norek 0123456789 a.n. Ana"),
        "norek ********** a.n. Ana"
    );
    assert_eq!(
        masked("1234567890 is my account number"),
        "********** is my account number"
    );
    let called = "call me on 0812 3456 7890 about my account";
    assert_eq!(masked(called), called);
}

#[test]
fn secrets_by_their_form_or_by_what_stands_before_them() {
    let key = format!("AKIA{}", "A1B2C3D4E5F6G7H8");
    let token = format!("ghp_{}", "a1".repeat(18));
    for (said, hidden) in [
        (format!("key {key} leaked"), key.as_str()),
        (format!("token={token}"), token.as_str()),
        ("password: hunter2".into(), "hunter2"),
        ("my password is Tr0ub4dor&3".into(), "Tr0ub4dor"),
        ("kata sandi saya adalah Rahasia123".into(), "Rahasia123"),
        ("api_key=abcdef123456&x=1".into(), "abcdef123456"),
        ("postgres://rapport:s3cret@db/x".into(), "s3cret"),
        (
            "Authorization: Bearer abcdefghijklmnop1234".into(),
            "abcdefghijklmnop1234",
        ),
        ("the OTP is 493 201".into(), "493"),
        ("pin ko po 1234".into(), "1234"),
        ("CVV one two three".into(), "two"),
        (
            "x -----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY----- y".into(),
            "MIIabc",
        ),
        ("x -----BEGIN PRIVATE KEY-----\nMIIabc".into(), "MIIabc"),
    ] {
        let masked = masked(&said);
        assert!(!masked.contains(hidden), "{said}: {masked}");
    }
    for harmless in [
        "I forgot my password is there a way",
        "password: https://x.example/reset",
        "my PIN is blocked",
        "the token of 2024",
    ] {
        assert_eq!(masked(harmless), harmless);
    }
}

#[test]
fn the_time_taken_grows_with_the_length_only() {
    let hostile = [
        "4",
        "4 ",
        "<a",
        "&#4",
        "one ",
        "double ",
        "GB82",
        "-----BEGIN ",
        "://",
        "a:b@",
        "forty ",
        "password is ",
        "1-",
        "\u{200b}",
    ];
    for piece in hostile {
        let body = piece.repeat(400_000 / piece.len());
        let began = on_cpu();
        for html in [false, true] {
            let _ = detect::find(&[Text { body: &body, html }]);
        }
        let took = on_cpu() - began;
        // Quadratic, any of them would take minutes.
        assert!(took < Duration::from_secs(8), "{piece:?} took {took:?}");
    }
}

/// What this thread has used of a core: waiting for one says nothing about the code.
fn on_cpu() -> Duration {
    let used = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanos = used.split(' ').next().unwrap();
    Duration::from_nanos(nanos.parse().unwrap())
}

/// Numbers in real sentences, and real sentences without.
#[test]
fn in_real_sentences_no_number_is_missed_and_hardly_anything_else_is_found() {
    let Some(corpora) = corpus::read() else {
        return;
    };
    let mut runner = TestRunner::deterministic();
    for (name, sentences) in &corpora {
        let found = sentences
            .iter()
            .filter(|sentence| !detect::find(&[Text::plain(sentence)]).is_empty())
            .count();
        report(&format!("{name}: {found} false of {}", sentences.len()));
        assert!(
            found * 200 <= sentences.len(),
            "{name}: {found} of {}",
            sentences.len()
        );
    }
    let sentences: Vec<&String> = corpora
        .iter()
        .flat_map(|(_, sentences)| sentences)
        .collect();
    let (mut tried, mut missed) = (0, Vec::new());
    for (place, sentence) in sentences.iter().enumerate().step_by(2) {
        let number = number().new_tree(&mut runner).unwrap().current();
        let form: Form = FORMS[place / 2 % FORMS.len()];
        let formed = number.formed(form);
        let words: Vec<&str> = sentence.split(' ').collect();
        let (front, back) = words.split_at(place * 7 % words.len());
        let (before, after) = (
            format!("{} {}", front.join(" "), formed.hint),
            back.join(" "),
        );
        tried += 2;
        if !is_found(&before, &formed.whole(), &after) {
            missed.push(format!("{} {form:?} {formed:?} in {sentence}", number.kind));
        }
        if !is_found_split(&before, &formed.halves(place), &after) {
            missed.push(format!(
                "{} split {form:?} {formed:?} in {sentence}",
                number.kind
            ));
        }
    }
    report(&format!(
        "{} missed of {tried} numbers in real sentences",
        missed.len()
    ));
    for one in missed.iter().take(12) {
        report(one);
    }
    assert!(missed.is_empty(), "{} of {tried} missed", missed.len());
}

/// A card that was sent on has the numbers of several people in it, one a field: together they may look like a longer one.
#[test]
fn telephone_numbers_of_a_list_are_not_one_number() {
    let list = [
        "+1 555-555-5555",
        "CELL",
        "+1 666-666-6666",
        "HOME",
        "+1 777-777-7777",
    ];
    let texts = list.map(Text::plain);
    assert_eq!(detect::find(&texts), []);
    let split = ["4111 1111", "1111 1111"].map(Text::plain);
    assert_eq!(detect::find(&split).len(), 1);
}
