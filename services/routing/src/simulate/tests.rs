#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod broken;
mod conforms;
mod disciplines;
mod houses;
mod promises;
