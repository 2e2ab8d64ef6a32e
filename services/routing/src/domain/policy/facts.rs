use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use rapport_foundation::time::Micros;
use serde::{Deserialize, Serialize};

use crate::domain::cel::{Env, Type, Value, Variables};
use crate::domain::{Channel, Code, Impact, Priority, Purpose, Skills, Urgency};

/// What is known of work when it comes in: enough to choose its queue, and nothing personal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Where the contact takes place.
    pub channel: Option<Channel>,
    /// What it is about, in kind.
    pub purpose: Option<Purpose>,
    /// How urgent it is, where somebody said so.
    pub priority: Option<Priority>,
    /// How much it affects, where somebody said so.
    #[serde(default)]
    pub impact: Option<Impact>,
    /// How soon it must be solved, where somebody said so.
    #[serde(default)]
    pub urgency: Option<Urgency>,
    /// What it belongs to.
    #[serde(default)]
    pub category: Option<Code>,
    /// What within that.
    #[serde(default)]
    pub subcategory: Option<Code>,
    /// Labels.
    pub tags: BTreeSet<Code>,
    /// Skills an agent must hold.
    pub skills: Skills,
    /// It is opened by hand.
    pub by_hand: bool,
    /// Somebody is on the line.
    pub live: bool,
    /// The customer turned to us.
    pub inbound: bool,
    /// A machine sent it.
    pub automatic: bool,
    /// The customer is recognised.
    pub customer_known: bool,
    /// When it came in.
    pub at: Micros,
}

/// The priorities as conditions name them, in their order.
const PRIORITIES: [(&str, Priority); 4] = [
    ("LOW", Priority::Low),
    ("NORMAL", Priority::Normal),
    ("HIGH", Priority::High),
    ("URGENT", Priority::Urgent),
];

/// The names that conditions may use.
pub(super) static ENV: LazyLock<Env> = LazyLock::new(|| {
    let codes = || Type::List(Box::new(Type::Text));
    let ticket = [
        ("channel", Type::Text),
        ("purpose", Type::Text),
        ("priority", Type::Int),
        ("impact", Type::Text),
        ("urgency", Type::Text),
        ("category", Type::Text),
        ("subcategory", Type::Text),
        ("tags", codes()),
        ("skills", codes()),
        ("by_hand", Type::Bool),
    ];
    let contact = [
        ("live", Type::Bool),
        ("inbound", Type::Bool),
        ("automatic", Type::Bool),
    ];
    let shapes: [(&'static str, BTreeMap<&'static str, Type>); 3] = [
        ("ticket", ticket.into()),
        ("contact", contact.into()),
        ("customer", [("known", Type::Bool)].into()),
    ];
    let objects = ["ticket", "contact", "customer"].map(|name| (name, Type::Object(name)));
    let priorities = PRIORITIES.map(|(name, _)| (name, Type::Int));
    let now = [("now", Type::Time)];
    Env {
        names: objects.into_iter().chain(priorities).chain(now).collect(),
        shapes: shapes.into(),
    }
});

impl Facts {
    /// What the names of a condition stand for.
    pub(crate) fn variables(&self) -> Variables {
        let name = |name: Option<&'static str>| Value::text(name.unwrap_or_default());
        let code = |code: Option<&Code>| Value::text(code.map_or("", Code::as_str));
        let codes = |codes: &BTreeSet<Code>| {
            Value::List(
                codes
                    .iter()
                    .map(|code| Value::text(code.as_str()))
                    .collect(),
            )
        };
        let skills = |skills: &Skills| {
            let names = skills.iter().map(|skill| Value::text(skill.code.as_str()));
            Value::List(names.collect())
        };
        let ticket = [
            ("channel", name(self.channel.map(Channel::as_str))),
            ("purpose", name(self.purpose.map(Purpose::as_str))),
            ("priority", Value::Int(self.priority.map_or(0, number))),
            ("impact", name(self.impact.map(Impact::as_str))),
            ("urgency", name(self.urgency.map(Urgency::as_str))),
            ("category", code(self.category.as_ref())),
            ("subcategory", code(self.subcategory.as_ref())),
            ("tags", codes(&self.tags)),
            ("skills", skills(&self.skills)),
            ("by_hand", Value::Bool(self.by_hand)),
        ];
        let contact = [
            ("live", Value::Bool(self.live)),
            ("inbound", Value::Bool(self.inbound)),
            ("automatic", Value::Bool(self.automatic)),
        ];
        let customer = [("known", Value::Bool(self.customer_known))];
        let mut variables = Variables::from([
            ("ticket", Value::Object(Arc::new(ticket.into()))),
            ("contact", Value::Object(Arc::new(contact.into()))),
            ("customer", Value::Object(Arc::new(customer.into()))),
            ("now", Value::Time(self.at)),
        ]);
        let priorities = PRIORITIES.map(|(name, of)| (name, Value::Int(number(of))));
        variables.extend(priorities);
        variables
    }
}

/// As the contracts count them.
fn number(priority: Priority) -> i64 {
    let place = PRIORITIES.iter().position(|(_, of)| *of == priority);
    place
        .and_then(|place| i64::try_from(place + 1).ok())
        .unwrap_or(0)
}
