use std::pin::Pin;

use futures::{Stream, StreamExt as _};
use rapport_foundation::context::Context;
use rapport_foundation::idempotency::Key;
use rapport_proto::routing::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Grpc, decode, encode};

#[tonic::async_trait]
impl pb::ticket_watch_service_server::TicketWatchService for Grpc {
    type WatchTicketsStream =
        Pin<Box<dyn Stream<Item = Result<pb::WatchTicketsResponse, Status>> + Send>>;

    async fn watch_tickets(
        &self,
        request: Request<pb::WatchTicketsRequest>,
    ) -> Result<Response<Self::WatchTicketsStream>, Status> {
        let ctx = Context::of(&request)?;
        let watched = decode::watch_tickets(&request.into_inner())?;
        let told = self.app.watch_tickets(&ctx, watched).await?;
        let told = told.map(|told| told.map(encode::told_ticket).map_err(Status::from));
        Ok(Response::new(Box::pin(told)))
    }
}

#[tonic::async_trait]
impl pb::repeat_rule_service_server::RepeatRuleService for Grpc {
    async fn get_repeat_rule(
        &self,
        request: Request<pb::GetRepeatRuleRequest>,
    ) -> Result<Response<pb::GetRepeatRuleResponse>, Status> {
        let ctx = Context::of(&request)?;
        let repeat_rule = Some(encode::repeat_rule(self.app.repeat_rule(&ctx).await?));
        Ok(Response::new(pb::GetRepeatRuleResponse { repeat_rule }))
    }

    async fn set_repeat_rule(
        &self,
        request: Request<pb::SetRepeatRuleRequest>,
    ) -> Result<Response<pb::SetRepeatRuleResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, within, etag) = decode::set_repeat_rule(&body)?;
        let method = "rapport.routing.v1.RepeatRuleService/SetRepeatRule";
        let key = Key::new(&ctx, method, id, &body);
        let rule = self.app.set_repeat_rule(&ctx, key, within, etag).await?;
        let repeat_rule = Some(encode::repeat_rule(rule));
        Ok(Response::new(pb::SetRepeatRuleResponse { repeat_rule }))
    }
}
