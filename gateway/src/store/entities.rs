//! Rows as the database knows them.

pub(super) mod api_key;
pub(super) mod binding;
pub(super) mod revocation;
pub(super) mod role;
pub(super) mod tenant;

use rapport_foundation::db;

/// A list of names as it is stored.
pub(super) fn stored(names: &[String]) -> String {
    serde_json::Value::from(names).to_string()
}

/// A list of names that was stored.
pub(super) fn names(stored: &str) -> Result<Vec<String>, db::Error> {
    serde_json::from_str(stored).map_err(|_| db::Error::Corrupt("a list of names"))
}

/// The rows of one tenant.
macro_rules! tenant_owned {
    () => {
        #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
        pub(crate) enum Relation {}

        impl ActiveModelBehavior for ActiveModel {}

        impl rapport_foundation::db::TenantOwned for Entity {
            fn tenant_column() -> Column {
                Column::TenantId
            }
        }
    };
}
use tenant_owned;
