//! Shifts: outside of theirs agents are offered nothing new, unless they say that they take work.

use rapport_foundation::id::{AgentId, CalendarId};
use rapport_foundation::time::Micros;

use super::input::Effect;
use super::{Engine, Timer};
use crate::domain::Shift;
use crate::domain::sla::Hours;

impl Engine {
    /// A calendar is new or has other hours: whoever has it may be on shift now, or no more.
    pub(super) fn set_calendar(
        &mut self,
        now: Micros,
        calendar: CalendarId,
        hours: Hours,
        out: &mut Vec<Effect>,
    ) {
        self.calendars.insert(calendar, hours);
        let seats = self.floor.seats();
        let theirs = seats.filter(|seat| seat.profile.shifts == Some(calendar));
        let mut agents: Vec<AgentId> = theirs.map(|seat| seat.profile.id).collect();
        agents.sort_unstable();
        for agent in agents {
            self.turn_shift(now, agent, out);
        }
    }

    /// Looks whether an agent is on shift, and notes when to look again.
    pub(super) fn turn_shift(&mut self, now: Micros, agent: AgentId, out: &mut Vec<Effect>) {
        let Some(seat) = self.floor.seat(agent) else {
            return;
        };
        let (before, took) = (seat.standing.shift, seat.takes_work());
        let hours = seat.profile.shifts.and_then(|id| self.calendars.get(&id));
        let shift = hours.map(|hours| {
            let (on, until) = hours.at(now);
            // What they said holds until their shift begins.
            let by_hand = !on && before.is_some_and(|shift| shift.by_hand);
            Shift { on, until, by_hand }
        });
        if shift == before && before.is_none() {
            return;
        }
        if let Some(before) = before {
            self.timers.cancel(before.until, Timer::ShiftTurns(agent));
        }
        if let Some(shift) = shift {
            self.timers.set(shift.until, Timer::ShiftTurns(agent));
        }
        let takes = self.floor.change(agent, |seat| {
            seat.standing.shift = shift;
            let takes = seat.takes_work();
            if takes && !took {
                seat.standing.idle_since = now;
            }
            takes
        });
        self.touch_agent(agent);
        match takes {
            Some(true) if !took => self.match_agent(now, agent, out),
            Some(false) if took => self.take_back_offers(now, agent, out),
            _ => {}
        }
    }
}
