//! An agent's open stream, seen from the owner of the tenant.

use std::sync::{Arc, OnceLock};

use rapport_foundation::error::Failure;
use rapport_foundation::id::AgentId;
use rapport_foundation::time::Micros;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Error;
use crate::domain::contact_command::ContactCommand;
use crate::domain::engine::StreamId;
use crate::domain::{HandOver, Offer, OfferEnd, WorkItem};
use crate::store::StoredAgent;

/// What happens at a desk, in order.
#[derive(Clone, Debug)]
pub(crate) enum DeskEvent {
    /// How things stand; always first.
    Snapshot {
        agent: Box<StoredAgent>,
        held: Vec<WorkItem>,
        /// What was handed over with that.
        hand_overs: Vec<HandOver>,
    },
    /// Work is offered.
    Offered {
        offer: Offer,
        work: Box<WorkItem>,
        /// What was handed over with it.
        hand_over: Option<Box<HandOver>>,
    },
    /// An offer ended without being taken.
    OfferEnded {
        offer: Offer,
        reason: OfferEnd,
        at: Micros,
    },
    /// Work of theirs changed.
    Work(Box<WorkItem>),
    /// Their status changed.
    Agent(Box<StoredAgent>),
    /// A command to the connector of a contact of theirs is over.
    Command(Box<ContactCommand>),
    /// A sign of life.
    Heartbeat(Micros),
}

/// One open stream. Sending never waits: who reads too slowly is cut off.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    pub(crate) agent: AgentId,
    pub(crate) stream: StreamId,
    pub(crate) out: mpsc::Sender<DeskEvent>,
    pub(crate) ending: Ending,
}

/// Why and that a stream ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ending {
    reason: Arc<OnceLock<Failure>>,
    ended: CancellationToken,
}

impl Ending {
    /// Ends the stream with this failure; the first one counts.
    pub(crate) fn end(&self, failure: impl Into<Failure>) {
        // An end that came before has its own reason.
        let _ = self.reason.set(failure.into());
        self.ended.cancel();
    }

    /// Returns once the stream is to end.
    pub(crate) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// What the reader is told at the end.
    pub(crate) fn reason(&self) -> Option<Failure> {
        self.reason.get().cloned()
    }
}

impl Desk {
    /// Sends without waiting. Answers whether the desk is still there.
    pub(crate) fn tell(&self, event: DeskEvent) -> bool {
        match self.out.try_send(event) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Closed(_)) => false,
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.ending.end(Error::slow_reader());
                false
            }
        }
    }

    /// Ends it because what it tells can no longer be vouched for.
    pub(crate) fn end(&self, error: Error) {
        self.ending.end(error);
    }
}
