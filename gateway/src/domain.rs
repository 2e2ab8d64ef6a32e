//! What a tenant is and how it may change: plain functions.

pub mod audit;
pub mod quota;
pub mod tenant;
