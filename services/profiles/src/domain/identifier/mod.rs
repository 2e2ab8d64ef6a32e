//! Ways to recognise a customer, brought into one form so that equal means the same.

mod email;
mod handle;
mod phone;

pub use phone::Region;
use rapport_foundation::personal::Personal;

use super::coded;

coded! {
    /// What kind of identifier it is. Declared strongest first, and compared so: a key of another system is given
    /// out once, a number or an address can be shared in a family, a handle or a cookie belongs to a device.
    Kind {
        /// The key of the person in another system.
        External = 4,
        /// A telephone number.
        Phone = 1,
        /// An e-mail address.
        Email = 2,
        /// The name a channel knows the person by.
        Handle = 3,
    }
}

impl Kind {
    /// The domain of the blind index: an address and a handle of the same text never meet.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::External => "external",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Handle => "handle",
        }
    }

    /// Whether the value belongs to a device or an account more than to a person, so that it proves little.
    #[must_use]
    pub const fn is_shareable(self) -> bool {
        matches!(self, Self::Handle)
    }
}

/// An identifier in its normal form. Two of them are equal exactly when they stand for the same thing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identifier {
    kind: Kind,
    namespace: String,
    value: Personal,
}

/// What is wrong with a part of an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The field: `value` or `namespace`.
    pub field: &'static str,
    /// A stable reason.
    pub reason: &'static str,
    /// What is wrong, in English.
    pub what: &'static str,
}

const fn fault(field: &'static str, reason: &'static str, what: &'static str) -> Fault {
    Fault {
        field,
        reason,
        what,
    }
}

const INVALID_PHONE: Fault = fault(
    "value",
    "INVALID_PHONE",
    "is not a possible telephone number",
);
const INVALID_EMAIL: Fault = fault("value", "INVALID_EMAIL", "is not an e-mail address");
const INVALID_HANDLE: Fault = fault(
    "value",
    "INVALID_HANDLE",
    "is not a handle of 1 to 320 characters",
);
const INVALID_EXTERNAL: Fault = fault(
    "value",
    "INVALID_EXTERNAL_ID",
    "is not a key of 1 to 320 characters",
);
const NAMESPACE_REQUIRED: Fault = fault(
    "namespace",
    "REQUIRED",
    "is required for handles and external ids",
);
const NAMESPACE_MALFORMED: Fault = fault(
    "namespace",
    "MALFORMED_NAMESPACE",
    "is not 1 to 64 of A-Z, a-z, 0-9, `.`, `_`, `:`, `-`",
);
const NAMESPACE_UNEXPECTED: Fault = fault(
    "namespace",
    "UNEXPECTED",
    "must be empty for e-mail addresses",
);
const UNKNOWN_REGION: Fault = fault(
    "namespace",
    "UNKNOWN_REGION",
    "is not an ISO 3166-1 alpha-2 region",
);

impl Identifier {
    /// Normalises an identifier as a channel gave it. For a phone `namespace` is its region; `region` is used when
    /// it is empty.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(
        kind: Kind,
        value: &str,
        namespace: &str,
        region: Option<Region>,
    ) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let (value, namespace) = match kind {
            Kind::Phone => {
                let own = (!namespace.is_empty()).then(|| Region::parse(namespace));
                if own == Some(None) {
                    faults.push(UNKNOWN_REGION);
                }
                let value = phone::normalise(value, own.flatten().or(region));
                (value.ok_or(INVALID_PHONE), String::new())
            }
            Kind::Email => {
                if !namespace.is_empty() {
                    faults.push(NAMESPACE_UNEXPECTED);
                }
                (email::normalise(value).ok_or(INVALID_EMAIL), String::new())
            }
            Kind::Handle => (
                handle::normalise(value).ok_or(INVALID_HANDLE),
                required_namespace(namespace, &mut faults),
            ),
            Kind::External => (
                handle::normalise_external(value).ok_or(INVALID_EXTERNAL),
                required_namespace(namespace, &mut faults),
            ),
        };
        match value {
            Ok(value) if faults.is_empty() => Ok(Self {
                kind,
                namespace,
                value: Personal::new(value),
            }),
            Ok(_) => Err(faults),
            Err(fault) => {
                faults.insert(0, fault);
                Err(faults)
            }
        }
    }

    /// An identifier that was stored, in the form it was stored in.
    #[must_use]
    pub fn stored(kind: Kind, namespace: String, value: Personal) -> Self {
        Self {
            kind,
            namespace,
            value,
        }
    }

    /// What kind it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Where the value is unique; empty for phones and addresses, which are unique everywhere.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The normal form of the value.
    #[must_use]
    pub const fn value(&self) -> &Personal {
        &self.value
    }

    /// What the blind index is taken of: the namespace is part of it, so that equal handles of two channels
    /// cannot be seen to be equal in the database.
    #[must_use]
    pub fn index_text(&self) -> String {
        format!("{}\u{0}{}", self.namespace, self.value.expose())
    }
}

fn required_namespace(text: &str, faults: &mut Vec<Fault>) -> String {
    if text.trim().is_empty() {
        faults.push(NAMESPACE_REQUIRED);
        return String::new();
    }
    handle::normalise_namespace(text).unwrap_or_else(|| {
        faults.push(NAMESPACE_MALFORMED);
        String::new()
    })
}

/// An identifier as the store compares it: the value is a keyed hash, so the decisions see nothing personal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// What kind it is.
    pub kind: Kind,
    /// Where the value is unique.
    pub namespace: String,
    /// The blind index of the value.
    pub index: Vec<u8>,
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn kinds_order_by_strength_and_keep_the_numbers_of_the_contract() {
        let mut kinds = vec![Kind::Handle, Kind::Email, Kind::Phone, Kind::External];
        kinds.sort();
        assert_eq!(kinds, Kind::ALL);
        assert_eq!(Kind::from_code(1), Some(Kind::Phone));
        assert_eq!(Kind::from_code(0), None);
    }

    #[test]
    fn a_phone_takes_its_region_from_its_namespace_then_from_the_hint() {
        let indonesia = Region::parse("ID");
        let from_hint = Identifier::parse(Kind::Phone, "0812 3456 7890", "", indonesia).unwrap();
        let from_namespace =
            Identifier::parse(Kind::Phone, "0812 3456 7890", "id", Region::parse("DE")).unwrap();
        assert_eq!(from_hint, from_namespace);
        assert_eq!(from_hint.value().expose(), "+6281234567890");
        assert_eq!(from_hint.namespace(), "");
    }

    #[test]
    fn every_fault_of_an_identifier_is_told() {
        let faults = |kind, value, namespace| -> Vec<(&str, &str)> {
            Identifier::parse(kind, value, namespace, None)
                .unwrap_err()
                .into_iter()
                .map(|fault| (fault.field, fault.reason))
                .collect()
        };
        assert_eq!(
            faults(Kind::Phone, "none", "ZZ"),
            [("value", "INVALID_PHONE"), ("namespace", "UNKNOWN_REGION")]
        );
        assert_eq!(faults(Kind::Email, "x", ""), [("value", "INVALID_EMAIL")]);
        assert_eq!(
            faults(Kind::Email, "a@example.com", "crm"),
            [("namespace", "UNEXPECTED")]
        );
        assert_eq!(
            faults(Kind::Handle, "@", ""),
            [("value", "INVALID_HANDLE"), ("namespace", "REQUIRED")]
        );
        assert_eq!(
            faults(Kind::External, "", "a b"),
            [
                ("value", "INVALID_EXTERNAL_ID"),
                ("namespace", "MALFORMED_NAMESPACE")
            ]
        );
    }

    #[test]
    fn what_a_value_is_never_shows() {
        let handle = Identifier::parse(Kind::Handle, "@Ana", "line", None).unwrap();
        assert!(!format!("{handle:?}").contains("ana"));
        assert_eq!(handle.index_text(), "line\u{0}ana");
    }
}
