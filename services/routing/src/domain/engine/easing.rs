//! What becomes less by time: skills that work asks for, and skills that an agent holds.

use std::collections::BTreeSet;

use rapport_foundation::id::{AgentId, WorkItemId};
use rapport_foundation::time::Micros;

use super::input::{Effect, Profile};
use super::skills::{Grades, SkillBook};
use super::transfer::asked_of_kept;
use super::{Engine, Held, Timer};
use crate::domain::policy::Route;
use crate::domain::{Skills, WorkItem, WorkState};

impl SkillBook {
    /// What work asks for at `now`, and when it asks for less.
    pub(super) fn asked(
        &mut self,
        now: Micros,
        skills: &Skills,
        route: Option<&Route>,
    ) -> (Grades, Option<Micros>) {
        match route.and_then(|route| route.eased(skills, now)) {
            Some((eased, next)) => (self.grades(&eased), next),
            None => (self.grades(skills), None),
        }
    }
}

impl Engine {
    /// An item as it came to where it waits. What has eased since is made good by its timer, which is due.
    pub(super) fn hold(&mut self, work: WorkItem) -> Held {
        let came = work.route.as_ref().map_or(work.queued_at, |r| r.since());
        let route = work.route.as_deref();
        let (asked, next) = match work.kept() {
            Some(_) => (asked_of_kept(), None),
            None => self.book.asked(came, &work.skills, route),
        };
        let eases = matches!(work.state, WorkState::Waiting | WorkState::Offered(_));
        Held {
            work,
            asked,
            eases_at: next.filter(|_| eases),
        }
    }

    /// Changes work that nobody has accepted afterwards. It stands where it belongs then, if it waits, and asks for
    /// what is left by `now` of what it asks for.
    pub(super) fn alter(
        &mut self,
        now: Micros,
        id: WorkItemId,
        change: impl FnOnce(&mut WorkItem),
    ) {
        self.stop_easing(id);
        let Some(held) = self.items.get_mut(&id) else {
            return;
        };
        if held.work.state == WorkState::Waiting {
            self.waiting.remove(held.spot(), held.rank());
        }
        change(&mut held.work);
        let work = &held.work;
        let (asked, next) = match work.kept() {
            Some(_) => (asked_of_kept(), None),
            None => self.book.asked(now, &work.skills, work.route.as_deref()),
        };
        held.asked = asked;
        held.eases_at = next;
        if let Some(at) = next {
            self.timers.set(at, Timer::WorkEases(id));
        }
        if held.work.state == WorkState::Waiting {
            self.waiting.insert(held.spot(), held.rank());
        }
    }

    pub(super) fn stop_easing(&mut self, id: WorkItemId) {
        let held = self.items.get_mut(&id);
        if let Some(at) = held.and_then(|held| held.eases_at.take()) {
            self.timers.cancel(at, Timer::WorkEases(id));
        }
    }

    /// Work asks for less: whom it did not suit before it may suit now. Nothing is stored: what it
    /// asks for follows from when it came to its target.
    pub(super) fn ease(&mut self, now: Micros, id: WorkItemId, out: &mut Vec<Effect>) {
        self.alter(now, id, |_| {});
        self.match_item(now, id, out);
    }

    /// An agent holds some skill no longer. What they have in hand they may finish.
    pub(super) fn end_skill(&mut self, now: Micros, agent: AgentId) {
        let Some(seat) = self.floor.seat(agent) else {
            return;
        };
        let mut profile = seat.profile.clone();
        profile.drop_ended(now);
        let held = self.book.grades(&profile.skills);
        self.floor.set_profile(profile, held);
    }

    /// Sets the timers of the skills of a profile that is to be the agent's.
    pub(super) fn time_skills(&mut self, profile: &Profile) {
        let before = self.floor.seat(profile.id).map(|seat| &seat.profile);
        for at in before.map(Profile::ends).unwrap_or_default() {
            self.timers.cancel(at, Timer::SkillEnds(profile.id));
        }
        for at in profile.ends() {
            self.timers.set(at, Timer::SkillEnds(profile.id));
        }
    }
}

impl Profile {
    /// Leaves out the skills that have ended by `now`.
    pub(super) fn drop_ended(&mut self, now: Micros) {
        let ended = |until: Option<&Micros>| until.is_some_and(|until| *until <= now);
        self.skills
            .retain(|skill| !ended(self.skills_until.get(&skill.code)));
        self.skills_until.retain(|_, until| *until > now);
    }

    /// When some skill ends.
    pub(super) fn ends(&self) -> BTreeSet<Micros> {
        self.skills_until.values().copied().collect()
    }
}
