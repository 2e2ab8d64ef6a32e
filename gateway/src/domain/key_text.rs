//! The text of an API key: `rpk_<prefix>_<secret><check>`.
//!
//! The mark and the length are what scanners of secrets look for: `rpk_[0-9a-hjkmnp-tv-z]{16}_[0-9a-hjkmnp-tv-z]{58}`.
//! The prefix (80 random bits) finds the key and may be shown. The secret is 256 random bits. The check, 30 bits of the
//! SHA-256 of all before it, tells a slip from a stranger before anything is looked up.

use aws_lc_rs::digest::{SHA256, digest};

/// What every key begins with.
pub const MARK: &str = "rpk_";

/// Random bytes of a prefix.
pub const PREFIX_BYTES: usize = 10;
/// Random bytes of a secret.
pub const SECRET_BYTES: usize = 32;

/// Crockford's alphabet: nothing in it looks like something else.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const PREFIX_LENGTH: usize = 16;
const SECRET_LENGTH: usize = 52;
const CHECK_LENGTH: usize = 6;
const LENGTH: usize = MARK.len() + PREFIX_LENGTH + 1 + SECRET_LENGTH + CHECK_LENGTH;

/// The SHA-256 of a key's text, all that is kept of it. No slow hash: slowness protects what people choose, and a
/// guess among 2²⁵⁶ is hopeless at any speed; every call would pay for it.
pub type Hash = [u8; 32];

/// Whether a credential means to be a key.
pub fn is_key(text: &str) -> bool {
    text.starts_with(MARK)
}

/// The hash of a key's text.
pub fn hash(text: &str) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    hash
}

/// A prefix of random bytes, as it is shown and looked up.
pub fn prefix(random: &[u8; PREFIX_BYTES]) -> String {
    format!("{MARK}{}", base32(random))
}

/// The text of a key with this prefix.
pub fn compose(prefix: &str, secret: &[u8; SECRET_BYTES]) -> String {
    let body = format!("{prefix}_{}", base32(secret));
    let check = check(&body);
    body + &check
}

/// The prefix in a text that has the form of a key and whose check fits.
pub fn read(text: &str) -> Option<&str> {
    if text.len() != LENGTH || !text.is_ascii() || !is_key(text) {
        return None;
    }
    let (body, stated) = text.split_at(LENGTH - CHECK_LENGTH);
    let (prefix, secret) = body.split_at(MARK.len() + PREFIX_LENGTH);
    (secret.starts_with('_') && check(body) == stated).then_some(prefix)
}

fn check(body: &str) -> String {
    let mut check = base32(&hash(body)[..4]);
    check.truncate(CHECK_LENGTH);
    check
}

/// Five bits a character, from the front; the last one is filled up with zeros.
fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut held, mut bits) = (0_u32, 0);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(ALPHABET[(held >> bits & 31) as usize]));
        }
    }
    if bits > 0 {
        text.push(char::from(ALPHABET[(held << (5 - bits) & 31) as usize]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_and_every_slip_of_one_character_is_noticed() {
        let prefix = prefix(&[7; PREFIX_BYTES]);
        let text = compose(&prefix, &[0xa5; SECRET_BYTES]);
        assert_eq!((text.len(), prefix.len()), (LENGTH, 20));
        assert_eq!(read(&text), Some(prefix.as_str()));
        for at in 0..text.len() {
            let mut other = text.clone().into_bytes();
            other[at] = if other[at] == b'0' { b'1' } else { b'0' };
            let other = String::from_utf8(other).unwrap_or_default();
            assert_eq!(read(&other), None, "{other}");
        }
    }

    #[test]
    fn what_has_another_form_is_no_key() {
        let text = compose(&prefix(&[1; PREFIX_BYTES]), &[2; SECRET_BYTES]);
        let cut = &text[..text.len() - 1];
        for other in [
            "",
            "rpk_",
            cut,
            &format!("{text}0"),
            &"é".repeat(LENGTH / 2),
            &text.to_uppercase(),
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
