//! What queueing theory computes exactly of one queue: the figures a simulation is held against.
//!
//! Customers come at random (Poisson), are handled for an exponential time by the first of n alike agents who is
//! free, oldest first. Everything here follows from the chain of how many are there, whose steps are births and
//! deaths. Sources: A. K. Erlang (1917) for n agents with and without a waiting room; C. Palm (1957) and Garnett,
//! Mandelbaum and Reiman, "Designing a call center with impatient customers" (2002), for patience; Cobham, "Priority
//! assignment in waiting line problems" (1954), for two classes; Kleinrock, "Queueing systems" I (1975), for the rest.

/// Erlang's first formula: the share that is lost when nobody may wait. By its recursion over the agents, which is
/// free of the overflow that its sum has.
#[must_use]
pub fn erlang_b(agents: u32, load: f64) -> f64 {
    (1..=agents).fold(1.0, |lost, n| load * lost / (f64::from(n) + load * lost))
}

/// Erlang C (M/M/n): everybody waits as long as it takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ErlangC {
    /// Customers a second.
    pub arrivals_per_s: f64,
    /// Mean time of handling.
    pub handle_s: f64,
    /// How many agents; more than the load.
    pub agents: u32,
}

impl ErlangC {
    /// Work that comes in, in agents.
    #[must_use]
    pub fn load(&self) -> f64 {
        self.arrivals_per_s * self.handle_s
    }

    /// Share of an agent's time that is busy.
    #[must_use]
    pub fn occupancy(&self) -> f64 {
        self.load() / f64::from(self.agents)
    }

    /// Erlang's second formula, C: the share that waits.
    #[must_use]
    pub fn delayed(&self) -> f64 {
        let lost = erlang_b(self.agents, self.load());
        lost / (1.0 - self.occupancy() * (1.0 - lost))
    }

    /// Mean wait: C·s/(n − a).
    #[must_use]
    pub fn wait_s(&self) -> f64 {
        self.delayed() * self.handle_s / (f64::from(self.agents) - self.load())
    }

    /// How many wait, in the mean over time (Little's law).
    #[must_use]
    pub fn queue(&self) -> f64 {
        self.arrivals_per_s * self.wait_s()
    }

    /// The share that waits no longer: 1 − C·exp(−(n − a)·t/s).
    #[must_use]
    pub fn within(&self, seconds: f64) -> f64 {
        let rate = (f64::from(self.agents) - self.load()) / self.handle_s;
        1.0 - self.delayed() * (-rate * seconds).exp()
    }

    /// The wait that a share of all does not exceed.
    #[must_use]
    pub fn quantile_s(&self, share: f64) -> f64 {
        let rate = (f64::from(self.agents) - self.load()) / self.handle_s;
        ((self.delayed() / (1.0 - share)).ln() / rate).max(0.0)
    }

    /// Mean waits of two classes, the first always before the second and nobody interrupted (Cobham): C·s/n divided by
    /// 1 − ρ₁, and that by 1 − ρ.
    #[must_use]
    pub fn two_classes_s(&self, first_share: f64) -> (f64, f64) {
        let first = self.delayed() * self.handle_s
            / f64::from(self.agents)
            / (1.0 - first_share * self.occupancy());
        (first, first / (1.0 - self.occupancy()))
    }
}

/// M/M/n/n+k with patience (Erlang A when the waiting room has no limit).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Markov {
    /// Customers a second.
    pub arrivals_per_s: f64,
    /// Mean time of handling.
    pub handle_s: f64,
    /// How many agents.
    pub agents: u32,
    /// Mean of the exponential patience; None is for ever.
    pub patience_s: Option<f64>,
    /// k: how many may wait; None is any number.
    pub most_waiting: Option<u32>,
}

/// Figures of a queue in its steady state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Steady {
    /// Share of those who come that is refused: π(n + k).
    pub blocked: f64,
    /// Share of those who are let in that waits.
    pub delayed: f64,
    /// Share of those who are let in that leaves.
    pub abandoned: f64,
    /// Mean wait of those who are let in, whether answered or not: Lq/(λ·(1 − π(n + k))).
    pub wait_s: f64,
    /// How many wait, in the mean over time: Lq.
    pub queue: f64,
    /// Share of an agent's time that is busy.
    pub occupancy: f64,
}

impl Markov {
    /// Sums over the states, from 0 customers on until the rest is nothing beside what is summed. None when the
    /// queue would grow for ever.
    #[must_use]
    pub fn steady(&self) -> Option<Steady> {
        let load = self.arrivals_per_s * self.handle_s;
        let bounded = self.most_waiting.is_some() || self.patience_s.is_some();
        if self.agents == 0 || !(bounded || load < f64::from(self.agents)) {
            return None;
        }
        let mut sums = Sums::default();
        let (mut present, mut weight) = (0_u32, 1.0_f64);
        loop {
            let waiting = present.saturating_sub(self.agents);
            let last = self.most_waiting == Some(waiting) && present >= self.agents;
            sums.add(self.agents, present, weight, last);
            if last {
                break;
            }
            present += 1;
            let busy = f64::from(present.min(self.agents)) / self.handle_s;
            let waiting = f64::from(present.saturating_sub(self.agents));
            let leaving = self.patience_s.map_or(0.0, |patience| waiting / patience);
            let step = self.arrivals_per_s / (busy + leaving);
            weight *= step;
            if weight > 1e200 {
                sums.scale(1e-200);
                weight *= 1e-200;
            }
            if present > self.agents && step < 1.0 && weight < 1e-20 * sums.all {
                break;
            }
        }
        Some(self.figures(&sums))
    }

    fn figures(&self, sums: &Sums) -> Steady {
        let (queue, blocked) = (sums.waiting / sums.all, sums.full / sums.all);
        let let_in = self.arrivals_per_s * (1.0 - blocked);
        Steady {
            blocked,
            delayed: (sums.no_agent - sums.full) / sums.all / (1.0 - blocked),
            abandoned: self.patience_s.map_or(0.0, |p| queue / p / let_in),
            wait_s: queue / let_in,
            queue,
            occupancy: sums.busy / sums.all / f64::from(self.agents),
        }
    }
}

/// Sums of the weights of states, each by what is counted in it.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    all: f64,
    busy: f64,
    waiting: f64,
    no_agent: f64,
    full: f64,
}

impl Sums {
    fn add(&mut self, agents: u32, present: u32, weight: f64, last: bool) {
        self.all += weight;
        self.busy += weight * f64::from(present.min(agents));
        self.waiting += weight * f64::from(present.saturating_sub(agents));
        if present >= agents {
            self.no_agent += weight;
        }
        if last {
            self.full += weight;
        }
    }

    fn scale(&mut self, by: f64) {
        let Self {
            all,
            busy,
            waiting,
            no_agent,
            full,
        } = self;
        for sum in [all, busy, waiting, no_agent, full] {
            *sum *= by;
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::*;

    const LINE: Markov = Markov {
        arrivals_per_s: 100.0 / 1800.0,
        handle_s: 180.0,
        agents: 14,
        patience_s: None,
        most_waiting: None,
    };

    fn near(found: f64, expected: f64) {
        assert!(
            (found - expected).abs() <= 1e-9 * expected.abs().max(1e-3),
            "{found} for {expected}"
        );
    }

    #[test]
    fn the_closed_formulas_and_the_sums_over_states_agree() {
        for agents in [11, 14, 40] {
            let sums = Markov { agents, ..LINE }.steady().unwrap();
            let closed = ErlangC {
                arrivals_per_s: LINE.arrivals_per_s,
                handle_s: LINE.handle_s,
                agents,
            };
            near(sums.delayed, closed.delayed());
            near(sums.wait_s, closed.wait_s());
            near(sums.queue, closed.queue());
            near(sums.occupancy, closed.occupancy());
            let share = 1.0 - closed.delayed() / 3.0;
            near(closed.within(closed.quantile_s(share)), share);
            let (first, second) = closed.two_classes_s(0.3);
            near(0.3 * first + 0.7 * second, closed.wait_s());
        }
        for (agents, load) in [(1, 1.0), (2, 1.0), (90, 84.0)] {
            let no_room = Markov {
                arrivals_per_s: load,
                handle_s: 1.0,
                agents,
                most_waiting: Some(0),
                ..LINE
            };
            near(no_room.steady().unwrap().blocked, erlang_b(agents, load));
        }
        near(erlang_b(1, 1.0), 0.5);
        near(erlang_b(2, 1.0), 0.2);
    }

    #[test]
    fn large_centres_are_computed_too_and_endless_queues_are_not() {
        let large = Markov {
            arrivals_per_s: 50.0,
            agents: 9_100,
            patience_s: Some(60.0),
            ..LINE
        };
        let steady = large.steady().unwrap();
        assert!(steady.delayed > 0.0 && steady.delayed < 1.0 && steady.occupancy < 1.0);
        let overloaded = Markov { agents: 10, ..LINE };
        assert_eq!(overloaded.steady(), None);
        let patience_s = Some(30.0);
        let lost = Markov {
            patience_s,
            ..overloaded
        };
        assert!(lost.steady().unwrap().abandoned > 0.05);
    }
}
