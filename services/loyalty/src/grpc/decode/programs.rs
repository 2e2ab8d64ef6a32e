//! Programmes and members.

use std::time::Duration;

use rapport_foundation::check::Check;
use rapport_foundation::context::Context;
use rapport_foundation::error::Failure;
use rapport_foundation::id::ProgramId;
use rapport_foundation::idempotency;
use rapport_proto::loyalty::v1 as pb;
use rapport_proto::types::v1 as types;

use super::{LONGEST_HOLD_S, code, exponent, page, seconds, unit};
use crate::app::{Asked, Enrol, NewProgram};
use crate::domain::{CustomerRef, EarnRule, PointKind, Terms};
use crate::store::members::Filter;

const DAY: Duration = Duration::from_secs(86_400);
/// A hold of a programme that says nothing.
const USUAL_HOLD_S: i64 = 900;
/// Points wait at most so long.
const LONGEST_DELAY_S: i64 = 366 * 86_400;
const LONGEST_VALIDITY_DAYS: i32 = 36_500;

pub(in crate::grpc) fn create_program(
    ctx: &Context,
    request: &pb::CreateProgramRequest,
) -> Result<(NewProgram, idempotency::Key), Failure> {
    let mut c = Check::new();
    let id = c.request_id(&request.request_id);
    let empty = pb::Program::default();
    c.require(
        request.program.is_some(),
        "program",
        "REQUIRED",
        "is required",
    );
    let program = request.program.as_ref().unwrap_or(&empty);
    let new = c.within("program", |c| new_program(c, program));
    let method = "rapport.loyalty.v1.ProgramService/CreateProgram";
    c.done((new, idempotency::Key::new(ctx, method, id, request)))
}

fn new_program(c: &mut Check, program: &pb::Program) -> NewProgram {
    for (field, is_set) in [
        ("id", !program.id.is_empty()),
        ("create_time", program.create_time.is_some()),
        ("update_time", program.update_time.is_some()),
        ("etag", !program.etag.is_empty()),
    ] {
        c.require(!is_set, field, "OUTPUT_ONLY", "is set by the service");
    }
    let empty = pb::EarnRule::default();
    c.require(
        program.earn_rule.is_some(),
        "earn_rule",
        "REQUIRED",
        "is required",
    );
    let rule = program.earn_rule.as_ref().unwrap_or(&empty);
    let delay = c.number(
        "activation_delay_s",
        program.activation_delay_s,
        0..=LONGEST_DELAY_S,
    );
    let days = c.number(
        "validity_days",
        program.validity_days,
        0..=LONGEST_VALIDITY_DAYS,
    );
    let hold = c.number("hold_timeout_s", program.hold_timeout_s, 0..=LONGEST_HOLD_S);
    NewProgram {
        code: code(c, "code", &program.code),
        display_name: c.text("display_name", &program.display_name, 1..=200),
        points: PointKind {
            code: unit(c, "point_code", &program.point_code),
            exponent: exponent(c, "point_exponent", program.point_exponent),
        },
        rule: c.within("earn_rule", |c| earn_rule(c, rule)),
        terms: Terms {
            activation_delay: seconds(delay),
            validity: u32::try_from(days)
                .ok()
                .filter(|days| *days > 0)
                .map(|days| DAY * days),
        },
        hold_timeout: seconds(if hold == 0 { USUAL_HOLD_S } else { hold }),
        auto_enrol: program.auto_enrol,
    }
}

fn earn_rule(c: &mut Check, rule: &pb::EarnRule) -> EarnRule {
    EarnRule {
        currency_code: unit(c, "currency_code", &rule.currency_code),
        currency_exponent: exponent(c, "currency_exponent", rule.currency_exponent),
        points: c.number("points", rule.points, 1..=i64::MAX),
        per: c.number("per", rule.per, 1..=i64::MAX),
        minimum_total: c.number("minimum_total", rule.minimum_total, 0..=i64::MAX),
    }
}

pub(in crate::grpc) fn program_id(text: &str) -> Result<ProgramId, Failure> {
    let mut c = Check::new();
    let id = c.id("program_id", text);
    c.done(id)
}

pub(in crate::grpc) fn enrol(
    ctx: &Context,
    request: &pb::EnrolMemberRequest,
) -> Result<(Enrol, idempotency::Key), Failure> {
    let mut c = Check::new();
    let id = c.request_id(&request.request_id);
    let empty = types::CustomerRef::default();
    c.require(
        request.customer.is_some(),
        "customer",
        "REQUIRED",
        "is required",
    );
    let customer = request.customer.as_ref().unwrap_or(&empty);
    let new = Enrol {
        program: c.id("program_id", &request.program_id),
        customer: c.within("customer", |c| CustomerRef {
            customer: c.id("customer_id", &customer.customer_id),
            record: c.id("record_id", &customer.record_id),
        }),
    };
    let method = "rapport.loyalty.v1.ProgramService/EnrolMember";
    c.done((new, idempotency::Key::new(ctx, method, id, request)))
}

pub(in crate::grpc) fn list_programs(request: &pb::ListProgramsRequest) -> Result<Asked, Failure> {
    let mut c = Check::new();
    let asked = page(&mut c, request.page_size, &request.page_token);
    c.done(asked)
}

pub(in crate::grpc) fn list_members(
    request: &pb::ListMembersRequest,
) -> Result<(Filter, Asked), Failure> {
    let mut c = Check::new();
    let filter = Filter {
        program: c.optional_id("program_id", &request.program_id),
        customer: c.optional_id("customer_id", &request.customer_id),
    };
    let asked = page(&mut c, request.page_size, &request.page_token);
    c.done((filter, asked))
}
