//! What keeps attacks out, each with a name, so that a test can take one away and see the attack succeed.
//!
//! Nothing outside of tests can: without the feature `testing` a [`Protections`] has no state, [`Protections::on`] is
//! always true, and the compiler leaves the question out.

/// One check, or one limit, that an attack meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// One `authorization` header and no more.
    OneCredential,
    /// The bearer scheme and no other.
    Scheme,
    /// The longest token that is looked at.
    TokenLength,
    /// A header parameter that must be understood is not ignored.
    Critical,
    /// Access tokens only: no id, refresh or nested tokens.
    TokenKind,
    /// Each member of a JSON object is named once.
    DuplicateMember,
    /// Only configured issuers.
    Issuer,
    /// The key a token names, never another one.
    KeyId,
    /// The algorithm is the key's own, never the token's choice.
    AlgorithmPinned,
    /// The signature.
    Signature,
    /// Unknown key ids do not become a flood at the provider.
    KeySetFloor,
    /// What was verified under a key that is gone is forgotten.
    KeyRotation,
    /// Nobody has credentials checked without end that are not valid.
    Patience,
    /// Made for us.
    Audience,
    /// Not over, on every call.
    Expiry,
    /// A stream ends with its token.
    StreamExpiry,
    /// Begun, and not issued in the future.
    NotBefore,
    /// It is said when it was issued.
    IssueTime,
    /// Not valid for longer than is accepted.
    Lifetime,
    /// Somebody is named.
    Subject,
    /// A tenant is named.
    TenantClaim,
    /// The tenant exists and is not suspended.
    TenantActive,
    /// No token makes anybody a service of the suite.
    PrincipalKind,
    /// The scope of the method.
    Scope,
    /// Methods of a tenant want a tenant.
    TenantRequired,
    /// What only services may call does not exist for others.
    InternalMethods,
    /// What callers say about themselves goes no further.
    HeaderStripping,
    /// The largest message.
    MessageSize,
    /// Protocols of ours and no others.
    ContentType,
    /// POST, where it must be.
    Verb,
    /// Compressed bodies are not taken.
    Compression,
    /// Fields of JSON that the contract does not know are refused.
    UnknownFields,
    /// A field is said once, in the path, the query or the body.
    SaidTwice,
    /// Most fields in a query.
    QueryFields,
    /// Only named web pages.
    Origins,
    /// Deadlines end calls.
    Deadline,
    /// A caller cannot ask for more time than the class of the method has.
    DeadlineClass,
    /// A timeout that cannot be read is not ignored.
    TimeoutForm,
    /// The largest block of headers.
    HeaderSize,
    /// Most headers.
    HeaderCount,
    /// The longest path.
    PathLength,
    /// Most connections.
    Connections,
    /// Most connections of one client.
    ConnectionsPerClient,
    /// Most streams on one connection.
    Streams,
    /// The time for the handshake and the first byte.
    Handshake,
    /// Connections on which nothing is called end.
    Idle,
    /// Connections end at an age.
    Age,
    /// Readers who stop reading are left.
    SlowReader,
    /// Frames that carry nothing are counted.
    ControlFrames,
    /// The secret of an API key, not its prefix alone.
    KeySecret,
    /// API keys end, and so do the secrets that a rotation replaced.
    KeyExpiry,
    /// What is revoked is believed no more, nor on an open stream.
    Revocation,
    /// Nobody is let in on what is known too little of.
    Stale,
    /// A certificate names one principal and no more.
    OneSpiffeId,
    /// Certificates of our trust domain and of no other.
    TrustDomain,
    /// Nobody gives what they do not hold.
    Grant,
    /// What cannot be audited is not done.
    Auditable,
    /// How often a principal and its tenant may call.
    Rate,
    /// How much a principal and its tenant may have running.
    Concurrency,
    /// A part of the suite gets no more than it keeps up with.
    Overload,
    /// Streams that are opened only to be reset are counted.
    RapidReset,
}

/// Which protections there are: all of them.
#[cfg(not(any(test, feature = "testing")))]
#[derive(Debug, Clone, Copy, Default)]
pub struct Protections(());

#[cfg(not(any(test, feature = "testing")))]
impl Protections {
    #[expect(
        clippy::unused_self,
        reason = "with the feature `testing` there is something to look at"
    )]
    pub(crate) const fn on(self, _: Protection) -> bool {
        true
    }
}

/// Which protections there are: all but those that a test took away.
#[cfg(any(test, feature = "testing"))]
#[derive(Debug, Clone, Copy, Default)]
pub struct Protections(u128);

#[cfg(any(test, feature = "testing"))]
impl Protections {
    /// All but these.
    #[must_use]
    pub fn without(off: &[Protection]) -> Self {
        Self(off.iter().fold(0, |set, one| set | 1 << *one as u128))
    }

    pub(crate) const fn on(self, one: Protection) -> bool {
        self.0 & 1 << one as u128 == 0
    }
}

impl Protections {
    /// A limit, or as good as none.
    pub(crate) const fn limit(self, one: Protection, limit: u64, none: u64) -> u64 {
        if self.on(one) { limit } else { none }
    }
}

#[cfg(any(test, feature = "testing"))]
impl Protection {
    /// Every one of them.
    pub const ALL: [Self; Self::RapidReset as usize + 1] = {
        use Protection as P;
        [
            P::OneCredential,
            P::Scheme,
            P::TokenLength,
            P::Critical,
            P::TokenKind,
            P::DuplicateMember,
            P::Issuer,
            P::KeyId,
            P::AlgorithmPinned,
            P::Signature,
            P::KeySetFloor,
            P::KeyRotation,
            P::Patience,
            P::Audience,
            P::Expiry,
            P::StreamExpiry,
            P::NotBefore,
            P::IssueTime,
            P::Lifetime,
            P::Subject,
            P::TenantClaim,
            P::TenantActive,
            P::PrincipalKind,
            P::Scope,
            P::TenantRequired,
            P::InternalMethods,
            P::HeaderStripping,
            P::MessageSize,
            P::ContentType,
            P::Verb,
            P::Compression,
            P::UnknownFields,
            P::SaidTwice,
            P::QueryFields,
            P::Origins,
            P::Deadline,
            P::DeadlineClass,
            P::TimeoutForm,
            P::HeaderSize,
            P::HeaderCount,
            P::PathLength,
            P::Connections,
            P::ConnectionsPerClient,
            P::Streams,
            P::Handshake,
            P::Idle,
            P::Age,
            P::SlowReader,
            P::ControlFrames,
            P::KeySecret,
            P::KeyExpiry,
            P::Revocation,
            P::Stale,
            P::OneSpiffeId,
            P::TrustDomain,
            P::Grant,
            P::Auditable,
            P::Rate,
            P::Concurrency,
            P::Overload,
            P::RapidReset,
        ]
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protection_is_taken_away_alone() {
        for off in Protection::ALL {
            let protections = Protections::without(&[off]);
            for one in Protection::ALL {
                assert_eq!(protections.on(one), one != off, "{one:?} without {off:?}");
            }
        }
        assert!(
            Protection::ALL
                .iter()
                .all(|one| Protections::default().on(*one))
        );
    }
}
