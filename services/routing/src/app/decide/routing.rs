//! The policy that says where work goes: its versions, and what it says of work that comes in.

use rapport_foundation::id::{RoutingPolicyId, TicketId};

use super::super::Error;
use super::super::command::{Done, Linked, NewTicket};
use super::Fold;
use crate::domain::policy::{
    Draft, Facts, Leg, Published, Route, RouteRecord, RoutingPolicy, Staff, Target,
};
use crate::domain::{Channel, Priority, Queue, Severity, Skills};

/// The versions of a tenant, as its owner keeps them in mind.
#[derive(Debug, Default)]
pub(crate) struct RoutingBook {
    /// The one that holds.
    pub(crate) published: Option<Published>,
    /// How many there are.
    pub(crate) versions: i64,
}

/// What the policy chose for work.
pub(super) struct Chosen {
    pub(super) legs: Vec<Leg>,
    /// At which of them it begins.
    pub(super) leg: usize,
    /// To be kept with the ticket.
    record: RouteRecord,
}

impl Chosen {
    /// Where it begins; none in the default queue.
    pub(super) fn start(&self) -> Option<&Leg> {
        self.legs.get(self.leg)
    }

    /// How urgent it is, when it was so urgent before.
    pub(super) fn priority(&self, before: Priority) -> Priority {
        let raised = self.start().and_then(|leg| leg.raise_to);
        raised.map_or(before, |raised| raised.max(before))
    }
}

impl Fold<'_> {
    pub(super) fn create_routing_draft(&mut self, draft: &Draft) -> Result<Done, Error> {
        let versions = self.tenant.routing.versions;
        let policy = RoutingPolicy::draft(versions, draft.clone(), self.now)?;
        self.tenant.routing.versions = policy.version;
        Ok(self.put_routing_policy(policy))
    }

    pub(super) fn change_routing_draft(
        &mut self,
        id: RoutingPolicyId,
        draft: &Draft,
        etag: Option<i64>,
    ) -> Result<Done, Error> {
        let mut policy = self.routing_policy(id, etag)?;
        policy.change(draft.clone(), self.now)?;
        Ok(self.put_routing_policy(policy))
    }

    pub(super) fn publish_routing(
        &mut self,
        id: RoutingPolicyId,
        back: bool,
        etag: Option<i64>,
    ) -> Result<Done, Error> {
        let mut policy = self.routing_policy(id, etag)?;
        let staff = Staff::of(self.tenant.queues.values(), self.tenant.engine.profiles());
        policy.publish(back, &staff, self.now)?;
        if let Some(before) = self.tenant.routing.published.take() {
            let mut before = before.policy;
            before.retire(self.now);
            self.put_routing_policy(before);
        }
        self.tenant.routing.published = Some(Published::new(policy.clone()));
        Ok(self.put_routing_policy(policy))
    }

    fn routing_policy(
        &self,
        id: RoutingPolicyId,
        etag: Option<i64>,
    ) -> Result<RoutingPolicy, Error> {
        let policy = self.loaded.routing_policies.get(&id);
        let policy = policy.ok_or_else(|| Error::not_found("routing policy", id))?;
        if etag.is_some_and(|etag| etag != policy.revision) {
            return Err(Error::EtagMismatch);
        }
        Ok(policy.clone())
    }

    fn put_routing_policy(&mut self, policy: RoutingPolicy) -> Done {
        let done = Done::new(policy.id.uuid(), policy.revision);
        self.routing_policies.insert(policy.id);
        self.loaded.routing_policies.insert(policy.id, policy);
        done
    }

    /// What the policy says of a contact.
    pub(super) fn chosen_for_contact(&self, linked: &Linked) -> Option<Chosen> {
        let facts = Facts {
            channel: Some(linked.channel),
            purpose: linked.purpose,
            priority: linked.priority,
            impact: None,
            urgency: None,
            category: None,
            subcategory: None,
            tags: Default::default(),
            skills: linked.skills.clone(),
            by_hand: false,
            live: linked.live,
            inbound: linked.inbound,
            automatic: linked.automatic,
            customer_known: linked.customer.is_some(),
            at: self.now,
        };
        self.chosen(facts)
    }

    /// What the policy says of a ticket that is opened by hand.
    pub(super) fn chosen_by_hand(&self, new: &NewTicket) -> Option<Chosen> {
        let facts = Facts {
            channel: new.work_channel,
            purpose: new.purpose,
            priority: new.priority.or(new.severity.map(Severity::priority)),
            impact: new.severity.map(|severity| severity.impact),
            urgency: new.severity.map(|severity| severity.urgency),
            category: new.category.clone(),
            subcategory: new.subcategory.clone(),
            tags: new.tags.clone(),
            skills: new.skills.clone(),
            by_hand: true,
            live: new.work_channel.is_some_and(Channel::is_live),
            inbound: false,
            automatic: false,
            customer_known: new.customer.is_some(),
            at: self.now,
        };
        self.chosen(facts)
    }

    /// None without a policy.
    fn chosen(&self, facts: Facts) -> Option<Chosen> {
        let published = self.tenant.routing.published.as_ref()?;
        let choice = published.choose(&facts);
        let rules = published.rules();
        let legs = legs(rules.targets(choice.filter), |queue| {
            self.tenant.queues.get(&queue)
        });
        let engine = &self.tenant.engine;
        let leg = engine.first_leg(&legs, &facts.skills, facts.channel, 0);
        let filter = choice.filter.and_then(|place| rules.filters.get(place));
        let record = RouteRecord {
            ticket: TicketId::nil(),
            policy: choice.policy,
            version: choice.version,
            filter: filter.map(|filter| filter.code.clone()),
            target: (!legs.is_empty()).then_some(leg),
            at: self.now,
            facts,
        };
        Some(Chosen { legs, leg, record })
    }

    /// Keeps with the ticket why it is where it is, and answers the way of its work.
    pub(super) fn keep_choice(
        &mut self,
        ticket: TicketId,
        chosen: Option<Chosen>,
        own: &Skills,
    ) -> Option<Box<Route>> {
        let Chosen { legs, leg, record } = chosen?;
        self.decision.routes.push(RouteRecord { ticket, ..record });
        (!legs.is_empty()).then(|| Box::new(Route::new(own.clone(), legs, leg, self.now)))
    }
}

/// Targets with what their queues ask for today.
pub(crate) fn legs<'a>(
    targets: &[Target],
    queue: impl Fn(rapport_foundation::id::QueueId) -> Option<&'a Queue>,
) -> Vec<Leg> {
    let leg = |target: &Target| {
        // A queue is never taken away: what a published policy names is there.
        let required = &queue(target.queue)?.required_skills;
        Some(Leg {
            queue: target.queue,
            skills: target.skills.clone().and(required),
            raise_to: target.raise_to,
            timeout: target.timeout,
            skip_unstaffed: target.skip_unstaffed,
            relaxations: target.relaxations.clone(),
        })
    };
    targets.iter().filter_map(leg).collect()
}
