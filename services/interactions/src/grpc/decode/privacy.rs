//! What becomes of personal data.

use rapport_foundation::check::Check;
use rapport_foundation::error::Failure;
use rapport_foundation::id::{CustomerId, InteractionId};
use rapport_proto::interactions::v1 as pb;
use uuid::Uuid;

use super::page;
use crate::app::{Page, PlaceHold, ReleaseHold, SetNumbers, SetRetention};
use crate::domain::retention::{Over, RetentionRule};
use crate::domain::{Numbers, Treatment, limits};

/// Days that contacts are kept at most where it is not for ever: a hundred years.
const KEEP_DAYS: i32 = 36_500;
/// Characters of the reason of a hold at most.
const REASON: usize = 1000;

pub(crate) fn set_privacy_policy(
    request: &pb::SetPrivacyPolicyRequest,
) -> Result<SetNumbers, Failure> {
    let mut c = Check::new();
    let request_id = c.request_id(&request.request_id);
    let policy = c.message(
        "privacy_policy",
        request.privacy_policy.as_ref(),
        |c, policy| {
            let numbers = Numbers {
                cards: c.enumeration("cards", policy.cards),
                accounts: c.enumeration("accounts", policy.accounts),
                identities: c.enumeration("identities", policy.identities),
                secrets: c.enumeration("secrets", policy.secrets),
                keep_last_four: policy.keep_last_four,
            };
            Some((numbers, c.etag(&policy.etag)))
        },
    );
    let (numbers, expected) = policy.unwrap_or((Numbers::all(Treatment::Mask, false), None));
    c.done(SetNumbers {
        request_id,
        numbers,
        expected,
    })
}

pub(crate) fn reveal_numbers(request: &pb::RevealNumbersRequest) -> Result<InteractionId, Failure> {
    let mut c = Check::new();
    let id = c.id("interaction_id", &request.interaction_id);
    c.done(id)
}

pub(crate) fn erase_customer(
    request: &pb::EraseCustomerRequest,
) -> Result<(Uuid, CustomerId), Failure> {
    let mut c = Check::new();
    let request_id = c.request_id(&request.request_id);
    let customer = c.id("customer_id", &request.customer_id);
    c.done((request_id, customer))
}

pub(crate) fn export_customer(request: &pb::ExportCustomerRequest) -> Result<CustomerId, Failure> {
    let mut c = Check::new();
    let customer = c.id("customer_id", &request.customer_id);
    c.done(customer)
}

pub(crate) fn set_retention_rules(
    request: &pb::SetRetentionRulesRequest,
) -> Result<SetRetention, Failure> {
    let mut c = Check::new();
    let request_id = c.request_id(&request.request_id);
    let rules = request.retention_rules.as_ref();
    let (rules, expected) = c.message("retention_rules", rules, |c, rules| {
        let count = rules.rules.len();
        c.require(
            count <= limits::RULES,
            "rules",
            "TOO_MANY",
            "holds more than 200 rules",
        );
        let list = rules.rules.iter().take(limits::RULES).enumerate();
        let list: Vec<RetentionRule> = list
            .map(|(n, rule)| c.within(format!("rules[{n}]"), |c| retention_rule(c, rule)))
            .collect();
        (list, c.etag(&rules.etag))
    });
    c.done(SetRetention {
        request_id,
        rules,
        expected,
    })
}

fn retention_rule(c: &mut Check, rule: &pb::RetentionRule) -> RetentionRule {
    let days = c.number("keep_days", rule.keep_days, 0..=KEEP_DAYS);
    RetentionRule {
        channel: c.optional_enumeration("channel", rule.channel),
        purpose: c.optional_enumeration("purpose", rule.purpose),
        keep_days: u32::try_from(days).unwrap_or(0),
    }
}

pub(crate) fn place_hold(request: &pb::PlaceLegalHoldRequest) -> Result<PlaceHold, Failure> {
    let mut c = Check::new();
    let request_id = c.request_id(&request.request_id);
    let customer = c.optional_id("customer_id", &request.customer_id);
    let conversation = c.optional_id("conversation_id", &request.conversation_id);
    let over = match (customer, conversation, request.everything) {
        (Some(customer), None, false) => Over::Customer(customer),
        (None, Some(conversation), false) => Over::Conversation(conversation),
        (None, None, true) => Over::Everything,
        _ => {
            if !c.failed() {
                c.fail(
                    "customer_id",
                    "NOT_ONE",
                    "exactly one of customer_id, conversation_id and everything is required",
                );
            }
            Over::Everything
        }
    };
    let reason = c.text("reason", &request.reason, 1..=REASON).into();
    c.done(PlaceHold {
        request_id,
        over,
        reason,
    })
}

pub(crate) fn release_hold(request: &pb::ReleaseLegalHoldRequest) -> Result<ReleaseHold, Failure> {
    let mut c = Check::new();
    let request_id = c.request_id(&request.request_id);
    let id = c.id("legal_hold_id", &request.legal_hold_id);
    let reason = c.text("reason", &request.reason, 1..=REASON).into();
    c.done(ReleaseHold {
        request_id,
        id,
        reason,
    })
}

pub(crate) fn list_holds(request: &pb::ListLegalHoldsRequest) -> Result<(bool, Page), Failure> {
    let mut c = Check::new();
    let page = page(&mut c, request.page_size, &request.page_token);
    c.done((request.standing, page))
}
