//! What others are told of the engine's effects: events for the log, messages for desks.

use std::time::Duration;

use rapport_foundation::events::Data;
use rapport_foundation::id::AgentId;
use rapport_foundation::time::Micros;
use rapport_proto::events::v1 as pb;

use crate::domain::contact_command::ContactCommand;
use crate::domain::engine::{Effect, Engine};
use crate::domain::{Offer, OfferEnd, WorkItem, WorkState, text};

/// Something to tell the desks of one agent.
#[derive(Clone, Debug)]
pub(crate) struct News {
    pub(crate) agent: AgentId,
    pub(crate) what: Tiding,
}

/// What to tell.
#[derive(Clone, Debug)]
pub(crate) enum Tiding {
    Offered {
        offer: Offer,
        work: Box<WorkItem>,
    },
    OfferEnded {
        offer: Offer,
        reason: OfferEnd,
        at: Micros,
    },
    Work(Box<WorkItem>),
    /// Their status changed; the desk is told how they stand then.
    Agent,
    /// A command to the connector of a contact of theirs is over.
    Command(Box<ContactCommand>),
}

/// The event of an effect: what it is about, the work it concerns, what it says.
pub(crate) fn event_of<'a>(
    effect: &Effect,
    engine: &'a Engine,
) -> Option<(String, Option<&'a WorkItem>, Data)> {
    match effect {
        Effect::Queued { item } => {
            let work = engine.last_seen(*item)?;
            Some((item.to_string(), Some(work), queued(work)))
        }
        Effect::Offered(offer) => {
            let data = Data::OfferMade(pb::OfferMade {
                offer_id: offer.id.to_string(),
                work_item_id: offer.item.to_string(),
                agent_id: offer.agent.to_string(),
                expire_time: Some(offer.expires_at.into()),
            });
            Some((offer.item.to_string(), engine.last_seen(offer.item), data))
        }
        Effect::OfferEnded { offer, reason } => {
            let data = Data::OfferEnded(pb::OfferEnded {
                offer_id: offer.id.to_string(),
                work_item_id: offer.item.to_string(),
                agent_id: offer.agent.to_string(),
                reason: end_reason(*reason).into(),
            });
            Some((offer.item.to_string(), engine.last_seen(offer.item), data))
        }
        Effect::Accepted { offer, wait } => {
            let data = Data::OfferAccepted(pb::OfferAccepted {
                offer_id: offer.id.to_string(),
                work_item_id: offer.item.to_string(),
                agent_id: offer.agent.to_string(),
                wait_ms: millis(*wait),
            });
            Some((offer.item.to_string(), engine.last_seen(offer.item), data))
        }
        Effect::Abandoned { item, wait } => {
            let work = engine.last_seen(*item)?;
            Some((item.to_string(), Some(work), abandoned(work, *wait)))
        }
        Effect::Completed {
            item,
            agent,
            handle,
            wrap_up,
            disposition,
        } => {
            let work = engine.last_seen(*item)?;
            let data = Data::WorkItemCompleted(pb::WorkItemCompleted {
                work_item_id: item.to_string(),
                ticket_id: work.ticket.to_string(),
                agent_id: agent.to_string(),
                handle_ms: millis(*handle),
                wrap_up_ms: millis(*wrap_up),
                disposition: disposition
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
            });
            Some((item.to_string(), Some(work), data))
        }
        Effect::HandedOn { item, agent, next } => {
            let (work, next) = (engine.last_seen(*item)?, engine.last_seen(*next)?);
            Some((item.to_string(), Some(work), handed_on(work, *agent, next)))
        }
        Effect::StatusChanged {
            agent,
            status,
            reason,
        } => {
            let data = Data::AgentStatusChanged(pb::AgentStatusChanged {
                agent_id: agent.to_string(),
                status: status.as_str().to_owned(),
                reason: reason.as_ref().map(ToString::to_string).unwrap_or_default(),
            });
            Some((agent.to_string(), None, data))
        }
        Effect::Released { .. }
        | Effect::Withdrawn { .. }
        | Effect::WrapUpStarted { .. }
        | Effect::WorkChanged { .. }
        | Effect::Commanded { .. }
        | Effect::Refused(_) => None,
    }
}

fn handed_on(work: &WorkItem, agent: AgentId, next: &WorkItem) -> Data {
    let passage = next.passage.as_deref();
    Data::WorkItemTransferred(pb::WorkItemTransferred {
        work_item_id: work.id.to_string(),
        ticket_id: work.ticket.to_string(),
        agent_id: agent.to_string(),
        next_work_item_id: next.id.to_string(),
        queue_id: next.queue.to_string(),
        to_agent_id: text(next.kept().map(|kept| kept.agent)),
        transfer_count: passage.map_or(0, |passage| passage.hops.into()),
    })
}

/// That a command is over, and whose desk is told.
pub(crate) fn command_ended(command: &ContactCommand) -> (Data, Option<News>) {
    let data = Data::ContactCommandEnded(pb::ContactCommandEnded {
        contact_command_id: command.id.to_string(),
        work_item_id: command.item.to_string(),
        interaction_id: command.interaction.to_string(),
        kind: command.kind.as_str().to_owned(),
        agent_id: text(command.agent),
        outcome: command.state.as_str().to_owned(),
        reason: command.reason.clone(),
    });
    let news = command.desk.map(|agent| News {
        agent,
        what: Tiding::Command(Box::new(command.clone())),
    });
    (data, news)
}

pub(crate) fn queued(work: &WorkItem) -> Data {
    Data::WorkItemQueued(pb::WorkItemQueued {
        work_item_id: work.id.to_string(),
        ticket_id: work.ticket.to_string(),
        queue_id: work.queue.to_string(),
        interaction_id: work
            .interaction
            .map(|id| id.to_string())
            .unwrap_or_default(),
    })
}

pub(crate) fn abandoned(work: &WorkItem, wait: Duration) -> Data {
    Data::WorkItemAbandoned(pb::WorkItemAbandoned {
        work_item_id: work.id.to_string(),
        ticket_id: work.ticket.to_string(),
        wait_ms: millis(wait),
    })
}

/// What the desks of the agents concerned are told of an effect.
pub(crate) fn of(effect: &Effect, engine: &Engine, now: Micros) -> Option<News> {
    let work = |agent: AgentId, item| {
        let work = Box::new(engine.last_seen(item)?.clone());
        Some(News {
            agent,
            what: Tiding::Work(work),
        })
    };
    match effect {
        Effect::Offered(offer) => {
            // What the engine holds may be a step further; the desk is told step by step.
            let state = WorkState::Offered(*offer);
            let work = Box::new(WorkItem {
                state,
                other_offers: Vec::new(),
                ..engine.last_seen(offer.item)?.clone()
            });
            Some(News {
                agent: offer.agent,
                what: Tiding::Offered {
                    offer: *offer,
                    work,
                },
            })
        }
        Effect::OfferEnded { offer, reason } => {
            let what = Tiding::OfferEnded {
                offer: *offer,
                reason: *reason,
                at: now,
            };
            Some(News {
                agent: offer.agent,
                what,
            })
        }
        Effect::Accepted { offer, .. } => work(offer.agent, offer.item),
        Effect::Released { item, agent }
        | Effect::WorkChanged { item, agent }
        | Effect::WrapUpStarted { item, agent }
        | Effect::Completed { item, agent, .. } => work(*agent, *item),
        Effect::StatusChanged { agent, .. } => Some(News {
            agent: *agent,
            what: Tiding::Agent,
        }),
        Effect::Queued { .. }
        | Effect::HandedOn { .. }
        | Effect::Commanded { .. }
        | Effect::Abandoned { .. }
        | Effect::Withdrawn { .. }
        | Effect::Refused(_) => None,
    }
}

/// The reason as the contracts name it.
pub(crate) const fn end_reason(end: OfferEnd) -> pb::OfferEndReason {
    match end {
        OfferEnd::Rejected => pb::OfferEndReason::Rejected,
        OfferEnd::Expired => pb::OfferEndReason::Expired,
        OfferEnd::Abandoned => pb::OfferEndReason::Abandoned,
        OfferEnd::AgentGone => pb::OfferEndReason::AgentGone,
        OfferEnd::Withdrawn => pb::OfferEndReason::Withdrawn,
        OfferEnd::Taken => pb::OfferEndReason::Taken,
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
