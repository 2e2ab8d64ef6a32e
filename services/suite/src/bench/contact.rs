//! The contacts of an ingest run: one text message each, of one of a thousand customers.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use prost::Message as _;
use rapport_foundation::time::Clock;
use rapport_proto::interactions::v1 as pb;
use rapport_proto::types::v1 as types;

use super::way::framed;

/// Customers who write.
const CUSTOMERS: u64 = 1000;
/// Characters of a message: as many as the raw limit stores.
pub(super) const TEXT: usize = 200;

/// Makes contacts that were never there before.
#[derive(Debug)]
pub(super) struct Contacts {
    run: String,
    next: AtomicU64,
}

impl Contacts {
    pub(super) fn new() -> Self {
        Self {
            run: uuid::Uuid::now_v7().simple().to_string(),
            next: AtomicU64::new(0),
        }
    }

    pub(super) fn next(&self) -> pb::InteractionInput {
        self.saying(&"x".repeat(TEXT))
    }

    /// The next with this text.
    pub(super) fn saying(&self, text: &str) -> pb::InteractionInput {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let customer = types::Identifier {
            r#type: types::IdentifierType::Phone.into(),
            value: format!("+62811{:07}", number % CUSTOMERS),
            namespace: String::new(),
        };
        pb::InteractionInput {
            external_id: format!("{}-{number}", self.run),
            kind: types::InteractionKind::Message.into(),
            channel: types::Channel::Messaging.into(),
            direction: types::Direction::Inbound.into(),
            purpose: types::Purpose::Feedback.into(),
            participants: vec![pb::Participant {
                role: pb::ParticipantRole::Customer.into(),
                identifier: Some(customer),
                ..pb::Participant::default()
            }],
            parts: vec![pb::Part {
                content: Some(pb::part::Content::Text(text.to_owned())),
                ..pb::Part::default()
            }],
            event_time: Some(Clock::system().now().into()),
            ..pb::InteractionInput::default()
        }
    }

    /// The next as the body of a call.
    pub(super) fn call(&self) -> Bytes {
        let request = pb::RecordInteractionRequest {
            interaction: Some(self.next()),
        };
        framed(&request.encode_to_vec())
    }
}
