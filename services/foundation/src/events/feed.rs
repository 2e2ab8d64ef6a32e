//! Another service's log, over its channel: the same whether it runs in this process or elsewhere.

use std::time::Duration;

use http::uri::PathAndQuery;
use rapport_proto::events::v1::Event;
// The LogServices of all packages have messages of the same shape; these stand for all of them.
use rapport_proto::profiles::v1::{
    ReadLogRequest, ReadLogResponse, WatchHeadsRequest, WatchHeadsResponse,
};
use tonic_prost::ProstCodec;
use tonic_types::StatusExt as _;

use super::bus::Position;
use crate::channel::Caller;
use crate::error::{Code, Failure};
use crate::id::TenantId;
use crate::role::Role;

/// Reading a page may wait for a busy store longer than an interactive call.
const READ_LIMIT: Duration = Duration::from_secs(10);

/// The log of one source.
#[derive(Clone)]
pub(super) struct Feed {
    caller: Caller,
    source: Role,
}

/// Consecutive events.
pub(super) struct Page {
    pub(super) events: Vec<Event>,
    /// Where the log ended when they were read.
    pub(super) head: Position,
}

/// Why a page could not be read.
pub(super) enum Refused {
    /// The position was lost when the source was restored: go on at the start of this epoch.
    EpochOver { resume: i64 },
    /// Anything else.
    Failed(Failure),
}

impl Feed {
    pub(super) fn new(caller: Caller, source: Role) -> Self {
        Self {
            caller: caller.with_limit(READ_LIMIT),
            source,
        }
    }

    pub(super) async fn heads(&self) -> Result<tonic::Streaming<WatchHeadsResponse>, Failure> {
        let request = self
            .caller
            .request(TenantId::nil(), None, WatchHeadsRequest {});
        let codec = ProstCodec::<WatchHeadsRequest, WatchHeadsResponse>::default();
        let mut client = self.client().await?;
        let answer = client
            .server_streaming(request, self.path("WatchHeads")?, codec)
            .await
            .map_err(Failure::from)?;
        Ok(answer.into_inner())
    }

    pub(super) async fn page(
        &self,
        tenant: TenantId,
        after: Position,
        limit: u32,
    ) -> Result<Page, Refused> {
        let message = ReadLogRequest {
            after: Some(after.into()),
            page_size: i32::try_from(limit).unwrap_or(i32::MAX),
            wait_ms: 0,
        };
        let request = self.caller.request(tenant, None, message);
        let codec = ProstCodec::<ReadLogRequest, ReadLogResponse>::default();
        let mut client = self.client().await.map_err(Refused::Failed)?;
        let path = self.path("ReadLog").map_err(Refused::Failed)?;
        match client.unary(request, path, codec).await {
            Ok(answer) => {
                let answer = answer.into_inner();
                Ok(Page {
                    events: answer.events,
                    head: answer.head.map(Position::from).unwrap_or_default(),
                })
            }
            Err(status) => Err(refusal(status)),
        }
    }

    async fn client(&self) -> Result<tonic::client::Grpc<crate::channel::Channel>, Failure> {
        let mut client = tonic::client::Grpc::new(self.caller.channel())
            .max_decoding_message_size(crate::service::MESSAGE_LIMIT_BYTES);
        client.ready().await.map_err(|error| {
            Failure::new(
                Code::Unavailable,
                "UPSTREAM",
                "A neighbouring service cannot be reached.",
            )
            .caused_by(error)
        })?;
        Ok(client)
    }

    fn path(&self, method: &str) -> Result<PathAndQuery, Failure> {
        let path = format!("/{}.LogService/{method}", self.source.package());
        PathAndQuery::try_from(path).map_err(|error| {
            Failure::new(Code::Internal, "INTERNAL", "The service failed.").caused_by(error)
        })
    }
}

fn refusal(status: tonic::Status) -> Refused {
    let info = status.get_details_error_info();
    let resume = info
        .filter(|info| info.reason == "EPOCH_OVER")
        .and_then(|info| {
            info.metadata
                .get("resume_epoch")
                .and_then(|epoch| epoch.parse().ok())
        });
    match resume {
        Some(resume) => Refused::EpochOver { resume },
        None => Refused::Failed(status.into()),
    }
}
