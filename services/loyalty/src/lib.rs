//! Loyalty programmes on a double-entry ledger.

pub mod domain;
