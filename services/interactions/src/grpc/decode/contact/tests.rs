#![expect(clippy::unwrap_used, reason = "tests")]

use rapport_foundation::error::Code;

use super::*;

const NOW: Micros = Micros(1_700_000_000_000_000);

fn customer() -> pb::Participant {
    pb::Participant {
        role: pb::ParticipantRole::Customer.into(),
        identifier: Some(types::Identifier {
            r#type: types::IdentifierType::Phone.into(),
            value: "+62811".into(),
            namespace: String::new(),
        }),
        ..pb::Participant::default()
    }
}

fn good() -> pb::InteractionInput {
    pb::InteractionInput {
        external_id: "wamid.1".into(),
        kind: types::InteractionKind::Message.into(),
        channel: types::Channel::Messaging.into(),
        direction: types::Direction::Inbound.into(),
        participants: vec![customer()],
        parts: vec![pb::Part {
            content: Some(pb::part::Content::Text("halo".into())),
            ..Default::default()
        }],
        event_time: Some(NOW.into()),
        ..pb::InteractionInput::default()
    }
}

fn refusals(input: pb::InteractionInput) -> Vec<(String, &'static str)> {
    match contact(Some(input), NOW) {
        Ok(_) => vec![],
        Err(failure) => {
            assert_eq!(failure.code, Code::InvalidArgument);
            failure
                .violations()
                .iter()
                .map(|v| (v.field.clone(), v.reason))
                .collect()
        }
    }
}

fn refused(change: impl FnOnce(&mut pb::InteractionInput)) -> Vec<(String, &'static str)> {
    let mut input = good();
    change(&mut input);
    refusals(input)
}

fn only(field: &str, reason: &'static str) -> Vec<(String, &'static str)> {
    vec![(format!("interaction.{field}"), reason)]
}

fn text(text: impl Into<String>) -> pb::Part {
    pb::Part {
        content: Some(pb::part::Content::Text(text.into())),
        ..Default::default()
    }
}

#[test]
fn a_good_contact_is_taken() {
    assert_eq!(refusals(good()), []);
    let contact = contact(Some(good()), NOW).unwrap();
    assert_eq!(contact.event_at, NOW);
    assert_eq!(contact.content.parts.len(), 1);
}

#[test]
fn a_contact_must_be_there() {
    let failure = contact(None, NOW).unwrap_err();
    assert_eq!(failure.violations()[0].field, "interaction");
}

#[test]
fn everything_wrong_is_told_at_once() {
    let fields: Vec<String> = refusals(pb::InteractionInput::default())
        .into_iter()
        .map(|(field, _)| field)
        .collect();
    for field in ["external_id", "kind", "channel", "direction", "event_time"] {
        assert!(
            fields.contains(&format!("interaction.{field}")),
            "{field} in {fields:?}"
        );
    }
}

#[test]
fn unknown_values_of_vocabularies_are_refused() {
    assert_eq!(refused(|i| i.kind = 99), only("kind", "UNKNOWN_VALUE"));
    assert_eq!(
        refused(|i| i.channel = -1),
        only("channel", "UNKNOWN_VALUE")
    );
    assert_eq!(
        refused(|i| i.direction = 3),
        only("direction", "UNKNOWN_VALUE")
    );
    assert_eq!(
        refused(|i| i.purpose = 70_000),
        only("purpose", "UNKNOWN_VALUE")
    );
    assert_eq!(
        refused(|i| i.participants[0].role = 9),
        only("participants[0].role", "UNKNOWN_VALUE")
    );
    assert_eq!(
        refused(|i| i.participants[0].role = 0),
        only("participants[0].role", "REQUIRED")
    );
}

#[test]
fn impossible_times_are_refused() {
    let at = |seconds, nanos| {
        move |i: &mut pb::InteractionInput| {
            i.event_time = Some(prost_types::Timestamp { seconds, nanos });
        }
    };
    let now = NOW.0 / 1_000_000;
    assert_eq!(refused(at(-1, 0)), only("event_time", "IMPOSSIBLE_TIME"));
    assert_eq!(
        refused(at(now, 1_000_000_000)),
        only("event_time", "IMPOSSIBLE_TIME")
    );
    assert_eq!(
        refused(at(i64::MAX, 0)),
        only("event_time", "IMPOSSIBLE_TIME")
    );
    assert_eq!(
        refused(at(now + 24 * 3600 + 1, 0)),
        only("event_time", "TOO_FAR_AHEAD")
    );
    assert_eq!(refused(at(now + 24 * 3600, 0)), []);
    assert_eq!(refused(at(0, 0)), []);
}

#[test]
fn texts_over_their_limits_are_refused() {
    assert_eq!(
        refused(|i| i.external_id = "é".repeat(257)),
        only("external_id", "TOO_LONG")
    );
    assert_eq!(refused(|i| i.external_id = "é".repeat(256)), []);
    assert_eq!(
        refused(|i| i.subject = "a".repeat(999)),
        only("subject", "TOO_LONG")
    );
    assert_eq!(
        refused(|i| i.thread_key = "a".repeat(513)),
        only("thread_key", "TOO_LONG")
    );
    assert_eq!(
        refused(|i| i.parts = vec![text("a".repeat(100_001))]),
        only("parts[0].text", "TOO_LONG")
    );
    assert_eq!(refused(|i| i.parts = vec![text("é".repeat(100_000))]), []);
    assert_eq!(
        refused(|i| i.raw_payload = vec![0; 256 * 1024 + 1].into()),
        only("raw_payload", "TOO_LARGE")
    );
    assert_eq!(
        refused(|i| i.participants[0].display_name = "a".repeat(201)),
        only("participants[0].display_name", "TOO_LONG")
    );
}

#[test]
fn too_many_of_anything_are_refused() {
    assert_eq!(
        refused(|i| i.participants = vec![customer(); 51]),
        only("participants", "TOO_MANY")
    );
    assert_eq!(
        refused(|i| i.parts = vec![text("a"); 101]),
        only("parts", "TOO_MANY")
    );
    assert_eq!(
        refused(|i| i.parts = vec![text("a".repeat(99_999)); 11]),
        only("parts", "TOO_LARGE")
    );
    let identifier = customer().identifier.unwrap();
    assert_eq!(
        refused(|i| i.participants[0].further_identifiers = vec![identifier; 11]),
        only("participants[0].further_identifiers", "TOO_MANY")
    );
    let many = |count| {
        (0..count)
            .map(|n| (format!("k{n}"), String::new()))
            .collect()
    };
    assert_eq!(
        refused(|i| i.attributes = many(65)),
        only("attributes", "TOO_MANY")
    );
    assert_eq!(refused(|i| i.attributes = many(64)), []);
}

#[test]
fn nul_is_refused_everywhere_and_other_control_characters_outside_of_what_was_said() {
    assert_eq!(
        refused(|i| i.parts = vec![text("a\0b")]),
        only("parts[0].text", "CONTROL_CHARACTER")
    );
    assert_eq!(
        refused(|i| i.parts = vec![text("page\u{c}break\u{1b}")]),
        []
    );
    assert_eq!(
        refused(|i| i.subject = "a\0".into()),
        only("subject", "CONTROL_CHARACTER")
    );
    assert_eq!(
        refused(|i| i.external_id = "a\u{7}".into()),
        only("external_id", "CONTROL_CHARACTER")
    );
    assert_eq!(
        refused(|i| i.attributes = [("k".into(), "\0".into())].into()),
        only("attributes[0]", "CONTROL_CHARACTER")
    );
}

#[test]
fn an_empty_part_is_refused() {
    assert_eq!(
        refused(|i| i.parts = vec![pb::Part::default()]),
        only("parts[0].content", "REQUIRED")
    );
}

#[test]
fn a_customer_without_an_identifier_is_refused_and_a_bot_is_not() {
    assert_eq!(
        refused(|i| i.participants[0].identifier = None),
        only("participants[0].identifier", "REQUIRED")
    );
    let bot = pb::Participant {
        role: pb::ParticipantRole::Bot.into(),
        ..pb::Participant::default()
    };
    assert_eq!(refused(|i| i.participants = vec![bot]), []);
}

#[test]
fn identifiers_follow_their_kind() {
    let with = |kind: types::IdentifierType, value: &str, namespace: &str| {
        let (value, namespace) = (value.to_owned(), namespace.to_owned());
        refused(|i| {
            let identifier = types::Identifier {
                r#type: kind.into(),
                value,
                namespace,
            };
            i.participants[0].identifier = Some(identifier);
        })
    };
    let field = |name: &str| format!("participants[0].identifier.{name}");
    assert_eq!(with(types::IdentifierType::Handle, "ana", "line"), []);
    assert_eq!(
        with(types::IdentifierType::Handle, "ana", " "),
        only(&field("namespace"), "REQUIRED")
    );
    assert_eq!(
        with(types::IdentifierType::Email, "a@b.c", "crm"),
        only(&field("namespace"), "NOT_EMPTY")
    );
    assert_eq!(with(types::IdentifierType::Phone, "0811", "ID"), []);
    assert_eq!(
        with(types::IdentifierType::Phone, "0811", "IDN"),
        only(&field("namespace"), "MALFORMED")
    );
    assert_eq!(
        with(types::IdentifierType::Phone, "", ""),
        only(&field("value"), "REQUIRED")
    );
    assert_eq!(
        with(types::IdentifierType::Phone, "  ", ""),
        only(&field("value"), "BLANK")
    );
    assert_eq!(
        with(types::IdentifierType::Unspecified, "x", ""),
        only(&field("type"), "REQUIRED")
    );
}

#[test]
fn an_order_says_what_is_paid() {
    let order = |units: i64, code: &str, exponent: i32| {
        let total = Some(types::Amount {
            units,
            code: code.into(),
            exponent,
        });
        refused(|i| {
            i.order = Some(types::Order {
                order_id: "o-1".into(),
                total,
                ..Default::default()
            })
        })
    };
    assert_eq!(
        refused(|i| i.kind = types::InteractionKind::Order.into()),
        only("order", "REQUIRED")
    );
    assert_eq!(order(150_000, "IDR", 0), []);
    assert_eq!(
        order(-1, "IDR", 0),
        only("order.total.units", "OUT_OF_RANGE")
    );
    assert_eq!(order(1, "idr", 0), only("order.total.code", "MALFORMED"));
    assert_eq!(
        order(1, "IDR", 7),
        only("order.total.exponent", "OUT_OF_RANGE")
    );
    let unpaid = types::Order {
        order_id: "o-1".into(),
        total: None,
        ..Default::default()
    };
    assert_eq!(
        refused(|i| i.order = Some(unpaid)),
        only("order.total", "REQUIRED")
    );
}

#[test]
fn routing_and_hints_are_checked() {
    let routing = |hint: types::RoutingHint| refused(|i| i.routing = Some(hint));
    let skilled = types::RoutingHint {
        required_skills: vec!["Polish!".into()],
        ..types::RoutingHint::default()
    };
    assert_eq!(
        routing(skilled),
        only("routing.required_skills[0]", "MALFORMED")
    );
    let graded = types::RoutingHint {
        required_skills: ["polish:4", "polish:11", "polish:", "polish:04"]
            .map(Into::into)
            .into(),
        ..types::RoutingHint::default()
    };
    let faulty = |n| {
        (
            format!("interaction.routing.required_skills[{n}]"),
            "MALFORMED",
        )
    };
    assert_eq!(routing(graded), [1, 2, 3].map(faulty));
    let urgent = types::RoutingHint {
        priority: 9,
        ..types::RoutingHint::default()
    };
    assert_eq!(routing(urgent), only("routing.priority", "UNKNOWN_VALUE"));
    let hints = pb::ContactHints {
        language: "in donesian".into(),
        region: "IDN".into(),
        ..pb::ContactHints::default()
    };
    assert_eq!(
        refused(|i| i.hints = Some(hints)),
        [
            ("interaction.hints.language".into(), "MALFORMED"),
            ("interaction.hints.region".into(), "MALFORMED")
        ]
    );
}
