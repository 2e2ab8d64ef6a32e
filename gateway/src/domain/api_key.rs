//! API keys: credentials of connectors and systems.

use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use rapport_foundation::id::{ApiKeyId, TenantId};
use rapport_foundation::time::Micros;

use super::identity::{API_KEYS, Identity};
use super::key_text::Hash;

/// The longest that a rotated secret is still accepted: an overlap is for a change of configuration, not for ever.
pub const LONGEST_OVERLAP: Duration = Duration::from_secs(7 * 24 * 3600);

/// Why a key cannot end when it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndFault {
    /// It would be over already.
    Past,
    /// It would be good for longer than keys are here.
    TooFar(Duration),
}

/// When a key ends: as wanted, or as late as it may when nobody says. Without a `longest` a key may be for ever.
///
/// # Errors
/// When the end is over, or too far ahead.
pub fn end(
    wanted: Option<Micros>,
    longest: Option<Duration>,
    now: Micros,
) -> Result<Option<Micros>, EndFault> {
    match (wanted, longest) {
        (Some(end), _) if end <= now => Err(EndFault::Past),
        (Some(end), Some(longest)) if end > now + longest => Err(EndFault::TooFar(longest)),
        (Some(end), _) => Ok(Some(end)),
        (None, longest) => Ok(longest.map(|longest| now + longest)),
    }
}

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
    /// The new end; Some(None) for as late as it may be.
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

    /// The key with a new secret. The one before is accepted for the overlap; one before that no more. Its end stays, unless
    /// keys are no longer good for as long.
    #[must_use]
    pub fn rotated(
        mut self,
        hash: Hash,
        overlap: Duration,
        longest: Option<Duration>,
        now: Micros,
    ) -> Self {
        if let Some(longest) = longest {
            let last = now + longest;
            self.expires = Some(self.expires.map_or(last, |end| end.min(last)));
        }
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
        let once = key().rotated([2; 32], overlap, None, Micros(100));
        assert_eq!(
            once.accepts(&[2; 32], Micros(100)),
            Some(Micros(1_000_000_000))
        );
        assert_eq!(once.accepts(&[1; 32], Micros(109)), Some(Micros(110)));
        assert_eq!(once.accepts(&[1; 32], Micros(110)), None);
        let twice = once.rotated([3; 32], overlap, None, Micros(105));
        assert_eq!(twice.accepts(&[1; 32], Micros(105)), None);
        assert_eq!(twice.accepts(&[2; 32], Micros(105)), Some(Micros(115)));
        let at_once = twice.rotated([4; 32], Duration::ZERO, None, Micros(106));
        assert_eq!(at_once.accepts(&[3; 32], Micros(106)), None);
        let for_long = key().rotated([2; 32], Duration::MAX, None, Micros(0));
        assert_eq!(
            for_long.former.map(|former| former.until),
            Some(Micros(0) + LONGEST_OVERLAP)
        );
    }

    #[test]
    fn a_key_that_is_over_or_revoked_is_accepted_by_neither_secret() {
        let rotated = key().rotated([2; 32], LONGEST_OVERLAP, None, Micros(100));
        for hash in [[1; 32], [2; 32]] {
            assert!(rotated.accepts(&hash, Micros(999_999_999)).is_some());
            assert_eq!(rotated.accepts(&hash, Micros(1_000_000_000)), None);
            let ended = rotated.clone().ended(Micros(200));
            assert_eq!(ended.accepts(&hash, Micros(200)), None);
            assert_eq!(ended.ended(Micros(300)).revoked, Some(Micros(200)));
        }
        assert_eq!(rotated.accepts(&[9; 32], Micros(100)), None);
    }

    #[test]
    fn a_key_ends_as_wanted_and_no_later_than_keys_do() {
        let (now, day) = (Micros(1_000), Duration::from_secs(86_400));
        let at = |wanted: i64, longest| end(Some(Micros(wanted)), longest, now);
        assert_eq!(at(1_000, None), Err(EndFault::Past));
        assert_eq!(at(1_001, Some(day)), Ok(Some(Micros(1_001))));
        let last = now + day;
        assert_eq!(at(last.0, Some(day)), Ok(Some(last)));
        assert_eq!(at(last.0 + 1, Some(day)), Err(EndFault::TooFar(day)));
        assert_eq!(at(last.0 + 1, None), Ok(Some(Micros(last.0 + 1))));
        assert_eq!(end(None, Some(day), now), Ok(Some(last)));
        assert_eq!(end(None, None, now), Ok(None));
    }

    #[test]
    fn what_was_for_ever_ends_once_it_is_rotated_where_keys_end() {
        let (now, day) = (Micros(1_000), Duration::from_secs(86_400));
        let for_ever = ApiKey {
            expires: None,
            ..key()
        };
        let rotated = |key: &ApiKey, longest| {
            let rotated = key.clone().rotated([2; 32], Duration::ZERO, longest, now);
            rotated.expires
        };
        assert_eq!(rotated(&for_ever, None), None);
        assert_eq!(rotated(&for_ever, Some(day)), Some(now + day));
        assert_eq!(rotated(&key(), Some(day)), key().expires, "sooner already");
    }
}
