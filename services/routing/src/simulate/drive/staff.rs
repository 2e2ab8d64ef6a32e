//! Agents come and go.

use rapport_foundation::time::Micros;

use super::{Driver, Router};
use crate::domain::Status;
use crate::domain::engine::Input;
use crate::simulate::arrivals::DAY;
use crate::simulate::house::{agent_id, micros_between};

impl<R: Router> Driver<'_, R> {
    fn seats_of(&self, team: usize) -> Vec<usize> {
        let seats = self.house.seats.iter().enumerate();
        seats
            .filter(|(_, seat)| seat.team == team)
            .map(|(at, _)| at)
            .collect()
    }

    pub(super) fn team_comes(&mut self, team: usize) {
        for seat in self.seats_of(team) {
            self.comes(seat);
        }
    }

    pub(super) fn comes(&mut self, seat: usize) {
        if self.house.seats[seat].there {
            return;
        }
        let agent = agent_id(seat);
        self.house.attend(self.now, seat, true);
        if !std::mem::replace(&mut self.house.seats[seat].known, true) {
            self.act(Input::StreamOpened { agent, stream: 1 });
        }
        self.act(Input::StatusSet {
            agent,
            status: Status::Available,
            reason: None,
        });
    }

    /// They finish what they have in hand and take nothing new.
    pub(super) fn team_goes(&mut self, team: usize) {
        for seat in self.seats_of(team) {
            self.house.attend(self.now, seat, false);
            self.act(Input::StatusSet {
                agent: agent_id(seat),
                status: Status::Offline,
                reason: None,
            });
        }
    }

    pub(super) fn is_on_shift(&self, seat: usize) -> bool {
        let clock = micros_between(Micros::EPOCH, self.now) % DAY;
        let shifts = &self.scenario.teams[self.house.seats[seat].team].shifts;
        shifts.is_empty() || shifts.iter().any(|shift| shift.holds(clock))
    }
}
