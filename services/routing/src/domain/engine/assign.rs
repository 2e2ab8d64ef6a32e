//! Who gets what: offers made, taken, refused, lapsed and taken back.

use rapport_foundation::id::{AgentId, OfferId, WorkItemId};
use rapport_foundation::time::Micros;
use uuid::Uuid;

use super::commands::About;
use super::input::{Effect, Refusal};
use super::{Engine, Timer};
use crate::domain::contact_command::CommandKind;
use crate::domain::{Decline, Offer, OfferEnd, Queue, Selection, WorkSelection, WorkState};

impl Engine {
    /// Offers a waiting item to the first who may take it.
    pub(super) fn match_item(&mut self, now: Micros, id: WorkItemId, out: &mut Vec<Effect>) {
        let waits = self
            .item(id)
            .is_some_and(|work| work.state == WorkState::Waiting);
        if waits && let Some(agent) = self.next_for(id) {
            self.make_offer(now, id, agent, out);
            self.note_unfilled(id);
        }
    }

    /// Whom an item is to be offered to next, if to anybody.
    pub(super) fn next_for(&self, id: WorkItemId) -> Option<AgentId> {
        let held = self.items.get(&id)?;
        let work = &held.work;
        let passes_over = |agent| self.is_barred(work, agent) || work.offer_to(agent).is_some();
        match work.kept() {
            _ if work.paused_until().is_some() => None,
            Some(kept) => Some(kept.agent).filter(|_| self.may_offer_kept(work, kept)),
            None => self.select(work.queue, work.channel, &held.asked, passes_over),
        }
    }

    /// Fills the hands of an agent with what waits for them, the most urgent of all their
    /// queues first; of these the oldest, or what their rule says.
    pub(super) fn match_agent(&mut self, now: Micros, agent: AgentId, out: &mut Vec<Effect>) {
        loop {
            let Some(seat) = self
                .floor
                .seat(agent)
                .filter(|s| s.takes_work() && s.has_any_room())
            else {
                return;
            };
            let declined = |id: WorkItemId| {
                self.item(id)
                    .is_some_and(|work| self.is_barred(work, agent))
            };
            let first = match seat.profile.work_selection {
                WorkSelection::Oldest => {
                    let room = |channel| seat.has_room(channel);
                    self.waiting.first(seat.lines(), room, &seat.held, declined)
                }
                _ => self.weigh(now, seat, declined),
            };
            let Some(rank) = first else {
                return;
            };
            self.make_offer(now, rank.id, agent, out);
            self.note_unfilled(rank.id);
        }
    }

    pub(super) fn make_offer(
        &mut self,
        now: Micros,
        id: WorkItemId,
        agent: AgentId,
        out: &mut Vec<Effect>,
    ) {
        let Some(held) = self.items.get_mut(&id) else {
            return;
        };
        let work = &mut held.work;
        let timeout = self
            .queues
            .get(&work.queue)
            .map_or(Queue::OFFER_TIMEOUT, |q| q.offer_timeout);
        work.offers_made += 1;
        let offer = Offer {
            id: offer_id(now, id, work.offers_made),
            item: id,
            agent,
            made_at: now,
            expires_at: now + timeout,
        };
        let waited = work.state == WorkState::Waiting;
        work.put_offer(offer);
        let (channel, queue) = (work.channel, work.queue);
        if waited {
            self.waiting.remove(held.spot(), held.rank());
        }
        self.offers.insert(offer.id, id);
        self.timers
            .set(offer.expires_at, Timer::OfferLapses(id, agent));
        self.floor.change(agent, |seat| seat.take(id, channel));
        if self.discipline(queue).selection == Selection::RoundRobin {
            self.records.note_asked(queue, agent);
        }
        self.touch_item(id);
        out.push(Effect::Offered(offer));
    }

    /// Takes an agent's offer back. With the last one the item is where it stood in its queue.
    pub(super) fn end_offer(
        &mut self,
        id: WorkItemId,
        agent: AgentId,
        reason: OfferEnd,
        out: &mut Vec<Effect>,
    ) -> Option<Offer> {
        let held = self.items.get_mut(&id)?;
        let offer = held.work.end_offer(agent)?;
        held.work.figures.over_capacity = false;
        let channel = held.work.channel;
        if held.work.state == WorkState::Waiting {
            self.waiting.insert(held.spot(), held.rank());
        } else {
            self.note_unfilled(id);
        }
        self.offers.remove(&offer.id);
        self.timers
            .cancel(offer.expires_at, Timer::OfferLapses(id, agent));
        self.floor
            .change(offer.agent, |seat| seat.give_back(id, channel));
        self.keep_on(id, reason);
        self.touch_item(id);
        out.push(Effect::OfferEnded { offer, reason });
        Some(offer)
    }

    /// Takes back every offer that is out to an agent and finds others for the work.
    pub(super) fn take_back_offers(&mut self, now: Micros, agent: AgentId, out: &mut Vec<Effect>) {
        let mut ranks: Vec<_> = self
            .held_by(agent)
            .filter(|work| work.offer_to(agent).is_some())
            .filter_map(|work| self.rank_of(work.id))
            .collect();
        ranks.sort_unstable();
        for rank in &ranks {
            self.end_offer(rank.id, agent, OfferEnd::AgentGone, out);
        }
        for rank in ranks {
            self.match_item(now, rank.id, out);
        }
    }

    pub(super) fn accept(
        &mut self,
        now: Micros,
        offer: OfferId,
        agent: AgentId,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let (id, offer) = self.offer_of(offer, agent)?;
        let freed = self.end_offers_but(id, Some(agent), OfferEnd::Taken, out);
        let Some(held) = self.items.get_mut(&id) else {
            return Err(Refusal::OfferNotOut);
        };
        held.work.state = WorkState::Accepted { agent, at: now };
        let (wait, queue) = (held.work.waited(now), held.work.queue);
        for decline in held.work.declines.drain(..) {
            self.timers
                .cancel(decline.until, Timer::DeclineEnds(id, decline.agent));
        }
        self.stop_keeping(id);
        self.stop_easing(id);
        self.stop_waiting(id);
        self.offers.remove(&offer.id);
        self.timers
            .cancel(offer.expires_at, Timer::OfferLapses(id, agent));
        self.floor.change(agent, |seat| seat.working += 1);
        if self.floor.anybody_chooses_by(WorkSelection::QueueRatio) {
            self.records.note_taken(now, queue);
        }
        // Who is to be connected has answered once they are.
        if !self.begin_commands(id) {
            self.answered(now, id, agent);
        }
        self.touch_item(id);
        out.push(Effect::Accepted { offer, wait });
        let calls = self.item(id).is_some_and(|work| work.is_to_be_called());
        let kind = match calls {
            true => CommandKind::CallBack,
            false => CommandKind::Connect,
        };
        self.command(id, kind, About::agent(agent), out);
        for agent in freed {
            self.match_agent(now, agent, out);
        }
        Ok(())
    }

    pub(super) fn reject(
        &mut self,
        now: Micros,
        offer: OfferId,
        agent: AgentId,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let (id, _) = self.offer_of(offer, agent)?;
        self.end_offer(id, agent, OfferEnd::Rejected, out);
        self.pass_over(now, id, agent);
        self.match_item(now, id, out);
        self.match_agent(now, agent, out);
        Ok(())
    }

    /// An offer was not answered in time. Who is there and does not answer counts as not
    /// responding; who cannot be reached (we were restarted) is not blamed, and neither is anybody where several were asked.
    pub(super) fn lapse(
        &mut self,
        now: Micros,
        id: WorkItemId,
        agent: AgentId,
        out: &mut Vec<Effect>,
    ) {
        let several = self.asks_several(id);
        if self.end_offer(id, agent, OfferEnd::Expired, out).is_none() {
            return;
        }
        if self.is_present(agent) {
            self.send_to_end_of_line(now, agent);
            if !several {
                self.count_lapse(now, id, agent, out);
            }
        }
        // Who may be asked again is asked for what is first by now: something more urgent may have come.
        self.match_agent(now, agent, out);
        self.match_item(now, id, out);
    }

    pub(super) fn end_decline(
        &mut self,
        now: Micros,
        id: WorkItemId,
        agent: AgentId,
        out: &mut Vec<Effect>,
    ) {
        if let Some(held) = self.items.get_mut(&id) {
            held.work.declines.retain(|d| d.agent != agent);
            self.touch_item(id);
            self.match_item(now, id, out);
        }
    }

    /// Who said no, or whom it was taken from, is not asked for it again at once, and stands at the end of the line.
    pub(super) fn pass_over(&mut self, now: Micros, id: WorkItemId, agent: AgentId) {
        let until = now + self.settings.decline_pause;
        if let Some(held) = self.items.get_mut(&id) {
            let declines = &mut held.work.declines;
            // Who is given by hand what they said no to may say it again.
            if let Some(place) = declines.iter().position(|d| d.agent == agent) {
                let before = declines.remove(place);
                self.timers
                    .cancel(before.until, Timer::DeclineEnds(id, agent));
            }
            declines.push(Decline { agent, until });
            self.timers.set(until, Timer::DeclineEnds(id, agent));
        }
        self.send_to_end_of_line(now, agent);
    }

    fn send_to_end_of_line(&mut self, now: Micros, agent: AgentId) {
        self.floor
            .change(agent, |seat| seat.standing.idle_since = now);
        self.touch_agent(agent);
    }

    fn offer_of(&self, offer: OfferId, agent: AgentId) -> Result<(WorkItemId, Offer), Refusal> {
        let id = *self.offers.get(&offer).ok_or(Refusal::OfferNotOut)?;
        let mut offers = self.item(id).ok_or(Refusal::OfferNotOut)?.offers();
        let offer = offers
            .find(|one| one.id == offer)
            .ok_or(Refusal::OfferNotOut)?;
        if offer.agent == agent {
            Ok((id, *offer))
        } else {
            Err(Refusal::NotTheirs)
        }
    }
}

/// The id of the n-th offer of an item: a UUIDv7 of the time whose other bits are mixed from
/// the item and n. Drawing it at random would make the engine unrepeatable.
fn offer_id(now: Micros, item: WorkItemId, n: u32) -> OfferId {
    let (high, low) = item.uuid().as_u64_pair();
    let a = mix(high ^ mix(low ^ u64::from(n)));
    let b = mix(a ^ low.rotate_left(32));
    let millis = u64::try_from(now.0.div_euclid(1000)).unwrap_or(0) & 0xffff_ffff_ffff;
    let first = millis << 16 | 0x7000 | (a & 0x0fff);
    let second = 0b10 << 62 | (b >> 2);
    OfferId::from_uuid(Uuid::from_u64_pair(first, second))
}

/// The finaliser of SplitMix64: every input bit moves every output bit.
const fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
