use std::pin::Pin;

use futures::{Stream, StreamExt as _};
use rapport_foundation::context::Context;
use rapport_foundation::error::Failure;
use rapport_proto::routing::v1 as pb;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::{Grpc, decode, encode};

#[tonic::async_trait]
impl pb::contact_command_service_server::ContactCommandService for Grpc {
    type DeliverCommandsStream =
        Pin<Box<dyn Stream<Item = Result<pb::DeliverCommandsResponse, Status>> + Send>>;

    async fn deliver_commands(
        &self,
        request: Request<Streaming<pb::DeliverCommandsRequest>>,
    ) -> Result<Response<Self::DeliverCommandsStream>, Status> {
        let ctx = Context::of(&request)?;
        let heard = request.into_inner().map(|said| match said {
            Ok(said) => Ok(decode::heard(said)),
            Err(status) => Err(Failure::from(status)),
        });
        let spoken = self.app.deliver_commands(&ctx, heard.boxed())?;
        let spoken = ReceiverStream::new(spoken)
            .map(|spoken| spoken.map(encode::spoken).map_err(Status::from));
        Ok(Response::new(Box::pin(spoken)))
    }

    async fn list_contact_commands(
        &self,
        request: Request<pb::ListContactCommandsRequest>,
    ) -> Result<Response<pb::ListContactCommandsResponse>, Status> {
        let ctx = Context::of(&request)?;
        let (filter, paging) = decode::list_contact_commands(request.get_ref())?;
        let listed = self
            .app
            .list_contact_commands(&ctx, filter, &paging)
            .await?;
        let contact_commands = listed.rows.iter().map(encode::contact_command).collect();
        Ok(Response::new(pb::ListContactCommandsResponse {
            contact_commands,
            next_page_token: listed.next,
        }))
    }
}
