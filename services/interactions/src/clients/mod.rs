//! The services this one calls.

mod objects;
mod profiles;

pub(crate) use objects::{Key, Lost, Objects};
pub(crate) use profiles::{Answer, Profiles, Who};
