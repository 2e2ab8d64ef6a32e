//! Where work goes that names no queue itself: filters and their targets, in versions.
//!
//! A policy is tried when work comes in, on what is known then; its targets are resolved into a [`Route`], which stays
//! with the work whatever becomes of the policy.

mod draft;
mod facts;
mod lint;
mod relaxation;
mod route;
mod rules;
mod try_out;

#[cfg(test)]
mod tests;

pub(crate) use draft::Draft;
pub use draft::RoutingRefusal;
pub use facts::Facts;
pub use lint::{Finding, Severity};
pub(crate) use lint::{Staff, lint};
pub use relaxation::Relaxation;
pub(crate) use relaxation::least;
pub use route::{Leg, Route, Visit};
pub use rules::PolicyState;
pub(crate) use rules::{Filter, RoutingPolicy, Rules, Target};
pub(crate) use try_out::{Outcome, Published, RouteRecord, Verdict};
