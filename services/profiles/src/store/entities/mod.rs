//! The rows as the tables hold them.
#![expect(
    unreachable_pub,
    reason = "the ORM's derive wants public models, the crate shows none"
)]

pub(super) mod customers;
pub(super) mod edges;
pub(super) mod identifiers;
pub(super) mod records;
