use std::time::Duration;

use rapport_foundation::id::{AgentId, InteractionId, OfferId, QueueId, TicketId, WorkItemId};
use rapport_foundation::time::Micros;

use super::code::named;
use super::passage::{Callback, Kept, Passage};
use super::policy::Route;
use super::{Channel, Code, CustomerRef, Skills};

named! {
    /// How urgent work is; the greater goes first.
    pub enum Priority {
        /// Can wait.
        Low = "low",
        /// The usual.
        Normal = "normal",
        /// Before the usual.
        High = "high",
        /// Before everything else.
        Urgent = "urgent",
    }
}

/// What needs an agent now: a call, a chat session, a mail to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkItem {
    /// Which work item.
    pub id: WorkItemId,
    /// The matter it belongs to.
    pub ticket: TicketId,
    /// The interaction that asks for it; none when asked for by hand.
    pub interaction: Option<InteractionId>,
    /// The customer, once recognised.
    pub customer: Option<CustomerRef>,
    /// Where the contact takes place.
    pub channel: Channel,
    /// The queue it waits in.
    pub queue: QueueId,
    /// Skills an agent must hold, those of the queue included.
    pub skills: Skills,
    /// How urgent it is.
    pub priority: Priority,
    /// Since when it waits; kept when it is offered again. Of work that was handed on, since then.
    pub queued_at: Micros,
    /// How often it was offered.
    pub offers_made: u32,
    /// Who said no to it lately.
    pub declines: Vec<Decline>,
    /// Its ticket is resolved or its contact is over: if its agent does not return, nobody else has to take it.
    pub settled: bool,
    /// A virtual agent handed it over.
    pub handed_over: bool,
    /// How far it is.
    pub state: WorkState,
    /// The offers that are out for it besides the first, where its queue offers it to several at once; by id.
    pub other_offers: Vec<Offer>,
    /// Its way from target to target, when a policy chose it; none once it was moved by hand.
    pub route: Option<Box<Route>>,
    /// Where it stands among the work items that its contact goes through; none for one that stands alone.
    pub passage: Option<Box<Passage>>,
    /// W3C trace context of what asked for it, so that one trace shows the whole way.
    pub traceparent: Option<String>,
    /// What is counted of it besides its state.
    pub figures: Figures,
    /// Counts changes from 1.
    pub version: i64,
}

/// What is counted of a work item besides its state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// That an agent took it; of several times the first.
    pub answered: Option<Answered>,
    /// The customer left so soon that it does not count against the service level.
    pub left_early: bool,
    /// How long it was in the hands of agents whom it was taken from.
    pub handled_before: Duration,
    /// Its agent waits for something before they go on with it.
    pub parked: Option<Parked>,
    /// How long it was parked before.
    pub parked_before: Duration,
    /// Its agent has it beyond their capacity, because somebody wanted it so.
    pub over_capacity: bool,
    /// How long it was said to wait when it came.
    pub promise: Option<Promise>,
}

impl Figures {
    /// How long an agent was at it of the time since they accepted it.
    #[must_use]
    pub fn at_it(&self, since: Micros, until: Micros) -> Duration {
        (until - since).saturating_sub(self.parked_before)
    }
}

/// An agent put accepted work aside: it is theirs, and takes none of their capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parked {
    /// Since when.
    pub since: Micros,
    /// When it comes back by itself.
    pub until: Micros,
}

/// That an agent took a work item for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// When.
    pub at: Micros,
    /// The queue it waited in.
    pub queue: QueueId,
    /// Within the time that the queue had for it then.
    pub in_time: bool,
}

/// How long work was said to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise {
    /// As likely shorter as longer.
    pub p50: Duration,
    /// Shorter in nine of ten cases.
    pub p90: Duration,
}

/// How far a work item is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkState {
    /// In the queue.
    Waiting,
    /// Out as an offer; of several the first.
    Offered(Offer),
    /// An agent handles it.
    Accepted {
        /// Who.
        agent: AgentId,
        /// Since when.
        at: Micros,
    },
    /// The contact is over, the agent finishes notes.
    WrappingUp {
        /// Who.
        agent: AgentId,
        /// When it was accepted.
        accepted_at: Micros,
        /// When handling ended.
        at: Micros,
        /// When wrap-up ends by itself.
        until: Micros,
        /// Code of the outcome.
        disposition: Option<Code>,
    },
    /// Done.
    Completed {
        /// By whom.
        agent: AgentId,
        /// When it was accepted.
        accepted_at: Micros,
        /// When handling ended.
        handled_at: Micros,
        /// When wrap-up ended.
        at: Micros,
        /// Code of the outcome.
        disposition: Option<Code>,
    },
    /// The customer left before an agent took it.
    Abandoned {
        /// When.
        at: Micros,
    },
    /// It needs nobody any more.
    Withdrawn {
        /// When.
        at: Micros,
    },
}

impl WorkItem {
    /// Whether something is still to be done with it.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        !matches!(
            self.state,
            WorkState::Completed { .. } | WorkState::Abandoned { .. } | WorkState::Withdrawn { .. }
        )
    }

    /// Who has it or is offered it; of several who are, the first.
    #[must_use]
    pub const fn agent(&self) -> Option<AgentId> {
        match &self.state {
            WorkState::Offered(offer) => Some(offer.agent),
            WorkState::Accepted { agent, .. }
            | WorkState::WrappingUp { agent, .. }
            | WorkState::Completed { agent, .. } => Some(*agent),
            WorkState::Waiting | WorkState::Abandoned { .. } | WorkState::Withdrawn { .. } => None,
        }
    }

    /// The offer that is out for it; of several the first.
    #[must_use]
    pub const fn offer(&self) -> Option<&Offer> {
        match &self.state {
            WorkState::Offered(offer) => Some(offer),
            _ => None,
        }
    }

    /// Every offer that is out for it.
    pub fn offers(&self) -> impl Iterator<Item = &Offer> {
        self.offer().into_iter().chain(&self.other_offers)
    }

    /// When it came into its state, and of several offers the last was made.
    #[must_use]
    pub fn changed_at(&self) -> Micros {
        match &self.state {
            WorkState::Waiting => self.queued_at,
            WorkState::Offered(first) => {
                let others = self.other_offers.iter().map(|offer| offer.made_at);
                others.fold(first.made_at, Micros::max)
            }
            WorkState::Accepted { at, .. }
            | WorkState::WrappingUp { at, .. }
            | WorkState::Completed { at, .. }
            | WorkState::Abandoned { at }
            | WorkState::Withdrawn { at } => *at,
        }
    }

    /// The offer that is out for it to an agent.
    #[must_use]
    pub fn offer_to(&self, agent: AgentId) -> Option<&Offer> {
        self.offers().find(|offer| offer.agent == agent)
    }

    /// Whether an agent has it or is offered it.
    #[must_use]
    pub fn is_with(&self, agent: AgentId) -> bool {
        self.agent() == Some(agent) || self.offer_to(agent).is_some()
    }

    /// Everybody who has it or is offered it.
    pub fn agents(&self) -> impl Iterator<Item = AgentId> {
        let others = self.other_offers.iter().map(|offer| offer.agent);
        self.agent().into_iter().chain(others)
    }

    /// One more offer is out.
    pub fn put_offer(&mut self, offer: Offer) {
        if self.offer().is_none() {
            self.state = WorkState::Offered(offer);
            return;
        }
        let place = self
            .other_offers
            .partition_point(|other| other.id < offer.id);
        self.other_offers.insert(place, offer);
    }

    /// The offer to an agent is out no more. When it was the last one the work waits.
    pub fn end_offer(&mut self, agent: AgentId) -> Option<Offer> {
        let ended = *self.offer_to(agent)?;
        self.other_offers.retain(|offer| offer.id != ended.id);
        if self.offer() == Some(&ended) {
            self.state = if self.other_offers.is_empty() {
                WorkState::Waiting
            } else {
                WorkState::Offered(self.other_offers.remove(0))
            };
        }
        Some(ended)
    }

    /// What an agent must hold for it at `now`: less than at first where it has waited for long.
    #[must_use]
    pub fn asked_for(&self, now: Micros) -> Skills {
        let eased = self.route.as_ref().and_then(|r| r.eased(&self.skills, now));
        eased.map_or_else(|| self.skills.clone(), |(skills, _)| skills)
    }

    /// What its place in a line goes by: work that was handed on keeps the turn that it had, unless somebody wanted it
    /// otherwise.
    #[must_use]
    pub fn turn(&self) -> Micros {
        let passage = self.passage.as_deref();
        passage.and_then(|p| p.turn_at).unwrap_or(self.queued_at)
    }

    /// For whom alone it waits for now.
    #[must_use]
    pub fn kept(&self) -> Option<Kept> {
        self.passage.as_deref().and_then(|passage| passage.kept)
    }

    /// The work item that goes on with its contact.
    #[must_use]
    pub fn next(&self) -> Option<WorkItemId> {
        self.passage.as_deref().and_then(|passage| passage.next)
    }

    /// Since when its contact is on hold.
    #[must_use]
    pub fn held_since(&self) -> Option<Micros> {
        self.passage.as_deref().and_then(|p| p.held_since)
    }

    /// The work of a second agent who is asked about its contact.
    #[must_use]
    pub fn consult(&self) -> Option<WorkItemId> {
        self.passage.as_deref().and_then(|passage| passage.consult)
    }

    /// The work about whose contact its agent is asked, or was.
    #[must_use]
    pub fn consult_of(&self) -> Option<WorkItemId> {
        self.passage.as_deref().and_then(|p| p.consult_of)
    }

    /// Whether no customer waited for it: its agent is asked about a contact, or was before it went to them.
    #[must_use]
    pub fn is_beside(&self) -> bool {
        let passage = self.passage.as_deref();
        passage.is_some_and(|passage| passage.consult_of.is_some() || passage.was_asked)
    }

    /// Nobody is at the other end any more, as far as its connector says.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.passage.as_deref().is_some_and(|passage| passage.over)
    }

    /// That its customer is to be called back, or was.
    #[must_use]
    pub fn callback(&self) -> Option<Callback> {
        self.passage.as_deref().and_then(|p| p.callback)
    }

    /// Whether its customer is still to be called back: that they hung up says nothing.
    #[must_use]
    pub fn is_to_be_called(&self) -> bool {
        self.callback()
            .is_some_and(|callback| callback.called.is_none())
    }

    /// Whether it outlasts an end of its contact at that time: its customer hung up to be called back, which may be told long
    /// after they were.
    #[must_use]
    pub fn outlasts(&self, end: Micros) -> bool {
        let called = self.callback().map(|callback| callback.called);
        called.is_some_and(|called| called.is_none_or(|called| end < called))
    }

    /// It is offered to nobody before.
    #[must_use]
    pub fn paused_until(&self) -> Option<Micros> {
        self.callback().and_then(|callback| callback.paused_until)
    }

    /// That its agent put it aside.
    #[must_use]
    pub const fn parked(&self) -> Option<Parked> {
        self.figures.parked
    }

    /// Whether a connector holds its contact, with somebody at the other end when it came.
    #[must_use]
    pub fn has_connector(&self) -> bool {
        let passage = self.passage.as_deref();
        passage.is_some_and(|passage| passage.connector.is_some())
    }

    /// Whether that connector is told what to do with it.
    #[must_use]
    pub fn is_commanded(&self) -> bool {
        let passage = self.passage.as_deref();
        passage.is_some_and(|passage| passage.commanded)
    }

    /// Changes its passage. One that says nothing is none, so that equal work is equal.
    pub fn pass(&mut self, change: impl FnOnce(&mut Passage)) {
        let mut passage = self.passage.take().unwrap_or_default();
        change(&mut passage);
        self.passage = Some(passage).filter(|passage| **passage != Passage::default());
    }

    /// How long it has waited at `now`.
    #[must_use]
    pub fn waited(&self, now: Micros) -> Duration {
        now - self.queued_at
    }
}

/// A work item put before one agent, who may take it until it lapses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Which offer.
    pub id: OfferId,
    /// The work.
    pub item: WorkItemId,
    /// To whom.
    pub agent: AgentId,
    /// When it was made.
    pub made_at: Micros,
    /// When it lapses.
    pub expires_at: Micros,
}

/// An agent said no: the work is not offered to them again at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decline {
    /// Who.
    pub agent: AgentId,
    /// Until when they are passed over.
    pub until: Micros,
}

named! {
    /// Why an offer ended without being taken.
    pub enum OfferEnd {
        /// The agent said no.
        Rejected = "rejected",
        /// The agent did not answer in time.
        Expired = "expired",
        /// The customer left.
        Abandoned = "abandoned",
        /// The agent's last stream broke or the agent went away.
        AgentGone = "agent_gone",
        /// The work needs nobody any more.
        Withdrawn = "withdrawn",
        /// It was offered to several, and another took it.
        Taken = "taken",
    }
}

/// Where an offer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferOutcome {
    /// It is out.
    Pending,
    /// The agent took the work.
    Accepted,
    /// It ended without being taken.
    Ended(OfferEnd),
}

impl OfferOutcome {
    /// The stable name, as stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Ended(end) => end.as_str(),
        }
    }

    /// The outcome of this name, if there is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "pending" => Some(Self::Pending),
            "accepted" => Some(Self::Accepted),
            other => OfferEnd::named(other).map(Self::Ended),
        }
    }
}
