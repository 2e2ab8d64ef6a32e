//! What agents take at once of all channels, work they park, and wrap-up that lasts longer.

use rapport_foundation::role::Role;
use rapport_foundation::testing::eventually;
use rapport_proto::routing::v1 as pb;
use rapport_proto::types::v1 as types;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::bench::{Bench, Desk, Teller, everywhere, reason, request_id};
use crate::intake::{Contact, tickets};
use crate::restart::stop;

impl Bench {
    async fn update_agent(
        &self,
        agent: &pb::Agent,
        new: pb::Agent,
        paths: &[&str],
    ) -> Result<pb::Agent, Status> {
        let request = pb::UpdateAgentRequest {
            request_id: request_id(),
            agent_id: agent.id.clone(),
            agent: Some(new),
            update_mask: Some(prost_types::FieldMask {
                paths: paths.iter().map(|path| (*path).to_owned()).collect(),
            }),
            ..Default::default()
        };
        let answer = self.agents().update_agent(self.boss(request)).await?;
        Ok(answer.into_inner().agent.unwrap())
    }

    async fn park(&self, item: &str, timeout_s: i32) -> Result<pb::WorkItem, Status> {
        let request = pb::ParkWorkItemRequest {
            request_id: request_id(),
            work_item_id: item.into(),
            timeout_s,
        };
        let request = self.agent("ana", request);
        let answer = self.work_items().park_work_item(request).await?;
        Ok(answer.into_inner().work_item.unwrap())
    }

    async fn unpark(&self, item: &str) -> Result<pb::WorkItem, Status> {
        let request = pb::UnparkWorkItemRequest {
            request_id: request_id(),
            work_item_id: item.into(),
        };
        let request = self.agent("ana", request);
        let answer = self.work_items().unpark_work_item(request).await?;
        Ok(answer.into_inner().work_item.unwrap())
    }

    /// Waits until work is in hand again.
    async fn is_back(&self, item: &str) -> pb::WorkItem {
        eventually("it is in hand", async || {
            let work = self.work_item(item).await;
            work.park_time.is_none().then_some(work)
        })
        .await
    }
}

fn blended() -> pb::Agent {
    let calls = pb::ChannelCapacity {
        channel: types::Channel::Phone.into(),
        concurrent: 1,
        weight: Some(4),
        ..Default::default()
    };
    let mails = pb::ChannelCapacity {
        channel: types::Channel::Email.into(),
        concurrent: 2,
        weight: Some(1),
        interrupted_by: vec![types::Channel::Phone.into()],
    };
    pb::Agent {
        capacities: vec![calls, mails],
        total_capacity: 4,
        ..Default::default()
    }
}

async fn ana(bench: &Bench, queue: &pb::Queue) -> (pb::Agent, Desk) {
    let ana = bench.hire("ana", queue).await;
    let new = blended();
    let paths = ["capacities", "total_capacity"];
    let ana = bench.update_agent(&ana, new.clone(), &paths).await.unwrap();
    assert_eq!(ana.capacities, new.capacities);
    assert_eq!(ana.total_capacity, 4);
    let desk = bench.desk(&ana).await;
    bench.set_status(&ana, pb::AgentStatus::Available).await;
    (ana, desk)
}

async fn accepted(bench: &Bench, desk: &mut Desk) -> pb::WorkItem {
    let offer = desk.offer().await;
    bench.accept(&offer.id).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_comes_between_mails_and_is_taken_alone() {
    everywhere(async |bench: Bench| {
        let care = bench.queue("care").await;
        let (ana, mut desk) = ana(&bench, &care).await;
        bench.asks(&care, types::Channel::Email).await.unwrap();
        let mail = accepted(&bench, &mut desk).await;
        bench.asks(&care, types::Channel::Phone).await.unwrap();
        let call = accepted(&bench, &mut desk).await;
        let second = bench.asks(&care, types::Channel::Email).await.unwrap();
        let waits = bench.work_of(&second).await.remove(0);
        assert_eq!(waits.state(), pb::WorkItemState::Waiting);
        bench.verified().await;

        // A new owner knows what is in whose hands.
        let old = stop(bench).await;
        let bench = old.another().await;
        let mut desk = bench.desk(&ana).await;
        let waits = bench.work_of(&second).await.remove(0);
        assert_eq!(waits.state(), pb::WorkItemState::Waiting);
        let request = pb::CompleteWorkRequest {
            request_id: request_id(),
            work_item_id: call.id.clone(),
            skip_wrap_up: true,
            ..Default::default()
        };
        let done = bench.work_items().complete_work(bench.boss(request)).await;
        done.unwrap();
        assert_eq!(desk.offer().await.work_item.unwrap().id, waits.id);
        assert_eq!(bench.work_item(&mail.id).await.agent_id, ana.id);
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_wrong_with_a_capacity_is_said_at_once() {
    everywhere(async |bench: Bench| {
        let care = bench.queue("care").await;
        let agent = bench.hire("ana", &care).await;
        let phone: i32 = types::Channel::Phone.into();
        let mut wrong = blended();
        wrong.total_capacity = 1_001;
        wrong.capacities[0].weight = Some(-1);
        wrong.capacities[0].interrupted_by = vec![phone];
        wrong.capacities[1].interrupted_by = vec![phone, phone, 99];
        let paths = ["capacities", "total_capacity"];
        let refused = bench.update_agent(&agent, wrong, &paths).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        let violations = refused.get_details_bad_request().unwrap().field_violations;
        let fields: Vec<&str> = violations.iter().map(|v| v.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "agent.capacities[0].weight",
                "agent.capacities[0].interrupted_by[0]",
                "agent.capacities[1].interrupted_by[1]",
                "agent.capacities[1].interrupted_by[2]",
                "agent.total_capacity",
            ]
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_parks_stays_theirs_and_comes_back_when_the_customer_writes() {
    everywhere(async |bench: Bench| {
        let care = bench.queue("default").await;
        let interactions = Teller::of(&bench, Role::Interactions).await;
        let (ana, mut desk) = bench.at_work("ana", &care).await;
        let contact = Contact::new();
        interactions.tell(bench.tenant, &[contact.message()]).await;
        let item = accepted(&bench, &mut desk).await;
        let parked = bench.park(&item.id, 0).await.unwrap();
        assert_eq!(parked.state(), pb::WorkItemState::Accepted);
        let (since, until) = (parked.park_time.unwrap(), parked.park_expire_time.unwrap());
        assert_eq!(until.seconds - since.seconds, 86_400);
        // They have room for other work, and no supervisor takes them for busy with this.
        let other = bench.asks(&care, types::Channel::Messaging).await.unwrap();
        let second = accepted(&bench, &mut desk).await;
        assert_eq!(second.ticket_id, other.id);
        let request = pb::WatchAgentsRequest::default();
        let stream = bench.supervision().watch_agents(bench.boss(request)).await;
        let seen = stream.unwrap().into_inner().message().await.unwrap();
        let seen = seen.unwrap().agents.remove(0);
        let in_hand: i32 = seen.channels.iter().map(|channel| channel.in_hand).sum();
        assert_eq!((seen.parked, in_hand), (1, 1));
        bench.verified().await;

        // It outlives the owner and that they go home.
        drop(desk);
        let bench = stop(bench).await.another().await;
        assert_eq!(bench.work_item(&item.id).await.park_time, Some(since));
        let _desk = bench.desk(&ana).await;
        interactions
            .tell(bench.tenant, &[contact.next().message()])
            .await;
        let back = bench.is_back(&item.id).await;
        assert_eq!(back.agent_id, ana.id);
        assert!(back.over_capacity, "they have other work in hand");
        assert!(back.park_duration.is_some());
        let ticket = tickets(&bench, &contact.of_conversation(), 1).await;
        assert_eq!(bench.work_of(&ticket[0]).await.len(), 1);
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_parked_work_takes_it_up_again_and_no_call_is_parked() {
    everywhere(async |bench: Bench| {
        let care = bench.queue("care").await;
        let (_, mut desk) = ana(&bench, &care).await;
        bench.asks(&care, types::Channel::Email).await.unwrap();
        let mail = accepted(&bench, &mut desk).await;
        let refused = bench.unpark(&mail.id).await.unwrap_err();
        assert_eq!(reason(&refused), "NOT_PARKED");
        let refused = bench.park(&mail.id, 604_801).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        bench.park(&mail.id, 60).await.unwrap();
        let back = bench.unpark(&mail.id).await.unwrap();
        assert_eq!((back.park_time, back.over_capacity), (None, false));
        // Somebody else does not park what is not theirs.
        let request = pb::ParkWorkItemRequest {
            request_id: request_id(),
            work_item_id: mail.id.clone(),
            timeout_s: 60,
        };
        bench.hire("ben", &care).await;
        let his = bench.agent("ben", request.clone());
        let refused = bench.work_items().park_work_item(his).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
        let theirs = bench.stranger(request);
        let refused = bench.work_items().park_work_item(theirs).await;
        assert_eq!(refused.unwrap_err().code(), Code::NotFound);
        bench.asks(&care, types::Channel::Phone).await.unwrap();
        let call = accepted(&bench, &mut desk).await;
        let refused = bench.park(&call.id, 60).await.unwrap_err();
        assert_eq!(reason(&refused), "CONTACT_LIVE");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrap_up_is_extended_as_far_as_its_queue_lets_it() {
    everywhere(async |bench: Bench| {
        let care = pb::Queue {
            code: "care".into(),
            display_name: "Care".into(),
            wrap_up_s: 100,
            most_wrap_up_s: 160,
            ..Default::default()
        };
        let care = bench.queue_like(care).await;
        assert_eq!(care.most_wrap_up_s, 160);
        let (_, mut desk) = ana(&bench, &care).await;
        bench.asks(&care, types::Channel::Phone).await.unwrap();
        let call = accepted(&bench, &mut desk).await;
        let extend = async |by_s| {
            let request = pb::ExtendWrapUpRequest {
                request_id: request_id(),
                work_item_id: call.id.clone(),
                by_s,
            };
            let request = bench.agent("ana", request);
            let answer = bench.work_items().extend_wrap_up(request).await?;
            Ok::<_, Status>(answer.into_inner().work_item.unwrap())
        };
        assert_eq!(reason(&extend(5).await.unwrap_err()), "NOT_WRAPPING_UP");
        let wraps_up = bench.complete(&call).await;
        let begun = wraps_up.handled_time.unwrap().seconds;
        let until = |work: pb::WorkItem| work.wrap_up_expire_time.unwrap().seconds - begun;
        assert_eq!(until(wraps_up), 100);
        assert_eq!(until(extend(40).await.unwrap()), 140);
        assert_eq!(until(extend(40).await.unwrap()), 160);
        assert_eq!(reason(&extend(40).await.unwrap_err()), "WRAP_UP_TOO_LONG");
    })
    .await;
}
