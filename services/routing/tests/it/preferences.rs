//! For whom work is kept, and hours of queues.

use rapport_foundation::id::CalendarId;
use rapport_foundation::role::Role;
use rapport_foundation::time::Micros;
use rapport_proto::routing::v1 as pb;
use rapport_proto::types::v1 as types;
use tonic::Code;

use crate::bench::{Bench, Teller, everywhere, reason, request_id};
use crate::intake::{Contact, tickets, work};
use crate::sla::{everywhere_at, office, stamp};

/// The default queue, which keeps work for who had the customer last.
fn personal() -> pb::Queue {
    pb::Queue {
        code: "default".into(),
        display_name: "Default".into(),
        preference: pb::AgentPreference::LastAgent.into(),
        preference_timeout_s: 600,
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_comes_to_who_had_them_last_as_long_as_they_are_at_work() {
    everywhere(async |bench: Bench| {
        let queue = bench.queue_like(personal()).await;
        assert_eq!(queue.preference_timeout_s, 600);
        let interactions = Teller::of(&bench, Role::Interactions).await;
        let (ana, mut hers) = bench.at_work("ana", &queue).await;
        let first = Contact::new();
        interactions.tell(bench.tenant, &[first.call()]).await;
        let item = bench.accept(&hers.offer().await.id).await.unwrap();
        let (ben, mut his) = bench.at_work("ben", &queue).await;

        // Another matter of the same customer, while ana has her hands full and ben has none.
        let second = Contact {
            customer: first.customer.clone(),
            ..Contact::new()
        };
        interactions.tell(bench.tenant, &[second.call()]).await;
        let ticket = tickets(&bench, &second.of_conversation(), 1)
            .await
            .remove(0);
        work(&bench, &ticket, &[pb::WorkItemState::Waiting]).await;
        let kept = bench.work_of(&ticket).await.remove(0);
        assert_eq!(kept.kept_for_agent_id, ana.id);
        let request = pb::CompleteWorkRequest {
            request_id: request_id(),
            work_item_id: item.id.clone(),
            skip_wrap_up: true,
            ..Default::default()
        };
        let done = bench.work_items().complete_work(bench.boss(request)).await;
        done.unwrap();
        assert_eq!(hers.offer().await.work_item.unwrap().id, kept.id);

        // Nobody waits for who is away, or for who was never asked.
        bench.set_status(&ana, pb::AgentStatus::Away).await;
        let third = Contact {
            customer: first.customer.clone(),
            ..Contact::new()
        };
        interactions.tell(bench.tenant, &[third.call()]).await;
        let ticket = tickets(&bench, &third.of_conversation(), 1).await.remove(0);
        // What she had to give back was offered to ben, who takes both in their turn.
        let offer = his.offer().await;
        assert_eq!(offer.agent_id, ben.id);
        let unkept = bench.work_of(&ticket).await.remove(0);
        assert_eq!(unkept.kept_for_agent_id, "");
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_of_its_hours_a_queue_sends_on_what_comes() {
    // A Monday at ten in Berlin, where the queue is open from nine to noon and from one to five.
    everywhere_at("2026-03-30T08:00:00Z", async |bench: Bench| {
        let calendar = bench.calendar(office()).await.unwrap();
        let night = bench.queue("night").await;
        let day = pb::Queue {
            code: "default".into(),
            display_name: "Day".into(),
            opening_calendar_id: calendar.id.clone(),
            ..Default::default()
        };
        let nowhere = CalendarId::new(Micros::from_secs(1)).to_string();
        let request = pb::CreateQueueRequest {
            request_id: request_id(),
            queue: Some(pb::Queue {
                opening_calendar_id: nowhere,
                ..day.clone()
            }),
        };
        let refused = bench.queues().create_queue(bench.boss(request)).await;
        assert_eq!(refused.unwrap_err().code(), Code::NotFound);
        let day = bench.queue_like(day).await;
        assert!(day.open && night.open && night.open_turn_time.is_none());
        assert_eq!(day.open_turn_time, stamp("2026-03-30T10:00:00Z"));
        let ticket = bench.asks(&day, types::Channel::Phone).await.unwrap();
        assert_eq!(bench.work_of(&ticket).await[0].queue_id, day.id);

        bench.it_is("2026-03-30T10:30:00Z");
        let refused = bench.asks(&day, types::Channel::Phone).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::ResourceExhausted, "QUEUE_CLOSED")
        );
        // A contact that came in is not lost.
        let interactions = Teller::of(&bench, Role::Interactions).await;
        let contact = Contact::new();
        interactions.tell(bench.tenant, &[contact.message()]).await;
        let ticket = tickets(&bench, &contact.of_conversation(), 1).await;
        work(&bench, &ticket[0], &[pb::WorkItemState::Waiting]).await;
        let request = pb::UpdateQueueRequest {
            request_id: request_id(),
            queue_id: day.id.clone(),
            queue: Some(pb::Queue {
                overflow_queue_id: night.id.clone(),
                ..Default::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["overflow_queue_id".into()],
            }),
            ..Default::default()
        };
        let changed = bench.queues().update_queue(bench.boss(request)).await;
        let changed = changed.unwrap().into_inner().queue.unwrap();
        assert!(!changed.open);
        assert_eq!(changed.open_turn_time, stamp("2026-03-30T11:00:00Z"));
        let ticket = bench.asks(&day, types::Channel::Phone).await.unwrap();
        assert_eq!(bench.work_of(&ticket).await[0].queue_id, night.id);
        // Whoever asks to be called is called once it is open.
        let caller = Contact::new();
        let mut facts = caller.facts(types::InteractionKind::Call, types::Channel::Phone);
        facts.connector = "pbx".into();
        facts.routing = Some(types::RoutingHint {
            queue: "late".into(),
            ..Default::default()
        });
        let late = pb::Queue {
            code: "late".into(),
            display_name: "Late".into(),
            opening_calendar_id: calendar.id.clone(),
            commanded: true,
            ..Default::default()
        };
        bench.queue_like(late).await;
        interactions
            .tell(bench.tenant, &[caller.linked(facts)])
            .await;
        tickets(&bench, &caller.of_conversation(), 1).await;
        let request = pb::RequestCallbackRequest {
            request_id: request_id(),
            interaction_id: caller.interaction.to_string(),
            ..Default::default()
        };
        let request = bench.boss(request);
        let asked = bench.work_items().request_callback(request).await;
        let asked = asked.unwrap().into_inner().work_item.unwrap();
        assert_eq!(
            asked.callback.unwrap().pause_until_time,
            stamp("2026-03-30T11:00:00Z")
        );
        bench.it_is("2026-03-30T11:00:00Z");
        let ticket = bench.asks(&day, types::Channel::Phone).await.unwrap();
        assert_eq!(bench.work_of(&ticket).await[0].queue_id, day.id);
    })
    .await;
}
