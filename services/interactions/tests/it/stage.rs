//! The service with its neighbours, opened as the binary opens it and called as the gateway calls it.

use rapport_foundation::channel::Channel;
use rapport_foundation::context::{Claims, Context, PrincipalKind};
use rapport_foundation::id::TenantId;
use rapport_foundation::role::Role;
use rapport_foundation::service::Task;
use rapport_foundation::testing::{self, House, TestEnv, engines, eventually};
use rapport_foundation::time::{Clock, Micros};
use rapport_interactions::{Config, migrations};
use rapport_proto::events::v1::Event;
use rapport_proto::events::v1::event::Data;
use rapport_proto::interactions::v1 as pb;
use rapport_proto::interactions::v1::conversation_change_service_client::ConversationChangeServiceClient;
use rapport_proto::interactions::v1::conversation_service_client::ConversationServiceClient;
use rapport_proto::interactions::v1::count_service_client::CountServiceClient;
use rapport_proto::interactions::v1::export_service_client::ExportServiceClient;
use rapport_proto::interactions::v1::fact_service_client::FactServiceClient;
use rapport_proto::interactions::v1::intake_service_client::IntakeServiceClient;
use rapport_proto::interactions::v1::interaction_service_client::InteractionServiceClient;
use rapport_proto::interactions::v1::log_service_client::LogServiceClient;
use rapport_proto::interactions::v1::media_service_client::MediaServiceClient;
use rapport_proto::interactions::v1::outbound_service_client::OutboundServiceClient;
use rapport_proto::interactions::v1::privacy_service_client::PrivacyServiceClient;
use rapport_proto::interactions::v1::threading_service_client::ThreadingServiceClient;
use rapport_proto::types::v1 as types;
use tempfile::TempDir;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

use crate::neighbours::{Fake, Neighbour};

/// Everything a test needs.
pub(crate) struct Stage {
    pub(crate) t: TestEnv,
    pub(crate) tenant: TenantId,
    pub(crate) fake: Fake,
    pub(crate) profiles: Neighbour,
    pub(crate) routing: Neighbour,
    pub(crate) loyalty: Neighbour,
    pub(crate) config: Config,
    channel: Channel,
    _tasks: Vec<Task>,
    _folder: TempDir,
}

/// Another replica of the service, on the same database and the same files.
pub(crate) struct Replica {
    pub(crate) channel: Channel,
    _t: TestEnv,
    _tasks: Vec<Task>,
}

impl Replica {
    pub(crate) fn client(&self) -> InteractionServiceClient<Channel> {
        InteractionServiceClient::new(self.channel.clone())
    }

    pub(crate) fn media(&self) -> MediaServiceClient<Channel> {
        MediaServiceClient::new(self.channel.clone())
    }
}

/// Settings that let a test wait for milliseconds instead of seconds.
pub(crate) fn quick() -> Config {
    Config {
        pending_first_ms: 10,
        pending_longest_ms: 50,
        sweep_every_ms: 10,
        heartbeat_ms: 50,
        ..Config::default()
    }
}

/// Runs a test on every engine.
pub(crate) async fn on_every_engine(config: Config, test: impl AsyncFnMut(Stage)) {
    at_clock(Clock::system(), config, test).await;
}

/// The same on a clock that the test may move.
pub(crate) async fn at_clock(clock: Clock, config: Config, mut test: impl AsyncFnMut(Stage)) {
    for engine in engines() {
        let house = House::new(clock.clone());
        let folder = tempfile::tempdir().unwrap();
        let mut config = config.clone();
        config.media.folder = folder.path().to_owned();
        let fake = Fake::default();
        let profiles = Neighbour::profiles(&house, &engine, &fake).await;
        let routing = Neighbour::routing(&house, &engine).await;
        let loyalty = Neighbour::loyalty(&house, &engine).await;
        let t = house.env(&engine, Role::Interactions, migrations).await;
        let service = rapport_interactions::open(t.env.clone(), config.clone())
            .await
            .unwrap();
        let channel = t.attach(service.routes);
        let tenant = testing::tenant();
        let _tasks = service.tasks;
        Box::pin(test(Stage {
            t,
            tenant,
            fake,
            profiles,
            routing,
            loyalty,
            config,
            channel,
            _tasks,
            _folder: folder,
        }))
        .await;
    }
}

impl Stage {
    pub(crate) fn client(&self) -> InteractionServiceClient<Channel> {
        InteractionServiceClient::new(self.channel.clone())
    }

    pub(crate) fn conversations(&self) -> ConversationServiceClient<Channel> {
        ConversationServiceClient::new(self.channel.clone())
    }

    pub(crate) fn changes(&self) -> ConversationChangeServiceClient<Channel> {
        ConversationChangeServiceClient::new(self.channel.clone())
    }

    pub(crate) fn threading(&self) -> ThreadingServiceClient<Channel> {
        ThreadingServiceClient::new(self.channel.clone())
    }

    pub(crate) fn counts(&self) -> CountServiceClient<Channel> {
        CountServiceClient::new(self.channel.clone())
    }

    pub(crate) fn exports(&self) -> ExportServiceClient<Channel> {
        ExportServiceClient::new(self.channel.clone())
    }

    pub(crate) fn facts(&self) -> FactServiceClient<Channel> {
        FactServiceClient::new(self.channel.clone())
    }

    pub(crate) fn outbound(&self) -> OutboundServiceClient<Channel> {
        OutboundServiceClient::new(self.channel.clone())
    }

    pub(crate) fn media(&self) -> MediaServiceClient<Channel> {
        MediaServiceClient::new(self.channel.clone())
    }

    /// Another replica.
    pub(crate) async fn replica(&self) -> Replica {
        let database = self.t.database.clone();
        let t = self.t.house.env_on(database, Role::Interactions).await;
        let opened = rapport_interactions::open(t.env.clone(), self.config.clone()).await;
        let service = opened.unwrap();
        let channel = t.attach(service.routes);
        Replica {
            _t: t,
            channel,
            _tasks: service.tasks,
        }
    }

    pub(crate) fn intake(&self) -> IntakeServiceClient<Channel> {
        IntakeServiceClient::new(self.channel.clone())
    }

    pub(crate) fn privacy(&self) -> PrivacyServiceClient<Channel> {
        PrivacyServiceClient::new(self.channel.clone())
    }

    /// A request of the connector `whatsapp`.
    pub(crate) fn says<M>(&self, message: M) -> Request<M> {
        self.connector("whatsapp", message)
    }

    /// A request of a connector.
    pub(crate) fn connector<M>(&self, name: &str, message: M) -> Request<M> {
        let mut claims = Claims::new(self.tenant, name, PrincipalKind::Connector);
        claims.connector = Some(name.to_owned());
        self.t.request_as(&Context::from(claims), message)
    }

    /// A request of a member of staff.
    pub(crate) fn asks<M>(&self, message: M) -> Request<M> {
        self.t.request(self.tenant, &["interactions.read"], message)
    }

    /// A request of a member of another tenant's staff.
    pub(crate) fn stranger<M>(&self, message: M) -> Request<M> {
        self.t
            .request(testing::tenant(), &["interactions.read"], message)
    }

    /// Logs a contact.
    pub(crate) async fn record(
        &self,
        input: pb::InteractionInput,
    ) -> Result<pb::RecordInteractionResponse, Status> {
        let message = pb::RecordInteractionRequest {
            interaction: Some(input),
        };
        let answer = self.client().record_interaction(self.says(message)).await?;
        Ok(answer.into_inner())
    }

    /// Logs a contact that must be new.
    pub(crate) async fn log(&self, input: pb::InteractionInput) -> pb::Interaction {
        let answer = self.record(input).await.unwrap();
        assert!(!answer.duplicate);
        answer.interaction.unwrap()
    }

    pub(crate) async fn get(&self, id: &str) -> pb::Interaction {
        let message = pb::GetInteractionRequest {
            interaction_id: id.to_owned(),
        };
        let answer = self
            .client()
            .get_interaction(self.asks(message))
            .await
            .unwrap();
        answer.into_inner().interaction.unwrap()
    }

    /// Reads the conversation that an id leads to.
    pub(crate) async fn conversation(&self, id: &str) -> pb::Conversation {
        let message = pb::GetConversationRequest {
            conversation_id: id.to_owned(),
        };
        let answer = self
            .conversations()
            .get_conversation(self.asks(message))
            .await
            .unwrap();
        answer.into_inner().conversation.unwrap()
    }

    /// Waits until what became of a contact is told; answers the conversation it was told with.
    pub(crate) async fn told_in(&self, id: &str) -> String {
        self.event("the link is told", |data| match data {
            Data::InteractionLinked(linked) => linked
                .interaction
                .as_ref()
                .filter(|facts| facts.interaction_id == id)
                .map(|facts| facts.conversation_id.clone()),
            _ => None,
        })
        .await
    }

    /// That nothing stored here contradicts itself.
    pub(crate) async fn is_sound(&self) {
        let found = rapport_interactions::verify(&self.t.env.db).await.unwrap();
        let found: Vec<String> = found.into_iter().map(|breach| breach.what).collect();
        assert_eq!(found, Vec::<String>::new());
    }

    /// Waits until an interaction is no longer pending.
    pub(crate) async fn settled(&self, id: &str) -> pb::Interaction {
        eventually("the interaction is linked", async || {
            let interaction = self.get(id).await;
            (interaction.link_state() != pb::LinkState::Pending).then_some(interaction)
        })
        .await
    }

    /// Everything in the log so far.
    pub(crate) async fn events(&self) -> Vec<Event> {
        let mut client = LogServiceClient::new(self.channel.clone());
        let mut events: Vec<Event> = Vec::new();
        loop {
            let after = events.last().and_then(|event| event.position);
            let message = pb::ReadLogRequest {
                after,
                page_size: 1000,
                wait_ms: 0,
            };
            let request = self.t.request(self.tenant, &["log.read"], message);
            let page = client.read_log(request).await.unwrap().into_inner().events;
            if page.is_empty() {
                return events;
            }
            events.extend(page);
        }
    }

    /// Waits until so many contacts are in the log.
    pub(crate) async fn logged(&self, count: usize) {
        eventually("so many contacts are in the log", async || {
            let events = self.events().await;
            let recorded = events
                .iter()
                .filter(|event| event.r#type == "interaction_recorded");
            (recorded.count() >= count).then_some(())
        })
        .await;
    }

    /// Waits for an event.
    pub(crate) async fn event<T>(&self, what: &str, pick: impl Fn(&Data) -> Option<T>) -> T {
        eventually(what, async || {
            self.events()
                .await
                .iter()
                .find_map(|event| pick(event.data.as_ref()?))
        })
        .await
    }
}

/// A message of a customer, known by their phone number.
pub(crate) fn message(external_id: &str, phone: &str, text: &str) -> pb::InteractionInput {
    pb::InteractionInput {
        external_id: external_id.to_owned(),
        kind: types::InteractionKind::Message.into(),
        channel: types::Channel::Messaging.into(),
        direction: types::Direction::Inbound.into(),
        purpose: types::Purpose::Support.into(),
        participants: vec![customer(phone)],
        parts: vec![pb::Part {
            content: Some(pb::part::Content::Text(text.to_owned())),
            ..Default::default()
        }],
        event_time: Some(at(1_700_000_000)),
        ..pb::InteractionInput::default()
    }
}

/// A call of a customer.
pub(crate) fn call(external_id: &str, phone: &str) -> pb::InteractionInput {
    pb::InteractionInput {
        kind: types::InteractionKind::Call.into(),
        channel: types::Channel::Phone.into(),
        parts: vec![],
        ..message(external_id, phone, "")
    }
}

/// A customer, known by their phone number.
pub(crate) fn customer(phone: &str) -> pb::Participant {
    pb::Participant {
        role: pb::ParticipantRole::Customer.into(),
        identifier: Some(types::Identifier {
            r#type: types::IdentifierType::Phone.into(),
            value: phone.to_owned(),
            namespace: String::new(),
        }),
        display_name: "Ana".to_owned(),
        ..pb::Participant::default()
    }
}

/// A moment, in seconds since 1970.
pub(crate) fn at(seconds: i64) -> prost_types::Timestamp {
    Micros::from_secs(seconds).into()
}

/// That a call was refused for this reason.
pub(crate) fn refused<T: std::fmt::Debug>(outcome: Result<T, Status>, code: Code, reason: &str) {
    let status = outcome.unwrap_err();
    let info = status.get_details_error_info();
    let told = info.map(|info| info.reason).unwrap_or_default();
    assert_eq!(
        (status.code(), told.as_str()),
        (code, reason),
        "{}",
        status.message()
    );
}

/// The wrong fields of a refused call.
pub(crate) fn violations<T: std::fmt::Debug>(outcome: Result<T, Status>) -> Vec<(String, String)> {
    let status = outcome.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let request = status.get_details_bad_request();
    request
        .map(|request| request.field_violations)
        .unwrap_or_default()
        .into_iter()
        .map(|one| (one.field, one.reason))
        .collect()
}
