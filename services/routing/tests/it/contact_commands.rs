//! What connectors are told to do with the contacts that they hold.

mod callbacks;
mod clocks;
mod given_back;
mod gone;
mod line;
mod listening;
mod replicas;

use rapport_foundation::events::Data;
use rapport_foundation::role::Role;
use rapport_foundation::testing::eventually;
use rapport_proto::events::v1::event::Data as Told;
use rapport_proto::routing::v1 as pb;
use rapport_proto::routing::v1::ContactCommandKind as Kind;
use rapport_proto::routing::v1::deliver_commands_request::Message as Word;
use rapport_proto::routing::v1::deliver_commands_response::Message as Heard;
use rapport_proto::routing::v1::watch_offers_response::Event;
use rapport_proto::types::v1 as types;
use rapport_routing::Config;
use tonic::Code;

use crate::bench::{Bench, Desk, Teller, everywhere, reason, request_id};
use crate::intake::Contact;
use crate::restart::stop;
use line::{Line, command};

const PBX: &str = "pbx";

/// A house with one commanded queue, and somebody who tells of calls.
struct House {
    bench: Bench,
    teller: Teller,
    care: pb::Queue,
}

impl House {
    async fn of(bench: Bench) -> Self {
        let teller = Teller::of(&bench, Role::Interactions).await;
        let care = pb::Queue {
            code: "care".into(),
            display_name: "care".into(),
            offer_timeout_s: 30,
            wrap_up_s: 600,
            max_lapsed_offers: 2,
            commanded: true,
            ..pb::Queue::default()
        };
        let care = bench.queue_like(care).await;
        assert!(care.commanded);
        Self {
            bench,
            teller,
            care,
        }
    }

    /// Somebody at work who is reached at an address.
    async fn at_work(&self, name: &str) -> (pb::Agent, Desk) {
        self.at_work_as(name, pb::AgentKind::Person).await
    }

    async fn at_work_as(&self, name: &str, kind: pb::AgentKind) -> (pb::Agent, Desk) {
        let agent = pb::Agent {
            kind: kind.into(),
            principal: name.into(),
            display_name: name.into(),
            address: format!("sip:{name}"),
            queue_ids: vec![self.care.id.clone()],
            ..pb::Agent::default()
        };
        let request = pb::CreateAgentRequest {
            request_id: request_id(),
            agent: Some(agent),
        };
        let bench = &self.bench;
        let made = bench.agents().create_agent(bench.boss(request)).await;
        let agent = made.unwrap().into_inner().agent.unwrap();
        let desk = bench.desk(&agent).await;
        bench.set_status(&agent, pb::AgentStatus::Available).await;
        (agent, desk)
    }

    async fn call(&self) -> Contact {
        let contact = Contact::new();
        let mut facts = contact.facts(types::InteractionKind::Call, types::Channel::Phone);
        facts.connector = PBX.into();
        facts.routing = Some(types::RoutingHint {
            queue: "care".into(),
            ..Default::default()
        });
        let call: (String, Data) = contact.linked(facts);
        self.teller.tell(self.bench.tenant, &[call]).await;
        contact
    }

    /// A call that somebody accepts.
    async fn accepted(&self, desk: &mut Desk) -> pb::WorkItem {
        self.call().await;
        let offer = desk.offer().await;
        self.bench.accept(&offer.id).await.unwrap()
    }

    /// Somebody who is put through to a call that they accepted, and the connector that did it.
    async fn on_the_line(&self, name: &str) -> (pb::Agent, Desk, Line, pb::WorkItem) {
        let (agent, mut desk) = self.at_work(name).await;
        let mut line = Line::open(&self.bench, PBX, 5).await;
        let item = self.accepted(&mut desk).await;
        line.does_next(Kind::Connect).await;
        (agent, desk, line, item)
    }

    async fn commands_of(&self, item: &pb::WorkItem) -> Vec<pb::ContactCommand> {
        let request = pb::ListContactCommandsRequest {
            work_item_id: item.id.clone(),
            ..Default::default()
        };
        let bench = &self.bench;
        let listed = bench
            .commands()
            .list_contact_commands(bench.boss(request))
            .await;
        listed.unwrap().into_inner().contact_commands
    }
}

async fn told(desk: &mut Desk) -> pb::ContactCommand {
    loop {
        if let Event::ContactCommand(command) = desk.next().await {
            return command;
        }
    }
}

fn hold(item: &pb::WorkItem) -> pb::HoldWorkItemRequest {
    pb::HoldWorkItemRequest {
        request_id: request_id(),
        work_item_id: item.id.clone(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_is_told_what_to_do_in_order_and_the_desk_what_became_of_it() {
    everywhere(async |bench: Bench| {
        let house = House::of(bench).await;
        let bench = &house.bench;
        let (ana, mut hers) = house.at_work("ana").await;
        let mut line = Line::open(bench, PBX, 5).await;
        let item = house.accepted(&mut hers).await;
        // What follows waits until the call is connected.
        bench
            .transfers()
            .hold_work_item(bench.agent("ana", hold(&item)))
            .await
            .unwrap();
        let connect = line.told(Kind::Connect).await;
        assert_eq!(connect.agent_address, "sip:ana");
        assert_eq!(
            (
                command(&connect).agent_id.as_str(),
                command(&connect).attempt
            ),
            (ana.id.as_str(), 1)
        );
        assert_eq!(command(&connect).interaction_id, item.interaction_id);
        let Heard::Confirmation(confirmed) = line.accept(&connect).await else {
            panic!("it may be done");
        };
        assert!(confirmed.lease_ms > 0 && confirmed.lease_end_time.is_some());
        assert_eq!(line.done(&connect).await, pb::ContactCommandState::Done);
        let known = told(&mut hers).await;
        assert_eq!(
            (known.kind(), known.state()),
            (Kind::Connect, pb::ContactCommandState::Done)
        );
        line.does_next(Kind::Hold).await;
        let done = bench.complete(&item).await;
        assert_eq!(done.state(), pb::WorkItemState::WrappingUp);
        let hang_up = line.told(Kind::HangUp).await;
        assert_eq!(
            line.fails(&hang_up, pb::CommandFault::Unspecified).await,
            pb::ContactCommandState::Failed
        );
        let known = loop {
            let known = told(&mut hers).await;
            if known.kind() == Kind::HangUp {
                break known;
            }
        };
        assert_eq!(
            (known.state(), known.reason.as_str()),
            (pb::ContactCommandState::Failed, "NO_ANSWER")
        );
        // Said again it changes nothing.
        assert_eq!(line.done(&hang_up).await, pb::ContactCommandState::Failed);
        let kinds = house.commands_of(&item).await;
        let kinds: Vec<_> = kinds.iter().rev().map(pb::ContactCommand::kind).collect();
        assert_eq!(kinds, [Kind::Connect, Kind::Hold, Kind::HangUp]);
        let events = bench.log_with("contact_command_ended").await;
        let outcomes: Vec<_> = events
            .into_iter()
            .filter_map(|event| match event.data {
                Some(Told::ContactCommandEnded(told)) => Some((told.kind, told.outcome)),
                _ => None,
            })
            .collect();
        assert_eq!(outcomes.first(), Some(&("connect".into(), "done".into())));
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_of_commands_sees_no_difference() {
    everywhere(async |bench: Bench| {
        let house = House::of(bench).await;
        let bench = &house.bench;
        let plain = bench.queue("plain").await;
        let ben = bench.hire("ben", &plain).await;
        let mut his = bench.desk(&ben).await;
        bench.set_status(&ben, pb::AgentStatus::Available).await;
        // A call in a queue that is not commanded, and a ticket in one that is.
        let contact = Contact::new();
        let mut facts = contact.facts(types::InteractionKind::Call, types::Channel::Phone);
        facts.connector = PBX.into();
        facts.routing = Some(types::RoutingHint {
            queue: "plain".into(),
            ..Default::default()
        });
        house
            .teller
            .tell(bench.tenant, &[contact.linked(facts)])
            .await;
        let call = bench.accept(&his.offer().await.id).await.unwrap();
        let (_, mut hers) = house.at_work("ana").await;
        bench.ticket(&house.care).await;
        let by_hand = bench.accept(&hers.offer().await.id).await.unwrap();
        for item in [call, by_hand] {
            bench.complete(&item).await;
            assert_eq!(house.commands_of(&item).await, []);
        }
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_stream_loses_no_command_and_neither_does_a_new_owner() {
    everywhere(async |bench: Bench| {
        let house = House::of(bench).await;
        let (_, mut hers) = house.at_work("ana").await;
        let item = house.accepted(&mut hers).await;
        let mut line = Line::open(&house.bench, PBX, 5).await;
        let first = line.told(Kind::Connect).await;
        drop(line);
        let mut line = Line::open(&house.bench, PBX, 5).await;
        let second = line.told(Kind::Connect).await;
        assert_eq!(command(&second).id, command(&first).id);
        assert_eq!((command(&second).attempt, second.may_be_done), (2, false));
        assert!(matches!(line.accept(&second).await, Heard::Confirmation(_)));
        let House {
            bench,
            teller,
            care,
        } = house;
        let old = stop(bench).await;
        let bench = old.another().await;
        let house = House {
            bench,
            teller,
            care,
        };
        let mut line = Line::open(&house.bench, PBX, 5).await;
        let third = line.told(Kind::Connect).await;
        assert_eq!(command(&third).id, command(&first).id);
        assert_eq!((command(&third).attempt, third.may_be_done), (3, true));
        // It was done in the meantime: that counts, whichever attempt it was.
        assert_eq!(line.done(&second).await, pb::ContactCommandState::Done);
        let commands = house.commands_of(&item).await;
        assert_eq!(commands[0].state(), pb::ContactCommandState::Done);
        house.bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_cannot_be_connected_goes_to_others_within_the_limit_of_lapses() {
    everywhere(async |bench: Bench| {
        let house = House::of(bench).await;
        let bench = &house.bench;
        let (ana, mut hers) = house.at_work("ana").await;
        let mut line = Line::open(bench, PBX, 5).await;
        let item = house.accepted(&mut hers).await;
        let connect = line.told(Kind::Connect).await;
        assert_eq!(
            line.fails(&connect, pb::CommandFault::AgentUnreachable)
                .await,
            pb::ContactCommandState::Failed
        );
        let waits = bench.work_item(&item.id).await;
        assert_eq!(
            (waits.state(), waits.queue_time, waits.turn_time),
            (pb::WorkItemState::Waiting, item.queue_time, item.turn_time)
        );
        let (ben, mut his) = house.at_work("ben").await;
        let offer = his.offer().await;
        assert_eq!(offer.work_item.unwrap().id, item.id);
        bench.accept(&offer.id).await.unwrap();
        let connect = line.does_next(Kind::Connect).await;
        assert_eq!(command(&connect).agent_id, ben.id);
        // Once more for ana, and it was once too often.
        let again = house.accepted(&mut hers).await;
        let connect = line.told(Kind::Connect).await;
        assert_eq!(command(&connect).work_item_id, again.id);
        line.fails(&connect, pb::CommandFault::AgentUnreachable)
            .await;
        let away = async || {
            let request = pb::GetAgentRequest {
                agent_id: ana.id.clone(),
            };
            let agent = bench.agents().get_agent(bench.boss(request)).await.unwrap();
            let status = agent.into_inner().agent.unwrap().status();
            (status == pb::AgentStatus::NotResponding).then_some(())
        };
        eventually("she takes no work", away).await;
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_connector_does_in_time_is_given_up_and_told() {
    rapport_foundation::testing::on_every_engine(
        Role::Routing,
        rapport_routing::migrations,
        async |t| {
            let config = Config {
                command_worth_ms: 300,
                ..Config::default()
            };
            let house = House::of(Bench::open(t, config).await).await;
            let bench = &house.bench;
            let (_, mut hers) = house.at_work("ana").await;
            let item = house.accepted(&mut hers).await;
            let known = told(&mut hers).await;
            assert_eq!(
                (known.kind(), known.state(), known.reason.as_str()),
                (Kind::Connect, pb::ContactCommandState::Expired, "EXPIRED")
            );
            let waits = bench.work_item(&item.id).await;
            assert_eq!(
                waits.state(),
                pb::WorkItemState::Waiting,
                "in its place again"
            );
            // A connector that comes too late is told so.
            let mut line = Line::open(bench, PBX, 5).await;
            line.say(Word::Done(pb::CommandDone {
                contact_command_id: known.id.clone(),
                attempt: 1,
            }))
            .await;
            let Heard::Withdrawal(withdrawn) = line.hears().await else {
                panic!("it was never handed over");
            };
            assert_eq!(withdrawn.reason(), pb::CommandWithdrawalReason::Unknown);
            bench.verified().await;
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_has_its_own_commands_and_is_told_what_it_says_wrong() {
    everywhere(async |bench: Bench| {
        let house = House::of(bench).await;
        let bench = &house.bench;
        let (_, mut hers) = house.at_work("ana").await;
        house.accepted(&mut hers).await;
        let mut line = Line::open(bench, PBX, 1).await;
        let connect = line.told(Kind::Connect).await;
        let mut other = Line::open(bench, "chat", 5).await;
        let Heard::Withdrawal(withdrawn) = other.accept(&connect).await else {
            panic!("it is not theirs");
        };
        assert_eq!(withdrawn.reason(), pb::CommandWithdrawalReason::Unknown);
        other
            .say(Word::Failed(pb::CommandFailed {
                contact_command_id: "cmd_x".into(),
                attempt: 0,
                reason: "no answer, he said".into(),
                fault: 0,
            }))
            .await;
        let Heard::Refusal(refusal) = other.hears().await else {
            panic!("it cannot be understood");
        };
        assert_eq!(refusal.contact_command_id, "cmd_x");
        assert_eq!(
            refusal.violations,
            [
                "contact_command_id MALFORMED_ID",
                "attempt OUT_OF_RANGE",
                "reason MALFORMED_CODE"
            ]
        );
        let listed = async |name: &str| {
            let request = bench.connector(name, pb::ListContactCommandsRequest::default());
            let listed = bench
                .commands()
                .list_contact_commands(request)
                .await
                .unwrap();
            listed.into_inner().contact_commands.len()
        };
        assert_eq!((listed(PBX).await, listed("chat").await), (1, 0));
        let mut hasty = Line::unopened(bench, PBX).await;
        hasty.say(Word::Done(pb::CommandDone::default())).await;
        // What cannot be understood is no opening.
        let ended = hasty.next().await.unwrap_err();
        assert_eq!(
            (ended.code(), reason(&ended).as_str()),
            (Code::FailedPrecondition, "STREAM_NOT_OPENED")
        );
        let words = tokio_stream::empty::<pb::DeliverCommandsRequest>();
        let nobody = bench.commands().deliver_commands(bench.boss(words)).await;
        assert_eq!(reason(&nobody.unwrap_err()), "CONNECTOR_UNKNOWN");
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_is_over_asks_for_nothing_more() {
    everywhere(async |bench: Bench| {
        let house = House::of(bench).await;
        let bench = &house.bench;
        let (_, mut hers) = house.at_work("ana").await;
        let contact = house.call().await;
        let item = bench.accept(&hers.offer().await.id).await.unwrap();
        house.teller.tell(bench.tenant, &[contact.ended()]).await;
        let cancelled = async || {
            let commands = house.commands_of(&item).await;
            let state = commands.first().map(pb::ContactCommand::state);
            (state == Some(pb::ContactCommandState::Cancelled)).then_some(())
        };
        eventually("the customer hung up", cancelled).await;
        bench.complete(&item).await;
        assert_eq!(
            house.commands_of(&item).await.len(),
            1,
            "nothing is hung up"
        );
        bench.verified().await;
    })
    .await;
}
