//! Etags: the version of a resource as callers see it.
//!
//! The form is that of a strong entity tag of RFC 9110, §8.8.3: the version between quotes. Callers give it back as it
//! is, or without the quotes. They are told to take it as opaque.

/// The etag of a version.
#[must_use]
pub fn of(version: i64) -> String {
    format!("\"{version}\"")
}

/// The version that an etag of ours names.
#[must_use]
pub fn version(etag: &str) -> Option<i64> {
    let bare = match etag.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"')?,
        None => etag,
    };
    bare.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_names_its_version_with_or_without_quotes() {
        assert_eq!(of(7), "\"7\"");
        assert_eq!(version(&of(7)), Some(7));
        assert_eq!(version("7"), Some(7));
        for other in ["", "\"", "\"7", "7\"", "\"\"7\"\"", "W/\"7\"", "seven"] {
            assert_eq!(version(other), None, "{other}");
        }
    }
}
