//! E-mail addresses.
//!
//! The local part is lower-cased too: RFC 5321 would allow a host to tell `Ana@` from `ana@`, no host of note
//! does, and people do not. Dots and `+tags` stay, because only some hosts ignore them. A domain in another
//! script is compared by its ASCII form.

use unicode_normalization::UnicodeNormalization as _;

/// Characters of a whole address, as the contracts allow.
const LONGEST: usize = 320;
const LONGEST_LOCAL: usize = 64;
const LONGEST_DOMAIN: usize = 253;

/// The address as it is compared; none when it is not one.
pub(super) fn normalise(text: &str) -> Option<String> {
    let text: String = text.trim().nfkc().collect();
    // Lower-casing can leave a sequence that composes anew, so the form is taken once more.
    let text: String = text.to_lowercase().nfkc().collect();
    let (local, domain) = text.trim().rsplit_once('@')?;
    let domain = ascii_domain(domain)?;
    let local_fits = (1..=LONGEST_LOCAL).contains(&local.chars().count())
        && local.chars().all(is_local)
        && !local.starts_with('.')
        && !local.ends_with('.');
    let address = format!("{local}@{domain}");
    (local_fits && address.chars().count() <= LONGEST).then_some(address)
}

/// What may stand before the `@` of an address that is not quoted.
fn is_local(character: char) -> bool {
    !character.is_control()
        && !character.is_whitespace()
        && !matches!(
            character,
            '(' | ')' | '<' | '>' | '[' | ']' | '\\' | ',' | ';' | ':' | '"' | '@'
        )
}

fn ascii_domain(domain: &str) -> Option<String> {
    let domain = idna::domain_to_ascii_strict(domain.trim_end_matches('.')).ok()?;
    let labels: Vec<&str> = domain.split('.').collect();
    let fits = domain.len() <= LONGEST_DOMAIN
        && labels.len() >= 2
        && labels.iter().all(|label| is_label(label))
        && labels
            .last()
            .is_some_and(|top| !top.bytes().all(|byte| byte.is_ascii_digit()));
    fits.then_some(domain)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_that_mean_the_same_become_the_same() {
        for (text, expected) in [
            (" Ana.Santos@Example.COM ", "ana.santos@example.com"),
            ("ana@example.com.", "ana@example.com"),
            ("ana+shop@example.com", "ana+shop@example.com"),
            ("ａｎａ＠example.com", "ana@example.com"),
            ("info@Bücher.example", "info@xn--bcher-kva.example"),
            ("info@xn--bcher-kva.example", "info@xn--bcher-kva.example"),
            ("o'brien@example.co.id", "o'brien@example.co.id"),
        ] {
            assert_eq!(normalise(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.com", "a".repeat(65));
        for text in [
            "",
            "ana",
            "@example.com",
            "ana@",
            "ana@localhost",
            "ana@@example.com",
            "ana b@example.com",
            "ana@exa mple.com",
            "ana@-example.com",
            "ana@example..com",
            "ana@192.168.0.1",
            "\"a b\"@example.com",
            "Ana <ana@example.com>",
            ".ana@example.com",
            long.as_str(),
        ] {
            assert_eq!(normalise(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_normalised_address_stays_as_it_is(local in "\\PC{1,20}", domain in "[a-zäöüßé]{1,8}\\.[a-z]{2,5}") {
            if let Some(address) = normalise(&format!("{local}@{domain}")) {
                prop_assert_eq!(normalise(&address), Some(address));
            }
        }
    }
}
