use std::time::Duration;

use rapport_foundation::id::{QueueId, RoutingPolicyId};
use rapport_foundation::time::Micros;
use serde::{Deserialize, Serialize};

use super::Relaxation;
use crate::domain::code::named;
use crate::domain::{Code, Priority, Skills};

named! {
    /// Whether a version holds.
    pub enum PolicyState {
        /// It is being written.
        Draft = "draft",
        /// It holds for new work.
        Published = "published",
        /// It held before.
        Retired = "retired",
    }
}

/// A version of what says where work goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoutingPolicy {
    pub(crate) id: RoutingPolicyId,
    /// Counted in the tenant from 1.
    pub(crate) version: i64,
    pub(crate) state: PolicyState,
    pub(crate) rules: Rules,
    pub(crate) created_at: Micros,
    pub(crate) updated_at: Micros,
    pub(crate) published_at: Option<Micros>,
    /// Counts changes from 1.
    pub(crate) revision: i64,
}

/// What a version says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rules {
    pub(crate) display_name: String,
    /// The first that fits decides.
    pub(crate) filters: Vec<Filter>,
    /// For what no filter fits; none stands for the default queue.
    pub(crate) default_targets: Vec<Target>,
}

impl Rules {
    /// The targets of a filter, or of what no filter fits.
    pub(crate) fn targets(&self, filter: Option<usize>) -> &[Target] {
        match filter {
            Some(place) => self
                .filters
                .get(place)
                .map_or(&[], |filter| &filter.targets),
            None => &self.default_targets,
        }
    }
}

/// Some of the work, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Filter {
    /// Unique in the version.
    pub(crate) code: Code,
    pub(crate) expression: String,
    pub(crate) targets: Vec<Target>,
}

/// Where work waits, and for how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Target {
    pub(crate) queue: QueueId,
    /// Besides those of the queue and of the work itself.
    pub(crate) skills: Skills,
    pub(crate) raise_to: Option<Priority>,
    /// None for ever.
    pub(crate) timeout: Option<Duration>,
    pub(crate) skip_unstaffed: bool,
    /// A skill once.
    #[serde(default)]
    pub(crate) relaxations: Vec<Relaxation>,
}
