//! Why a credential is not believed. For the log only.

use std::time::Duration;

/// The first check that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// No credential, or more than one.
    #[error("no single credential")]
    NoCredential,
    /// Its client has presented so many that were not believed that this one is not looked at, for so long.
    #[error("its client has presented too many that are not valid")]
    TooMany(Duration),
    /// Good as far as is known, and that is too old to rely on.
    #[error("what is known of tenants is stale")]
    Stale,
    /// Not the bearer scheme.
    #[error("not a bearer token")]
    NotBearer,
    /// Longer than any honest token.
    #[error("too long")]
    TooLong,
    /// Not three parts of base64url JSON, or a member named twice.
    #[error("malformed")]
    Malformed,
    /// A header parameter that must be understood and is not.
    #[error("critical header parameter")]
    Critical,
    /// Another kind of token: an id token, a refresh token, a token inside a token.
    #[error("not an access token")]
    NotAccessToken,
    /// Nobody we trust.
    #[error("unknown issuer")]
    IssuerUnknown,
    /// The issuer has no such key, or nobody has such an API key.
    #[error("unknown key")]
    KeyUnknown,
    /// The header names another algorithm than the key's own.
    #[error("algorithm is not the key's")]
    AlgorithmForeign,
    /// The signature does not fit.
    #[error("bad signature")]
    SignatureBad,
    /// Made for somebody else.
    #[error("wrong audience")]
    AudienceForeign,
    /// Over.
    #[error("expired")]
    Expired,
    /// Not valid yet, or issued in the future.
    #[error("not valid yet")]
    TooEarly,
    /// Valid for longer than is accepted.
    #[error("lifetime too long")]
    TooLongLived,
    /// A claim that is missing or not of its form.
    #[error("claim `{0}` is missing or malformed")]
    Claim(&'static str),
    /// An API key that is revoked, over, or another secret's.
    #[error("API key is over")]
    KeyOver,
    /// Revoked by its tenant.
    #[error("revoked")]
    Revoked,
    /// A certificate that names no principal of ours.
    #[error("certificate: {0}")]
    Certificate(&'static str),
    /// A tenant for which the issuer does not speak.
    #[error("the issuer does not speak for the tenant")]
    TenantForeign,
    /// No such tenant, or suspended.
    #[error("tenant unknown or suspended")]
    TenantUnknown,
}
