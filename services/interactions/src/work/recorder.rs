//! The one way into the log: waiting contacts are logged together, each caller is answered when theirs is durable.

use std::sync::Arc;
use std::time::Duration;

use rapport_foundation::batch::{BatchConfig, Batcher};
use rapport_foundation::error::{Code, Failure};
use rapport_foundation::id::{OutboundId, TenantId};
use rapport_foundation::idempotency;
use rapport_foundation::seal::Vault;
use rapport_foundation::service::{Env, Task};
use rapport_foundation::telemetry;
use rapport_foundation::time::Clock;

use super::Calm;
use super::room::Room;
use crate::app::facts;
use crate::domain::{Contact, Fact, Numbers};
use crate::store::{
    Announce, Answer, Command, FactOutcome, FactTelling, Outcome, QueueOutcome, Queueing, Store,
    Telling,
};
use crate::{Config, Error};

/// Calls that are running when the service goes down may still log what they brought.
const LAST_CALLS: Duration = Duration::from_millis(250);

/// Logs contacts; cheap to clone.
#[derive(Clone)]
pub(crate) struct Recorder {
    batcher: Batcher<Command, Answer, Error>,
    store: Store,
    vault: Vault,
    clock: Clock,
    /// What becomes of numbers of tenants that never said.
    numbers: Numbers,
    room: Room,
}

impl Recorder {
    /// Starts the batcher; its tasks end after shutdown.
    pub(crate) fn spawn(env: &Env, store: &Store, config: &Config) -> (Self, [Task; 2]) {
        let limits = BatchConfig {
            most: config.batch_size,
            queue: config.queue_capacity,
            ..BatchConfig::default()
        };
        let (store, known) = (store.clone(), store.clone());
        let (batcher, lanes) = Batcher::spawn(
            "interactions recorder",
            &limits,
            move |commands: Vec<Command>| {
                let store = store.clone();
                async move {
                    let announce = Announce {
                        recorded: facts::recorded,
                        known: facts::became_known,
                        queued: facts::queued,
                        moved: facts::outbound,
                    };
                    let answers = store.record(&commands, announce).await?;
                    Ok(answers.into_iter().map(Ok).collect())
                }
            },
        );
        let (closing, shutdown) = (batcher.clone(), env.shutdown.clone());
        let closer = Task::spawn("interactions recorder closing", async move {
            shutdown.cancelled().await;
            tokio::time::sleep(LAST_CALLS).await;
            closing.close();
        });
        (
            Self {
                batcher,
                store: known,
                vault: env.vault.clone(),
                clock: env.clock.clone(),
                numbers: config.numbers(),
                room: Room::new(),
            },
            [lanes, closer],
        )
    }

    /// What becomes of numbers that a tenant's connectors say now. Asked for in the order of what they say: what is made
    /// ready at once stays in that order.
    pub(crate) async fn numbers(&self, tenant: TenantId) -> Result<Numbers, Error> {
        let now = self.clock.now();
        Ok(self.store.numbers_now(tenant, self.numbers, now).await?)
    }

    /// A contact made ready for the log, in the trace of the current call.
    pub(crate) fn telling(
        &self,
        tenant: TenantId,
        connector: &str,
        contact: Contact,
        numbers: Numbers,
    ) -> Telling {
        let (now, traceparent) = (self.clock.now(), telemetry::current_traceparent());
        Telling::new(
            &self.vault,
            tenant,
            connector,
            contact,
            numbers,
            now,
            traceparent,
        )
    }

    /// A fact made ready for the log, in the trace of the current call.
    pub(crate) fn fact(
        &self,
        tenant: TenantId,
        connector: &str,
        fact: Fact,
        numbers: Numbers,
    ) -> FactTelling {
        let (now, traceparent) = (self.clock.now(), telemetry::current_traceparent());
        FactTelling::new(
            &self.vault,
            tenant,
            connector,
            fact,
            numbers,
            now,
            traceparent,
        )
    }

    /// For what is to let recording go first.
    pub(crate) fn calm(&self) -> Calm {
        Calm::new(self.batcher.clone())
    }

    /// Where room is taken for a contact, before it is made ready.
    pub(crate) const fn room(&self) -> &Room {
        &self.room
    }

    /// Logs a contact; answers when that is durable.
    pub(crate) async fn record(&self, telling: Arc<Telling>) -> Result<Outcome, Error> {
        let tenant = telling.tenant;
        match self
            .batcher
            .submit(tenant, Command::Contact(telling))
            .await?
        {
            Answer::Contact(outcome) => Ok(outcome),
            Answer::Fact(_) | Answer::Outbound(_) => Err(mixed_up()),
        }
    }

    /// Logs a fact; answers when that is durable.
    pub(crate) async fn know(&self, telling: Arc<FactTelling>) -> Result<FactOutcome, Error> {
        let tenant = telling.tenant;
        match self.batcher.submit(tenant, Command::Fact(telling)).await? {
            Answer::Fact(outcome) => Ok(outcome),
            Answer::Contact(_) | Answer::Outbound(_) => Err(mixed_up()),
        }
    }

    /// Queues a message of ours; answers when it is durable, with whether this call did it.
    pub(crate) async fn queue(&self, queueing: Arc<Queueing>) -> Result<(OutboundId, bool), Error> {
        let (tenant, id) = (queueing.telling.tenant, queueing.telling.id);
        let command = Command::Outbound(queueing);
        loop {
            match self.batcher.submit(tenant, command.clone()).await? {
                Answer::Outbound(QueueOutcome::Again) => {}
                Answer::Outbound(QueueOutcome::Fresh(_)) => {
                    return Ok((OutboundId::from_uuid(id.uuid()), true));
                }
                Answer::Outbound(QueueOutcome::Known(id)) => return Ok((id, false)),
                Answer::Outbound(QueueOutcome::NamesNoMedia(id)) => {
                    return Err(Error::NamesNoMedia(id));
                }
                Answer::Outbound(QueueOutcome::Reused) => return Err(idempotency::reused().into()),
                Answer::Contact(_) | Answer::Fact(_) => return Err(mixed_up()),
            }
        }
    }
}

fn mixed_up() -> Error {
    Failure::new(Code::Internal, "INTERNAL", "Something went wrong.").into()
}
