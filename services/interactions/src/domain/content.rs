//! When two tellings of one external id say the same.
//!
//! Compared are channel, kind, direction, participants, parts, event time and, where there is one, the order: another sum
//! under the same key is another fact. The raw payload, hints, attributes and routing are not: honest redeliveries
//! differ in them.

use super::contact::{Attachment, Contact, Identifier, Part, Participant};

/// Raised when the form below changes, so that contents of two forms are never taken for different by accident.
const FORM: &str = "1";

/// A text that is equal for two contacts exactly when they say the same. Each field carries its length in front, so
/// that no two different contacts run together. The text holds personal data: keep only a keyed hash of it.
#[must_use]
pub fn canonical(contact: &Contact) -> String {
    let mut out = Canonical(String::with_capacity(256));
    out.field(FORM);
    out.number(contact.channel.code().into());
    out.number(contact.kind.code().into());
    out.number(contact.direction.code().into());
    out.number(contact.event_at.0);
    out.count(contact.content.participants.len());
    for participant in &contact.content.participants {
        out.participant(participant);
    }
    out.count(contact.content.parts.len());
    for part in &contact.content.parts {
        out.part(part);
    }
    if let Some(order) = &contact.order {
        out.field(&order.order_id);
        out.number(order.total.units);
        out.field(&order.total.code);
        out.number(order.total.exponent.into());
    }
    out.0
}

struct Canonical(String);

impl Canonical {
    fn field(&mut self, text: &str) {
        self.count(text.len());
        self.0.push_str(text);
    }

    fn number(&mut self, number: i64) {
        self.0.push_str(&number.to_string());
        self.0.push(';');
    }

    fn count(&mut self, count: usize) {
        self.0.push_str(&count.to_string());
        self.0.push(':');
    }

    fn participant(&mut self, participant: &Participant) {
        self.number(participant.side.code().into());
        self.field(participant.display_name.expose().trim());
        self.count(usize::from(participant.identifier.is_some()));
        if let Some(identifier) = &participant.identifier {
            self.field(&identifier.normalised());
        }
        // Further identifiers are a set: a channel may list them in any order.
        let mut further: Vec<String> = participant
            .further
            .iter()
            .map(Identifier::normalised)
            .collect();
        further.sort_unstable();
        further.dedup();
        self.count(further.len());
        for identifier in &further {
            self.field(identifier);
        }
    }

    fn part(&mut self, part: &Part) {
        match part {
            Part::Text(text) => {
                self.0.push('t');
                self.field(&settled(text.expose()));
            }
            Part::Html(html) => {
                self.0.push('h');
                self.field(&settled(html.expose()));
            }
            Part::Attachment(file) => {
                self.0.push('f');
                self.attachment(file);
            }
        }
    }

    fn attachment(&mut self, file: &Attachment) {
        // What follows the question mark is a signature that a channel makes anew for each delivery.
        let uri = file.uri.expose();
        self.field(uri.split('?').next().unwrap_or(uri));
        self.field(&file.media_type.to_ascii_lowercase());
        self.number(file.size_bytes);
        self.field(file.file_name.expose());
    }
}

/// Line ends as one character, and nothing blank at the end: mail and chat servers differ in both between deliveries.
fn settled(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
        .trim_end()
        .to_owned()
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use rapport_foundation::money::Amount;
    use rapport_foundation::time::Micros;

    use super::super::code::{Channel, Direction, IdentifierKind, Kind, Side};
    use super::super::contact::{Content, Hints, Order, Payload};
    use super::*;

    pub(crate) fn message(text: &str) -> Contact {
        Contact {
            external_id: "m-1".into(),
            kind: Kind::Message,
            channel: Channel::Messaging,
            direction: Direction::Inbound,
            purpose: None,
            event_at: Micros(1_700_000_000_000_000),
            history: false,
            automatic: false,
            order: None,
            content: Content {
                participants: vec![Participant {
                    side: Side::Customer,
                    identifier: Some(phone("+62811")),
                    further: vec![],
                    display_name: "Ana".into(),
                }],
                parts: vec![Part::Text(text.into())],
                ..Content::default()
            },
        }
    }

    fn phone(value: &str) -> Identifier {
        Identifier {
            kind: IdentifierKind::Phone,
            value: value.into(),
            namespace: String::new(),
        }
    }

    #[test]
    fn an_honest_redelivery_says_the_same() {
        let first = message("hello\nworld");
        let mut again = message("hello\r\nworld \r\n");
        again.content.raw_payload = Payload(b"{\"retry\":1}".to_vec());
        again.content.hints = Hints {
            language: "id".into(),
            ..Hints::default()
        };
        again
            .content
            .attributes
            .insert("attempt".into(), "2".into());
        again.content.participants[0].identifier = Some(phone("+62-811"));
        assert_eq!(canonical(&first), canonical(&again));
    }

    #[test]
    fn every_compared_field_counts() {
        let first = message("hello");
        let changes: [fn(&mut Contact); 9] = [
            |c| c.channel = Channel::Sms,
            |c| c.kind = Kind::Chat,
            |c| c.direction = Direction::Outbound,
            |c| c.event_at = Micros(c.event_at.0 + 1),
            |c| c.content.parts.push(Part::Text("!".into())),
            |c| c.content.parts = vec![Part::Html("hello".into())],
            |c| c.content.participants[0].identifier = Some(phone("+62812")),
            |c| c.content.participants[0].side = Side::Other,
            |c| {
                c.order = Some(Order {
                    order_id: "A-1".into(),
                    total: Amount::new(100, "IDR", 0),
                });
            },
        ];
        for (number, change) in changes.iter().enumerate() {
            let mut other = first.clone();
            change(&mut other);
            assert_ne!(canonical(&first), canonical(&other), "change {number}");
        }
    }

    #[test]
    fn a_new_signature_of_a_file_is_no_new_file() {
        let file = |uri: &str| {
            let mut contact = message("");
            contact.content.parts = vec![Part::Attachment(Attachment {
                uri: uri.into(),
                media_type: "image/png".into(),
                size_bytes: 5,
                file_name: "a.png".into(),
            })];
            canonical(&contact)
        };
        assert_eq!(file("https://cdn/x?sig=1"), file("https://cdn/x?sig=2"));
        assert_ne!(file("https://cdn/x"), file("https://cdn/y"));
    }

    fn contact_of(texts: Vec<String>, further: Vec<String>) -> Contact {
        let mut contact = message("");
        contact.content.parts = texts
            .into_iter()
            .map(|text| Part::Text(text.into()))
            .collect();
        contact.content.participants[0].further =
            further.iter().map(|value| phone(value)).collect();
        contact
    }

    proptest! {
        #[test]
        fn texts_never_run_together(a in prop::collection::vec("[a-c:;0-9]{0,4}", 0..4), b in prop::collection::vec("[a-c:;0-9]{0,4}", 0..4)) {
            let same = a == b;
            prop_assert_eq!(canonical(&contact_of(a, vec![])) == canonical(&contact_of(b, vec![])), same);
        }

        #[test]
        fn the_order_of_further_identifiers_does_not_count(mut further in prop::collection::vec("\\+[0-9]{4,8}", 0..6)) {
            let first = canonical(&contact_of(vec![], further.clone()));
            further.reverse();
            prop_assert_eq!(first, canonical(&contact_of(vec![], further)));
        }

        #[test]
        fn line_ends_do_not_count(text in "[a-z \n]{0,40}") {
            prop_assert_eq!(canonical(&message(&text)), canonical(&message(&text.replace('\n', "\r\n"))));
        }
    }
}
