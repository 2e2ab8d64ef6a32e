//! What other services are told of an entry.

use rapport_foundation::events::Outgoing;
use rapport_foundation::id::EventId;
use rapport_foundation::money::Amount;
use rapport_proto::events::v1 as pb;
use rapport_proto::events::v1::event::Data;
use rapport_proto::types::v1 as types;

use crate::domain::{EntryKind, Member, PointKind, Posted};

/// The event of an entry; every kind of entry has one.
pub(super) fn of_entry(
    posted: &Posted,
    member: &Member,
    kind: &PointKind,
    traceparent: Option<String>,
) -> Outgoing {
    Outgoing {
        id: EventId::new(posted.entry.at),
        aggregate: member.id.to_string(),
        at: posted.entry.at,
        traceparent,
        data: data(posted, member, kind),
    }
}

fn data(posted: &Posted, member: &Member, kind: &PointKind) -> Data {
    let line = &posted.entry;
    let entry = Some(pb::EntryFacts {
        entry_id: line.id.to_string(),
        member_id: member.id.to_string(),
        program_id: line.program.to_string(),
        customer: Some(customer(member)),
        points: Some(amount(&kind.amount(line.points))),
        available_after: Some(amount(&kind.amount(posted.spendable_after))),
    });
    let text = |id: Option<String>| id.unwrap_or_default();
    let hold_id = text(line.hold.map(|id| id.to_string()));
    match line.kind {
        EntryKind::Earn => Data::PointsEarned(pb::PointsEarned {
            entry,
            order_id: text(
                line.cause
                    .order_id
                    .as_ref()
                    .map(|order| order.as_str().to_owned()),
            ),
            interaction_id: text(line.cause.interaction.map(|id| id.to_string())),
        }),
        EntryKind::Hold => Data::PointsHeld(pb::PointsHeld { entry, hold_id }),
        EntryKind::Capture => Data::HoldCaptured(pb::HoldCaptured { entry, hold_id }),
        EntryKind::Void => Data::HoldVoided(pb::HoldVoided {
            entry,
            hold_id,
            lapsed: posted.lapsed,
        }),
        EntryKind::Reverse => Data::EntryReversed(pb::EntryReversed {
            entry,
            reversed_entry_id: text(line.reverses.map(|id| id.to_string())),
        }),
        EntryKind::Expire => Data::PointsExpired(pb::PointsExpired {
            entry,
            lot_id: text(line.allocations.first().map(|part| part.lot.to_string())),
        }),
        EntryKind::DebtPayment => Data::DebtPaid(pb::DebtPaid { entry }),
    }
}

/// That a customer joined a programme.
pub(super) fn enrolled(member: &Member) -> Data {
    Data::MemberEnrolled(pb::MemberEnrolled {
        member_id: member.id.to_string(),
        program_id: member.program.to_string(),
        customer: Some(customer(member)),
    })
}

fn customer(member: &Member) -> types::CustomerRef {
    types::CustomerRef {
        customer_id: member.customer.customer.to_string(),
        record_id: member.customer.record.to_string(),
    }
}

fn amount(amount: &Amount) -> types::Amount {
    types::Amount {
        units: amount.units,
        code: amount.code.clone(),
        exponent: i32::from(amount.exponent),
    }
}
