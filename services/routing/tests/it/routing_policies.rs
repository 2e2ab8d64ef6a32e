//! Where work goes that names no queue: drafts, what is said of them, and what comes of those that hold.

use rapport_foundation::channel::Channel;
use rapport_foundation::role::Role;
use rapport_proto::routing::v1 as pb;
use rapport_proto::routing::v1::routing_policy_service_client::RoutingPolicyServiceClient;
use rapport_proto::types::v1 as types;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::bench::{Bench, Teller, everywhere, reason, request_id};
use crate::intake::{Contact, tickets};
use crate::sla::everywhere_at;

mod explaining;
mod going_on;
mod relaxing;
mod room;
mod versions;

type Client = RoutingPolicyServiceClient<Channel>;

fn to(queue: &pb::Queue) -> pb::RoutingTarget {
    pb::RoutingTarget {
        queue_id: queue.id.clone(),
        ..Default::default()
    }
}

fn filter(code: &str, expression: &str, targets: Vec<pb::RoutingTarget>) -> pb::RoutingFilter {
    pb::RoutingFilter {
        code: code.into(),
        expression: expression.into(),
        targets,
    }
}

fn policy(filters: Vec<pb::RoutingFilter>) -> pb::RoutingPolicy {
    pb::RoutingPolicy {
        display_name: "Who gets what".into(),
        filters,
        ..Default::default()
    }
}

/// What is wrong with a request, or with the version it is about.
fn violations(status: &Status) -> Vec<String> {
    let bad = status.get_details_bad_request().unwrap();
    let told = bad.field_violations.into_iter();
    told.map(|v| format!("{} {}", v.field, v.reason)).collect()
}

impl Bench {
    fn routing(&self) -> Client {
        RoutingPolicyServiceClient::new(self.channel.clone())
    }

    async fn draft(&self, policy: pb::RoutingPolicy) -> Result<pb::RoutingPolicy, Status> {
        let request = pb::CreateRoutingDraftRequest {
            request_id: request_id(),
            routing_policy: Some(policy),
        };
        let answer = self
            .routing()
            .create_routing_draft(self.boss(request))
            .await?;
        Ok(answer.into_inner().routing_policy.unwrap())
    }

    async fn redraft(
        &self,
        draft: &pb::RoutingPolicy,
        policy: pb::RoutingPolicy,
    ) -> Result<pb::RoutingPolicy, Status> {
        let request = pb::UpdateRoutingDraftRequest {
            request_id: request_id(),
            routing_policy_id: draft.id.clone(),
            routing_policy: Some(policy),
            update_mask: None,
            etag: draft.etag.clone(),
        };
        let answer = self
            .routing()
            .update_routing_draft(self.boss(request))
            .await?;
        Ok(answer.into_inner().routing_policy.unwrap())
    }

    async fn publish(&self, draft: &pb::RoutingPolicy) -> Result<pb::RoutingPolicy, Status> {
        let request = pb::PublishRoutingPolicyRequest {
            request_id: request_id(),
            routing_policy_id: draft.id.clone(),
            etag: String::new(),
        };
        let answer = self
            .routing()
            .publish_routing_policy(self.boss(request))
            .await?;
        Ok(answer.into_inner().routing_policy.unwrap())
    }

    async fn roll_back(&self, version: &pb::RoutingPolicy) -> Result<pb::RoutingPolicy, Status> {
        let request = pb::RollBackRoutingPolicyRequest {
            request_id: request_id(),
            routing_policy_id: version.id.clone(),
            etag: String::new(),
        };
        let answer = self
            .routing()
            .roll_back_routing_policy(self.boss(request))
            .await?;
        Ok(answer.into_inner().routing_policy.unwrap())
    }

    /// Drafts a policy and makes it hold.
    async fn route(&self, filters: Vec<pb::RoutingFilter>) -> pb::RoutingPolicy {
        let draft = self.draft(policy(filters)).await.unwrap();
        self.publish(&draft).await.unwrap()
    }

    async fn lint(&self, version: &pb::RoutingPolicy) -> pb::LintRoutingPolicyResponse {
        let request = pb::LintRoutingPolicyRequest {
            routing_policy_id: version.id.clone(),
        };
        let answer = self.routing().lint_routing_policy(self.boss(request)).await;
        answer.unwrap().into_inner()
    }

    async fn explain(&self, request: pb::ExplainRoutingRequest) -> pb::RoutingExplanation {
        let answer = self.routing().explain_routing(self.boss(request)).await;
        answer.unwrap().into_inner().explanation.unwrap()
    }

    pub(crate) async fn explain_ticket(&self, ticket: &pb::Ticket) -> pb::RoutingExplanation {
        let request = pb::ExplainRoutingRequest {
            ticket_id: ticket.id.clone(),
            ..Default::default()
        };
        self.explain(request).await
    }

    /// A ticket that names no queue, with work on the telephone.
    async fn open_ticket(&self, ticket: pb::Ticket) -> pb::Ticket {
        self.try_to_open(ticket).await.unwrap()
    }

    async fn try_to_open(&self, ticket: pb::Ticket) -> Result<pb::Ticket, Status> {
        let request = pb::CreateTicketRequest {
            request_id: request_id(),
            ticket: Some(ticket),
            work_channel: types::Channel::Phone.into(),
        };
        let answer = self.tickets().create_ticket(self.boss(request)).await?;
        Ok(answer.into_inner().ticket.unwrap())
    }

    async fn tagged(&self, tag: &str) -> pb::Ticket {
        let ticket = pb::Ticket {
            tags: vec![tag.into()],
            ..Default::default()
        };
        self.open_ticket(ticket).await
    }
}
