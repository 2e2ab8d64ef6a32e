use rapport_foundation::id::{ConversationId, CustomerId, InteractionId, RecordId};
use rapport_proto::events::v1 as events;

use super::*;
use crate::bench::Teller;

struct Talk {
    conversation: ConversationId,
    customer: types::CustomerRef,
}

impl Talk {
    fn new() -> Self {
        let now = Clock::system().now();
        Self {
            conversation: ConversationId::new(now),
            customer: types::CustomerRef {
                customer_id: CustomerId::new(now).to_string(),
                record_id: RecordId::new(now).to_string(),
            },
        }
    }

    fn mail(&self, direction: types::Direction, time: &str) -> events::InteractionFacts {
        events::InteractionFacts {
            interaction_id: InteractionId::new(Clock::system().now()).to_string(),
            conversation_id: self.conversation.to_string(),
            kind: types::InteractionKind::Message.into(),
            channel: types::Channel::Email.into(),
            direction: direction.into(),
            event_time: stamp(time),
            asks_for_agent: direction == types::Direction::Inbound,
            ..Default::default()
        }
    }

    fn asks(&self, time: &str) -> events::InteractionFacts {
        self.mail(types::Direction::Inbound, time)
    }

    fn answer(&self, time: &str) -> events::InteractionFacts {
        self.mail(types::Direction::Outbound, time)
    }

    async fn tell(&self, bench: &Bench, teller: &Teller, facts: events::InteractionFacts) {
        let linked = events::InteractionLinked {
            customer: Some(self.customer.clone()),
            pending: false,
            interaction: Some(facts.clone()),
        };
        let event = (facts.interaction_id, Data::InteractionLinked(linked));
        teller.tell(bench.tenant, &[event]).await;
    }

    async fn ticket(&self, bench: &Bench) -> pb::Ticket {
        let filter = pb::ListTicketsRequest {
            conversation_id: self.conversation.to_string(),
            ..Default::default()
        };
        eventually("the ticket is there", async || {
            bench.list_tickets(filter.clone()).await.pop()
        })
        .await
    }
}

async fn promised(bench: &Bench) {
    let calendar = bench.calendar(around_the_clock()).await.unwrap();
    let targets = [target(FIRST, 60), target(NEXT, 30), target(SOLUTION, 240)];
    bench.promise(policy(&calendar, &targets)).await.unwrap();
}

/// Waits until a clock is as it should be.
async fn sees(
    bench: &Bench,
    ticket: &pb::Ticket,
    kind: types::SlaClockKind,
    expected: (i32, Option<prost_types::Timestamp>, pb::SlaClockState),
) {
    eventually(&format!("the clock is {expected:?}"), async || {
        let clocks = bench.explained(ticket).await.clocks;
        let clock = clocks.into_iter().rfind(|clock| clock.kind() == kind)?;
        let end = clock.end_time;
        ((clock.cycle, end, clock.state()) == expected).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_count_from_the_customers_time_and_no_machine_stops_them() {
    everywhere_at("2026-03-30T08:30:00Z", async |bench: Bench| {
        use pb::SlaClockState::{Met, Running};
        promised(&bench).await;
        let teller = Teller::of(&bench, Role::Interactions).await;
        let talk = Talk::new();
        talk.tell(&bench, &teller, talk.asks("2026-03-30T08:00:00Z"))
            .await;
        let ticket = talk.ticket(&bench).await;
        let first = bench.clock(&ticket, FIRST).await;
        assert_eq!(first.start_time, stamp("2026-03-30T08:00:00Z"));
        assert_eq!(first.due_time, stamp("2026-03-30T09:00:00Z"));

        let mut machine = talk.answer("2026-03-30T08:31:00Z");
        machine.automatic = true;
        let mut old = talk.answer("2026-03-30T08:32:00Z");
        old.history = true;
        for facts in [machine, old] {
            talk.tell(&bench, &teller, facts).await;
        }
        // A mark in the log of events: what came before is taken in once the clock has seen it.
        bench.it_is("2026-03-30T08:50:00Z");
        talk.tell(&bench, &teller, talk.answer("2026-03-30T08:45:00Z"))
            .await;
        let met = stamp("2026-03-30T08:45:00Z");
        sees(&bench, &ticket, FIRST, (1, met, Met)).await;
        bench.hears(&ticket, &["met"]).await;

        talk.tell(&bench, &teller, talk.asks("2026-03-30T08:48:00Z"))
            .await;
        sees(&bench, &ticket, NEXT, (1, None, Running)).await;
        bench.it_is("2026-03-30T09:18:00Z");
        bench.hears(&ticket, &["met", "breached"]).await;
        // From the future: it counts from when it came.
        talk.tell(&bench, &teller, talk.answer("2027-01-01T00:00:00Z"))
            .await;
        let late = stamp("2026-03-30T09:18:00Z");
        sees(&bench, &ticket, NEXT, (1, late, Met)).await;
        bench.hears(&ticket, &["met", "breached", "met late"]).await;
        talk.tell(&bench, &teller, talk.asks("2026-03-30T09:18:00Z"))
            .await;
        sees(&bench, &ticket, NEXT, (2, None, Running)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_heard_of_after_the_ticket_was_solved_counts() {
    everywhere_at("2026-03-30T08:00:00Z", async |bench: Bench| {
        promised(&bench).await;
        let teller = Teller::of(&bench, Role::Interactions).await;
        let talk = Talk::new();
        talk.tell(&bench, &teller, talk.asks("2026-03-30T08:00:00Z"))
            .await;
        let ticket = talk.ticket(&bench).await;
        bench.it_is("2026-03-30T08:30:00Z");
        bench.solve(&ticket).await;
        let first = bench.clock(&ticket, FIRST).await;
        assert_eq!(first.state(), pb::SlaClockState::Moot);
        bench.it_is("2026-03-30T08:30:02Z");
        talk.tell(&bench, &teller, talk.answer("2026-03-30T08:29:59Z"))
            .await;
        let given = stamp("2026-03-30T08:29:59Z");
        let met = (1, given, pb::SlaClockState::Met);
        sees(&bench, &ticket, FIRST, met).await;
        // The solution, and then the answer.
        bench.hears(&ticket, &["met", "met"]).await;
        let solution = bench.clock(&ticket, SOLUTION).await;
        assert_eq!(solution.end_time, stamp("2026-03-30T08:30:00Z"));
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_the_customer_ends_the_waiting_for_it() {
    everywhere_at("2026-03-30T08:00:00Z", async |bench: Bench| {
        promised(&bench).await;
        let teller = Teller::of(&bench, Role::Interactions).await;
        let talk = Talk::new();
        talk.tell(&bench, &teller, talk.asks("2026-03-30T08:00:00Z"))
            .await;
        let ticket = talk.ticket(&bench).await;
        bench.wait_for(&ticket, pb::TicketWaitingOn::Customer).await;
        let stands = bench.clock(&ticket, SOLUTION).await;
        assert_eq!(
            (stands.state(), stands.due_time),
            (pb::SlaClockState::Paused, None)
        );
        bench.it_is("2026-03-30T20:00:00Z");
        talk.tell(&bench, &teller, talk.asks("2026-03-30T18:00:00Z"))
            .await;
        eventually("it goes on", async || {
            let clock = bench.clock(&ticket, SOLUTION).await;
            (clock.due_time == stamp("2026-03-30T22:00:00Z")).then_some(())
        })
        .await;
        assert_eq!(bench.read(&ticket).await.state(), pb::TicketState::Open);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_picks_up_a_call_has_answered_it() {
    everywhere_at("2026-03-30T08:00:00Z", async |bench: Bench| {
        promised(&bench).await;
        let care = bench.queue("care").await;
        let agent = bench.hire("ana", &care).await;
        let mut desk = bench.desk(&agent).await;
        bench.set_status(&agent, pb::AgentStatus::Available).await;
        let ticket = bench.ticket(&care).await;
        let offer = desk.offer().await;
        bench.it_is("2026-03-30T08:00:05Z");
        bench.accept(&offer.id).await.unwrap();
        let first = bench.clock(&ticket, FIRST).await;
        assert_eq!(
            (first.state(), first.end_time),
            (pb::SlaClockState::Met, stamp("2026-03-30T08:00:05Z"))
        );
        bench.hears(&ticket, &["met"]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_bot_says_stops_no_clock() {
    everywhere_at("2026-03-30T08:00:00Z", async |bench: Bench| {
        promised(&bench).await;
        let teller = Teller::of(&bench, Role::Interactions).await;
        let (front, care) = (bench.queue("front").await, bench.queue("care").await);
        let robo = bench.bot("robo", &front).await;
        let ana = bench.hire("ana", &care).await;
        let (mut front_desk, mut desk) = (bench.desk(&robo).await, bench.desk(&ana).await);
        for agent in [&robo, &ana] {
            bench.set_status(agent, pb::AgentStatus::Available).await;
        }
        let talk = Talk::new();
        let mut asks = talk.asks("2026-03-30T08:00:00Z");
        asks.routing = Some(types::RoutingHint {
            queue: "front".into(),
            ..Default::default()
        });
        talk.tell(&bench, &teller, asks).await;
        let work = bench.accept(&front_desk.offer().await.id).await.unwrap();
        bench.it_is("2026-03-30T08:10:00Z");
        talk.tell(&bench, &teller, talk.answer("2026-03-30T08:01:00Z"))
            .await;
        // What was told before is taken in before what is told now.
        let other = Talk::new();
        let asks = other.asks("2026-03-30T08:02:00Z");
        other.tell(&bench, &teller, asks).await;
        other.ticket(&bench).await;
        let ticket = talk.ticket(&bench).await;
        let handed = pb::HandOverWorkRequest {
            request_id: request_id(),
            work_item_id: work.id.clone(),
            queue_id: care.id.clone(),
            ..Default::default()
        };
        let asked = bench.agent("robo", handed);
        bench.bots().hand_over_work(asked).await.unwrap();
        bench.accept(&desk.offer().await.id).await.unwrap();
        talk.tell(&bench, &teller, talk.answer("2026-03-30T08:05:00Z"))
            .await;
        let met = stamp("2026-03-30T08:05:00Z");
        sees(&bench, &ticket, FIRST, (1, met, pb::SlaClockState::Met)).await;
    })
    .await;
}
