//! Supervisors listen to contacts.

use rapport_proto::routing::v1 as pb;
use rapport_proto::routing::v1::ContactCommandKind as Kind;

use super::line::{Line, command};
use super::{House, PBX};
use crate::bench::{Bench, everywhere, reason, request_id};

#[tokio::test(flavor = "multi_thread")]
async fn supervisors_listen_by_command_and_the_history_tells_it() {
    everywhere(async |bench: Bench| {
        let house = House::of(bench).await;
        let bench = &house.bench;
        let (ana, mut hers) = house.at_work("ana").await;
        let item = house.accepted(&mut hers).await;
        let cyd = bench.hire("cyd", &house.care).await;
        let listening = |item: &pb::WorkItem| pb::MonitorWorkItemRequest {
            request_id: request_id(),
            work_item_id: item.id.clone(),
            mode: pb::MonitorMode::Whisper.into(),
            agent_id: cyd.id.clone(),
            reason: "Her first week".into(),
        };
        let request = listening(&item);
        let monitor = async |request: pb::MonitorWorkItemRequest| {
            let answer = bench
                .supervision()
                .monitor_work_item(bench.boss(request))
                .await?;
            Ok::<_, tonic::Status>(answer.into_inner().contact_command.unwrap())
        };
        let made = monitor(request.clone()).await.unwrap();
        assert_eq!(
            (made.kind(), made.agent_id.as_str()),
            (Kind::Whisper, cyd.id.as_str())
        );
        assert_eq!(monitor(request).await.unwrap().id, made.id, "one effect");
        let mut line = Line::open(bench, PBX, 1).await;
        line.does_next(Kind::Connect).await;
        let whisper = line.does_next(Kind::Whisper).await;
        assert_eq!(command(&whisper).id, made.id);
        let request = pb::ListTicketChangesRequest {
            ticket_id: item.ticket_id.clone(),
            field: "work_item.monitor".into(),
            ..Default::default()
        };
        let changes = bench
            .tickets()
            .list_ticket_changes(bench.boss(request))
            .await;
        let change = changes.unwrap().into_inner().ticket_changes.remove(0);
        assert_eq!(
            [
                change.old_value,
                change.new_value,
                change.principal,
                change.reason
            ],
            [
                format!("{},{}", item.id, ana.id),
                format!("whisper,{}", cyd.id),
                "boss".into(),
                "Her first week".into()
            ]
        );
        bench.complete(&item).await;
        let over = monitor(listening(&item)).await.unwrap_err();
        assert_eq!(reason(&over), "WORK_NOT_ACCEPTED");
        bench.ticket(&house.care).await;
        let end = pb::EndWrapUpRequest {
            request_id: request_id(),
            work_item_id: item.id.clone(),
        };
        bench
            .work_items()
            .end_wrap_up(bench.boss(end))
            .await
            .unwrap();
        let by_hand = bench.accept(&hers.offer().await.id).await.unwrap();
        let silent = monitor(listening(&by_hand)).await.unwrap_err();
        assert_eq!(reason(&silent), "CONTACT_NOT_COMMANDED");
        bench.verified().await;
    })
    .await;
}
