use rapport_foundation::context::Context;
use rapport_foundation::idempotency::Key;
use rapport_proto::routing::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Grpc, decode, encode};

macro_rules! key {
    ($ctx:expr, $method:literal, $id:expr, $body:expr) => {
        Key::new(
            &$ctx,
            concat!("rapport.routing.v1.IncidentService/", $method),
            $id,
            &$body,
        )
    };
}

#[tonic::async_trait]
impl pb::incident_service_server::IncidentService for Grpc {
    async fn link_tickets(
        &self,
        request: Request<pb::LinkTicketsRequest>,
    ) -> Result<Response<pb::LinkTicketsResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, parent, parts, reason) = decode::link_tickets(&body)?;
        let key = key!(ctx, "LinkTickets", id, body);
        let linked = self.app.link_tickets(&ctx, key, parent, parts, reason);
        let (ticket, linked) = linked.await?;
        Ok(Response::new(pb::LinkTicketsResponse {
            ticket: Some(encode::counted_ticket(ticket)),
            results: encode::ticket_results(linked),
        }))
    }

    async fn resolve_incident(
        &self,
        request: Request<pb::ResolveIncidentRequest>,
    ) -> Result<Response<pb::ResolveIncidentResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, ticket, solution, terms) = decode::resolve_incident(&body)?;
        let key = key!(ctx, "ResolveIncident", id, body);
        let solved = self
            .app
            .resolve_incident(&ctx, key, ticket, solution, terms);
        let (ticket, solved) = solved.await?;
        Ok(Response::new(pb::ResolveIncidentResponse {
            ticket: Some(encode::counted_ticket(ticket)),
            results: encode::ticket_results(solved),
        }))
    }
}

#[tonic::async_trait]
impl pb::ticket_bulk_service_server::TicketBulkService for Grpc {
    async fn bulk_update_tickets(
        &self,
        request: Request<pb::BulkUpdateTicketsRequest>,
    ) -> Result<Response<pb::BulkUpdateTicketsResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, which, change, reason) = decode::bulk_update_tickets(&body)?;
        let method = "rapport.routing.v1.TicketBulkService/BulkUpdateTickets";
        let key = Key::new(&ctx, method, id, &body);
        let changed = self
            .app
            .bulk_update_tickets(&ctx, key, which, change, reason);
        let changed = changed.await?;
        let updated = changed.iter().filter(|one| one.outcome.is_ok()).count();
        Ok(Response::new(pb::BulkUpdateTicketsResponse {
            updated_count: i32::try_from(updated).unwrap_or(i32::MAX),
            results: encode::ticket_results(changed),
        }))
    }
}
