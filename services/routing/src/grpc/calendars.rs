use rapport_foundation::context::Context;
use rapport_foundation::idempotency::Key;
use rapport_proto::routing::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Grpc, decode, encode};

#[tonic::async_trait]
impl pb::calendar_service_server::CalendarService for Grpc {
    async fn create_calendar(
        &self,
        request: Request<pb::CreateCalendarRequest>,
    ) -> Result<Response<pb::CreateCalendarResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, new) = decode::create_calendar(&body)?;
        let key = Key::new(
            &ctx,
            "rapport.routing.v1.CalendarService/CreateCalendar",
            id,
            &body,
        );
        let calendar = self.app.create_calendar(&ctx, key, new).await?;
        Ok(Response::new(pb::CreateCalendarResponse {
            calendar: Some(encode::calendar(calendar)),
        }))
    }

    async fn get_calendar(
        &self,
        request: Request<pb::GetCalendarRequest>,
    ) -> Result<Response<pb::GetCalendarResponse>, Status> {
        let ctx = Context::of(&request)?;
        let id = decode::only_id("calendar_id", &request.get_ref().calendar_id)?;
        let calendar = Some(encode::calendar(self.app.get_calendar(&ctx, id).await?));
        Ok(Response::new(pb::GetCalendarResponse { calendar }))
    }

    async fn list_calendars(
        &self,
        request: Request<pb::ListCalendarsRequest>,
    ) -> Result<Response<pb::ListCalendarsResponse>, Status> {
        let ctx = Context::of(&request)?;
        let (code, paging) = decode::list_calendars(&request.into_inner())?;
        let listed = self.app.list_calendars(&ctx, code, &paging).await?;
        let calendars = listed.rows.into_iter().map(encode::calendar).collect();
        Ok(Response::new(pb::ListCalendarsResponse {
            calendars,
            next_page_token: listed.next,
        }))
    }

    async fn update_calendar(
        &self,
        request: Request<pb::UpdateCalendarRequest>,
    ) -> Result<Response<pb::UpdateCalendarResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, calendar, change, etag) = decode::update_calendar(&body)?;
        let method = "rapport.routing.v1.CalendarService/UpdateCalendar";
        let key = (!body.validate_only).then(|| Key::new(&ctx, method, id, &body));
        let (calendar, redating, partial) = self
            .app
            .update_calendar(&ctx, key, calendar, change, etag)
            .await?;
        Ok(Response::new(pb::UpdateCalendarResponse {
            calendar: Some(encode::calendar(calendar)),
            redating: Some(encode::redating(redating, partial)),
        }))
    }
}
