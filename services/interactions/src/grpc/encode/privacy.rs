//! What becomes of personal data.

use rapport_foundation::etag;
use rapport_proto::interactions::v1 as pb;

use crate::app::{Exported, Piece};
use crate::domain::code::optional;
use crate::domain::numbers::Policy;
use crate::domain::retention::{LegalHold, Over, RetentionRule, RetentionRules};
use crate::domain::{Entry, SealedNumber, What};

pub(crate) fn privacy_policy(policy: Policy) -> pb::PrivacyPolicy {
    let numbers = policy.numbers;
    pb::PrivacyPolicy {
        cards: numbers.cards.into(),
        accounts: numbers.accounts.into(),
        identities: numbers.identities.into(),
        secrets: numbers.secrets.into(),
        keep_last_four: numbers.keep_last_four,
        etag: etag::of(policy.version),
    }
}

pub(crate) fn sealed_number(one: SealedNumber) -> pb::SealedNumber {
    pb::SealedNumber {
        token: one.token,
        kind: one.kind.into(),
        number: one.number.into_exposed(),
    }
}

pub(crate) fn exported(exported: Exported) -> pb::ExportCustomerResponse {
    let mut answer = pb::ExportCustomerResponse {
        cursor: exported.cursor,
        ..Default::default()
    };
    match exported.piece {
        Piece::Interaction(one) => answer.interaction = Some(super::interaction(*one)),
        Piece::Fact(one) => answer.fact = Some(super::fact(*one)),
        Piece::Conflict(one) => answer.conflict = Some(super::conflict(*one)),
        Piece::Conversation(one) => answer.conversation = Some(super::conversation(one)),
        Piece::Change(place, change) => {
            answer.change = Some(super::entry(Entry {
                place,
                what: What::Change(change),
            }));
        }
    }
    answer
}

pub(crate) fn retention_rules(rules: &RetentionRules) -> pb::RetentionRules {
    let rule = |rule: &RetentionRule| pb::RetentionRule {
        channel: optional(rule.channel),
        purpose: optional(rule.purpose),
        keep_days: i32::try_from(rule.keep_days).unwrap_or(i32::MAX),
    };
    pb::RetentionRules {
        rules: rules.rules.iter().map(rule).collect(),
        etag: etag::of(rules.version),
    }
}

pub(crate) fn hold(hold: LegalHold) -> pb::LegalHold {
    let mut told = pb::LegalHold {
        id: hold.id.to_string(),
        reason: hold.reason.into_exposed(),
        place_time: Some(hold.placed_at.into()),
        ..Default::default()
    };
    match hold.over {
        Over::Everything => told.everything = true,
        Over::Customer(customer) => told.customer_id = customer.to_string(),
        Over::Conversation(conversation) => told.conversation_id = conversation.to_string(),
    }
    if let Some((at, reason)) = hold.released {
        told.release_time = Some(at.into());
        told.release_reason = reason.into_exposed();
    }
    told
}
