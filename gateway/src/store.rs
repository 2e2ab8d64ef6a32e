//! The gateway's own tables. What is asked of them crosses tenants: operators name one, and every replica reads all.
//! So all of it goes through the system side of the database; what belongs to one tenant is reached through its scope.

pub mod audit;
mod entities;
mod system;

pub use system::{Cursor, Decide, Mutation, Reading, Store, TenantRow, Use};
