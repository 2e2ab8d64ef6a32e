//! How queues and agents do, as supervisors are told.

mod by_hand;
mod estimates;

use rapport_foundation::role::Role;
use rapport_foundation::testing::{eventually, on_every_engine};
use rapport_proto::events::v1 as events;
use rapport_proto::routing::v1 as pb;
use rapport_proto::routing::v1::statistics_window::Window;
use rapport_proto::types::v1 as types;
use rapport_routing::Config;
use tonic::{Code, Streaming};
use tonic_types::StatusExt as _;

use crate::bench::{Bench, Teller, everywhere, reason};
use crate::intake::Contact;
use crate::owners::two;
use crate::restart::stop;

/// Statistics that are told as often as they can be.
async fn often(test: impl AsyncFn(Bench)) {
    on_every_engine(Role::Routing, rapport_routing::migrations, async |t| {
        let config = Config {
            statistics_ms: 10,
            ..Config::default()
        };
        Box::pin(test(Bench::open(t, config).await)).await;
    })
    .await;
}

async fn statistics(bench: &Bench, queue: &pb::Queue) -> pb::QueueStatistics {
    let request = pb::GetQueueStatisticsRequest {
        queue_ids: vec![queue.id.clone()],
        window: Some(pb::StatisticsWindow {
            window: Some(Window::SinceMidnightIn("Asia/Manila".into())),
        }),
    };
    let answer = bench
        .supervision()
        .get_queue_statistics(bench.boss(request))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.queues.len(), 1);
    answer.queues[0].clone()
}

/// The same without what time alone changes.
async fn sums(bench: &Bench, queue: &pb::Queue) -> pb::WindowStatistics {
    let window = statistics(bench, queue).await.window.unwrap();
    pb::WindowStatistics {
        occupancy: None,
        ..window
    }
}

/// Reads on until a queue is as it is looked for.
async fn until(
    stream: &mut Streaming<pb::WatchQueuesResponse>,
    is: impl Fn(&pb::QueueStatistics) -> bool,
) -> pb::QueueStatistics {
    loop {
        let message = stream.message().await.unwrap().unwrap();
        if let Some(queue) = message.queues.into_iter().find(|queue| is(queue)) {
            return queue;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_tells_everything_first_and_then_what_changes() {
    often(async |bench: Bench| {
        let (care, sales) = (bench.queue("care").await, bench.queue("sales").await);
        let mut stream = bench
            .supervision()
            .watch_queues(bench.boss(pb::WatchQueuesRequest::default()))
            .await
            .unwrap()
            .into_inner();
        let first = stream.message().await.unwrap().unwrap();
        let mut told: Vec<_> = first.queues.iter().map(|queue| &queue.queue_id).collect();
        told.sort_unstable();
        assert_eq!(told, [&care.id, &sales.id], "the ids rise with time");
        assert!(first.window_start_time.unwrap().seconds % 60 == 0);
        assert!(first.queues.iter().all(|queue| queue.waiting == 0));

        let ticket = bench.ticket(&care).await;
        let next = stream.message().await.unwrap().unwrap();
        let told: Vec<_> = next.queues.iter().map(|queue| &queue.queue_id).collect();
        assert_eq!(told, [&care.id], "only what changed");
        let care_now = &next.queues[0];
        let item = &bench.work_of(&ticket).await[0];
        assert_eq!(
            (care_now.waiting, care_now.oldest_waiting_time),
            (1, item.queue_time)
        );
        assert_eq!(care_now.window.as_ref().unwrap().queued, 1);

        let (_ana, mut desk) = bench.at_work("ana", &care).await;
        let offered = until(&mut stream, |queue| queue.offered == 1).await;
        assert_eq!((offered.waiting, offered.staff.unwrap().offered), (0, 1));
        let offer = desk.offer().await;
        let item = bench.accept(&offer.id).await.unwrap();
        let busy = until(&mut stream, |queue| queue.in_hand == 1).await;
        assert_eq!((busy.offered, busy.staff.unwrap().busy), (0, 1));
        bench.complete(&item).await;
        let wrap_up = until(&mut stream, |queue| queue.wrap_up == 1).await;
        let staff = wrap_up.staff.unwrap();
        assert_eq!((wrap_up.in_hand, staff.wrap_up), (0, 1));
        assert_eq!(
            staff.statuses,
            [pb::StatusCount {
                status: pb::AgentStatus::Available.into(),
                agents: 1,
            }]
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_are_told_with_what_they_are_at() {
    often(async |bench: Bench| {
        let care = bench.queue("care").await;
        let (ana, mut desk) = bench.at_work("ana", &care).await;
        let other = bench.queue("other").await;
        bench.hire("ben", &other).await;
        let request = pb::WatchAgentsRequest {
            queue_id: care.id.clone(),
            ..Default::default()
        };
        let mut stream = bench
            .supervision()
            .watch_agents(bench.boss(request))
            .await
            .unwrap()
            .into_inner();
        let first = stream.message().await.unwrap().unwrap().agents;
        assert_eq!(first.len(), 1, "of this queue");
        assert_eq!(first[0].agent_id, ana.id);
        assert_eq!(
            (first[0].status(), first[0].state(), first[0].present),
            (pb::AgentStatus::Available, pb::AgentState::Idle, true)
        );
        bench.ticket(&care).await;
        let offer = desk.offer().await;
        let mut when = async |state: pb::AgentState| {
            loop {
                let message = stream.message().await.unwrap().unwrap();
                if let Some(agent) = message.agents.into_iter().find(|a| a.state() == state) {
                    return agent;
                }
            }
        };
        let offered = when(pb::AgentState::Offered).await;
        assert_eq!(offered.state_time, offer.offer_time);
        let item = bench.accept(&offer.id).await.unwrap();
        let busy = when(pb::AgentState::Busy).await;
        assert_eq!(busy.state_time, item.accept_time);
        let phone = busy
            .channels
            .iter()
            .find(|load| load.channel() == types::Channel::Phone);
        assert_eq!(
            phone.map(|load| (load.in_hand, load.capacity)),
            Some((1, 1))
        );
    })
    .await;
}

/// One is answered and done, one answered late, one left, one left early, one waits.
async fn a_day(bench: &Bench, queue: &pb::Queue) {
    let (_ana, mut desk) = bench.at_work("ana", queue).await;
    bench.ticket(queue).await;
    let offer = desk.offer().await;
    let item = bench.accept(&offer.id).await.unwrap();
    bench.complete(&item).await;
    let end = pb::EndWrapUpRequest {
        request_id: crate::bench::request_id(),
        work_item_id: item.id,
    };
    bench
        .work_items()
        .end_wrap_up(bench.boss(end))
        .await
        .unwrap();
    bench.ticket(queue).await;
    let offer = desk.offer().await;
    bench.accept(&offer.id).await.unwrap();
    let teller = Teller::of(bench, Role::Interactions).await;
    let contact = Contact::new();
    let call = contact.facts(types::InteractionKind::Call, types::Channel::Phone);
    let call = events::InteractionFacts {
        routing: Some(types::RoutingHint {
            queue: queue.code.clone(),
            ..types::RoutingHint::default()
        }),
        ..call
    };
    let linked = contact.linked(call);
    let ended = contact.ended();
    teller.tell(bench.tenant, &[linked, ended]).await;
    eventually("the caller has left", async || {
        (sums(bench, queue).await.abandoned == 1).then_some(())
    })
    .await;
    bench.ticket(queue).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_the_same_after_a_restart() {
    everywhere(async |bench: Bench| {
        let care = bench.queue("care").await;
        a_day(&bench, &care).await;
        let before = sums(&bench, &care).await;
        assert_eq!(
            (
                before.queued,
                before.answered,
                before.answered_in_time,
                before.completed
            ),
            (4, 2, 2, 1)
        );
        assert_eq!((before.abandoned, before.short_abandoned), (1, 0));
        let level = before.service_level.unwrap();
        assert!((level - 2.0 / 3.0).abs() < 1e-9, "{level}");
        assert!(before.speed_of_answer.is_some() && before.handle_time.is_some());
        let live = statistics(&bench, &care).await;
        assert_eq!((live.waiting, live.in_hand), (1, 1));
        assert!(live.window.unwrap().occupancy.unwrap() > 0.0);

        let old = stop(bench).await;
        let bench = old.another().await;
        assert_eq!(sums(&bench, &care).await, before);
        let live = statistics(&bench, &care).await;
        assert_eq!(
            (live.waiting, live.in_hand, live.staff.unwrap().busy),
            (1, 1, 1)
        );
        assert!(live.window.unwrap().occupancy.unwrap() > 0.0);
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_replica_tells_what_the_owner_knows() {
    two(async |first, second| {
        let care = first.queue("care").await;
        let (_ana, _desk) = first.at_work("ana", &care).await;
        first.ticket(&care).await;
        for replica in [&first, &second] {
            let told = statistics(replica, &care).await;
            assert_eq!((told.offered, told.staff.unwrap().offered), (1, 1));
        }
        let mut stream = second
            .supervision()
            .watch_queues(second.boss(pb::WatchQueuesRequest::default()))
            .await
            .unwrap()
            .into_inner();
        until(&mut stream, |queue| queue.offered == 1).await;
        first.ticket(&care).await;
        until(&mut stream, |queue| queue.waiting == 1).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_time_is_the_queues_to_say() {
    everywhere(async |bench: Bench| {
        let made = bench
            .queue_like(pb::Queue {
                code: "care".into(),
                display_name: "Care".into(),
                answer_target_s: 90,
                wrap_up_s: 30,
                short_abandon_s: 3_600,
                ..pb::Queue::default()
            })
            .await;
        assert_eq!((made.answer_target_s, made.short_abandon_s), (90, 3_600));
        assert_eq!(bench.queue("other").await.answer_target_s, 20, "the usual");
        a_day(&bench, &made).await;
        let told = sums(&bench, &made).await;
        assert_eq!((told.abandoned, told.short_abandoned), (1, 1));
        assert_eq!(
            told.service_level,
            Some(1.0),
            "who left early does not count"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_look_is_told() {
    everywhere(async |bench: Bench| {
        let window = |window| {
            Some(pb::StatisticsWindow {
                window: Some(window),
            })
        };
        let fields = |status: tonic::Status| -> Vec<String> {
            let details = status.get_details_bad_request().unwrap();
            let fields = details.field_violations.into_iter();
            fields
                .map(|v| format!("{} {}", v.field, v.reason))
                .collect()
        };
        for (bad, expected) in [
            (Window::LastMinutes(61), "window.last_minutes OUT_OF_RANGE"),
            (Window::LastMinutes(0), "window.last_minutes OUT_OF_RANGE"),
            (
                Window::SinceMidnightIn("Mars/Olympus".into()),
                "window.since_midnight_in UNKNOWN_TIME_ZONE",
            ),
        ] {
            let request = pb::GetQueueStatisticsRequest {
                queue_ids: vec!["nope".into()],
                window: window(bad),
            };
            let refused = bench
                .supervision()
                .get_queue_statistics(bench.boss(request))
                .await
                .unwrap_err();
            assert_eq!(fields(refused), ["queue_ids[0] MALFORMED_ID", expected]);
        }
        let many = pb::WatchAgentsRequest {
            agent_ids: vec![String::new(); 501],
            queue_id: "nope".into(),
        };
        let refused = bench.supervision().watch_agents(bench.boss(many)).await;
        assert!(fields(refused.unwrap_err()).contains(&"agent_ids TOO_MANY".to_owned()));

        // What another tenant has is not there.
        let care = bench.queue("care").await;
        let ours = pb::WatchQueuesRequest {
            queue_ids: vec![care.id.clone()],
            window: None,
        };
        let refused = bench.supervision().watch_queues(bench.stranger(ours)).await;
        let refused = refused.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::NotFound, "NOT_FOUND")
        );
        let all = pb::GetQueueStatisticsRequest::default();
        let told = bench
            .supervision()
            .get_queue_statistics(bench.stranger(all))
            .await
            .unwrap();
        assert_eq!(told.into_inner().queues, []);
    })
    .await;
}
