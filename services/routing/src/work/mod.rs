//! What runs beside the calls: the owner of each tenant's engine, and the readers of the other
//! services' logs.

mod desks;
mod floor;
mod interactions;
mod kept;
mod lane;
mod pace;
mod profiles;
mod recount;
mod shell;
pub(crate) mod sweep;
mod tenure;
mod timers;

pub(crate) use interactions::Interactions;
pub(crate) use profiles::Profiles;
pub(crate) use shell::{Place, Shell, StartError};
