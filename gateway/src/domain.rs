//! What tenants, keys, roles and revocations are and how they may change: plain functions.

pub mod access;
pub mod api_key;
pub mod audit;
pub mod identity;
pub mod key_text;
pub mod quota;
pub mod revocation;
pub mod role;
pub mod tenant;
