//! The open streams of a tenant's agents, and what they are told once it is stored.

use std::collections::HashMap;

use rapport_foundation::id::{AgentId, RecordId, TenantId};

use crate::app::Error;
use crate::app::desk::{Desk, DeskEvent};
use crate::app::news::{News, Tiding};
use crate::domain::engine::StreamId;
use crate::store::Store;

pub(super) struct Desks {
    tenant: TenantId,
    store: Store,
    desks: HashMap<AgentId, Vec<Desk>>,
}

impl Desks {
    pub(super) fn of(tenant: TenantId, store: Store) -> Self {
        Self {
            tenant,
            store,
            desks: HashMap::new(),
        }
    }

    pub(super) async fn tell(&mut self, news: Vec<News>) {
        for news in self.as_known_today(news).await {
            self.tell_one(news).await;
        }
    }

    pub(super) fn close(&mut self, agent: AgentId, stream: StreamId) {
        if let Some(desks) = self.desks.get_mut(&agent) {
            desks.retain(|desk| desk.stream != stream);
        }
    }

    /// Ends every stream, and says why.
    pub(super) fn end(&mut self, error: &Error) {
        for desk in self.desks.drain().flat_map(|(_, desks)| desks) {
            desk.end(error.clone());
        }
    }

    /// Customers may have been merged since the work was queued.
    async fn as_known_today(&self, mut news: Vec<News>) -> Vec<News> {
        news.retain(|news| self.desks.contains_key(&news.agent));
        let customer = |news: &mut News| match &mut news.what {
            Tiding::Offered { work, .. } => work.customer,
            _ => None,
        };
        let records: Vec<RecordId> = news
            .iter_mut()
            .filter_map(|news| Some(customer(news)?.record))
            .collect();
        if records.is_empty() {
            return news;
        }
        let Ok(known) = self.store.customers_of(self.tenant, &records).await else {
            return news;
        };
        for news in &mut news {
            if let Tiding::Offered { work, .. } = &mut news.what
                && let Some(customer) = &mut work.customer
                && let Some(today) = known.get(&customer.record)
            {
                customer.customer = *today;
            }
        }
        news
    }

    async fn tell_one(&mut self, News { agent, what }: News) {
        let event = match what {
            Tiding::Offered { offer, work } => DeskEvent::Offered {
                hand_over: self.store.told_with(self.tenant, &work).await,
                offer,
                work,
            },
            Tiding::OfferEnded { offer, reason, at } => DeskEvent::OfferEnded { offer, reason, at },
            Tiding::Work(work) => DeskEvent::Work(work),
            Tiding::Command(command) => DeskEvent::Command(command),
            Tiding::Agent => match self.store.agent(self.tenant, agent).await {
                Ok(Some(stored)) => DeskEvent::Agent(Box::new(stored)),
                // They see it at the next snapshot.
                Ok(None) | Err(_) => return,
            },
        };
        if let Some(desks) = self.desks.get_mut(&agent) {
            desks.retain(|desk| desk.tell(event.clone()));
        }
    }

    /// The stream is open: it is told how things stand, then hears what changes.
    pub(super) async fn open(&mut self, desk: Desk) {
        let (store, agent) = (&self.store, desk.agent);
        let read = async {
            let stored = store.agent(self.tenant, agent).await?;
            let held = store.held_by(self.tenant, agent).await?;
            let stored = stored.ok_or_else(|| Error::not_found("agent", agent))?;
            Ok::<_, Error>((stored, held))
        };
        match read.await {
            Ok((agent, held)) => {
                let hand_overs = store.told_with_all(self.tenant, &held).await;
                let snapshot = DeskEvent::Snapshot {
                    agent: Box::new(agent),
                    held,
                    hand_overs,
                };
                if desk.tell(snapshot) {
                    self.desks.entry(desk.agent).or_default().push(desk);
                }
            }
            Err(error) => desk.end(error),
        }
    }
}
