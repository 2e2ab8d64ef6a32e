use rapport_foundation::context::Context;
use rapport_foundation::error::Failure;
use rapport_proto::loyalty::v1 as pb;
use rapport_proto::loyalty::v1::ledger_service_server::LedgerService;
use tonic::{Request, Response, Status};

use super::{Api, decode, encode};
use crate::Error;
use crate::app::{Command, Done, NamedRequest};

/// The full name of a method of this service.
macro_rules! method {
    ($name:literal) => {
        concat!("rapport.loyalty.v1.LedgerService/", $name)
    };
}

impl Api {
    /// Decode and post a mutation of the ledger under its request id.
    async fn post<M: prost::Message>(
        &self,
        request: &Request<M>,
        method: &'static str,
        decode: impl FnOnce(&M) -> Result<decode::Asking, Failure>,
    ) -> Result<Done, Error> {
        let ctx = Context::of(request)?;
        let (id, ask) = decode(request.get_ref())?;
        let named = NamedRequest::new(&ctx, method, id, request.get_ref());
        self.app.post(&ctx, Command::new(ask, Some(named))).await
    }
}

#[tonic::async_trait]
impl LedgerService for Api {
    async fn earn_points(
        &self,
        request: Request<pb::EarnPointsRequest>,
    ) -> Result<Response<pb::EarnPointsResponse>, Status> {
        let done = self
            .post(&request, method!("EarnPoints"), decode::earn)
            .await?;
        let (entry, _, balance) = encode::done(&done);
        Ok(Response::new(pb::EarnPointsResponse {
            entry,
            balance: Some(balance),
        }))
    }

    async fn hold_points(
        &self,
        request: Request<pb::HoldPointsRequest>,
    ) -> Result<Response<pb::HoldPointsResponse>, Status> {
        let done = self
            .post(&request, method!("HoldPoints"), decode::hold)
            .await?;
        let (entry, hold, balance) = encode::done(&done);
        Ok(Response::new(pb::HoldPointsResponse {
            hold,
            entry,
            balance: Some(balance),
        }))
    }

    async fn capture_hold(
        &self,
        request: Request<pb::CaptureHoldRequest>,
    ) -> Result<Response<pb::CaptureHoldResponse>, Status> {
        let done = self
            .post(&request, method!("CaptureHold"), decode::capture)
            .await?;
        let (entry, hold, balance) = encode::done(&done);
        Ok(Response::new(pb::CaptureHoldResponse {
            hold,
            entry,
            balance: Some(balance),
        }))
    }

    async fn void_hold(
        &self,
        request: Request<pb::VoidHoldRequest>,
    ) -> Result<Response<pb::VoidHoldResponse>, Status> {
        let done = self
            .post(&request, method!("VoidHold"), decode::void)
            .await?;
        let (entry, hold, balance) = encode::done(&done);
        Ok(Response::new(pb::VoidHoldResponse {
            hold,
            entry,
            balance: Some(balance),
        }))
    }

    async fn get_hold(
        &self,
        request: Request<pb::GetHoldRequest>,
    ) -> Result<Response<pb::GetHoldResponse>, Status> {
        let ctx = Context::of(&request)?;
        let id = decode::hold_id(&request.get_ref().hold_id)?;
        let (hold, kind) = self.app.get_hold(&ctx, id).await?;
        Ok(Response::new(pb::GetHoldResponse {
            hold: Some(encode::hold(&hold, &kind)),
        }))
    }

    async fn reverse_entry(
        &self,
        request: Request<pb::ReverseEntryRequest>,
    ) -> Result<Response<pb::ReverseEntryResponse>, Status> {
        let done = self
            .post(&request, method!("ReverseEntry"), decode::reverse)
            .await?;
        let (entry, _, balance) = encode::done(&done);
        Ok(Response::new(pb::ReverseEntryResponse {
            entry,
            balance: Some(balance),
        }))
    }

    async fn get_balance(
        &self,
        request: Request<pb::GetBalanceRequest>,
    ) -> Result<Response<pb::GetBalanceResponse>, Status> {
        let ctx = Context::of(&request)?;
        let id = decode::member_id(&request.get_ref().member_id)?;
        let (balance, kind) = self.app.get_balance(&ctx, id).await?;
        let balance = Some(encode::balance(&id.to_string(), &balance, &kind));
        Ok(Response::new(pb::GetBalanceResponse { balance }))
    }

    async fn list_entries(
        &self,
        request: Request<pb::ListEntriesRequest>,
    ) -> Result<Response<pb::ListEntriesResponse>, Status> {
        let ctx = Context::of(&request)?;
        let (member, asked) = decode::list_entries(request.get_ref())?;
        let (page, kind) = self.app.list_entries(&ctx, member, asked).await?;
        Ok(Response::new(pb::ListEntriesResponse {
            entries: page
                .items
                .iter()
                .map(|entry| encode::entry(entry, &kind))
                .collect(),
            next_page_token: page.next,
        }))
    }
}
