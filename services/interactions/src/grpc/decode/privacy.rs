//! What becomes of personal data.

use rapport_foundation::check::Check;
use rapport_foundation::error::Failure;
use rapport_foundation::id::InteractionId;
use rapport_proto::interactions::v1 as pb;

use crate::app::SetNumbers;
use crate::domain::{Numbers, Treatment};

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
