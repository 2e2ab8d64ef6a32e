//! What a manager looks up.

use rapport_proto::interactions::v1 as interactions;
use rapport_proto::interactions::v1::interaction_service_client::InteractionServiceClient;
use rapport_proto::loyalty::v1 as loyalty;
use rapport_proto::loyalty::v1::ledger_service_client::LedgerServiceClient;
use rapport_proto::loyalty::v1::program_service_client::ProgramServiceClient;
use rapport_proto::routing::v1 as routing;
use rapport_proto::routing::v1::ticket_service_client::TicketServiceClient;
use rapport_proto::routing::v1::work_item_service_client::WorkItemServiceClient;
use tonic::Status;

use super::scenes::has_points;
use super::stage::Stage;
use crate::client::Authorised;

/// The largest page.
const PAGE: i32 = 1000;

/// Asks as the manager of the stage.
pub(super) struct Asking {
    manager: Authorised,
    program_id: String,
}

impl Asking {
    pub(super) fn of(stage: &Stage) -> Self {
        Asking {
            manager: stage.manager.clone(),
            program_id: stage.program.id.clone(),
        }
    }

    pub(super) async fn work_item(&self, id: &str) -> Result<routing::WorkItem, Status> {
        let request = routing::GetWorkItemRequest {
            work_item_id: id.to_owned(),
        };
        let answer = WorkItemServiceClient::new(self.manager.clone())
            .get_work_item(request)
            .await?;
        Ok(answer.into_inner().work_item.unwrap_or_default())
    }

    /// What waits in a queue.
    pub(super) async fn waiting(&self, queue_id: &str) -> Result<Vec<routing::WorkItem>, Status> {
        let request = routing::ListWorkItemsRequest {
            page_size: PAGE,
            state: routing::WorkItemState::Waiting as i32,
            queue_id: queue_id.to_owned(),
            ..routing::ListWorkItemsRequest::default()
        };
        let answer = WorkItemServiceClient::new(self.manager.clone())
            .list_work_items(request)
            .await?;
        Ok(answer.into_inner().work_items)
    }

    /// How many work items are in a state.
    pub(super) async fn count_work(&self, state: routing::WorkItemState) -> Result<usize, Status> {
        let request = routing::ListWorkItemsRequest {
            page_size: PAGE,
            state: state as i32,
            ..routing::ListWorkItemsRequest::default()
        };
        let answer = WorkItemServiceClient::new(self.manager.clone())
            .list_work_items(request)
            .await?;
        Ok(answer.into_inner().work_items.len())
    }

    /// How many tickets are in a state.
    pub(super) async fn count_tickets(&self, state: routing::TicketState) -> Result<usize, Status> {
        let request = routing::ListTicketsRequest {
            page_size: PAGE,
            state: state as i32,
            ..routing::ListTicketsRequest::default()
        };
        let answer = TicketServiceClient::new(self.manager.clone())
            .list_tickets(request)
            .await?;
        Ok(answer.into_inner().tickets.len())
    }

    /// Everything that was logged.
    pub(super) async fn interactions(&self) -> Result<Vec<interactions::Interaction>, Status> {
        let request = interactions::ListInteractionsRequest {
            page_size: PAGE,
            ..interactions::ListInteractionsRequest::default()
        };
        let answer = InteractionServiceClient::new(self.manager.clone())
            .list_interactions(request)
            .await?;
        Ok(answer.into_inner().interactions)
    }

    pub(super) async fn timeline(
        &self,
        customer_id: &str,
    ) -> Result<Vec<interactions::TimelineEntry>, Status> {
        let request = interactions::ListTimelineRequest {
            customer_id: customer_id.to_owned(),
            page_size: PAGE,
            page_token: String::new(),
        };
        let answer = InteractionServiceClient::new(self.manager.clone())
            .list_timeline(request)
            .await;
        match answer {
            Ok(answer) => Ok(answer.into_inner().entries),
            // The log learns of a customer by an event.
            Err(status) if status.code() == tonic::Code::NotFound => Ok(Vec::new()),
            Err(status) => Err(status),
        }
    }

    /// The customer's membership, once there is one.
    pub(super) async fn member(
        &self,
        customer_id: &str,
    ) -> Result<Option<loyalty::Member>, Status> {
        let request = loyalty::ListMembersRequest {
            program_id: self.program_id.clone(),
            customer_id: customer_id.to_owned(),
            ..loyalty::ListMembersRequest::default()
        };
        let answer = ProgramServiceClient::new(self.manager.clone())
            .list_members(request)
            .await?;
        Ok(answer.into_inner().members.into_iter().next())
    }

    /// The points of all members together.
    pub(super) async fn all_points(&self) -> Result<(usize, i64), Status> {
        let request = loyalty::ListMembersRequest {
            page_size: PAGE,
            program_id: self.program_id.clone(),
            ..loyalty::ListMembersRequest::default()
        };
        let answer = ProgramServiceClient::new(self.manager.clone())
            .list_members(request)
            .await?;
        let members = answer.into_inner().members;
        let mut points = 0;
        for member in &members {
            points += self
                .balance(&member.id)
                .await?
                .available
                .unwrap_or_default()
                .units;
        }
        Ok((members.len(), points))
    }

    pub(super) async fn balance(&self, member_id: &str) -> Result<loyalty::Balance, Status> {
        let request = loyalty::GetBalanceRequest {
            member_id: member_id.to_owned(),
        };
        let answer = LedgerServiceClient::new(self.manager.clone())
            .get_balance(request)
            .await?;
        Ok(answer.into_inner().balance.unwrap_or_default())
    }

    /// The balance, once there are points.
    pub(super) async fn earned(&self, member_id: &str) -> Result<Option<loyalty::Balance>, Status> {
        Ok(Some(self.balance(member_id).await?).filter(has_points))
    }
}
