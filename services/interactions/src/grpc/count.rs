//! How many contacts there were.

use std::sync::Arc;

use rapport_foundation::context::Context;
use rapport_proto::interactions::v1 as pb;
use tonic::{Request, Response, Status};

use super::{decode, encode};
use crate::app::App;

/// Counts of contacts.
pub(crate) struct Counts(pub(crate) Arc<App>);

#[tonic::async_trait]
impl pb::count_service_server::CountService for Counts {
    async fn count_interactions(
        &self,
        request: Request<pb::CountInteractionsRequest>,
    ) -> Result<Response<pb::CountInteractionsResponse>, Status> {
        let ctx = Context::of(&request)?;
        let wanted = decode::counting(request.get_ref())?;
        let counts = self.0.count(&ctx, &wanted).await?;
        let counts = counts.into_iter().map(encode::count).collect();
        Ok(Response::new(pb::CountInteractionsResponse { counts }))
    }
}
