//! The columns that hold what a connector said, in the log and among the conflicts alike.

use rapport_foundation::db::Error;
use rapport_foundation::db::bulk::Type;
use rapport_foundation::money::Amount;
use rapport_foundation::seal::{DataKey, SubjectKeys};
use rapport_foundation::time::Micros;
use sea_orm::{QueryResult, Value};
use uuid::Uuid;

use super::{body, numbers};
use crate::domain::{Channel, Contact, Content, Direction, Kind, Order, Purpose, SealedNumber};

/// The columns, in the order of [`values`].
pub(super) const COLUMNS: [(&str, Type); 20] = [
    ("connector", Type::Text),
    ("external_id", Type::Text),
    ("kind", Type::Small),
    ("channel", Type::Small),
    ("provider", Type::Text),
    ("direction", Type::Small),
    ("purpose", Type::Small),
    ("event_at", Type::Big),
    ("received_at", Type::Big),
    ("history", Type::Bool),
    ("automatic", Type::Bool),
    ("order_id", Type::Text),
    ("order_units", Type::Big),
    ("order_code", Type::Text),
    ("order_exponent", Type::Small),
    ("subject_key", Type::Text),
    ("content_digest", Type::Bytes),
    ("body", Type::Bytes),
    ("raw_payload", Type::Bytes),
    ("numbers", Type::Bytes),
];

/// That a contact `i` has the key of a row `k`.
pub(super) const BY_KEY: &str =
    "i.tenant_id = $1 and i.connector = k.connector and i.external_id = k.external_id";

/// What stands beside a contact in its row.
pub(super) struct Beside<'a> {
    /// The row's own id: what is sealed opens in no other row.
    pub(super) row: &'a [u8],
    pub(super) connector: &'a str,
    pub(super) received_at: Micros,
    pub(super) subject: &'a str,
    pub(super) digest: &'a [u8],
    /// What was taken out of its texts and is kept.
    pub(super) numbers: &'a [SealedNumber],
}

/// The values of one contact, sealed.
pub(super) fn values(
    contact: &Contact,
    beside: &Beside<'_>,
    key: &DataKey,
) -> Result<Vec<Value>, Error> {
    let order = contact.order.as_ref();
    let body = key.seal(&body::encode(contact)?, &bound(beside.row, b"body"));
    let raw = &contact.content.raw_payload.0;
    let raw = if raw.is_empty() {
        Vec::new()
    } else {
        key.seal(raw, &bound(beside.row, b"raw"))
    };
    Ok(vec![
        beside.connector.into(),
        contact.external_id.as_str().into(),
        contact.kind.code().into(),
        contact.channel.code().into(),
        contact.provider.as_str().into(),
        contact.direction.code().into(),
        contact.purpose.map_or(0, Purpose::code).into(),
        contact.event_at.0.into(),
        beside.received_at.0.into(),
        contact.history.into(),
        contact.automatic.into(),
        order.map_or("", |order| order.order_id.as_str()).into(),
        order.map_or(0, |order| order.total.units).into(),
        order.map_or("", |order| order.total.code.as_str()).into(),
        order.map_or(0, |order| order.total.exponent).into(),
        beside.subject.into(),
        beside.digest.to_vec().into(),
        body.into(),
        raw.into(),
        numbers::seal(key, beside.row, beside.numbers)?.into(),
    ])
}

/// One contact as read, still sealed.
pub(super) struct Sealed {
    pub(super) subject: String,
    pub(super) received_at: Micros,
    pub(super) connector: String,
    contact: Contact,
    body: Vec<u8>,
    raw: Vec<u8>,
}

/// Reads a row that was selected with `i.` columns of [`COLUMNS`], with the raw payload or without.
pub(super) fn read(row: &QueryResult, with_raw: bool) -> Result<Sealed, Error> {
    const UNKNOWN: Error = Error::Corrupt("a stored code is not known");
    let order_id: String = row.try_get("", "order_id")?;
    let order = if order_id.is_empty() {
        None
    } else {
        let code: String = row.try_get("", "order_code")?;
        let total = Amount::new(
            row.try_get("", "order_units")?,
            code,
            row.try_get("", "order_exponent")?,
        );
        Some(Order {
            order_id,
            total,
            lines: Vec::new(),
        })
    };
    let contact = Contact {
        external_id: row.try_get("", "external_id")?,
        kind: Kind::from_code(row.try_get("", "kind")?).ok_or(UNKNOWN)?,
        channel: Channel::from_code(row.try_get("", "channel")?).ok_or(UNKNOWN)?,
        provider: row.try_get("", "provider")?,
        direction: Direction::from_code(row.try_get("", "direction")?).ok_or(UNKNOWN)?,
        purpose: Purpose::from_code(row.try_get("", "purpose")?),
        event_at: Micros(row.try_get("", "event_at")?),
        history: row.try_get("", "history")?,
        automatic: row.try_get("", "automatic")?,
        order,
        content: Content::default(),
    };
    Ok(Sealed {
        subject: row.try_get("", "subject_key")?,
        received_at: Micros(row.try_get("", "received_at")?),
        connector: row.try_get("", "connector")?,
        contact,
        body: row.try_get("", "body")?,
        raw: if with_raw {
            row.try_get("", "raw_payload")?
        } else {
            Vec::new()
        },
    })
}

impl Sealed {
    /// The contact as its connector names it.
    pub(super) fn contact_key(&self) -> (&str, &str) {
        (&self.connector, &self.contact.external_id)
    }

    /// Who turned to whom.
    pub(super) const fn direction(&self) -> Direction {
        self.contact.direction
    }

    /// Opens the contact. What was erased is left out: that something took place remains.
    pub(super) fn open(mut self, row: &[u8], keys: &SubjectKeys) -> Result<Contact, Error> {
        // It was forgotten.
        if self.body.is_empty() {
            return Ok(self.contact);
        }
        let Some(key) = keys.get(&self.subject) else {
            return Ok(self.contact);
        };
        let body = match key.open(&self.body, &bound(row, b"body")) {
            Err(Error::Erased) => return Ok(self.contact),
            opened => opened?,
        };
        let raw = if self.raw.is_empty() {
            Vec::new()
        } else {
            key.open(&self.raw, &bound(row, b"raw"))?
        };
        body::decode(&body, raw, &mut self.contact)?;
        Ok(self.contact)
    }
}

/// Names the row and the column a value is sealed for.
pub(super) fn bound(row: &[u8], column: &[u8]) -> Vec<u8> {
    [b"interactions/".as_slice(), row, b"/", column].concat()
}

/// The id of a row as sealing binds it.
pub(super) fn row_of(id: Uuid) -> [u8; 16] {
    *id.as_bytes()
}
