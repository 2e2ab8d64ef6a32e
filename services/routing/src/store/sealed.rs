//! Words in rows: sealed for somebody, and gone once that key is destroyed.

use rapport_foundation::db::Error;
use rapport_foundation::id::{RecordId, TicketId};
use rapport_foundation::personal::Personal;
use rapport_foundation::seal::SubjectKeys;

/// A row with words about a ticket, and the record of its customer if one is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Worded<T> {
    pub(crate) what: T,
    pub(crate) record: Option<RecordId>,
}

/// Whose key seals the words of a ticket: the customer's record, as erasure asks for it; the ticket's own while nobody is
/// recognised.
pub(super) fn subject_of(ticket: TicketId, record: Option<RecordId>) -> String {
    record.map_or_else(|| ticket.to_string(), |record| record.to_string())
}

/// Seals a text for a place that names table, row and column.
pub(super) fn seal(
    keys: &SubjectKeys,
    subject: &str,
    text: &Personal,
    place: &str,
) -> Result<Vec<u8>, Error> {
    let key = keys.get(subject);
    let key = key.ok_or(Error::Corrupt("a data key is missing"))?;
    Ok(key.seal_text(text, place.as_bytes()))
}

/// Opens it again. Whose key is destroyed is forgotten: the row stays, its words are gone.
pub(super) fn open(
    keys: &SubjectKeys,
    subject: Option<&String>,
    sealed: Option<&Vec<u8>>,
    place: &str,
) -> Result<Personal, Error> {
    let key = subject.and_then(|subject| keys.get(subject));
    match (sealed, key) {
        (Some(sealed), Some(key)) => match key.open_text(sealed, place.as_bytes()) {
            Err(Error::Erased) => Ok(Personal::default()),
            text => text,
        },
        _ => Ok(Personal::default()),
    }
}
