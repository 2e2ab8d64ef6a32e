//! The stage: a tenant, its queues, agents and loyalty programme, made through the gateway like any other.

use rapport_foundation::id::TenantId;
use rapport_foundation::time::Clock;
use rapport_proto::access::v1 as access;
use rapport_proto::access::v1::tenant_service_client::TenantServiceClient;
use rapport_proto::interactions::v1 as interactions;
use rapport_proto::interactions::v1::intake_service_client::IntakeServiceClient;
use rapport_proto::loyalty::v1 as loyalty;
use rapport_proto::loyalty::v1::program_service_client::ProgramServiceClient;
use rapport_proto::routing::v1 as routing;
use rapport_proto::routing::v1::agent_service_client::AgentServiceClient;
use rapport_proto::routing::v1::queue_service_client::QueueServiceClient;
use rapport_proto::types::v1::{Channel, Direction, Priority, Purpose, RoutingHint};
use tonic::Status;

use super::connector::Connector;
use super::desk::Desk;
use crate::client::{Authorised, request_id};
use crate::embed::{Suite, Who};
use crate::error::Error;

/// The currency of the stage's shop; practice there uses no decimals.
pub(super) const CURRENCY: &str = "IDR";
/// Where work goes that names no other queue.
pub(super) const CARE: &str = "care";
/// Where nobody works but one agent.
pub(super) const BILLING: &str = "billing";

/// Everything the scenes play with.
pub(super) struct Stage {
    pub(super) tenant: TenantId,
    pub(super) manager: Authorised,
    pub(super) manager_token: String,
    pub(super) program: loyalty::Program,
    pub(super) queues: Vec<routing::Queue>,
    agents: Vec<(routing::Agent, Authorised)>,
    connectors: Vec<(&'static str, Connector)>,
}

impl Stage {
    /// Builds it on a running suite.
    pub(super) async fn build(suite: &Suite) -> Result<Stage, Error> {
        let tenant = TenantId::new(Clock::system().now());
        let operator = suite.client(&Who::operator("demo-operator"))?;
        TenantServiceClient::new(operator)
            .create_tenant(access::CreateTenantRequest {
                request_id: request_id(),
                tenant_id: tenant.to_string(),
                display_name: "Demo".into(),
                time_zone: "Asia/Jakarta".into(),
                ..access::CreateTenantRequest::default()
            })
            .await?;

        let manager_token = suite.token(&Who::holding(tenant, "demo-manager", &["manager"]))?;
        let manager = suite.gateway().presenting(&manager_token)?;
        let queues = vec![
            create_queue(&manager, CARE, "Customer care").await?,
            create_queue(&manager, BILLING, "Billing").await?,
        ];
        let program = create_program(&manager).await?;
        send_enquiries_to_care(&manager).await?;

        let mut agents = Vec::new();
        for number in 1..=3 {
            let principal = format!("agent-{number}");
            // The first agent alone serves billing, so that there work must wait for them.
            let served = if number == 1 {
                &queues[..]
            } else {
                &queues[..1]
            };
            let agent = create_agent(&manager, &principal, number, served).await?;
            let gateway = suite.client(&Who::holding(tenant, &principal, &["agent"]))?;
            agents.push((agent, gateway));
        }
        let mut connectors = Vec::new();
        for name in ["whatsapp", "telephony", "mail", "chat", "store", "web"] {
            let gateway = suite.client(&Who::connector(tenant, name))?;
            connectors.push((name, Connector::new(gateway)));
        }
        Ok(Stage {
            tenant,
            manager,
            manager_token,
            program,
            queues,
            agents,
            connectors,
        })
    }

    /// A connector by its name.
    pub(super) fn connector(&self, name: &str) -> Result<&Connector, Status> {
        let found = self.connectors.iter().find(|(known, _)| *known == name);
        found
            .map(|(_, connector)| connector)
            .ok_or_else(|| Status::internal("no such connector"))
    }

    /// Seats an agent, counted from 1.
    pub(super) async fn seat(&self, number: usize) -> Result<Desk, Status> {
        match self.agents.get(number - 1) {
            Some((agent, gateway)) => Desk::open(gateway.clone(), agent).await,
            None => Err(Status::internal("no such agent")),
        }
    }

    /// How many agents there are.
    pub(super) fn agents(&self) -> usize {
        self.agents.len()
    }
}

async fn create_queue(
    manager: &Authorised,
    code: &str,
    name: &str,
) -> Result<routing::Queue, Status> {
    let request = routing::CreateQueueRequest {
        request_id: request_id(),
        queue: Some(routing::Queue {
            code: code.into(),
            display_name: name.into(),
            default_priority: Priority::Normal as i32,
            offer_timeout_s: 20,
            wrap_up_s: 30,
            ..routing::Queue::default()
        }),
    };
    let answer = QueueServiceClient::new(manager.clone())
        .create_queue(request)
        .await?;
    Ok(answer.into_inner().queue.unwrap_or_default())
}

/// A rule for what names no queue itself; without it the default queue would take it.
async fn send_enquiries_to_care(manager: &Authorised) -> Result<(), Status> {
    let rule = interactions::IntakeRule {
        direction: Direction::Inbound as i32,
        purpose: Purpose::Enquiry as i32,
        asks_for_agent: true,
        routing: Some(RoutingHint {
            queue: CARE.into(),
            ..RoutingHint::default()
        }),
        ..interactions::IntakeRule::default()
    };
    let request = interactions::SetIntakeRulesRequest {
        request_id: request_id(),
        intake_rules: Some(interactions::IntakeRules {
            rules: vec![rule],
            etag: String::new(),
        }),
    };
    IntakeServiceClient::new(manager.clone())
        .set_intake_rules(request)
        .await
        .map(drop)
}

async fn create_program(manager: &Authorised) -> Result<loyalty::Program, Status> {
    let request = loyalty::CreateProgramRequest {
        request_id: request_id(),
        program: Some(loyalty::Program {
            code: "points".into(),
            display_name: "Points".into(),
            point_code: "PTS".into(),
            // One point for each 1,000 rupiah.
            earn_rule: Some(loyalty::EarnRule {
                currency_code: CURRENCY.into(),
                currency_exponent: 0,
                points: 1,
                per: 1_000,
                minimum_total: 0,
            }),
            validity_days: 365,
            auto_enrol: true,
            ..loyalty::Program::default()
        }),
    };
    let answer = ProgramServiceClient::new(manager.clone())
        .create_program(request)
        .await?;
    Ok(answer.into_inner().program.unwrap_or_default())
}

async fn create_agent(
    manager: &Authorised,
    principal: &str,
    number: u32,
    queues: &[routing::Queue],
) -> Result<routing::Agent, Status> {
    let one = |channel: Channel| routing::ChannelCapacity {
        channel: channel as i32,
        concurrent: 1,
        ..Default::default()
    };
    let request = routing::CreateAgentRequest {
        request_id: request_id(),
        agent: Some(routing::Agent {
            principal: principal.into(),
            display_name: format!("Agent {number}"),
            queue_ids: queues.iter().map(|queue| queue.id.clone()).collect(),
            capacities: vec![one(Channel::Phone), one(Channel::Email), one(Channel::Chat)],
            default_capacity: 1,
            ..routing::Agent::default()
        }),
    };
    let answer = AgentServiceClient::new(manager.clone())
        .create_agent(request)
        .await?;
    Ok(answer.into_inner().agent.unwrap_or_default())
}
