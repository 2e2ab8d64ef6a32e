//! Shifts of agents: when they are offered work, and what supervisors see of it.

use rapport_foundation::id::CalendarId;
use rapport_foundation::testing::eventually;
use rapport_foundation::time::Micros;
use rapport_proto::routing::v1 as pb;
use tonic::Code;

use crate::bench::{Bench, request_id};
use crate::restart::stop;
use crate::sla::{everywhere_at, office};

fn scheduled(name: &str, queue: &pb::Queue, calendar: &str) -> pb::CreateAgentRequest {
    pb::CreateAgentRequest {
        request_id: request_id(),
        agent: Some(pb::Agent {
            principal: name.into(),
            display_name: name.into(),
            queue_ids: vec![queue.id.clone()],
            shift_calendar_id: calendar.into(),
            ..Default::default()
        }),
    }
}

impl Bench {
    async fn on_shift(&self, agent: &pb::Agent, expected: bool) {
        eventually("their shift turns", async || {
            let request = pb::GetAgentRequest {
                agent_id: agent.id.clone(),
            };
            let answer = self.agents().get_agent(self.boss(request)).await;
            let agent = answer.unwrap().into_inner().agent.unwrap();
            (agent.on_shift == Some(expected)).then_some(())
        })
        .await;
    }

    async fn adheres(&self) -> pb::ShiftAdherence {
        let request = pb::WatchAgentsRequest::default();
        let stream = self.supervision().watch_agents(self.boss(request)).await;
        let first = stream.unwrap().into_inner().message().await;
        let agent = first.unwrap().unwrap().agents.remove(0);
        assert_eq!(agent.shift_turn_time.is_some(), agent.adherence != 0);
        agent.adherence()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_of_their_shift_an_agent_is_offered_work_only_when_they_say_so() {
    // A Monday at ten in Berlin, where shifts are from nine to noon and from one to five.
    everywhere_at("2026-03-30T08:00:00Z", async |bench: Bench| {
        let care = pb::Queue {
            code: "care".into(),
            display_name: "Care".into(),
            offer_timeout_s: 600,
            ..Default::default()
        };
        let care = bench.queue_like(care).await;
        let calendar = bench.calendar(office()).await.unwrap();
        let nowhere = CalendarId::new(Micros::from_secs(1)).to_string();
        let refused = scheduled("ben", &care, &nowhere);
        let refused = bench.agents().create_agent(bench.boss(refused)).await;
        assert_eq!(refused.unwrap_err().code(), Code::NotFound);
        let request = scheduled("ana", &care, &calendar.id);
        let made = bench.agents().create_agent(bench.boss(request)).await;
        let ana = made.unwrap().into_inner().agent.unwrap();
        assert_eq!(
            (&ana.shift_calendar_id, ana.on_shift),
            (&calendar.id, Some(true))
        );
        assert_eq!(bench.adheres().await, pb::ShiftAdherence::Missing);
        let mut desk = bench.desk(&ana).await;
        bench.set_status(&ana, pb::AgentStatus::Available).await;
        assert_eq!(bench.adheres().await, pb::ShiftAdherence::OnShift);

        bench.it_is("2026-03-30T10:00:00Z");
        bench.on_shift(&ana, false).await;
        let ticket = bench.ticket(&care).await;
        let waits = bench.work_of(&ticket).await.remove(0);
        assert_eq!(waits.state(), pb::WorkItemState::Waiting);
        assert_eq!(bench.adheres().await, pb::ShiftAdherence::OffShift);
        let told = bench.explain_ticket(&ticket).await;
        let kinds: Vec<_> = told.candidates[0]
            .hindrances
            .iter()
            .map(|h| h.kind())
            .collect();
        assert_eq!(kinds, [pb::RoutingHindranceKind::OffShift]);

        // She says that she takes work all the same.
        bench.set_status(&ana, pb::AgentStatus::Available).await;
        let offer = desk.offer().await;
        assert_eq!(offer.work_item.unwrap().id, waits.id);
        assert_eq!(bench.adheres().await, pb::ShiftAdherence::Overtime);
        let work = bench.accept(&offer.id).await.unwrap();
        bench.complete(&work).await;

        // After a restart she still works over, and the next shift begins and ends.
        let bench = stop(bench).await.another().await;
        let mut desk = bench.desk(&ana).await;
        bench.ticket(&care).await;
        let work = bench.accept(&desk.offer().await.id).await.unwrap();
        bench.complete(&work).await;
        bench.it_is("2026-03-30T11:00:00Z");
        bench.on_shift(&ana, true).await;
        bench.verified().await;
        bench.it_is("2026-03-30T15:00:00Z");
        bench.on_shift(&ana, false).await;
        let ticket = bench.ticket(&care).await;
        let waits = bench.work_of(&ticket).await.remove(0);
        assert_eq!(waits.state(), pb::WorkItemState::Waiting);
        bench.verified().await;
    })
    .await;
}
