//! How long one is told to wait.

use rapport_proto::routing::v1 as pb;
use rapport_proto::types::v1 as types;
use tonic::{Code, Status};

use super::sums;
use crate::bench::{Bench, everywhere, reason, request_id};

async fn estimate(
    bench: &Bench,
    request: pb::EstimateWaitRequest,
) -> Result<pb::WaitEstimate, Status> {
    let answer = bench
        .supervision()
        .estimate_wait(bench.boss(request))
        .await?;
    Ok(answer.into_inner().estimate.unwrap())
}

fn new_in(queue: &pb::Queue) -> pb::EstimateWaitRequest {
    pb::EstimateWaitRequest {
        queue_id: queue.id.clone(),
        channel: types::Channel::Phone.into(),
        ..Default::default()
    }
}

fn of(item: &pb::WorkItem) -> pb::EstimateWaitRequest {
    pb::EstimateWaitRequest {
        work_item_id: item.id.clone(),
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_position_is_told_from_the_first_on_and_the_wait_once_the_line_moved() {
    everywhere(async |bench: Bench| {
        let care = bench.queue("care").await;
        let alone = estimate(&bench, new_in(&care)).await.unwrap();
        assert!(!alone.staffed && !alone.agent_free);
        assert_eq!((alone.position, alone.p50), (1, None), "nothing is known");
        let mut tickets = Vec::new();
        for _ in 0..9 {
            tickets.push(bench.ticket(&care).await);
        }
        let last = bench.work_of(&tickets[8]).await.remove(0);
        let told = estimate(&bench, of(&last)).await.unwrap();
        assert_eq!((told.position, told.staffed, told.p90), (9, false, None));
        let urgent = pb::EstimateWaitRequest {
            priority: types::Priority::Urgent.into(),
            ..new_in(&care)
        };
        assert_eq!(estimate(&bench, urgent).await.unwrap().position, 1);

        let (_ana, mut desk) = bench.at_work("ana", &care).await;
        let mut accepted = Vec::new();
        for _ in 0..7 {
            let offer = desk.offer().await;
            let item = bench.accept(&offer.id).await.unwrap();
            let complete = pb::CompleteWorkRequest {
                request_id: request_id(),
                work_item_id: item.id.clone(),
                skip_wrap_up: true,
                ..Default::default()
            };
            bench
                .work_items()
                .complete_work(bench.boss(complete))
                .await
                .unwrap();
            accepted.push(item);
        }
        let told = estimate(&bench, of(&last)).await.unwrap();
        assert_eq!(
            (told.position, told.staffed, told.agent_free),
            (1, true, false)
        );
        let seconds = |span: Option<prost_types::Duration>| {
            let span = span.unwrap();
            span.seconds as f64 + f64::from(span.nanos) / 1e9
        };
        let (p50, p90) = (seconds(told.p50), seconds(told.p90));
        assert!(0.0 < p50 && p50 < p90, "{p50} {p90}");
        assert_eq!(
            told.coverage.unwrap().estimated,
            0,
            "none could be made when they came"
        );

        // What comes now is told something, and it is counted what became of that.
        let ticket = bench.ticket(&care).await;
        let late = bench.work_of(&ticket).await.remove(0);
        for _ in 0..2 {
            let offer = desk.offer().await;
            let item = bench.accept(&offer.id).await.unwrap();
            let complete = pb::CompleteWorkRequest {
                request_id: request_id(),
                work_item_id: item.id,
                skip_wrap_up: true,
                ..Default::default()
            };
            bench
                .work_items()
                .complete_work(bench.boss(complete))
                .await
                .unwrap();
        }
        let offer = desk.offer().await;
        assert_eq!(offer.work_item.unwrap().id, late.id);
        let told = estimate(&bench, of(&late)).await.unwrap();
        assert_eq!((told.position, told.agent_free), (0, true), "it is offered");
        bench.accept(&offer.id).await.unwrap();
        let coverage = sums(&bench, &care).await.coverage.unwrap();
        assert_eq!(coverage.estimated, 1);
        assert!(coverage.p50.is_some() && coverage.p90.is_some());
        let refused = estimate(&bench, of(&late)).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::FailedPrecondition, "WORK_ACCEPTED")
        );
        let refused = estimate(&bench, of(&accepted[0])).await.unwrap_err();
        assert_eq!(reason(&refused), "WORK_ENDED");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_would_be_asked_at_once_is_told_so() {
    everywhere(async |bench: Bench| {
        let care = bench.queue("care").await;
        let (_ana, _desk) = bench.at_work("ana", &care).await;
        let told = estimate(&bench, new_in(&care)).await.unwrap();
        assert!(told.staffed && told.agent_free);
        let skilled = pb::EstimateWaitRequest {
            required_skills: vec!["dutch".into()],
            ..new_in(&care)
        };
        let told = estimate(&bench, skilled).await.unwrap();
        assert!(!told.staffed && !told.agent_free);
        let both = pb::EstimateWaitRequest {
            work_item_id: "wki_00000000000000000000000000".into(),
            ..new_in(&care)
        };
        let refused = estimate(&bench, both).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        let neither = estimate(&bench, Default::default()).await.unwrap_err();
        assert_eq!(neither.code(), Code::InvalidArgument);
        let foreign = bench
            .supervision()
            .estimate_wait(bench.stranger(new_in(&care)))
            .await
            .unwrap_err();
        assert_eq!(foreign.code(), Code::NotFound);
    })
    .await;
}
