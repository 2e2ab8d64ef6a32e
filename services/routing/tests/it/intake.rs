use rapport_foundation::events::Data;
use rapport_foundation::id::{
    ConversationChangeId, ConversationId, CustomerId, InteractionId, RecordId,
};
use rapport_foundation::role::Role;
use rapport_foundation::testing::eventually;
use rapport_foundation::time::{Clock, Micros};
use rapport_proto::events::v1 as events;
use rapport_proto::routing::v1 as pb;
use rapport_proto::types::v1 as types;

use crate::bench::{Bench, Teller, everywhere, request_id};

pub(crate) struct Contact {
    pub(crate) interaction: InteractionId,
    pub(crate) conversation: ConversationId,
    pub(crate) customer: types::CustomerRef,
}

impl Contact {
    pub(crate) fn new() -> Self {
        let now = Clock::system().now();
        Self {
            interaction: InteractionId::new(now),
            conversation: ConversationId::new(now),
            customer: types::CustomerRef {
                customer_id: CustomerId::new(now).to_string(),
                record_id: RecordId::new(now).to_string(),
            },
        }
    }

    /// Another one of the same conversation.
    pub(crate) fn next(&self) -> Self {
        let (conversation, customer) = (self.conversation, self.customer.clone());
        Self {
            conversation,
            customer,
            ..Self::new()
        }
    }

    pub(crate) fn facts(
        &self,
        kind: types::InteractionKind,
        channel: types::Channel,
    ) -> events::InteractionFacts {
        events::InteractionFacts {
            interaction_id: self.interaction.to_string(),
            conversation_id: self.conversation.to_string(),
            kind: kind.into(),
            channel: channel.into(),
            direction: types::Direction::Inbound.into(),
            purpose: types::Purpose::Support.into(),
            asks_for_agent: true,
            ..Default::default()
        }
    }

    pub(crate) fn linked(&self, interaction: events::InteractionFacts) -> (String, Data) {
        let linked = events::InteractionLinked {
            interaction: Some(interaction),
            customer: Some(self.customer.clone()),
            pending: false,
        };
        (
            self.interaction.to_string(),
            Data::InteractionLinked(linked),
        )
    }

    fn pending(&self) -> (String, Data) {
        let linked = events::InteractionLinked {
            interaction: Some(self.facts(types::InteractionKind::Message, types::Channel::Email)),
            customer: None,
            pending: true,
        };
        (
            self.interaction.to_string(),
            Data::InteractionLinked(linked),
        )
    }

    pub(crate) fn message(&self) -> (String, Data) {
        self.linked(self.facts(types::InteractionKind::Message, types::Channel::Messaging))
    }

    pub(crate) fn call(&self) -> (String, Data) {
        self.linked(self.facts(types::InteractionKind::Call, types::Channel::Phone))
    }

    pub(crate) fn ended(&self) -> (String, Data) {
        self.ended_at(Clock::system().now())
    }

    pub(crate) fn ended_at(&self, at: Micros) -> (String, Data) {
        let ended = events::ContactEnded {
            interaction_id: self.interaction.to_string(),
            conversation_id: self.conversation.to_string(),
            end_time: Some(at.into()),
            reason: types::ContactEndReason::CustomerLeft.into(),
        };
        (self.interaction.to_string(), Data::ContactEnded(ended))
    }

    pub(crate) fn of_conversation(&self) -> pb::ListTicketsRequest {
        pb::ListTicketsRequest {
            conversation_id: self.conversation.to_string(),
            ..Default::default()
        }
    }

    pub(crate) fn of_customer(&self) -> pb::ListTicketsRequest {
        pb::ListTicketsRequest {
            customer_id: self.customer.customer_id.clone(),
            ..Default::default()
        }
    }
}

pub(crate) async fn tickets(
    bench: &Bench,
    filter: &pb::ListTicketsRequest,
    count: usize,
) -> Vec<pb::Ticket> {
    eventually("the tickets are there", async || {
        let tickets = bench.list_tickets(filter.clone()).await;
        (tickets.len() == count).then_some(tickets)
    })
    .await
}

pub(crate) async fn work(bench: &Bench, ticket: &pb::Ticket, states: &[pb::WorkItemState]) {
    eventually("the work is as it should be", async || {
        let mut work = bench.work_of(ticket).await;
        work.reverse();
        let found: Vec<_> = work.iter().map(pb::WorkItem::state).collect();
        (found == states).then_some(())
    })
    .await;
}

/// The one ticket of a conversation, once two work items wait in it.
async fn asked_for_twice(bench: &Bench, contact: &Contact) -> pb::Ticket {
    let ticket = tickets(bench, &contact.of_conversation(), 1)
        .await
        .remove(0);
    let waiting = [pb::WorkItemState::Waiting, pb::WorkItemState::Waiting];
    work(bench, &ticket, &waiting).await;
    ticket
}

#[tokio::test(flavor = "multi_thread")]
async fn what_asks_for_an_agent_becomes_a_ticket_with_work() {
    everywhere(async |bench: Bench| {
        let care = bench.queue("care").await;
        let interactions = Teller::of(&bench, Role::Interactions).await;
        let (asks, silent, history) = (Contact::new(), Contact::new(), Contact::new());
        let mut hinted = asks.facts(types::InteractionKind::Message, types::Channel::Messaging);
        hinted.routing = Some(types::RoutingHint {
            queue: "care".into(),
            required_skills: vec!["dutch".into()],
            priority: types::Priority::High.into(),
        });
        let mut quiet = silent.facts(types::InteractionKind::Visit, types::Channel::Store);
        quiet.asks_for_agent = false;
        let mut old = history.facts(types::InteractionKind::Message, types::Channel::Email);
        old.history = true;
        let told = [
            silent.linked(quiet),
            history.linked(old),
            asks.linked(hinted),
        ];
        interactions.tell(bench.tenant, &told).await;
        let ticket = &tickets(&bench, &pb::ListTicketsRequest::default(), 1).await[0];
        assert_eq!(
            (&ticket.queue_id, ticket.priority()),
            (&care.id, types::Priority::High)
        );
        assert_eq!(ticket.customer.as_ref(), Some(&asks.customer));
        assert_eq!(
            (ticket.purpose(), ticket.required_skills.as_slice()),
            (types::Purpose::Support, &["dutch".to_owned()][..])
        );
        work(&bench, ticket, &[pb::WorkItemState::Waiting]).await;
        assert_eq!(
            bench.work_of(ticket).await[0].interaction_id,
            asks.interaction.to_string()
        );
        let opened = bench.log_with("ticket_opened").await;
        let facts = opened.iter().find_map(|event| match &event.data {
            Some(Data::TicketOpened(opened)) => opened.ticket.clone(),
            _ => None,
        });
        assert_eq!(facts.unwrap().customer.as_ref(), Some(&asks.customer));
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_open_ticket_of_the_conversation_gets_the_work() {
    everywhere(async |bench: Bench| {
        let interactions = Teller::of(&bench, Role::Interactions).await;
        let first = Contact::new();
        let (second, call) = (first.next(), first.next());
        interactions
            .tell(
                bench.tenant,
                &[first.message(), second.message(), call.call()],
            )
            .await;
        // The second message asks for nobody new while the first still does; the call does.
        let ticket = asked_for_twice(&bench, &first).await;
        let resolve = pb::ResolveTicketRequest {
            request_id: crate::bench::request_id(),
            ticket_id: ticket.id.clone(),
            ..Default::default()
        };
        bench
            .tickets()
            .resolve_ticket(bench.boss(resolve))
            .await
            .unwrap();
        interactions
            .tell(bench.tenant, &[first.next().message()])
            .await;
        tickets(&bench, &first.of_conversation(), 2).await;
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_call_asks_for_outlives_a_change_of_its_ticket() {
    everywhere(async |bench: Bench| {
        let interactions = Teller::of(&bench, Role::Interactions).await;
        let first = Contact::new();
        let second = first.next();
        let call = second.linked(events::InteractionFacts {
            routing: Some(types::RoutingHint {
                queue: String::new(),
                required_skills: vec!["tagalog".into()],
                priority: types::Priority::Urgent.into(),
            }),
            ..second.facts(types::InteractionKind::Call, types::Channel::Phone)
        });
        interactions
            .tell(bench.tenant, &[first.message(), call])
            .await;
        let ticket = asked_for_twice(&bench, &first).await;
        let request = pb::UpdateTicketRequest {
            request_id: crate::bench::request_id(),
            ticket_id: ticket.id.clone(),
            ticket: Some(pb::Ticket {
                priority: types::Priority::High.into(),
                required_skills: vec!["refunds".into()],
                ..Default::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["priority".into(), "required_skills".into()],
            }),
            ..Default::default()
        };
        let update = bench.tickets().update_ticket(bench.boss(request)).await;
        update.unwrap();
        let work = bench.work_of(&ticket).await;
        let asked = |channel: types::Channel| {
            let of = work.iter().find(|work| work.channel() == channel).unwrap();
            (of.priority(), of.required_skills.clone())
        };
        let (priority, skills) = asked(types::Channel::Messaging);
        assert_eq!(priority, types::Priority::High);
        assert_eq!(skills, ["refunds"]);
        let (priority, skills) = asked(types::Channel::Phone);
        assert_eq!(priority, types::Priority::Urgent);
        assert_eq!(skills, ["refunds", "tagalog"]);
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hang_up_abandons_what_waits_whichever_is_heard_first() {
    everywhere(async |bench: Bench| {
        let interactions = Teller::of(&bench, Role::Interactions).await;
        let (usual, overtaken) = (Contact::new(), Contact::new());
        let told = [
            usual.call(),
            usual.ended(),
            overtaken.ended(),
            overtaken.call(),
        ];
        interactions.tell(bench.tenant, &told[..1]).await;
        let waiting = tickets(&bench, &usual.of_conversation(), 1).await;
        work(&bench, &waiting[0], &[pb::WorkItemState::Waiting]).await;
        interactions.tell(bench.tenant, &told[1..3]).await;
        work(&bench, &waiting[0], &[pb::WorkItemState::Abandoned]).await;
        interactions.tell(bench.tenant, &told[3..]).await;
        let ticket = tickets(&bench, &overtaken.of_conversation(), 1).await;
        work(&bench, &ticket[0], &[pb::WorkItemState::Abandoned]).await;
        eventually("both are in the log", async || {
            let events = bench.log_with("work_item_abandoned").await;
            let count = |kind: &str| events.iter().filter(|event| event.r#type == kind).count();
            (count("work_item_queued") == 2 && count("work_item_abandoned") == 2).then_some(())
        })
        .await;
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_found_later_and_merged_later_is_found_by_both_names() {
    everywhere(async |bench: Bench| {
        let interactions = Teller::of(&bench, Role::Interactions).await;
        let profiles = Teller::of(&bench, Role::Profiles).await;
        let contact = Contact::new();
        interactions.tell(bench.tenant, &[contact.pending()]).await;
        let ticket = tickets(&bench, &contact.of_conversation(), 1).await;
        assert_eq!(ticket[0].customer, None);
        let linked = events::CustomerLinked {
            interaction: Some(
                contact.facts(types::InteractionKind::Message, types::Channel::Email),
            ),
            customer: Some(contact.customer.clone()),
        };
        let told = (
            contact.interaction.to_string(),
            Data::CustomerLinked(linked),
        );
        interactions.tell(bench.tenant, &[told]).await;
        tickets(&bench, &contact.of_customer(), 1).await;

        let remains = CustomerId::new(Clock::system().now()).to_string();
        let merged = events::CustomersMerged {
            customer_id: remains.clone(),
            merged_customer_id: contact.customer.customer_id.clone(),
            moves: vec![events::RecordMove {
                record_id: contact.customer.record_id.clone(),
                customer_id: remains.clone(),
            }],
        };
        profiles
            .tell(
                bench.tenant,
                &[(remains.clone(), Data::CustomersMerged(merged))],
            )
            .await;
        let of_remaining = pb::ListTicketsRequest {
            customer_id: remains.clone(),
            ..Default::default()
        };
        let ticket = tickets(&bench, &of_remaining, 1).await;
        let customer = ticket[0].customer.clone().unwrap();
        assert_eq!(
            (customer.customer_id, customer.record_id),
            (remains, contact.customer.record_id.clone())
        );
        assert_eq!(bench.list_tickets(contact.of_customer()).await, []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_events_become_a_thousand_tickets_once() {
    everywhere(async |bench: Bench| {
        let interactions = Teller::of(&bench, Role::Interactions).await;
        let told: Vec<_> = (0..1_000).map(|_| Contact::new().message()).collect();
        interactions.tell(bench.tenant, &told).await;
        let full = pb::ListTicketsRequest {
            page_size: 1_000,
            ..Default::default()
        };
        tickets(&bench, &full, 1_000).await;
        let other = bench.another().await;
        let last = Contact::new();
        interactions.tell(bench.tenant, &[last.message()]).await;
        tickets(&other, &last.of_conversation(), 1).await;
        let page = bench
            .tickets()
            .list_tickets(bench.boss(full))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(
            (page.tickets.len(), page.next_page_token.is_empty()),
            (1_000, false)
        );
        bench.verified().await;
    })
    .await;
}

/// That one conversation became part of another.
fn merged(change: ConversationChangeId, whole: &Contact, part: &Contact) -> (String, Data) {
    let merged = events::ConversationsMerged {
        change_id: change.to_string(),
        conversation_id: whole.conversation.to_string(),
        merged_conversation_id: part.conversation.to_string(),
        ..Default::default()
    };
    (change.to_string(), Data::ConversationsMerged(merged))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_finds_the_ticket_of_whatever_its_conversation_is_made_of() {
    everywhere(async |bench: Bench| {
        let teller = Teller::of(&bench, Role::Interactions).await;
        let now = Clock::system().now();
        let (first, second, third) = (Contact::new(), Contact::new(), Contact::new());
        teller.tell(bench.tenant, &[first.message()]).await;
        let ticket = tickets(&bench, &first.of_conversation(), 1).await.remove(0);
        // One became part of another, and that of a third; what comes then names the whole of it.
        let (one, two) = (
            ConversationChangeId::new(now),
            ConversationChangeId::new(now),
        );
        let calls = [
            merged(one, &second, &first),
            merged(two, &third, &second),
            third.next().call(),
        ];
        teller.tell(bench.tenant, &calls).await;
        asked_for_twice(&bench, &first).await;
        for whole in [&second, &third] {
            let found = tickets(&bench, &whole.of_conversation(), 1).await.remove(0);
            assert_eq!(found.id, ticket.id);
        }
        // Two again: what comes to the third now is another matter.
        let undone = events::ConversationChangeUndone {
            change_id: two.to_string(),
            conversation_id: third.conversation.to_string(),
            other_conversation_id: second.conversation.to_string(),
        };
        let undone = (two.to_string(), Data::ConversationChangeUndone(undone));
        teller.tell(bench.tenant, &[undone]).await;
        tickets(&bench, &third.of_conversation(), 0).await;
        teller.tell(bench.tenant, &[third.next().call()]).await;
        let theirs = tickets(&bench, &third.of_conversation(), 1).await.remove(0);
        assert_ne!(theirs.id, ticket.id);
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_customer_is_forgotten_in_words_and_the_tickets_stay() {
    everywhere(async |bench: Bench| {
        let teller = Teller::of(&bench, Role::Interactions).await;
        let queue = bench.queue("care").await;
        let (contact, other) = (Contact::new(), Contact::new());
        let told = async |contact: &Contact| {
            let ticket = pb::Ticket {
                subject: "No tone".into(),
                description: "since yesterday".into(),
                queue_id: queue.id.clone(),
                customer: Some(contact.customer.clone()),
                ..Default::default()
            };
            let request = pb::CreateTicketRequest {
                request_id: request_id(),
                ticket: Some(ticket),
                ..Default::default()
            };
            let made = bench.tickets().create_ticket(bench.boss(request)).await;
            made.unwrap().into_inner().ticket.unwrap()
        };
        let (gone, kept) = (told(&contact).await, told(&other).await);
        let erased = events::CustomerErased {
            customer_id: contact.customer.customer_id.clone(),
            record_ids: vec![contact.customer.record_id.clone()],
            interaction_count: 1,
        };
        let erased = (
            contact.customer.customer_id.clone(),
            Data::CustomerErased(erased),
        );
        teller.tell(bench.tenant, &[erased]).await;
        let forgotten = eventually("its words are gone", async || {
            let all = tickets(&bench, &contact.of_customer(), 1).await;
            all.into_iter().find(|one| one.subject.is_empty())
        })
        .await;
        assert_eq!(
            (forgotten.id, forgotten.description, forgotten.state),
            (gone.id, String::new(), gone.state)
        );
        let kept = tickets(&bench, &other.of_customer(), 1).await.remove(0).id == kept.id;
        assert!(kept);
    })
    .await;
}
