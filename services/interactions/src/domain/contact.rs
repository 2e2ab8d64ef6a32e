//! What a connector says about one contact.

use std::collections::BTreeMap;

use rapport_foundation::money::Amount;
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;

use super::code::{Channel, Direction, IdentifierKind, Kind, Priority, Purpose, Side};
use super::mail::Mail;
use super::part::Part;

/// One contact as its connector tells it. Append-only once logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The connector's key of it.
    pub external_id: String,
    /// Its form.
    pub kind: Kind,
    /// Where it took place.
    pub channel: Channel,
    /// Whose network it went over; empty when the channel says it all.
    pub provider: String,
    /// Who turned to whom.
    pub direction: Direction,
    /// What it is about, when known.
    pub purpose: Option<Purpose>,
    /// When it took place.
    pub event_at: Micros,
    /// Whether it is logged for the record only: it opens, earns and sends nothing.
    pub history: bool,
    /// Whether a machine sent it.
    pub automatic: bool,
    /// The purchase it carries.
    pub order: Option<Order>,
    /// What is about people: sealed wherever it is kept.
    pub content: Content,
}

/// The part of a contact that is about people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content {
    /// Who took part; the first customer is the one to be recognised.
    pub participants: Vec<Participant>,
    /// Subject line; empty when there is none.
    pub subject: Personal,
    /// What was said or sent.
    pub parts: Vec<Part>,
    /// Key of the matter on the channel; empty when there is none.
    pub thread_key: Personal,
    /// What threads a mail with others.
    pub mail: Mail,
    /// Facts of the channel that have no field.
    pub attributes: BTreeMap<String, Personal>,
    /// What else the connector knows of the customer.
    pub hints: Hints,
    /// Who should take it, as the connector said.
    pub routing: RoutingHint,
    /// The payload as the channel delivered it; empty when not given.
    pub raw_payload: Payload,
}

/// Bytes as a channel delivered them. Prints its length only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Payload(pub Vec<u8>);

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// Someone who took part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// On which side.
    pub side: Side,
    /// How to recognise them; customers always have one.
    pub identifier: Option<Identifier>,
    /// Further ways to recognise the same person.
    pub further: Vec<Identifier>,
    /// Name as the channel shows it; empty when unknown.
    pub display_name: Personal,
}

/// One way to recognise a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identifier {
    /// Its kind.
    pub kind: IdentifierKind,
    /// The value as the channel gave it.
    pub value: Personal,
    /// Where the value is unique, or the region hint of a phone number.
    pub namespace: String,
}

impl Identifier {
    /// A text that is the same for spellings of the same identifier that this service can tell to be the same.
    /// Who the person is remains the decision of profiles, which knows more.
    #[must_use]
    pub fn normalised(&self) -> String {
        let value = self.value.expose().trim();
        let value = match self.kind {
            IdentifierKind::Phone => value
                .chars()
                .enumerate()
                .filter(|(at, c)| c.is_ascii_digit() || (*at == 0 && *c == '+'))
                .map(|(_, c)| c)
                .collect(),
            IdentifierKind::Email => value.to_lowercase(),
            IdentifierKind::Handle | IdentifierKind::External => value.to_owned(),
        };
        format!(
            "{}:{}:{value}",
            self.kind.code(),
            self.namespace.trim().to_lowercase()
        )
    }
}

/// A purchase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Key of the order in the selling system.
    pub order_id: String,
    /// What the customer pays.
    pub total: Amount,
    /// What was bought: sealed with what is about people, and gone when that is erased.
    pub lines: Vec<OrderLine>,
}

/// One line of a purchase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderLine {
    /// Key of the product in the selling system.
    pub product: String,
    /// Its name as sold; empty when unknown.
    pub description: String,
    /// How many, in thousandths.
    pub quantity_thousandths: i64,
    /// What the line costs in all.
    pub total: Amount,
}

/// What the sender knows about who should take the work.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoutingHint {
    /// Code of a queue; empty lets the rules decide.
    pub queue: String,
    /// Skills an agent must hold.
    pub skills: Vec<String>,
    /// How urgent it is, when said.
    pub priority: Option<Priority>,
}

impl RoutingHint {
    /// This hint, with what it leaves open taken from `other`.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self {
            queue: if self.queue.is_empty() {
                other.queue.clone()
            } else {
                self.queue.clone()
            },
            skills: if self.skills.is_empty() {
                other.skills.clone()
            } else {
                self.skills.clone()
            },
            priority: self.priority.or(other.priority),
        }
    }

    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.skills.is_empty() && self.priority.is_none()
    }
}

/// What a connector knows of the customer besides the identifier; each empty when unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hints {
    /// BCP 47 language tag.
    pub language: String,
    /// IANA time zone.
    pub time_zone: String,
    /// ISO 3166-1 alpha-2 region for phone numbers without a country code.
    pub region: String,
}

impl Contact {
    /// The participant to be recognised: the first customer.
    #[must_use]
    pub fn customer(&self) -> Option<&Participant> {
        self.content
            .participants
            .iter()
            .find(|participant| participant.side == Side::Customer)
    }
}

impl Participant {
    /// Every way to recognise them, the strongest first.
    pub fn identifiers(&self) -> impl Iterator<Item = &Identifier> {
        self.identifier.iter().chain(&self.further)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identifier(kind: IdentifierKind, value: &str) -> Identifier {
        Identifier {
            kind,
            value: value.into(),
            namespace: String::new(),
        }
    }

    #[test]
    fn spellings_of_one_identifier_are_one() {
        let same = |kind, a: &str, b: &str| {
            identifier(kind, a).normalised() == identifier(kind, b).normalised()
        };
        assert!(same(
            IdentifierKind::Phone,
            "+62 (811) 234-567",
            "+62811234567"
        ));
        assert!(!same(IdentifierKind::Phone, "62811", "+62811"));
        assert!(same(
            IdentifierKind::Email,
            " Ana@Example.COM",
            "ana@example.com"
        ));
        assert!(!same(IdentifierKind::Handle, "Ana", "ana"));
    }

    #[test]
    fn what_the_connector_said_goes_before_the_rule() {
        let said = RoutingHint {
            queue: "billing".into(),
            ..RoutingHint::default()
        };
        let rule = RoutingHint {
            queue: "general".into(),
            skills: vec!["id".into()],
            priority: Some(Priority::High),
        };
        let both = said.or(&rule);
        assert_eq!(both.queue, "billing");
        assert_eq!(both.skills, ["id"]);
        assert_eq!(both.priority, Some(Priority::High));
    }

    #[test]
    fn nothing_personal_is_printed() {
        let participant = Participant {
            side: Side::Customer,
            identifier: Some(identifier(IdentifierKind::Email, "ana@example.com")),
            further: vec![],
            display_name: "Ana".into(),
        };
        let shown = format!("{participant:?} {:?}", Payload(b"ana".to_vec()));
        assert!(!shown.to_lowercase().contains("ana"), "{shown}");
    }
}
