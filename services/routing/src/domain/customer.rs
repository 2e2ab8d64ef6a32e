use rapport_foundation::id::{CustomerId, RecordId};

/// A customer as routing knows them: the source record the fact came in by, kept for ever,
/// and the customer that record belonged to when it was last told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CustomerRef {
    /// The source record; never changes.
    pub record: RecordId,
    /// The customer the record belongs to; merges and separations move it.
    pub customer: CustomerId,
}
