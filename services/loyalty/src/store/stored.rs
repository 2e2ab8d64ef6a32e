//! Small values that are stored as JSON text.

use rapport_foundation::db::Error;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String, Error> {
    // Plain structs of ours always serialise.
    serde_json::to_string(value).map_err(|_| Error::Corrupt("a value that has no JSON"))
}

pub(crate) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|_| Error::Corrupt("a stored JSON value"))
}
