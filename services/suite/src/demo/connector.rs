//! A connector: what brings the contacts of one channel in.

use std::time::{Duration, Instant};

use rapport_foundation::time::{Clock, Micros};
use rapport_proto::interactions::v1::interaction_service_client::InteractionServiceClient;
use rapport_proto::interactions::v1::{
    EndContactRequest, Interaction, InteractionInput, Part, Participant, ParticipantRole,
    RecordInteractionRequest, part,
};
use rapport_proto::types::v1::{
    Amount, Channel, ContactEndReason, Direction, Identifier, IdentifierType, InteractionKind,
    Order, Priority, Purpose, RoutingHint,
};
use tonic::Status;

use crate::client::Authorised;

/// One connector with its credential.
#[derive(Clone)]
pub(super) struct Connector {
    client: InteractionServiceClient<Authorised>,
}

/// A contact as logged, and when and how fast.
pub(super) struct Logged {
    pub(super) interaction: Interaction,
    pub(super) duplicate: bool,
    pub(super) sent: Instant,
    pub(super) took: Duration,
}

impl Connector {
    pub(super) fn new(gateway: Authorised) -> Self {
        Connector {
            client: InteractionServiceClient::new(gateway),
        }
    }

    pub(super) async fn record(&self, contact: Contact) -> Result<Logged, Status> {
        let sent = Instant::now();
        let request = RecordInteractionRequest {
            interaction: Some(contact.0),
        };
        let answer = self
            .client
            .clone()
            .record_interaction(request)
            .await?
            .into_inner();
        Ok(Logged {
            interaction: answer.interaction.unwrap_or_default(),
            duplicate: answer.duplicate,
            sent,
            took: sent.elapsed(),
        })
    }

    /// The customer hangs up.
    pub(super) async fn hang_up(&self, external_id: &str) -> Result<Interaction, Status> {
        let request = EndContactRequest {
            key: String::new(),
            external_id: external_id.to_owned(),
            end_time: Some(Clock::system().now().into()),
            reason: ContactEndReason::CustomerLeft as i32,
        };
        let answer = self.client.clone().end_contact(request).await?.into_inner();
        Ok(answer.interaction.unwrap_or_default())
    }
}

/// A contact of a customer, put together.
#[derive(Clone)]
pub(super) struct Contact(InteractionInput);

impl Contact {
    /// A message about something, on any channel.
    pub(super) fn message(
        external_id: impl Into<String>,
        channel: Channel,
        purpose: Purpose,
    ) -> Self {
        Contact(InteractionInput {
            external_id: external_id.into(),
            kind: InteractionKind::Message as i32,
            channel: channel as i32,
            direction: Direction::Inbound as i32,
            purpose: purpose as i32,
            event_time: Some(Clock::system().now().into()),
            ..InteractionInput::default()
        })
    }

    /// A call that rings now.
    pub(super) fn call(external_id: impl Into<String>) -> Self {
        Contact::message(external_id, Channel::Phone, Purpose::Enquiry).kind(InteractionKind::Call)
    }

    /// A purchase.
    pub(super) fn order(external_id: impl Into<String>, channel: Channel, total: Amount) -> Self {
        let external_id = external_id.into();
        let mut contact = Contact::message(external_id.clone(), channel, Purpose::Order)
            .kind(InteractionKind::Order);
        contact.0.order = Some(Order {
            order_id: external_id,
            total: Some(total),
            lines: Vec::new(),
        });
        contact
    }

    pub(super) fn kind(mut self, kind: InteractionKind) -> Self {
        self.0.kind = kind as i32;
        self
    }

    /// By whom, strongest way to recognise them first.
    pub(super) fn by(mut self, mut identifiers: Vec<Identifier>) -> Self {
        let further_identifiers = identifiers.split_off(1.min(identifiers.len()));
        self.0.participants = vec![Participant {
            role: ParticipantRole::Customer as i32,
            identifier: identifiers.pop(),
            further_identifiers,
            display_name: String::new(),
        }];
        self
    }

    pub(super) fn text(mut self, text: &str) -> Self {
        self.0.parts = vec![Part {
            content: Some(part::Content::Text(text.to_owned())),
            ..Default::default()
        }];
        self
    }

    pub(super) fn queue(mut self, code: &str, priority: Priority) -> Self {
        self.0.routing = Some(RoutingHint {
            queue: code.to_owned(),
            required_skills: Vec::new(),
            priority: priority as i32,
        });
        self
    }

    /// It took place this long ago.
    pub(super) fn ago(mut self, span: Duration) -> Self {
        let at: Micros = Clock::system().now() - span;
        self.0.event_time = Some(at.into());
        self
    }
}

/// Ways to recognise the customer with this number.
pub(super) fn phone(number: u32) -> Identifier {
    Identifier {
        r#type: IdentifierType::Phone as i32,
        // 555-01xx is kept free for stories.
        value: format!("+1202555{:04}", 100 + number % 100),
        namespace: String::new(),
    }
}

pub(super) fn email(number: u32) -> Identifier {
    Identifier {
        r#type: IdentifierType::Email as i32,
        value: format!("customer{number}@example.com"),
        namespace: String::new(),
    }
}

pub(super) fn handle(channel: &str, number: u32) -> Identifier {
    Identifier {
        r#type: IdentifierType::Handle as i32,
        value: format!("customer-{number}"),
        namespace: channel.to_owned(),
    }
}
