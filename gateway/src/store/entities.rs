//! Rows as the database knows them.

pub(super) mod tenant;
