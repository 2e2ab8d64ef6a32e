//! The services this one calls.

mod profiles;

pub(crate) use profiles::{Answer, Profiles, Who};
