//! Long contents: sealed in frames with a key of their own, which is itself a sealed value.
//!
//! Each frame is bound to its content, to its place in it and to the length of the whole, so that a range can be
//! opened alone, and a frame that is missing, moved or of another content is noticed. The key of a content is sealed
//! with the data key of everybody it belongs to: once those are destroyed, no copy of the content can be opened.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::DataKey;
use crate::db::Error;

/// Bytes of a frame; only the last of a content is shorter.
pub const FRAME_BYTES: usize = 64 * 1024;
/// Bytes a sealed frame is longer: the nonce and the tag.
pub const FRAME_OVERHEAD: usize = NONCE_LEN + 16;

const KEY_BYTES: usize = 32;
const DAMAGED: Error = Error::Corrupt("a sealed content does not open");

/// Where a frame stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The content.
    pub content: Uuid,
    /// How many bytes the whole content has.
    pub length: u64,
    /// Which frame of it this is, from 0.
    pub frame: u64,
}

/// The key of one content; cheap to clone.
#[derive(Clone)]
pub struct ContentKey(Arc<Inner>);

struct Inner {
    raw: Zeroizing<[u8; KEY_BYTES]>,
    key: LessSafeKey,
}

impl std::fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ContentKey(***)")
    }
}

impl ContentKey {
    /// A key that nobody had before.
    ///
    /// # Errors
    /// When the machine has no randomness.
    pub fn fresh() -> Result<Self, Error> {
        let mut raw = Zeroizing::new([0; KEY_BYTES]);
        aws_lc_rs::rand::fill(raw.as_mut())
            .map_err(|_| Error::Misconfigured("no randomness".into()))?;
        Self::new(raw)
    }

    fn new(raw: Zeroizing<[u8; KEY_BYTES]>) -> Result<Self, Error> {
        let key = UnboundKey::new(&AES_256_GCM, raw.as_ref()).map_err(|_| DAMAGED)?;
        let key = LessSafeKey::new(key);
        Ok(Self(Arc::new(Inner { raw, key })))
    }

    /// The key, sealed for a row of a subject.
    #[must_use]
    pub fn sealed(&self, subject: &DataKey, row: &[u8]) -> Vec<u8> {
        subject.seal(self.0.raw.as_ref(), row)
    }

    /// The key that was sealed for this row.
    ///
    /// # Errors
    /// As [`DataKey::open`].
    pub fn unsealed(sealed: &[u8], subject: &DataKey, row: &[u8]) -> Result<Self, Error> {
        let opened = Zeroizing::new(subject.open(sealed, row)?);
        let raw = opened.as_slice().try_into().map_err(|_| DAMAGED)?;
        Self::new(Zeroizing::new(raw))
    }

    /// Appends a sealed frame to `sealed`.
    pub fn seal_frame(&self, place: Place, plain: &[u8], sealed: &mut Vec<u8>) {
        self.seal_behind(&bound_to(place), plain, sealed);
    }

    /// Opens a frame sealed for this place.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it is not what was sealed for this place.
    pub fn open_frame(&self, place: Place, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        self.open_behind(&bound_to(place), sealed)
    }

    /// Seals what is known of the content, for a row. `row` names the table, the row and the column.
    #[must_use]
    pub fn seal(&self, plain: &[u8], row: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(plain.len() + FRAME_OVERHEAD);
        self.seal_behind(&[b"v", row].concat(), plain, &mut sealed);
        sealed
    }

    /// Opens what was sealed for this row.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it is not what was sealed for this row.
    pub fn open(&self, sealed: &[u8], row: &[u8]) -> Result<Vec<u8>, Error> {
        self.open_behind(&[b"v", row].concat(), sealed)
    }

    /// The nonce is random: two attempts to store one frame must not share one.
    #[expect(clippy::expect_used, reason = "sealing fails only beyond 64 GiB")]
    fn seal_behind(&self, bound: &[u8], plain: &[u8], sealed: &mut Vec<u8>) {
        let nonce: [u8; NONCE_LEN] = rand::random();
        sealed.extend_from_slice(&nonce);
        let begin = sealed.len();
        sealed.extend_from_slice(plain);
        let body = sealed.get_mut(begin..).unwrap_or_default();
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self
            .0
            .key
            .seal_in_place_separate_tag(nonce, Aad::from(bound), body)
            .expect("a frame is far below the limit of AES-GCM");
        sealed.extend_from_slice(tag.as_ref());
    }

    fn open_behind(&self, bound: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or(DAMAGED)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| DAMAGED)?;
        let mut body = body.to_vec();
        let length = self
            .0
            .key
            .open_in_place(nonce, Aad::from(bound), &mut body)
            .map_err(|_| DAMAGED)?
            .len();
        body.truncate(length);
        Ok(body)
    }
}

fn bound_to(place: Place) -> Vec<u8> {
    let mut bound = Vec::with_capacity(1 + 16 + 8 + 8);
    bound.push(b'f');
    bound.extend_from_slice(place.content.as_bytes());
    bound.extend_from_slice(&place.length.to_be_bytes());
    bound.extend_from_slice(&place.frame.to_be_bytes());
    bound
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::id::TenantId;

    const HERE: Place = Place {
        content: Uuid::max(),
        length: 100_000,
        frame: 1,
    };

    #[test]
    fn a_frame_opens_only_at_its_place_in_its_content() {
        let key = ContentKey::fresh().unwrap();
        let mut sealed = vec![7];
        key.seal_frame(HERE, b"halo", &mut sealed);
        assert_eq!(sealed.len(), 1 + 4 + FRAME_OVERHEAD);
        assert_eq!(key.open_frame(HERE, &sealed[1..]).unwrap(), b"halo");
        let elsewhere = [
            Place { frame: 0, ..HERE },
            Place {
                length: 99_999,
                ..HERE
            },
            Place {
                content: Uuid::nil(),
                ..HERE
            },
        ];
        for place in elsewhere {
            assert!(key.open_frame(place, &sealed[1..]).is_err(), "{place:?}");
        }
        for damaged in [&sealed[..], &sealed[1..sealed.len() - 1], &[]] {
            assert!(key.open_frame(HERE, damaged).is_err());
        }
        let other = ContentKey::fresh().unwrap();
        assert!(other.open_frame(HERE, &sealed[1..]).is_err());
    }

    #[test]
    fn what_is_known_of_a_content_opens_in_its_row_and_is_no_frame() {
        let key = ContentKey::fresh().unwrap();
        let sealed = key.seal(b"name", b"row");
        assert_eq!(key.open(&sealed, b"row").unwrap(), b"name");
        assert!(key.open(&sealed, b"other").is_err());
        assert!(key.open_frame(HERE, &sealed).is_err());
    }

    #[test]
    fn a_content_key_opens_with_its_subjects_key_alone() {
        let subject = |name: &str| DataKey::new(TenantId::nil(), name, 1, &[9; 32]).unwrap();
        let key = ContentKey::fresh().unwrap();
        let sealed = key.sealed(&subject("a"), b"row");
        let again = ContentKey::unsealed(&sealed, &subject("a"), b"row").unwrap();
        assert_eq!(again.open(&key.seal(b"x", b"r"), b"r").unwrap(), b"x");
        assert!(ContentKey::unsealed(&sealed, &subject("b"), b"row").is_err());
        assert!(ContentKey::unsealed(&sealed, &subject("a"), b"other").is_err());
        assert_eq!(format!("{key:?}"), "ContentKey(***)");
    }
}
