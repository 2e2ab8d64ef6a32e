//! What a tenant says of its principals beside their credentials.

use std::collections::{BTreeSet, HashMap};

use super::identity::Identity;
use super::revocation::Revocations;

/// Scopes given by roles, and what was revoked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    given: HashMap<Identity, BTreeSet<String>>,
    /// What is believed no more.
    pub revocations: Revocations,
}

impl Access {
    /// From what each binding gives, and the revocations.
    pub fn new(
        bindings: impl IntoIterator<Item = (Identity, Vec<String>)>,
        revocations: Revocations,
    ) -> Self {
        let mut given: HashMap<Identity, BTreeSet<String>> = HashMap::new();
        for (identity, scopes) in bindings {
            given.entry(identity).or_default().extend(scopes);
        }
        Access { given, revocations }
    }

    /// The scopes a principal has by its roles; None when it is given nothing.
    pub fn given(&self, identity: &Identity) -> Option<&BTreeSet<String>> {
        self.given.get(identity)
    }
}
