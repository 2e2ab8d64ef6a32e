//! The policy that says where work goes, as it is written by hand. Whether it makes sense is for its lint: a draft may
//! be unfinished.

use std::collections::BTreeSet;
use std::time::Duration;

use prost::Message as _;
use rapport_foundation::check::Check;
use rapport_foundation::error::Failure;
use rapport_foundation::id::RoutingPolicyId;
use rapport_foundation::time::Micros;
use rapport_proto::routing::v1 as pb;
use uuid::Uuid;

use super::settings::NAME_CHARACTERS;
use super::tickets::{TAGS, impact, purpose, urgency};
use super::{
    Etag, SKILLS_OF_WORK, channel, codes, limit, optional_code, priority, required_code,
    set_by_service, skills,
};
use crate::app::{AskedRouting, Paging};
use crate::domain::Level;
use crate::domain::cel::SOURCE_CHARACTERS;
use crate::domain::policy::{Draft, Facts, Filter, PolicyState, Relaxation, Target};

const FIELDS: [&str; 3] = ["display_name", "filters", "default_targets"];
const FILTERS: usize = 100;
const TARGETS: usize = 8;
/// A week.
const SECONDS_MAX: i32 = 604_800;
/// Of a whole version: it is read with every change, and told with many others.
const BYTES_MAX: usize = 65_536;
/// Versions are large: few to a page.
const PAGE: (u32, u32) = (10, 25);

pub(in crate::grpc) fn create_routing_draft(
    body: &pb::CreateRoutingDraftRequest,
) -> Result<(Uuid, Draft), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let policy = given(&mut c, body.routing_policy.as_ref());
    let draft = c.within("routing_policy", |c| {
        set_by_service(c, "id", policy.id.is_empty());
        set_by_service(c, "version", policy.version == 0);
        set_by_service(c, "state", policy.state == 0);
        set_by_service(c, "create_time", policy.create_time.is_none());
        set_by_service(c, "update_time", policy.update_time.is_none());
        set_by_service(c, "publish_time", policy.publish_time.is_none());
        set_by_service(c, "etag", policy.etag.is_empty());
        let all = FIELDS.iter().map(|field| (*field).to_owned()).collect();
        draft(c, &all, &policy)
    });
    c.done((request, draft))
}

pub(in crate::grpc) fn update_routing_draft(
    body: &pb::UpdateRoutingDraftRequest,
) -> Result<(Uuid, RoutingPolicyId, Draft, Etag), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("routing_policy_id", &body.routing_policy_id);
    let etag = c.etag(&body.etag);
    let mask = c.mask("update_mask", body.update_mask.as_ref(), &FIELDS);
    let policy = given(&mut c, body.routing_policy.as_ref());
    let draft = c.within("routing_policy", |c| draft(c, &mask, &policy));
    c.done((request, id, draft, etag))
}

/// The version to be published, or gone back to.
pub(in crate::grpc) fn version(
    request: &str,
    id: &str,
    etag: &str,
) -> Result<(Uuid, RoutingPolicyId, Etag), Failure> {
    let mut c = Check::new();
    let request = c.request_id(request);
    let id = c.id("routing_policy_id", id);
    let etag = c.etag(etag);
    c.done((request, id, etag))
}

pub(in crate::grpc) fn list_routing_policies(
    body: &pb::ListRoutingPoliciesRequest,
) -> Result<(Option<PolicyState>, Paging), Failure> {
    let mut c = Check::new();
    let state = c.optional_enumeration::<pb::RoutingPolicyState>("state", body.state);
    let paging = Paging {
        size: c.page_size(body.page_size, PAGE.0, PAGE.1),
        token: body.page_token.clone(),
    };
    c.done((state.and_then(self::state), paging))
}

const fn state(state: pb::RoutingPolicyState) -> Option<PolicyState> {
    Some(match state {
        pb::RoutingPolicyState::Unspecified => return None,
        pb::RoutingPolicyState::Draft => PolicyState::Draft,
        pb::RoutingPolicyState::Published => PolicyState::Published,
        pb::RoutingPolicyState::Retired => PolicyState::Retired,
    })
}

fn given(c: &mut Check, policy: Option<&pb::RoutingPolicy>) -> pb::RoutingPolicy {
    let is_given = policy.is_some();
    c.require(is_given, "routing_policy", "REQUIRED", "is required");
    let policy = policy.cloned().unwrap_or_default();
    c.require(
        policy.encoded_len() <= BYTES_MAX,
        "routing_policy",
        "TOO_LARGE",
        "is larger than 65536 bytes",
    );
    policy
}

fn draft(c: &mut Check, mask: &BTreeSet<String>, policy: &pb::RoutingPolicy) -> Draft {
    let set = |field: &str| mask.contains(field);
    let mut draft = Draft::default();
    if set("display_name") {
        let name = c.line("display_name", &policy.display_name, 0..=NAME_CHARACTERS);
        draft.display_name = Some(name);
    }
    if set("filters") {
        draft.filters = Some(filters(c, &policy.filters));
    }
    if set("default_targets") {
        draft.default_targets = Some(targets(c, "default_targets", &policy.default_targets));
    }
    draft
}

fn filters(c: &mut Check, given: &[pb::RoutingFilter]) -> Vec<Filter> {
    limit(c, "filters", given.len(), FILTERS);
    let mut filters: Vec<Filter> = Vec::new();
    for (place, given) in given.iter().take(FILTERS).enumerate() {
        c.within(format_args!("filters[{place}]"), |c| {
            c.require(!given.code.is_empty(), "code", "REQUIRED", "is required");
            let code = optional_code(c, "code", &given.code);
            let expression = c.text("expression", &given.expression, 1..=SOURCE_CHARACTERS);
            let targets = targets(c, "targets", &given.targets);
            let Some(code) = code else { return };
            let twice = filters.iter().any(|known| known.code == code);
            c.require(!twice, "code", "DUPLICATE", "is named twice");
            filters.push(Filter {
                code,
                expression,
                targets,
            });
        });
    }
    filters
}

fn targets(c: &mut Check, field: &str, given: &[pb::RoutingTarget]) -> Vec<Target> {
    limit(c, field, given.len(), TARGETS);
    let mut targets = Vec::new();
    for (place, given) in given.iter().take(TARGETS).enumerate() {
        let target = c.within(format_args!("{field}[{place}]"), |c| target(c, given));
        targets.push(target);
    }
    targets
}

fn target(c: &mut Check, given: &pb::RoutingTarget) -> Target {
    let timeout = c.number("timeout_s", given.timeout_s, 0..=SECONDS_MAX);
    let timeout = u64::try_from(timeout).ok().filter(|seconds| *seconds > 0);
    Target {
        queue: c.id("queue_id", &given.queue_id),
        skills: skills(c, "required_skills", &given.required_skills, SKILLS_OF_WORK),
        raise_to: priority(c, "raise_priority_to", given.raise_priority_to),
        timeout: timeout.map(Duration::from_secs),
        skip_unstaffed: given.skip_unstaffed,
        relaxations: relaxations(c, &given.relaxations),
    }
}

fn relaxations(c: &mut Check, given: &[pb::RoutingRelaxation]) -> Vec<Relaxation> {
    let mut all: Vec<Relaxation> = Vec::new();
    limit(c, "relaxations", given.len(), SKILLS_OF_WORK);
    for (place, given) in given.iter().take(SKILLS_OF_WORK).enumerate() {
        c.within(format_args!("relaxations[{place}]"), |c| {
            let Some(relaxation) = relaxation(c, given) else {
                return;
            };
            let once = all.iter().all(|other| other.skill != relaxation.skill);
            c.require(once, "skill", "DUPLICATE", "is named twice");
            all.push(relaxation);
        });
    }
    all
}

fn relaxation(c: &mut Check, given: &pb::RoutingRelaxation) -> Option<Relaxation> {
    let mut span = |field: &str, seconds: i32| {
        let seconds = c.number(field, seconds, 0..=SECONDS_MAX);
        super::seconds(seconds)
    };
    let (after, every) = (
        span("after_s", given.after_s),
        span("every_s", given.every_s),
    );
    let most = i32::from(Level::MOST.number());
    let least = c.number("down_to_level", given.down_to_level, 0..=most);
    Some(Relaxation {
        skill: required_code(c, "skill", &given.skill)?,
        after,
        every,
        down_to: u8::try_from(least).ok().and_then(Level::of),
    })
}

pub(in crate::grpc) fn explain_routing(
    body: &pb::ExplainRoutingRequest,
) -> Result<AskedRouting, Failure> {
    let mut c = Check::new();
    let ticket = c.optional_id("ticket_id", &body.ticket_id);
    let policy = c.optional_id("routing_policy_id", &body.routing_policy_id);
    let facts = Facts {
        channel: channel(&mut c, "channel", body.channel),
        purpose: purpose(&mut c, "purpose", body.purpose),
        priority: priority(&mut c, "priority", body.priority),
        impact: impact(&mut c, body.impact),
        urgency: urgency(&mut c, body.urgency),
        category: optional_code(&mut c, "category", &body.category),
        subcategory: optional_code(&mut c, "subcategory", &body.subcategory),
        tags: codes(&mut c, "tags", &body.tags, TAGS),
        skills: skills(
            &mut c,
            "required_skills",
            &body.required_skills,
            SKILLS_OF_WORK,
        ),
        by_hand: body.by_hand,
        live: body.live,
        inbound: body.inbound,
        automatic: body.automatic,
        customer_known: body.customer_known,
        at: Micros::EPOCH,
    };
    let only_ticket = pb::ExplainRoutingRequest {
        ticket_id: body.ticket_id.clone(),
        ..Default::default()
    };
    let alone = ticket.is_none() || *body == only_ticket;
    c.require(
        alone,
        "ticket_id",
        "NOT_ALONE",
        "leaves no room for attributes: those of the ticket are known",
    );
    c.done(match ticket {
        Some(id) => AskedRouting::Ticket(id),
        None => AskedRouting::Facts(policy, Box::new(facts)),
    })
}
