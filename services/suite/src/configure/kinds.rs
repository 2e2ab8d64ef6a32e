//! What can be written in files. A field that the contracts add is a line in `fields` here, another in [`USUAL`] where
//! leaving it out stands for something, and nothing else.

use rapport_foundation::error::Violation;
use rapport_routing::foresee;

/// One kind of resource.
#[derive(Debug)]
pub(super) struct Kind {
    /// As files and the contracts name it.
    pub(super) name: &'static str,
    /// Its message.
    pub(super) message: &'static str,
    /// The field that files name it by; empty where there is one of it.
    pub(super) key: &'static str,
    /// What files say of it, in the order in which they are written.
    pub(super) fields: &'static [&'static str],
    /// The service, and its methods that make, change and list.
    pub(super) service: &'static str,
    pub(super) create: &'static str,
    pub(super) update: &'static str,
    pub(super) list: &'static str,
    /// Where an answer of the list holds them.
    pub(super) listed: &'static str,
    /// How many are read at a time.
    pub(super) page_size: u32,
    /// What takes it out of use where files do not name it any more; nothing where nothing can.
    pub(super) retire: Option<(&'static str, bool)>,
    /// What the service would refuse of a request that makes one.
    pub(super) foresee: fn(&[u8]) -> Vec<Violation>,
}

/// Every kind, before those that refer to it.
pub(super) static KINDS: [Kind; 5] = [
    Kind {
        name: "calendar",
        message: "Calendar",
        key: "code",
        fields: &[
            "code",
            "display_name",
            "time_zone",
            "weekly_openings",
            "exceptions",
        ],
        service: "CalendarService",
        create: "CreateCalendar",
        update: "UpdateCalendar",
        list: "ListCalendars",
        listed: "calendars",
        page_size: 25,
        retire: None,
        foresee: |request| decoded(request, foresee::calendar),
    },
    Kind {
        name: "queue",
        message: "Queue",
        key: "code",
        fields: &[
            "code",
            "display_name",
            "default_priority",
            "offer_timeout_s",
            "wrap_up_s",
            "max_lapsed_offers",
            "required_skills",
            "most_waiting",
            "overflow_queue_id",
            "answer_target_s",
            "short_abandon_s",
            "selection",
            "most_occupancy_spread",
            "weight",
            "broadcast",
            "commanded",
            "most_wrap_up_s",
            "preference",
            "preference_timeout_s",
            "opening_calendar_id",
        ],
        service: "QueueService",
        create: "CreateQueue",
        update: "UpdateQueue",
        list: "ListQueues",
        listed: "queues",
        page_size: 500,
        retire: None,
        foresee: |request| decoded(request, foresee::queue),
    },
    Kind {
        name: "agent",
        message: "Agent",
        key: "principal",
        fields: &[
            "principal",
            "display_name",
            "address",
            "skills",
            "skill_ends",
            "queue_ids",
            "capacities",
            "default_capacity",
            "total_capacity",
            "work_selection",
            "kind",
            "shift_calendar_id",
        ],
        service: "AgentService",
        create: "CreateAgent",
        update: "UpdateAgent",
        list: "ListAgents",
        listed: "agents",
        page_size: 100,
        retire: None,
        foresee: |request| decoded(request, foresee::agent),
    },
    Kind {
        name: "sla_policy",
        message: "SlaPolicy",
        key: "code",
        fields: &[
            "code",
            "display_name",
            "rank",
            "disabled",
            "calendar_id",
            "conditions",
            "targets",
            "steps",
        ],
        service: "SlaPolicyService",
        create: "CreateSlaPolicy",
        update: "UpdateSlaPolicy",
        list: "ListSlaPolicies",
        listed: "sla_policies",
        page_size: 100,
        retire: Some(("disabled", true)),
        foresee: |request| decoded(request, foresee::sla_policy),
    },
    Kind {
        name: ROUTING_POLICY,
        message: "RoutingPolicy",
        key: "",
        fields: &["display_name", "filters", "default_targets"],
        service: "RoutingPolicyService",
        create: "CreateRoutingDraft",
        update: "UpdateRoutingDraft",
        list: "ListRoutingPolicies",
        listed: "routing_policies",
        page_size: 25,
        retire: None,
        foresee: |request| decoded(request, foresee::routing_policy),
    },
];

/// The one kind that is drafted and published.
pub(super) const ROUTING_POLICY: &str = "routing_policy";

/// What leaving a field out stands for, where that is not nothing.
#[derive(Debug)]
pub(super) enum Usual {
    Text(&'static str),
    Number(i64),
    /// What the resource is named by.
    Key,
}

/// Message, field, what leaving it out stands for.
pub(super) static USUAL: &[(&str, &str, Usual)] = &[
    ("Calendar", "display_name", Usual::Key),
    ("Queue", "display_name", Usual::Key),
    ("Queue", "default_priority", Usual::Text("normal")),
    ("Queue", "offer_timeout_s", Usual::Number(20)),
    ("Queue", "max_lapsed_offers", Usual::Number(1)),
    ("Queue", "answer_target_s", Usual::Number(20)),
    ("Queue", "selection", Usual::Text("longest_idle")),
    ("Queue", "weight", Usual::Number(1)),
    ("Queue", "preference", Usual::Text("nobody")),
    ("Queue", "preference_timeout_s", Usual::Number(60)),
    ("Agent", "display_name", Usual::Key),
    ("Agent", "default_capacity", Usual::Number(1)),
    ("Agent", "work_selection", Usual::Text("oldest")),
    ("Agent", "kind", Usual::Text("person")),
    ("ChannelCapacity", "weight", Usual::Number(1)),
    ("SlaPolicy", "display_name", Usual::Key),
];

/// Message and field of lists whose order says nothing.
pub(super) static UNORDERED: &[(&str, &str)] = &[
    ("Calendar", "weekly_openings"),
    ("Calendar", "exceptions"),
    ("CalendarException", "openings"),
    ("Agent", "capacities"),
    ("ChannelCapacity", "interrupted_by"),
    ("Agent", "skill_ends"),
    ("RoutingTarget", "relaxations"),
    ("SlaPolicy", "targets"),
];

/// The kind of a name.
pub(super) fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

fn decoded<M: prost::Message + Default>(
    request: &[u8],
    foresee: fn(&M) -> Vec<Violation>,
) -> Vec<Violation> {
    M::decode(request)
        .map(|body| foresee(&body))
        .unwrap_or_default()
}
