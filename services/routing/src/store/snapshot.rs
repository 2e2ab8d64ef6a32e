//! Everything a new owner needs to stand where the last one stood.

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::TenantId;
use rapport_foundation::time::Micros;

use super::{Store, queues, slas, work_items};
use crate::domain::Queue;
use crate::domain::engine::{Profile, Snapshot, Terms};
use crate::domain::sla::Book;

/// What the tables say about one tenant's engine.
pub(crate) struct Restored {
    pub(crate) snapshot: Snapshot,
    pub(crate) queues: Vec<Queue>,
    pub(crate) book: Book,
    /// When a clock is due next.
    pub(crate) sla_at: Option<Micros>,
}

impl Store {
    /// Reads it all.
    pub(crate) async fn restored(&self, tenant: TenantId) -> Result<Restored, Error> {
        let read = |s: Scoped| async move {
            let queues = queues::all(&s).await?;
            let agents = self.all_agents(&s).await?;
            let agents = agents
                .iter()
                .map(|agent| (Profile::from(agent), agent.standing.clone()));
            let snapshot = Snapshot {
                queues: queues.iter().map(Terms::from).collect(),
                agents: agents.collect(),
                items: work_items::open(&s).await?,
            };
            Ok(Restored {
                snapshot,
                queues,
                book: super::policies::book(&s).await?,
                sla_at: slas::next(&s).await?,
            })
        };
        self.db.read(tenant, read).await
    }
}
