#![expect(clippy::unwrap_used, reason = "tests")]

use rapport_foundation::id::MediaId;
use rapport_foundation::money::Amount;
use rapport_foundation::time::Micros;
use uuid::Uuid;

use super::*;
use crate::domain::content::tests::message;
use crate::domain::{
    Attachment, CallLeg, Delivery, DeliveryState, Disposition, EndReason, Form, HangUpSide, Html,
    Location, Order, PageVisit, Part, Reaction, Segment, Transcript,
};

fn identifier(value: &str) -> Identifier {
    Identifier {
        kind: IdentifierKind::Handle,
        value: value.into(),
        namespace: "line".into(),
    }
}

fn transcript() -> Transcript {
    let segment = |text: &str, confidence_permille| Segment {
        speaker: Side::Agent,
        speaker_name: "Budi".into(),
        offset_ms: 1500,
        duration_ms: 700,
        text: text.into(),
        confidence_permille,
    };
    Transcript {
        language: "id".into(),
        segments: vec![segment("halo", Some(0)), segment("ya", None)],
    }
}

fn leg() -> CallLeg {
    CallLeg {
        leg: "2".into(),
        initial_leg: "1".into(),
        previous_leg: "1".into(),
        next_leg: "3".into(),
        agent: "sip-9".into(),
        queue: "q".into(),
        started_at: Micros(1),
        answered_at: Some(Micros(2)),
        ended_at: None,
        queue_ms: 3,
        talk_ms: 4,
        hold_ms: 5,
        after_work_ms: 6,
        hang_up_side: Some(HangUpSide::Network),
    }
}

fn reaction() -> Reaction {
    Reaction {
        symbol: "\u{1f44d}".into(),
        target: "m-0".into(),
        author: "ana".into(),
        removed: true,
    }
}

fn delivery() -> Delivery {
    Delivery {
        state: DeliveryState::Failed,
        target: "m-0".into(),
        recipient: "ana".into(),
        error_code: "131026".into(),
        error_text: "undeliverable".into(),
    }
}

fn parts() -> Vec<Part> {
    vec![
        Part::Text("\u{c}a".into()),
        Part::Html(Html {
            received: "<b onclick=x>".into(),
            sanitised: "<b></b>".into(),
        }),
        Part::Attachment(Attachment {
            uri: "u".into(),
            media: None,
            media_type: "m".into(),
            size_bytes: 7,
            file_name: "f".into(),
        }),
        Part::Attachment(Attachment {
            uri: "".into(),
            media: Some(MediaId::from_uuid(Uuid::max())),
            media_type: "".into(),
            size_bytes: 0,
            file_name: "".into(),
        }),
        Part::Transcript(transcript()),
        Part::Form(Form {
            name: "contact".into(),
            fields: vec![("a".into(), "1".into()), ("a".into(), "2".into())],
        }),
        Part::Location(Location {
            latitude_e7: -61_753_924,
            longitude_e7: 1_068_271_528,
            accuracy_m: 5,
            label: "Monas".into(),
        }),
        Part::Reaction(reaction()),
        Part::Delivery(delivery()),
        Part::CallLeg(leg()),
        Part::PageVisit(PageVisit {
            url: "https://shop.example/".into(),
            title: "Shop".into(),
            referrer: "r".into(),
            duration_ms: 9,
        }),
    ]
}

fn content() -> Content {
    Content {
        participants: vec![
            Participant {
                side: Side::Customer,
                identifier: Some(identifier("ana")),
                further: vec![identifier("ana2")],
                display_name: "Ana \"Q\" \u{1f600}".into(),
            },
            Participant {
                side: Side::Bot,
                identifier: None,
                further: vec![],
                display_name: "".into(),
            },
        ],
        subject: "Müller\n".into(),
        parts: parts(),
        thread_key: "t".into(),
        mail: Mail {
            message_id: "<1@mail.example>".into(),
            in_reply_to: vec!["<0@mail.example>".into()],
            references: vec!["<0@mail.example>".into()],
        },
        attributes: [("k".to_owned(), "v".into())].into(),
        hints: Hints {
            language: "id".into(),
            time_zone: "Asia/Jakarta".into(),
            region: "ID".into(),
        },
        routing: RoutingHint {
            queue: "q".into(),
            skills: vec!["s".into()],
            priority: Some(Priority::High),
        },
        raw_payload: Payload(vec![0, 1]),
    }
}

fn order(lines: Vec<OrderLine>) -> Order {
    Order {
        order_id: "o-1".into(),
        total: Amount::new(5, "IDR", 0),
        lines,
    }
}

#[test]
fn a_contact_reads_back_as_it_was_written() {
    let line = OrderLine {
        product: "sku".into(),
        description: "Teh".into(),
        quantity_thousandths: 1500,
        total: Amount::new(5, "IDR", 0),
    };
    let contact = Contact {
        content: content(),
        order: Some(order(vec![line])),
        ..message("")
    };
    let bytes = encode(&contact).unwrap();
    // What the columns hold, before the body is opened.
    let mut read = Contact {
        content: Content::default(),
        order: Some(order(vec![])),
        ..message("")
    };
    decode(&bytes, vec![0, 1], &mut read).unwrap();
    assert_eq!(read, contact);
    let empty = Contact {
        content: Content::default(),
        ..message("")
    };
    let mut read = message("other");
    decode(&encode(&empty).unwrap(), vec![], &mut read).unwrap();
    assert_eq!(read, empty);
    assert!(decode(b"{", vec![], &mut read).is_err());
}

#[test]
fn html_of_before_is_read_without_a_copy() {
    let mut read = message("");
    decode(br#"{"c":[{"h":"<b>"}]}"#, vec![], &mut read).unwrap();
    let html = Html {
        received: "<b>".into(),
        ..Html::default()
    };
    assert_eq!(read.content.parts, [Part::Html(html)]);
}

#[test]
fn a_fact_reads_back_as_it_was_written() {
    let facts = [
        Known::End(EndReason::Disconnected),
        Known::Disposition(Disposition {
            code: "sold".into(),
            note: "n".into(),
            agent: "a".into(),
        }),
        Known::Delivery(delivery()),
        Known::Transcript(transcript()),
        Known::Edit(parts()),
        Known::Deletion(None),
        Known::Deletion(Some(Side::Customer)),
        Known::CallLeg(leg()),
        Known::Reaction(reaction()),
    ];
    for known in facts {
        for attributes in [BTreeMap::new(), [("k".to_owned(), "v".into())].into()] {
            let fact = Fact {
                external_id: String::new(),
                key: String::new(),
                event_at: Micros(0),
                what: known.clone(),
                attributes: attributes.clone(),
                raw_payload: Payload::default(),
            };
            let read = decode_fact(&encode_fact(&fact).unwrap()).unwrap();
            assert_eq!(read, (known.clone(), attributes));
        }
    }
    assert!(decode_fact(b"{}").is_err());
    let before = decode_fact(br#"{"x":0}"#).unwrap();
    assert_eq!(before, (Known::Deletion(None), BTreeMap::new()));
}
