//! What files say, held against what is there.

use serde_json::json;

use super::super::files::Fault;
use super::super::plan::{Action, Change};
use super::super::write;
use super::{Plan, good, present, queue, told};

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
    let mut faults = Plan::make(&documents, &present(&there), false).unwrap_err();
    faults.sort();
    let faults: Vec<String> = faults.iter().map(Fault::to_string).collect();
    let expected = [
        "a.toml:4: queue a: overflow_queue: the chain of overflow leads back, or has more than 8 queues",
        "a.toml:7: queue c: there is no queue nowhere, in the files or else",
        "a.toml:13: agent one: there is no queue gone, in the files or else",
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
    let titles: Vec<String> = plan.changes.iter().map(Change::title).collect();
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
skills = ["dutch:7", "english"]
skill_ends = [
    { skill = "english", end_time = 2030-01-01T00:00:00Z },
    { skill = "dutch", end_time = "2030-01-01T07:00:00+07:00" },
]
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
                "skills": ["dutch:7", "english"],
                "skill_ends": [
                    {"skill": "dutch", "end_time": "2030-01-01T00:00:00Z"},
                    {"skill": "english", "end_time": "2030-01-01T00:00:00Z"},
                ],
                "default_capacity": 1, "status": "AGENT_STATUS_AWAY", "active_work_items": 2,
                "work_selection": "WORK_SELECTION_OLDEST", "kind": "AGENT_KIND_PERSON",
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
            json!({"display_name": "Say \"hello\" \\ twice\t", "most_waiting": 0, "required_skills": ["x", "y"]}),
        ),
        queue("b", json!({"overflow_queue_id": "que_a", "wrap_up_s": 5})),
        (
            "calendar",
            json!({
                "id": "cal_1", "code": "office", "display_name": "Office", "time_zone": "Asia/Jakarta",
                "weekly_openings": [{"day": "DAY_OF_WEEK_SUNDAY", "start_minute": 1380, "end_minute": 1800}, {"day": "DAY_OF_WEEK_MONDAY", "end_minute": 60}],
                "exceptions": [
                    {"date": "2026-12-25", "display_name": "Christmas"},
                    {"date": "2026-12-31", "openings": [{"start_minute": 480, "end_minute": 720}]},
                ],
            }),
        ),
        (
            "agent",
            json!({"id": "agt_1", "principal": "one", "display_name": "One", "queue_ids": ["que_b", "que_a"],
                "capacities": [{"channel": "CHANNEL_PHONE"}], "default_capacity": 4,
                "work_selection": "WORK_SELECTION_OLDEST", "kind": "AGENT_KIND_PERSON"}),
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
                    "targets": [
                        {"queue_id": "que_a", "timeout_s": 4, "skip_unstaffed": true,
                            "required_skills": ["dutch:4"],
                            "relaxations": [{"skill": "dutch", "after_s": 9, "down_to_level": 2}]},
                        {"queue_id": "que_b"},
                    ],
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
