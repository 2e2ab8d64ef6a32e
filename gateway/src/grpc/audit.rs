//! `rapport.access.v1.AuditService`: decode, call, encode.

use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use rapport_foundation::context::Context;
use rapport_proto::access::v1::audit_service_server::AuditService;
use rapport_proto::access::v1::{
    ExportAuditEntriesRequest, ExportAuditEntriesResponse, ListAuditEntriesRequest,
    ListAuditEntriesResponse,
};
use tonic::{Request, Response, Status};

use crate::app::audit::Trail;

mod decode;
mod encode;

/// The audit trail's service.
pub(crate) struct AuditApi(pub(crate) Trail);

#[tonic::async_trait]
impl AuditService for AuditApi {
    async fn list_audit_entries(
        &self,
        request: Request<ListAuditEntriesRequest>,
    ) -> Result<Response<ListAuditEntriesResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (query, most) = decode::list(&body)?;
        let (entries, next_page_token) = self.0.list(&ctx, &query, &body.page_token, most).await?;
        let entries = entries.into_iter().map(encode::entry).collect();
        Ok(Response::new(ListAuditEntriesResponse {
            entries,
            next_page_token,
        }))
    }

    type ExportAuditEntriesStream = BoxStream<'static, Result<ExportAuditEntriesResponse, Status>>;

    async fn export_audit_entries(
        &self,
        request: Request<ExportAuditEntriesRequest>,
    ) -> Result<Response<Self::ExportAuditEntriesStream>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (from, until) = decode::export(&body)?;
        let entries = self.0.export(&ctx, from, until, &body.cursor)?;
        let answers = entries.map_ok(encode::exported).map_err(Status::from);
        Ok(Response::new(answers.boxed()))
    }
}
