//! What the ledger can be asked for, and what it answers.

use std::time::Duration;

use rapport_foundation::context::Context;
use rapport_foundation::id::{EntryId, HoldId, InteractionId, MemberId};
use rapport_foundation::idempotency;
use rapport_foundation::money::Amount;
use rapport_foundation::telemetry;
use uuid::Uuid;

use crate::domain::{Balance, Entry, Hold, OrderId, PointKind, Points, Refusal};
use crate::store::requests::RequestId;

/// Points as a caller names them: whether they are the programme's is decided once it is known.
#[derive(Debug, Clone)]
pub(crate) struct Sum {
    pub(crate) points: Points,
    pub(crate) code: String,
    pub(crate) exponent: i16,
}

impl Sum {
    /// The number, when it is of the programme's kind.
    pub(crate) fn of(&self, kind: &PointKind) -> Result<Points, Refusal> {
        kind.accept(&self.code, self.exponent, self.points)
    }

    /// The same of a sum that may be left out.
    pub(crate) fn some_of(sum: Option<&Self>, kind: &PointKind) -> Result<Option<Points>, Refusal> {
        sum.map(|sum| sum.of(kind)).transpose()
    }
}

/// One thing to do with one member's ledger.
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    Earn {
        member: MemberId,
        sum: Sum,
        reason: Option<String>,
    },
    EarnByOrder {
        member: MemberId,
        order: OrderId,
        total: Amount,
        interaction: Option<InteractionId>,
        reason: Option<String>,
    },
    Hold {
        member: MemberId,
        sum: Sum,
        order: Option<OrderId>,
        /// `None` for the programme's.
        timeout: Option<Duration>,
    },
    Capture {
        hold: HoldId,
        /// `None` for all.
        sum: Option<Sum>,
        seen: Option<i64>,
    },
    Void {
        hold: HoldId,
        seen: Option<i64>,
    },
    Reverse {
        entry: EntryId,
        /// `None` for what is left of it.
        sum: Option<Sum>,
        reason: Option<String>,
    },
    /// Do what time has made due.
    Settle {
        member: MemberId,
    },
}

/// A request id with the hash of what was asked under it.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) id: RequestId,
    pub(crate) hash: Vec<u8>,
}

impl Request {
    /// The request of a call.
    pub(crate) fn new(
        ctx: &Context,
        method: &'static str,
        id: Uuid,
        message: &impl prost::Message,
    ) -> Self {
        let key = idempotency::Key::new(ctx, method, id, message);
        let id = RequestId {
            principal: ctx.principal.clone(),
            method: method.to_owned(),
            id,
        };
        Self {
            id,
            hash: key.hash().to_vec(),
        }
    }
}

/// What is asked, by whom, in which trace.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) ask: Ask,
    /// `None` for what the service does by itself.
    pub(crate) request: Option<Request>,
    pub(crate) traceparent: Option<String>,
}

impl Command {
    /// A caller's command, in the trace of the current span.
    pub(crate) fn new(ask: Ask, request: Option<Request>) -> Self {
        Self {
            ask,
            request,
            traceparent: telemetry::current_traceparent(),
        }
    }
}

/// What came of a command.
#[derive(Debug, Clone)]
pub(crate) struct Done {
    pub(crate) member: MemberId,
    pub(crate) kind: PointKind,
    /// `None` when nothing moved.
    pub(crate) entry: Option<Entry>,
    pub(crate) hold: Option<Hold>,
    pub(crate) balance: Balance,
}
