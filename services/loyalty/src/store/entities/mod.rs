//! The rows, one table a file, each with its way to and from the domain.
#![expect(
    unreachable_pub,
    reason = "the ORM's derive wants public models, the crate shows none"
)]

pub(crate) mod account;
pub(crate) mod earning;
pub(crate) mod entry;
pub(crate) mod hold;
pub(crate) mod lot;
pub(crate) mod member;
pub(crate) mod program;
pub(crate) mod record_customer;
pub(crate) mod request;

/// Lets the scoped store reach an entity: its table carries the tenant.
macro_rules! tenant_owned {
    () => {
        impl sea_orm::ActiveModelBehavior for ActiveModel {}

        #[derive(Copy, Clone, Debug, sea_orm::EnumIter, sea_orm::DeriveRelation)]
        pub enum Relation {}

        impl rapport_foundation::db::TenantOwned for Entity {
            fn tenant_column() -> Self::Column {
                Column::TenantId
            }
        }
    };
}
use tenant_owned;
