//! Customers who have to come again.

use rapport_foundation::events::Data;
use rapport_foundation::role::Role;
use rapport_proto::routing::v1 as pb;
use rapport_proto::types::v1 as types;
use tonic::{Code, Status};

use crate::bench::{Bench, Teller, everywhere, reason, request_id};
use crate::history::changes;
use crate::intake::{Contact, tickets};
use crate::sla::everywhere_at;

impl Bench {
    async fn repeat_within(&self, within_s: i32, etag: &str) -> Result<pb::RepeatRule, Status> {
        let request = pb::SetRepeatRuleRequest {
            request_id: request_id(),
            repeat_rule: Some(pb::RepeatRule {
                within_s,
                etag: etag.into(),
            }),
        };
        let answer = self
            .repeat_rules()
            .set_repeat_rule(self.boss(request))
            .await?;
        Ok(answer.into_inner().repeat_rule.unwrap())
    }

    /// A ticket of this customer, about this.
    async fn about(&self, customer: &types::CustomerRef, category: &str) -> pb::Ticket {
        let request = pb::CreateTicketRequest {
            request_id: request_id(),
            ticket: Some(pb::Ticket {
                customer: Some(customer.clone()),
                category: category.into(),
                ..Default::default()
            }),
            ..Default::default()
        };
        let answer = self.tickets().create_ticket(self.boss(request)).await;
        answer.unwrap().into_inner().ticket.unwrap()
    }
}

const DAY: i32 = 24 * 3_600;

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_again_within_the_window_is_marked_and_nobody_else() {
    everywhere_at("2026-03-02T08:00:00Z", async |bench: Bench| {
        let (customer, other) = (Contact::new().customer, Contact::new().customer);
        let first = bench.about(&customer, "network").await;
        assert_eq!(first.repeat_of_ticket_id, "");
        bench.solve(&first).await;
        bench.it_is("2026-03-09T08:00:00Z");
        let again = bench.about(&customer, "network").await;
        assert_eq!(again.repeat_of_ticket_id, first.id);
        for stranger in [
            bench.about(&other, "network").await,
            bench.about(&customer, "billing").await,
        ] {
            assert_eq!(stranger.repeat_of_ticket_id, "");
        }
        bench.solve(&again).await;
        bench.it_is("2026-03-16T08:00:01Z");
        let late = bench.about(&customer, "network").await;
        assert_eq!(late.repeat_of_ticket_id, "", "a second too late");
        let cancel = pb::CancelTicketRequest {
            request_id: request_id(),
            ticket_id: late.id.clone(),
            ..Default::default()
        };
        bench
            .tickets()
            .cancel_ticket(bench.boss(cancel))
            .await
            .unwrap();
        assert_eq!(
            bench.about(&customer, "network").await.repeat_of_ticket_id,
            ""
        );

        let asked = bench.boss(pb::GetRepeatRuleRequest {});
        let usual = bench.repeat_rules().get_repeat_rule(asked).await;
        let usual = usual.unwrap().into_inner().repeat_rule.unwrap();
        assert_eq!(usual.within_s, 7 * DAY);
        let longer = bench.repeat_within(30 * DAY, &usual.etag).await.unwrap();
        let stale = bench.repeat_within(1, &usual.etag).await.unwrap_err();
        assert_eq!(reason(&stale), "ETAG_MISMATCH");
        let still_open = bench.about(&other, "network").await;
        assert_ne!(still_open.repeat_of_ticket_id, "");
        bench.repeat_within(0, &longer.etag).await.unwrap();
        assert_eq!(bench.about(&other, "network").await.repeat_of_ticket_id, "");
        for wrong in [-1, 366 * DAY + 1] {
            let refused = bench.repeat_within(wrong, "").await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument);
        }
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_marked_as_soon_as_its_customer_or_its_reason_is_known() {
    everywhere(async |bench: Bench| {
        let teller = Teller::of(&bench, Role::Interactions).await;
        let first = Contact::new();
        let mut again = Contact::new();
        again.customer = first.customer.clone();
        // Both in one batch: of the same purpose, in conversations of their own.
        teller
            .tell(bench.tenant, &[first.message(), again.message()])
            .await;
        let earlier = tickets(&bench, &first.of_conversation(), 1).await.remove(0);
        let later = tickets(&bench, &again.of_conversation(), 1).await.remove(0);
        assert_eq!(later.repeat_of_ticket_id, earlier.id);
        assert_eq!(earlier.repeat_of_ticket_id, "");
        let events = bench.log_with("ticket_opened").await;
        let told = events.iter().find_map(|event| match event.data.clone()? {
            Data::TicketOpened(opened) => opened.ticket.filter(|t| t.ticket_id == later.id),
            _ => None,
        });
        assert_eq!(told.unwrap().repeat_of_ticket_id, earlier.id);
        // Another reason, until it is said what it is about.
        let third = bench.about(&first.customer, "billing").await;
        let fourth = bench.about(&first.customer, "network").await;
        assert_eq!(fourth.repeat_of_ticket_id, "");
        let new = pb::Ticket {
            category: "billing".into(),
            ..Default::default()
        };
        let told = bench.set(&fourth, new, &["category"]).await.unwrap();
        assert_eq!(told.repeat_of_ticket_id, third.id);
        let marked = changes(&bench, &fourth.id, "repeat_of_ticket_id").await;
        assert_eq!((marked.len(), &marked[0].new_value), (1, &third.id));
        bench.verified().await;
    })
    .await;
}
