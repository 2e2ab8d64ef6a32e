//! What runs beside the calls.

pub mod resolving;
pub mod sweep;
