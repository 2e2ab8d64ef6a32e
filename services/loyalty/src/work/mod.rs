//! What runs beside the calls.

pub(crate) mod batcher;
pub(crate) mod interactions;
pub(crate) mod profiles;
pub(crate) mod sweep;
