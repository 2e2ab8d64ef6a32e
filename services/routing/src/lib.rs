//! Tickets, work items and the engine that puts each before the right agent.

pub mod domain;
