//! The one way into the log: waiting contacts are logged together, each caller is answered when theirs is durable.

use std::sync::Arc;
use std::time::Duration;

use rapport_foundation::batch::{BatchConfig, Batcher};
use rapport_foundation::error::{Code, Failure};
use rapport_foundation::id::TenantId;
use rapport_foundation::seal::Vault;
use rapport_foundation::service::{Env, Task};
use rapport_foundation::telemetry;
use rapport_foundation::time::Clock;
use tokio::sync::Semaphore;

use crate::app::facts;
use crate::domain::detect::Masking;
use crate::domain::{Contact, Part};
use crate::store::{Outcome, Store, Telling};
use crate::{Config, Error};

/// One unit of the memory budget.
const UNIT_BYTES: usize = 1024;
/// Memory of all contacts that wait to be logged: 64 MiB. Their number alone would not bound it.
const BUDGET: u32 = 64 * 1024;
/// Calls that are running when the service goes down may still log what they brought.
const LAST_CALLS: Duration = Duration::from_millis(250);

/// Logs contacts; cheap to clone.
#[derive(Clone)]
pub(crate) struct Recorder {
    batcher: Batcher<Arc<Telling>, Outcome, Error>,
    vault: Vault,
    clock: Clock,
    budget: Arc<Semaphore>,
    masking: Option<Masking>,
}

impl Recorder {
    /// Starts the batcher; its tasks end after shutdown.
    pub(crate) fn spawn(env: &Env, store: &Store, config: &Config) -> (Self, [Task; 2]) {
        let limits = BatchConfig {
            most: config.batch_size,
            queue: config.queue_capacity,
            ..BatchConfig::default()
        };
        let store = store.clone();
        let (batcher, lanes) = Batcher::spawn(
            "interactions recorder",
            &limits,
            move |tellings: Vec<Arc<Telling>>| {
                let store = store.clone();
                async move {
                    let outcomes = store.record(&tellings, facts::recorded).await?;
                    Ok(outcomes.into_iter().map(Ok).collect())
                }
            },
        );
        let (closing, shutdown) = (batcher.clone(), env.shutdown.clone());
        let closer = Task::spawn("interactions recorder closing", async move {
            shutdown.cancelled().await;
            tokio::time::sleep(LAST_CALLS).await;
            closing.close();
        });
        let budget = Arc::new(Semaphore::new(BUDGET as usize));
        (
            Self {
                batcher,
                vault: env.vault.clone(),
                clock: env.clock.clone(),
                budget,
                masking: config.masking(),
            },
            [lanes, closer],
        )
    }

    /// A contact made ready for the log, in the trace of the current call.
    pub(crate) fn telling(&self, tenant: TenantId, connector: &str, contact: Contact) -> Telling {
        let traceparent = telemetry::current_traceparent();
        Telling::new(
            &self.vault,
            tenant,
            connector,
            contact,
            self.clock.now(),
            traceparent,
        )
        .masked(self.masking)
    }

    /// Logs a contact; answers when that is durable.
    pub(crate) async fn record(&self, telling: Arc<Telling>) -> Result<Outcome, Error> {
        let units = weight(&telling.contact).div_ceil(UNIT_BYTES).max(1);
        let units = u32::try_from(units).unwrap_or(BUDGET).min(BUDGET);
        let _held = self
            .budget
            .acquire_many(units)
            .await
            .map_err(|_| overloaded())?;
        self.batcher.submit(telling.tenant, telling).await
    }
}

/// About how many bytes a contact takes.
fn weight(contact: &Contact) -> usize {
    let part = |part: &Part| match part {
        Part::Text(text) | Part::Html(text) => text.expose().len(),
        Part::Attachment(file) => file.uri.expose().len(),
    };
    let content = &contact.content;
    content.raw_payload.0.len()
        + content.parts.iter().map(part).sum::<usize>()
        + content.attributes.len() * 128
}

fn overloaded() -> Error {
    Failure::new(
        Code::ResourceExhausted,
        "OVERLOADED",
        "Too many contacts are waiting; try later.",
    )
    .into()
}
