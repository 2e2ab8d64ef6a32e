//! What becomes of personal data.

use rapport_foundation::etag;
use rapport_proto::interactions::v1 as pb;

use crate::domain::SealedNumber;
use crate::domain::numbers::Policy;

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
