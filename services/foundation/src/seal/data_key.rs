//! Data keys: what seals and opens the values of one subject.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::Subject;
use crate::db::Error;
use crate::id::TenantId;
use crate::personal::Personal;

/// Format of a sealed value: this byte, the key's generation (4 bytes), the nonce (12), ciphertext and tag (16).
const FORMAT: u8 = 1;
const HEADER: usize = 1 + 4 + NONCE_LEN;

/// The data key of one subject; cheap to clone.
#[derive(Clone)]
pub struct DataKey(Arc<Inner>);

struct Inner {
    key: LessSafeKey,
    tenant: TenantId,
    subject: Subject,
    generation: u32,
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKey(***)")
    }
}

impl DataKey {
    pub(crate) fn new(
        tenant: TenantId,
        subject: &str,
        generation: u32,
        key: &[u8],
    ) -> Result<Self, Error> {
        let key = UnboundKey::new(&AES_256_GCM, key)
            .map_err(|_| Error::Corrupt("a data key of the wrong length"))?;
        Ok(Self(Arc::new(Inner {
            key: LessSafeKey::new(key),
            tenant,
            subject: subject.to_owned(),
            generation,
        })))
    }

    /// Which key of its subject this is: after one was destroyed the next has another number.
    #[must_use]
    pub fn generation(&self) -> i64 {
        self.0.generation.into()
    }

    /// Seals a value for one row. `row` names the table, the row and the column, and must be the same when opening.
    #[must_use]
    #[expect(clippy::expect_used, reason = "sealing fails only beyond 64 GiB")]
    pub fn seal(&self, plain: &[u8], row: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut sealed = Vec::with_capacity(HEADER + plain.len() + AES_256_GCM.tag_len());
        sealed.push(FORMAT);
        sealed.extend_from_slice(&self.0.generation.to_be_bytes());
        sealed.extend_from_slice(&nonce);
        let mut body = plain.to_vec();
        self.0
            .key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(self.bound_to(row)),
                &mut body,
            )
            .expect("a value of a row is far below the limit of AES-GCM");
        sealed.append(&mut body);
        sealed
    }

    /// Opens a value sealed for this row.
    ///
    /// # Errors
    /// [`Error::Erased`] when it was sealed with an earlier key of the subject, since destroyed;
    /// [`Error::Corrupt`] when it is not what was sealed for this row.
    pub fn open(&self, sealed: &[u8], row: &[u8]) -> Result<Vec<u8>, Error> {
        const DAMAGED: Error = Error::Corrupt("a sealed value does not open");
        let (header, body) = sealed.split_at_checked(HEADER).ok_or(DAMAGED)?;
        let (format, rest) = header.split_first().ok_or(DAMAGED)?;
        let (generation, nonce) = rest.split_at(4);
        if *format != FORMAT {
            return Err(Error::Corrupt("a sealed value of an unknown format"));
        }
        if generation != self.0.generation.to_be_bytes() {
            return Err(Error::Erased);
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| DAMAGED)?;
        let mut body = body.to_vec();
        let length = self
            .0
            .key
            .open_in_place(nonce, Aad::from(self.bound_to(row)), &mut body)
            .map_err(|_| DAMAGED)?
            .len();
        body.truncate(length);
        Ok(body)
    }

    /// Seals a text; see [`DataKey::seal`].
    #[must_use]
    pub fn seal_text(&self, text: &Personal, row: &[u8]) -> Vec<u8> {
        self.seal(text.expose().as_bytes(), row)
    }

    /// Opens a text.
    ///
    /// # Errors
    /// As [`DataKey::open`].
    pub fn open_text(&self, sealed: &[u8], row: &[u8]) -> Result<Personal, Error> {
        let plain = self.open(sealed, row)?;
        String::from_utf8(plain)
            .map(Personal::from)
            .map_err(|_| Error::Corrupt("a sealed text is not UTF-8"))
    }

    fn bound_to(&self, row: &[u8]) -> Vec<u8> {
        let subject = self.0.subject.as_bytes();
        let mut bound = Vec::with_capacity(16 + 8 + subject.len() + row.len());
        bound.extend_from_slice(self.0.tenant.uuid().as_bytes());
        bound.extend_from_slice(&(subject.len() as u64).to_be_bytes());
        bound.extend_from_slice(subject);
        bound.extend_from_slice(row);
        bound
    }
}

/// The data keys of several subjects.
#[derive(Debug, Clone, Default)]
pub struct SubjectKeys(pub(crate) HashMap<Subject, DataKey>);

impl SubjectKeys {
    /// The key of a subject; none when it never had one or it was destroyed.
    #[must_use]
    pub fn get(&self, subject: &str) -> Option<DataKey> {
        self.0.get(subject).cloned()
    }

    /// The key of a subject that must be there.
    ///
    /// # Errors
    /// [`Error::Erased`] when it is not.
    pub fn require(&self, subject: &str) -> Result<DataKey, Error> {
        self.get(subject).ok_or(Error::Erased)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn key(tenant: TenantId, subject: &str, generation: u32) -> DataKey {
        DataKey::new(tenant, subject, generation, &[9; 32]).unwrap()
    }

    #[test]
    fn a_value_opens_only_in_the_row_it_was_sealed_for() {
        let tenant = TenantId::nil();
        let sealed = key(tenant, "rec_a", 1).seal(b"Ada", b"records/1/name");
        assert_eq!(
            key(tenant, "rec_a", 1)
                .open(&sealed, b"records/1/name")
                .unwrap(),
            b"Ada"
        );
        assert!(!sealed.windows(3).any(|window| window == b"Ada"));
        let other_tenant = TenantId::from_uuid(uuid::Uuid::max());
        for (key, row) in [
            (key(tenant, "rec_a", 1), "records/2/name"),
            (key(tenant, "rec_b", 1), "records/1/name"),
            (key(other_tenant, "rec_a", 1), "records/1/name"),
        ] {
            assert!(matches!(
                key.open(&sealed, row.as_bytes()),
                Err(Error::Corrupt(_))
            ));
        }
        assert!(matches!(
            key(tenant, "rec_a", 2).open(&sealed, b"records/1/name"),
            Err(Error::Erased)
        ));
        for damaged in [&sealed[..10], &sealed[..sealed.len() - 1], &[]] {
            assert!(matches!(
                key(tenant, "rec_a", 1).open(damaged, b"records/1/name"),
                Err(Error::Corrupt(_))
            ));
        }
    }

    #[test]
    fn two_seals_of_one_value_differ() {
        let key = key(TenantId::nil(), "s", 1);
        assert_ne!(key.seal(b"x", b"r"), key.seal(b"x", b"r"));
        let text = key.seal_text(&Personal::new("é"), b"r");
        assert_eq!(key.open_text(&text, b"r").unwrap().expose(), "é");
    }
}
