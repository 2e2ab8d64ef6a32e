//! Calendars, policies and clocks, on a clock that is moved by hand.

use chrono::{DateTime, Utc};
use rapport_foundation::role::Role;
use rapport_foundation::testing::{House, engines, eventually};
use rapport_foundation::time::{Clock, Micros};
use rapport_proto::events::v1::event::Data;
use rapport_proto::routing::v1 as pb;
use rapport_proto::routing::v1::calendar_service_client::CalendarServiceClient;
use rapport_proto::routing::v1::log_service_client::LogServiceClient;
use rapport_proto::routing::v1::sla_policy_service_client::SlaPolicyServiceClient;
use rapport_proto::routing::v1::sla_step::Action;
use rapport_proto::types::v1 as types;
use rapport_routing::Config;
use tonic::Status;

use crate::bench::{Bench, request_id};

mod contacts;
mod corrected;
mod edits;
mod setting_up;
mod timers;

/// A moment, written down.
pub(crate) fn at(text: &str) -> Micros {
    let time: DateTime<Utc> = text.parse().unwrap();
    Micros(time.timestamp_micros())
}

/// A moment as clients write it.
pub(crate) fn stamp(text: &str) -> Option<prost_types::Timestamp> {
    Some(at(text).into())
}

/// Runs a test on a fresh service on every engine, where it is now as late as `start` says.
#[expect(
    clippy::print_stderr,
    reason = "a failing test must say on which engine"
)]
pub(crate) async fn everywhere_at(start: &str, mut test: impl AsyncFnMut(Bench)) {
    for engine in engines() {
        eprintln!("on {}", engine.name());
        let house = House::new(Clock::manual(at(start)));
        let t = house
            .env(&engine, Role::Routing, rapport_routing::migrations)
            .await;
        let db = t.db.clone();
        Box::pin(test(Bench::open(t, Config::default()).await)).await;
        db.close().await;
    }
}

/// Nine to noon and one to five in Berlin, on working days; Good Friday and Easter Monday closed.
pub(crate) fn office() -> pb::Calendar {
    let weekly = (1..=5).flat_map(|day| {
        [(9, 12), (13, 17)].map(|(from, to)| pb::WeeklyOpening {
            day,
            start_minute: from * 60,
            end_minute: to * 60,
        })
    });
    let closed = |date: &str| pb::CalendarException {
        date: date.into(),
        openings: Vec::new(),
        display_name: "Easter".into(),
    };
    pb::Calendar {
        code: "office".into(),
        display_name: "Office".into(),
        time_zone: "Europe/Berlin".into(),
        weekly_openings: weekly.collect(),
        exceptions: vec![closed("2026-04-03"), closed("2026-04-06")],
        ..Default::default()
    }
}

pub(crate) fn around_the_clock() -> pb::Calendar {
    let weekly = (1..=7).map(|day| pb::WeeklyOpening {
        day,
        start_minute: 0,
        end_minute: 1_440,
    });
    pb::Calendar {
        code: "always".into(),
        display_name: "Always".into(),
        time_zone: "Asia/Jakarta".into(),
        weekly_openings: weekly.collect(),
        ..Default::default()
    }
}

pub(crate) const FIRST: types::SlaClockKind = types::SlaClockKind::FirstResponse;
pub(crate) const NEXT: types::SlaClockKind = types::SlaClockKind::NextResponse;
pub(crate) const SOLUTION: types::SlaClockKind = types::SlaClockKind::Resolution;

pub(crate) fn target(clock: types::SlaClockKind, minutes: i32) -> pb::SlaTarget {
    pb::SlaTarget {
        clock: clock.into(),
        within_s: minutes * 60,
        pauses: match clock {
            FIRST => Vec::new(),
            _ => vec![pb::TicketWaitingOn::Customer.into()],
        },
    }
}

pub(crate) fn step(code: &str, minutes: i32, action: Action) -> pb::SlaStep {
    pb::SlaStep {
        code: code.into(),
        clock: SOLUTION.into(),
        offset_s: minutes * 60,
        action: Some(action),
    }
}

pub(crate) fn policy(calendar: &pb::Calendar, targets: &[pb::SlaTarget]) -> pb::SlaPolicy {
    pb::SlaPolicy {
        code: "usual".into(),
        display_name: "Usual".into(),
        calendar_id: calendar.id.clone(),
        targets: targets.to_vec(),
        ..Default::default()
    }
}

impl Bench {
    fn calendars(&self) -> CalendarServiceClient<rapport_foundation::channel::Channel> {
        CalendarServiceClient::new(self.channel.clone())
    }

    fn policies(&self) -> SlaPolicyServiceClient<rapport_foundation::channel::Channel> {
        SlaPolicyServiceClient::new(self.channel.clone())
    }

    /// Moves the clock to then.
    pub(crate) fn it_is(&self, text: &str) {
        self.t.env.clock.set(at(text));
    }

    pub(crate) async fn calendar(&self, calendar: pb::Calendar) -> Result<pb::Calendar, Status> {
        let request = pb::CreateCalendarRequest {
            request_id: request_id(),
            calendar: Some(calendar),
        };
        let answer = self.calendars().create_calendar(self.boss(request)).await?;
        Ok(answer.into_inner().calendar.unwrap())
    }

    pub(crate) async fn promise(&self, policy: pb::SlaPolicy) -> Result<pb::SlaPolicy, Status> {
        let request = pb::CreateSlaPolicyRequest {
            request_id: request_id(),
            sla_policy: Some(policy),
            validate_only: false,
        };
        let answer = self
            .policies()
            .create_sla_policy(self.boss(request))
            .await?;
        Ok(answer.into_inner().sla_policy.unwrap())
    }

    pub(crate) async fn explained(&self, ticket: &pb::Ticket) -> pb::SlaExplanation {
        let request = pb::ExplainSlaRequest {
            ticket_id: ticket.id.clone(),
        };
        let answer = self.policies().explain_sla(self.boss(request)).await;
        answer.unwrap().into_inner().explanation.unwrap()
    }

    pub(crate) async fn clock(
        &self,
        ticket: &pb::Ticket,
        kind: types::SlaClockKind,
    ) -> pb::SlaClock {
        let clocks = self.explained(ticket).await.clocks;
        clocks
            .into_iter()
            .rfind(|clock| clock.kind() == kind)
            .unwrap()
    }

    pub(crate) async fn wait_for(
        &self,
        ticket: &pb::Ticket,
        on: pb::TicketWaitingOn,
    ) -> pb::Ticket {
        let new = pb::Ticket {
            waiting_on: on.into(),
            ..Default::default()
        };
        self.set(ticket, new, &["waiting_on"]).await.unwrap()
    }

    async fn go_on(&self, ticket: &pb::Ticket) -> pb::Ticket {
        let new = pb::Ticket {
            state: pb::TicketState::Open.into(),
            ..Default::default()
        };
        self.set(ticket, new, &["state"]).await.unwrap()
    }

    pub(crate) async fn read(&self, ticket: &pb::Ticket) -> pb::Ticket {
        let request = pb::GetTicketRequest {
            ticket_id: ticket.id.clone(),
        };
        let answer = self.tickets().get_ticket(self.boss(request)).await.unwrap();
        answer.into_inner().ticket.unwrap()
    }

    pub(crate) async fn solve(&self, ticket: &pb::Ticket) -> pb::Ticket {
        let request = pb::ResolveTicketRequest {
            request_id: request_id(),
            ticket_id: ticket.id.clone(),
            ..Default::default()
        };
        let answer = self.tickets().resolve_ticket(self.boss(request)).await;
        answer.unwrap().into_inner().ticket.unwrap()
    }

    pub(crate) async fn reopen(&self, ticket: &pb::Ticket) -> pb::Ticket {
        let request = pb::ReopenTicketRequest {
            request_id: request_id(),
            ticket_id: ticket.id.clone(),
            ..Default::default()
        };
        let answer = self.tickets().reopen_ticket(self.boss(request)).await;
        answer.unwrap().into_inner().ticket.unwrap()
    }

    /// What the log says of clocks, in its order: the code of a step, `breached`, `met` or `met late`.
    pub(crate) async fn told(&self, ticket: &pb::Ticket) -> Vec<String> {
        let mut client = LogServiceClient::new(self.channel.clone());
        let request = pb::ReadLogRequest {
            page_size: 1_000,
            ..Default::default()
        };
        let answer = client.read_log(self.boss(request)).await.unwrap();
        let word = |data: Data| {
            let (of, word) = match data {
                Data::SlaEscalated(step) => (step.ticket, step.step),
                Data::SlaBreached(breached) => (breached.ticket, "breached".to_owned()),
                Data::SlaMet(met) => {
                    let word = if met.breached { "met late" } else { "met" };
                    (met.ticket, word.to_owned())
                }
                _ => return None,
            };
            (of.unwrap().ticket_id == ticket.id).then_some(word)
        };
        let events = answer.into_inner().events.into_iter();
        events.filter_map(|event| word(event.data?)).collect()
    }

    /// Waits until the log says so many things of a ticket's clocks.
    pub(crate) async fn hears(&self, ticket: &pb::Ticket, words: &[&str]) {
        eventually(&format!("the log says {words:?}"), async || {
            let told = self.told(ticket).await;
            assert!(told.len() <= words.len(), "{told:?}");
            (told == words).then_some(())
        })
        .await;
    }
}
