#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use serde_json::{Value, json};

use super::files::{self, Document, Fault};
use super::plan::{Action, Plan};
use super::present::Present;
use super::shape::{Form, Shape};
use super::{check, kinds, write};

fn parsed(texts: &[(&str, &str)]) -> (Vec<Document>, Vec<String>) {
    let (mut documents, mut faults) = (Vec::new(), Vec::new());
    for (name, text) in texts {
        files::parse(Path::new(name), text, &mut documents, &mut faults);
    }
    faults.extend(check::check(&documents));
    faults.sort();
    (documents, faults.iter().map(Fault::to_string).collect())
}

fn good(text: &str) -> Vec<Document> {
    let (documents, faults) = parsed(&[("a.toml", text)]);
    assert_eq!(faults, Vec::<String>::new());
    documents
}

/// What a service would answer that has these.
fn present(rows: &[(&str, Value)]) -> Present {
    let listed = kinds::KINDS.iter().map(|kind| {
        let of_kind = rows.iter().filter(|(name, _)| *name == kind.name);
        (kind, of_kind.map(|(_, row)| row.clone()).collect())
    });
    Present::of(&listed.collect::<Vec<_>>())
}

fn queue(code: &str, more: Value) -> (&'static str, Value) {
    let mut row = json!({
        "id": format!("que_{code}"),
        "code": code,
        "display_name": code,
        "default_priority": "PRIORITY_NORMAL",
        "offer_timeout_s": 20,
        "max_lapsed_offers": 1,
        "etag": "\"1\"",
        "waiting_work_items": 7,
    });
    let more = more.as_object().unwrap().clone();
    row.as_object_mut().unwrap().extend(more);
    ("queue", row)
}

fn told(plan: &Plan) -> Vec<String> {
    super::tell::lines(plan)
}

#[test]
fn every_field_of_the_contracts_is_in_files_or_told_by_the_service() {
    for kind in &kinds::KINDS {
        let name = format!("rapport.routing.v1.{}", kind.message);
        let message = rapport_proto::pool().get_message_by_name(&name).unwrap();
        for field in message.fields() {
            let in_files = kind.fields.contains(&field.name());
            let is_told = kind.told.contains(&field.name());
            assert!(
                in_files != is_told,
                "{name}.{}: is it for files?",
                field.name()
            );
        }
        let known = kind.fields.iter().chain(kind.told);
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
        "queues.toml:8: a queue needs its `code`",
        "queues.toml:11: `quue` is not known; did you mean `queue`?",
        "queues.toml:16: default_priority is one of low, normal, high, urgent",
        "queues.toml:17: overflow_queue is the code of the queue",
        "rest.toml:6: weekly_openings[0].start is a time such as \"08:30\", up to \"48:00\"",
        "rest.toml:14: targets[0].pauses[0] is one of customer, third_party",
        "rest.toml:16: steps[0].move_to_queue leaves no room for `notify`",
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
fn what_refers_to_nothing_or_leads_back_is_told_before_anything_is_changed() {
    let documents = good(
        r#"
[[queue]]
code = "a"
overflow_queue = "b"
[[queue]]
code = "c"
overflow_queue = "nowhere"
[[agent]]
principal = "one"
queues = [
    "a",
    "there",
    "gone",
]
"#,
    );
    let there = [
        queue("there", json!({})),
        queue("b", json!({"overflow_queue_id": "que_a"})),
        queue("a", json!({})),
    ];
    let faults = Plan::make(&documents, &present(&there), false).unwrap_err();
    let faults: Vec<String> = faults.iter().map(Fault::to_string).collect();
    let expected = [
        "a.toml:7: queue c: there is no queue nowhere, in the files or else",
        "a.toml:13: agent one: there is no queue gone, in the files or else",
        "a.toml:4: queue a: overflow_queue: the chain of overflow leads back, or has more than 8 queues",
    ];
    assert_eq!(faults, expected);
}

#[test]
fn everything_is_made_before_what_refers_to_it() {
    let documents = good(
        r#"
[routing_policy]
default_targets = [{ queue = "a" }]
[[sla_policy]]
code = "p"
calendar = "office"
conditions = { queues = ["a"] }
targets = [{ clock = "resolution", within_s = 60 }]
steps = [{ code = "s", clock = "resolution", assign_to_agent = "one" }]
[[agent]]
principal = "one"
queues = ["a"]
[[queue]]
code = "a"
overflow_queue = "b"
[[queue]]
code = "b"
overflow_queue = "c"
[[queue]]
code = "c"
[[calendar]]
code = "office"
time_zone = "UTC"
weekly_openings = [{ day = "monday", start = "00:00", end = "24:00" }]
"#,
    );
    let plan = Plan::make(&documents, &present(&[]), false).unwrap();
    let titles: Vec<String> = plan
        .changes
        .iter()
        .map(super::plan::Change::title)
        .collect();
    let expected = [
        "calendar office",
        "queue c",
        "queue b",
        "queue a",
        "agent one",
        "sla_policy p",
        "routing_policy",
    ];
    assert_eq!(titles, expected);
    assert!(
        plan.changes
            .iter()
            .all(|change| change.action == Action::Create)
    );
    assert_eq!(plan.differences(), 7);
}

#[test]
fn what_means_the_same_is_left() {
    let documents = good(
        r#"
[[queue]]
code = "a"
offer_timeout_s = 0
default_priority = "normal"
required_skills = ["y", "x", "y"]
most_waiting = 0
[[agent]]
principal = "one"
display_name = "one"
queues = ["a"]
default_capacity = 1
capacities = [{ channel = "chat", concurrent = 3 }, { channel = "phone" }]
[[calendar]]
code = "office"
time_zone = "UTC"
weekly_openings = [
    { day = "tuesday", end = "24:00" },
    { day = "monday", start = "08:00", end = "12:00" },
]
[[sla_policy]]
code = "p"
calendar = "office"
conditions = {}
targets = [{ clock = "resolution", within_s = 60, pauses = ["third_party", "customer"] }]
steps = [{ code = "s", clock = "resolution", offset_s = 0, notify = true }]
"#,
    );
    let there = [
        queue(
            "a",
            json!({"required_skills": ["x", "y"], "most_waiting": 0}),
        ),
        (
            "agent",
            json!({
                "id": "agt_1", "principal": "one", "display_name": "one", "queue_ids": ["que_a"],
                "capacities": [{"channel": "CHANNEL_PHONE"}, {"channel": "CHANNEL_CHAT", "concurrent": 3}],
                "default_capacity": 1, "status": "AGENT_STATUS_AWAY", "active_work_items": 2,
            }),
        ),
        (
            "calendar",
            json!({
                "id": "cal_1", "code": "office", "display_name": "office", "time_zone": "UTC", "version": "3",
                "weekly_openings": [
                    {"day": "DAY_OF_WEEK_MONDAY", "start_minute": 480, "end_minute": 720},
                    {"day": "DAY_OF_WEEK_TUESDAY", "end_minute": 1440},
                ],
            }),
        ),
        (
            "sla_policy",
            json!({
                "id": "slp_1", "code": "p", "display_name": "p", "calendar_id": "cal_1", "conditions": {},
                "targets": [{"clock": "SLA_CLOCK_KIND_RESOLUTION", "within_s": 60,
                    "pauses": ["TICKET_WAITING_ON_CUSTOMER", "TICKET_WAITING_ON_THIRD_PARTY"]}],
                "steps": [{"code": "s", "clock": "SLA_CLOCK_KIND_RESOLUTION", "notify": {}}],
            }),
        ),
    ];
    let plan = Plan::make(&documents, &present(&there), true).unwrap();
    assert_eq!(
        told(&plan),
        ["0 to be made, 0 to be changed, 4 as they are"]
    );
}

#[test]
fn changes_are_told_part_by_part() {
    let documents = good(
        r#"
[[queue]]
code = "a"
wrap_up_s = 30
required_skills = ["x"]
[[queue]]
code = "b"
overflow_queue = "a"
[[calendar]]
code = "office"
time_zone = "UTC"
weekly_openings = [{ day = "monday", start = "08:00", end = "12:00" }, { day = "friday", start = "08:00", end = "12:00" }]
[[routing_policy]]
filters = [
    { code = "two", expression = "contact.live", targets = [{ queue = "b", timeout_s = 9 }, { queue = "a" }] },
    { code = "one", expression = "contact.inbound", targets = [{ queue = "a" }] },
]
"#,
    );
    let target = |queue: &str| json!({"queue_id": format!("que_{queue}")});
    let there = [
        queue("a", json!({"wrap_up_s": 20, "most_waiting": 5})),
        (
            "calendar",
            json!({
                "id": "cal_1", "code": "office", "display_name": "Office", "time_zone": "UTC",
                "weekly_openings": [
                    {"day": "DAY_OF_WEEK_MONDAY", "start_minute": 480, "end_minute": 720},
                    {"day": "DAY_OF_WEEK_SUNDAY", "start_minute": 480, "end_minute": 720},
                ],
            }),
        ),
        (
            "routing_policy",
            json!({
                "id": "rtp_1",
                "filters": [
                    {"code": "one", "expression": "true", "targets": [target("a")]},
                    {"code": "two", "expression": "contact.live", "targets": [target("a")]},
                ],
            }),
        ),
    ];
    let plan = Plan::make(&documents, &present(&there), false).unwrap();
    let expected = [
        "~ calendar office",
        "    display_name: \"Office\" → \"office\"",
        "    weekly_openings[]: { day = \"sunday\", end = \"12:00\", start = \"08:00\" } → nothing",
        "    weekly_openings[]: nothing → { day = \"friday\", end = \"12:00\", start = \"08:00\" }",
        "~ queue a",
        "    wrap_up_s: 20 → 30",
        "    required_skills: [] → [\"x\"]",
        "    most_waiting: 5 → nothing",
        "+ queue b",
        "    overflow_queue: \"a\"",
        "~ routing_policy",
        "    filters[two].targets[0].queue: \"a\" → \"b\"",
        "    filters[two].targets[0].timeout_s: 0 → 9",
        "    filters[two].targets[1]: nothing → { queue = \"a\" }",
        "    filters[one].expression: \"true\" → \"contact.inbound\"",
        "    filters: order: [\"one\", \"two\"] → [\"two\", \"one\"]",
        "1 to be made, 3 to be changed, 0 as they are",
    ];
    assert_eq!(told(&plan), expected);
    let json = serde_json::to_value(&plan).unwrap();
    assert_eq!(json["changes"][1]["action"], "change");
    assert_eq!(
        json["changes"][1]["fields"][0],
        json!({"field": "wrap_up_s", "old": 20, "new": 30})
    );
}

#[test]
fn what_no_file_names_is_told_when_asked_and_a_promise_ends() {
    let documents = good("[[queue]]\ncode = \"a\"\n");
    let policy = |code: &str, disabled: bool| {
        let row = json!({
            "id": format!("slp_{code}"), "code": code, "display_name": code, "disabled": disabled,
            "targets": [{"clock": "SLA_CLOCK_KIND_RESOLUTION", "within_s": 60}],
        });
        ("sla_policy", row)
    };
    let there = [
        queue("a", json!({})),
        queue("b", json!({})),
        policy("on", false),
        policy("off", true),
    ];
    let plan = Plan::make(&documents, &present(&there), false).unwrap();
    assert_eq!(
        told(&plan),
        ["0 to be made, 0 to be changed, 1 as they are"]
    );
    let plan = Plan::make(&documents, &present(&there), true).unwrap();
    let expected = [
        "~ sla_policy on: it is in no file",
        "    disabled: false → true",
        "  queue b is in no file, and stays: nothing takes it away",
        "  sla_policy off is in no file, and stays: nothing takes it away",
        "0 to be made, 1 to be changed, 1 as they are",
    ];
    assert_eq!(told(&plan), expected);
}

#[test]
fn what_is_written_is_read_back_as_the_same() {
    let there = [
        queue(
            "a",
            json!({"display_name": "Say \"hello\" \\ twice\u{1}", "most_waiting": 0, "required_skills": ["x", "y"]}),
        ),
        queue("b", json!({"overflow_queue_id": "que_a", "wrap_up_s": 5})),
        (
            "calendar",
            json!({
                "id": "cal_1", "code": "office", "display_name": "Office", "time_zone": "Asia/Jakarta",
                "weekly_openings": [{"day": "DAY_OF_WEEK_SUNDAY", "end_minute": 2880}],
                "exceptions": [
                    {"date": "2026-12-25", "display_name": "Christmas"},
                    {"date": "2026-12-31", "openings": [{"start_minute": 480, "end_minute": 720}]},
                ],
            }),
        ),
        (
            "agent",
            json!({"id": "agt_1", "principal": "one", "display_name": "One", "queue_ids": ["que_b", "que_a"],
                "capacities": [{"channel": "CHANNEL_PHONE"}], "default_capacity": 4}),
        ),
        (
            "sla_policy",
            json!({
                "id": "slp_1", "code": "p", "display_name": "P", "rank": 3, "calendar_id": "cal_1",
                "conditions": {"queue_ids": ["que_a"], "channels": ["CHANNEL_MOBILE_APP"]},
                "targets": [{"clock": "SLA_CLOCK_KIND_RESOLUTION", "within_s": 60}],
                "steps": [
                    {"code": "s", "clock": "SLA_CLOCK_KIND_RESOLUTION", "offset_s": -5, "notify": {}},
                    {"code": "t", "clock": "SLA_CLOCK_KIND_RESOLUTION", "raise_priority_to": "PRIORITY_URGENT"},
                    {"code": "u", "clock": "SLA_CLOCK_KIND_RESOLUTION", "assign_to_agent_id": "agt_1"},
                ],
            }),
        ),
        (
            "routing_policy",
            json!({
                "id": "rtp_1", "display_name": "All",
                "filters": [{
                    "code": "one", "expression": "ticket.channel == \"phone\" &&\n  contact.live",
                    "targets": [{"queue_id": "que_a", "timeout_s": 4, "skip_unstaffed": true}, {"queue_id": "que_b"}],
                }],
                "default_targets": [{"queue_id": "que_b", "raise_priority_to": "PRIORITY_LOW"}],
            }),
        ),
    ];
    let present = present(&there);
    let text = write::toml(&present.known.iter().collect::<Vec<_>>());
    let documents = good(&text);
    assert_eq!(documents.len(), 6, "{text}");
    let plan = Plan::make(&documents, &present, true).unwrap();
    assert_eq!(
        told(&plan),
        ["0 to be made, 0 to be changed, 6 as they are"],
        "{text}"
    );
    assert!(
        !text.contains("offer_timeout_s"),
        "what is usual is left out: {text}"
    );
    assert!(!text.contains("que_") && !text.contains("agt_"), "{text}");
}

#[test]
fn the_example_has_no_fault() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/configuration");
    let (documents, mut faults) = files::read(&[folder]);
    faults.extend(check::check(&documents));
    assert_eq!(faults, []);
    let plan = Plan::make(&documents, &present(&[]), true).unwrap();
    assert_eq!(plan.differences(), documents.len());
}
