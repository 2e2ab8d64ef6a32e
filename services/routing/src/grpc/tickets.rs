use rapport_foundation::context::Context;
use rapport_foundation::idempotency::Key;
use rapport_proto::routing::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Grpc, decode, encode};

macro_rules! key {
    ($ctx:expr, $method:literal, $id:expr, $body:expr) => {
        Key::new(
            &$ctx,
            concat!("rapport.routing.v1.TicketService/", $method),
            $id,
            &$body,
        )
    };
}

#[tonic::async_trait]
impl pb::ticket_service_server::TicketService for Grpc {
    async fn create_ticket(
        &self,
        request: Request<pb::CreateTicketRequest>,
    ) -> Result<Response<pb::CreateTicketResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, new) = decode::create_ticket(&body)?;
        let key = key!(ctx, "CreateTicket", id, body);
        let ticket = Some(encode::ticket(
            self.app.create_ticket(&ctx, key, new).await?,
        ));
        Ok(Response::new(pb::CreateTicketResponse { ticket }))
    }

    async fn get_ticket(
        &self,
        request: Request<pb::GetTicketRequest>,
    ) -> Result<Response<pb::GetTicketResponse>, Status> {
        let ctx = Context::of(&request)?;
        let id = decode::only_id("ticket_id", &request.get_ref().ticket_id)?;
        let ticket = self.app.get_ticket(&ctx, id).await?;
        let ticket = Some(encode::counted_ticket(ticket));
        Ok(Response::new(pb::GetTicketResponse { ticket }))
    }

    async fn list_tickets(
        &self,
        request: Request<pb::ListTicketsRequest>,
    ) -> Result<Response<pb::ListTicketsResponse>, Status> {
        let ctx = Context::of(&request)?;
        let (filter, paging) = decode::list_tickets(&request.into_inner())?;
        let listed = self.app.list_tickets(&ctx, &filter, &paging).await?;
        let tickets = listed.rows.into_iter().map(encode::ticket).collect();
        Ok(Response::new(pb::ListTicketsResponse {
            tickets,
            next_page_token: listed.next,
        }))
    }

    async fn update_ticket(
        &self,
        request: Request<pb::UpdateTicketRequest>,
    ) -> Result<Response<pb::UpdateTicketResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, ticket, change, terms) = decode::update_ticket(&body)?;
        let key = key!(ctx, "UpdateTicket", id, body);
        let ticket = self
            .app
            .update_ticket(&ctx, key, ticket, change, terms)
            .await?;
        Ok(Response::new(pb::UpdateTicketResponse {
            ticket: Some(encode::ticket(ticket)),
        }))
    }

    async fn resolve_ticket(
        &self,
        request: Request<pb::ResolveTicketRequest>,
    ) -> Result<Response<pb::ResolveTicketResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, ticket, codes, terms) = decode::resolve_ticket(&body)?;
        let key = key!(ctx, "ResolveTicket", id, body);
        let ticket = self
            .app
            .resolve_ticket(&ctx, key, ticket, codes, terms)
            .await?;
        Ok(Response::new(pb::ResolveTicketResponse {
            ticket: Some(encode::ticket(ticket)),
        }))
    }

    async fn reopen_ticket(
        &self,
        request: Request<pb::ReopenTicketRequest>,
    ) -> Result<Response<pb::ReopenTicketResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, ticket, channel, terms) = decode::reopen_ticket(&body)?;
        let key = key!(ctx, "ReopenTicket", id, body);
        let ticket = self
            .app
            .reopen_ticket(&ctx, key, ticket, channel, terms)
            .await?;
        Ok(Response::new(pb::ReopenTicketResponse {
            ticket: Some(encode::ticket(ticket)),
        }))
    }

    async fn cancel_ticket(
        &self,
        request: Request<pb::CancelTicketRequest>,
    ) -> Result<Response<pb::CancelTicketResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, ticket, outcome, terms) = decode::cancel_ticket(&body)?;
        let key = key!(ctx, "CancelTicket", id, body);
        let ticket = self
            .app
            .cancel_ticket(&ctx, key, ticket, outcome, terms)
            .await?;
        Ok(Response::new(pb::CancelTicketResponse {
            ticket: Some(encode::ticket(ticket)),
        }))
    }

    async fn close_ticket(
        &self,
        request: Request<pb::CloseTicketRequest>,
    ) -> Result<Response<pb::CloseTicketResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, ticket, terms) = decode::close_ticket(&body)?;
        let key = key!(ctx, "CloseTicket", id, body);
        let ticket = self.app.close_ticket(&ctx, key, ticket, terms).await?;
        Ok(Response::new(pb::CloseTicketResponse {
            ticket: Some(encode::ticket(ticket)),
        }))
    }

    async fn list_ticket_changes(
        &self,
        request: Request<pb::ListTicketChangesRequest>,
    ) -> Result<Response<pb::ListTicketChangesResponse>, Status> {
        let ctx = Context::of(&request)?;
        let (ticket, field, paging) = decode::list_ticket_changes(&request.into_inner())?;
        let listed = self
            .app
            .list_ticket_changes(&ctx, ticket, field, &paging)
            .await?;
        Ok(Response::new(pb::ListTicketChangesResponse {
            ticket_changes: listed.rows.into_iter().map(encode::ticket_change).collect(),
            next_page_token: listed.next,
        }))
    }

    async fn add_ticket_note(
        &self,
        request: Request<pb::AddTicketNoteRequest>,
    ) -> Result<Response<pb::AddTicketNoteResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, ticket, text) = decode::add_ticket_note(&body)?;
        let key = key!(ctx, "AddTicketNote", id, body);
        let note = self.app.add_ticket_note(&ctx, key, ticket, text).await?;
        Ok(Response::new(pb::AddTicketNoteResponse {
            ticket_note: Some(encode::ticket_note(note)),
        }))
    }

    async fn list_ticket_notes(
        &self,
        request: Request<pb::ListTicketNotesRequest>,
    ) -> Result<Response<pb::ListTicketNotesResponse>, Status> {
        let ctx = Context::of(&request)?;
        let (ticket, paging) = decode::list_ticket_notes(&request.into_inner())?;
        let listed = self.app.list_ticket_notes(&ctx, ticket, &paging).await?;
        Ok(Response::new(pb::ListTicketNotesResponse {
            ticket_notes: listed.rows.into_iter().map(encode::ticket_note).collect(),
            next_page_token: listed.next,
        }))
    }
}
