//! A thin client of the gateway, as any outside program would be one.

mod call;
mod gateway;
mod method;
mod problem;

pub use call::{Answers, call};
pub use gateway::{Authorised, Bearer, Error, Gateway};
pub use method::{Unresolved, resolve};
pub use problem::explain;
pub(crate) use problem::is_final;

/// A fresh id for a call that must have one effect.
pub(crate) fn request_id() -> String {
    uuid::Uuid::new_v4().to_string()
}
