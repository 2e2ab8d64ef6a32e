//! Where data keys come from: made, wrapped, stored, cached and destroyed.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use moka::Entry;
use moka::sync::Cache;
use sea_orm::Value;
use zeroize::Zeroizing;

use super::keyring::{KeyFileError, Keyring};
use super::{DataKey, Subject, SubjectKeys};
use crate::db::bulk::{self, Type};
use crate::db::{Error, Scoped};
use crate::id::TenantId;
use crate::page::PageTokens;
use crate::time::Clock;

/// Cached data keys: about half a kilobyte each.
const CACHED_KEYS: u64 = 20_000;
/// A key destroyed by another replica may still be used here for this long.
const CACHED_FOR: Duration = Duration::from_secs(60);
const CACHED_TENANTS: u64 = 1_000;
/// Tenants whose erasures are counted: some bytes each.
const COUNTED_TENANTS: u64 = 100_000;
const SUBJECT: [(&str, Type); 1] = [("subject", Type::Text)];
const FRESH_KEY: [(&str, Type); 4] = [
    SUBJECT[0],
    ("generation", Type::Big),
    ("wrapped", Type::Bytes),
    ("created_at", Type::Big),
];
/// Format of a wrapped key: this byte, the master key's number (4 bytes), the nonce (12), ciphertext and tag.
const FORMAT: u8 = 1;
const HEADER: usize = 1 + 4 + NONCE_LEN;

/// The keys of one service; cheap to clone.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    ring: Keyring,
    /// By tenant, what was known of its erasures before they were read, and subject.
    keys: Cache<(TenantId, Erasures, Subject), DataKey>,
    erasures: Cache<TenantId, Erasures>,
    wrapping: Cache<(TenantId, u32), Arc<LessSafeKey>>,
    blinding: Cache<TenantId, Arc<hmac::Key>>,
}

/// What is known here of a tenant's erasures. A key that was read under an older state is never used: whoever began to
/// read before a key was destroyed may be done after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Erasures {
    /// How many there were at all, as was told.
    told: i64,
    /// How many keys were destroyed by this process.
    here: u64,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Vault").field(&self.0.ring).finish()
    }
}

impl Vault {
    /// A vault over these master keys.
    #[must_use]
    pub fn new(ring: Keyring) -> Self {
        Self(Arc::new(Inner {
            ring,
            keys: Cache::builder()
                .max_capacity(CACHED_KEYS)
                .time_to_live(CACHED_FOR)
                .build(),
            erasures: Cache::new(COUNTED_TENANTS),
            wrapping: Cache::new(CACHED_TENANTS),
            blinding: Cache::new(CACHED_TENANTS),
        }))
    }

    /// A vault over the key file at `path`.
    ///
    /// # Errors
    /// When the file is missing or malformed.
    pub fn open(path: &Path) -> Result<Self, KeyFileError> {
        Keyring::read(path).map(Self::new)
    }

    /// A vault over the key file at `path`, which is made when missing: for the embedded suite only.
    ///
    /// # Errors
    /// When the file is malformed or cannot be made.
    pub fn open_or_create(path: &Path) -> Result<Self, KeyFileError> {
        Keyring::read_or_create(path).map(Self::new)
    }

    /// The page tokens of a service, under a key derived from the master key.
    #[must_use]
    pub fn page_tokens(&self, purpose: &str) -> PageTokens {
        PageTokens::new(
            &self
                .0
                .ring
                .purpose(&format!("rapport page tokens v1 {purpose}")),
        )
    }

    /// A key for a purpose of the whole service, the same after each restart.
    #[must_use]
    pub fn purpose_key(&self, purpose: &str) -> [u8; 32] {
        self.0.ring.purpose(purpose)
    }

    /// What equality is searched by where the value itself is sealed: the same for equal texts of one kind within
    /// a tenant, and telling nothing without the key.
    #[must_use]
    pub fn blind(&self, tenant: TenantId, kind: &str, normalised: &str) -> Vec<u8> {
        let key = self.0.blinding.get_with(tenant, || {
            Arc::new(hmac::Key::new(
                hmac::HMAC_SHA256,
                self.0.ring.blinding(tenant).as_ref(),
            ))
        });
        let mut context = hmac::Context::with_key(&key);
        context.update(&(kind.len() as u64).to_be_bytes());
        context.update(kind.as_bytes());
        context.update(normalised.as_bytes());
        context.sign().as_ref().to_vec()
    }

    /// The keys of these subjects; what is missing is made in this same transaction. A subject whose key was
    /// destroyed gets a new one, under which nothing old opens.
    ///
    /// # Errors
    /// When the store fails or a wrapped key cannot be opened.
    pub async fn keys(&self, s: &Scoped, subjects: &[Subject]) -> Result<SubjectKeys, Error> {
        let mut found = self.existing(s, subjects).await?;
        let mut missing: Vec<&Subject> = subjects
            .iter()
            .filter(|subject| !found.0.contains_key(*subject))
            .collect();
        missing.sort_unstable();
        missing.dedup();
        if missing.is_empty() {
            return Ok(found);
        }
        self.make(s, &missing).await?;
        // Read back instead of trusting what was made: another transaction may have come first.
        let missing: Vec<Subject> = missing.into_iter().cloned().collect();
        found.0.extend(self.load(s, &missing).await?);
        if missing.iter().all(|subject| found.0.contains_key(subject)) {
            Ok(found)
        } else {
            Err(s.raced())
        }
    }

    /// The keys of those of these subjects that have one.
    ///
    /// # Errors
    /// When the store fails or a wrapped key cannot be opened.
    pub async fn existing(&self, s: &Scoped, subjects: &[Subject]) -> Result<SubjectKeys, Error> {
        let tenant = s.tenant();
        let erasures = self.erasures(tenant);
        let mut found = HashMap::with_capacity(subjects.len());
        let mut unknown = Vec::new();
        for subject in subjects {
            match self.0.keys.get(&(tenant, erasures, subject.clone())) {
                Some(key) => {
                    found.insert(subject.clone(), key);
                }
                None => unknown.push(subject.clone()),
            }
        }
        unknown.sort_unstable();
        unknown.dedup();
        found.extend(self.load(s, &unknown).await?);
        Ok(SubjectKeys(found))
    }

    /// Tells how often subjects of a tenant were erased: keys that were cached before are read again, so that nothing new
    /// is sealed with one that another replica has destroyed.
    pub fn erased(&self, tenant: TenantId, erasures: i64) {
        if self.erasures(tenant).told < erasures {
            self.note_erasure(tenant, |known| known.told = known.told.max(erasures));
        }
    }

    fn erasures(&self, tenant: TenantId) -> Erasures {
        self.0.erasures.get(&tenant).unwrap_or_default()
    }

    fn note_erasure(&self, tenant: TenantId, note: impl FnOnce(&mut Erasures)) {
        self.0.erasures.entry(tenant).and_upsert_with(|known| {
            let mut known = known.map(Entry::into_value).unwrap_or_default();
            note(&mut known);
            known
        });
    }

    /// Destroys a subject's key: what was sealed with it can never be opened again. Answers whether there was one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn destroy(&self, s: &Scoped, subject: &str) -> Result<bool, Error> {
        let sql = "update subject_keys set wrapped = null, destroyed_at = $3 \
                   where tenant_id = $1 and subject = $2 and wrapped is not null";
        let destroyed = s
            .raw_exec(sql, [subject.into(), Clock::system().now().0.into()])
            .await?;
        let (vault, tenant) = (self.clone(), s.tenant());
        let key = (tenant, self.erasures(tenant), subject.to_owned());
        // Not to be found in what is left of this transaction, either.
        self.0.keys.invalidate(&key);
        s.after_commit(move || vault.note_erasure(tenant, |known| known.here += 1));
        Ok(destroyed > 0)
    }

    async fn load(
        &self,
        s: &Scoped,
        subjects: &[Subject],
    ) -> Result<HashMap<Subject, DataKey>, Error> {
        let erasures = self.erasures(s.tenant());
        let mut found = HashMap::with_capacity(subjects.len());
        let rows = subjects.iter().map(|subject| vec![subject.as_str().into()]);
        let its = bulk::each(
            s.engine(),
            "subject_keys s",
            "s.tenant_id = $1 and s.subject = k.subject",
        );
        let query = format!(
            "select s.subject, s.generation, s.wrapped from k {its} where s.wrapped is not null"
        );
        for row in bulk::select(s, &SUBJECT, rows.collect(), &query).await? {
            let subject: String = row.try_get("", "subject")?;
            let generation = u32::try_from(row.try_get::<i64>("", "generation")?).unwrap_or(0);
            let wrapped: Vec<u8> = row.try_get("", "wrapped")?;
            let key = self.unwrap(s.tenant(), &subject, generation, &wrapped)?;
            let entry = (s.tenant(), erasures, subject.clone());
            let (vault, cached) = (self.clone(), key.clone());
            // A key made in a transaction that rolls back must not stay: what it sealed would be lost.
            s.after_commit(move || vault.0.keys.insert(entry, cached));
            found.insert(subject, key);
        }
        Ok(found)
    }

    async fn make(&self, s: &Scoped, subjects: &[&Subject]) -> Result<(), Error> {
        let now = Clock::system().now().0;
        let mut rows: Vec<Vec<Value>> = Vec::with_capacity(subjects.len());
        for subject in subjects {
            let wrapped = self.wrap(s.tenant(), subject)?;
            rows.push(vec![
                subject.as_str().into(),
                1_i64.into(),
                wrapped.into(),
                now.into(),
            ]);
        }
        let again = "on conflict (tenant_id, subject) do update set wrapped = excluded.wrapped, \
                     generation = subject_keys.generation + 1, destroyed_at = null \
                     where subject_keys.wrapped is null";
        bulk::insert(s, "subject_keys", &FRESH_KEY, rows, again).await?;
        Ok(())
    }

    /// A fresh data key, wrapped.
    fn wrap(&self, tenant: TenantId, subject: &str) -> Result<Vec<u8>, Error> {
        let number = self.0.ring.newest();
        let mut key = Zeroizing::new([0_u8; 32]);
        aws_lc_rs::rand::fill(key.as_mut())
            .map_err(|_| Error::Misconfigured("no randomness".into()))?;
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut body = key.to_vec();
        self.wrapping(tenant, number)?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(subject.as_bytes()),
                &mut body,
            )
            .map_err(|_| Error::Misconfigured("a key cannot be wrapped".into()))?;
        let mut wrapped = vec![FORMAT];
        wrapped.extend_from_slice(&number.to_be_bytes());
        wrapped.extend_from_slice(&nonce);
        wrapped.append(&mut body);
        Ok(wrapped)
    }

    fn unwrap(
        &self,
        tenant: TenantId,
        subject: &str,
        generation: u32,
        wrapped: &[u8],
    ) -> Result<DataKey, Error> {
        const DAMAGED: Error = Error::Corrupt("a wrapped key does not open");
        let (header, body) = wrapped.split_at_checked(HEADER).ok_or(DAMAGED)?;
        let (number, nonce) = header.get(1..).ok_or(DAMAGED)?.split_at(4);
        if header.first() != Some(&FORMAT) {
            return Err(Error::Corrupt("a wrapped key of an unknown format"));
        }
        let number = u32::from_be_bytes(number.try_into().map_err(|_| DAMAGED)?);
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| DAMAGED)?;
        let mut body = Zeroizing::new(body.to_vec());
        let key = self
            .wrapping(tenant, number)?
            .open_in_place(nonce, Aad::from(subject.as_bytes()), &mut body)
            .map_err(|_| DAMAGED)?;
        DataKey::new(tenant, subject, generation, key)
    }

    fn wrapping(&self, tenant: TenantId, number: u32) -> Result<Arc<LessSafeKey>, Error> {
        if let Some(key) = self.0.wrapping.get(&(tenant, number)) {
            return Ok(key);
        }
        let raw = self
            .0
            .ring
            .wrapping(number, tenant)
            .ok_or_else(|| Error::Misconfigured(format!("master key {number} is missing")))?;
        let key = UnboundKey::new(&AES_256_GCM, raw.as_ref())
            .map_err(|_| Error::Misconfigured("a master key of the wrong length".into()))?;
        let key = Arc::new(LessSafeKey::new(key));
        self.0.wrapping.insert((tenant, number), Arc::clone(&key));
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Micros;

    #[test]
    fn a_blind_index_depends_on_tenant_kind_and_text() {
        let vault = Vault::new(Keyring::single([1; 32]));
        let (a, b) = (TenantId::new(Micros(1)), TenantId::new(Micros(1)));
        let index = vault.blind(a, "email", "ada@example.com");
        assert_eq!(index.len(), 32);
        assert_eq!(index, vault.blind(a, "email", "ada@example.com"));
        assert_ne!(index, vault.blind(b, "email", "ada@example.com"));
        assert_ne!(index, vault.blind(a, "phone", "ada@example.com"));
        assert_ne!(
            index,
            Vault::new(Keyring::single([2; 32])).blind(a, "email", "ada@example.com")
        );
        assert_ne!(vault.blind(a, "ab", "c"), vault.blind(a, "a", "bc"));
    }
}
