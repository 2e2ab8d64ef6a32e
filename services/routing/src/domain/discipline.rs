use super::code::named;

named! {
    /// Who of several free agents is asked first for the work of a queue. Of equals it is always who has the fewest
    /// work items in hand, and of these who has waited longest.
    pub enum Selection {
        /// Who has waited longest.
        LongestIdle = "longest_idle",
        /// Whose staffed time was least taken by work.
        LeastOccupied = "least_occupied",
        /// Whose levels exceed those that are asked for by most, summed up over the skills asked for.
        BestSkilled = "best_skilled",
        /// The next after whoever was asked last, in the fixed order of their ids.
        RoundRobin = "round_robin",
        /// Who takes the shortest time for the work of this queue.
        Fastest = "fastest",
    }
}

named! {
    /// Of several queues that an agent serves, which one's work they get when they come free. A higher priority
    /// always goes first.
    pub enum WorkSelection {
        /// The oldest.
        Oldest = "oldest",
        /// That of the queue which got the least for its weight.
        QueueRatio = "queue_ratio",
        /// Where waiting grows dearest the soonest for the time it takes: weight × wait / (target² × handle time).
        GeneralisedCMu = "generalised_c_mu",
    }
}

/// How the work of a queue finds its agents, and counts among that of other queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Discipline {
    /// Who is asked first.
    pub selection: Selection,
    /// Who is more occupied than the mean of the staffed by more than so many percent is asked after the others.
    pub most_occupancy_spread: Option<u8>,
    /// What a work item counts among those of other queues, where agents choose by it.
    pub weight: u16,
    /// To how many agents a work item is offered at once; none and one are the same: to one after the other.
    pub broadcast: u8,
}

impl Default for Discipline {
    fn default() -> Self {
        Self {
            selection: Selection::LongestIdle,
            most_occupancy_spread: None,
            weight: 1,
            broadcast: 0,
        }
    }
}

impl Discipline {
    /// To how many agents a work item may be out as an offer at once.
    #[must_use]
    pub fn most_offers(&self) -> usize {
        usize::from(self.broadcast).max(1)
    }

    /// Whether it is who has waited longest, and nothing else.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        matches!(self.selection, Selection::LongestIdle) && self.most_occupancy_spread.is_none()
    }
}
