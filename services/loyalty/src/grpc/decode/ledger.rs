//! Movements of points.

use rapport_foundation::check::Check;
use rapport_foundation::error::Failure;
use rapport_foundation::id::{HoldId, MemberId};
use rapport_foundation::money;
use rapport_proto::loyalty::v1 as pb;
use rapport_proto::types::v1 as types;
use uuid::Uuid;

use super::{LONGEST_HOLD_S, code, exponent, page, seconds, unit};
use crate::app::{Ask, Asked, Sum};
use crate::domain::{MOST_POINTS, OrderId, Points};

pub(in crate::grpc) fn hold_id(text: &str) -> Result<HoldId, Failure> {
    let mut c = Check::new();
    let id = c.id("hold_id", text);
    c.done(id)
}

pub(in crate::grpc) fn list_entries(
    request: &pb::ListEntriesRequest,
) -> Result<(MemberId, Asked), Failure> {
    let mut c = Check::new();
    let member = c.id("member_id", &request.member_id);
    let asked = page(&mut c, request.page_size, &request.page_token);
    c.done((member, asked))
}

/// What a mutation of the ledger says: its request id and what is asked.
pub(in crate::grpc) type Asking = (Uuid, Ask);

pub(in crate::grpc) fn earn(request: &pb::EarnPointsRequest) -> Result<Asking, Failure> {
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

pub(in crate::grpc) fn hold(request: &pb::HoldPointsRequest) -> Result<Asking, Failure> {
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

pub(in crate::grpc) fn capture(request: &pb::CaptureHoldRequest) -> Result<Asking, Failure> {
    let mut c = Check::new();
    let id = c.request_id(&request.request_id);
    let hold = c.id("hold_id", &request.hold_id);
    let sum = request
        .points
        .as_ref()
        .map(|points| sum(&mut c, "points", points));
    let seen = c.etag(&request.etag);
    c.done((id, Ask::Capture { hold, sum, seen }))
}

pub(in crate::grpc) fn void(request: &pb::VoidHoldRequest) -> Result<Asking, Failure> {
    let mut c = Check::new();
    let id = c.request_id(&request.request_id);
    let hold = c.id("hold_id", &request.hold_id);
    let seen = c.etag(&request.etag);
    c.done((id, Ask::Void { hold, seen }))
}

pub(in crate::grpc) fn reverse(request: &pb::ReverseEntryRequest) -> Result<Asking, Failure> {
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

fn reason(c: &mut Check, text: &str) -> Option<String> {
    (!text.is_empty()).then(|| code(c, "reason", text))
}
