//! When the clocks of a tenant's tickets are due: the owner of the tenant wakes for them.
//!
//! Only the next time is kept in memory; which tickets it concerns is read when it has come. What is due is done in the
//! owner's next decision, which names its lease: whatever is killed, and whoever owns the tenant then, it is done once.

use std::time::Duration;

use rapport_foundation::id::{TenantId, TicketId};
use rapport_foundation::time::Micros;

use super::shell::Means;

/// Tickets dated in one decision: what callers wait for waits behind it.
const MOST: u64 = 200;
/// Until it is tried again when the store could not say what is due.
const PAUSE: Duration = Duration::from_secs(1);

/// When to wake.
#[derive(Debug, Default)]
pub(super) struct SlaTimers {
    /// Nothing is due before; something may be then.
    next: Option<Micros>,
    /// The tables know when that is.
    unknown: bool,
}

impl SlaTimers {
    /// As the tables say.
    pub(super) const fn restored(next: Option<Micros>) -> Self {
        Self {
            next,
            unknown: false,
        }
    }

    /// The earlier of this and another deadline.
    pub(super) fn earliest(&self, deadline: Option<Micros>) -> Option<Micros> {
        let next = if self.unknown {
            Some(Micros::EPOCH)
        } else {
            self.next
        };
        deadline.into_iter().chain(next).min()
    }

    /// What is due now.
    pub(super) async fn due(
        &mut self,
        tenant: TenantId,
        means: &Means,
        now: Micros,
    ) -> Vec<TicketId> {
        match self.read(tenant, means, now).await {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(%tenant, %error, "nobody can say which clocks are due");
                *self = Self::restored(Some(now + PAUSE));
                Vec::new()
            }
        }
    }

    async fn read(
        &mut self,
        tenant: TenantId,
        means: &Means,
        now: Micros,
    ) -> Result<Vec<TicketId>, rapport_foundation::db::Error> {
        if self.unknown {
            *self = Self::restored(means.store.sla_next(tenant).await?);
        }
        if self.next.is_none_or(|next| next > now) {
            return Ok(Vec::new());
        }
        let due = means.store.sla_due(tenant, now, MOST).await?;
        // Another ticket may be due at once, or later.
        self.unknown = true;
        Ok(due)
    }

    /// They could not be looked at: others must not wait for them.
    pub(super) fn put_off(&mut self, due: &[TicketId], now: Micros) {
        if !due.is_empty() {
            *self = Self::restored(Some(now + PAUSE));
        }
    }

    /// A decision was stored that dated tickets, the first of them due at `next`, or makes them all due.
    pub(super) fn touched(&mut self, next: Option<Micros>, all: bool) {
        self.next = self.next.into_iter().chain(next).min();
        self.unknown |= all;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_wakes_for_whatever_is_due_first() {
        let mut timers = SlaTimers::restored(None);
        assert_eq!(timers.earliest(None), None);
        timers.touched(Some(Micros(9)), false);
        timers.touched(Some(Micros(12)), false);
        timers.touched(None, false);
        assert_eq!(timers.earliest(None), Some(Micros(9)));
        assert_eq!(timers.earliest(Some(Micros(4))), Some(Micros(4)));
        timers.touched(None, true);
        assert_eq!(timers.earliest(Some(Micros(4))), Some(Micros::EPOCH));
        timers.put_off(&[TicketId::nil()], Micros(50));
        assert_eq!(timers.earliest(None), Some(Micros(50) + PAUSE));
    }
}
