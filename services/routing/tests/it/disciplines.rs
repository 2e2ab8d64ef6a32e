//! Named disciplines of queues and agents, as they are set up, obeyed, explained and gone on with.

use std::time::Duration;

use pb::AgentSelection as Selection;
use rapport_proto::routing::v1 as pb;

use crate::bench::{Bench, Desk, everywhere, request_id};
use crate::restart::stop;

fn named(name: &str, queues: &[&pb::Queue]) -> pb::Agent {
    pb::Agent {
        principal: name.into(),
        display_name: name.into(),
        queue_ids: queues.iter().map(|queue| queue.id.clone()).collect(),
        ..Default::default()
    }
}

fn by(selection: Selection) -> pb::Queue {
    pb::Queue {
        code: "care".into(),
        display_name: "Care".into(),
        offer_timeout_s: 60,
        selection: selection.into(),
        ..Default::default()
    }
}

impl Bench {
    async fn take_on(&self, agent: pb::Agent) -> pb::Agent {
        let request = pb::CreateAgentRequest {
            request_id: request_id(),
            agent: Some(agent),
        };
        let answer = self.agents().create_agent(self.boss(request)).await;
        answer.unwrap().into_inner().agent.unwrap()
    }

    async fn change_queue(&self, queue: pb::Queue, fields: &[&str]) -> pb::Queue {
        let request = pb::UpdateQueueRequest {
            request_id: request_id(),
            queue_id: queue.id.clone(),
            update_mask: Some(prost_types::FieldMask {
                paths: fields.iter().map(|field| (*field).to_owned()).collect(),
            }),
            queue: Some(queue),
            ..Default::default()
        };
        let answer = self.queues().update_queue(self.boss(request)).await;
        answer.unwrap().into_inner().queue.unwrap()
    }

    async fn all_at_work(&self, agents: &[pb::Agent]) -> Vec<Desk> {
        let mut desks = Vec::new();
        for agent in agents {
            desks.push(self.desk(agent).await);
            self.set_status(agent, pb::AgentStatus::Available).await;
        }
        desks
    }

    /// Work comes to a queue, goes to somebody, and is done after a while; answers who it was.
    async fn served_by(&self, queue: &pb::Queue, takes: Duration) -> String {
        let ticket = self.ticket(queue).await;
        let offered = self.work_of(&ticket).await.remove(0);
        let accepted = self.accept(&offered.offer_id).await.unwrap();
        tokio::time::sleep(takes).await;
        self.complete(&accepted).await;
        accepted.agent_id
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn how_a_queue_and_an_agent_choose_is_set_read_and_changed() {
    everywhere(async |bench: Bench| {
        let usual = bench.queue("usual").await;
        assert_eq!(
            (usual.selection(), usual.most_occupancy_spread, usual.weight),
            (Selection::LongestIdle, None, 1)
        );
        let made = bench
            .queue_like(pb::Queue {
                most_occupancy_spread: Some(0),
                weight: 1_000,
                ..by(Selection::Fastest)
            })
            .await;
        assert_eq!(
            (made.selection(), made.most_occupancy_spread, made.weight),
            (Selection::Fastest, Some(0), 1_000)
        );
        // What is not named stays, and what is named and absent is taken away.
        let changed = pb::Queue {
            selection: Selection::RoundRobin.into(),
            most_occupancy_spread: None,
            weight: 7,
            ..made
        };
        let changed = bench
            .change_queue(changed, &["selection", "most_occupancy_spread"])
            .await;
        assert_eq!(
            (
                changed.selection(),
                changed.most_occupancy_spread,
                changed.weight
            ),
            (Selection::RoundRobin, None, 1_000)
        );
        let ana = bench.take_on(named("ana", &[&changed])).await;
        assert_eq!(ana.work_selection(), pb::WorkSelection::Oldest);
        let ben = pb::Agent {
            work_selection: pb::WorkSelection::GeneralisedCMu.into(),
            ..named("ben", &[&changed])
        };
        let ben = bench.take_on(ben).await;
        assert_eq!(ben.work_selection(), pb::WorkSelection::GeneralisedCMu);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_turn_it_is_is_known_after_a_restart() {
    everywhere(async |bench: Bench| {
        let care = bench.queue_like(by(Selection::RoundRobin)).await;
        let mut agents = Vec::new();
        for name in ["ana", "ben", "cy"] {
            agents.push(bench.take_on(named(name, &[&care])).await);
        }
        let desks = bench.all_at_work(&agents).await;
        assert_eq!(bench.served_by(&care, Duration::ZERO).await, agents[0].id);
        // Ben comes back from a break: Cy waits longer, but it is Ben's turn.
        bench.set_status(&agents[1], pb::AgentStatus::Away).await;
        bench
            .set_status(&agents[1], pb::AgentStatus::Available)
            .await;
        assert_eq!(bench.served_by(&care, Duration::ZERO).await, agents[1].id);

        drop(desks);
        let bench = stop(bench).await.another().await;
        let _desks = bench.all_at_work(&agents).await;
        assert_eq!(bench.served_by(&care, Duration::ZERO).await, agents[2].id);
        assert_eq!(bench.served_by(&care, Duration::ZERO).await, agents[0].id);
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fastest_is_asked_and_the_figures_are_told_on_any_replica() {
    everywhere(async |bench: Bench| {
        let care = bench.queue_like(by(Selection::Fastest)).await;
        let slow = bench.take_on(named("ana", &[&care])).await;
        let mut desks = bench.all_at_work(std::slice::from_ref(&slow)).await;
        bench.served_by(&care, Duration::from_millis(400)).await;
        // Who is new is taken for the mean, and then for what they did.
        let fast = bench.take_on(named("ben", &[&care])).await;
        bench.set_status(&slow, pb::AgentStatus::Away).await;
        desks.extend(bench.all_at_work(std::slice::from_ref(&fast)).await);
        bench.served_by(&care, Duration::ZERO).await;
        bench.set_status(&slow, pb::AgentStatus::Available).await;
        assert_eq!(bench.served_by(&care, Duration::ZERO).await, fast.id);

        let bounded = pb::Queue {
            most_occupancy_spread: Some(100),
            ..care
        };
        let care = bench
            .change_queue(bounded, &["most_occupancy_spread"])
            .await;
        bench.set_status(&slow, pb::AgentStatus::Away).await;
        bench.set_status(&fast, pb::AgentStatus::Away).await;
        let ticket = bench.ticket(&care).await;
        let told = bench.explain_ticket(&ticket).await;
        assert_eq!(
            (told.discipline(), told.most_occupancy_spread),
            (pb::RoutingDiscipline::Fastest, Some(100))
        );
        let of = |agent: &pb::Agent| {
            let mut candidates = told.candidates.iter();
            let theirs = candidates.find(|one| one.agent_id == agent.id).unwrap();
            let time = theirs.handle_time.as_ref().unwrap();
            (
                Duration::try_from(*time).unwrap(),
                theirs.occupancy,
                theirs.passed_over,
            )
        };
        let ((slower, of_slow, _), (faster, of_fast, over)) = (of(&slow), of(&fast));
        assert!(slower >= Duration::from_millis(400), "{slower:?}");
        assert!(faster < slower, "{faster:?} and {slower:?}");
        assert!(
            of_slow > 0.0 && of_slow <= 1.0 && of_fast <= 1.0,
            "{told:?}"
        );
        assert!(!over);
        // What is told first is asked first.
        assert_eq!(told.candidates[0].agent_id, fast.id);
        bench.set_status(&slow, pb::AgentStatus::Available).await;
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_chooses_by_queue_ratio_shares_queues_as_their_weights_say() {
    everywhere(async |bench: Bench| {
        let (care, sales) = (
            bench
                .queue_like(pb::Queue {
                    weight: 3,
                    ..by(Selection::LongestIdle)
                })
                .await,
            bench
                .queue_like(pb::Queue {
                    code: "sales".into(),
                    ..by(Selection::LongestIdle)
                })
                .await,
        );
        for _ in 0..8 {
            bench.ticket(&care).await;
            bench.ticket(&sales).await;
        }
        let ana = pb::Agent {
            work_selection: pb::WorkSelection::QueueRatio.into(),
            ..named("ana", &[&care, &sales])
        };
        let ana = bench.take_on(ana).await;
        let work_off = async |bench: &Bench, count: usize| {
            let mut desk = bench
                .all_at_work(std::slice::from_ref(&ana))
                .await
                .remove(0);
            let mut of_care = 0;
            for _ in 0..count {
                let offer = desk.offer().await;
                let work = bench.accept(&offer.id).await.unwrap();
                of_care += usize::from(work.queue_id == care.id);
                bench.complete(&work).await;
            }
            of_care
        };
        assert_eq!(work_off(&bench, 4).await, 3);
        bench.set_status(&ana, pb::AgentStatus::Away).await;
        let bench = stop(bench).await.another().await;
        assert_eq!(work_off(&bench, 4).await, 3);
        bench.verified().await;
    })
    .await;
}
