#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod contact_commands;
mod figures;
mod hand_overs;
mod replicas;
mod samples;
mod words;

use std::collections::BTreeSet;
use std::time::Duration;

use rapport_foundation::id::{
    AgentId, CalendarId, ConversationId, CustomerId, QueueId, RecordId, TenantId, TicketId,
    TicketNoteId, WorkItemId,
};
use rapport_foundation::role::Role;
use rapport_foundation::testing::{TestEnv, on_every_engine, tenant};
use rapport_foundation::time::Micros;
use uuid::Uuid;

use super::{Committed, Decision, Lease, Needs, OfferRow, Replica, Store, TicketFilter};
use crate::domain::engine::{Pace, Turn};
use crate::domain::{
    Agent, AgentKind, AgentPreference, Answered, Callback, Capacity, Channel, ChannelCapacity,
    CustomerRef, Decline, Discipline, Figures, Impact, Kept, Load, Offer, OfferEnd, OfferOutcome,
    Opening, Parked, Passage, Presence, Priority, Promise, Purpose, Queue, Selection, Severity,
    Shift, Standing, Status, Taken, Ticket, Urgency, WorkItem, WorkSelection, WorkState,
};
use samples::*;

const NOW: Micros = Micros(1_700_000_000_000_000);

/// A store, a tenant, and the right to decide for it.
struct Desk {
    t: TestEnv,
    store: Store,
    tenant: TenantId,
    replica: Replica,
    lease: Lease,
}

async fn everywhere(mut test: impl AsyncFnMut(Desk)) {
    on_every_engine(Role::Routing, crate::migrations, async |t| {
        let store = Store::new(t.db.clone(), t.vault.clone());
        let tenant = tenant();
        let replica = replica(&store, "http://a", LONG).await;
        let lease = take(&store, tenant, &replica).await.unwrap();
        test(Desk {
            t,
            store,
            tenant,
            replica,
            lease,
        })
        .await;
    })
    .await;
}

async fn take(store: &Store, tenant: TenantId, replica: &Replica) -> Option<Lease> {
    store.take_over(tenant, replica.id).await.unwrap()
}

/// A replica that lives, as far as replicas are known at all.
async fn replica(store: &Store, address: &str, lease: Duration) -> Replica {
    let replica = Replica {
        id: Uuid::now_v7(),
        address: address.into(),
    };
    if store.is_shared() {
        store.begin(&replica, lease, Duration::ZERO).await.unwrap();
    }
    replica
}

const LONG: Duration = Duration::from_secs(3600);

impl Desk {
    async fn decide(&mut self, decision: &Decision) -> Committed {
        let done = self
            .store
            .decide(self.tenant, self.lease, decision)
            .await
            .unwrap();
        if done == Committed::Stored {
            self.lease.decision += 1;
        }
        done
    }
}

#[tokio::test]
async fn what_is_stored_is_read_back_as_it_was() {
    everywhere(async |mut desk: Desk| {
        let (queue, customer) = (queue(), customer());
        let mut agent = agent(&queue);
        let ticket = ticket(&queue, Some(customer));
        let mut items: Vec<_> = states(agent.id)
            .into_iter()
            .map(|state| work(&ticket, state))
            .collect();
        // Of everything that is over, also one that was handed on.
        let mut handed_on: Vec<_> = items[4..].to_vec();
        for work in &mut handed_on {
            work.id = WorkItemId::new(NOW);
            work.pass(|passage| passage.next = Some(WorkItemId::new(NOW)));
        }
        items.extend(handed_on);
        agent.standing = Standing {
            status: Status::Available,
            reason: Some("back".parse().unwrap()),
            presence: Presence::Leaving {
                until: Micros(NOW.0 + 7),
            },
            lapsed_offers: 3,
            shift: Some(Shift {
                on: false,
                until: Micros(NOW.0 + 9),
                by_hand: true,
            }),
            load: Load {
                busy: 40,
                staffed: 70,
                until: Micros(NOW.0 + 3),
            },
            ..Standing::new(NOW)
        };
        let (pace, turn) = remembered(queue.id, agent.id);
        let decision = Decision {
            tickets: vec![ticket.clone()],
            items: items.clone(),
            queues: vec![queue.clone()],
            agents: vec![Agent {
                standing: Standing::new(NOW),
                ..agent.clone()
            }],
            standings: vec![(agent.id, agent.standing.clone())],
            customers: vec![customer],
            paces: vec![pace],
            turns: vec![turn],
            ..Decision::default()
        };
        assert_eq!(desk.decide(&decision).await, Committed::Stored);
        let (store, tenant) = (&desk.store, desk.tenant);
        assert_eq!(
            store.ticket(tenant, ticket.id).await.unwrap().as_ref(),
            Some(&ticket)
        );
        for item in &items {
            assert_eq!(
                store.work_item(tenant, item.id).await.unwrap().as_ref(),
                Some(item)
            );
        }
        let waiting = 1;
        assert_eq!(
            store.queue(tenant, queue.id).await.unwrap(),
            Some((queue.clone(), waiting))
        );
        let stored = store.agent(tenant, agent.id).await.unwrap().unwrap();
        assert_eq!(
            (
                stored.agent.principal,
                stored.agent.address,
                stored.agent.standing
            ),
            (
                agent.principal.clone(),
                agent.address.clone(),
                agent.standing.clone()
            )
        );
        assert_eq!(
            (stored.agent.queues, stored.agent.capacity),
            (agent.queues.clone(), agent.capacity.clone())
        );
        assert_eq!(
            (
                stored.agent.work_selection,
                stored.agent.kind,
                stored.agent.shifts
            ),
            (agent.work_selection, agent.kind, agent.shifts)
        );
        let pictured = store.pictured(tenant, &[queue.id]).await.unwrap();
        assert_eq!((pictured.paces, pictured.turns), (vec![pace], vec![turn]));
        assert_eq!(stored.holds, 3, "offered, accepted, in wrap-up");
        assert_eq!(
            store.agent_of(tenant, "ana@example.com").await.unwrap(),
            Some(agent.id)
        );
        let restored = store.restored(tenant).await.unwrap();
        assert_eq!(restored.queues, [queue]);
        assert_eq!(restored.snapshot.items.len(), 4, "only what is open");
        assert_eq!(restored.snapshot.agents[0].1, agent.standing);
        assert_eq!(restored.snapshot.paces, [pace]);
        assert_eq!(restored.snapshot.turns, [turn]);
        assert_eq!(store.ticket(self::tenant(), ticket.id).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_decision_whose_answer_was_lost_is_recognised_when_it_is_repeated() {
    everywhere(async |mut desk: Desk| {
        let queue = queue();
        let decision = Decision {
            queues: vec![queue.clone()],
            ..Decision::default()
        };
        let before = desk.lease;
        assert_eq!(desk.decide(&decision).await, Committed::Stored);
        desk.lease = before;
        let again = Decision {
            tickets: vec![ticket(&queue, None)],
            ..decision
        };
        assert_eq!(
            desk.decide(&again).await,
            Committed::Stored,
            "it counts as stored"
        );
        let page = desk
            .store
            .tickets(desk.tenant, &TicketFilter::default(), None, 10)
            .await
            .unwrap();
        assert_eq!(page.rows.len(), 0, "and nothing is stored twice");
        let tickets = Decision {
            tickets: vec![ticket(&queue, None)],
            ..Decision::default()
        };
        assert_eq!(
            desk.decide(&tickets).await,
            Committed::Stored,
            "the next one goes on"
        );
    })
    .await;
}

#[tokio::test]
async fn offers_keep_how_they_ended_and_needs_are_met_at_once() {
    everywhere(async |mut desk: Desk| {
        let queue = queue();
        let ticket = ticket(&queue, Some(customer()));
        let agent = agent(&queue);
        let offered = work(&ticket, |item| states(agent.id)[1](item));
        let offer = *offered.offer().unwrap();
        let made = OfferRow {
            offer,
            outcome: OfferOutcome::Pending,
            ended_at: None,
            broadcast: true,
        };
        let ended = OfferRow {
            outcome: OfferOutcome::Ended(OfferEnd::AgentGone),
            ended_at: Some(NOW),
            ..made
        };
        let interaction = rapport_foundation::id::InteractionId::new(NOW);
        let ours = WorkItem {
            interaction: Some(interaction),
            ..offered
        };
        let decision = Decision {
            tickets: vec![ticket.clone()],
            items: vec![ours.clone()],
            offers: vec![made],
            contacts_ended: vec![(interaction, NOW)],
            ..Decision::default()
        };
        desk.decide(&decision).await;
        assert_eq!(
            desk.store.offer(desk.tenant, offer.id).await.unwrap(),
            Some(made)
        );
        desk.decide(&Decision {
            offers: vec![ended],
            ..Decision::default()
        })
        .await;
        assert_eq!(
            desk.store.offer(desk.tenant, offer.id).await.unwrap(),
            Some(ended)
        );
        let needs = Needs {
            conversations: ticket.conversation.into_iter().collect(),
            interactions: vec![interaction],
            ..Needs::default()
        };
        let loaded = desk.store.load(desk.tenant, &needs).await.unwrap();
        assert_eq!(loaded.tickets[&ticket.id], ticket);
        assert_eq!(
            loaded.by_conversation[&ticket.conversation.unwrap()],
            ticket.id
        );
        assert_eq!(loaded.by_interaction[&interaction], (ours.id, ticket.id));
        assert!(loaded.ended.contains(&interaction));
        desk.decide(&Decision {
            contacts_met: vec![interaction],
            ..Decision::default()
        })
        .await;
        let loaded = desk.store.load(desk.tenant, &needs).await.unwrap();
        assert!(loaded.ended.is_empty());
    })
    .await;
}
