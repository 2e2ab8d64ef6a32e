#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::collections::BTreeSet;
use std::time::Duration;

use rapport_foundation::id::{AgentId, QueueId, RoutingPolicyId};
use rapport_foundation::time::Micros;

use super::rules::Rules;
use super::*;
use crate::domain::engine::Profile;
use crate::domain::{
    AgentKind, Capacity, Channel, Code, Impact, Priority, Purpose, Queue, Skill, Skills, Urgency,
    WorkSelection,
};

const NOW: Micros = Micros(1_772_404_200_000_000);

fn code(text: &str) -> Code {
    text.parse().unwrap()
}

fn skills_of(names: &[&str]) -> Skills {
    let skill = |name: &&str| name.parse::<Skill>().unwrap();
    names.iter().map(skill).collect()
}

fn codes(names: &[&str]) -> BTreeSet<Code> {
    names.iter().map(|name| code(name)).collect()
}

fn queue(name: &str, required: &[&str]) -> Queue {
    Queue {
        required_skills: skills_of(required),
        ..Queue::usual(QueueId::new(NOW), code(name), NOW)
    }
}

fn agent(queues: &[&Queue], skills: &[&str]) -> Profile {
    Profile {
        id: AgentId::new(NOW),
        queues: queues.iter().map(|queue| queue.id).collect(),
        skills: skills_of(skills),
        skills_until: Default::default(),
        capacity: Capacity::of_each(1, NOW),
        work_selection: WorkSelection::Oldest,
        kind: AgentKind::Person,
        shifts: None,
    }
}

fn to(queue: &Queue) -> Target {
    Target {
        queue: queue.id,
        skills: Skills::new(),
        raise_to: None,
        timeout: None,
        skip_unstaffed: false,
        relaxations: Vec::new(),
    }
}

fn after(seconds: u64, target: Target) -> Target {
    Target {
        timeout: Some(Duration::from_secs(seconds)),
        ..target
    }
}

fn filter(name: &str, expression: &str, targets: Vec<Target>) -> Filter {
    Filter {
        code: code(name),
        expression: expression.into(),
        targets,
    }
}

fn facts() -> Facts {
    Facts {
        channel: Some(Channel::Phone),
        purpose: Some(Purpose::Complaint),
        priority: Some(Priority::High),
        impact: Some(Impact::High),
        urgency: Some(Urgency::Medium),
        category: Some(code("card")),
        subcategory: None,
        tags: codes(&["vip"]),
        skills: skills_of(&["dutch"]),
        by_hand: false,
        live: true,
        inbound: true,
        automatic: false,
        customer_known: true,
        at: NOW,
    }
}

fn said(rules: &Rules, staff: &Staff) -> Vec<String> {
    let told = |finding: Finding| {
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        format!("{severity} {} {}", finding.field, finding.reason)
    };
    lint(rules, staff).into_iter().map(told).collect()
}

fn published(rules: Rules) -> Published {
    let draft = Draft {
        display_name: None,
        filters: Some(rules.filters),
        default_targets: Some(rules.default_targets),
    };
    Published::new(RoutingPolicy::draft(0, draft, NOW).unwrap())
}

#[test]
fn a_policy_that_is_right_has_nothing_said_about_it() {
    let (care, sales) = (queue("care", &["polite"]), queue("sales", &[]));
    let agents = [agent(&[&care, &sales], &["polite", "dutch"])];
    let staff = Staff::of([&care, &sales], &agents);
    let skilled = Target {
        skills: skills_of(&["dutch"]),
        ..after(30, to(&care))
    };
    let rules = Rules {
        display_name: "right".into(),
        filters: vec![
            filter(
                "dutch",
                "'dutch' in ticket.skills",
                vec![skilled, to(&care)],
            ),
            filter(
                "late",
                "now.getHours('Asia/Jakarta') >= 18",
                vec![to(&sales)],
            ),
            filter("rest", "true", vec![to(&sales)]),
        ],
        default_targets: vec![to(&care)],
    };
    assert_eq!(said(&rules, &staff), Vec::<String>::new());
}

#[test]
fn everything_is_said_at_once_and_where_it_is() {
    let (care, empty, gone) = (
        queue("care", &["polite"]),
        queue("empty", &[]),
        queue("gone", &[]),
    );
    let agents = [agent(&[&care], &["polite"])];
    let staff = Staff::of([&care, &empty], &agents);
    let dutch = Target {
        skills: skills_of(&["dutch"]),
        ..to(&care)
    };
    let skipped = Target {
        skip_unstaffed: true,
        ..after(5, to(&care))
    };
    let rules = Rules {
        display_name: String::new(),
        filters: vec![
            filter("half", "ticket.tags.exists(", vec![to(&care)]),
            filter(
                "odd",
                "ticket.colour == 'red' || ticket.priority > 'a'",
                vec![],
            ),
            filter("number", "1 + 1", vec![dutch]),
            filter(
                "never",
                "false && contact.live",
                vec![to(&care), to(&empty)],
            ),
            filter("first", "contact.live", vec![to(&gone)]),
            filter("again", "contact.live", vec![to(&care)]),
            filter(
                "unused",
                "ticket.tags.all(x, true)",
                vec![after(5, to(&care)), skipped],
            ),
            filter("all", "1 < 2", vec![to(&care)]),
            filter("late", "contact.inbound", vec![to(&care)]),
        ],
        default_targets: vec![to(&empty)],
    };
    assert_eq!(
        said(&rules, &staff),
        [
            "error filters[0].expression SYNTAX",
            "error filters[1].expression UNKNOWN_NAME",
            "error filters[1].expression TYPE_MISMATCH",
            "error filters[1].targets REQUIRED",
            "error filters[2].expression TYPE_MISMATCH",
            "warning filters[2].targets[0].required_skills UNSATISFIABLE_SKILLS",
            "warning filters[3].expression NEVER_FITS",
            "warning filters[3].targets[1].queue_id NO_AGENTS",
            "error filters[3].targets[1] UNREACHABLE_TARGET",
            "error filters[4].targets[0].queue_id UNKNOWN_QUEUE",
            "error filters[5].expression UNREACHABLE_FILTER",
            "warning filters[6].expression UNUSED_NAME",
            "warning filters[6].targets[1] REPEATED_TARGET",
            "warning filters[6].targets[1].timeout_s NO_NEXT_TARGET",
            "warning filters[6].targets[1].skip_unstaffed NO_NEXT_TARGET",
            "error filters[8] UNREACHABLE_FILTER",
            "warning default_targets[0].queue_id NO_AGENTS",
        ]
    );
    let syntax = lint(&rules, &staff).into_iter().next().unwrap();
    assert_eq!(syntax.at, "ticket.tags.exists(".len());
}

#[test]
fn every_name_of_the_environment_has_a_value_of_its_type() {
    use crate::domain::cel::{STEPS_MAX, check, evaluate, parse};
    let known = facts().variables();
    assert!(known.keys().eq(super::facts::ENV.names.keys()));
    for (source, value) in [
        ("ticket.channel", "\"phone\""),
        ("ticket.purpose", "\"complaint\""),
        (
            "ticket.priority == HIGH && ticket.priority < URGENT && LOW < NORMAL",
            "true",
        ),
        (
            "ticket.impact + ' ' + ticket.urgency + ' ' + ticket.category + ticket.subcategory",
            "\"high medium card\"",
        ),
        ("ticket.tags", "[\"vip\"]"),
        ("ticket.skills", "[\"dutch\"]"),
        ("ticket.by_hand || contact.automatic", "false"),
        ("contact.live && contact.inbound && customer.known", "true"),
        ("now.getHours()", "22"),
    ] {
        let expr = parse(source).unwrap();
        assert_eq!(check(&expr, &super::facts::ENV).1, [], "{source}");
        assert_eq!(
            evaluate(&expr, &known, &mut { STEPS_MAX })
                .unwrap()
                .to_string(),
            value,
            "{source}"
        );
    }
    let nothing = Facts {
        channel: None,
        purpose: None,
        priority: None,
        impact: None,
        ..facts()
    };
    let source = "ticket.channel == '' && !has(ticket.purpose) && ticket.priority < LOW && ticket.impact == ''";
    let value = evaluate(&parse(source).unwrap(), &nothing.variables(), &mut {
        STEPS_MAX
    });
    assert_eq!(value.unwrap().to_string(), "true");
}

#[test]
fn the_first_filter_that_fits_decides_and_one_that_fails_does_not_fit() {
    let care = queue("care", &[]);
    let rules = Rules {
        filters: vec![
            filter(
                "fails",
                "1 / (ticket.priority - HIGH) == 1",
                vec![to(&care)],
            ),
            filter("no", "ticket.channel == 'email'", vec![to(&care)]),
            filter("yes", "'vip' in ticket.tags", vec![to(&care)]),
            filter("later", "true", vec![to(&care)]),
        ],
        ..Rules::default()
    };
    let published = published(rules);
    assert_eq!(published.choose(&facts()).filter, Some(2));
    let (outcomes, decided) = published.explain(&facts());
    assert_eq!(decided, Some(2));
    let verdicts: Vec<Verdict> = outcomes.into_iter().map(|one| one.verdict).collect();
    assert_eq!(
        verdicts,
        [
            Verdict::Failed("a division by zero".into()),
            Verdict::DoesNotFit,
            Verdict::Fits,
            Verdict::NotTried
        ]
    );
    let other = Facts {
        tags: Default::default(),
        ..facts()
    };
    assert_eq!(published.choose(&other).filter, Some(3));
}

#[test]
fn conditions_that_are_slow_together_do_not_hold_up_what_decides() {
    let care = queue("care", &[]);
    let hundred = vec!["1"; 100].join(",");
    let slow = |n: usize| {
        let source = format!("[{hundred}].all(a, [{hundred}].all(b, a > 0 && b > 0)) && {n} > 0");
        filter(&format!("slow{n}"), &source, vec![to(&care)])
    };
    let mut filters: Vec<Filter> = (1..=3).map(slow).collect();
    filters.push(filter("last", "contact.live", vec![to(&care)]));
    let few = published(Rules {
        filters: filters.clone(),
        ..Rules::default()
    });
    assert_eq!(few.choose(&facts()).filter, Some(3));
    filters.splice(3..3, (4..=99).map(slow));
    let many = published(Rules {
        filters,
        ..Rules::default()
    });
    // Nothing is left for the last: it fails as they do, and both ways of looking say so.
    assert_eq!(many.choose(&facts()).filter, None);
    let (outcomes, decided) = many.explain(&facts());
    let spent = Verdict::Failed("it takes too many steps".into());
    assert!(outcomes.iter().all(|one| one.verdict == spent));
    assert_eq!(decided, None);
}

#[test]
fn a_version_is_drafted_published_and_gone_back_to_and_never_changed_after() {
    let care = queue("care", &[]);
    let staff = Staff::of([&care], &[]);
    let faulty = Draft {
        filters: Some(vec![filter("bad", "1 +", vec![to(&care)])]),
        ..Draft::default()
    };
    let mut policy = RoutingPolicy::draft(6, faulty, NOW).unwrap();
    assert_eq!((policy.version, policy.revision), (7, 1));
    let refused = policy.publish(false, &staff, NOW).unwrap_err();
    assert!(matches!(refused, RoutingRefusal::Faulty(findings) if findings.len() == 1));
    assert_eq!(policy.state, PolicyState::Draft);
    let right = Draft {
        filters: Some(vec![filter("good", "contact.live", vec![to(&care)])]),
        ..Draft::default()
    };
    policy.change(right.clone(), NOW).unwrap();
    assert_eq!(
        policy.publish(true, &staff, NOW),
        Err(RoutingRefusal::NotRetired)
    );
    assert_eq!(policy.publish(false, &staff, NOW), Ok(()));
    assert_eq!(policy.change(right, NOW), Err(RoutingRefusal::NotDraft));
    assert_eq!(
        policy.publish(true, &staff, NOW),
        Err(RoutingRefusal::NotRetired)
    );
    policy.retire(NOW);
    assert_eq!(
        policy.publish(false, &staff, NOW),
        Err(RoutingRefusal::NotDraft)
    );
    assert_eq!(policy.publish(true, &staff, NOW), Ok(()));
    let many = RoutingPolicy::draft(RoutingPolicy::VERSIONS_MAX, Draft::default(), NOW);
    assert_eq!(many, Err(RoutingRefusal::TooMany));
}

#[test]
fn a_route_waits_at_each_target_for_as_long_as_it_says_and_at_the_last_for_ever() {
    let (care, sales) = (queue("care", &[]), queue("sales", &[]));
    let leg = |queue: &Queue, seconds, skills: &[&str]| Leg {
        queue: queue.id,
        skills: skills_of(skills),
        raise_to: Some(Priority::High),
        timeout: Some(Duration::from_secs(seconds)),
        skip_unstaffed: false,
        relaxations: Vec::new(),
    };
    let legs = vec![leg(&care, 10, &["expert"]), leg(&sales, 20, &[])];
    let mut route = Route::new(skills_of(&["dutch"]), legs, 0, NOW);
    assert_eq!(route.until, Some(NOW + Duration::from_secs(10)));
    assert_eq!(route.skills(), skills_of(&["dutch", "expert"]));
    assert_eq!(route.priority(Priority::Normal), Priority::High);
    assert_eq!(route.priority(Priority::Urgent), Priority::Urgent);
    let later = NOW + Duration::from_secs(10);
    route.enter(1, later);
    assert_eq!((route.until, route.place()), (None, 1));
    assert_eq!(route.skills(), skills_of(&["dutch"]));
    let stored: Route = serde_json::from_value(serde_json::to_value(&route).unwrap()).unwrap();
    assert_eq!(stored, route);
}

#[test]
fn what_was_chosen_is_stored_and_read_as_it_was() {
    let record = RouteRecord {
        ticket: rapport_foundation::id::TicketId::new(NOW),
        policy: RoutingPolicyId::new(NOW),
        version: 3,
        filter: Some(code("vip")),
        target: Some(0),
        facts: facts(),
        at: NOW,
    };
    let stored = serde_json::to_value(&record).unwrap();
    assert_eq!(
        serde_json::from_value::<RouteRecord>(stored).unwrap(),
        record
    );
}
