//! API keys: credentials of connectors and systems.

use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use rapport_foundation::id::{ApiKeyId, TenantId};
use rapport_foundation::time::Micros;

use super::identity::{API_KEYS, Identity};
use super::key_text::Hash;

/// The longest that a rotated secret is still accepted: an overlap is for a change of configuration, not for ever.
pub const LONGEST_OVERLAP: Duration = Duration::from_secs(7 * 24 * 3600);

/// What presents a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// The connector of this name.
    Connector(String),
    /// Another system of the tenant.
    System,
}

/// What a key lets its holder do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    /// Scopes, sorted.
    pub scopes: Vec<String>,
    /// Roles every tenant has, sorted.
    pub roles: Vec<String>,
}

/// A secret that was replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Former {
    /// Its hash.
    pub hash: Hash,
    /// Until when it is accepted.
    pub until: Micros,
}

/// A key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id, also the principal of its calls.
    pub id: ApiKeyId,
    /// Whose it is.
    pub tenant: TenantId,
    /// What it is for.
    pub display_name: String,
    /// How its text begins.
    pub prefix: String,
    /// The hash of its text.
    pub hash: Hash,
    /// The secret before the last rotation.
    pub former: Option<Former>,
    /// What presents it.
    pub holder: Holder,
    /// What it lets its holder do.
    pub rights: Rights,
    /// When it ends.
    pub expires: Option<Micros>,
    /// When it was revoked.
    pub revoked: Option<Micros>,
    /// When it was last used, as far as was written.
    pub last_used: Option<Micros>,
    /// Counts its changes, from 1.
    pub version: i64,
    /// When it was made.
    pub created: Micros,
    /// When it last changed.
    pub updated: Micros,
}

/// What an update sets; what is None stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// The new name.
    pub display_name: Option<String>,
    /// The new scopes.
    pub scopes: Option<Vec<String>>,
    /// The new roles.
    pub roles: Option<Vec<String>>,
    /// The new end; Some(None) takes it away.
    pub expires: Option<Option<Micros>>,
}

impl ApiKey {
    /// Who its holder is as a principal.
    pub fn identity(&self) -> Identity {
        Identity::new(API_KEYS, self.id.to_string())
    }

    /// Whether it may still be used by somebody.
    pub fn is_live(&self, now: Micros) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|end| now < end)
    }

    /// Until when a text with this hash is accepted; None when it is not. Takes the same time whatever differs.
    pub fn accepts(&self, hash: &Hash, now: Micros) -> Option<Micros> {
        let is = |known: &Hash| verify_slices_are_equal(known, hash).is_ok();
        let current = is(&self.hash);
        let former = self.former.as_ref().filter(|former| is(&former.hash));
        let end = match (current, former) {
            (true, _) => Micros::MAX,
            (false, Some(former)) => former.until,
            (false, None) => return None,
        };
        let end = end.min(self.expires.unwrap_or(Micros::MAX));
        (self.revoked.is_none() && now < end).then_some(end)
    }

    /// The key after a change.
    #[must_use]
    pub fn changed(mut self, change: Change, now: Micros) -> Self {
        self.display_name = change.display_name.unwrap_or(self.display_name);
        self.rights.scopes = change.scopes.unwrap_or(self.rights.scopes);
        self.rights.roles = change.roles.unwrap_or(self.rights.roles);
        self.expires = change.expires.unwrap_or(self.expires);
        self.touched(now)
    }

    /// The key with a new secret. The one before is accepted for the overlap; one before that no more.
    #[must_use]
    pub fn rotated(mut self, hash: Hash, overlap: Duration, now: Micros) -> Self {
        self.former = (!overlap.is_zero()).then(|| Former {
            hash: self.hash,
            until: now + overlap.min(LONGEST_OVERLAP),
        });
        self.hash = hash;
        self.touched(now)
    }

    /// The key, revoked. A moment that was noted stays.
    #[must_use]
    pub fn ended(mut self, now: Micros) -> Self {
        self.revoked = self.revoked.or(Some(now));
        self.former = None;
        self.touched(now)
    }

    fn touched(mut self, now: Micros) -> Self {
        self.version += 1;
        self.updated = now.max(self.updated);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> ApiKey {
        ApiKey {
            id: ApiKeyId::new(Micros(1)),
            tenant: TenantId::new(Micros(1)),
            display_name: "Shop".into(),
            prefix: "rpk_x".into(),
            hash: [1; 32],
            former: None,
            holder: Holder::System,
            rights: Rights::default(),
            expires: Some(Micros(1_000_000_000)),
            revoked: None,
            last_used: None,
            version: 1,
            created: Micros(1),
            updated: Micros(1),
        }
    }

    #[test]
    fn a_rotated_secret_is_accepted_for_the_overlap_and_one_before_it_no_more() {
        let overlap = Duration::from_micros(10);
        let once = key().rotated([2; 32], overlap, Micros(100));
        assert_eq!(
            once.accepts(&[2; 32], Micros(100)),
            Some(Micros(1_000_000_000))
        );
        assert_eq!(once.accepts(&[1; 32], Micros(109)), Some(Micros(110)));
        assert_eq!(once.accepts(&[1; 32], Micros(110)), None);
        let twice = once.rotated([3; 32], overlap, Micros(105));
        assert_eq!(twice.accepts(&[1; 32], Micros(105)), None);
        assert_eq!(twice.accepts(&[2; 32], Micros(105)), Some(Micros(115)));
        let at_once = twice.rotated([4; 32], Duration::ZERO, Micros(106));
        assert_eq!(at_once.accepts(&[3; 32], Micros(106)), None);
        let for_long = key().rotated([2; 32], Duration::MAX, Micros(0));
        assert_eq!(
            for_long.former.map(|former| former.until),
            Some(Micros(0) + LONGEST_OVERLAP)
        );
    }

    #[test]
    fn a_key_that_is_over_or_revoked_is_accepted_by_neither_secret() {
        let rotated = key().rotated([2; 32], LONGEST_OVERLAP, Micros(100));
        for hash in [[1; 32], [2; 32]] {
            assert!(rotated.accepts(&hash, Micros(999_999_999)).is_some());
            assert_eq!(rotated.accepts(&hash, Micros(1_000_000_000)), None);
            let ended = rotated.clone().ended(Micros(200));
            assert_eq!(ended.accepts(&hash, Micros(200)), None);
            assert_eq!(ended.ended(Micros(300)).revoked, Some(Micros(200)));
        }
        assert_eq!(rotated.accepts(&[9; 32], Micros(100)), None);
    }
}
