#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod bench;
mod bots;
mod broadcast;
mod commands;
mod consult;
mod desk;
mod disciplines;
mod levels;
mod limits;
mod manual;
mod model;
mod park;
mod routes;
mod shifts;
mod situations;
mod split;
mod transfers;
mod turns;
