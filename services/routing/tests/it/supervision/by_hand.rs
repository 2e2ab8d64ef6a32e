//! What supervisors decide about work by hand.

use rapport_proto::routing::v1 as pb;
use tonic::{Code, Status};

use crate::bench::{Bench, everywhere, reason, request_id};

fn to(agent: &pb::Agent) -> pb::Handing {
    pb::Handing {
        agent_id: agent.id.clone(),
        ..pb::Handing::default()
    }
}

fn forced(agent: &pb::Agent) -> pb::Handing {
    pb::Handing {
        forced: true,
        ..to(agent)
    }
}

fn assigning(item: &pb::WorkItem, to: pb::Handing) -> pb::AssignWorkItemRequest {
    pb::AssignWorkItemRequest {
        request_id: request_id(),
        work_item_id: item.id.clone(),
        to: Some(to),
        reason: "They know the matter".into(),
    }
}

async fn assign(bench: &Bench, request: pb::AssignWorkItemRequest) -> Result<pb::WorkItem, Status> {
    let answer = bench
        .supervision()
        .assign_work_item(bench.boss(request))
        .await?;
    Ok(answer.into_inner().work_item.unwrap())
}

async fn release(
    bench: &Bench,
    item: &pb::WorkItem,
    to: Option<pb::Handing>,
) -> Result<pb::WorkItem, Status> {
    let request = pb::ReleaseWorkItemRequest {
        request_id: request_id(),
        work_item_id: item.id.clone(),
        to,
        reason: "They are ill".into(),
    };
    let answer = bench
        .supervision()
        .release_work_item(bench.boss(request))
        .await?;
    Ok(answer.into_inner().work_item.unwrap())
}

async fn shift(bench: &Bench, item: &pb::WorkItem, queue: &str) -> Result<pb::WorkItem, Status> {
    let request = pb::MoveWorkItemRequest {
        request_id: request_id(),
        work_item_id: item.id.clone(),
        queue_id: queue.into(),
        priority: 0,
        reason: "It is about sales".into(),
    };
    let answer = bench
        .supervision()
        .move_work_item(bench.boss(request))
        .await?;
    Ok(answer.into_inner().work_item.unwrap())
}

/// What the history tells of decisions by hand, oldest first: field, from what, to what, who, why.
async fn told(bench: &Bench, ticket: &pb::Ticket) -> Vec<[String; 5]> {
    let request = pb::ListTicketChangesRequest {
        ticket_id: ticket.id.clone(),
        ..Default::default()
    };
    let changes = bench
        .tickets()
        .list_ticket_changes(bench.boss(request))
        .await
        .unwrap();
    let changes = changes.into_inner().ticket_changes.into_iter().rev();
    let by_hand = changes.filter(|change| change.field.starts_with("work_item."));
    by_hand
        .map(|c| [c.field, c.old_value, c.new_value, c.principal, c.reason])
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn assigned_work_is_before_one_agent_and_the_history_tells_who_wanted_it() {
    everywhere(async |bench: Bench| {
        let care = bench.queue("care").await;
        let (ana, mut first) = bench.at_work("ana", &care).await;
        let ticket = bench.ticket(&care).await;
        first.offer().await;
        let (ben, mut second) = bench.at_work("ben", &care).await;
        let item = bench.work_of(&ticket).await.remove(0);
        let request = assigning(&item, to(&ben));
        let assigned = assign(&bench, request.clone()).await.unwrap();
        assert_eq!(
            (assigned.agent_id.as_str(), assigned.state()),
            (ben.id.as_str(), pb::WorkItemState::Offered)
        );
        let end = first.offer_end().await;
        assert_eq!(end.work_item_id, item.id);
        assert_eq!(second.offer().await.id, assigned.offer_id);
        // The same call with the same id has one effect.
        assert_eq!(
            assign(&bench, request).await.unwrap().offer_id,
            assigned.offer_id
        );
        let forced = assign(&bench, assigning(&item, forced(&ana)))
            .await
            .unwrap();
        assert_eq!(
            (forced.agent_id.as_str(), forced.state()),
            (ana.id.as_str(), pb::WorkItemState::Accepted)
        );
        assert!(!forced.over_capacity);
        let id = &item.id;
        let row = |old: &str, new: &str| {
            let [field, who, why] = ["work_item.agent_id", "boss", "They know the matter"];
            [field, old, new, who, why].map(str::to_owned)
        };
        assert_eq!(
            told(&bench, &ticket).await,
            [
                row(&format!("{id},{}", ana.id), &format!("{id},{}", ben.id)),
                row(
                    &format!("{id},{}", ben.id),
                    &format!("{id},{},forced", ana.id)
                ),
            ]
        );
        let read = pb::GetTicketRequest {
            ticket_id: ticket.id.clone(),
        };
        let owned = bench.tickets().get_ticket(bench.boss(read)).await.unwrap();
        assert_eq!(owned.into_inner().ticket.unwrap().owner_agent_id, ana.id);
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_an_agent_takes_is_theirs_by_hand_alone_and_says_so() {
    everywhere(async |bench: Bench| {
        let care = bench.queue("care").await;
        let (ana, mut desk) = bench.at_work("ana", &care).await;
        bench.ticket(&care).await;
        let offer = desk.offer().await;
        bench.accept(&offer.id).await.unwrap();
        let ticket = bench.ticket(&care).await;
        let item = bench.work_of(&ticket).await.remove(0);
        let refused = assign(&bench, assigning(&item, forced(&ana)))
            .await
            .unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::FailedPrecondition, "NO_CAPACITY")
        );
        let beyond = pb::Handing {
            over_capacity: true,
            ..forced(&ana)
        };
        let taken = assign(&bench, assigning(&item, beyond)).await.unwrap();
        assert!(taken.over_capacity);
        assert!(told(&bench, &ticket).await[0][2].ends_with(",forced,over_capacity"));
        bench.verified().await;
        // A new owner knows it, too.
        let bench = crate::restart::stop(bench).await.another().await;
        assert!(bench.work_item(&item.id).await.over_capacity);
        bench.ticket(&care).await;
        bench.verified().await;
        let back = release(&bench, &item, None).await.unwrap();
        assert!(!back.over_capacity);
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_is_taken_out_of_an_agents_hands_and_keeps_its_age() {
    everywhere(async |bench: Bench| {
        let (care, sales) = (bench.queue("care").await, bench.queue("sales").await);
        let (ana, mut desk) = bench.at_work("ana", &care).await;
        let ticket = bench.ticket(&care).await;
        let offer = desk.offer().await;
        let item = bench.accept(&offer.id).await.unwrap();
        let moved = shift(&bench, &item, &sales.id).await.unwrap();
        assert_eq!(
            (moved.state(), &moved.queue_id),
            (pb::WorkItemState::Waiting, &sales.id)
        );
        assert_eq!(
            (moved.queue_time, moved.answer_time),
            (item.queue_time, item.accept_time)
        );
        let (ben, _desk) = bench.at_work("ben", &sales).await;
        let again = bench.work_item(&item.id).await;
        assert_eq!(again.agent_id, ben.id);
        let taken = bench.accept(&again.offer_id).await.unwrap();
        let back = release(&bench, &taken, Some(forced(&ana))).await.unwrap();
        assert_eq!(
            (back.agent_id.as_str(), back.state()),
            (ana.id.as_str(), pb::WorkItemState::Accepted)
        );
        let rows = told(&bench, &ticket).await;
        let id = &item.id;
        assert_eq!(
            rows[0][..3],
            [
                "work_item.queue_id",
                &format!("{id},{}", care.id),
                &format!("{id},{}", sales.id)
            ]
        );
        assert_eq!(
            rows[1][..3],
            [
                "work_item.agent_id",
                &format!("{id},{}", ben.id),
                &format!("{id},{},forced", ana.id)
            ]
        );
        assert_eq!(
            (rows[0][4].as_str(), rows[1][4].as_str()),
            ("It is about sales", "They are ill")
        );
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_possible_is_told_by_its_reason() {
    everywhere(async |bench: Bench| {
        let care = bench.queue("care").await;
        let ana = bench.hire("ana", &care).await;
        let ticket = bench.ticket(&care).await;
        let item = bench.work_of(&ticket).await.remove(0);
        let why = |refused: Status| reason(&refused);
        let refused = assign(&bench, assigning(&item, to(&ana)))
            .await
            .unwrap_err();
        assert_eq!(why(refused), "AGENT_NOT_PRESENT");
        let _desk = bench.desk(&ana).await;
        let refused = assign(&bench, assigning(&item, forced(&ana)))
            .await
            .unwrap_err();
        assert_eq!(why(refused), "AGENT_NOT_AVAILABLE");
        assert_eq!(
            why(release(&bench, &item, None).await.unwrap_err()),
            "WORK_NOT_ACCEPTED"
        );
        let full = bench
            .queue_like(pb::Queue {
                code: "full".into(),
                display_name: "Full".into(),
                most_waiting: Some(0),
                ..pb::Queue::default()
            })
            .await;
        assert_eq!(
            why(shift(&bench, &item, &full.id).await.unwrap_err()),
            "QUEUE_FULL"
        );
        let nobody = pb::Agent {
            id: "agt_00000000000000000000000000".into(),
            ..pb::Agent::default()
        };
        let refused = assign(&bench, assigning(&item, to(&nobody)))
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::NotFound);
        let malformed = pb::AssignWorkItemRequest {
            request_id: "nope".into(),
            work_item_id: "nope".into(),
            ..Default::default()
        };
        let refused = assign(&bench, malformed).await.unwrap_err();
        let fields: Vec<_> = tonic_types::StatusExt::get_details_bad_request(&refused)
            .unwrap()
            .field_violations
            .into_iter()
            .map(|violation| violation.field)
            .collect();
        assert_eq!(fields, ["request_id", "work_item_id", "to", "reason"]);
        assert_eq!(told(&bench, &ticket).await, Vec::<[String; 5]>::new());
        let foreign = bench
            .supervision()
            .assign_work_item(bench.stranger(assigning(&item, to(&ana))))
            .await
            .unwrap_err();
        assert_eq!(foreign.code(), Code::NotFound);
    })
    .await;
}
