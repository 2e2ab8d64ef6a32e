//! The audit trail: every call on personal data or policy, once it has ended.
//!
//! Answers do not wait for it to be stored. Instead a call gets its place in a bounded queue before it is handed on: while
//! nothing can be stored the queue fills, and then calls are refused. What cannot be audited does not happen.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use rapport_foundation::context::Context;
use rapport_foundation::db;
use rapport_foundation::id::TenantId;
use rapport_foundation::service::Task;
use rapport_foundation::time::{Clock, Micros};
use rapport_foundation::touched::Touched;
use rapport_foundation::verify::Breach;
use tokio::sync::mpsc::{self, OwnedPermit};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::config;
use crate::domain::audit::{Call, Fault};
use crate::domain::identity::Identity;
use crate::error::{OpenError, Rejection};
use crate::policy::Method;
use crate::store::audit::Audit;

mod writer;

use writer::Writer;

/// How long the entries of the last calls may take to be stored.
const LAST_ENTRIES: Duration = Duration::from_secs(5);

/// Hands out places in the queue.
#[derive(Clone)]
pub(crate) struct Auditor {
    queue: mpsc::Sender<Ended>,
    clock: Clock,
}

impl Auditor {
    /// Anchors a new chain and starts to write it. The task ends once `drained` says that no call is running any more
    /// and everything is stored.
    pub(crate) async fn open(
        config: &config::Audit,
        store: Audit,
        clock: Clock,
        drained: CancellationToken,
    ) -> Result<(Self, Task), OpenError> {
        config.check()?;
        let (queue, waiting) = mpsc::channel(config.queue);
        // A name for this run: two processes never write one chain, whatever their configuration says.
        let replica = Uuid::now_v7();
        store.anchor(replica, clock.now()).await?;
        let writer = Writer::new(config, store, clock.clone(), replica);
        // Behind the listener: calls that are cut off when time is up have their entries, too.
        let task = Task::spawn("audit trail", writer.run(waiting, drained)).at_last(LAST_ENTRIES);
        Ok((Self { queue, clock }, task))
    }

    /// One whose calls are read by a test.
    #[cfg(test)]
    pub(crate) fn to_be_read(clock: Clock) -> (Self, Written) {
        let (queue, waiting) = mpsc::channel(4);
        (Self { queue, clock }, Written(waiting))
    }

    /// A place for a call that begins now.
    pub(crate) fn begin(
        &self,
        who: &Context,
        identity: &Identity,
        method: &Arc<Method>,
    ) -> Result<Running, Rejection> {
        let place = self.queue.clone().try_reserve_owned().map_err(|_| {
            tracing::error!(method = %method.path, "a call was refused: it cannot be audited");
            Rejection::NotAuditable
        })?;
        Ok(Running(Some((
            place,
            Ended {
                who: who.clone(),
                identity: identity.clone(),
                method: Arc::clone(method),
                began: self.clock.now(),
                ended: Micros::EPOCH,
                request_id: None,
                trace: None,
                told: None,
                answered: false,
                code: tonic::Code::Cancelled,
            },
            self.clock.clone(),
        ))))
    }
}

/// What was queued, for a test.
#[cfg(test)]
pub(crate) struct Written(mpsc::Receiver<Ended>);

#[cfg(test)]
impl Written {
    pub(crate) fn try_code(&mut self) -> Result<tonic::Code, mpsc::error::TryRecvError> {
        self.0.try_recv().map(|call| call.code)
    }
}

/// A call that has its place and has not ended. One that is dropped was given up by its caller.
pub(crate) struct Running(Option<(OwnedPermit<Ended>, Ended, Clock)>);

impl Running {
    /// What the call is known by elsewhere.
    pub(crate) fn known_as(&mut self, request_id: Option<HeaderValue>, trace: Option<[u8; 16]>) {
        if let Some((_, call, _)) = &mut self.0 {
            call.request_id = request_id;
            call.trace = trace;
        }
    }

    /// A part of the answer has gone to the caller.
    pub(crate) fn answers(&mut self) {
        if let Some((_, call, _)) = &mut self.0 {
            call.answered = true;
        }
    }

    /// The call was turned away and leaves no entry.
    pub(crate) fn forget(mut self) {
        self.0 = None;
    }

    /// The call ended like this, and its service told that it touched these.
    pub(crate) fn end(&mut self, code: tonic::Code, told: Option<HeaderValue>) {
        if let Some((place, mut call, clock)) = self.0.take() {
            call.ended = clock.now();
            call.code = code;
            call.told = told;
            place.send(call);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end(tonic::Code::Cancelled, None);
    }
}

/// A call as it is queued. What costs time is left to the writer.
struct Ended {
    who: Context,
    identity: Identity,
    method: Arc<Method>,
    began: Micros,
    ended: Micros,
    request_id: Option<HeaderValue>,
    trace: Option<[u8; 16]>,
    told: Option<HeaderValue>,
    /// Whether a part of an answer was sent.
    answered: bool,
    code: tonic::Code,
}

impl From<Ended> for Call {
    fn from(call: Ended) -> Self {
        let touched = call.told.as_ref().and_then(Touched::read);
        let succeeded = call.code == tonic::Code::Ok;
        // A stream that was cut has shown something, and nobody says what.
        let untold = touched.is_none() && (succeeded || call.answered);
        if untold && succeeded {
            tracing::error!(method = %call.method.path, "a call was not told what it touched");
        }
        let touched = touched.unwrap_or_default();
        let text = |value: Option<HeaderValue>| {
            let value = value.as_ref().and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        Call {
            tenant: call.who.tenant,
            at: call.ended,
            duration_us: call.ended.0.saturating_sub(call.began.0).max(0),
            issuer: call.identity.issuer().to_owned(),
            principal: call.who.principal.clone(),
            kind: call.who.kind,
            on_behalf_of: call.who.on_behalf_of.clone().unwrap_or_default(),
            method: call.method.path.trim_start_matches('/').to_owned(),
            outcome: i16::try_from(i32::from(call.code)).unwrap_or(i16::MAX),
            resources: touched.ids().to_vec(),
            resource_count: i64::try_from(touched.count()).unwrap_or(i64::MAX),
            untold,
            request_id: text(call.request_id),
            trace_id: call.trace.map_or_else(String::new, hexadecimal),
        }
    }
}

fn hexadecimal(trace: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(trace))
}

/// Checks the audit trail in the gateway's database: every entry is what was written, none is missing but what is older than
/// it is to be kept, none was added.
///
/// # Errors
/// When the database cannot be read.
pub async fn verify(
    db: &db::Database,
    config: &config::Audit,
    now: Micros,
) -> Result<Vec<Breach>, db::Error> {
    let trail = Audit::new(db.clone());
    let faults = trail.verify(config.kept_since(now)).await?;
    let breach = |fault: Fault| Breach {
        invariant: 9,
        tenant: TenantId::nil(),
        what: fault.0,
    };
    Ok(faults.into_iter().map(breach).collect())
}
