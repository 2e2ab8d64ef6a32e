use std::pin::Pin;

use futures::Stream;
use rapport_foundation::context::Context;
use rapport_foundation::idempotency::Key;
use rapport_proto::routing::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Grpc, decode, encode};
use crate::app::Watched;

#[tonic::async_trait]
impl pb::offer_service_server::OfferService for Grpc {
    type WatchOffersStream =
        Pin<Box<dyn Stream<Item = Result<pb::WatchOffersResponse, Status>> + Send>>;

    async fn watch_offers(
        &self,
        request: Request<pb::WatchOffersRequest>,
    ) -> Result<Response<Self::WatchOffersStream>, Status> {
        let ctx = Context::of(&request)?;
        let agent = decode::only_id("agent_id", &request.get_ref().agent_id)?;
        let watched = self.app.watch_offers(&ctx, agent).await?;
        Ok(Response::new(Box::pin(futures::stream::unfold(
            Some(watched),
            next,
        ))))
    }

    async fn accept_offer(
        &self,
        request: Request<pb::AcceptOfferRequest>,
    ) -> Result<Response<pb::AcceptOfferResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, offer) = decode::accept_offer(&body)?;
        let key = Key::new(
            &ctx,
            "rapport.routing.v1.OfferService/AcceptOffer",
            id,
            &body,
        );
        let work = self.app.accept_offer(&ctx, key, offer).await?;
        Ok(Response::new(pb::AcceptOfferResponse {
            work_item: Some(encode::work_item(&work)),
        }))
    }

    async fn reject_offer(
        &self,
        request: Request<pb::RejectOfferRequest>,
    ) -> Result<Response<pb::RejectOfferResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, offer) = decode::reject_offer(&body)?;
        let key = Key::new(
            &ctx,
            "rapport.routing.v1.OfferService/RejectOffer",
            id,
            &body,
        );
        let work = self.app.reject_offer(&ctx, key, offer).await?;
        Ok(Response::new(pb::RejectOfferResponse {
            work_item: Some(encode::work_item(&work)),
        }))
    }
}

/// Events in order, then once why the stream ended.
async fn next(
    watched: Option<Watched>,
) -> Option<(Result<pb::WatchOffersResponse, Status>, Option<Watched>)> {
    let mut watched = watched?;
    match watched.events.recv().await {
        Some(event) => Some((Ok(encode::desk_event(event)), Some(watched))),
        None => watched
            .ending
            .reason()
            .map(|failure| (Err(failure.into()), None)),
    }
}
