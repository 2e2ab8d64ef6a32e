//! What a call would be refused for whatever the state: for files that are looked at before anything is sent. The rules
//! are those of the calls themselves.

use rapport_foundation::error::{Failure, Violation};
use rapport_proto::routing::v1 as pb;

use super::decode;
use crate::domain::policy::{Draft, Finding, Rules, Severity, Staff, lint};
use crate::domain::sla::{ClockKind, PolicyChange};

/// Everything that is wrong with a queue.
#[must_use]
pub fn queue(body: &pb::CreateQueueRequest) -> Vec<Violation> {
    refused(decode::create_queue(body))
}

/// Everything that is wrong with an agent.
#[must_use]
pub fn agent(body: &pb::CreateAgentRequest) -> Vec<Violation> {
    refused(decode::create_agent(body))
}

/// Everything that is wrong with a calendar.
#[must_use]
pub fn calendar(body: &pb::CreateCalendarRequest) -> Vec<Violation> {
    refused(decode::create_calendar(body))
}

/// Everything that is wrong with a policy of promises; a step of a clock that has no target, too.
#[must_use]
pub fn sla_policy(body: &pb::CreateSlaPolicyRequest) -> Vec<Violation> {
    match decode::create_policy(body) {
        Ok((_, new)) => lost_steps(&new.settings),
        Err(failure) => failure.violations().to_vec(),
    }
}

fn lost_steps(policy: &PolicyChange) -> Vec<Violation> {
    let promised = |clock: ClockKind| {
        let mut targets = policy.targets.iter().flatten();
        targets.any(|target| target.clock == clock)
    };
    let steps = policy.steps.iter().flatten().enumerate();
    let lost = steps.filter(|(_, step)| !promised(step.clock));
    let violation = |(place, _): (usize, _)| Violation {
        field: format!("sla_policy.steps[{place}].clock"),
        reason: "SLA_STEP_WITHOUT_TARGET",
        description: "has no target".to_owned(),
    };
    lost.map(violation).collect()
}

/// Everything that keeps a version from being published, as far as it can be told without knowing the queues and who
/// serves them: conditions that are none, what can never be reached, what is missing.
#[must_use]
pub fn routing_policy(body: &pb::CreateRoutingDraftRequest) -> Vec<Violation> {
    match decode::create_routing_draft(body) {
        Ok((_, draft)) => unpublishable(draft),
        Err(failure) => failure.violations().to_vec(),
    }
}

fn unpublishable(draft: Draft) -> Vec<Violation> {
    let rules = Rules {
        display_name: draft.display_name.unwrap_or_default(),
        filters: draft.filters.unwrap_or_default(),
        default_targets: draft.default_targets.unwrap_or_default(),
    };
    let mut findings = lint(&rules, &Staff::default());
    findings
        .retain(|finding| finding.severity == Severity::Error && finding.reason != "UNKNOWN_QUEUE");
    let violation = |finding: Finding| Violation {
        field: format!("routing_policy.{}", finding.field),
        reason: finding.reason,
        description: match finding.field.ends_with(".expression") {
            true => format!("{} (character {})", finding.what, finding.at),
            false => finding.what,
        },
    };
    findings.into_iter().map(violation).collect()
}

fn refused<T>(decoded: Result<T, Failure>) -> Vec<Violation> {
    match decoded {
        Ok(_) => Vec::new(),
        Err(failure) => failure.violations().to_vec(),
    }
}
