//! The calls of this service: decode, call, encode.

mod changes;
mod count;
mod decode;
mod encode;
mod extract;
mod media;
mod outbound;
mod privacy;

pub(crate) use changes::{Changes, Threading};
pub(crate) use count::Counts;
pub(crate) use extract::Exports;
pub(crate) use media::Files;
pub(crate) use privacy::Privacy;

use std::pin::Pin;
use std::sync::Arc;

use futures::{Stream, StreamExt as _};
use prost::Message as _;
use rapport_foundation::context::Context;
use rapport_foundation::error::Failure;
use rapport_foundation::idempotency::Key;
use rapport_proto::interactions::v1 as pb;
use tonic::{Request, Response, Status, Streaming};

use crate::app::{App, Item};

pub(crate) use outbound::Outbound;

/// The log of every contact.
pub(crate) struct Interactions(pub(crate) Arc<App>);

/// Interactions of one matter.
pub(crate) struct Conversations(pub(crate) Arc<App>);

/// What became known of contacts later.
pub(crate) struct Facts(pub(crate) Arc<App>);

/// What a tenant wants an agent to see.
pub(crate) struct Intake(pub(crate) Arc<App>);

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl pb::interaction_service_server::InteractionService for Interactions {
    async fn record_interaction(
        &self,
        request: Request<pb::RecordInteractionRequest>,
    ) -> Result<Response<pb::RecordInteractionResponse>, Status> {
        let ctx = Context::of(&request)?;
        let request = request.into_inner();
        let bytes = request.encoded_len();
        let contact = decode::contact(request.interaction, self.0.now())?;
        let (interaction, duplicate) = self.0.record(&ctx, contact, bytes).await?;
        let interaction = Some(encode::interaction(interaction));
        Ok(Response::new(pb::RecordInteractionResponse {
            interaction,
            duplicate,
        }))
    }

    type StreamInteractionsStream = Answers<pb::StreamInteractionsResponse>;

    async fn stream_interactions(
        &self,
        request: Request<Streaming<pb::StreamInteractionsRequest>>,
    ) -> Result<Response<Self::StreamInteractionsStream>, Status> {
        let ctx = Context::of(&request)?;
        let app = Arc::clone(&self.0);
        let items = request.into_inner().map(move |item| match item {
            Ok(item) => Ok(Item {
                sequence: item.sequence,
                bytes: item.encoded_len(),
                said: decode::item(item.interaction, item.fact, app.now()),
            }),
            Err(status) => Err(Failure::from(status)),
        });
        let answers = Arc::clone(&self.0).ingest(&ctx, items.boxed())?;
        let answers =
            answers.map(|answer| answer.map(encode::acknowledgement).map_err(Status::from));
        Ok(Response::new(Box::pin(answers)))
    }

    async fn upload_interactions(
        &self,
        request: Request<Streaming<pb::UploadInteractionsRequest>>,
    ) -> Result<Response<pb::UploadInteractionsResponse>, Status> {
        let ctx = Context::of(&request)?;
        let app = Arc::clone(&self.0);
        let items = request.into_inner().zip(futures::stream::iter(1..));
        let items = items.map(move |(item, sequence)| match item {
            Ok(item) => Ok(Item {
                sequence,
                bytes: item.encoded_len(),
                said: decode::item(item.interaction, item.fact, app.now()),
            }),
            Err(status) => Err(Failure::from(status)),
        });
        let uploaded = Arc::clone(&self.0).upload(&ctx, items.boxed()).await?;
        Ok(Response::new(encode::uploaded(uploaded)))
    }

    async fn end_contact(
        &self,
        request: Request<pb::EndContactRequest>,
    ) -> Result<Response<pb::EndContactResponse>, Status> {
        let ctx = Context::of(&request)?;
        let fact = decode::end(request.get_ref(), self.0.now())?;
        let interaction = self.0.end_contact(&ctx, fact).await?;
        let interaction = interaction.map(encode::interaction);
        Ok(Response::new(pb::EndContactResponse { interaction }))
    }

    async fn get_interaction(
        &self,
        request: Request<pb::GetInteractionRequest>,
    ) -> Result<Response<pb::GetInteractionResponse>, Status> {
        let ctx = Context::of(&request)?;
        let id = decode::interaction_id(request.get_ref())?;
        let interaction = Some(encode::interaction(self.0.interaction(&ctx, id).await?));
        Ok(Response::new(pb::GetInteractionResponse { interaction }))
    }

    async fn list_interactions(
        &self,
        request: Request<pb::ListInteractionsRequest>,
    ) -> Result<Response<pb::ListInteractionsResponse>, Status> {
        let ctx = Context::of(&request)?;
        let (filter, page) = decode::list_interactions(request.get_ref())?;
        let (found, next_page_token) = self.0.interactions(&ctx, &filter, &page).await?;
        let interactions = found.into_iter().map(encode::interaction).collect();
        Ok(Response::new(pb::ListInteractionsResponse {
            interactions,
            next_page_token,
        }))
    }

    async fn list_timeline(
        &self,
        request: Request<pb::ListTimelineRequest>,
    ) -> Result<Response<pb::ListTimelineResponse>, Status> {
        let ctx = Context::of(&request)?;
        let (customer, page) = decode::list_timeline(request.get_ref())?;
        let (entries, next_page_token) = self.0.timeline(&ctx, customer, &page).await?;
        let entries = entries.into_iter().map(encode::entry).collect();
        Ok(Response::new(pb::ListTimelineResponse {
            entries,
            next_page_token,
        }))
    }

    async fn search_interactions(
        &self,
        request: Request<pb::SearchInteractionsRequest>,
    ) -> Result<Response<pb::SearchInteractionsResponse>, Status> {
        let ctx = Context::of(&request)?;
        let (wanted, page) = decode::search(request.get_ref())?;
        let (hits, next_page_token) = self.0.search(&ctx, &wanted, &page).await?;
        let hits = hits.into_iter().map(encode::hit).collect();
        Ok(Response::new(pb::SearchInteractionsResponse {
            hits,
            next_page_token,
        }))
    }

    type WatchInteractionsStream = Answers<pb::WatchInteractionsResponse>;

    async fn watch_interactions(
        &self,
        request: Request<pb::WatchInteractionsRequest>,
    ) -> Result<Response<Self::WatchInteractionsStream>, Status> {
        let ctx = Context::of(&request)?;
        let watched = decode::watch(request.get_ref())?;
        let told = Arc::clone(&self.0).watch(&ctx, watched).await?;
        let told = told.map(|told| told.map(encode::told).map_err(Status::from));
        Ok(Response::new(Box::pin(told)))
    }

    async fn list_conflicts(
        &self,
        request: Request<pb::ListConflictsRequest>,
    ) -> Result<Response<pb::ListConflictsResponse>, Status> {
        let ctx = Context::of(&request)?;
        let (connector, page) = decode::list_conflicts(request.get_ref())?;
        let (found, next_page_token) = self.0.conflicts(&ctx, connector.as_deref(), &page).await?;
        let conflicts = found.into_iter().map(encode::conflict).collect();
        Ok(Response::new(pb::ListConflictsResponse {
            conflicts,
            next_page_token,
        }))
    }
}

#[tonic::async_trait]
impl pb::conversation_service_server::ConversationService for Conversations {
    async fn get_conversation(
        &self,
        request: Request<pb::GetConversationRequest>,
    ) -> Result<Response<pb::GetConversationResponse>, Status> {
        let ctx = Context::of(&request)?;
        let id = decode::conversation_id(request.get_ref())?;
        let conversation = Some(encode::conversation(self.0.conversation(&ctx, id).await?));
        Ok(Response::new(pb::GetConversationResponse { conversation }))
    }

    async fn list_conversations(
        &self,
        request: Request<pb::ListConversationsRequest>,
    ) -> Result<Response<pb::ListConversationsResponse>, Status> {
        let ctx = Context::of(&request)?;
        let (customer, page) = decode::list_conversations(request.get_ref())?;
        let (found, next_page_token) = self.0.conversations(&ctx, customer, &page).await?;
        let conversations = found.into_iter().map(encode::conversation).collect();
        Ok(Response::new(pb::ListConversationsResponse {
            conversations,
            next_page_token,
        }))
    }
}

#[tonic::async_trait]
impl pb::fact_service_server::FactService for Facts {
    async fn record_fact(
        &self,
        request: Request<pb::RecordFactRequest>,
    ) -> Result<Response<pb::RecordFactResponse>, Status> {
        let ctx = Context::of(&request)?;
        let request = request.into_inner();
        let bytes = request.encoded_len();
        let fact = decode::fact(request.fact, self.0.now())?;
        let (interaction, duplicate) = self.0.record_fact(&ctx, fact, bytes).await?;
        Ok(Response::new(pb::RecordFactResponse {
            interaction_id: encode::optional_id(interaction),
            duplicate,
        }))
    }

    async fn list_facts(
        &self,
        request: Request<pb::ListFactsRequest>,
    ) -> Result<Response<pb::ListFactsResponse>, Status> {
        let ctx = Context::of(&request)?;
        let (interaction, page) = decode::list_facts(request.get_ref())?;
        let (found, next_page_token) = self.0.facts(&ctx, interaction, &page).await?;
        let facts = found.into_iter().map(encode::fact).collect();
        Ok(Response::new(pb::ListFactsResponse {
            facts,
            next_page_token,
        }))
    }
}

#[tonic::async_trait]
impl pb::intake_service_server::IntakeService for Intake {
    async fn get_intake_rules(
        &self,
        request: Request<pb::GetIntakeRulesRequest>,
    ) -> Result<Response<pb::GetIntakeRulesResponse>, Status> {
        let ctx = Context::of(&request)?;
        let intake_rules = Some(encode::rules(self.0.rules(&ctx).await?.as_ref()));
        Ok(Response::new(pb::GetIntakeRulesResponse { intake_rules }))
    }

    async fn set_intake_rules(
        &self,
        request: Request<pb::SetIntakeRulesRequest>,
    ) -> Result<Response<pb::SetIntakeRulesResponse>, Status> {
        let ctx = Context::of(&request)?;
        let wanted = decode::set_rules(request.get_ref())?;
        let key = Key::new(&ctx, SET_INTAKE_RULES, wanted.request_id, request.get_ref());
        let intake_rules = Some(encode::rules(
            self.0.set_rules(&ctx, &key, &wanted).await?.as_ref(),
        ));
        Ok(Response::new(pb::SetIntakeRulesResponse { intake_rules }))
    }
}

const SET_INTAKE_RULES: &str = "rapport.interactions.v1.IntakeService/SetIntakeRules";

#[cfg(test)]
mod tests {
    use rapport_proto::types::v1 as types;

    use super::pb;
    use crate::domain;

    /// Both vocabularies say the same of every number.
    fn agree<D: TryFrom<i32>, P: TryFrom<i32>>() {
        for number in 1..100 {
            assert_eq!(
                D::try_from(number).is_ok(),
                P::try_from(number).is_ok(),
                "{}",
                std::any::type_name::<D>()
            );
        }
    }

    #[test]
    fn the_codes_of_the_domain_are_those_of_the_contract() {
        agree::<domain::Kind, types::InteractionKind>();
        agree::<domain::Channel, types::Channel>();
        agree::<domain::Direction, types::Direction>();
        agree::<domain::Purpose, types::Purpose>();
        agree::<domain::Priority, types::Priority>();
        agree::<domain::EndReason, types::ContactEndReason>();
        agree::<domain::IdentifierKind, types::IdentifierType>();
        agree::<domain::Side, pb::ParticipantRole>();
        agree::<domain::LinkState, pb::LinkState>();
        agree::<domain::FactKind, types::FactKind>();
        agree::<domain::DeliveryState, pb::DeliveryState>();
        agree::<domain::OutboundState, pb::OutboundState>();
        agree::<domain::HangUpSide, pb::HangUpSide>();
        agree::<domain::count::Dimension, pb::CountDimension>();
        agree::<domain::count::Interval, pb::CountInterval>();
        agree::<domain::Basis, types::ConversationBasis>();
        agree::<domain::Redraw, pb::ConversationChangeKind>();
        agree::<domain::NumberKind, pb::NumberKind>();
        agree::<domain::Treatment, pb::NumberTreatment>();
        agree::<domain::TicketChange, pb::TicketChange>();
        agree::<domain::PointsChange, pb::PointsChange>();
        assert_eq!(
            i32::from(domain::Kind::Call),
            types::InteractionKind::Call as i32
        );
        assert_eq!(
            i32::from(domain::Channel::Immersive),
            types::Channel::Immersive as i32
        );
        assert_eq!(
            i32::from(domain::Purpose::Return),
            types::Purpose::Return as i32
        );
    }
}
