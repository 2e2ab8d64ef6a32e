//! An interaction as logged, with what became known of it later.

use rapport_foundation::id::{ConversationId, CustomerId, InteractionId, RecordId};
use rapport_foundation::time::Micros;

use super::code::LinkState;
use super::contact::Contact;
use super::ending::End;
use super::fact::State;
use super::outbound::Outbound;

/// A customer as this service keeps them: the record for ever, the customer by the map of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Customer {
    /// The customer at this time.
    pub customer: CustomerId,
    /// The source record the contact came in by.
    pub record: RecordId,
}

/// How far recognition came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// The customer is still to be found.
    Pending,
    /// The customer is known.
    Linked(Customer),
    /// There is nobody to recognise.
    Anonymous,
}

impl Link {
    /// The code of the state.
    #[must_use]
    pub const fn state(self) -> LinkState {
        match self {
            Self::Pending => LinkState::Pending,
            Self::Linked(_) => LinkState::Linked,
            Self::Anonymous => LinkState::Anonymous,
        }
    }

    /// The customer, when known.
    #[must_use]
    pub const fn customer(self) -> Option<Customer> {
        match self {
            Self::Linked(customer) => Some(customer),
            Self::Pending | Self::Anonymous => None,
        }
    }
}

/// One contact as logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interaction {
    /// Its id.
    pub id: InteractionId,
    /// The connector that said so, by its credential.
    pub connector: String,
    /// What the connector said.
    pub contact: Contact,
    /// The conversation it belongs to.
    pub conversation: ConversationId,
    /// Where it stands among the contacts of its conversation in the order they came, from 1.
    pub conversation_position: i64,
    /// How far recognition came.
    pub link: Link,
    /// Whether the intake rules asked for an agent.
    pub asks_for_agent: bool,
    /// When we received it.
    pub received_at: Micros,
    /// How it ended, once it did.
    pub end: Option<End>,
    /// What else became known since it was logged.
    pub state: State,
    /// How far it came, when it is a message that was queued here.
    pub outbound: Option<Outbound>,
    /// Its place in its conversation, where that was asked for; else 0.
    pub position: i64,
}

/// A second content under a key that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Position in the order they came, from 1.
    pub number: i64,
    /// The interaction that holds the key.
    pub interaction: InteractionId,
    /// What the connector said the second time.
    pub contact: Contact,
    /// When we received it.
    pub received_at: Micros,
}
