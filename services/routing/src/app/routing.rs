use rapport_foundation::context::Context;
use rapport_foundation::id::{AgentId, QueueId, RoutingPolicyId, TenantId, TicketId};
use rapport_foundation::idempotency::Key;
use rapport_foundation::time::Micros;

use super::command::Command;
use super::decide::legs;
use super::{App, Error, Listed, Paging, found, part};
use crate::domain::engine::{Candidate, Engine, Vacancy};
use crate::domain::policy::{
    Draft, Facts, Finding, Leg, Outcome, PolicyState, Published, Route, RoutingPolicy, Staff,
    Visit, lint,
};
use crate::domain::{Channel, Discipline, Queue, Skills, Ticket, WorkItem};
use crate::store::WorkItemFilter;

/// Whom a question about routing is about.
pub(crate) enum Asked {
    Ticket(TicketId),
    /// What one could know, held against a version; against the published one when none is named.
    Facts(Option<RoutingPolicyId>, Box<Facts>),
}

/// Which way work was put, and why.
pub(crate) struct ExplainedRouting {
    pub(crate) at: Micros,
    pub(crate) ticket: Option<TicketId>,
    /// None when the queue was named, or there was no policy.
    pub(crate) decided: Option<Decided>,
    pub(crate) work: Option<WorkItem>,
    pub(crate) queue: Option<QueueId>,
    pub(crate) skills: Skills,
    /// How the first of the candidates is found.
    pub(crate) discipline: Discipline,
    pub(crate) candidates: Vec<Candidate>,
}

/// What a policy chose.
pub(crate) struct Decided {
    pub(crate) policy: RoutingPolicyId,
    pub(crate) version: i64,
    pub(crate) at: Micros,
    /// What became of each filter.
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) legs: Vec<Leg>,
    /// Where the work came to, and when.
    pub(crate) visits: Vec<Visit>,
    /// When the next target holds.
    pub(crate) until: Option<Micros>,
}

/// Work as it is looked for somebody.
struct Sought<'a> {
    queue: QueueId,
    channel: Option<Channel>,
    skills: Skills,
    work: Option<&'a WorkItem>,
}

impl App {
    pub(crate) async fn create_routing_draft(
        &self,
        ctx: &Context,
        key: Key,
        draft: Draft,
    ) -> Result<RoutingPolicy, Error> {
        self.decided_routing(ctx, key, Command::CreateRoutingDraft(draft))
            .await
    }

    pub(crate) async fn update_routing_draft(
        &self,
        ctx: &Context,
        key: Key,
        id: RoutingPolicyId,
        draft: Draft,
        etag: Option<i64>,
    ) -> Result<RoutingPolicy, Error> {
        self.decided_routing(ctx, key, Command::ChangeRoutingDraft { id, draft, etag })
            .await
    }

    /// Makes a draft hold, or, going `back`, a version that held before.
    pub(crate) async fn publish_routing(
        &self,
        ctx: &Context,
        key: Key,
        id: RoutingPolicyId,
        back: bool,
        etag: Option<i64>,
    ) -> Result<RoutingPolicy, Error> {
        self.decided_routing(ctx, key, Command::PublishRouting { id, back, etag })
            .await
    }

    async fn decided_routing(
        &self,
        ctx: &Context,
        key: Key,
        command: Command,
    ) -> Result<RoutingPolicy, Error> {
        let done = self.shell().submit(ctx.tenant, Some(key), command).await?;
        self.get_routing_policy(ctx, RoutingPolicyId::from_uuid(done.id))
            .await
    }

    pub(crate) async fn get_routing_policy(
        &self,
        ctx: &Context,
        id: RoutingPolicyId,
    ) -> Result<RoutingPolicy, Error> {
        let policy = self.store().routing_policy(ctx.tenant, id).await?;
        found(policy, "routing policy", id)
    }

    pub(crate) async fn list_routing_policies(
        &self,
        ctx: &Context,
        state: Option<PolicyState>,
        paging: &Paging,
    ) -> Result<Listed<RoutingPolicy>, Error> {
        let word = part(state.map(PolicyState::as_str));
        let listing = self.listing(ctx, &["ListRoutingPolicies", &word], paging)?;
        let store = self.store();
        let page = store.routing_policies(ctx.tenant, state, listing.after, listing.size);
        Ok(listing.listed(page.await?))
    }

    pub(crate) async fn lint_routing(
        &self,
        ctx: &Context,
        id: RoutingPolicyId,
    ) -> Result<Vec<Finding>, Error> {
        let policy = self.get_routing_policy(ctx, id).await?;
        let (queues, agents) = self.store().staff(ctx.tenant).await?;
        Ok(lint(&policy.rules, &Staff::of(&queues, &agents)))
    }

    pub(crate) async fn explain_routing(
        &self,
        ctx: &Context,
        asked: Asked,
    ) -> Result<ExplainedRouting, Error> {
        match asked {
            Asked::Ticket(id) => self.explain_ticket(ctx, id).await,
            Asked::Facts(policy, mut facts) => {
                facts.at = self.now();
                self.explain_facts(ctx, policy, &facts).await
            }
        }
    }

    async fn explain_ticket(&self, ctx: &Context, id: TicketId) -> Result<ExplainedRouting, Error> {
        let (store, tenant) = (self.store(), ctx.tenant);
        let (ticket, _) = self.get_ticket(ctx, id).await?;
        let work = self.latest_work(tenant, id).await?;
        let decided = match store.ticket_route(tenant, id).await? {
            Some(record) => {
                let policy = store.routing_policy(tenant, record.policy).await?;
                let published = Published::new(policy.ok_or(Error::Broken)?);
                let (outcomes, filter) = published.explain(&record.facts);
                let queues = store.every_queue(tenant).await?;
                let mut decided = Decided {
                    policy: record.policy,
                    version: record.version,
                    at: record.at,
                    outcomes,
                    legs: resolved(&published, filter, &queues),
                    visits: Vec::new(),
                    until: None,
                };
                let start = record.target.map(|leg| Visit { leg, at: record.at });
                decided.visits.extend(start);
                decided.follow(work.as_ref().and_then(|work| work.route.as_deref()));
                Some(decided)
            }
            None => None,
        };
        let sought = self.sought(tenant, &ticket, work.as_ref()).await?;
        let (discipline, candidates) = self.candidates(tenant, &sought).await?;
        Ok(ExplainedRouting {
            at: self.now(),
            ticket: Some(id),
            decided,
            queue: Some(sought.queue),
            skills: sought.skills,
            discipline,
            candidates,
            work,
        })
    }

    async fn latest_work(
        &self,
        tenant: TenantId,
        ticket: TicketId,
    ) -> Result<Option<WorkItem>, Error> {
        let filter = WorkItemFilter {
            ticket: Some(ticket),
            ..WorkItemFilter::default()
        };
        let page = self.store().work_items(tenant, &filter, None, 1).await?;
        Ok(page.rows.into_iter().next())
    }

    /// The work as it waits or waited; without any, what the ticket would ask for.
    async fn sought<'a>(
        &self,
        tenant: TenantId,
        ticket: &Ticket,
        work: Option<&'a WorkItem>,
    ) -> Result<Sought<'a>, Error> {
        if let Some(work) = work {
            return Ok(Sought {
                queue: work.queue,
                channel: Some(work.channel),
                skills: work.asked_for(self.now()),
                work: Some(work),
            });
        }
        let mut skills = ticket.skills.clone();
        if let Some((queue, _)) = self.store().queue(tenant, ticket.queue).await? {
            skills = skills.and(&queue.required_skills);
        }
        Ok(Sought {
            queue: ticket.queue,
            channel: None,
            skills,
            work: None,
        })
    }

    async fn candidates(
        &self,
        tenant: TenantId,
        sought: &Sought<'_>,
    ) -> Result<(Discipline, Vec<Candidate>), Error> {
        let engine = self.pictured(tenant, &[sought.queue]).await?;
        let open = sought.work.filter(|work| work.is_open());
        let agents: Vec<AgentId> = open.into_iter().flat_map(WorkItem::agents).collect();
        let candidates = engine.candidates(Vacancy {
            queue: sought.queue,
            channel: sought.channel,
            skills: &sought.skills,
            declines: open.map_or(&[][..], |work| work.declines.as_slice()),
            agents: &agents,
            kept: open.and_then(WorkItem::kept),
            paused_until: open.and_then(WorkItem::paused_until),
        });
        Ok((engine.discipline(sought.queue), candidates))
    }

    /// What the engine knows of the agents of these queues, as it is stored: nothing it decided is not.
    async fn pictured(&self, tenant: TenantId, queues: &[QueueId]) -> Result<Engine, Error> {
        let snapshot = self.store().pictured(tenant, queues).await?;
        Ok(Engine::pictured(
            self.0.config.settings(),
            snapshot,
            self.now(),
        ))
    }

    async fn explain_facts(
        &self,
        ctx: &Context,
        policy: Option<RoutingPolicyId>,
        facts: &Facts,
    ) -> Result<ExplainedRouting, Error> {
        let tenant = ctx.tenant;
        let policy = match policy {
            Some(id) => Some(self.get_routing_policy(ctx, id).await?),
            None => self.store().published_routing_policy(tenant).await?,
        };
        let queues = self.store().every_queue(tenant).await?;
        let mut explained = ExplainedRouting {
            at: facts.at,
            ticket: None,
            decided: None,
            work: None,
            queue: queue_by_default(&queues),
            skills: facts.skills.clone(),
            discipline: Discipline::default(),
            candidates: Vec::new(),
        };
        if let Some(policy) = policy {
            let published = Published::new(policy);
            let (outcomes, filter) = published.explain(facts);
            let legs = resolved(&published, filter, &queues);
            let served: Vec<QueueId> = legs.iter().map(|leg| leg.queue).collect();
            let engine = self.pictured(tenant, &served).await?;
            let leg = engine.first_leg(&legs, &facts.skills, facts.channel, 0);
            if let Some(start) = legs.get(leg) {
                explained.queue = Some(start.queue);
            }
            let start = legs.get(leg).map(|_| Visit { leg, at: facts.at });
            explained.decided = Some(Decided {
                policy: published.policy.id,
                version: published.policy.version,
                at: facts.at,
                outcomes,
                visits: start.into_iter().collect(),
                until: None,
                legs,
            });
        }
        let asked = explained.of_start(&queues);
        explained.skills = explained.skills.and(&asked);
        if let Some(queue) = explained.queue {
            let sought = Sought {
                queue,
                channel: facts.channel,
                skills: explained.skills.clone(),
                work: None,
            };
            let found = self.candidates(tenant, &sought).await?;
            (explained.discipline, explained.candidates) = found;
        }
        Ok(explained)
    }
}

impl ExplainedRouting {
    /// What the place where the work begins asks for.
    fn of_start(&self, queues: &[Queue]) -> Skills {
        let decided = self.decided.as_ref();
        let visit = decided.and_then(|decided| decided.visits.first());
        let leg = decided
            .zip(visit)
            .and_then(|(d, visit)| d.legs.get(visit.leg));
        if let Some(leg) = leg {
            return leg.skills.clone();
        }
        let queue = queues.iter().find(|queue| Some(queue.id) == self.queue);
        queue
            .map(|queue| queue.required_skills.clone())
            .unwrap_or_default()
    }

    /// Who has the work, is offered it, or had it.
    pub(crate) fn agent(&self) -> Option<AgentId> {
        self.work.as_ref().and_then(WorkItem::agent)
    }
}

impl Decided {
    /// Takes over how far the work came, and what its targets were when it came in.
    fn follow(&mut self, route: Option<&Route>) {
        if let Some(route) = route {
            self.legs.clone_from(&route.legs);
            self.visits.clone_from(&route.visits);
            self.until = route.until;
        }
    }
}

fn resolved(published: &Published, filter: Option<usize>, queues: &[Queue]) -> Vec<Leg> {
    legs(published.rules().targets(filter), |id| {
        queues.iter().find(|queue| queue.id == id)
    })
}

fn queue_by_default(queues: &[Queue]) -> Option<QueueId> {
    let is_default = |queue: &&Queue| queue.code.as_str() == crate::domain::DEFAULT_QUEUE;
    queues.iter().find(is_default).map(|queue| queue.id)
}
