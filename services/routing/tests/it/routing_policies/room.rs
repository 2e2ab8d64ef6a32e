//! Whether there is room where a policy sends work is asked with all that its target demands: somebody free who lacks that
//! makes none.

use super::*;
use crate::bench::Desk;

/// A queue that is full, and somebody free in it who does not hold what the policy's target there demands.
async fn full(bench: &Bench, overflow: Option<&pb::Queue>) -> (pb::Queue, Desk) {
    let care = pb::Queue {
        code: "care".into(),
        display_name: "Care".into(),
        most_waiting: Some(1),
        overflow_queue_id: overflow.map(|queue| queue.id.clone()).unwrap_or_default(),
        ..Default::default()
    };
    let care = bench.queue_like(care).await;
    let agent = bench.hire("ana", &care).await;
    let desk = bench.desk(&agent).await;
    bench.set_status(&agent, pb::AgentStatus::Available).await;
    let target = pb::RoutingTarget {
        required_skills: vec!["dutch".into()],
        ..to(&care)
    };
    bench.route(vec![filter("all", "true", vec![target])]).await;
    bench.open_ticket(pb::Ticket::default()).await;
    (care, desk)
}

/// The work of a contact that the policy puts.
async fn called(bench: &Bench) -> pb::WorkItem {
    let contact = Contact::new();
    let teller = Teller::of(bench, Role::Interactions).await;
    teller.tell(bench.tenant, &[contact.call()]).await;
    let ticket = tickets(bench, &contact.of_conversation(), 1)
        .await
        .remove(0);
    let work = bench.work_of(&ticket).await;
    assert_eq!(work.len(), 1, "it is not left without work");
    work[0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_waits_in_a_full_queue_whose_free_agent_lacks_what_its_target_demands() {
    everywhere(async |bench: Bench| {
        let (care, _desk) = full(&bench, None).await;
        let work = called(&bench).await;
        assert_eq!(
            (&work.queue_id, work.state(), work.required_skills),
            (
                &care.id,
                pb::WorkItemState::Waiting,
                vec!["dutch".to_owned()]
            )
        );
        // Who asks by hand is refused, and leaves no ticket.
        let refused = bench.try_to_open(pb::Ticket::default()).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::ResourceExhausted, "QUEUE_FULL")
        );
        assert_eq!(bench.list_tickets(Default::default()).await.len(), 2);
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_finds_its_target_full_goes_where_the_queue_overflows() {
    everywhere(async |bench: Bench| {
        let other = bench.queue("other").await;
        let (_, _desk) = full(&bench, Some(&other)).await;
        assert_eq!(called(&bench).await.queue_id, other.id);
        let by_hand = bench.open_ticket(pb::Ticket::default()).await;
        assert_eq!(bench.work_of(&by_hand).await[0].queue_id, other.id);
        bench.verified().await;
    })
    .await;
}
