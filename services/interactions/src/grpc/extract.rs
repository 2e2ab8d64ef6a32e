//! Stretches of the log.

use std::sync::Arc;

use futures::StreamExt as _;
use rapport_foundation::context::Context;
use rapport_proto::interactions::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Answers, decode, encode};
use crate::app::App;

/// Stretches of the log.
pub(crate) struct Exports(pub(crate) Arc<App>);

#[tonic::async_trait]
impl pb::export_service_server::ExportService for Exports {
    type ExportInteractionsStream = Answers<pb::ExportInteractionsResponse>;

    async fn export_interactions(
        &self,
        request: Request<pb::ExportInteractionsRequest>,
    ) -> Result<Response<Self::ExportInteractionsStream>, Status> {
        let ctx = Context::of(&request)?;
        let wanted = decode::extract(request.get_ref())?;
        let cursor = &request.get_ref().cursor;
        let told = Arc::clone(&self.0).extract(&ctx, wanted, cursor).await?;
        let told = told.map(|one| one.map(encode::extracted).map_err(Status::from));
        Ok(Response::new(Box::pin(told)))
    }
}
