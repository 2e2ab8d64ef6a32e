//! The gateway's own tables. A tenant's id is their key: nothing here belongs to one tenant alone, so all of it
//! goes through the system side of the database.

pub mod audit;
mod entities;
mod system;

pub use system::Store;
