//! Which row and column a sealed value is bound to.

use rapport_foundation::db::Error;
use rapport_foundation::personal::Personal;
use rapport_foundation::seal::SubjectKeys;
use uuid::Uuid;

/// A column that holds sealed values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column(&'static str);

pub(super) const CUSTOMER_DISPLAY_NAME: Column = Column("customers/display_name");
pub(super) const CUSTOMER_GIVEN_NAME: Column = Column("customers/given_name");
pub(super) const CUSTOMER_FAMILY_NAME: Column = Column("customers/family_name");
pub(super) const RECORD_DISPLAY_NAME: Column = Column("records/display_name");
pub(super) const IDENTIFIER_VALUE: Column = Column("identifiers/value");
pub(super) const EDGE_REASON: Column = Column("edges/reason");
pub(super) const EDGE_REVOKE_REASON: Column = Column("edges/revoke_reason");

impl Column {
    fn row(self, id: Uuid) -> Vec<u8> {
        let mut row = self.0.as_bytes().to_vec();
        row.push(b'/');
        row.extend_from_slice(id.as_bytes());
        row
    }

    /// Seals a value of one row under the subject's key, which must be there.
    pub(super) fn seal(
        self,
        keys: &SubjectKeys,
        subject: &str,
        id: Uuid,
        value: &Personal,
    ) -> Result<Vec<u8>, Error> {
        Ok(keys.require(subject)?.seal_text(value, &self.row(id)))
    }

    /// Seals a value that may be absent.
    pub(super) fn seal_optional(
        self,
        keys: &SubjectKeys,
        subject: &str,
        id: Uuid,
        value: Option<&Personal>,
    ) -> Result<Option<Vec<u8>>, Error> {
        value
            .map(|value| self.seal(keys, subject, id, value))
            .transpose()
    }

    /// Opens a value of one row; absent when it was erased.
    pub(super) fn open(
        self,
        keys: &SubjectKeys,
        subject: &str,
        id: Uuid,
        sealed: &[u8],
    ) -> Result<Option<Personal>, Error> {
        let Some(key) = keys.get(subject) else {
            return Ok(None);
        };
        match key.open_text(sealed, &self.row(id)) {
            Ok(value) => Ok(Some(value)),
            Err(Error::Erased) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Opens a value that may be absent.
    pub(super) fn open_optional(
        self,
        keys: &SubjectKeys,
        subject: &str,
        id: Uuid,
        sealed: Option<&[u8]>,
    ) -> Result<Option<Personal>, Error> {
        match sealed {
            Some(sealed) => self.open(keys, subject, id, sealed),
            None => Ok(None),
        }
    }
}
