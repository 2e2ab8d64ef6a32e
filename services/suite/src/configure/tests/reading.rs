//! Files, and what is wrong with them.

use std::path::Path;

use super::super::shape::{Form, Shape};
use super::super::{check, files, kinds};
use super::{Plan, parsed, present};

/// What only the service says of each kind.
const TOLD: [(&str, &[&str]); 5] = [
    (
        "Calendar",
        &["id", "create_time", "update_time", "etag", "version"],
    ),
    (
        "Queue",
        &[
            "id",
            "waiting_work_items",
            "open",
            "open_turn_time",
            "create_time",
            "update_time",
            "etag",
        ],
    ),
    (
        "Agent",
        &[
            "id",
            "status",
            "status_reason",
            "status_time",
            "present",
            "active_work_items",
            "on_shift",
            "create_time",
            "update_time",
            "etag",
        ],
    ),
    (
        "SlaPolicy",
        &["id", "create_time", "update_time", "etag", "version"],
    ),
    (
        "RoutingPolicy",
        &[
            "id",
            "version",
            "state",
            "create_time",
            "update_time",
            "publish_time",
            "etag",
        ],
    ),
];

#[test]
fn every_field_of_the_contracts_is_in_files_or_told_by_the_service() {
    for kind in &kinds::KINDS {
        let name = format!("rapport.routing.v1.{}", kind.message);
        let told = TOLD.iter().find(|(message, _)| *message == kind.message);
        let (_, told) = told.unwrap();
        let message = rapport_proto::pool().get_message_by_name(&name).unwrap();
        for field in message.fields() {
            let in_files = kind.fields.contains(&field.name());
            let is_told = told.contains(&field.name());
            assert!(
                in_files != is_told,
                "{name}.{}: is it for files?",
                field.name()
            );
        }
        let known = kind.fields.iter().chain(*told);
        for field in known {
            assert!(message.get_field_by_name(field).is_some(), "{name}.{field}");
        }
        assert_eq!(kind.shape().fields.len(), kind.fields.len());
        for method in [kind.create, kind.update, kind.list] {
            assert!(kind.method(method).is_some(), "{method}");
        }
        let listed = kind.method(kind.list).unwrap().output();
        assert!(
            listed.get_field_by_name(kind.listed).is_some(),
            "{}",
            kind.listed
        );
        names_are_unlike(&kind.shape());
    }
    let named = kinds::USUAL
        .iter()
        .map(|(message, field, _)| (message, field));
    for (message, field) in named.chain(
        kinds::UNORDERED
            .iter()
            .map(|(message, field)| (message, field)),
    ) {
        let name = format!("rapport.routing.v1.{message}");
        let message = rapport_proto::pool().get_message_by_name(&name).unwrap();
        assert!(message.get_field_by_name(field).is_some(), "{name}.{field}");
    }
}

fn names_are_unlike(shape: &Shape) {
    for (place, field) in shape.fields.iter().enumerate() {
        let same = shape
            .fields
            .iter()
            .position(|other| other.name == field.name);
        assert_eq!(same, Some(place), "{} is written twice", field.name);
        if let Form::Table(shape) = &field.form {
            names_are_unlike(shape);
        }
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once_with_its_line() {
    let queues = r#"
[[queue]]
code = "calls"
offer_timeout_s = 601
wrap_ups = 3
most_waiting = "many"
max_lapsed_offers = 9999999999

[[queue]]
display_name = "Without a code"

[[quue]]
code = "x"

[[queue]]
code = "Not a code"
default_priority = "very"
overflow_queue = 7
"#;
    let rest = r#"
[[calendar]]
code = "office"
time_zone = "Asia/Nowhere"
weekly_openings = [
    { day = "monday", start = "8:00", end = "17:00" },
    { day = "monday", start = "09:00", end = "17:00" },
    { day = "monday", start = "09:00", end = "09:00" },
]

[[sla_policy]]
code = "p"
calendar = "office"
targets = [{ clock = "first_response", within_s = 60, pauses = ["nobody"] }]
steps = [
    { code = "a", clock = "first_response", notify = true, move_to_queue = "calls" },
]

[[sla_policy]]
code = "q"
calendar = "office"
targets = [{ clock = "first_response", within_s = 0 }]
steps = [
    { code = "a", clock = "resolution", notify = true },
]

[[queue]]
code = "calls"
"#;
    let (_, faults) = parsed(&[("queues.toml", queues), ("rest.toml", rest)]);
    let expected = [
        "queues.toml:5: `wrap_ups` is not known; did you mean `wrap_up_s`?",
        "queues.toml:6: most_waiting is a whole number",
        "queues.toml:7: max_lapsed_offers is not between -2147483648 and 2147483647",
        "queues.toml:9: a queue needs its `code`",
        "queues.toml:12: `quue` is not known; did you mean `queue`?",
        "queues.toml:17: default_priority is one of low, normal, high, urgent",
        "queues.toml:18: overflow_queue is the code of the queue",
        "rest.toml:6: weekly_openings[0].start is a time such as \"08:30\", up to \"48:00\"",
        "rest.toml:14: targets[0].pauses[0] is one of customer, third_party",
        "rest.toml:16: steps[0].notify leaves no room for `move_to_queue`",
        "rest.toml:22: sla_policy q: targets[0].within_s is not between 1 and 31536000",
        "rest.toml:27: queue calls: is at queues.toml:2 already",
    ];
    assert_eq!(faults, expected);
}

#[test]
fn the_rules_of_the_service_are_told_before_it_is_asked() {
    let text = r#"
[[queue]]
code = "calls"
offer_timeout_s = 601
required_skills = [
    "good",
    "Not good",
]

[[calendar]]
code = "office"
time_zone = "Asia/Nowhere"
weekly_openings = [
    { day = "monday", start = "09:00", end = "09:00" },
]

[[sla_policy]]
code = "q"
calendar = "office"
targets = [{ clock = "first_response", within_s = 60 }]
steps = [
    { code = "a", clock = "first_response", notify = true },
    { code = "b", clock = "resolution", notify = true },
]

[[routing_policy]]
[[routing_policy.filters]]
code = "one"
expression = 'ticket.channel = "phone"'
targets = [{ queue = "calls" }]
[[routing_policy.filters]]
code = "two"
expression = "true"
targets = [
    { queue = "calls" },
    { queue = "calls", required_skills = ["x"] },
]
[[routing_policy.filters]]
code = "three"
expression = 'ticket.channel == "phone"'
"#;
    let (_, faults) = parsed(&[("a.toml", text)]);
    let begin = [
        "a.toml:4: queue calls: offer_timeout_s is not between 0 and 600",
        "a.toml:7: queue calls: required_skills[1] is not of the form",
        "a.toml:12: calendar office: time_zone is not a name of the IANA",
        "a.toml:14: calendar office: weekly_openings[0] must begin before midnight",
        "a.toml:23: sla_policy q: steps[1].clock has no target",
        "a.toml:29: routing_policy: filters[0].expression",
        "a.toml:36: routing_policy: filters[1].targets[1] work never leaves a target before it",
        "a.toml:38: routing_policy: filters[2] filters[1] fits everything",
        "a.toml:38: routing_policy: filters[2].targets is required",
    ];
    assert_eq!(faults.len(), begin.len(), "{faults:#?}");
    for (fault, begin) in faults.iter().zip(begin) {
        assert!(
            fault.starts_with(begin),
            "{fault} does not begin with {begin}"
        );
    }
}

#[test]
fn a_file_that_is_no_toml_is_told_with_every_line_and_nothing_made_up() {
    let text = "[[queue]]\ncode = \"a\"\nwrap_up_s = = 3\n\n[[queue]\ncode = \"b\"\nwrap_ups = 3\n";
    let (documents, faults) = parsed(&[("a.toml", text)]);
    assert!(documents.is_empty());
    assert!(
        faults.iter().any(|fault| fault.starts_with("a.toml:3: ")),
        "{faults:?}"
    );
    assert!(
        faults.iter().any(|fault| fault.starts_with("a.toml:5: ")),
        "{faults:?}"
    );
    assert!(
        !faults.iter().any(|fault| fault.contains("wrap_ups")),
        "{faults:?}"
    );
}

#[test]
fn the_example_has_no_fault() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/configuration");
    let (documents, mut faults) = files::read(&[folder]);
    faults.extend(check::check(&documents));
    assert!(faults.is_empty(), "{faults:?}");
    let plan = Plan::make(&documents, &present(&[]), true).unwrap();
    assert_eq!(plan.differences(), documents.len());
}
