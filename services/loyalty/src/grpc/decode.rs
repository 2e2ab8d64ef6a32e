//! Requests into commands; every violation of a request is told at once.

use std::time::Duration;

use rapport_foundation::check::Check;
use rapport_foundation::context::Context;
use rapport_foundation::error::Failure;
use rapport_foundation::id::{HoldId, MemberId, ProgramId};
use rapport_foundation::idempotency;
use rapport_foundation::money;
use rapport_proto::loyalty::v1 as pb;
use rapport_proto::types::v1 as types;
use uuid::Uuid;

use crate::app::{Ask, Asked, Enrol, NewProgram, Sum};
use crate::domain::{CustomerRef, EarnRule, MOST_POINTS, OrderId, PointKind, Points, Terms};
use crate::store::members::Filter;

const DAY: Duration = Duration::from_secs(86_400);
/// A hold stands at most so long.
const LONGEST_HOLD_S: i64 = 2_592_000;
/// A hold of a programme that says nothing.
const USUAL_HOLD_S: i64 = 900;
/// Points wait at most so long.
const LONGEST_DELAY_S: i64 = 366 * 86_400;
const LONGEST_VALIDITY_DAYS: i32 = 36_500;
/// Results of a listing: when nothing is said, and at most.
const PAGE: (u32, u32) = (50, 1000);

pub(super) fn create_program(
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

pub(super) fn program_id(text: &str) -> Result<ProgramId, Failure> {
    let mut c = Check::new();
    let id = c.id("program_id", text);
    c.done(id)
}

pub(super) fn member_id(text: &str) -> Result<MemberId, Failure> {
    let mut c = Check::new();
    let id = c.id("member_id", text);
    c.done(id)
}

pub(super) fn hold_id(text: &str) -> Result<HoldId, Failure> {
    let mut c = Check::new();
    let id = c.id("hold_id", text);
    c.done(id)
}

pub(super) fn enrol(
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

pub(super) fn list_programs(request: &pb::ListProgramsRequest) -> Result<Asked, Failure> {
    let mut c = Check::new();
    let asked = page(&mut c, request.page_size, &request.page_token);
    c.done(asked)
}

pub(super) fn list_members(request: &pb::ListMembersRequest) -> Result<(Filter, Asked), Failure> {
    let mut c = Check::new();
    let filter = Filter {
        program: c.optional_id("program_id", &request.program_id),
        customer: c.optional_id("customer_id", &request.customer_id),
    };
    let asked = page(&mut c, request.page_size, &request.page_token);
    c.done((filter, asked))
}

pub(super) fn list_entries(request: &pb::ListEntriesRequest) -> Result<(MemberId, Asked), Failure> {
    let mut c = Check::new();
    let member = c.id("member_id", &request.member_id);
    let asked = page(&mut c, request.page_size, &request.page_token);
    c.done((member, asked))
}

fn page(c: &mut Check, size: i32, token: &str) -> Asked {
    Asked {
        size: c.page_size(size, PAGE.0, PAGE.1),
        token: token.to_owned(),
    }
}

/// What a mutation of the ledger says: its request id and what is asked.
pub(super) type Asking = (Uuid, Ask);

pub(super) fn earn(request: &pb::EarnPointsRequest) -> Result<Asking, Failure> {
    let mut c = Check::new();
    let id = c.request_id(&request.request_id);
    let member = c.id("member_id", &request.member_id);
    let reason = reason(&mut c, &request.reason);
    let ask = match (&request.points, &request.order) {
        (Some(points), None) => Ask::Earn {
            member,
            sum: sum(&mut c, "points", points),
            reason,
        },
        (None, Some(order)) => {
            let order = c.within("order", |c| purchase(c, order));
            order
                .map(|(order, total)| Ask::EarnByOrder {
                    member,
                    order,
                    total,
                    interaction: None,
                    reason,
                })
                .unwrap_or(Ask::Settle { member })
        }
        (None, None) => {
            c.fail("points", "REQUIRED", "either points or order is required");
            Ask::Settle { member }
        }
        (Some(_), Some(_)) => {
            c.fail(
                "points",
                "EXACTLY_ONE",
                "points and order exclude each other",
            );
            Ask::Settle { member }
        }
    };
    c.done((id, ask))
}

/// The order to earn by; `None` when it is violated.
fn purchase(c: &mut Check, order: &types::Order) -> Option<(OrderId, money::Amount)> {
    let id = order_id(c, &order.order_id);
    let Some(total) = &order.total else {
        c.fail("total", "REQUIRED", "is required");
        return None;
    };
    let total = c.within("total", |c| {
        let units = c.number("units", total.units, 0..=i64::MAX);
        let code = unit(c, "code", &total.code);
        money::Amount::new(units, code, exponent(c, "exponent", total.exponent))
    });
    id.map(|id| (id, total))
}

fn order_id(c: &mut Check, text: &str) -> Option<OrderId> {
    let text = c.text("order_id", text, 1..=128);
    if text.is_empty() {
        return None;
    }
    let id = OrderId::new(&text);
    c.require(
        id.is_some(),
        "order_id",
        "CONTROL_CHARACTER",
        "holds a control character",
    );
    id
}

pub(super) fn hold(request: &pb::HoldPointsRequest) -> Result<Asking, Failure> {
    let mut c = Check::new();
    let id = c.request_id(&request.request_id);
    let member = c.id("member_id", &request.member_id);
    let sum = required_sum(&mut c, "points", request.points.as_ref());
    let order = if request.order_id.is_empty() {
        None
    } else {
        order_id(&mut c, &request.order_id)
    };
    let timeout = c.number("timeout_s", request.timeout_s, 0..=LONGEST_HOLD_S);
    let timeout = (timeout > 0).then(|| seconds(timeout));
    c.done((
        id,
        Ask::Hold {
            member,
            sum,
            order,
            timeout,
        },
    ))
}

pub(super) fn capture(request: &pb::CaptureHoldRequest) -> Result<Asking, Failure> {
    let mut c = Check::new();
    let id = c.request_id(&request.request_id);
    let hold = c.id("hold_id", &request.hold_id);
    let sum = request
        .points
        .as_ref()
        .map(|points| sum(&mut c, "points", points));
    c.done((
        id,
        Ask::Capture {
            hold,
            sum,
            seen: seen(&request.etag),
        },
    ))
}

pub(super) fn void(request: &pb::VoidHoldRequest) -> Result<Asking, Failure> {
    let mut c = Check::new();
    let id = c.request_id(&request.request_id);
    let hold = c.id("hold_id", &request.hold_id);
    c.done((
        id,
        Ask::Void {
            hold,
            seen: seen(&request.etag),
        },
    ))
}

pub(super) fn reverse(request: &pb::ReverseEntryRequest) -> Result<Asking, Failure> {
    let mut c = Check::new();
    let id = c.request_id(&request.request_id);
    let entry = c.id("entry_id", &request.entry_id);
    let sum = request
        .points
        .as_ref()
        .map(|points| sum(&mut c, "points", points));
    let reason = reason(&mut c, &request.reason);
    c.done((id, Ask::Reverse { entry, sum, reason }))
}

fn required_sum(c: &mut Check, field: &str, amount: Option<&types::Amount>) -> Sum {
    let empty = types::Amount {
        units: 1,
        ..types::Amount::default()
    };
    match amount {
        Some(amount) => sum(c, field, amount),
        None => {
            c.fail(field, "REQUIRED", "is required");
            sum(&mut Check::new(), field, &empty)
        }
    }
}

fn sum(c: &mut Check, field: &str, amount: &types::Amount) -> Sum {
    c.within(field, |c| {
        c.number("units", amount.units, 1..=MOST_POINTS);
        Sum {
            points: Points::new(amount.units).unwrap_or(Points::ONE),
            code: unit(c, "code", &amount.code),
            exponent: exponent(c, "exponent", amount.exponent),
        }
    })
}

/// The version in an etag. What is not one of ours fits no version.
fn seen(etag: &str) -> Option<i64> {
    (!etag.is_empty()).then(|| etag.trim_matches('"').parse().unwrap_or(-1))
}

fn reason(c: &mut Check, text: &str) -> Option<String> {
    (!text.is_empty()).then(|| code(c, "reason", text))
}

fn code(c: &mut Check, field: &str, text: &str) -> String {
    let text = c.text(field, text, 1..=64);
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    c.require(
        text.chars().all(fits),
        field,
        "MALFORMED_CODE",
        "is not of [a-z0-9._-]",
    );
    text
}

/// The code of a currency or of points.
fn unit(c: &mut Check, field: &str, text: &str) -> String {
    let text = c.text(field, text, 2..=12);
    let fits = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    c.require(
        text.chars().all(fits),
        field,
        "MALFORMED_CODE",
        "is not of A-Z, 0-9",
    );
    text
}

fn exponent(c: &mut Check, field: &str, exponent: i32) -> i16 {
    i16::try_from(c.number(field, exponent, 0..=6)).unwrap_or(0)
}

fn seconds(seconds: i64) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}
