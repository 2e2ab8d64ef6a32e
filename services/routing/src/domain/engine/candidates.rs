//! Who comes into question for some work, and why the others do not.

use std::time::Duration;

use rapport_foundation::id::{AgentId, QueueId};
use rapport_foundation::time::Micros;

use super::Engine;
use super::seat::Seat;
use crate::domain::{Channel, Decline, Kept, Presence, Skills, Status};

/// Work somebody is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Vacancy<'a> {
    /// Where it waits.
    pub queue: QueueId,
    /// Where the contact takes place; none when that is not known.
    pub channel: Option<Channel>,
    /// What an agent must hold.
    pub skills: &'a Skills,
    /// Who said no to it lately.
    pub declines: &'a [Decline],
    /// Who has it, or is offered it.
    pub agents: &'a [AgentId],
    /// For whom alone it waits for now.
    pub kept: Option<Kept>,
    /// It is offered to nobody before.
    pub paused_until: Option<Micros>,
}

/// An agent of the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Who.
    pub agent: AgentId,
    /// Whether they are at work.
    pub status: Status,
    /// How many work items they have in hand.
    pub in_hand: usize,
    /// Since when they wait for work.
    pub idle_since: Micros,
    /// How much of their staffed time work took of late, in millionths.
    pub occupancy: u64,
    /// That this is more above the mean of the queue's agents than may be: they are asked after the others.
    pub passed_over: bool,
    /// By how many levels they exceed what is asked for, over all skills.
    pub surplus: u32,
    /// How long they take for the work of the queue, or who is new would; none where that is not known.
    pub pace: Option<Duration>,
    /// All that keeps them from it.
    pub hindrances: Vec<Hindrance>,
}

/// What keeps an agent from work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// They have it, or are offered it.
    HasIt,
    /// They are not available.
    Status,
    /// No stream of theirs is open.
    NotPresent,
    /// Their shift is over, or has not begun.
    OffShift,
    /// They do not hold these.
    MissingSkills(Skills),
    /// They have as much of the channel as they take at once.
    NoCapacity,
    /// They said no to it and are passed over until then.
    Declined(Micros),
    /// It is kept for somebody else until then.
    KeptForOther(Micros),
    /// Its customer was called and not reached: it is offered to nobody before.
    Paused(Micros),
}

impl Engine {
    /// Every agent of the queue: who may take the work in the order in which they are asked, then the others.
    #[must_use]
    pub fn candidates(&self, vacancy: Vacancy<'_>) -> Vec<Candidate> {
        let serving = |seat: &&Seat| seat.profile.queues.contains(&vacancy.queue);
        let mut seats: Vec<&Seat> = self.floor.seats().filter(serving).collect();
        let discipline = self.discipline(vacancy.queue);
        let bar = self.bar(vacancy.queue, &discipline);
        let surplus = |seat: &Seat| seat.profile.skills.surplus(vacancy.skills);
        seats.sort_by_cached_key(|seat| {
            self.merit(vacancy.queue, &discipline, bar, seat, || surplus(seat))
        });
        let pace = |seat: &Seat| self.records.pace(vacancy.queue, seat.profile.id);
        let candidate = |seat: &&Seat| Candidate {
            agent: seat.profile.id,
            status: seat.standing.status,
            in_hand: seat.holds.len(),
            idle_since: seat.standing.idle_since,
            occupancy: self.occupancy(seat),
            passed_over: bar.is_some_and(|bar| self.occupancy(seat) > bar),
            surplus: surplus(seat),
            pace: pace(seat).map(Duration::from_micros),
            hindrances: hindrances(seat, vacancy),
        };
        let mut candidates: Vec<Candidate> = seats.iter().map(candidate).collect();
        candidates.sort_by_key(|candidate| !candidate.hindrances.is_empty());
        candidates
    }
}

fn hindrances(seat: &Seat, vacancy: Vacancy<'_>) -> Vec<Hindrance> {
    if vacancy.agents.contains(&seat.profile.id) {
        return vec![Hindrance::HasIt];
    }
    let mut hindrances = Vec::new();
    if seat.standing.status != Status::Available {
        hindrances.push(Hindrance::Status);
    }
    if seat.standing.presence != Presence::Present {
        hindrances.push(Hindrance::NotPresent);
    }
    if !seat.standing.is_scheduled() {
        hindrances.push(Hindrance::OffShift);
    }
    let theirs = vacancy.kept.filter(|kept| kept.agent == seat.profile.id);
    let missing = vacancy.skills.beyond(&seat.profile.skills);
    // It asks for nothing of whom it is kept for.
    if theirs.is_none() && !missing.is_empty() {
        hindrances.push(Hindrance::MissingSkills(missing));
    }
    let has_room = match vacancy.channel {
        Some(channel) => seat.has_room(channel),
        None => seat.has_any_room(),
    };
    if !has_room {
        hindrances.push(Hindrance::NoCapacity);
    }
    let declines = vacancy.declines.iter();
    let no = declines.filter(|decline| decline.agent == seat.profile.id);
    hindrances.extend(no.map(|decline| Hindrance::Declined(decline.until)));
    let others = vacancy.kept.filter(|_| theirs.is_none());
    hindrances.extend(others.map(|kept| Hindrance::KeptForOther(kept.until)));
    hindrances.extend(vacancy.paused_until.map(Hindrance::Paused));
    hindrances
}
