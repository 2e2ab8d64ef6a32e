//! Stands in for services that cannot be opened yet.

use rapport_foundation::service::{Env, Service};
use serde::{Deserialize, Serialize};

/// Nothing to set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {}

pub(super) fn open(env: Env) -> Service {
    Service {
        role: env.role,
        routes: tonic::service::Routes::default(),
        tasks: Vec::new(),
    }
}
