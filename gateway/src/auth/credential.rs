//! The credential of a call.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::Rejected;
use crate::protection::{Protection, Protections};

/// The longest token that is looked at, in bytes.
const LONGEST: usize = 8 * 1024;

/// The one bearer token.
pub(super) fn bearer(headers: &HeaderMap, protections: Protections) -> Result<&str, Rejected> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(Rejected::NoCredential)?;
    if values.next().is_some() && protections.on(Protection::OneCredential) {
        // Which of the two would it be? Whoever stands before us may have looked at the other.
        return Err(Rejected::NoCredential);
    }
    let text = value.to_str().map_err(|_| Rejected::Malformed)?;
    let (scheme, token) = text.split_once(' ').ok_or(Rejected::NotBearer)?;
    if !scheme.eq_ignore_ascii_case("bearer") && protections.on(Protection::Scheme) {
        return Err(Rejected::NotBearer);
    }
    if token.len() > LONGEST && protections.on(Protection::TokenLength) {
        return Err(Rejected::TooLong);
    }
    Ok(token)
}
