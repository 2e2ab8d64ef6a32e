#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod bench;
mod commands;
mod consult;
mod desk;
mod levels;
mod limits;
mod manual;
mod model;
mod routes;
mod situations;
mod split;
mod transfers;
mod turns;
