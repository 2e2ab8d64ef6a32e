//! Credentials that are believed no more although they are not over.

use std::collections::HashMap;
use std::time::Duration;

use rapport_foundation::id::RevocationId;
use rapport_foundation::time::Micros;

use super::identity::Identity;

/// How far ahead a revocation may reach: as far as an issuer's clock may be fast.
pub const FARTHEST_AHEAD: Duration = Duration::from_secs(300);

/// What is revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// One token.
    Token {
        /// Its `iss`.
        issuer: String,
        /// Its `jti`.
        token_id: String,
    },
    /// Whatever one principal presents.
    Principal(Identity),
    /// Whatever anybody of the tenant presents.
    Tenant,
}

/// A revocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// Its id.
    pub id: RevocationId,
    /// What is revoked.
    pub target: Target,
    /// What was issued until this moment is.
    pub before: Micros,
    /// Why.
    pub reason: String,
    /// When it was made.
    pub created: Micros,
    /// When nothing it hits can be valid any more.
    pub expires: Micros,
}

/// The revocations of a tenant, to be asked by every credential.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revocations {
    tokens: HashMap<Identity, Micros>,
    principals: HashMap<Identity, Micros>,
    tenant: Option<Micros>,
}

impl FromIterator<Revocation> for Revocations {
    fn from_iter<I: IntoIterator<Item = Revocation>>(revocations: I) -> Self {
        let mut all = Revocations::default();
        let latest = |known: &mut Micros, at: Micros| *known = at.max(*known);
        for revocation in revocations {
            let before = revocation.before;
            match revocation.target {
                Target::Token { issuer, token_id } => {
                    let token = Identity::new(issuer, token_id);
                    latest(all.tokens.entry(token).or_insert(before), before);
                }
                Target::Principal(identity) => {
                    latest(all.principals.entry(identity).or_insert(before), before);
                }
                Target::Tenant => latest(all.tenant.get_or_insert(before), before),
            }
        }
        all
    }
}

impl Revocations {
    /// Whether a credential is revoked: of this principal, with this token id, issued at this moment.
    pub fn hit(&self, identity: &Identity, token_id: Option<&str>, issued: Micros) -> bool {
        let by = |before: Option<&Micros>| before.is_some_and(|before| issued <= *before);
        // Most tenants revoke no single token: then none need be named to be looked up.
        let token = token_id
            .filter(|_| !self.tokens.is_empty())
            .map(|token_id| Identity::new(identity.issuer(), token_id));
        by(self.tenant.as_ref())
            || by(self.principals.get(identity))
            || token.is_some_and(|token| self.tokens.contains_key(&token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revoked(target: Target, before: i64) -> Revocation {
        Revocation {
            id: RevocationId::nil(),
            target,
            before: Micros(before),
            reason: String::new(),
            created: Micros(0),
            expires: Micros::MAX,
        }
    }

    #[test]
    fn a_revocation_hits_its_target_until_its_moment_and_nobody_else() {
        let anna = Identity::new("idp", "anna");
        let of_another = Identity::new("other", "anna");
        let hit = |target: Target, who: &Identity, token, issued| {
            let all: Revocations = [revoked(target.clone(), 10), revoked(target, 5)]
                .into_iter()
                .collect();
            all.hit(who, token, Micros(issued))
        };
        let principal = || Target::Principal(anna.clone());
        assert!(hit(principal(), &anna, None, 10) && !hit(principal(), &anna, None, 11));
        assert!(!hit(principal(), &of_another, None, 10));
        assert!(
            hit(Target::Tenant, &of_another, None, 10) && !hit(Target::Tenant, &anna, None, 11)
        );
        let token = || Target::Token {
            issuer: "idp".into(),
            token_id: "t1".into(),
        };
        // A token id names one token, whenever it says it was issued.
        assert!(hit(token(), &anna, Some("t1"), 99));
        assert!(!hit(token(), &anna, Some("t2"), 1) && !hit(token(), &anna, None, 1));
        assert!(
            !hit(token(), &of_another, Some("t1"), 1),
            "of another issuer"
        );
    }
}
