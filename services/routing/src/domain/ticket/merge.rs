//! Which tickets are one matter. A merge is an edge from one ticket to another and nothing else, so that it can be
//! taken back; edges never lead in a circle.

use rapport_foundation::id::TicketId;
use rapport_foundation::time::Micros;

use super::{Ticket, TicketRefusal};

impl Ticket {
    /// So many tickets are one matter at most, the one that stands for all of them included.
    pub const MERGED_MAX: usize = 100;
    /// So many merges lie between a ticket and the one that stands for it at most.
    pub const MERGED_DEEP_MAX: usize = 8;

    /// Whether something is still to be solved for which no other ticket stands.
    #[must_use]
    pub const fn is_at_work(&self) -> bool {
        self.state.is_open() && self.merged_into.is_none()
    }

    /// Whether it may be merged into another.
    ///
    /// # Errors
    /// [`TicketRefusal::Closed`] when one of them is over for good; [`TicketRefusal::NotOpen`] when what is still to
    /// be solved would be lost in what is solved.
    pub fn may_join(&self, whole: &Self) -> Result<(), TicketRefusal> {
        if self.state.is_over() || whole.state.is_over() {
            return Err(TicketRefusal::Closed);
        }
        if self.state.is_open() && !whole.state.is_open() {
            return Err(TicketRefusal::NotOpen);
        }
        Ok(())
    }

    /// Another ticket stands for it from now on; it stays as it is.
    pub fn join(&mut self, whole: TicketId, now: Micros) {
        self.merged_into = Some(whole);
        self.changed(now);
    }

    /// It stands for itself again. Answers which ticket it had been merged into.
    ///
    /// # Errors
    /// [`TicketRefusal::NotMerged`] when it does already.
    pub fn leave(&mut self, now: Micros) -> Result<TicketId, TicketRefusal> {
        let whole = self.merged_into.take().ok_or(TicketRefusal::NotMerged)?;
        self.changed(now);
        Ok(whole)
    }

    /// So many tickets are merged into it now.
    pub fn stands_for(&mut self, merged: u32, now: Micros) {
        self.merged_count = merged;
        self.changed(now);
    }

    /// Something was taken out of it.
    ///
    /// # Errors
    /// [`TicketRefusal::Closed`] when it is over for good.
    pub fn part_with(&mut self, now: Micros) -> Result<(), TicketRefusal> {
        if self.state.is_over() {
            return Err(TicketRefusal::Closed);
        }
        self.changed(now);
        Ok(())
    }
}
