//! What a matcher decides that looks at everybody and everything, by name.

use std::cmp::Reverse;

use rapport_foundation::id::{AgentId, WorkItemId};
use rapport_foundation::time::Micros;

use crate::domain::engine::{Effect, Engine, Profile, Vacancy};
use crate::domain::{Channel, Offer, Priority, WorkItem};

/// A decision that the matcher would not have made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// Another work item was first.
    #[error("agent {agent} was offered {offered:?}, and {first:?} is first")]
    NotFirst {
        /// Who came free.
        agent: AgentId,
        /// What they were offered first.
        offered: Option<WorkItemId>,
        /// What they should have been.
        first: Option<WorkItemId>,
    },
    /// Another agent was first.
    #[error("work item {item} went to {offered:?}, and {first:?} is first")]
    NotTheirs {
        /// The work.
        item: WorkItemId,
        /// Whom it was offered to.
        offered: Option<AgentId>,
        /// Whom it should have been offered to.
        first: Option<AgentId>,
    },
    /// A customer hung up and is still there.
    #[error("work item {0} is kept")]
    Kept(WorkItemId),
}

type Rank = (Reverse<Priority>, Micros, WorkItemId);

fn rank(work: &WorkItem) -> Rank {
    (Reverse(work.priority), work.queued_at, work.id)
}

/// Whether what an agent was offered first is the first of all that waited.
pub(super) fn first_of(
    engine: &Engine,
    now: Micros,
    agent: AgentId,
    effects: &[Effect],
) -> Result<(), Mistake> {
    let theirs = offers(effects).filter(|offer| offer.agent == agent);
    let given: Vec<&WorkItem> = theirs.filter_map(|offer| engine.item(offer.item)).collect();
    let Some(profile) = engine.profiles().find(|profile| profile.id == agent) else {
        return Ok(());
    };
    let limits = profile.capacity.by_channel();
    let had_room = |channel: Channel| {
        let kept = engine.held_by(agent).filter(|work| {
            work.channel == channel && given.iter().all(|given| given.id != work.id)
        });
        kept.count() < usize::from(limits.each.get(channel))
    };
    let waited = engine.waiting_work().chain(given.iter().copied());
    let first = waited
        .filter(|work| had_room(work.channel) && suits(profile, work, now))
        .map(rank)
        .min()
        .map(|(_, _, id)| id);
    let offered = given.first().map(|work| work.id);
    match offered == first {
        true => Ok(()),
        false => Err(Mistake::NotFirst {
            agent,
            offered,
            first,
        }),
    }
}

/// Whether new work went to the first of all who were free, or to nobody because there was nobody.
pub(super) fn arrival(engine: &Engine, now: Micros, effects: &[Effect]) -> Result<(), Mistake> {
    let queued = effects.iter().find_map(|effect| match effect {
        Effect::Queued { item } => engine.item(*item),
        _ => None,
    });
    let Some(work) = queued else {
        return Ok(());
    };
    let offered = offers(effects)
        .find(|offer| offer.item == work.id)
        .map(|offer| offer.agent);
    let asked = work.asked_for(now);
    let candidates = engine.candidates(Vacancy {
        queue: work.queue,
        channel: Some(work.channel),
        skills: &asked,
        declines: &work.declines,
        agents: &[],
        kept: None,
        paused_until: None,
    });
    // Who was offered it has one more in hand than when it was decided.
    let before = candidates.iter().filter_map(|candidate| {
        let got = Some(candidate.agent) == offered;
        let in_hand = candidate.in_hand - usize::from(got);
        (got || candidate.hindrances.is_empty()).then_some((
            in_hand,
            candidate.idle_since,
            candidate.agent,
        ))
    });
    let first = before.min().map(|(_, _, agent)| agent);
    match offered == first {
        true => Ok(()),
        false => Err(Mistake::NotTheirs {
            item: work.id,
            offered,
            first,
        }),
    }
}

fn suits(profile: &Profile, work: &WorkItem, now: Micros) -> bool {
    profile.queues.contains(&work.queue) && profile.skills.cover(&work.asked_for(now))
}

fn offers(effects: &[Effect]) -> impl Iterator<Item = &Offer> {
    effects.iter().filter_map(|effect| match effect {
        Effect::Offered(offer) => Some(offer),
        _ => None,
    })
}
