//! The contracts: decode, call, encode.

mod agents;
mod calendars;
mod contact_commands;
mod decode;
mod encode;
pub mod foresee;
mod hand_on;
mod incidents;
mod offers;
mod queues;
mod routing_policies;
mod sla_policies;
mod supervision;
mod ticket_merges;
mod ticket_watch;
mod tickets;
mod transfers;
mod virtual_agents;
mod work_items;

use rapport_foundation::service::MESSAGE_LIMIT_BYTES;
use rapport_proto::routing::v1 as pb;
use tonic::service::{Routes, RoutesBuilder};

use crate::app::App;
use crate::work::Shell;

/// The services of routing over one application.
#[derive(Clone)]
struct Grpc {
    app: App,
}

/// Every service of routing but the log.
pub(crate) fn routes(app: &App) -> RoutesBuilder {
    let mut routes = Routes::builder();
    let grpc = Grpc { app: app.clone() };
    macro_rules! add {
        ($($module:ident :: $server:ident,)+) => {$(
            routes.add_service(
                pb::$module::$server::new(grpc.clone())
                    .max_decoding_message_size(MESSAGE_LIMIT_BYTES)
                    .max_encoding_message_size(MESSAGE_LIMIT_BYTES),
            );
        )+};
    }
    add! {
        ticket_service_server::TicketServiceServer,
        ticket_merge_service_server::TicketMergeServiceServer,
        ticket_bulk_service_server::TicketBulkServiceServer,
        incident_service_server::IncidentServiceServer,
        ticket_watch_service_server::TicketWatchServiceServer,
        repeat_rule_service_server::RepeatRuleServiceServer,
        work_item_service_server::WorkItemServiceServer,
        transfer_service_server::TransferServiceServer,
        contact_command_service_server::ContactCommandServiceServer,
        agent_service_server::AgentServiceServer,
        queue_service_server::QueueServiceServer,
        offer_service_server::OfferServiceServer,
        calendar_service_server::CalendarServiceServer,
        sla_policy_service_server::SlaPolicyServiceServer,
        routing_policy_service_server::RoutingPolicyServiceServer,
        supervision_service_server::SupervisionServiceServer,
        virtual_agent_service_server::VirtualAgentServiceServer,
    }
    routes
}

/// Routes whose calls are decided by the owner of the tenant, wherever they come in.
pub(crate) fn by_owner(routes: Routes, shell: Shell) -> Routes {
    let layer = axum::middleware::from_fn_with_state(shell, hand_on::hand_on);
    routes.into_axum_router().layer(layer).into()
}
