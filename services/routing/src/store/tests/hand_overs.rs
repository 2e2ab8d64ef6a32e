use rapport_foundation::id::AgentId;

use super::*;
use crate::domain::HandOver;
use crate::store::Worded;

/// What was said to a bot before anybody was recognised goes with the customer whom its work is about now.
#[tokio::test]
async fn what_was_handed_over_with_work_that_was_taken_out_is_forgotten_with_its_customer() {
    everywhere(async |mut desk: Desk| {
        let queue = queue();
        let (old, new) = (ticket(&queue, None), ticket(&queue, Some(customer())));
        let record = new.customer.unwrap().record;
        let (moved, stays) = (
            work(&old, |_| WorkState::Waiting),
            work(&old, |_| WorkState::Waiting),
        );
        let handed = |item: &WorkItem| Worded {
            what: HandOver {
                item: item.id,
                ticket: old.id,
                agent: AgentId::new(NOW),
                at: NOW,
                entries: vec![("order".parse().unwrap(), "4711".into())],
            },
            record: None,
        };
        desk.decide(&Decision {
            hand_overs: vec![handed(&moved), handed(&stays)],
            tickets: vec![old.clone(), new.clone()],
            items: vec![moved.clone(), stays.clone()],
            ..Decision::default()
        })
        .await;
        desk.decide(&Decision {
            splits: vec![(new.id, vec![moved.id])],
            ..Decision::default()
        })
        .await;
        desk.decide(&Decision {
            erased: vec![record],
            ..Decision::default()
        })
        .await;
        let known = async |item: &WorkItem| {
            let given = desk.store.hand_over(desk.tenant, item.id).await.unwrap();
            given.map(|given| given.entries.len())
        };
        assert_eq!((known(&moved).await, known(&stays).await), (None, Some(1)));
    })
    .await;
}
