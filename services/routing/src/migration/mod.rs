//! The schema, one small additive change a file. A migration that was shipped never changes.

mod m0001_routing;
mod m0002_sla;
mod m0003_replicas;
mod m0004_conversations;
mod m0005_desk;
mod m0006_routing_policies;
mod m0007_queue_limits;
mod m0008_skill_ends;
mod m0009_supervision;
mod m0010_matters;
mod m0011_called;
mod m0012_transfers;
mod m0013_disciplines;
mod m0014_capacity;
mod m0015_calls;

use sea_orm_migration::MigrationTrait;

/// Every migration, oldest first; the tables all services share come before.
#[must_use]
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        rapport_foundation::schema::shared(),
        Box::new(m0001_routing::Routing),
        Box::new(m0002_sla::Migration),
        Box::new(m0003_replicas::Migration),
        Box::new(m0004_conversations::Migration),
        Box::new(m0005_desk::Migration),
        Box::new(m0006_routing_policies::Migration),
        Box::new(m0007_queue_limits::Migration),
        Box::new(m0008_skill_ends::Migration),
        Box::new(m0009_supervision::Migration),
        Box::new(m0010_matters::Migration),
        Box::new(m0011_called::Migration),
        Box::new(m0012_transfers::Migration),
        Box::new(m0013_disciplines::Migration),
        Box::new(m0014_capacity::Migration),
        Box::new(m0015_calls::Migration),
    ]
}
