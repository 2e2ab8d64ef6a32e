//! Rows `k` of a bulk statement that name others by their ids.

use rapport_foundation::db::bulk::Type;
use sea_orm::Value;
use uuid::Uuid;

/// The column: `k.wanted`.
pub(super) const WANTED: [(&str, Type); 1] = [("wanted", Type::Uuid)];

/// A row for each id.
pub(super) fn wanted(ids: impl IntoIterator<Item = Uuid>) -> Vec<Vec<Value>> {
    ids.into_iter().map(|id| vec![id.into()]).collect()
}
