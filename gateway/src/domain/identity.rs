//! Who a principal is, beyond doubt.

use std::sync::Arc;

/// The issuer of principals that are API keys.
pub const API_KEYS: &str = "rapport.api_keys";

/// The issuer of whoever works at the machine, straight on the database.
pub const CONSOLE: &str = "rapport.console";

/// What the issuers of certificates begin with; the trust domain follows.
pub const SPIFFE: &str = "spiffe://";

/// A principal and who vouches for it: two issuers may each know an `anna`. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity(Arc<(String, String)>);

impl Identity {
    /// A principal of an issuer.
    pub fn new(issuer: impl Into<String>, principal: impl Into<String>) -> Self {
        Identity(Arc::new((issuer.into(), principal.into())))
    }

    /// Who vouches for the principal.
    pub fn issuer(&self) -> &str {
        &self.0.0
    }

    /// The principal, unique with its issuer.
    pub fn principal(&self) -> &str {
        &self.0.1
    }
}
