//! One contact of each kind of channel, as a connector author would write it: what is said comes back as it was said.

use rapport_proto::interactions::v1 as pb;
use rapport_proto::interactions::v1::part::Content;
use rapport_proto::types::v1 as types;

use crate::stage::{at, customer, message, on_every_engine, quick, violations};

const START: i64 = 1_700_000_000;

fn part(content: Content) -> pb::Part {
    pb::Part {
        content: Some(content),
        ..Default::default()
    }
}

fn idr(units: i64) -> Option<types::Amount> {
    Some(types::Amount {
        units,
        code: "IDR".into(),
        exponent: 0,
    })
}

fn segment(speaker: pb::ParticipantRole, offset_ms: i64, text: &str) -> pb::TranscriptSegment {
    pb::TranscriptSegment {
        speaker: speaker.into(),
        speaker_name: "Ana".into(),
        offset_ms,
        duration_ms: 900,
        text: text.into(),
        confidence_permille: Some(870),
    }
}

/// A call that was transferred: two legs, and what was said.
fn voice() -> pb::InteractionInput {
    let first = pb::CallLeg {
        leg: "asterisk-1".into(),
        next_leg: "asterisk-2".into(),
        queue: "billing".into(),
        agent: "PJSIP/100".into(),
        start_time: Some(at(START)),
        answer_time: Some(at(START + 12)),
        end_time: Some(at(START + 80)),
        queue_ms: 12_000,
        talk_ms: 50_000,
        hold_ms: 18_000,
        hang_up_side: pb::HangUpSide::System.into(),
        ..Default::default()
    };
    let second = pb::CallLeg {
        leg: "asterisk-2".into(),
        initial_leg: "asterisk-1".into(),
        previous_leg: "asterisk-1".into(),
        agent: "PJSIP/101".into(),
        start_time: Some(at(START + 80)),
        end_time: Some(at(START + 200)),
        talk_ms: 120_000,
        after_work_ms: 30_000,
        hang_up_side: pb::HangUpSide::Customer.into(),
        ..Default::default()
    };
    let said = pb::Transcript {
        language: "id".into(),
        segments: vec![
            segment(pb::ParticipantRole::Agent, 0, "selamat pagi"),
            segment(pb::ParticipantRole::Customer, 1200, "tagihan saya salah"),
        ],
    };
    pb::InteractionInput {
        kind: types::InteractionKind::Call.into(),
        channel: types::Channel::Phone.into(),
        purpose: types::Purpose::Complaint.into(),
        parts: vec![
            part(Content::CallLeg(first)),
            part(Content::CallLeg(second)),
            part(Content::Transcript(said)),
        ],
        ..message("call-1", "+62811", "")
    }
}

/// A picture, a place and a reaction over a messenger.
fn messaging() -> pb::InteractionInput {
    pb::InteractionInput {
        provider: "whatsapp".into(),
        raw_payload: br#"{"object":"whatsapp_business_account"}"#.to_vec().into(),
        parts: vec![
            part(Content::Attachment(pb::Attachment {
                uri: "https://lookaside.example/media/1".into(),
                media_type: "image/jpeg".into(),
                size_bytes: 48_123,
                file_name: String::new(),
                ..pb::Attachment::default()
            })),
            part(Content::Location(pb::Location {
                latitude_e7: -61_753_924,
                longitude_e7: 1_068_271_528,
                accuracy_m: 10,
                label: "Monas".into(),
            })),
            part(Content::Reaction(pb::Reaction {
                symbol: "\u{1f44d}".into(),
                target: "wamid.0".into(),
                ..Default::default()
            })),
        ],
        ..message("wamid.1", "+62811", "")
    }
}

/// The receipt of a message of ours, where the channel makes it a contact of its own.
fn receipt() -> pb::InteractionInput {
    pb::InteractionInput {
        kind: types::InteractionKind::Status.into(),
        direction: types::Direction::Outbound.into(),
        provider: "line".into(),
        purpose: types::Purpose::Outreach.into(),
        parts: vec![part(Content::DeliveryStatus(pb::DeliveryStatus {
            state: pb::DeliveryState::Failed.into(),
            target: "wamid.0".into(),
            recipient: "62811".into(),
            error_code: "131026".into(),
            error_text: "Message undeliverable".into(),
        }))],
        ..message("receipt-1", "+62811", "")
    }
}

/// An order on the web, with lines and a form.
fn order() -> pb::InteractionInput {
    let line = |product: &str, quantity_thousandths, units| types::OrderLine {
        product: product.into(),
        description: "Teh melati".into(),
        quantity_thousandths,
        total: idr(units),
    };
    pb::InteractionInput {
        kind: types::InteractionKind::Order.into(),
        channel: types::Channel::Portal.into(),
        purpose: types::Purpose::Order.into(),
        order: Some(types::Order {
            order_id: "SO-1".into(),
            total: idr(45_000),
            lines: vec![line("tea-1", 2000, 30_000), line("tea-2", 500, 15_000)],
        }),
        parts: vec![part(Content::Form(pb::Form {
            name: "checkout".into(),
            fields: vec![pb::FormField {
                name: "gift note".into(),
                value: "Selamat!".into(),
            }],
        }))],
        ..message("order-1", "+62811", "")
    }
}

/// A page in the browser, and a visit to a store.
fn visits() -> [pb::InteractionInput; 2] {
    let page = part(Content::PageVisit(pb::PageVisit {
        url: "https://shop.example/tea?ref=mail".into(),
        title: "Teh".into(),
        referrer: "https://mail.example/".into(),
        duration_ms: 42_000,
    }));
    let visit = |channel: types::Channel, external_id: &str, parts| pb::InteractionInput {
        kind: types::InteractionKind::Visit.into(),
        channel: channel.into(),
        purpose: types::Purpose::Lead.into(),
        parts,
        ..message(external_id, "+62811", "")
    };
    [
        visit(types::Channel::Web, "page-1", vec![page]),
        visit(types::Channel::Store, "visit-1", vec![]),
    ]
}

#[tokio::test]
async fn what_every_channel_says_comes_back_as_it_was_said() {
    on_every_engine(quick(), async |stage| {
        let [page, store] = visits();
        for input in [voice(), messaging(), receipt(), order(), page, store] {
            let logged = stage.log(input.clone()).await;
            assert_eq!(logged.input.as_ref(), Some(&input));
            assert_eq!(stage.get(&logged.id).await.input, Some(input.clone()));
            // Said again it is the same.
            assert!(stage.record(input).await.unwrap().duplicate);
        }
    })
    .await;
}

#[tokio::test]
async fn html_comes_with_a_copy_that_can_be_shown() {
    on_every_engine(quick(), async |stage| {
        let received = "<p onclick=\"steal()\">Hi <b>you</b><script>steal()</script>\
                        <img src=\"https://spy.example/1.gif\"><a href=\"javascript:x()\">x</a></p>";
        let mut mail = message("mail-1", "+62811", "");
        mail.channel = types::Channel::Email.into();
        mail.parts = vec![part(Content::Html(received.into()))];
        let logged = stage.log(mail.clone()).await;
        let input = stage.get(&logged.id).await.input.unwrap();
        let shown = &input.parts[0].sanitised_html;
        assert_eq!(shown, "<p>Hi <b>you</b><a rel=\"noopener noreferrer\">x</a></p>");
        assert_eq!(input.parts[0].content, mail.parts[0].content);
        assert!(stage.record(mail.clone()).await.unwrap().duplicate);

        mail.parts[0].sanitised_html = "<script>".into();
        assert_eq!(
            violations(stage.record(mail).await),
            [("interaction.parts[0].sanitised_html".to_owned(), "OUTPUT_ONLY".to_owned())]
        );
    })
    .await;
}

#[tokio::test]
async fn every_wrong_field_of_every_part_is_named_at_once() {
    on_every_engine(quick(), async |stage| {
        let mut input = message("m-1", "+62811", "");
        input.provider = "Whats App".into();
        input.participants = vec![customer("+62811")];
        input.parts = vec![
            part(Content::Transcript(pb::Transcript {
                language: "not a tag".into(),
                segments: vec![pb::TranscriptSegment {
                    offset_ms: -1,
                    confidence_permille: Some(1001),
                    ..Default::default()
                }],
            })),
            part(Content::Form(pb::Form::default())),
            part(Content::Location(pb::Location {
                latitude_e7: 900_000_001,
                longitude_e7: -1_800_000_001,
                accuracy_m: -1,
                ..Default::default()
            })),
            part(Content::Reaction(pb::Reaction::default())),
            part(Content::DeliveryStatus(pb::DeliveryStatus {
                state: 9,
                ..Default::default()
            })),
            part(Content::CallLeg(pb::CallLeg {
                start_time: Some(at(START)),
                end_time: Some(at(START - 1)),
                talk_ms: i64::MAX,
                hang_up_side: 77,
                ..Default::default()
            })),
            part(Content::PageVisit(pb::PageVisit::default())),
        ];
        let wrong = violations(stage.record(input).await);
        let wrong: Vec<(&str, &str)> = wrong
            .iter()
            .map(|(field, reason)| (field.trim_start_matches("interaction."), reason.as_str()))
            .collect();
        let expected = [
            ("provider", "MALFORMED"),
            ("parts[0].transcript.language", "MALFORMED"),
            ("parts[0].transcript.segments[0].text", "REQUIRED"),
            ("parts[0].transcript.segments[0].speaker", "REQUIRED"),
            ("parts[0].transcript.segments[0].offset_ms", "OUT_OF_RANGE"),
            (
                "parts[0].transcript.segments[0].confidence_permille",
                "OUT_OF_RANGE",
            ),
            ("parts[1].form.name", "REQUIRED"),
            ("parts[2].location.latitude_e7", "OUT_OF_RANGE"),
            ("parts[2].location.longitude_e7", "OUT_OF_RANGE"),
            ("parts[2].location.accuracy_m", "OUT_OF_RANGE"),
            ("parts[3].reaction.target", "REQUIRED"),
            ("parts[3].reaction.symbol", "REQUIRED"),
            ("parts[4].delivery_status.target", "REQUIRED"),
            ("parts[4].delivery_status.state", "UNKNOWN_VALUE"),
            ("parts[5].call_leg.leg", "REQUIRED"),
            ("parts[5].call_leg.end_time", "BEFORE_START"),
            ("parts[5].call_leg.talk_ms", "OUT_OF_RANGE"),
            ("parts[5].call_leg.hang_up_side", "UNKNOWN_VALUE"),
            ("parts[6].page_visit.url", "REQUIRED"),
        ];
        assert_eq!(wrong, expected);
    })
    .await;
}

#[tokio::test]
async fn an_order_has_one_currency() {
    on_every_engine(quick(), async |stage| {
        let mut input = order();
        let order = input.order.as_mut().unwrap();
        order.lines[1].total.as_mut().unwrap().code = "USD".into();
        order.lines[0].quantity_thousandths = 0;
        assert_eq!(
            violations(stage.record(input).await),
            [
                (
                    "interaction.order.lines[0].quantity_thousandths".to_owned(),
                    "OUT_OF_RANGE".to_owned()
                ),
                (
                    "interaction.order.lines[1].total".to_owned(),
                    "OTHER_CURRENCY".to_owned()
                ),
            ]
        );
    })
    .await;
}
