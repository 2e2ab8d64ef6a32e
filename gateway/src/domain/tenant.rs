//! Tenants.

use std::fmt;

use rapport_foundation::id::TenantId;
use rapport_foundation::time::Micros;

use super::quota::Quota;

/// Whether a tenant's principals may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// They may.
    #[default]
    Active,
    /// They may not; the data is kept.
    Suspended,
}

/// An organisation that uses the installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its id, also the value of the tenant claim.
    pub id: TenantId,
    /// The name shown to operators.
    pub display_name: String,
    /// The zone its business time is computed in.
    pub time_zone: TimeZone,
    /// Whether its principals may call.
    pub state: State,
    /// What its principals may use together; None for the default of the installation.
    pub quota: Option<Quota>,
    /// Counts its changes, from 1.
    pub version: i64,
    /// When it was created.
    pub created: Micros,
    /// When it last changed.
    pub updated: Micros,
}

/// The name of a zone in the IANA database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeZone(chrono_tz::Tz);

impl TimeZone {
    /// The zone of that name, as in `Asia/Jakarta`.
    pub fn named(name: &str) -> Option<Self> {
        name.parse().ok().map(TimeZone)
    }

    /// The zone's name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }
}

impl Default for TimeZone {
    fn default() -> Self {
        TimeZone(chrono_tz::Tz::UTC)
    }
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What an update sets; what is None stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// The new name.
    pub display_name: Option<String>,
    /// The new zone.
    pub time_zone: Option<TimeZone>,
    /// The new state.
    pub state: Option<State>,
    /// The new quota; Some(None) is the default of the installation again.
    pub quota: Option<Option<Quota>>,
}

impl Tenant {
    /// An active tenant, new at this moment, in UTC.
    #[must_use]
    pub fn new(id: TenantId, display_name: impl Into<String>, now: Micros) -> Tenant {
        Tenant {
            id,
            display_name: display_name.into(),
            time_zone: TimeZone::default(),
            state: State::Active,
            quota: None,
            version: 1,
            created: now,
            updated: now,
        }
    }

    /// The tenant after a change.
    #[must_use]
    pub fn changed(self, change: Change, now: Micros) -> Tenant {
        Tenant {
            display_name: change.display_name.unwrap_or(self.display_name),
            time_zone: change.time_zone.unwrap_or(self.time_zone),
            state: change.state.unwrap_or(self.state),
            quota: change.quota.unwrap_or(self.quota),
            version: self.version + 1,
            updated: now.max(self.updated),
            id: self.id,
            created: self.created,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    #[test]
    fn a_change_sets_what_it_names_and_counts_the_version() {
        let before = Tenant {
            id: TenantId::new(Micros(1)),
            display_name: "Old".into(),
            time_zone: TimeZone::named("Asia/Jakarta").unwrap(),
            state: State::Active,
            quota: None,
            version: 3,
            created: Micros(1),
            updated: Micros(9),
        };
        let change = Change {
            state: Some(State::Suspended),
            ..Change::default()
        };
        // Even with a clock that went back, what is newer is not dated earlier.
        let after = before.clone().changed(change, Micros(5));
        assert_eq!(
            (after.state, after.version, after.updated),
            (State::Suspended, 4, Micros(9))
        );
        assert_eq!(
            (&after.display_name, after.time_zone),
            (&before.display_name, before.time_zone)
        );
        assert!(TimeZone::named("Mars/Olympus").is_none());
    }
}
