use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use rapport_foundation::id::{TicketId, WorkItemId};

use crate::domain::sla::SlaRecord;
use crate::domain::{Attributes, Ticket};
use crate::store::{Decision, Loaded, Needs};

/// Of the tickets of one tenant about so many bytes.
const MOST_BYTES: u64 = 4 << 20;
/// Work items whose ticket is known.
const MOST_WORK: u64 = 16_384;

/// Tickets as they were stored last. Nobody but the owner changes them, so what the owner stored need not be read again
/// for what follows a moment later: the ticket that was opened is accepted, then solved. Forgotten with the ownership.
#[derive(Debug)]
pub(super) struct Kept {
    tickets: Cache<TicketId, (Ticket, Option<SlaRecord>)>,
    work: Cache<WorkItemId, TicketId>,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            tickets: Cache::builder()
                .max_capacity(MOST_BYTES)
                .weigher(|_, (ticket, _)| weight(ticket))
                .eviction_policy(EvictionPolicy::lru())
                .build(),
            work: Cache::builder()
                .max_capacity(MOST_WORK)
                .eviction_policy(EvictionPolicy::lru())
                .build(),
        }
    }
}

impl Kept {
    pub(super) fn forget(&self) {
        self.tickets.invalidate_all();
        self.work.invalidate_all();
    }

    /// Takes out of what is to be read what is known.
    pub(super) fn spare(&self, needs: &mut Needs) -> Vec<(Ticket, Option<SlaRecord>)> {
        let Needs {
            tickets,
            work_items,
            reclassified,
            ..
        } = needs;
        let mut known = Vec::new();
        let mut is_known = |id: &TicketId| {
            // Their customers are looked at while reading.
            let kept = self.tickets.get(id).filter(|_| !reclassified.contains(id));
            let is_known = kept.is_some();
            known.extend(kept);
            is_known
        };
        tickets.retain(|id| !is_known(id));
        let ticket_of = |item: &WorkItemId| self.work.get(item);
        work_items.retain(|item| !ticket_of(item).is_some_and(|ticket| is_known(&ticket)));
        known
    }

    /// Keeps what was stored.
    pub(super) fn stored(&self, decision: &Decision) {
        // Words of some are gone, or all are dated anew.
        if !decision.erased.is_empty() || decision.redate {
            self.forget();
        }
        for ticket in &decision.tickets {
            let before = self.tickets.remove(&ticket.id);
            let stands_alone = ticket.merged_into.is_none() && ticket.merged_count == 0;
            if let Some(record) = record_after(decision, ticket, before).filter(|_| stands_alone) {
                self.tickets.insert(ticket.id, (ticket.clone(), record));
            }
        }
        for row in &decision.slas {
            let id = row.record.ticket;
            if let Some((ticket, _)) = self.tickets.get(&id) {
                self.tickets.insert(id, (ticket, Some(row.record.clone())));
            }
        }
        for item in &decision.items {
            match item.is_open() {
                true => self.work.insert(item.id, item.ticket),
                false => self.work.invalidate(&item.id),
            }
        }
    }
}

/// Adds what is known to what was read.
pub(super) fn add(loaded: &mut Loaded, known: Vec<(Ticket, Option<SlaRecord>)>) {
    for (ticket, record) in known {
        if let Some(record) = record {
            loaded.slas.insert(ticket.id, record);
        }
        loaded.tickets.insert(ticket.id, ticket);
    }
}

/// What the clocks of a ticket are made of after a decision, if that is known here.
fn record_after(
    decision: &Decision,
    ticket: &Ticket,
    before: Option<(Ticket, Option<SlaRecord>)>,
) -> Option<Option<SlaRecord>> {
    let is_its = |row: &&crate::store::SlaRow| row.record.ticket == ticket.id;
    if let Some(row) = decision.slas.iter().find(is_its) {
        return Some(Some(row.record.clone()));
    }
    match before {
        Some((_, record)) => Some(record),
        // Nobody has kept any.
        None => (ticket.version == 1).then_some(None),
    }
}

fn weight(ticket: &Ticket) -> u32 {
    let Ticket {
        subject,
        description,
        resolution,
        attributes,
        ..
    } = ticket;
    let words = [subject, description, resolution].map(|text| text.expose().len());
    let bytes = words.iter().sum::<usize>() + bytes_of(attributes);
    u32::try_from(1_000 + bytes).unwrap_or(u32::MAX)
}

fn bytes_of(attributes: &Attributes) -> usize {
    let pairs = attributes.iter();
    pairs
        .map(|(name, value)| name.as_str().len() + value.expose().len())
        .sum()
}

#[cfg(test)]
mod tests {
    use rapport_foundation::id::{QueueId, RecordId};
    use rapport_foundation::time::Micros;

    use super::*;
    use crate::domain::{Opening, Priority};
    use crate::store::SlaRow;

    const NOW: Micros = Micros(1_772_404_200_000_000);

    fn opened() -> Ticket {
        let opening = Opening {
            subject: "No tone".into(),
            description: "Since Monday".into(),
            priority: Priority::High,
            queue: QueueId::new(NOW),
            customer: None,
            conversation: None,
            skills: Default::default(),
            tags: Default::default(),
            purpose: None,
            severity: None,
            category: None,
            subcategory: None,
            parent: None,
            attributes: Default::default(),
            split_from: None,
        };
        Ticket::open(TicketId::new(NOW), opening, NOW)
    }

    fn row(ticket: &Ticket, dated: bool) -> SlaRow {
        SlaRow {
            record: SlaRecord {
                dated,
                ..SlaRecord::of(ticket)
            },
            is_open: true,
            next_at: None,
        }
    }

    fn decision(ticket: &Ticket, slas: Vec<SlaRow>) -> Decision {
        Decision {
            tickets: vec![ticket.clone()],
            slas,
            ..Decision::default()
        }
    }

    /// The version of the ticket that need not be read, and whether its clocks were dated.
    fn known(kept: &Kept, id: TicketId) -> Option<(i64, Option<bool>)> {
        let mut needs = Needs {
            tickets: vec![id],
            ..Needs::default()
        };
        let known = kept.spare(&mut needs);
        assert_eq!(known.len() + needs.tickets.len(), 1);
        let [(ticket, record)] = &known[..] else {
            return None;
        };
        Some((ticket.version, record.as_ref().map(|record| record.dated)))
    }

    #[test]
    fn what_was_stored_last_is_known_and_only_while_all_of_it_is() {
        let kept = Kept::default();
        let mut ticket = opened();
        let id = ticket.id;
        assert_eq!(known(&kept, id), None);
        kept.stored(&decision(&ticket, Vec::new()));
        assert_eq!(known(&kept, id), Some((1, None)));
        ticket.version = 2;
        kept.stored(&decision(&ticket, vec![row(&ticket, false)]));
        ticket.version = 3;
        kept.stored(&decision(&ticket, Vec::new()));
        assert_eq!(known(&kept, id), Some((3, Some(false))));
        let clocks = Decision {
            slas: vec![row(&ticket, true)],
            ..Decision::default()
        };
        kept.stored(&clocks);
        assert_eq!(known(&kept, id), Some((3, Some(true))));
        // One that stands for others is read with them.
        ticket.merged_count = 1;
        kept.stored(&decision(&ticket, vec![row(&ticket, true)]));
        assert_eq!(known(&kept, id), None);
        // Of one that was changed and not seen before, the clocks are not known.
        ticket.merged_count = 0;
        kept.stored(&decision(&ticket, Vec::new()));
        assert_eq!(known(&kept, id), None);
        for forgets in [
            Decision {
                erased: vec![RecordId::new(NOW)],
                ..Decision::default()
            },
            Decision {
                redate: true,
                ..Decision::default()
            },
        ] {
            kept.stored(&decision(&ticket, vec![row(&ticket, true)]));
            assert_eq!(known(&kept, id), Some((3, Some(true))));
            kept.stored(&forgets);
            assert_eq!(known(&kept, id), None);
        }
    }

    #[test]
    fn a_ticket_whose_customer_is_looked_at_is_read() {
        let kept = Kept::default();
        let ticket = opened();
        kept.stored(&decision(&ticket, Vec::new()));
        let mut needs = Needs {
            tickets: vec![ticket.id],
            reclassified: vec![ticket.id],
            ..Needs::default()
        };
        assert!(kept.spare(&mut needs).is_empty());
        assert_eq!(
            (needs.tickets, needs.reclassified),
            (vec![ticket.id], vec![ticket.id])
        );
    }
}
