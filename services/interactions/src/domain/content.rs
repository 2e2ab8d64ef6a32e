//! When two tellings of one external id say the same, and in what they differ when they do not.
//!
//! Compared are channel, provider, kind, direction, participants, parts, event time and, where there is one, the order:
//! another sum under the same key is another fact. The raw payload, hints, attributes and routing are not: honest
//! redeliveries differ in them.

use super::contact::{Contact, Identifier, Order, Participant};
use super::fact::{Fact, Known};
use super::part::{
    Attachment, CallLeg, Delivery, Form, Location, PageVisit, Part, Reaction, Transcript,
};

/// Raised when the form below changes, so that contents of two forms are never taken for different by accident. What
/// is added to the form is left out where it is empty: contents that never had it stay what they were.
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
    out.participants(&contact.content.participants);
    out.parts(&contact.content.parts);
    if let Some(order) = &contact.order {
        out.order(order);
    }
    if !contact.provider.is_empty() {
        out.0.push('p');
        out.field(&contact.provider);
    }
    out.0
}

/// The same for a fact.
#[must_use]
pub fn canonical_fact(fact: &Fact) -> String {
    let mut out = Canonical(String::with_capacity(128));
    out.field(FORM);
    out.number(fact.what.kind().code().into());
    out.number(fact.event_at.0);
    match &fact.what {
        Known::End(reason) => out.number(reason.code().into()),
        Known::Disposition(one) => {
            out.field(&one.code);
            out.field(&settled(one.note.expose()));
            out.field(&one.agent);
        }
        Known::Delivery(one) => out.delivery(one),
        Known::Transcript(one) => out.transcript(one),
        Known::Edit(parts) => out.parts(parts),
        Known::Deletion(side) => out.number(side.map_or(0, |side| side.code().into())),
        Known::CallLeg(one) => out.call_leg(one),
        Known::Reaction(one) => out.reaction(one),
    }
    out.0
}

/// In which of the compared fields two contacts differ, by their names in the contract.
#[must_use]
pub fn differences(first: &Contact, second: &Contact) -> Vec<String> {
    let mut differ = Vec::new();
    let mut note = |same: bool, field: &str| {
        if !same {
            differ.push(field.to_owned());
        }
    };
    note(first.kind == second.kind, "kind");
    note(first.channel == second.channel, "channel");
    note(first.provider == second.provider, "provider");
    note(first.direction == second.direction, "direction");
    note(first.event_at == second.event_at, "event_time");
    let order = |contact: &Contact| contact.order.as_ref().map(|one| text(|out| out.order(one)));
    note(order(first) == order(second), "order");
    let people = |contact: &Contact| {
        let people = contact.content.participants.iter();
        people
            .map(|one| text(|out| out.participant(one)))
            .collect::<Vec<_>>()
    };
    differ.extend(places("participants", &people(first), &people(second)));
    let parts = |contact: &Contact| {
        let parts = contact.content.parts.iter();
        parts
            .map(|one| text(|out| out.part(one)))
            .collect::<Vec<_>>()
    };
    differ.extend(places("parts", &parts(first), &parts(second)));
    differ
}

/// Places of two lists that differ; the list itself where one is longer.
fn places(list: &str, first: &[String], second: &[String]) -> Vec<String> {
    if first.len() != second.len() {
        return vec![list.to_owned()];
    }
    let pairs = first.iter().zip(second).enumerate();
    pairs
        .filter(|(_, (a, b))| a != b)
        .map(|(place, _)| format!("{list}[{place}]"))
        .collect()
}

fn text(write: impl FnOnce(&mut Canonical)) -> String {
    let mut out = Canonical(String::new());
    write(&mut out);
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

    fn participants(&mut self, participants: &[Participant]) {
        self.count(participants.len());
        for participant in participants {
            self.participant(participant);
        }
    }

    fn parts(&mut self, parts: &[Part]) {
        self.count(parts.len());
        for part in parts {
            self.part(part);
        }
    }

    fn order(&mut self, order: &Order) {
        self.field(&order.order_id);
        self.number(order.total.units);
        self.field(&order.total.code);
        self.number(order.total.exponent.into());
        for line in &order.lines {
            self.0.push('l');
            self.field(&line.product);
            self.field(&line.description);
            self.number(line.quantity_thousandths);
            self.number(line.total.units);
            self.field(&line.total.code);
            self.number(line.total.exponent.into());
        }
    }

    fn part(&mut self, part: &Part) {
        match part {
            Part::Text(text) => self.tagged('t', |out| out.field(&settled(text.expose()))),
            // The sanitised copy follows from what was received, and from the version that made it.
            Part::Html(html) => {
                self.tagged('h', |out| out.field(&settled(html.received.expose())));
            }
            Part::Attachment(file) => self.tagged('f', |out| out.attachment(file)),
            Part::Transcript(one) => self.tagged('s', |out| out.transcript(one)),
            Part::Form(one) => self.tagged('m', |out| out.form(one)),
            Part::Location(one) => self.tagged('g', |out| out.location(one)),
            Part::Reaction(one) => self.tagged('r', |out| out.reaction(one)),
            Part::Delivery(one) => self.tagged('d', |out| out.delivery(one)),
            Part::CallLeg(one) => self.tagged('c', |out| out.call_leg(one)),
            Part::PageVisit(one) => self.tagged('v', |out| out.page_visit(one)),
        }
    }

    fn tagged(&mut self, tag: char, write: impl FnOnce(&mut Self)) {
        self.0.push(tag);
        write(self);
    }

    fn transcript(&mut self, one: &Transcript) {
        self.field(&one.language.to_ascii_lowercase());
        self.count(one.segments.len());
        for segment in &one.segments {
            self.number(segment.speaker.code().into());
            self.field(segment.speaker_name.expose().trim());
            self.number(segment.offset_ms);
            self.number(segment.duration_ms);
            self.field(&settled(segment.text.expose()));
            self.number(segment.confidence_permille.unwrap_or(-1).into());
        }
    }

    fn form(&mut self, one: &Form) {
        self.field(&one.name);
        self.count(one.fields.len());
        for (name, value) in &one.fields {
            self.field(name);
            self.field(&settled(value.expose()));
        }
    }

    fn location(&mut self, one: &Location) {
        self.number(one.latitude_e7.into());
        self.number(one.longitude_e7.into());
        self.number(one.accuracy_m.into());
        self.field(one.label.expose().trim());
    }

    fn reaction(&mut self, one: &Reaction) {
        self.field(&one.symbol);
        self.field(&one.target);
        self.field(one.author.expose());
        self.number(one.removed.into());
    }

    fn delivery(&mut self, one: &Delivery) {
        self.number(one.state.code().into());
        self.field(&one.target);
        self.field(one.recipient.expose());
        self.field(&one.error_code);
        self.field(&settled(one.error_text.expose()));
    }

    fn call_leg(&mut self, one: &CallLeg) {
        let keys = [
            &one.leg,
            &one.initial_leg,
            &one.previous_leg,
            &one.next_leg,
            &one.agent,
            &one.queue,
        ];
        for key in keys {
            self.field(key);
        }
        self.number(one.started_at.0);
        self.number(one.answered_at.map_or(-1, |at| at.0));
        self.number(one.ended_at.map_or(-1, |at| at.0));
        for time in [one.queue_ms, one.talk_ms, one.hold_ms, one.after_work_ms] {
            self.number(time);
        }
        self.number(one.hang_up_side.map_or(0, |side| side.code().into()));
    }

    fn page_visit(&mut self, one: &PageVisit) {
        self.field(one.url.expose());
        self.field(one.title.expose().trim());
        self.field(one.referrer.expose());
        self.number(one.duration_ms);
    }

    fn attachment(&mut self, file: &Attachment) {
        // What follows the question mark is a signature that a channel makes anew for each delivery.
        let uri = file.uri.expose();
        self.field(uri.split('?').next().unwrap_or(uri));
        // Where its own place tells a file apart, another copy of ours is the same file.
        if let Some(media) = file.media.filter(|_| uri.is_empty()) {
            self.field(&media.to_string());
        }
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
    use rapport_foundation::id::MediaId;
    use rapport_foundation::money::Amount;
    use rapport_foundation::time::Micros;

    use super::super::code::{Channel, Direction, IdentifierKind, Kind, Side};
    use super::super::contact::{Content, Hints, Order, OrderLine, Payload};
    use super::super::part::Html;
    use super::*;

    pub(crate) fn message(text: &str) -> Contact {
        Contact {
            external_id: "m-1".into(),
            kind: Kind::Message,
            channel: Channel::Messaging,
            provider: String::new(),
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

    fn html(received: &str) -> Html {
        Html {
            received: received.into(),
            sanitised: Default::default(),
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
        assert!(differences(&first, &again).is_empty());
    }

    #[test]
    fn what_was_added_later_does_not_change_what_was_said_before() {
        // As it was written before providers, order lines and further kinds of parts were there.
        assert_eq!(
            canonical(&message("hi")),
            "1:15;1;1;1700000000000000;1:1;3:Ana1:9:1::+628110:1:t2:hi"
        );
    }

    #[test]
    fn every_compared_field_counts() {
        let mut first = message("hello");
        let line = OrderLine {
            product: "sku-1".into(),
            description: String::new(),
            quantity_thousandths: 1000,
            total: Amount::new(100, "IDR", 0),
        };
        first.order = Some(Order {
            order_id: "A-1".into(),
            total: Amount::new(100, "IDR", 0),
            lines: vec![line],
        });
        type Change = fn(&mut Contact);
        let changes: [(Change, &str); 11] = [
            (|c| c.channel = Channel::Sms, "channel"),
            (|c| c.provider = "line".into(), "provider"),
            (|c| c.kind = Kind::Chat, "kind"),
            (|c| c.direction = Direction::Outbound, "direction"),
            (|c| c.event_at = Micros(c.event_at.0 + 1), "event_time"),
            (|c| c.content.parts.push(Part::Text("!".into())), "parts"),
            (
                |c| c.content.parts = vec![Part::Html(html("hello"))],
                "parts[0]",
            ),
            (
                |c| c.content.participants[0].identifier = Some(phone("+62812")),
                "participants[0]",
            ),
            (
                |c| c.content.participants[0].side = Side::Other,
                "participants[0]",
            ),
            (|c| c.order = None, "order"),
            (
                |c| {
                    if let Some(order) = &mut c.order {
                        order.lines.clear();
                    }
                },
                "order",
            ),
        ];
        for (change, field) in changes {
            let mut other = first.clone();
            change(&mut other);
            assert_ne!(canonical(&first), canonical(&other), "{field}");
            assert_eq!(differences(&first, &other), [field]);
        }
        assert!(differences(&first, &first).is_empty());
    }

    #[test]
    fn a_new_signature_of_a_file_is_no_new_file() {
        let file = |uri: &str, media: Option<MediaId>| {
            let mut contact = message("");
            contact.content.parts = vec![Part::Attachment(Attachment {
                uri: uri.into(),
                media,
                media_type: "image/png".into(),
                size_bytes: 5,
                file_name: "a.png".into(),
            })];
            canonical(&contact)
        };
        assert_eq!(
            file("https://cdn/x?sig=1", None),
            file("https://cdn/x?sig=2", None)
        );
        assert_ne!(file("https://cdn/x", None), file("https://cdn/y", None));
        let copies = [1, 2].map(|n| Some(MediaId::from_uuid(uuid::Uuid::from_u128(n))));
        assert_eq!(
            file("https://cdn/x", copies[0]),
            file("https://cdn/x", copies[1])
        );
        assert_ne!(file("", copies[0]), file("", copies[1]));
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
