use std::time::Duration;

use rapport_foundation::etag;
use rapport_foundation::time::Micros;
use rapport_proto::routing::v1 as pb;

use super::{agent_status, text, words};
use crate::app::{DecidedRouting, ExplainedRouting};
use crate::domain::cel::Traced;
use crate::domain::engine::{Candidate, Hindrance};
use crate::domain::policy::{
    Filter, Finding, Leg, Outcome, PolicyState, Relaxation, RoutingPolicy, Severity, Target,
    Verdict,
};
use crate::domain::{Load, Selection};

/// Findings and candidates told at most: an answer must fit into a message.
const FINDINGS_MAX: usize = 500;
const CANDIDATES_MAX: usize = 500;
/// Parts told of all filters together.
const TRACES_MAX: usize = 1_000;
/// Longest part, and longest value of one, in characters.
const TRACE_CHARACTERS: usize = 200;

pub(in crate::grpc) fn routing_policy(policy: RoutingPolicy) -> pb::RoutingPolicy {
    let rules = policy.rules;
    pb::RoutingPolicy {
        id: policy.id.to_string(),
        version: policy.version,
        state: state(policy.state).into(),
        display_name: rules.display_name,
        filters: rules.filters.iter().map(filter).collect(),
        default_targets: rules.default_targets.iter().map(target).collect(),
        create_time: Some(policy.created_at.into()),
        update_time: Some(policy.updated_at.into()),
        publish_time: policy.published_at.map(Into::into),
        etag: etag::of(policy.revision),
    }
}

const fn state(state: PolicyState) -> pb::RoutingPolicyState {
    match state {
        PolicyState::Draft => pb::RoutingPolicyState::Draft,
        PolicyState::Published => pb::RoutingPolicyState::Published,
        PolicyState::Retired => pb::RoutingPolicyState::Retired,
    }
}

fn filter(filter: &Filter) -> pb::RoutingFilter {
    pb::RoutingFilter {
        code: filter.code.to_string(),
        expression: filter.expression.clone(),
        targets: filter.targets.iter().map(target).collect(),
    }
}

fn target(target: &Target) -> pb::RoutingTarget {
    let seconds = target.timeout.map_or(0, |timeout| timeout.as_secs());
    pb::RoutingTarget {
        queue_id: target.queue.to_string(),
        required_skills: target.skills.texts(),
        raise_priority_to: target
            .raise_to
            .map_or(0, |priority| words::priority_out(priority).into()),
        timeout_s: i32::try_from(seconds).unwrap_or(i32::MAX),
        skip_unstaffed: target.skip_unstaffed,
        relaxations: target.relaxations.iter().map(relaxation).collect(),
    }
}

fn relaxation(relaxation: &Relaxation) -> pb::RoutingRelaxation {
    let seconds = |span: Duration| i32::try_from(span.as_secs()).unwrap_or(i32::MAX);
    pb::RoutingRelaxation {
        skill: relaxation.skill.to_string(),
        after_s: seconds(relaxation.after),
        every_s: seconds(relaxation.every),
        down_to_level: relaxation.down_to.map_or(0, |level| level.number().into()),
    }
}

pub(in crate::grpc) fn findings(findings: Vec<Finding>) -> pb::LintRoutingPolicyResponse {
    let is_error = |finding: &Finding| finding.severity == Severity::Error;
    pb::LintRoutingPolicyResponse {
        publishable: !findings.iter().any(is_error),
        findings: findings
            .into_iter()
            .take(FINDINGS_MAX)
            .map(finding)
            .collect(),
    }
}

fn finding(finding: Finding) -> pb::RoutingFinding {
    let severity = match finding.severity {
        Severity::Error => pb::RoutingFindingSeverity::Error,
        Severity::Warning => pb::RoutingFindingSeverity::Warning,
    };
    pb::RoutingFinding {
        severity: severity.into(),
        field: finding.field,
        reason: finding.reason.to_owned(),
        description: finding.what,
        position: count(finding.at),
    }
}

pub(in crate::grpc) fn routing_explanation(explained: ExplainedRouting) -> pb::RoutingExplanation {
    let omitted = explained.candidates.len().saturating_sub(CANDIDATES_MAX);
    let candidates = explained.candidates.iter().take(CANDIDATES_MAX).enumerate();
    let mut told = pb::RoutingExplanation {
        ticket_id: text(explained.ticket),
        choice: pb::RoutingChoice::Named.into(),
        work_item_id: text(explained.work.as_ref().map(|work| work.id)),
        agent_id: text(explained.agent()),
        queue_id: text(explained.queue),
        required_skills: explained.skills.texts(),
        discipline: discipline(explained.discipline.selection).into(),
        most_occupancy_spread: explained.discipline.most_occupancy_spread.map(Into::into),
        candidates: candidates.map(candidate).collect(),
        omitted_candidates: count(omitted),
        explain_time: Some(explained.at.into()),
        ..Default::default()
    };
    if let Some(decided) = explained.decided {
        decide(&mut told, decided);
    }
    told
}

const fn discipline(selection: Selection) -> pb::RoutingDiscipline {
    match selection {
        Selection::LongestIdle => pb::RoutingDiscipline::FewestInHandLongestIdle,
        Selection::LeastOccupied => pb::RoutingDiscipline::LeastOccupied,
        Selection::BestSkilled => pb::RoutingDiscipline::BestSkilled,
        Selection::RoundRobin => pb::RoutingDiscipline::RoundRobin,
        Selection::Fastest => pb::RoutingDiscipline::Fastest,
    }
}

fn decide(told: &mut pb::RoutingExplanation, decided: DecidedRouting) {
    told.choice = pb::RoutingChoice::Policy.into();
    told.routing_policy_id = decided.policy.to_string();
    told.routing_policy_version = decided.version;
    told.choose_time = Some(decided.at.into());
    let fits = decided
        .outcomes
        .iter()
        .find(|outcome| outcome.verdict == Verdict::Fits);
    told.filter = text(fits.map(|outcome| &outcome.code));
    let legs = decided.legs.iter().enumerate();
    told.targets = legs
        .map(|(place, leg)| fared(place, leg, &decided))
        .collect();
    let mut traces_left = TRACES_MAX;
    let outcomes = decided.outcomes.into_iter();
    told.filters = outcomes.map(|one| outcome(one, &mut traces_left)).collect();
}

fn fared(place: usize, leg: &Leg, decided: &DecidedRouting) -> pb::RoutingTargetOutcome {
    let entered = decided.visits.iter().find(|visit| visit.leg == place);
    let last = decided.visits.last().map(|visit| visit.leg);
    let until = decided.until.filter(|_| last == Some(place));
    pb::RoutingTargetOutcome {
        queue_id: leg.queue.to_string(),
        skipped: entered.is_none() && last.is_some_and(|last| place < last),
        enter_time: entered.map(|visit| visit.at.into()),
        leave_time: until.map(Into::into),
    }
}

fn outcome(outcome: Outcome, traces_left: &mut usize) -> pb::RoutingFilterOutcome {
    let traces = outcome.traced.into_iter().take(*traces_left).map(trace);
    let traces: Vec<_> = traces.collect();
    *traces_left -= traces.len();
    let (verdict, failure) = match outcome.verdict {
        Verdict::Fits => (pb::RoutingFilterVerdict::Fits, String::new()),
        Verdict::DoesNotFit => (pb::RoutingFilterVerdict::DoesNotFit, String::new()),
        Verdict::Failed(why) => (pb::RoutingFilterVerdict::Failed, why),
        Verdict::NotTried => (pb::RoutingFilterVerdict::NotTried, String::new()),
    };
    pb::RoutingFilterOutcome {
        code: outcome.code.to_string(),
        verdict: verdict.into(),
        failure,
        traces,
    }
}

fn trace(traced: Traced) -> pb::RoutingTrace {
    let value = match traced.value {
        Ok(value) => value.to_string(),
        Err(error) => error.to_string(),
    };
    let cut = |text: String| text.chars().take(TRACE_CHARACTERS).collect();
    pb::RoutingTrace {
        expression: cut(traced.part),
        value: cut(value),
    }
}

fn candidate((place, candidate): (usize, &Candidate)) -> pb::RoutingCandidate {
    let may = candidate.hindrances.is_empty();
    pb::RoutingCandidate {
        agent_id: candidate.agent.to_string(),
        rank: if may { count(place + 1) } else { 0 },
        in_hand: count(candidate.in_hand),
        idle_time: Some(candidate.idle_since.into()),
        hindrances: candidate.hindrances.iter().map(hindrance).collect(),
        status: agent_status(candidate.status).into(),
        occupancy: candidate.occupancy as f64 / Load::WHOLE as f64,
        passed_over: candidate.passed_over,
        surplus_levels: i32::try_from(candidate.surplus).unwrap_or(i32::MAX),
        handle_time: candidate.pace.and_then(|pace| pace.try_into().ok()),
    }
}

fn until_then(
    told: &mut pb::RoutingHindrance,
    until: Micros,
    kind: pb::RoutingHindranceKind,
) -> pb::RoutingHindranceKind {
    told.until_time = Some(until.into());
    kind
}

fn hindrance(hindrance: &Hindrance) -> pb::RoutingHindrance {
    use pb::RoutingHindranceKind as Kind;
    let mut told = pb::RoutingHindrance::default();
    let kind = match hindrance {
        Hindrance::HasIt => Kind::HasIt,
        Hindrance::Status => Kind::Status,
        Hindrance::NotPresent => Kind::NotPresent,
        Hindrance::OffShift => Kind::OffShift,
        Hindrance::NoCapacity => Kind::NoCapacity,
        Hindrance::MissingSkills(missing) => {
            told.missing_skills = missing.texts();
            Kind::MissingSkills
        }
        Hindrance::Declined(until) => until_then(&mut told, *until, Kind::Declined),
        Hindrance::KeptForOther(until) => until_then(&mut told, *until, Kind::KeptForOther),
        Hindrance::Paused(until) => until_then(&mut told, *until, Kind::Paused),
    };
    told.kind = kind.into();
    told
}

fn count(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
