//! What the owner tells of its figures.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rapport_foundation::id::{AgentId, QueueId, WorkItemId};
use rapport_foundation::time::Micros;
use uuid::Uuid;

use super::super::Error;
use super::super::command::Done;
use super::super::watch::{AgentView, Forecast, Look, QueueView, Seen, View, Waiter};
use super::Tenant;
use crate::domain::engine::Refusal;
use crate::domain::statistics::{StaffCount, Statistics, Time, Window};
use crate::domain::{Channel, Presence, Priority, Queue, Skills, WorkState};

/// Over what time it is told how estimates came true.
const DAY: Duration = Duration::from_secs(24 * 3_600);

impl Tenant {
    /// Tells what somebody looks at. Nothing changes.
    pub(super) fn look(&mut self, now: Micros, look: &Look) -> Result<Done, Error> {
        let view = match look {
            Look::Queues { queues, window } => View::Queues(self.queues(now, queues, *window)?),
            Look::Agents { agents, queue } => View::Agents(self.agents(now, agents, *queue)?),
            Look::Wait(Waiter::Item(item)) => View::Wait(self.wait_of(now, *item)?),
            Look::Wait(Waiter::New {
                queue,
                channel,
                priority,
                skills,
            }) => View::Wait(self.wait_of_new(now, *queue, *channel, *priority, skills)?),
        };
        Ok(Done {
            seen: Some(Box::new(view)),
            ..Done::new(Uuid::nil(), 0)
        })
    }

    fn queues(
        &self,
        now: Micros,
        asked: &[QueueId],
        window: Window,
    ) -> Result<Seen<QueueView>, Error> {
        for id in asked {
            self.known(*id)?;
        }
        let from = window.begins(now);
        let all = self.queues.keys().filter(|_| asked.is_empty());
        let mut staff: BTreeMap<QueueId, (StaffCount, Time)> = all
            .chain(asked)
            .map(|id| (*id, Default::default()))
            .collect();
        for agent in self.engine.staff() {
            let time = self.statistics.time(now, from, agent.profile.id);
            for queue in &agent.profile.queues {
                if let Some((count, spent)) = staff.get_mut(queue) {
                    count.add(&agent);
                    *spent += time;
                }
            }
        }
        let view = |(queue, (staff, time)): (QueueId, (StaffCount, Time))| QueueView {
            queue,
            load: self.statistics.load(queue),
            sums: self.statistics.sums(queue, from),
            staff,
            occupancy: time.permille(),
        };
        Ok(Seen {
            views: staff.into_iter().map(view).collect(),
            at: now,
            from,
        })
    }

    fn agents(
        &self,
        now: Micros,
        asked: &[AgentId],
        queue: Option<QueueId>,
    ) -> Result<Seen<AgentView>, Error> {
        if let Some(queue) = queue {
            self.known(queue)?;
        }
        for id in asked {
            let known = self.engine.standing(*id);
            known.ok_or_else(|| Error::not_found("agent", id))?;
        }
        let asked: BTreeSet<&AgentId> = asked.iter().collect();
        let staff = self.engine.staff();
        let staff = staff.filter(|agent| asked.is_empty() || asked.contains(&agent.profile.id));
        let staff = staff.filter(|agent| {
            let queues = &agent.profile.queues;
            queue.is_none_or(|queue| queues.contains(&queue))
        });
        let mut views: Vec<AgentView> = staff
            .map(|agent| AgentView {
                agent: agent.profile.id,
                status: agent.standing.status,
                reason: agent.standing.reason.clone(),
                status_since: agent.standing.status_since,
                present: agent.standing.presence == Presence::Present,
                state: agent.state,
                state_since: agent.since,
                adherence: agent.standing.adherence(agent.state),
                shift_until: agent.standing.shift.map(|shift| shift.until),
                in_hand: *agent.in_hand,
                limit: *agent.limit,
                parked: agent.parked,
            })
            .collect();
        views.sort_unstable_by_key(|view| view.agent);
        Ok(Seen {
            views,
            at: now,
            from: now,
        })
    }

    fn wait_of(&self, now: Micros, item: WorkItemId) -> Result<Forecast, Error> {
        let work = self.engine.item(item).ok_or(Refusal::WorkNotOpen)?;
        let offered = matches!(work.state, WorkState::Offered(_));
        if !offered && work.state != WorkState::Waiting {
            return Err(Refusal::WorkAccepted.into());
        }
        let ahead = self.statistics.ahead_of(item);
        let skills = work.asked_for(now);
        let asked = (work.queue, Some(work.channel), &skills);
        Ok(self.forecast(now, asked, ahead.map(|(_, ahead)| ahead), offered))
    }

    fn wait_of_new(
        &mut self,
        now: Micros,
        queue: QueueId,
        channel: Option<Channel>,
        priority: Option<Priority>,
        own: &Skills,
    ) -> Result<Forecast, Error> {
        let known = self.known(queue)?;
        let priority = priority.unwrap_or(known.default_priority);
        let skills = own.clone().and(&known.required_skills);
        let free = self.engine.is_free(queue, channel, &skills);
        let ahead = self.statistics.ahead_of_new(queue, priority);
        Ok(self.forecast(now, (queue, channel, &skills), Some(ahead), free))
    }

    fn forecast(
        &self,
        now: Micros,
        (queue, channel, skills): (QueueId, Option<Channel>, &Skills),
        ahead: Option<usize>,
        agent_free: bool,
    ) -> Forecast {
        let staffed = self.engine.is_staffed(queue, channel, skills);
        let promise = match ahead {
            _ if agent_free => self.statistics.forecast_offered(queue),
            Some(ahead) if staffed => self.statistics.forecast(now, queue, ahead),
            _ => None,
        };
        let day = Statistics::quarter(now - DAY);
        Forecast {
            queue,
            ahead,
            agent_free,
            staffed,
            promise,
            kept: self.statistics.sums(queue, day),
        }
    }

    fn known(&self, queue: QueueId) -> Result<&Queue, Error> {
        let known = self.queues.get(&queue);
        known.ok_or_else(|| Error::not_found("queue", queue))
    }
}
