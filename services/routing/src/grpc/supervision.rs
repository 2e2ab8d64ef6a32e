use std::pin::Pin;

use futures::Stream;
use rapport_foundation::context::Context;
use rapport_foundation::idempotency::Key;
use rapport_proto::routing::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Grpc, decode, encode};
use crate::app::watch::{Seen, Watch, Watched};

macro_rules! key {
    ($ctx:expr, $method:literal, $id:expr, $body:expr) => {
        Key::new(
            &$ctx,
            concat!("rapport.routing.v1.SupervisionService/", $method),
            $id,
            &$body,
        )
    };
}

type Told<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl pb::supervision_service_server::SupervisionService for Grpc {
    type WatchQueuesStream = Told<pb::WatchQueuesResponse>;
    type WatchAgentsStream = Told<pb::WatchAgentsResponse>;

    async fn watch_queues(
        &self,
        request: Request<pb::WatchQueuesRequest>,
    ) -> Result<Response<Self::WatchQueuesStream>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (queues, window) = decode::queue_statistics(&body.queue_ids, body.window.as_ref())?;
        let watch = self.app.watch_queues(&ctx, queues, window).await?;
        Ok(Response::new(told(watch, encode::queues_seen)))
    }

    async fn get_queue_statistics(
        &self,
        request: Request<pb::GetQueueStatisticsRequest>,
    ) -> Result<Response<pb::GetQueueStatisticsResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (queues, window) = decode::queue_statistics(&body.queue_ids, body.window.as_ref())?;
        let seen = self.app.get_queue_statistics(&ctx, queues, window).await?;
        Ok(Response::new(encode::queues_told(seen)))
    }

    async fn watch_agents(
        &self,
        request: Request<pb::WatchAgentsRequest>,
    ) -> Result<Response<Self::WatchAgentsStream>, Status> {
        let ctx = Context::of(&request)?;
        let (agents, queue) = decode::watch_agents(&request.into_inner())?;
        let watch = self.app.watch_agents(&ctx, agents, queue).await?;
        Ok(Response::new(told(watch, encode::agents_seen)))
    }

    async fn estimate_wait(
        &self,
        request: Request<pb::EstimateWaitRequest>,
    ) -> Result<Response<pb::EstimateWaitResponse>, Status> {
        let ctx = Context::of(&request)?;
        let waiter = decode::estimate_wait(&request.into_inner())?;
        let forecast = self.app.estimate_wait(&ctx, waiter).await?;
        Ok(Response::new(pb::EstimateWaitResponse {
            estimate: Some(encode::estimate(&forecast)),
        }))
    }

    async fn assign_work_item(
        &self,
        request: Request<pb::AssignWorkItemRequest>,
    ) -> Result<Response<pb::AssignWorkItemResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, item, to, reason) = decode::assign_work_item(&body)?;
        let key = key!(ctx, "AssignWorkItem", id, body);
        let work = self
            .app
            .assign_work_item(&ctx, key, item, to, reason)
            .await?;
        Ok(Response::new(pb::AssignWorkItemResponse {
            work_item: Some(encode::work_item(&work)),
        }))
    }

    async fn move_work_item(
        &self,
        request: Request<pb::MoveWorkItemRequest>,
    ) -> Result<Response<pb::MoveWorkItemResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, item, to, reason) = decode::move_work_item(&body)?;
        let key = key!(ctx, "MoveWorkItem", id, body);
        let work = self.app.move_work_item(&ctx, key, item, to, reason).await?;
        Ok(Response::new(pb::MoveWorkItemResponse {
            work_item: Some(encode::work_item(&work)),
        }))
    }

    async fn monitor_work_item(
        &self,
        request: Request<pb::MonitorWorkItemRequest>,
    ) -> Result<Response<pb::MonitorWorkItemResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, item, listening, reason) = decode::monitor_work_item(&body)?;
        let key = key!(ctx, "MonitorWorkItem", id, body);
        let command = self
            .app
            .monitor_work_item(&ctx, key, item, listening, reason)
            .await?;
        Ok(Response::new(pb::MonitorWorkItemResponse {
            contact_command: Some(encode::contact_command(&command)),
        }))
    }

    async fn release_work_item(
        &self,
        request: Request<pb::ReleaseWorkItemRequest>,
    ) -> Result<Response<pb::ReleaseWorkItemResponse>, Status> {
        let ctx = Context::of(&request)?;
        let body = request.into_inner();
        let (id, item, to, reason) = decode::release_work_item(&body)?;
        let key = key!(ctx, "ReleaseWorkItem", id, body);
        let work = self
            .app
            .release_work_item(&ctx, key, item, to, reason)
            .await?;
        Ok(Response::new(pb::ReleaseWorkItemResponse {
            work_item: Some(encode::work_item(&work)),
        }))
    }
}

/// Messages as their reader wants them, then once why there are no more.
fn told<V, T>(watch: Watch<V>, encode: fn(Seen<V>) -> T) -> Told<T>
where
    V: Watched + Send + Sync + 'static,
    V::Id: Send + Sync,
    T: Send + 'static,
{
    let next = move |watch: Option<Watch<V>>| async move {
        let mut watch = watch?;
        match watch.message().await {
            Ok(seen) => Some((Ok(encode(seen)), Some(watch))),
            Err(error) => Some((Err(Status::from(error)), None)),
        }
    };
    Box::pin(futures::stream::unfold(Some(watch), next))
}
