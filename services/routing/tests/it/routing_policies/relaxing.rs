//! Skills at levels: who holds them well enough, for how long, and work that asks for less the longer it waits.

use rapport_foundation::testing::eventually;

use super::explaining::skilled;
use super::*;
use crate::restart::stop;

const START: &str = "2026-03-30T08:00:00Z";

/// Dutch at level 5, after a minute at 4, after two at 3, and so on until nobody asks for it.
fn falling(queue: &pb::Queue) -> pb::RoutingTarget {
    pb::RoutingTarget {
        required_skills: vec!["dutch:5".into()],
        relaxations: vec![pb::RoutingRelaxation {
            skill: "dutch".into(),
            after_s: 60,
            every_s: 60,
            down_to_level: 0,
        }],
        ..to(queue)
    }
}

async fn missing(bench: &Bench, ticket: &pb::Ticket) -> Vec<String> {
    let told = bench.explain_ticket(ticket).await;
    let hindrances = told.candidates.into_iter().flat_map(|one| one.hindrances);
    hindrances.flat_map(|one| one.missing_skills).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn work_is_offered_at_the_instant_from_which_it_suits_whoever_decides() {
    everywhere_at(START, async |bench: Bench| {
        let care = bench.queue("care").await;
        let version = bench
            .route(vec![filter("all", "true", vec![falling(&care)])])
            .await;
        assert_eq!(version.filters[0].targets[0], falling(&care));
        let ana = skilled(&bench, "ana", &care, &["dutch:3"]).await;
        assert_eq!(ana.skills, ["dutch:3"]);
        let ticket = bench.tagged("vip").await;
        assert_eq!(missing(&bench, &ticket).await, ["dutch:5"]);
        bench.it_is("2026-03-30T08:01:30Z");
        assert_eq!(missing(&bench, &ticket).await, ["dutch:4"]);
        // What is eased is no row: the next owner finds it out from when the work came.
        let old = stop(bench).await;
        let bench = old.another().await;
        let mut desk = bench.desk(&ana).await;
        bench.set_status(&ana, pb::AgentStatus::Available).await;
        bench.it_is("2026-03-30T08:01:59Z");
        assert_eq!(
            bench.work_of(&ticket).await[0].state(),
            pb::WorkItemState::Waiting
        );
        bench.it_is("2026-03-30T08:02:00Z");
        let offer = desk.offer().await;
        assert_eq!(offer.work_item.unwrap().required_skills, ["dutch:5"]);
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skill_that_has_ended_brings_no_work() {
    everywhere_at(START, async |bench: Bench| {
        let care = bench
            .queue_like(pb::Queue {
                required_skills: vec!["licence:2".into()],
                ..pb::Queue {
                    code: "care".into(),
                    display_name: "Care".into(),
                    ..Default::default()
                }
            })
            .await;
        let ana = skilled(&bench, "ana", &care, &["licence:9"]).await;
        let end = pb::SkillEnd {
            skill: "licence".into(),
            end_time: Some(prost_types::Timestamp {
                seconds: 1_774_861_200,
                nanos: 0,
            }),
        };
        let update = |ends: Vec<pb::SkillEnd>| pb::UpdateAgentRequest {
            request_id: request_id(),
            agent_id: ana.id.clone(),
            agent: Some(pb::Agent {
                skill_ends: ends,
                ..Default::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["skill_ends".into()],
            }),
            ..Default::default()
        };
        let ended = bench
            .agents()
            .update_agent(bench.boss(update(vec![end.clone()])))
            .await;
        assert_eq!(
            ended.unwrap().into_inner().agent.unwrap().skill_ends,
            std::slice::from_ref(&end)
        );
        let mut desk = bench.desk(&ana).await;
        bench.set_status(&ana, pb::AgentStatus::Available).await;
        bench.ticket(&care).await;
        let offer = desk.offer().await;
        bench.accept(&offer.id).await.unwrap();
        // Nine o'clock: what is in hand may be finished.
        bench.it_is("2026-03-30T09:00:00Z");
        bench.complete(&offer.work_item.unwrap()).await;
        let waits = bench.ticket(&care).await;
        eventually("the explanation says what is missing", async || {
            (missing(&bench, &waits).await == ["licence:2"]).then_some(())
        })
        .await;
        let renewed = bench
            .agents()
            .update_agent(bench.boss(update(vec![])))
            .await;
        renewed.unwrap();
        assert_eq!(desk.offer().await.work_item.unwrap().ticket_id, waits.id);
        let twice = bench
            .agents()
            .update_agent(bench.boss(update(vec![end.clone(), end])))
            .await;
        assert_eq!(
            violations(&twice.unwrap_err()),
            ["agent.skill_ends[1].skill DUPLICATE"]
        );
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_level_is_told_all_at_once() {
    everywhere(async |bench: Bench| {
        let care = bench.queue("care").await;
        let target = pb::RoutingTarget {
            required_skills: ["dutch:11", "dutch:2", "dutch:3", ":4"]
                .map(Into::into)
                .into(),
            relaxations: vec![
                pb::RoutingRelaxation {
                    skill: "dutch:2".into(),
                    ..Default::default()
                },
                pb::RoutingRelaxation {
                    skill: "dutch".into(),
                    after_s: -1,
                    every_s: 604_801,
                    down_to_level: 11,
                },
                pb::RoutingRelaxation {
                    skill: "dutch".into(),
                    ..Default::default()
                },
            ],
            ..to(&care)
        };
        let refused = bench
            .draft(policy(vec![filter("all", "true", vec![target])]))
            .await;
        let path = "routing_policy.filters[0].targets[0]";
        let expected = [
            "required_skills[0] MALFORMED_CODE",
            "required_skills[2] DUPLICATE",
            "required_skills[3] MALFORMED_CODE",
            "relaxations[0].skill MALFORMED_CODE",
            "relaxations[1].after_s OUT_OF_RANGE",
            "relaxations[1].every_s OUT_OF_RANGE",
            "relaxations[1].down_to_level OUT_OF_RANGE",
            "relaxations[2].skill DUPLICATE",
        ];
        assert_eq!(
            violations(&refused.unwrap_err()),
            expected.map(|what| format!("{path}.{what}"))
        );
    })
    .await;
}
