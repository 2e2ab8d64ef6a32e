//! Roles that a tenant makes, and who holds them.

use rapport_foundation::id::{BindingId, RoleId};
use rapport_foundation::time::Micros;

use super::identity::Identity;

/// A set of scopes with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its id.
    pub id: RoleId,
    /// Its name, unique in the tenant.
    pub display_name: String,
    /// What its holders may do, sorted.
    pub scopes: Vec<String>,
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
}

/// A principal holds a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Its id.
    pub id: BindingId,
    /// The role.
    pub role: RoleId,
    /// The principal.
    pub identity: Identity,
    /// When it was made.
    pub created: Micros,
}

impl Role {
    /// The role after a change.
    #[must_use]
    pub fn changed(mut self, change: Change, now: Micros) -> Self {
        self.display_name = change.display_name.unwrap_or(self.display_name);
        self.scopes = change.scopes.unwrap_or(self.scopes);
        self.version += 1;
        self.updated = now.max(self.updated);
        self
    }
}
