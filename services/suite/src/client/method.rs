//! Finding a method of the contracts by as much of its name as is unambiguous.

use prost_reflect::{DescriptorPool, MethodDescriptor};

/// Why a name is not the name of one method.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// The name has no method part.
    #[error("`{0}` is not of the form SERVICE/METHOD, such as CustomerService/GetCustomer")]
    Form(String),
    /// No service has that name and method.
    #[error("there is no method `{name}`; did you mean {suggestions}?")]
    Unknown {
        /// As it was given.
        name: String,
        /// Methods with a similar name.
        suggestions: String,
    },
    /// Several services have it.
    #[error("`{name}` may be any of {candidates}")]
    Ambiguous {
        /// As it was given.
        name: String,
        /// Those that have it.
        candidates: String,
    },
}

/// The method a name means: `rapport.profiles.v1.CustomerService/GetCustomer`, or the same with as much of the
/// front left out as one likes.
///
/// # Errors
/// When no method or several have the name.
pub fn resolve(pool: &DescriptorPool, name: &str) -> Result<MethodDescriptor, Unresolved> {
    let trimmed = name.trim_start_matches('/');
    let Some((service, method)) = trimmed.rsplit_once('/') else {
        return Err(Unresolved::Form(name.to_owned()));
    };
    let methods: Vec<MethodDescriptor> = pool
        .services()
        .filter(|known| known.full_name().starts_with("rapport."))
        .flat_map(|known| known.methods().collect::<Vec<_>>())
        .collect();
    let mut fitting: Vec<&MethodDescriptor> = methods
        .iter()
        .filter(|known| {
            known.name() == method && ends_with(known.parent_service().full_name(), service)
        })
        .collect();
    match (fitting.pop(), fitting.is_empty()) {
        (Some(method), true) => Ok(method.clone()),
        (Some(last), false) => {
            fitting.push(last);
            Err(Unresolved::Ambiguous {
                name: name.to_owned(),
                candidates: list(&fitting),
            })
        }
        (None, _) => {
            let wanted = method.to_lowercase();
            let similar: Vec<&MethodDescriptor> = methods
                .iter()
                .filter(|known| {
                    let known_name = known.name().to_lowercase();
                    known_name.contains(&wanted)
                        || wanted.contains(&known_name)
                        || ends_with(known.parent_service().full_name(), service)
                })
                .collect();
            Err(Unresolved::Unknown {
                name: name.to_owned(),
                suggestions: list(if similar.is_empty() {
                    &fitting
                } else {
                    &similar
                }),
            })
        }
    }
}

/// Whether the last parts of a dotted name are these.
fn ends_with(full: &str, end: &str) -> bool {
    full.strip_suffix(end)
        .is_some_and(|front| front.is_empty() || front.ends_with('.'))
}

fn list(methods: &[&MethodDescriptor]) -> String {
    let names: Vec<String> = methods
        .iter()
        .map(|method| format!("{}/{}", method.parent_service().full_name(), method.name()))
        .collect();
    match names.is_empty() {
        true => "one of `rapport call --list`".to_owned(),
        false => names.join(", "),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_found_by_the_end_of_its_name() {
        let pool = rapport_proto::pool();
        for name in [
            "CustomerService/GetCustomer",
            "v1.CustomerService/GetCustomer",
            "/rapport.profiles.v1.CustomerService/GetCustomer",
        ] {
            let found = resolve(pool, name).unwrap();
            assert_eq!(
                found.full_name(),
                "rapport.profiles.v1.CustomerService.GetCustomer"
            );
        }
    }

    #[test]
    fn unclear_names_are_answered_with_what_was_perhaps_meant() {
        let pool = rapport_proto::pool();
        assert!(matches!(
            resolve(pool, "GetCustomer"),
            Err(Unresolved::Form(_))
        ));
        let wrong = resolve(pool, "CustomerService/FetchCustomer")
            .unwrap_err()
            .to_string();
        assert!(
            wrong.contains("rapport.profiles.v1.CustomerService/GetCustomer"),
            "{wrong}"
        );
        let several = resolve(pool, "LogService/ReadLog").unwrap_err();
        assert!(matches!(several, Unresolved::Ambiguous { .. }));
        assert!(resolve(pool, "Service/GetCustomer").is_err());
    }
}
