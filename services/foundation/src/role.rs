//! The parts the suite is made of. One process may play one of them or all.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A part of the suite that can be run alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The only public listener.
    Gateway,
    /// Who a customer is.
    Profiles,
    /// What was said and done, in order.
    Interactions,
    /// Which agent gets which work.
    Routing,
    /// Points, held and spent.
    Loyalty,
}

/// A name that is no role of the suite.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a role; roles are gateway, profiles, interactions, routing, loyalty")]
pub struct UnknownRole(pub String);

impl Role {
    /// Every role, the gateway first.
    pub const ALL: [Role; 5] = [
        Role::Gateway,
        Role::Profiles,
        Role::Interactions,
        Role::Routing,
        Role::Loyalty,
    ];

    /// The roles behind the gateway.
    pub const SERVICES: [Role; 4] = [
        Role::Profiles,
        Role::Interactions,
        Role::Routing,
        Role::Loyalty,
    ];

    /// The role's name in configuration, on the command line and in traces.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Gateway => "gateway",
            Role::Profiles => "profiles",
            Role::Interactions => "interactions",
            Role::Routing => "routing",
            Role::Loyalty => "loyalty",
        }
    }

    /// The principal under which this role signs: `svc_…` for a service, `gateway` for the gateway.
    pub fn service_principal(self) -> &'static str {
        match self {
            Role::Gateway => "gateway",
            Role::Profiles => "svc_profiles",
            Role::Interactions => "svc_interactions",
            Role::Routing => "svc_routing",
            Role::Loyalty => "svc_loyalty",
        }
    }

    /// The protobuf package this role serves.
    pub fn package(self) -> &'static str {
        match self {
            Role::Gateway => "rapport.access.v1",
            Role::Profiles => "rapport.profiles.v1",
            Role::Interactions => "rapport.interactions.v1",
            Role::Routing => "rapport.routing.v1",
            Role::Loyalty => "rapport.loyalty.v1",
        }
    }

    /// The role that serves a protobuf package, if any does.
    pub fn of_package(package: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.package() == package)
    }

    /// Its place in [`Role::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Role::ALL
            .into_iter()
            .find(|role| role.as_str() == name)
            .ok_or_else(|| UnknownRole(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_is_found_again_by_its_name_and_by_its_package() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
            assert_eq!(Role::of_package(role.package()), Some(role));
        }
        assert_eq!("nobody".parse::<Role>(), Err(UnknownRole("nobody".into())));
    }
}
