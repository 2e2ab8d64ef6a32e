use rapport_foundation::context::Context;
use rapport_foundation::idempotency::Key;
use rapport_proto::routing::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Grpc, decode, encode};

macro_rules! key {
    ($ctx:expr, $method:literal, $id:expr, $body:expr) => {
        Key::new(
            &$ctx,
            concat!("rapport.routing.v1.TicketMergeService/", $method),
            $id,
            &$body,
        )
    };
}

#[tonic::async_trait]
impl pb::ticket_merge_service_server::TicketMergeService for Grpc {
    async fn merge_tickets(
        &self,
        request: Request<pb::MergeTicketsRequest>,
    ) -> Result<Response<pb::MergeTicketsResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, both, etags, reason) = decode::merge_tickets(&body)?;
        let key = key!(ctx, "MergeTickets", id, body);
        let merged = self.app.merge_tickets(&ctx, key, both, etags, reason);
        let (ticket, merged) = merged.await?;
        Ok(Response::new(pb::MergeTicketsResponse {
            ticket: Some(encode::ticket(ticket)),
            merged_ticket: Some(encode::ticket(merged)),
        }))
    }

    async fn unmerge_ticket(
        &self,
        request: Request<pb::UnmergeTicketRequest>,
    ) -> Result<Response<pb::UnmergeTicketResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, ticket, terms) = decode::unmerge_ticket(&body)?;
        let key = key!(ctx, "UnmergeTicket", id, body);
        let ticket = self.app.unmerge_ticket(&ctx, key, ticket, terms).await?;
        Ok(Response::new(pb::UnmergeTicketResponse {
            ticket: Some(encode::ticket(ticket)),
        }))
    }

    async fn split_ticket(
        &self,
        request: Request<pb::SplitTicketRequest>,
    ) -> Result<Response<pb::SplitTicketResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, ticket, split, terms) = decode::split_ticket(&body)?;
        let key = key!(ctx, "SplitTicket", id, body);
        let split = self.app.split_ticket(&ctx, key, ticket, split, terms);
        let (new, old) = split.await?;
        Ok(Response::new(pb::SplitTicketResponse {
            split_ticket: Some(encode::ticket(new)),
            ticket: Some(encode::ticket(old)),
        }))
    }
}
