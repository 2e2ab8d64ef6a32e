//! The service opened for a test, and who calls it.

use std::sync::Arc;

use rapport_foundation::channel::Channel;
use rapport_foundation::context::{Claims, Context, PrincipalKind};
use rapport_foundation::db::{self, Scoped};
use rapport_foundation::events::{self, Data, Outgoing, Relay};
use rapport_foundation::id::TenantId;
use rapport_foundation::role::Role;
use rapport_foundation::service::Task;
use rapport_foundation::testing::{
    House, TestDatabase, TestEnv, eventually, on_every_engine, shared_tables, tenant,
};
use rapport_proto::events::v1::Event;
use rapport_proto::routing::v1 as pb;
use rapport_proto::routing::v1::agent_service_client::AgentServiceClient;
use rapport_proto::routing::v1::contact_command_service_client::ContactCommandServiceClient;
use rapport_proto::routing::v1::incident_service_client::IncidentServiceClient;
use rapport_proto::routing::v1::log_service_client::LogServiceClient;
use rapport_proto::routing::v1::offer_service_client::OfferServiceClient;
use rapport_proto::routing::v1::queue_service_client::QueueServiceClient;
use rapport_proto::routing::v1::repeat_rule_service_client::RepeatRuleServiceClient;
use rapport_proto::routing::v1::supervision_service_client::SupervisionServiceClient;
use rapport_proto::routing::v1::ticket_bulk_service_client::TicketBulkServiceClient;
use rapport_proto::routing::v1::ticket_merge_service_client::TicketMergeServiceClient;
use rapport_proto::routing::v1::ticket_service_client::TicketServiceClient;
use rapport_proto::routing::v1::ticket_watch_service_client::TicketWatchServiceClient;
use rapport_proto::routing::v1::transfer_service_client::TransferServiceClient;
use rapport_proto::routing::v1::work_item_service_client::WorkItemServiceClient;
use rapport_proto::types::v1 as types;
use rapport_routing::Config;
use tonic::{Request, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

pub(crate) fn request_id() -> String {
    Uuid::now_v7().to_string()
}

/// The reason of a refusal.
pub(crate) fn reason(status: &Status) -> String {
    status
        .get_details_error_info()
        .map(|info| info.reason)
        .unwrap_or_default()
}

/// The open service and one tenant.
pub(crate) struct Bench {
    pub(crate) t: TestEnv,
    pub(crate) tenant: TenantId,
    pub(crate) channel: Channel,
    pub(crate) tasks: Vec<Task>,
}

/// Runs a test on a fresh service on every engine.
pub(crate) async fn everywhere(mut test: impl AsyncFnMut(Bench)) {
    on_every_engine(Role::Routing, rapport_routing::migrations, async |t| {
        Box::pin(test(Bench::open(t, Config::default()).await)).await;
    })
    .await;
}

impl Bench {
    pub(crate) async fn open(t: TestEnv, config: Config) -> Self {
        Self::of(t, config, tenant()).await
    }

    pub(crate) async fn of(t: TestEnv, config: Config, tenant: TenantId) -> Self {
        let service = rapport_routing::open(t.env.clone(), config).await.unwrap();
        let channel = t.attach(service.routes);
        Self {
            t,
            tenant,
            channel,
            tasks: service.tasks,
        }
    }

    /// The same service on the same database, as another process.
    pub(crate) async fn another(&self) -> Self {
        self.another_with(Config::default()).await
    }

    /// The same, with other settings.
    pub(crate) async fn another_with(&self, config: Config) -> Self {
        let house = House {
            shutdown: Default::default(),
            ..self.t.house.clone()
        };
        let database: Arc<TestDatabase> = Arc::clone(&self.t.database);
        let t = house.env_on(database, Role::Routing).await;
        Self::of(t, config, self.tenant).await
    }

    /// Somebody of this tenant.
    pub(crate) fn context(&self, principal: &str, roles: &[&str]) -> Context {
        let mut claims = Claims::new(self.tenant, principal, PrincipalKind::Staff);
        claims.roles = roles.iter().map(|role| (*role).to_owned()).collect();
        claims.into()
    }

    /// A request of a supervisor.
    pub(crate) fn boss<M>(&self, message: M) -> Request<M> {
        self.t
            .request_as(&self.context("boss", &["supervisor"]), message)
    }

    /// A request of an agent.
    pub(crate) fn agent<M>(&self, principal: &str, message: M) -> Request<M> {
        self.t
            .request_as(&self.context(principal, &["agent"]), message)
    }

    /// A request of a connector.
    pub(crate) fn connector<M>(&self, name: &str, message: M) -> Request<M> {
        let mut claims = Claims::new(self.tenant, name, PrincipalKind::Connector);
        claims.connector = Some(name.to_owned());
        self.t.request_as(&claims.into(), message)
    }

    /// A request of a supervisor of another tenant.
    pub(crate) fn stranger<M>(&self, message: M) -> Request<M> {
        let mut claims = Claims::new(tenant(), "boss", PrincipalKind::Staff);
        claims.roles = vec!["supervisor".into()];
        self.t.request_as(&claims.into(), message)
    }

    pub(crate) fn tickets(&self) -> TicketServiceClient<Channel> {
        TicketServiceClient::new(self.channel.clone())
    }

    pub(crate) fn merges(&self) -> TicketMergeServiceClient<Channel> {
        TicketMergeServiceClient::new(self.channel.clone())
    }

    pub(crate) fn incidents(&self) -> IncidentServiceClient<Channel> {
        IncidentServiceClient::new(self.channel.clone())
    }

    pub(crate) fn bulk(&self) -> TicketBulkServiceClient<Channel> {
        TicketBulkServiceClient::new(self.channel.clone())
    }

    pub(crate) fn repeat_rules(&self) -> RepeatRuleServiceClient<Channel> {
        RepeatRuleServiceClient::new(self.channel.clone())
    }

    pub(crate) fn watches(&self) -> TicketWatchServiceClient<Channel> {
        TicketWatchServiceClient::new(self.channel.clone())
    }

    pub(crate) fn work_items(&self) -> WorkItemServiceClient<Channel> {
        WorkItemServiceClient::new(self.channel.clone())
    }

    pub(crate) fn commands(&self) -> ContactCommandServiceClient<Channel> {
        ContactCommandServiceClient::new(self.channel.clone())
    }

    pub(crate) fn transfers(&self) -> TransferServiceClient<Channel> {
        TransferServiceClient::new(self.channel.clone())
    }

    pub(crate) fn agents(&self) -> AgentServiceClient<Channel> {
        AgentServiceClient::new(self.channel.clone())
    }

    pub(crate) fn queues(&self) -> QueueServiceClient<Channel> {
        QueueServiceClient::new(self.channel.clone())
    }

    pub(crate) fn supervision(&self) -> SupervisionServiceClient<Channel> {
        SupervisionServiceClient::new(self.channel.clone())
    }

    pub(crate) fn offers(&self) -> OfferServiceClient<Channel> {
        OfferServiceClient::new(self.channel.clone())
    }

    /// A queue with wrap-up and short offers.
    pub(crate) async fn queue(&self, code: &str) -> pb::Queue {
        let queue = pb::Queue {
            code: code.into(),
            display_name: code.into(),
            offer_timeout_s: 30,
            wrap_up_s: 600,
            ..pb::Queue::default()
        };
        self.queue_like(queue).await
    }

    pub(crate) async fn queue_like(&self, queue: pb::Queue) -> pb::Queue {
        let request = pb::CreateQueueRequest {
            request_id: request_id(),
            queue: Some(queue),
        };
        let answer = self
            .queues()
            .create_queue(self.boss(request))
            .await
            .unwrap();
        answer.into_inner().queue.unwrap()
    }

    pub(crate) async fn hire(&self, name: &str, queue: &pb::Queue) -> pb::Agent {
        let agent = pb::Agent {
            principal: name.into(),
            display_name: name.into(),
            queue_ids: vec![queue.id.clone()],
            ..pb::Agent::default()
        };
        let request = pb::CreateAgentRequest {
            request_id: request_id(),
            agent: Some(agent),
        };
        let answer = self
            .agents()
            .create_agent(self.boss(request))
            .await
            .unwrap();
        answer.into_inner().agent.unwrap()
    }

    pub(crate) async fn set_status(&self, agent: &pb::Agent, status: pb::AgentStatus) -> pb::Agent {
        let request = pb::SetAgentStatusRequest {
            request_id: request_id(),
            agent_id: agent.id.clone(),
            status: status.into(),
            reason: String::new(),
        };
        let answer = self
            .agents()
            .set_agent_status(self.boss(request))
            .await
            .unwrap();
        answer.into_inner().agent.unwrap()
    }

    /// Somebody who serves the queue, is there and available.
    pub(crate) async fn at_work(&self, name: &str, queue: &pb::Queue) -> (pb::Agent, Desk) {
        let agent = self.hire(name, queue).await;
        let desk = self.desk(&agent).await;
        self.set_status(&agent, pb::AgentStatus::Available).await;
        (agent, desk)
    }

    /// A ticket with work on the telephone.
    pub(crate) async fn ticket(&self, queue: &pb::Queue) -> pb::Ticket {
        self.asks(queue, types::Channel::Phone).await.unwrap()
    }

    /// A ticket with work on a channel.
    pub(crate) async fn asks(
        &self,
        queue: &pb::Queue,
        channel: types::Channel,
    ) -> Result<pb::Ticket, Status> {
        let ticket = pb::Ticket {
            subject: "No tone".into(),
            queue_id: queue.id.clone(),
            ..pb::Ticket::default()
        };
        let request = pb::CreateTicketRequest {
            request_id: request_id(),
            ticket: Some(ticket),
            work_channel: channel.into(),
        };
        let answer = self.tickets().create_ticket(self.boss(request)).await?;
        Ok(answer.into_inner().ticket.unwrap())
    }

    /// Changes what is named of a ticket.
    pub(crate) async fn set(
        &self,
        ticket: &pb::Ticket,
        new: pb::Ticket,
        paths: &[&str],
    ) -> Result<pb::Ticket, Status> {
        let request = pb::UpdateTicketRequest {
            request_id: request_id(),
            ticket_id: ticket.id.clone(),
            ticket: Some(new),
            update_mask: Some(prost_types::FieldMask {
                paths: paths.iter().map(|path| (*path).to_owned()).collect(),
            }),
            ..Default::default()
        };
        let answer = self.tickets().update_ticket(self.boss(request)).await?;
        Ok(answer.into_inner().ticket.unwrap())
    }

    pub(crate) async fn work_of(&self, ticket: &pb::Ticket) -> Vec<pb::WorkItem> {
        let request = pb::ListWorkItemsRequest {
            ticket_id: ticket.id.clone(),
            ..Default::default()
        };
        let answer = self
            .work_items()
            .list_work_items(self.boss(request))
            .await
            .unwrap();
        answer.into_inner().work_items
    }

    pub(crate) async fn list_tickets(&self, filter: pb::ListTicketsRequest) -> Vec<pb::Ticket> {
        let answer = self
            .tickets()
            .list_tickets(self.boss(filter))
            .await
            .unwrap();
        answer.into_inner().tickets
    }

    pub(crate) async fn desk(&self, agent: &pb::Agent) -> Desk {
        let request = pb::WatchOffersRequest {
            agent_id: agent.id.clone(),
        };
        let answer = self
            .offers()
            .watch_offers(self.boss(request))
            .await
            .unwrap();
        let mut desk = Desk {
            stream: answer.into_inner(),
        };
        match desk.next().await {
            pb::watch_offers_response::Event::Snapshot(_) => desk,
            other => panic!("a stream begins with a snapshot, not {other:?}"),
        }
    }

    pub(crate) async fn accept(&self, offer_id: &str) -> Result<pb::WorkItem, Status> {
        let request = pb::AcceptOfferRequest {
            request_id: request_id(),
            offer_id: offer_id.into(),
        };
        let answer = self.offers().accept_offer(self.boss(request)).await?;
        Ok(answer.into_inner().work_item.unwrap())
    }

    pub(crate) async fn complete(&self, item: &pb::WorkItem) -> pb::WorkItem {
        let request = pb::CompleteWorkRequest {
            request_id: request_id(),
            work_item_id: item.id.clone(),
            disposition: "solved".into(),
            skip_wrap_up: false,
        };
        let answer = self
            .work_items()
            .complete_work(self.boss(request))
            .await
            .unwrap();
        answer.into_inner().work_item.unwrap()
    }

    pub(crate) async fn work_item(&self, id: &str) -> pb::WorkItem {
        let request = pb::GetWorkItemRequest {
            work_item_id: id.into(),
        };
        let answer = self
            .work_items()
            .get_work_item(self.boss(request))
            .await
            .unwrap();
        answer.into_inner().work_item.unwrap()
    }

    /// What routing's log holds once it holds an event of this type.
    pub(crate) async fn log_with(&self, kind: &str) -> Vec<Event> {
        eventually(kind, async || {
            let mut client = LogServiceClient::new(self.channel.clone());
            let request = pb::ReadLogRequest {
                page_size: 1_000,
                ..Default::default()
            };
            let events = client
                .read_log(self.boss(request))
                .await
                .unwrap()
                .into_inner()
                .events;
            events
                .iter()
                .any(|event| event.r#type == kind)
                .then_some(events)
        })
        .await
    }

    /// The right to decide as it is stored: its epoch, and the last decision of it.
    pub(crate) async fn lease(&self) -> (i64, i64) {
        let read = |s: Scoped| async move {
            let sql = "select epoch, decision from engine_lease where tenant_id = $1";
            s.raw_one(sql, []).await
        };
        let row = self.t.env.db.read::<_, db::Error, _, _>(self.tenant, read);
        let row = row.await.unwrap().unwrap();
        let number = |column| row.try_get("", column).unwrap();
        (number("epoch"), number("decision"))
    }

    pub(crate) async fn verified(&self) {
        assert_eq!(rapport_routing::verify(&self.t.env.db).await.unwrap(), []);
    }
}

/// An open desk.
pub(crate) struct Desk {
    pub(crate) stream: tonic::Streaming<pb::WatchOffersResponse>,
}

impl Desk {
    pub(crate) async fn next(&mut self) -> pb::watch_offers_response::Event {
        self.stream.message().await.unwrap().unwrap().event.unwrap()
    }

    pub(crate) async fn offer(&mut self) -> pb::Offer {
        loop {
            if let pb::watch_offers_response::Event::Offer(offer) = self.next().await {
                return offer;
            }
        }
    }

    /// Waits until the stream is ended, and tells by what.
    pub(crate) async fn end(&mut self) -> Status {
        loop {
            match self.stream.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the end must be told"),
                Err(status) => return status,
            }
        }
    }

    pub(crate) async fn offer_end(&mut self) -> pb::OfferEnd {
        loop {
            if let pb::watch_offers_response::Event::OfferEnd(end) = self.next().await {
                return end;
            }
        }
    }
}

/// A neighbour that only says what happened.
pub(crate) struct Teller {
    t: TestEnv,
    _relay: Task,
}

impl Teller {
    pub(crate) async fn of(bench: &Bench, role: Role) -> Self {
        let t = bench
            .t
            .house
            .env(&bench.t.database.engine, role, shared_tables)
            .await;
        let mut routes = tonic::service::Routes::builder();
        match role {
            Role::Profiles => {
                routes.add_service(rapport_foundation::log_service!(profiles, &t.env));
            }
            _ => {
                routes.add_service(rapport_foundation::log_service!(interactions, &t.env));
            }
        }
        t.attach(routes.routes());
        let env = &t.env;
        let relay = Relay::spawn(env.db.clone(), role, env.shutdown.clone());
        Self { t, _relay: relay }
    }

    pub(crate) async fn tell(&self, tenant: TenantId, events: &[(String, Data)]) {
        let now = self.t.env.clock.now();
        let events: Vec<_> = events
            .iter()
            .map(|(aggregate, data)| Outgoing::new(now, aggregate, data.clone()))
            .collect();
        let write = |s: Scoped| {
            let events = &events;
            async move { events::append_many(&s, events).await }
        };
        self.t.env.db.write(tenant, write).await.unwrap();
    }
}
