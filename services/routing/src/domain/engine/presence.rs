//! Agents: their setting, whether they take work, whether they can be reached.

use rapport_foundation::id::AgentId;
use rapport_foundation::time::Micros;

use super::input::{Effect, Profile, Refusal, StreamId};
use super::seat::Seat;
use super::waiting::Rank;
use super::{Engine, Timer};
use crate::domain::{Channel, Code, OfferEnd, Presence, Standing, Status, WorkItem, WorkState};

impl Engine {
    pub(super) fn set_profile(&mut self, now: Micros, mut profile: Profile, out: &mut Vec<Effect>) {
        let agent = profile.id;
        profile.drop_ended(now);
        self.time_skills(&profile);
        let held = self.book.grades(&profile.skills);
        if self.floor.seat(agent).is_none() {
            self.floor.add(Seat::new(profile, held, Standing::new(now)));
            self.touch_agent(agent);
            self.turn_shift(now, agent, out);
            return;
        }
        self.floor.set_profile(profile, held);
        self.turn_shift(now, agent, out);
        self.shed_offers(now, agent, out);
        self.match_agent(now, agent, out);
    }

    /// Takes back the newest offers of a channel whose limit has sunk below what is in hand;
    /// what was accepted stays.
    fn shed_offers(&mut self, now: Micros, agent: AgentId, out: &mut Vec<Effect>) {
        let over = |engine: &Self, channel: Channel| {
            engine
                .floor
                .seat(agent)
                .is_some_and(|s| !s.limits().holds(s.in_hand(), channel))
        };
        let mut pending: Vec<_> = self
            .held_by(agent)
            .filter_map(|work| {
                work.offer_to(agent)
                    .map(|offer| (offer.made_at, work.id, work.channel))
            })
            .collect();
        pending.sort_unstable_by(|a, b| b.cmp(a));
        let mut ranks = Vec::new();
        for (_, id, channel) in pending {
            if over(self, channel) {
                self.end_offer(id, agent, OfferEnd::Withdrawn, out);
                ranks.extend(self.rank_of(id));
            }
        }
        // The newest are taken back first, but the oldest are offered first.
        ranks.sort_unstable();
        for rank in ranks {
            self.match_item(now, rank.id, out);
        }
    }

    pub(super) fn set_status(
        &mut self,
        now: Micros,
        agent: AgentId,
        status: Status,
        reason: Option<Code>,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let standing = self.standing(agent).ok_or(Refusal::AgentUnknown)?;
        let same = standing.status == status && standing.reason == reason;
        let available = status == Status::Available;
        // Who says so outside of their shift takes work all the same.
        let works_over = available && !standing.is_scheduled();
        if same && !works_over {
            return Ok(());
        }
        let began = works_over || (available && standing.status != status);
        if !same {
            self.change_status(now, agent, status, reason, out);
        }
        self.floor.change(agent, |seat| {
            if let Some(shift) = &mut seat.standing.shift {
                shift.by_hand = available && !shift.on;
            }
            if began {
                seat.standing.idle_since = now;
                seat.standing.lapsed_offers = 0;
            }
        });
        self.touch_agent(agent);
        if status == Status::Available {
            self.match_agent(now, agent, out);
        } else {
            self.take_back_offers(now, agent, out);
        }
        Ok(())
    }

    pub(super) fn change_status(
        &mut self,
        now: Micros,
        agent: AgentId,
        status: Status,
        reason: Option<Code>,
        out: &mut Vec<Effect>,
    ) {
        self.floor.change(agent, |seat| {
            if seat.standing.status != status {
                seat.standing.status_since = now;
            }
            seat.standing.status = status;
            seat.standing.reason.clone_from(&reason);
        });
        self.touch_agent(agent);
        out.push(Effect::StatusChanged {
            agent,
            status,
            reason,
        });
    }

    pub(super) fn open_stream(
        &mut self,
        now: Micros,
        agent: AgentId,
        stream: StreamId,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let before = self.standing(agent).ok_or(Refusal::AgentUnknown)?.presence;
        self.floor.change(agent, |seat| {
            seat.streams.insert(stream);
            seat.standing.presence = Presence::Present;
            // Who comes back within the grace keeps their place in the line.
            if before == Presence::Absent {
                seat.standing.idle_since = now;
            }
        });
        if let Presence::Leaving { until } = before {
            self.timers.cancel(until, Timer::GraceEnds(agent));
        }
        if before != Presence::Present {
            self.touch_agent(agent);
        }
        self.match_agent(now, agent, out);
        Ok(())
    }

    pub(super) fn close_stream(
        &mut self,
        now: Micros,
        agent: AgentId,
        stream: StreamId,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let last = self
            .floor
            .change(agent, |seat| {
                seat.streams.remove(&stream) && seat.streams.is_empty()
            })
            .ok_or(Refusal::AgentUnknown)?;
        if last {
            let until = now + self.settings.grace;
            self.floor.change(agent, |seat| {
                seat.standing.presence = Presence::Leaving { until }
            });
            self.timers.set(until, Timer::GraceEnds(agent));
            self.touch_agent(agent);
            self.take_back_offers(now, agent, out);
        }
        Ok(())
    }

    /// The agent has not come back: what they accepted goes to others. What is in wrap-up
    /// ends by its own time.
    pub(super) fn end_grace(&mut self, now: Micros, agent: AgentId, out: &mut Vec<Effect>) {
        self.floor
            .change(agent, |seat| seat.standing.presence = Presence::Absent);
        self.touch_agent(agent);
        // Only after a restart can an offer be out still: offers are taken back when a stream
        // breaks, but kept until their own expiry when it was we who went away.
        self.take_back_offers(now, agent, out);
        let ranks = self
            .held_by(agent)
            // What they parked is theirs until its time is over.
            .filter(|work| matches!(work.state, WorkState::Accepted { .. }))
            .filter(|work| work.parked().is_none())
            .filter_map(|work| self.rank_of(work.id))
            .collect();
        self.let_go(now, agent, ranks, out);
    }

    /// Takes accepted work from an agent who is gone.
    pub(super) fn let_go(
        &mut self,
        now: Micros,
        agent: AgentId,
        mut ranks: Vec<Rank>,
        out: &mut Vec<Effect>,
    ) {
        ranks.sort_unstable();
        // What only waited for its agent to finish a solved matter is finished by that.
        // So is what they were asked about; and who is asked by them goes on with the contact.
        ranks.retain(|Rank { id, .. }| {
            if self.leave_to_second(now, (*id, agent), out) {
                return false;
            }
            let ends = |work: &WorkItem| work.settled || work.consult_of().is_some();
            let ends = self.item(*id).is_some_and(ends);
            !(ends && self.complete(now, *id, agent, None, true, out).is_ok())
        });
        for Rank { id, .. } in &ranks {
            self.take_out(now, *id, None, out);
        }
        for rank in ranks {
            self.match_item(now, rank.id, out);
        }
    }
}
