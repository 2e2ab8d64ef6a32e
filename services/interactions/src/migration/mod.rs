//! The schema, one small additive change a file.

mod m0001_log;
mod m0002_recognition;
mod m0003_timeline;
mod m0004_intake;
mod m0005_facts;
mod m0006_positions;
mod m0010_search;
mod m0020_media;
mod m0030_outbound;
mod m0040_numbers;
mod m0041_forgetting;
mod m0042_retention;
mod m0060_matters;
mod m0061_counts;

use rapport_foundation::schema;
use sea_orm_migration::MigrationTrait;
use sea_orm_migration::prelude::{Index, IndexCreateStatement};

/// Every change of the schema, oldest first.
#[must_use]
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        schema::shared(),
        Box::new(m0001_log::Migration),
        Box::new(m0002_recognition::Migration),
        Box::new(m0003_timeline::Migration),
        Box::new(m0004_intake::Migration),
        Box::new(m0005_facts::Migration),
        Box::new(m0006_positions::Migration),
        Box::new(m0010_search::Migration),
        Box::new(m0020_media::Migration),
        Box::new(m0030_outbound::Migration),
        Box::new(m0040_numbers::Migration),
        Box::new(m0041_forgetting::Migration),
        Box::new(m0042_retention::Migration),
        Box::new(m0060_matters::Migration),
        Box::new(m0061_counts::Migration),
    ]
}

/// An index over columns of one tenant.
fn index(
    table: &'static str,
    name: &'static str,
    columns: &[&'static str],
) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(name).table(table).col("tenant_id");
    for column in columns {
        index.col(*column);
    }
    index
}
