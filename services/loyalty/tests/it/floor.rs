//! A loyalty service on a fresh database, with a clock that the test moves.

use std::time::Duration;

use rapport_foundation::channel::Channel;
use rapport_foundation::context::Context;
use rapport_foundation::id::{CustomerId, RecordId, TenantId};
use rapport_foundation::role::Role;
use rapport_foundation::testing::{self, Engine, House, TestEnv, engines};
use rapport_foundation::time::{Clock, Micros};
use rapport_loyalty::Config;
use rapport_proto::loyalty::v1 as pb;
use rapport_proto::loyalty::v1::ledger_service_client::LedgerServiceClient;
use rapport_proto::loyalty::v1::program_service_client::ProgramServiceClient;
use rapport_proto::types::v1 as types;
use tonic::{Code, Response, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

pub(crate) const DAY: Duration = Duration::from_secs(86_400);
const SCOPES: &[&str] = &[
    "loyalty.manage",
    "loyalty.read",
    "loyalty.reverse",
    "loyalty.write",
];

pub(crate) struct Floor {
    pub(crate) t: TestEnv,
    pub(crate) tenant: TenantId,
    pub(crate) clock: Clock,
    channel: Channel,
}

/// Runs a test body on every engine.
pub(crate) async fn on_every_engine(mut test: impl AsyncFnMut(Floor)) {
    for engine in engines() {
        println!("on {}", engine.name());
        Box::pin(test(Floor::open(&engine).await)).await;
    }
}

impl Floor {
    pub(crate) async fn open(engine: &Engine) -> Self {
        let clock = Clock::manual(Micros::from_secs(1_800_000_000));
        // Only the service is on the clock that is moved: signed contexts would grow old by it.
        let house = House::new(Clock::system());
        let t = house
            .env(engine, Role::Loyalty, rapport_loyalty::migrations)
            .await;
        Self::on(t, testing::tenant(), clock).await
    }

    /// The service in this environment, such as one after a restart.
    pub(crate) async fn on(mut t: TestEnv, tenant: TenantId, clock: Clock) -> Self {
        t.env.clock = clock.clone();
        let config = Config {
            sweep_interval_s: 1,
            ..Config::default()
        };
        let service = rapport_loyalty::open(t.env.clone(), config).await.unwrap();
        let channel = t.attach(service.routes);
        Self {
            t,
            tenant,
            clock,
            channel,
        }
    }

    pub(crate) fn ledger(&self) -> LedgerServiceClient<Channel> {
        LedgerServiceClient::new(self.channel.clone())
    }

    pub(crate) fn programs(&self) -> ProgramServiceClient<Channel> {
        ProgramServiceClient::new(self.channel.clone())
    }

    pub(crate) fn ask<M>(&self, message: M) -> tonic::Request<M> {
        self.t.request(self.tenant, SCOPES, message)
    }

    pub(crate) fn ask_as<M>(&self, context: &Context, message: M) -> tonic::Request<M> {
        self.t.request_as(context, message)
    }

    pub(crate) async fn program(&self, change: impl FnOnce(&mut pb::Program)) -> pb::Program {
        let mut program = plain_program();
        change(&mut program);
        let request = pb::CreateProgramRequest {
            request_id: rid(),
            program: Some(program),
        };
        let created = self.programs().create_program(self.ask(request)).await;
        created.unwrap().into_inner().program.unwrap()
    }

    pub(crate) async fn enrol(
        &self,
        program: &pb::Program,
        customer: types::CustomerRef,
    ) -> Result<pb::Member, Status> {
        let request = pb::EnrolMemberRequest {
            request_id: rid(),
            program_id: program.id.clone(),
            customer: Some(customer),
        };
        let done = self.programs().enrol_member(self.ask(request)).await?;
        Ok(done.into_inner().member.unwrap())
    }

    /// A member of a programme with these changes.
    pub(crate) async fn member_of(&self, change: impl FnOnce(&mut pb::Program)) -> String {
        let program = self.program(change).await;
        self.enrol(&program, customer()).await.unwrap().id
    }

    pub(crate) async fn member(&self) -> String {
        self.member_of(|_| {}).await
    }

    pub(crate) async fn earn(
        &self,
        member: &str,
        units: i64,
    ) -> Result<pb::EarnPointsResponse, Status> {
        let request = pb::EarnPointsRequest {
            request_id: rid(),
            member_id: member.to_owned(),
            points: Some(points(units)),
            ..pb::EarnPointsRequest::default()
        };
        self.ledger()
            .earn_points(self.ask(request))
            .await
            .map(Response::into_inner)
    }

    pub(crate) async fn earn_by(
        &self,
        member: &str,
        order: &str,
        total: i64,
    ) -> Result<pb::EarnPointsResponse, Status> {
        let request = pb::EarnPointsRequest {
            request_id: rid(),
            member_id: member.to_owned(),
            order: Some(purchase(order, total)),
            ..pb::EarnPointsRequest::default()
        };
        self.ledger()
            .earn_points(self.ask(request))
            .await
            .map(Response::into_inner)
    }

    pub(crate) async fn hold(
        &self,
        member: &str,
        units: i64,
        timeout_s: i64,
    ) -> Result<pb::HoldPointsResponse, Status> {
        let request = pb::HoldPointsRequest {
            request_id: rid(),
            member_id: member.to_owned(),
            points: Some(points(units)),
            timeout_s,
            ..pb::HoldPointsRequest::default()
        };
        self.ledger()
            .hold_points(self.ask(request))
            .await
            .map(Response::into_inner)
    }

    pub(crate) async fn capture(
        &self,
        hold: &str,
        units: Option<i64>,
    ) -> Result<pb::CaptureHoldResponse, Status> {
        let request = pb::CaptureHoldRequest {
            request_id: rid(),
            hold_id: hold.to_owned(),
            points: units.map(points),
            ..pb::CaptureHoldRequest::default()
        };
        self.ledger()
            .capture_hold(self.ask(request))
            .await
            .map(Response::into_inner)
    }

    pub(crate) async fn void(&self, hold: &str) -> Result<pb::VoidHoldResponse, Status> {
        let request = pb::VoidHoldRequest {
            request_id: rid(),
            hold_id: hold.to_owned(),
            etag: String::new(),
        };
        self.ledger()
            .void_hold(self.ask(request))
            .await
            .map(Response::into_inner)
    }

    pub(crate) async fn reverse(
        &self,
        entry: &str,
        units: Option<i64>,
    ) -> Result<pb::ReverseEntryResponse, Status> {
        let request = pb::ReverseEntryRequest {
            request_id: rid(),
            entry_id: entry.to_owned(),
            points: units.map(points),
            reason: "refund".into(),
        };
        self.ledger()
            .reverse_entry(self.ask(request))
            .await
            .map(Response::into_inner)
    }

    pub(crate) async fn get_hold(&self, hold: &str) -> Result<pb::Hold, Status> {
        let request = pb::GetHoldRequest {
            hold_id: hold.to_owned(),
        };
        let done = self.ledger().get_hold(self.ask(request)).await?;
        Ok(done.into_inner().hold.unwrap())
    }

    pub(crate) async fn get_balance(&self, member: &str) -> pb::Balance {
        let request = pb::GetBalanceRequest {
            member_id: member.to_owned(),
        };
        let done = self.ledger().get_balance(self.ask(request)).await;
        done.unwrap().into_inner().balance.unwrap()
    }

    /// Available, held, pending and owed.
    pub(crate) async fn balance(&self, member: &str) -> [i64; 4] {
        amounts(&self.get_balance(member).await)
    }

    /// Every entry of a member, newest first.
    pub(crate) async fn entries(&self, member: &str) -> Vec<pb::Entry> {
        let mut entries = Vec::new();
        let mut page_token = String::new();
        loop {
            let member_id = member.to_owned();
            let request = pb::ListEntriesRequest {
                member_id,
                page_size: 7,
                page_token,
            };
            let page = self
                .ledger()
                .list_entries(self.ask(request))
                .await
                .unwrap()
                .into_inner();
            entries.extend(page.entries);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return entries;
            }
        }
    }

    /// Kinds and points of every entry, oldest first.
    pub(crate) async fn story(&self, member: &str) -> Vec<(pb::EntryType, i64)> {
        let entries = self.entries(member).await;
        let line = |entry: &pb::Entry| (entry.r#type(), entry.points.as_ref().unwrap().units);
        entries.iter().rev().map(line).collect()
    }

    /// Every invariant holds.
    pub(crate) async fn check(&self) {
        assert_eq!(rapport_loyalty::verify(&self.t.db).await.unwrap(), []);
    }
}

pub(crate) fn plain_program() -> pb::Program {
    pb::Program {
        code: format!("p-{}", Uuid::now_v7().simple()),
        display_name: "Points".into(),
        point_code: "PTS".into(),
        point_exponent: 0,
        earn_rule: Some(pb::EarnRule {
            currency_code: "EUR".into(),
            currency_exponent: 2,
            points: 1,
            per: 100,
            minimum_total: 500,
        }),
        ..pb::Program::default()
    }
}

pub(crate) fn amounts(balance: &pb::Balance) -> [i64; 4] {
    let units = |amount: &Option<types::Amount>| amount.as_ref().unwrap().units;
    [
        units(&balance.available),
        units(&balance.held),
        units(&balance.pending),
        units(&balance.debt),
    ]
}

/// A fresh request id.
pub(crate) fn rid() -> String {
    Uuid::now_v7().to_string()
}

pub(crate) fn points(units: i64) -> types::Amount {
    types::Amount {
        units,
        code: "PTS".into(),
        exponent: 0,
    }
}

pub(crate) fn purchase(order: &str, units: i64) -> types::Order {
    let total = Some(types::Amount {
        units,
        code: "EUR".into(),
        exponent: 2,
    });
    types::Order {
        order_id: order.into(),
        total,
        lines: Vec::new(),
    }
}

pub(crate) fn customer() -> types::CustomerRef {
    let now = Clock::system().now();
    types::CustomerRef {
        customer_id: CustomerId::new(now).to_string(),
        record_id: RecordId::new(now).to_string(),
    }
}

/// Code and stable reason of a refusal.
pub(crate) fn refusal<T: std::fmt::Debug>(answer: Result<T, Status>) -> (Code, String) {
    let status = answer.unwrap_err();
    let reason = status
        .get_details_error_info()
        .map(|info| info.reason)
        .unwrap_or_default();
    (status.code(), reason)
}

/// Fields and reasons of an invalid request.
pub(crate) fn violations<T: std::fmt::Debug>(answer: Result<T, Status>) -> Vec<(String, String)> {
    let status = answer.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let listed = status.get_details_bad_request().unwrap().field_violations;
    listed
        .into_iter()
        .map(|one| (one.field, one.reason))
        .collect()
}

pub(crate) fn precondition(reason: &str) -> (Code, String) {
    (Code::FailedPrecondition, reason.to_owned())
}
