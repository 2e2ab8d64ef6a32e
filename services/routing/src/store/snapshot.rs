//! Everything a new owner needs to stand where the last one stood.

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{CalendarId, QueueId, TenantId};
use rapport_foundation::time::Micros;

use super::{Store, contact_commands, queues, records, routing_policies, slas, work_items};
use crate::domain::Queue;
use crate::domain::contact_command::ContactCommand;
use crate::domain::engine::{Profile, Snapshot, Terms};
use crate::domain::policy::RoutingPolicy;
use crate::domain::sla::{Book, Calendar, Hours};

/// What the tables say about one tenant's engine.
pub(crate) struct Restored {
    pub(crate) snapshot: Snapshot,
    /// The latest moment it tells of: whoever decided last decided then, or later.
    pub(crate) decided: Micros,
    pub(crate) queues: Vec<Queue>,
    pub(crate) book: Book,
    /// The routing policy that holds, and how many versions there are.
    pub(crate) routing: (Option<RoutingPolicy>, i64),
    /// When a clock is due next.
    pub(crate) sla_at: Option<Micros>,
    /// Commands to connectors that something may still become of.
    pub(crate) commands: Vec<ContactCommand>,
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
            let (paces, turns) = records::of(&s, None).await?;
            let book = super::policies::book(&s).await?;
            let snapshot = Snapshot {
                queues: queues.iter().map(Terms::from).collect(),
                agents: agents.collect(),
                items: work_items::open(&s).await?,
                paces,
                turns,
                calendars: hours(&book),
            };
            Ok(Restored {
                decided: latest(&snapshot),
                snapshot,
                queues,
                book,
                routing: (
                    routing_policies::published(&s).await?,
                    routing_policies::count(&s).await?,
                ),
                sla_at: slas::next(&s).await?,
                commands: contact_commands::open(&s).await?,
            })
        };
        self.db.read(tenant, read).await
    }

    /// The agents of some queues as they stand, with what they have in hand.
    pub(crate) async fn pictured(
        &self,
        tenant: TenantId,
        served: &[QueueId],
    ) -> Result<Snapshot, Error> {
        let read = |s: Scoped| async move {
            let ids = super::agents::serving(&s, served).await?;
            let agents = self.agents_by_id(&s, &ids).await?;
            let agents = agents
                .iter()
                .map(|agent| (Profile::from(agent), agent.standing.clone()));
            let (paces, turns) = records::of(&s, Some(served)).await?;
            let mut terms = queues::all(&s).await?;
            terms.retain(|queue| served.contains(&queue.id));
            Ok(Snapshot {
                queues: terms.iter().map(Terms::from).collect(),
                agents: agents.collect(),
                items: work_items::in_hands(&s, &ids).await?,
                paces,
                turns,
                // Whether somebody is on shift is in their standing.
                calendars: Vec::new(),
            })
        };
        self.db.read(tenant, read).await
    }

    /// Every queue, and what every agent can do.
    pub(crate) async fn staff(
        &self,
        tenant: TenantId,
    ) -> Result<(Vec<Queue>, Vec<Profile>), Error> {
        let read = |s: Scoped| async move {
            let agents = self.all_agents(&s).await?;
            let profiles = agents.iter().map(Profile::from).collect();
            Ok((queues::all(&s).await?, profiles))
        };
        self.db.read(tenant, read).await
    }

    /// Every queue.
    pub(crate) async fn every_queue(&self, tenant: TenantId) -> Result<Vec<Queue>, Error> {
        self.db
            .read(tenant, |s: Scoped| async move { queues::all(&s).await })
            .await
    }
}

fn hours(book: &Book) -> Vec<(CalendarId, Hours)> {
    let calendars = book.calendars.values();
    let pair = |calendar: &Calendar| (calendar.id, calendar.hours.clone());
    calendars.map(pair).collect()
}

/// The latest moment that a snapshot tells of. What is still to come does not count.
fn latest(snapshot: &Snapshot) -> Micros {
    let agents = snapshot.agents.iter().map(|(_, standing)| standing);
    let agents = agents.map(|standing| {
        let since = standing.status_since.max(standing.idle_since);
        since.max(standing.load.until)
    });
    let items = snapshot.items.iter();
    let items = items.map(|item| item.changed_at().max(item.queued_at));
    agents.chain(items).max().unwrap_or(Micros::EPOCH)
}
