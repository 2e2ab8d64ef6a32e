use rapport_foundation::events::Data;
use rapport_foundation::id::{ConversationId, CustomerId, InteractionId, RecordId};
use rapport_foundation::role::Role;
use rapport_foundation::testing::eventually;
use rapport_foundation::time::Clock;
use rapport_proto::events::v1 as events;
use rapport_proto::types::v1 as types;

use super::*;
use crate::bench::Teller;

fn somebody() -> types::CustomerRef {
    let now = Clock::system().now();
    types::CustomerRef {
        customer_id: CustomerId::new(now).to_string(),
        record_id: RecordId::new(now).to_string(),
    }
}

/// A ticket with a reason, a note and facts of another system.
async fn told_of(bench: &Bench, customer: &types::CustomerRef) -> pb::Ticket {
    let request = pb::CreateTicketRequest {
        request_id: request_id(),
        ticket: Some(pb::Ticket {
            customer: Some(customer.clone()),
            attributes: [("caller".to_owned(), "2403".to_owned())].into(),
            ..Default::default()
        }),
        work_channel: 0,
    };
    let answer = bench.tickets().create_ticket(bench.boss(request)).await;
    let ticket = answer.unwrap().into_inner().ticket.unwrap();
    let new = pb::Ticket {
        category: "network".into(),
        ..Default::default()
    };
    let request = update(&ticket, new, &["category"], "she said so");
    bench
        .tickets()
        .update_ticket(bench.boss(request))
        .await
        .unwrap();
    let asked = bench.boss(noted(&ticket, "she lives alone"));
    bench.tickets().add_ticket_note(asked).await.unwrap();
    ticket
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_of_an_erased_customer_is_forgotten_and_what_happened_is_not() {
    everywhere(async |bench: Bench| {
        let teller = Teller::of(&bench, Role::Interactions).await;
        let (gone, stays) = (somebody(), somebody());
        let (forgotten, kept) = (told_of(&bench, &gone).await, told_of(&bench, &stays).await);
        let erased = events::CustomerErased {
            customer_id: gone.customer_id.clone(),
            record_ids: vec![gone.record_id.clone()],
            interaction_count: 1,
        };
        let erased = (gone.customer_id.clone(), Data::CustomerErased(erased));
        teller.tell(bench.tenant, &[erased]).await;
        eventually("the note is empty", async || {
            let notes = notes(&bench, &forgotten.id).await;
            notes[0].text.is_empty().then_some(())
        })
        .await;
        let read = async |ticket: &pb::Ticket| {
            let request = pb::GetTicketRequest {
                ticket_id: ticket.id.clone(),
            };
            let answer = bench.tickets().get_ticket(bench.boss(request)).await;
            answer.unwrap().into_inner().ticket.unwrap()
        };
        assert!(read(&forgotten).await.attributes.is_empty());
        let told = changes(&bench, &forgotten.id, "category").await;
        assert_eq!(
            (told[0].reason.as_str(), line(&told[0])),
            ("", "category >network".into())
        );
        assert_eq!(told[0].principal, "boss", "who did it is no secret of hers");
        assert_eq!(read(&kept).await.attributes["caller"], "2403");
        assert_eq!(
            changes(&bench, &kept.id, "category").await[0].reason,
            "she said so"
        );
        assert_eq!(notes(&bench, &kept.id).await[0].text, "she lives alone");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_before_anybody_was_recognised_is_forgotten_too() {
    everywhere(async |bench: Bench| {
        let teller = Teller::of(&bench, Role::Interactions).await;
        let now = Clock::system().now();
        let (interaction, customer) = (InteractionId::new(now).to_string(), somebody());
        let facts = events::InteractionFacts {
            interaction_id: interaction.clone(),
            conversation_id: ConversationId::new(now).to_string(),
            kind: types::InteractionKind::Message.into(),
            channel: types::Channel::Email.into(),
            direction: types::Direction::Inbound.into(),
            asks_for_agent: true,
            ..Default::default()
        };
        let pending = events::InteractionLinked {
            interaction: Some(facts.clone()),
            customer: None,
            pending: true,
        };
        let pending = (interaction.clone(), Data::InteractionLinked(pending));
        teller.tell(bench.tenant, &[pending]).await;
        let ticket = eventually("the ticket is there", async || {
            let all = bench.list_tickets(pb::ListTicketsRequest::default()).await;
            all.into_iter().next()
        })
        .await;
        let asked = bench.boss(noted(&ticket, "a woman from Bogor"));
        bench.tickets().add_ticket_note(asked).await.unwrap();
        let known = events::CustomerLinked {
            interaction: Some(facts),
            customer: Some(customer.clone()),
        };
        let known = (interaction, Data::CustomerLinked(known));
        teller.tell(bench.tenant, &[known]).await;
        eventually("she is recognised", async || {
            let told = changes(&bench, &ticket.id, "customer").await;
            told.first()
                .map(|change| assert_eq!(change.new_value, customer.record_id))
        })
        .await;
        assert_eq!(
            notes(&bench, &ticket.id).await[0].text,
            "a woman from Bogor"
        );
        let erased = events::CustomerErased {
            customer_id: customer.customer_id.clone(),
            record_ids: vec![customer.record_id.clone()],
            interaction_count: 1,
        };
        let erased = (customer.customer_id.clone(), Data::CustomerErased(erased));
        teller.tell(bench.tenant, &[erased]).await;
        eventually("the note is empty", async || {
            let notes = notes(&bench, &ticket.id).await;
            notes[0].text.is_empty().then_some(())
        })
        .await;
    })
    .await;
}
