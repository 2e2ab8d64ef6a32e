//! Names that a channel or a system knows a person by.

use unicode_normalization::UnicodeNormalization as _;

/// Characters, as the contracts allow.
const LONGEST: usize = 320;
const LONGEST_NAMESPACE: usize = 64;

/// A channel handle as it is compared: without the leading `@`, without regard to case; none when nothing is left.
pub(super) fn normalise(text: &str) -> Option<String> {
    let text: String = text.nfkc().collect();
    let text: String = text.to_lowercase().nfkc().collect();
    let bare = |c: char| c == '@' || c.is_whitespace();
    plain(text.trim_start_matches(bare).trim_end())
}

/// A key of another system as it is compared: exactly as sent, but for the space around it.
pub(super) fn normalise_external(text: &str) -> Option<String> {
    plain(text.trim())
}

/// The name of a channel or system: `[a-z0-9._:-]`, lower-cased.
pub(super) fn normalise_namespace(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    ((1..=LONGEST_NAMESPACE).contains(&text.len()) && text.bytes().all(plain)).then_some(text)
}

fn plain(text: &str) -> Option<String> {
    let fits = (1..=LONGEST).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn handles_lose_their_sign_and_case_and_external_keys_do_not() {
        assert_eq!(normalise(" @Ana_Santos ").as_deref(), Some("ana_santos"));
        assert_eq!(normalise("@@ana").as_deref(), Some("ana"));
        assert_eq!(normalise("Ａｎａ").as_deref(), Some("ana"));
        assert_eq!(normalise(" @ "), None);
        assert_eq!(normalise("a\u{7}b"), None);
        assert_eq!(normalise(&"a".repeat(321)), None);
        assert_eq!(normalise_external(" @Ab-1 ").as_deref(), Some("@Ab-1"));
        assert_eq!(normalise_external("\0"), None);
    }

    #[test]
    fn a_namespace_is_one_plain_word() {
        assert_eq!(
            normalise_namespace(" WhatsApp ").as_deref(),
            Some("whatsapp")
        );
        assert_eq!(normalise_namespace("crm:eu-1").as_deref(), Some("crm:eu-1"));
        for text in ["", "a b", "é", "a/b"] {
            assert_eq!(normalise_namespace(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_normalised_stays_as_it_is(text in "\\PC{0,40}") {
            if let Some(handle) = normalise(&text) {
                prop_assert_eq!(normalise(&handle), Some(handle));
            }
            if let Some(key) = normalise_external(&text) {
                prop_assert_eq!(normalise_external(&key), Some(key));
            }
        }
    }
}
