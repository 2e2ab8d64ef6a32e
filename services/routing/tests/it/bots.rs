//! Virtual agents: they take work like everybody, and hand it over to people with what they collected.

use rapport_foundation::db::Scoped;
use rapport_proto::routing::v1 as pb;
use rapport_proto::routing::v1::virtual_agent_service_client::VirtualAgentServiceClient;
use rapport_proto::types::v1 as types;
use tonic::{Code, Status};

use crate::bench::{Bench, everywhere, reason, request_id};
use crate::restart::stop;

fn entry(key: &str, value: &str) -> pb::HandOverEntry {
    pb::HandOverEntry {
        key: key.into(),
        value: value.into(),
    }
}

impl Bench {
    pub(crate) fn bots(&self) -> VirtualAgentServiceClient<rapport_foundation::channel::Channel> {
        VirtualAgentServiceClient::new(self.channel.clone())
    }

    pub(crate) async fn bot(&self, name: &str, queue: &pb::Queue) -> pb::Agent {
        let request = pb::CreateAgentRequest {
            request_id: request_id(),
            agent: Some(pb::Agent {
                principal: name.into(),
                display_name: name.into(),
                queue_ids: vec![queue.id.clone()],
                kind: pb::AgentKind::Virtual.into(),
                ..Default::default()
            }),
        };
        let answer = self.agents().create_agent(self.boss(request)).await;
        answer.unwrap().into_inner().agent.unwrap()
    }

    async fn given(&self, item: &str) -> Result<pb::HandOver, Status> {
        let request = pb::GetHandOverRequest {
            work_item_id: item.into(),
        };
        let answer = self.bots().get_hand_over(self.boss(request)).await;
        Ok(answer?.into_inner().hand_over.unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_hands_over_with_what_it_collected_and_stops_no_clock() {
    everywhere(async |bench: Bench| {
        let (front, care) = (bench.queue("front").await, bench.queue("care").await);
        let robo = bench.bot("robo", &front).await;
        assert_eq!(robo.kind(), pb::AgentKind::Virtual);
        let ana = bench.hire("ana", &care).await;
        assert_eq!(ana.kind(), pb::AgentKind::Person);
        let (mut front_desk, mut desk) = (bench.desk(&robo).await, bench.desk(&ana).await);
        bench.set_status(&robo, pb::AgentStatus::Available).await;
        bench.set_status(&ana, pb::AgentStatus::Available).await;
        let ticket = bench.ticket(&front).await;
        let offer = front_desk.offer().await;
        assert_eq!(offer.hand_over, None);
        let work = bench.accept(&offer.id).await.unwrap();
        // Nobody of us is at it: it has no owner, and was not answered.
        let now = bench.list_tickets(pb::ListTicketsRequest::default()).await;
        assert_eq!(
            (now[0].owner_agent_id.as_str(), now[0].state()),
            ("", ticket.state())
        );
        assert_eq!(work.answer_time, None);
        let unknown = bench.given(&work.id).await.unwrap_err();
        assert_eq!(unknown.code(), Code::NotFound);

        let entries = vec![entry("order", "4711"), entry("mood", "patient, Mr Ortega")];
        let request = pb::HandOverWorkRequest {
            request_id: request_id(),
            work_item_id: work.id.clone(),
            queue_id: care.id.clone(),
            priority: types::Priority::High.into(),
            entries: entries.clone(),
        };
        for _ in 0..2 {
            let request = bench.agent("robo", request.clone());
            let handed = bench.bots().hand_over_work(request).await.unwrap();
            let handed = handed.into_inner().work_item.unwrap();
            assert!(handed.handed_over);
            assert_eq!(handed.queue_id, care.id);
        }
        let offer = desk.offer().await;
        let told = *offer.hand_over.unwrap();
        assert_eq!((&told.agent_id, &told.entries), (&robo.id, &entries));
        assert_eq!(bench.given(&work.id).await.unwrap(), told);
        // The bot has it no more; she may look.
        let look = || pb::GetHandOverRequest {
            work_item_id: work.id.clone(),
        };
        let refused = bench
            .bots()
            .get_hand_over(bench.agent("robo", look()))
            .await;
        assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
        let seen = bench.bots().get_hand_over(bench.agent("ana", look())).await;
        assert_eq!(seen.unwrap().into_inner().hand_over, Some(told.clone()));

        let bench = stop(bench).await.another().await;
        let (offers, _desk) = bench.desk_with_offers(&ana).await;
        assert_eq!(offers[0].hand_over.as_deref(), Some(&told));
        let taken = bench.accept(&offer.id).await.unwrap();
        assert!(taken.answer_time.is_some());
        // Whoever is done with it reads it no more.
        let own = bench.bots().get_hand_over(bench.agent("ana", look())).await;
        assert_eq!(own.unwrap().into_inner().hand_over, Some(told.clone()));
        bench.complete(&taken).await;
        let done = pb::EndWrapUpRequest {
            request_id: request_id(),
            work_item_id: taken.id.clone(),
        };
        let ended = bench.work_items().end_wrap_up(bench.boss(done)).await;
        ended.unwrap();
        let past = bench.bots().get_hand_over(bench.agent("ana", look())).await;
        assert_eq!(past.unwrap_err().code(), Code::PermissionDenied);
        let now = bench.list_tickets(pb::ListTicketsRequest::default()).await;
        assert_eq!(now[0].owner_agent_id, ana.id);
        nothing_is_in_the_clear(&bench).await;
        bench.verified().await;
    })
    .await;
}

impl Bench {
    /// The offers that an agent sees first when they open their desk.
    async fn desk_with_offers(
        &self,
        agent: &pb::Agent,
    ) -> (Vec<pb::Offer>, tonic::Streaming<pb::WatchOffersResponse>) {
        let request = pb::WatchOffersRequest {
            agent_id: agent.id.clone(),
        };
        let stream = self.offers().watch_offers(self.boss(request)).await;
        let mut stream = stream.unwrap().into_inner();
        let event = stream.message().await.unwrap().unwrap().event.unwrap();
        match event {
            pb::watch_offers_response::Event::Snapshot(seen) => (seen.offers, stream),
            other => panic!("{other:?}"),
        }
    }
}

async fn nothing_is_in_the_clear(bench: &Bench) {
    let read = |s: Scoped| async move {
        let sql = "select words from hand_overs where tenant_id = $1";
        s.raw_all(sql, []).await
    };
    let rows = bench
        .t
        .env
        .db
        .read::<_, rapport_foundation::db::Error, _, _>(bench.tenant, read);
    let rows = rows.await.unwrap();
    let words: Vec<u8> = rows[0].try_get("", "words").unwrap();
    let holds = |text: &str| {
        words
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    assert!(!words.is_empty() && !holds("Ortega") && !holds("4711"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_handed_over_is_refused_and_stays() {
    everywhere(async |bench: Bench| {
        let care = bench.queue("care").await;
        let ana = bench.hire("ana", &care).await;
        let mut desk = bench.desk(&ana).await;
        bench.set_status(&ana, pb::AgentStatus::Available).await;
        bench.ticket(&care).await;
        let work = bench.accept(&desk.offer().await.id).await.unwrap();
        let request = |entries: Vec<pb::HandOverEntry>| pb::HandOverWorkRequest {
            request_id: request_id(),
            work_item_id: work.id.clone(),
            queue_id: care.id.clone(),
            entries,
            ..Default::default()
        };
        let ask = async |request: pb::HandOverWorkRequest| {
            let answer = bench.bots().hand_over_work(bench.boss(request)).await;
            answer.unwrap_err()
        };
        let person = ask(request(Vec::new())).await;
        assert_eq!(
            (person.code(), reason(&person).as_str()),
            (Code::FailedPrecondition, "AGENT_NOT_VIRTUAL")
        );
        let many: Vec<_> = (0..33).map(|n| entry(&format!("k{n}"), "v")).collect();
        let long = "x".repeat(501);
        for entries in [
            many,
            vec![entry("a", "1"), entry("a", "2")],
            vec![entry("A b", "1")],
            vec![entry("a", "")],
            vec![entry("a", &long)],
        ] {
            let refused = ask(request(entries)).await;
            assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
        }
        let kept = bench.work_item(&work.id).await;
        assert_eq!((&kept.agent_id, kept.handed_over), (&ana.id, false));
    })
    .await;
}
