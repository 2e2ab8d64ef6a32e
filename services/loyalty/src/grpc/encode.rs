//! What was done into responses.

use rapport_foundation::etag;
use rapport_foundation::money::Amount;
use rapport_proto::loyalty::v1 as pb;
use rapport_proto::types::v1 as types;

use crate::app::Done;
use crate::domain::{
    Allocation, Balance, Entry, EntryKind, Hold, HoldState, Member, PointKind, Postings, Program,
};

const DAY_S: u64 = 86_400;

pub(super) fn program(program: Program) -> pb::Program {
    let days = program
        .terms
        .validity
        .map_or(0, |validity| validity.as_secs() / DAY_S);
    pb::Program {
        id: program.id.to_string(),
        code: program.code,
        display_name: program.display_name,
        point_code: program.points.code,
        point_exponent: i32::from(program.points.exponent),
        earn_rule: Some(pb::EarnRule {
            currency_code: program.rule.currency_code,
            currency_exponent: i32::from(program.rule.currency_exponent),
            points: program.rule.points,
            per: program.rule.per,
            minimum_total: program.rule.minimum_total,
        }),
        validity_days: i32::try_from(days).unwrap_or(i32::MAX),
        activation_delay_s: whole_seconds(program.terms.activation_delay),
        hold_timeout_s: whole_seconds(program.hold_timeout),
        auto_enrol: program.auto_enrol,
        create_time: Some(program.created_at.into()),
        update_time: Some(program.updated_at.into()),
        etag: etag::of(program.version),
    }
}

pub(super) fn member(member: &Member) -> pb::Member {
    pb::Member {
        id: member.id.to_string(),
        program_id: member.program.to_string(),
        customer: Some(types::CustomerRef {
            customer_id: member.customer.customer.to_string(),
            record_id: member.customer.record.to_string(),
        }),
        enrol_time: Some(member.enrolled_at.into()),
        etag: etag::of(member.version),
    }
}

/// Entry, hold and balance of a change; the entry is absent when nothing moved.
pub(super) fn done(done: &Done) -> (Option<pb::Entry>, Option<pb::Hold>, pb::Balance) {
    let kind = &done.kind;
    (
        done.entry.as_ref().map(|line| entry(line, kind)),
        done.hold.as_ref().map(|held| hold(held, kind)),
        balance(&done.member.to_string(), &done.balance, kind),
    )
}

pub(super) fn entry(entry: &Entry, kind: &PointKind) -> pb::Entry {
    let cause = &entry.cause;
    pb::Entry {
        id: entry.id.to_string(),
        member_id: entry.member.to_string(),
        r#type: entry_type(entry.kind).into(),
        points: points(entry.points, kind),
        postings: postings(&entry.postings, kind),
        allocations: entry
            .allocations
            .iter()
            .map(|part| allocation(part, kind))
            .collect(),
        available_after: points(entry.available_after, kind),
        held_after: points(entry.held_after, kind),
        sequence: entry.sequence,
        hold_id: entry.hold.map(|id| id.to_string()).unwrap_or_default(),
        reversed_entry_id: entry.reverses.map(|id| id.to_string()).unwrap_or_default(),
        order_id: cause
            .order_id
            .as_ref()
            .map(|id| id.as_str().to_owned())
            .unwrap_or_default(),
        interaction_id: cause
            .interaction
            .map(|id| id.to_string())
            .unwrap_or_default(),
        reason: cause.reason.clone().unwrap_or_default(),
        create_time: Some(entry.at.into()),
    }
}

fn postings(postings: &Postings, kind: &PointKind) -> Vec<pb::Posting> {
    let accounts = [
        pb::Account::MemberAvailable,
        pb::Account::MemberHeld,
        pb::Account::MemberDebt,
        pb::Account::ProgramIssuance,
        pb::Account::ProgramRedeemed,
        pb::Account::ProgramExpired,
    ];
    accounts
        .into_iter()
        .zip(postings.amounts())
        .filter(|(_, units)| *units != 0)
        .map(|(account, units)| pb::Posting {
            account: account.into(),
            amount: points(units, kind),
        })
        .collect()
}

fn allocation(part: &Allocation, kind: &PointKind) -> pb::LotAllocation {
    pb::LotAllocation {
        lot_id: part.lot.to_string(),
        amount: points(part.signed(), kind),
        expire_time: part.expires_at.map(Into::into),
    }
}

pub(super) fn hold(hold: &Hold, kind: &PointKind) -> pb::Hold {
    let state = match hold.state {
        HoldState::Open => pb::HoldState::Open,
        HoldState::Captured => pb::HoldState::Captured,
        HoldState::Voided => pb::HoldState::Voided,
        HoldState::Lapsed => pb::HoldState::Lapsed,
    };
    pb::Hold {
        id: hold.id.to_string(),
        member_id: hold.member.to_string(),
        points: points(hold.amount, kind),
        captured: points(hold.captured, kind),
        voided: points(hold.voided, kind),
        state: state.into(),
        expire_time: Some(hold.expires_at.into()),
        create_time: Some(hold.created_at.into()),
        order_id: hold
            .order_id
            .as_ref()
            .map(|id| id.as_str().to_owned())
            .unwrap_or_default(),
        etag: etag::of(hold.version),
        expired: points(hold.expired, kind),
    }
}

pub(super) fn balance(member_id: &str, balance: &Balance, kind: &PointKind) -> pb::Balance {
    pb::Balance {
        member_id: member_id.to_owned(),
        available: points(balance.available, kind),
        held: points(balance.held, kind),
        pending: points(balance.pending, kind),
        debt: points(balance.debt, kind),
        next_expiring: balance
            .next_expiring
            .and_then(|(units, _)| points(units, kind)),
        next_expire_time: balance.next_expiring.map(|(_, at)| at.into()),
        as_of_time: Some(balance.as_of.into()),
    }
}

const fn entry_type(kind: EntryKind) -> pb::EntryType {
    match kind {
        EntryKind::Earn => pb::EntryType::Earn,
        EntryKind::Hold => pb::EntryType::Hold,
        EntryKind::Capture => pb::EntryType::Capture,
        EntryKind::Void => pb::EntryType::Void,
        EntryKind::Expire => pb::EntryType::Expire,
        EntryKind::Reverse => pb::EntryType::Reverse,
        EntryKind::DebtPayment => pb::EntryType::DebtPayment,
    }
}

fn points(units: i64, kind: &PointKind) -> Option<types::Amount> {
    let Amount {
        units,
        code,
        exponent,
    } = kind.amount(units);
    Some(types::Amount {
        units,
        code,
        exponent: i32::from(exponent),
    })
}

fn whole_seconds(span: std::time::Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}
