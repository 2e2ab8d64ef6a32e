//! Sealed values: personal data encrypted with a key per subject, which erasure destroys.
//!
//! master key (a file) → per tenant, by HKDF-SHA256: a key-encryption key and a blind-index key → per subject: a
//! data key, wrapped by the tenant's key, in the table `subject_keys`. Values are AES-256-GCM with the tenant, the
//! subject and the row as associated data, so that a ciphertext copied to another row does not open. Destroying
//! the wrapped key makes every copy of the value unreadable, backups included.

mod content;
mod data_key;
mod keyring;
mod vault;

pub use content::{ContentKey, FRAME_BYTES, FRAME_OVERHEAD, Place};
pub use data_key::{DataKey, SubjectKeys};
pub use keyring::{KeyFileError, Keyring};
pub use vault::Vault;

/// Who a data key belongs to, as the service knows it: a record id, a blind index, a ticket's customer.
pub type Subject = String;
